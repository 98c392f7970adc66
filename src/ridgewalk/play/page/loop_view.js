// The loop's view: its lines, the one that ran last marked, and beside it what that line did. It runs when a reader wants it to.
//
// What stands there follows from the settings, the strength and the number of lines that have run: a link holds these, and a change of a
// setting runs the loop to the same line again.

const PACES = { slow: { lines: 1 }, lines: { lines: 5 }, steps: { steps: 5 }, fast: { lines: Infinity } };
const LOOP_SHARE = 9; // milliseconds of a frame that lines may take
const PIECE = { rows: 3, columns: 4 }; // of an array, its first numbers
const PARTS_OF_STEP = { forward: "forward", "relu-forward": "forward", "data-loss": "loss", penalty: "loss", loss: "loss", accuracy: "loss", "loss-backward": "backward", backward: "backward", "relu-backward": "backward", "before-update": "update", update: "update", "after-update": "update" };
const loop = { run: null, key: "", notes: [], goal: 0, playing: false, owed: 0, before: 0, asked: false, outputs: null, drawn: "" };

const isLoop = () => page.view === "loop" && Boolean(at("loop-section"));

/** Begin the loop anew where the settings, rows or the strength are others; it goes to the line where it stood. */
function prepareLoop() {
  if (!page.strengths || !page.data) return;
  const { optimizer, rate, momentum, epochs, hidden, penalty, mix, factors, bias, activation } = page.state;
  const key = JSON.stringify([strengthNow(), optimizer, rate, momentum, epochs, hidden, penalty, mix, factors, bias, activation]);
  if (loop.key === key && loop.data === page.data) return;
  if (loop.data && loop.data.columns !== page.data.columns) page.state.line = 0; // other rows: nothing to compare with
  Object.assign(loop, { key, data: page.data, outputs: null, drawn: "" });
  const spec = loopOf(page.state, page.data, strengthNow());
  loop.notes = [...spec.notes, ...(page.problem?.batch ? ["loop-all-rows"] : [])];
  loop.run = spec.x ? new LoopRun(spec, (seed, count) => page.pools.path.engine.normals(seed, count)) : null;
  loop.goal = loop.run ? Math.min(page.state.line, loop.run.end) : 0;
}

/** Run on to a line; where it has run already, from the start. */
function runTo(done) {
  if (!loop.run) return;
  if (done < loop.run.done) loop.key = "";
  page.state.line = clamp(done, 0, loop.run.end);
  prepareLoop();
  loop.goal = page.state.line;
  refresh("loop");
}

function playLoop(playing) {
  Object.assign(loop, { playing, owed: playing ? 1 : 0, before: performance.now() });
  if (!playing && loop.run) settleLoop();
  refresh("loop");
}

/** Note where the loop stands, for the link. */
function settleLoop() {
  page.state.line = loop.goal = loop.run.done;
  keepLink();
}

/** Run the lines that are due in this frame: up to the goal at once, or at the chosen pace. */
function runDue() {
  const { run } = loop, began = performance.now();
  if (!run) return;
  if (loop.playing && run.done >= loop.goal) {
    const { lines, steps } = PACES[page.state.pace], last = loop.before;
    loop.before = began;
    loop.owed += ((began - last) / 1000) * (lines ?? steps * run.body);
    while (loop.owed >= 1 && run.next()) {
      loop.owed -= 1;
      if (performance.now() - began > LOOP_SHARE) loop.owed = Math.min(loop.owed, run.body);
      if (performance.now() - began > LOOP_SHARE) break;
    }
    loop.goal = run.done;
    if (run.at === null || !Number.isFinite(run.total ?? 0)) playLoop(false);
  }
  while (run.done < loop.goal && run.next()) if (performance.now() - began > LOOP_SHARE) break;
}

function drawLoop() {
  if (!isLoop()) return;
  prepareLoop();
  runDue();
  const { run } = loop, behind = run && run.done < loop.goal;
  drawLines(run);
  drawLoopTools(run);
  at("loop-notes").textContent = [say("loop-note"), ...loop.notes.map((key) => say(key))].join(" ");
  at("loop-where").textContent = !run ? "" : behind ? say("loop-catching") : !Number.isFinite(run.total ?? 0) ? say("loop-diverged") : run.done < run.begin ? say("loop-where-start") : run.at === null ? say("loop-where-end", { steps: run.spec.steps }) : say("loop-where", { done: run.steps, steps: run.spec.steps });
  if (!behind) drawDid(run);
  const moved = `${loop.key} ${run?.done}`;
  if (run && moved !== loop.drawn && !behind) {
    Object.assign(loop, { drawn: moved, outputs: null });
    refresh("bar", "picture", "network", "course", "inputs");
  }
  if (behind || loop.playing) refresh("loop");
}

const PENAL = /((?:weight|bias)_(?:L1|L2|regularizer_l1|regularizer_l2)=[\d.e-]+)/;

/** The lines, made anew where they are others; the one that ran last is marked. */
function drawLines(run) {
  const place = at("loop-lines"), names = page.state.names, key = run ? `${language} ${names} ${run.lines.map(({ text }) => text).join("\n")} ${run.spec.steps}` : "";
  if (place.dataset.key !== key) {
    place.dataset.key = key;
    place.replaceChildren(...(run ? linesOf(run, names) : []));
  }
  if (!run) return;
  for (const item of place.children) {
    const now = item.dataset.line !== undefined && Number(item.dataset.line) === run.last;
    if (item.classList.contains("now") === now) continue;
    item.classList.toggle("now", now);
    if (now) item.setAttribute("aria-current", "step"); else item.removeAttribute("aria-current");
    if (now && place.scrollHeight > place.clientHeight + 2) place.scrollTop = item.offsetTop - place.clientHeight / 2;
  }
  at("loop-count").textContent = run.done < run.begin || run.at === null ? "" : `  # step = ${run.steps}`;
}

function linesOf(run, names) {
  const items = [], comment = (part, inner) => html("li", { class: `comment${inner ? " inner" : ""}` }, `# ${say(`loop-part-${part}`)}`);
  let part = "";
  run.lines.forEach((line, k) => {
    const now = line.part === "start" ? "start" : PARTS_OF_STEP[line.kind];
    if (k === run.begin) items.push(html("li", { class: "head" }, html("code", {}, `for step in range(${run.spec.steps}):`, html("span", { id: "loop-count", class: "comment" }))));
    if (now !== part) items.push(comment(now, line.part === "step"));
    part = now;
    const pieces = named(line.text, names).split(PENAL).map((text, p) => (p % 2 ? html("b", {}, text) : html("span", {}, ...breakable(text))));
    items.push(html("li", { "data-line": k, class: line.part === "step" ? "inner" : "" }, html("code", {}, ...pieces)));
  });
  return items;
}

/** A text that may break behind a dot, a bracket or a comma. */
const breakable = (text) => text.split(/(?<=[.(]|, )/).flatMap((part, k) => (k ? [html("wbr"), part] : [part]));

function drawLoopTools(run) {
  const through = !run || run.at === null;
  for (const id of ["loop-next", "loop-step-on", "loop-run"]) at(id).disabled = through;
  at("loop-again").disabled = !run || run.done === 0;
  at("loop-run").textContent = `${loop.playing ? "❚❚" : "▶"} ${say(loop.playing ? "loop-pause" : "loop-run")}`;
  at("loop-pace").value = page.state.pace;
  at("loop-names").value = page.state.names;
  at("loop-save").disabled = !run;
}

/** What the last line did: its sentence, one number worked out, pieces of arrays or sums, and the loss as a bar. */
function drawDid(run) {
  const look = run && lookOf(run), place = at("loop-did"), sentence = !run ? "" : look ? say(look.say, look.values) : say("loop-begins");
  place.setAttribute("aria-live", loop.playing ? "off" : "polite");
  if (place.textContent !== sentence) place.textContent = sentence;
  at("loop-formula").textContent = look ? named(look.formula, page.state.names) : "";
  const pieces = look ? look.pieces.map(pieceOf) : [];
  at("loop-pieces").replaceChildren(...pieces, ...(look?.sums.length ? [sumsOf(look.sums)] : []));
  drawLossBar(run);
}

function pieceOf({ sign, name, note, array }) {
  const rows = Math.min(PIECE.rows, array.rows), columns = Math.min(PIECE.columns, array.columns), words = named(name, page.state.names);
  const cell = (i, j) => {
    const value = array.values[i * array.columns + j];
    return html("td", { class: `${value === 0 ? "zero" : ""}${i + j === 0 ? " first" : ""}` }, short(value));
  };
  const body = Array.from({ length: rows }, (_, i) => html("tr", {}, ...Array.from({ length: columns }, (__, j) => cell(i, j)), ...(columns < array.columns ? [html("td", { class: "more" }, "…")] : [])));
  if (rows < array.rows) body.push(html("tr", {}, ...Array.from({ length: columns }, () => html("td", { class: "more" }, "⋮"))));
  const caption = html("caption", {}, html("div", {}, ...(words ? [html("code", {}, words)] : []), ...(note ? [html("span", { class: words ? "of" : "of only" }, say(note))] : []), html("code", { class: "shape" }, `(${array.rows}, ${array.columns})`)));
  return html("div", { class: "piece" }, html("span", { class: "sign", "aria-hidden": sign ? null : "true" }, sign ?? ""), html("table", {}, caption, html("tbody", {}, ...body)));
}

function sumsOf(sums) {
  const row = ([name, worked]) => html("tr", {}, html("th", { scope: "row" }, html("code", {}, named(name, page.state.names))), html("td", {}, worked));
  return html("table", { class: "sums" }, html("tbody", {}, ...sums.map(row)));
}

/** Data loss and penalty as one bar, from the last time they were added. */
function drawLossBar(run) {
  const place = at("loop-bar"), { dataLoss, penalty } = run?.history.at(-1) ?? {}, known = Number.isFinite(dataLoss + penalty);
  if (!known) return place.replaceChildren();
  const most = Math.max(run.history[0].dataLoss + run.history[0].penalty, dataLoss + penalty), width = Math.max(200, place.clientWidth), x = scale([0, most], [0, width]);
  const entry = (kind, key, value) => html("span", { class: "entry" }, html("span", { class: `key block ${kind}`, "aria-hidden": "true" }), `${say(key)} ${number(value)}`);
  const bar = svg("svg", { width, height: 14, viewBox: `0 0 ${width} 14`, "aria-hidden": "true" }, svg("rect", { x: 0, y: 1, width, height: 12, rx: 3, class: "slot" }), svg("rect", { x: 0, y: 1, width: x(dataLoss), height: 12, class: "fill-train" }), svg("rect", { x: x(dataLoss), y: 1, width: x(penalty), height: 12, class: "fill-series-3" }));
  return place.replaceChildren(html("p", {}, html("b", {}, `${say("loss-now")} ${number(dataLoss + penalty)}`), "=", entry("train", "data-loss", dataLoss), "+", entry("series-3", "penalty-value", penalty)), bar);
}

// What the page's other parts ask of the loop.

function loopShown() {
  const { run } = loop;
  if (!run || run.dense.length <= run.spec.hidden.length + 1) return null; // not all layers are there yet
  loop.outputs ??= page.wanted.rows ? run.outputs(page.wanted.x, page.wanted.rows) : null;
  const weights = run.dense.slice(1).flatMap(({ weight, bias }) => [weight, bias]).map(({ rows, columns, values }) => ({ inputs: rows, units: columns, values }));
  return { weights, outputs: loop.outputs, heldOut: null };
}

function loopFacts(weights) {
  const last = loop.run?.history.at(-1);
  return [[say("step-now"), loop.run ? loop.run.steps : "–"], [say("loss-now"), last ? number(last.dataLoss + last.penalty, 3) : "–"], [say("data-loss"), last ? number(last.dataLoss, 3) : "–"], [say("penalty-value"), last ? number(last.penalty, 3) : "–"], [say("zeros"), weights ? zerosInWords() : "–"]];
}
function zerosInWords() {
  const each = loop.run.zeros();
  return say("zeros-of", { zeros: each.reduce((sum, { zeros }) => sum + zeros, 0), all: each.reduce((sum, { all }) => sum + all, 0) });
}

/** The course so far, thinned. */
function loopHistory() {
  const all = loop.run?.history ?? [], stride = Math.ceil(all.length / MOST_POINTS);
  return all.filter((_, k) => k % stride === 0 || k === all.length - 1).map(({ step, dataLoss, penalty }) => ({ epoch: step, dataLoss, penalty, heldoutLoss: NaN }));
}

function startLoop() {
  if (!at("loop-section")) return;
  const paused = (f) => () => { playLoop(false); if (loop.run) f(loop.run); };
  at("loop-next").addEventListener("click", paused((run) => runTo(run.done + 1)));
  at("loop-step-on").addEventListener("click", paused((run) => runTo(run.begin + (run.done < run.begin ? 0 : run.steps + 1) * run.body)));
  at("loop-run").addEventListener("click", () => playLoop(!loop.playing));
  at("loop-again").addEventListener("click", paused(() => runTo(0)));
  at("loop-pace").addEventListener("change", (event) => change({ pace: event.target.value }));
  at("loop-names").addEventListener("change", (event) => change({ names: event.target.value }));
  at("loop-save").addEventListener("click", () => {
    const url = URL.createObjectURL(new Blob([loopProgram(loop.run.spec)], { type: "text/x-python" }));
    html("a", { href: url, download: "loop.py" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  });
}
