// The frame of the lessons: which one is shown, its words and switches, what is trained for it, and the reader's answer.

const school = { table: null, pools: null, number: 0, views: new Map(), found: new Map(), solved: new Set(), replies: new Map(), queue: [], busy: null };
const lessonNow = () => LESSONS[school.number];
const nameOf = ([name, start]) => (start === undefined ? name : `${name} ${start}`);

/** Say words of the lesson that is shown, with the numbers of its table. */
const tell = (words, values = {}) => say(`${lessonNow().key}-${words}`, spoken({ ...school.table.says[lessonNow().key], ...lessonNow().numbers, ...values }));
const SPOKEN = { share: percent, points };
const spoken = (numbers) => Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, typeof value !== "number" ? value : SPOKEN[name.split("_").at(-1)]?.(value) ?? shortNumber(value).replace(/^-/, "−")]));

function viewNow() {
  const { key, start } = lessonNow();
  if (!school.views.has(key)) school.views.set(key, start());
  return school.views.get(key);
}

// Words.

function showLesson(focus = false) {
  const { key } = lessonNow();
  sayAll(language);
  document.title = `${school.number + 1}. ${tell("name")} · ${say("title")}`;
  at("steps").firstChild.replaceChildren(...LESSONS.map(stepOf));
  at("count").textContent = say("count", { k: school.number + 1, of: LESSONS.length });
  at("name").textContent = tell("name");
  at("text").replaceChildren(...tell("text").split("\n").map((part) => (part.startsWith("= ") ? html("p", { class: "formula" }, part.slice(2)) : html("p", {}, part))));
  at("task").textContent = tell("ask");
  for (const which of ["first", "second"]) {
    at(`${which}-legend`).replaceChildren();
    clearPlace(at(which), WORDS.en[`${key}-${which}`] !== undefined);
    at(`${which}-title`).textContent = WORDS.en[`${key}-${which}`] === undefined ? "" : tell(which);
  }
  at("panels").classList.toggle("two", !at("second").parentElement.hidden);
  at("facts").replaceChildren();
  at("switches").replaceChildren(...lessonNow().switches().map(switchOf));
  showWays();
  showReply();
  if (focus) { scrollTo(0, 0); at("name").focus({ preventScroll: true }); }
  trainNeeded();
  redraw();
}

function clearPlace(place, used) {
  place.replaceChildren();
  place.style.height = "";
  place.parentElement.hidden = !used;
}

const linkTo = (k) => `#lesson=${k + 1}${school.lang ? `&lang=${school.lang}` : ""}`;
function stepOf({ key }, k) {
  const done = school.solved.has(key);
  return html("li", {}, html("a", { href: linkTo(k), "aria-current": k === school.number ? "step" : null }, html("b", {}, done ? "✓" : k + 1), html("span", { class: "short" }, say(`${key}-short`)), html("span", { class: "unseen" }, `${k + 1}. ${say(`${key}-name`)}${done ? `, ${say("answered")}` : ""}`)));
}

function showWays() {
  for (const [id, k] of [["before", school.number - 1], ["after", school.number + 1]]) {
    const there = LESSONS[k], words = (name) => (id === "before" ? `← ${name}` : `${name} →`);
    at(id).replaceChildren(...(there ? ["name", "short"].map((part) => html("span", { class: part }, words(say(`${there.key}-${part}`)))) : []));
    there ? at(id).setAttribute("href", linkTo(k)) : at(id).removeAttribute("href");
    at(id).classList.toggle("main", id === "after" && school.solved.has(lessonNow().key));
  }
}

// Switches.

function switchOf({ key, kind, words, from: names, shown = (value) => say(value), least = 0, count }) {
  const view = viewNow(), set = (value) => { view[key] = value; school.replies.delete(lessonNow().key); showReply(); trainNeeded(); redraw(); };
  if (kind === "choice") {
    const option = (value) => {
      const input = html("input", { type: "radio", name: `set-${key}`, value, id: `set-${key}-${value}` });
      input.checked = view[key] === value;
      input.addEventListener("change", () => set(value));
      return html("label", {}, input, html("span", {}, shown(value)));
    };
    return html("fieldset", {}, html("legend", {}, say(words ?? key)), html("div", { class: "views" }, ...names.map(option)));
  }
  const input = html("input", { type: "range", id: `set-${key}`, min: least, max: count - 1, step: 1 }), output = html("output", { for: `set-${key}` });
  const tellValue = () => { output.textContent = shown(view[key]); input.setAttribute("aria-valuetext", shown(view[key])); };
  input.value = view[key];
  input.addEventListener("input", () => { set(input.valueAsNumber); tellValue(); });
  tellValue();
  return html("div", { class: "control" }, html("label", { for: `set-${key}` }, say(words)), output, input);
}

// Training: one after the other, what the lesson that is shown needs first.

function trainNeeded() {
  school.queue = lessonNow().needs(viewNow()).filter((need) => !school.found.has(nameOf(need)));
  if (!school.busy) trainNext();
}

async function trainNext() {
  const need = school.queue.shift();
  school.busy = need ?? null;
  if (!need) return;
  const name = nameOf(need), progress = { share: 0, partial: null };
  school.found.set(name, progress);
  try {
    progress.result = await trained(school.pools, school.table, need[0], need[1], (share, partial) => {
      Object.assign(progress, { share, partial });
      redraw();
    });
  } catch (error) {
    complain(error);
  }
  redraw();
  trainNext();
}

const needed = () => lessonNow().needs(viewNow()).map((need) => school.found.get(nameOf(need)));
const isReady = () => needed().every((each) => each?.result);

// The figure, once a frame at most.

let redrawAsked = false;
function redraw() {
  if (redrawAsked) return;
  redrawAsked = true;
  requestAnimationFrame(() => {
    redrawAsked = false;
    drawFigure();
  });
}

function drawFigure() {
  const ready = isReady(), lesson = lessonNow(), shares = needed().map((each) => (each?.result ? 1 : each?.share ?? 0));
  at("progress").hidden = ready;
  at("progress").value = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  at("check").disabled = !ready;
  at("said").classList.remove("final");
  at("said").textContent = ready ? "" : say("in-training");
  at("figure").setAttribute("aria-busy", String(!ready));
  document.documentElement.dataset.lesson = ready ? lesson.key : "";
  if (!ready && (calm() || !lesson.grows)) return;
  showFacts(lesson.draw(viewNow()) ?? []);
}

function showFacts(facts) {
  at("facts").replaceChildren(...facts.map(([name, value]) => html("div", {}, html("dt", {}, name), html("dd", {}, String(value)))));
}

// The answer.

function checkAnswer() {
  const { key, check } = lessonNow(), [right, words, values] = check(viewNow());
  school.replies.set(key, { right, words, values });
  if (right) school.solved.add(key);
  const focused = document.activeElement.id;
  at("steps").firstChild.replaceChildren(...LESSONS.map(stepOf));
  if (focused) at(focused)?.focus();
  showWays();
  showReply();
  redraw();
}

function showReply() {
  const reply = school.replies.get(lessonNow().key), place = at("reply");
  place.className = reply ? (reply.right ? "right" : "wrong") : "";
  const parts = reply ? tell(`is-${reply.words}`, reply.values).split("\n") : [];
  place.replaceChildren(...parts.map((part, k) => html("p", {}, k || !reply.right ? part : `✓ ${part}`)));
}

/** Say what is wrong. */
function complain(error) {
  at("trouble").hidden = false;
  at("trouble").textContent = say("broken", { message: error.message });
}

// The page begins.

function readLink() {
  const words = new URLSearchParams(location.hash.replace(/^#/, "")), k = Number(words.get("lesson") ?? 1);
  school.number = Number.isInteger(k) && k >= 1 && k <= LESSONS.length ? k - 1 : 0;
  school.lang = ["en", "zh"].find((lang) => lang === words.get("lang"));
  language = school.lang ?? (navigator.language.startsWith("zh") ? "zh" : "en");
}

async function startLessons() {
  school.table = JSON.parse(at("table").textContent);
  readLink();
  sayAll(language);
  at("check").addEventListener("click", checkAnswer);
  at("language").addEventListener("click", () => {
    school.lang = language === "en" ? "zh" : "en";
    history.replaceState(null, "", linkTo(school.number));
    readLink();
    showLesson();
  });
  addEventListener("hashchange", () => { readLink(); showLesson(true); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { inks = null; redraw(); });
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; redraw(); } });
  school.pools = await startPools();
  showLesson();
  document.documentElement.dataset.ready = "yes";
}

startLessons().catch(complain);
