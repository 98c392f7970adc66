// One page: what was chosen, the path that is trained for it, and one network that is watched. Every change goes through `change`.
//
//   soft    strength, mix, rate, noise: the watched network goes on from its weights; the path starts anew (a strength alone: stays)
//   hard    all else: both start anew. A point of the path comes from one unchanged run alone; the former curve is shown dashed.

const SOFT = new Set(["mix", "rate", "noise"]), LOOKS = new Set(["strength", "view", "lang", "speed", "line", "pace", "names", "ask"]);
const FRESH_ROWS = 2000, MOST_POINTS = 240, GO_ON = 250, REPORT_EVERY = 66; // fresh rows to judge by; points of a course; milliseconds until a path begins anew, and between two looks at the watched network
const MOST_ITEMS = 14; // inputs in the list
const page = {
  state: null, data: null, table: null, target: -1, pools: null, problem: null, strengths: null,
  run: null, curve: null, path: null, ghost: null, seconds: null,
  live: null, playing: false, asked: false, report: null, history: [], changes: [], stride: 1, back: null, touched: false, view: "live",
};

/** Describe the rows that were chosen: a problem's rows, with what pictures need: reach, height, truth, names. */
function dataOf(state) {
  return state.data === "csv" ? withReach(page.table.encoded) : drawnData(state);
}

function withReach(data) {
  if (data.columns > 2) return data;
  const ends = (values) => {
    let [low, high] = [Infinity, -Infinity];
    for (const value of values) { low = Math.min(low, value); high = Math.max(high, value); }
    const room = 0.06 * (high - low || 1);
    return [low - room, high + room];
  };
  const column = (k) => Array.from({ length: data.rows }, (_, row) => data.x[row * data.columns + k]);
  const reach = Array.from({ length: data.columns }, (_, k) => ends(column(k)));
  return { ...data, reach, height: data.numbers ? ends(data.numbers) : [-CLASS_ROW * data.classCount, 1.02] };
}

const isDrawn = (data) => data.columns <= 2;
const outputsOf = (data) => (data.classes ? data.classCount : 1);

/** Rows whose outputs are wanted: a grid to draw on, and fresh rows to judge by, one behind the other. */
function wantedRows() {
  const { data, state } = page, grid = isDrawn(data) ? gridOf(data) : { x: new Float64Array(0), rows: 0 };
  const fresh = state.data === "csv" ? { x: new Float64Array(0), rows: 0 } : drawRows(state.data, FRESH_ROWS, state.noise, state.draw + 10007, true);
  const x = new Float64Array(grid.x.length + fresh.x.length);
  x.set(grid.x);
  x.set(fresh.x, grid.x.length);
  return { grid, fresh, x, rows: grid.rows + fresh.rows };
}

/** How good outputs of fresh rows are: the share that is right, or the mean squared error; null where there are none. */
function judged(outputs) {
  const { grid, fresh } = page.wanted, count = outputsOf(page.data), own = outputs?.subarray(grid.rows * count);
  if (!fresh.rows || !own?.length) return null;
  let sum = 0;
  for (let row = 0; row < fresh.rows; ++row) {
    if (!fresh.classes) { sum += (own[row] - fresh.numbers[row]) ** 2; continue; }
    let best = 0;
    for (let c = 1; c < count; ++c) if (own[row * count + c] > own[row * count + best]) best = c;
    sum += best === fresh.classes[row] ? 1 : 0;
  }
  return sum / fresh.rows;
}

/** Change what was chosen, and whatever depends on it. */
function change(changes) {
  const keys = Object.keys(changes).filter((key) => JSON.stringify(page.state[key]) !== JSON.stringify(changes[key]));
  if (!keys.length) return;
  const before = penaltyOf(page.state).family;
  if (!("ask" in changes) && !keys.every((key) => LOOKS.has(key))) page.state.ask = 0; // the answer of a question is no longer here
  Object.assign(page.state, changes);
  const among = keys.every((key) => SOFT.has(key) || LOOKS.has(key) || (key === "penalty" && before === "elasticnet" && penaltyOf(page.state).family === "elasticnet"));
  drawControls(page.state, change);
  if (at("choices")?.firstChild) showChoice(page.state);
  if (!keys.every((key) => LOOKS.has(key))) {
    if (keys.includes("data")) page.touched = false;
    begin(among ? keys : null);
  }
  if (keys.includes("speed")) page.live?.setPace(paceNow());
  if (keys.includes("strength")) moveLive();
  if (keys.includes("line")) runTo(page.state.line);
  keepLink();
  refresh();
}

function keepLink() {
  clearTimeout(page.linking);
  page.linking = setTimeout(() => history.replaceState(null, "", `#${hashOf(page.state)}`), 300);
}

const slot = () => clamp(page.state.strength < 0 ? Math.round((page.strengths?.length ?? 30) * 0.3) : page.state.strength, 0, (page.strengths?.length ?? 31) - 1);
const strengthNow = () => page.strengths?.[slot()] ?? 0;

/** Begin with changed choices: `soft` names what changed where the watched network goes on from its weights. */
function begin(soft) {
  page.data = dataOf(page.state);
  page.wanted = wantedRows();
  page.ceiling = page.state.data === "csv" ? null : ceilingOf(page.state.data, page.state.noise);
  stopPath(soft);
  complain(null);
  try {
    page.problem = problemOf(page.state, page.data);
  } catch (error) {
    return complain(error);
  }
  if (page.state.view === "auto") {
    page.view = "live";
    page.playing ||= !page.asked && !calm();
  }
  if (soft) goOn(soft); else stopLive(); // it starts when the strengths are known
  if (page.playing) page.live?.resume();
  clearTimeout(page.waiting);
  page.waiting = setTimeout(startPath, soft ? GO_ON : 0);
  return undefined;
}

function stopPath(soft) {
  page.run?.stop();
  page.run = null;
  const whole = page.path ?? (page.curve?.share > 0.15 ? page.curve : null);
  if (whole) page.ghost = soft ? { heldoutLoss: whole.heldoutLoss, strengths: whole.strengths } : null;
  if (!soft) page.ghost = null;
  page.path = null;
  page.curve = page.strengths && blankCurve(page.strengths); // no point of a run that is over stays
  page.cache = new Map();
}

/** The strengths of a path; where a layer is free no strength ends it, and they are those of every layer penalized. */
function strengthsOf(problem, count) {
  const free = problem.penalty.layerFactors?.some((factor) => factor === 0);
  return page.pools.path.strengths(free ? { ...problem, penalty: { ...problem.penalty, layerFactors: null } } : problem, count);
}

async function startPath() {
  const { problem } = page, began = performance.now();
  let strengths;
  try {
    strengths = await strengthsOf(problem, page.state.strengths);
  } catch (error) {
    return complain(error);
  }
  if (page.problem !== problem) return undefined;
  page.run?.stop();
  const progress = (partial) => {
    if (page.run !== run) return;
    page.curve = partial;
    refresh("path", "busy");
  };
  const run = (page.run = page.pools.path.path(problem, { strengths, progress }));
  page.strengths = strengths;
  page.curve = blankCurve(strengths);
  if (page.live) moveLive(); else restartLive();
  run.result.then((path) => {
    if (page.run !== run) return;
    page.run = null;
    page.seconds = (performance.now() - began) / 1000;
    finishPath(path);
  }, (error) => { if (page.run === run) { page.run = null; complain(error); } });
  return refresh();
}

const blankCurve = (strengths) => Object.fromEntries([["strengths", strengths], ["share", 0], ["done", 0], ...["heldoutLoss", "trainLoss", "standardError"].map((name) => [name, new Float64Array(strengths.length).fill(NaN)])]);

function finishPath(path) {
  page.path = page.curve = path;
  page.strengths = path.strengths;
  if (page.state.strength < 0) {
    page.state.strength = path.minimum;
    moveLive();
  }
  if (page.state.view === "auto" && !page.asked) {
    page.view = "path";
    setPlaying(false);
  }
  refresh();
  document.documentElement.dataset.trained = String(Number(document.documentElement.dataset.trained ?? 0) + 1);
}

// The network that is watched.

const liveOptions = () => ({ fold: 0, start: 0, strength: strengthNow(), every: calm() ? 4 * REPORT_EVERY : REPORT_EVERY, pace: paceNow(), paused: !page.playing, report: hear, fail: complain, grid: { x: page.wanted.x, rows: page.wanted.rows } });
const paceNow = () => Math.ceil((page.state.speed * REPORT_EVERY) / 1000);

function stopLive() {
  page.live?.stop();
  Object.assign(page, { live: null, report: null, history: [], changes: [], stride: 1, back: null, zero: null, done: 0, epoch: 0 });
}

function restartLive() {
  stopLive();
  page.at = strengthNow();
  page.live = page.pools.live.train(page.problem, liveOptions());
}

/** Let the watched network go on at the strength that is chosen now. */
function moveLive() {
  if (!page.live || page.at === strengthNow()) return;
  page.at = strengthNow();
  page.live.change({ strength: page.at });
  noteChange();
}

/** Go on from the weights with what changed: mix, rate or noise. */
function goOn(keys) {
  if (!page.live) return undefined; // it starts with the path
  noteChange();
  const { penalty, rate } = page.problem;
  if (keys.some((key) => key === "mix" || key === "penalty")) page.live.change({ l1Ratio: penalty.l1Ratio, strength: strengthNow() });
  if (keys.includes("rate")) page.live.change({ rate });
  if (!keys.includes("noise")) return undefined;
  page.live.setGrid({ x: page.wanted.x, rows: page.wanted.rows });
  if (page.data.classes) return page.live.replaceRows(page.data.x);
  const weights = page.report?.weights, epochs = page.epoch ?? 0; // the target changed: a training of its own, from the weights
  page.live.stop();
  page.done = epochs;
  page.live = page.pools.live.train(page.problem, { ...liveOptions(), ...(weights ? { weights } : {}) });
  return undefined;
}

const noteChange = () => { if (page.epoch && page.changes.at(-1) !== page.epoch) page.changes.push(page.epoch); };

function setPlaying(playing) {
  page.playing = playing;
  if (page.live) playing ? page.live.resume() : page.live.pause();
  refresh();
}

function hear({ measure, weights, outputs }) {
  const epoch = measure.epoch + (page.done ?? 0);
  page.epoch = epoch;
  findReturned(weights);
  page.report = { measure: { ...measure, epoch }, weights, outputs };
  if (!page.history.length || epoch >= page.history.at(-1).epoch + page.stride) page.history.push({ epoch, dataLoss: measure.dataLoss, penalty: measure.penalty, heldoutLoss: measure.heldoutLoss });
  if (page.history.length > MOST_POINTS) {
    page.history = page.history.filter((_, k) => k % 2 === 0);
    page.stride *= 2;
  }
  if (measure.diverged || (!page.asked && epoch >= page.state.epochs)) setPlaying(false);
  if (page.view === "live") refresh("bar", "picture", "network", "course");
  else if (page.view === "path") refresh("course");
}

/** Which weights were 0 and are no longer: shown for a second. */
function findReturned(weights) {
  const layers = weights.filter((_, k) => k % 2 === 0), now = performance.now();
  page.zero ??= [];
  page.back ??= layers.map(() => new Map());
  layers.forEach(({ values }, layer) => {
    const before = page.zero[layer];
    if (before?.length === values.length && page.report) values.forEach((w, k) => { if (w !== 0 && before[k]) page.back[layer]?.set(k, now); });
    page.zero[layer] = Uint8Array.from(values, (w) => Number(w === 0));
    for (const [k, when] of page.back[layer] ?? []) if (now - when > 1200) page.back[layer].delete(k);
  });
}

// What is drawn: every part once a frame at most.

const PARTS = { busy: drawBusy, path: drawPath, bar: drawBar, picture: drawPicture, network: drawNetwork, course: drawCourseOf, inputs: drawInputsLeft, loop: drawLoop, questions: drawQuestions };
const FRAME_SHARE = 10; // milliseconds
const dirty = new Set();
let frameAsked = false;
function refresh(...parts) {
  for (const part of parts.length ? parts : Object.keys(PARTS)) dirty.add(part);
  if (frameAsked) return;
  frameAsked = true;
  requestAnimationFrame(drawDue);
}

/** Draw what is due, for a few milliseconds; the rest comes with the next frame. */
function drawDue() {
  frameAsked = false;
  const until = performance.now() + FRAME_SHARE;
  for (const part of [...dirty]) {
    dirty.delete(part);
    if (page.data) PARTS[part]();
    if (performance.now() > until) break;
  }
  if (dirty.size) refresh(...dirty);
}

/** What is shown now: a network, its outputs, and where it comes from; null where there is none yet. */
function shown() {
  if (page.view === "loop") return loopShown();
  if (page.view === "live") {
    const heldOut = page.problem ? page.problem.fold.map((k) => Number(k === 0)) : null;
    return page.report && { weights: page.report.weights, outputs: page.report.outputs, heldOut, measure: page.report.measure };
  }
  if (!page.path) return null;
  const s = slot();
  if (!page.cache.has(s)) {
    const weights = page.path.networks[s], outputs = page.wanted.rows ? page.pools.path.engine.outputs(page.problem, weights, page.wanted.x, page.wanted.rows) : null;
    page.cache.set(s, { weights, outputs, heldOut: null, s });
  }
  return page.cache.get(s);
}

function drawBusy() {
  const place = at("verdict"), { curve, path, run } = page, bar = at("progress");
  if (!place) return;
  bar.hidden = !run;
  if (run) bar.value = curve.share;
  if (path) place.textContent = verdictOf(path);
  else if (!at("trouble").hidden) place.textContent = "";
  else if (curve?.total) place.textContent = say("busy", { done: curve.done, total: curve.total, share: percent(curve.share) });
  else place.textContent = say("started-path");
  place.classList.toggle("final", Boolean(path));
}

function drawPath() {
  const { curve, ghost, ceiling } = page;
  if (!curve || !at("path")) return;
  drawPathChart(at("path"), { found: curve, ghost, ceiling: ceiling?.loss, s: slot() });
  at("path-note").textContent = [say("path-note"), ...(page.path && page.seconds ? [say("trained-seconds", { networks: curve.source.length, seconds: number(page.seconds, 2) })] : [])].join(" ");
  legend("path-legend", [["stroke held", say("held-out-1se")], ["stroke train dotted", say("training")], ...(ghost ? [["stroke rest dashed", say("former")]] : [])]);
  tableOf("path", () => [[say("strength"), say("held-out"), "±", say("training"), say("zeros")], Array.from(curve.strengths, (alpha, k) => [number(alpha, 3), number(curve.heldoutLoss[k]), number(curve.standardError[k], 2), number(curve.trainLoss[k]), curve.zeros ? percent(curve.zeros[k]) : "–"])]);
}

/** A table behind a chart, in the language of the page. */
function tableOf(id, make) {
  tableBehind(id, say(`${id}-title`), make, say("table"));
}

function factsNow() {
  const now = shown(), { path, ceiling } = page, s = slot();
  const fresh = judged(now?.outputs), most = ceiling?.accuracy ?? ceiling?.variance;
  const freshly = fresh === null ? [] : [[say(page.data.classes ? "fresh" : "fresh-error"), page.data.classes ? say("of-most", { value: percentage(fresh), most: percentage(most) }) : say("of-least", { value: number(fresh, 3), most: number(most, 3) })]];
  if (page.view === "loop") return [...loopFacts(now?.weights), ...freshly];
  if (page.view === "live") {
    const m = now?.measure;
    return [[say("epoch"), m ? m.epoch : 0], [say("held-out"), m ? number(m.heldoutLoss, 3) : "–"], [say("training"), m ? number(m.dataLoss, 3) : "–"], [say("penalty-value"), m ? number(m.penalty, 3) : "–"], [say("zeros"), m ? percent(zeroShare(now.weights)) : "–"], ...freshly];
  }
  if (!path) return [[say("held-out"), number(page.curve?.heldoutLoss[s], 3)], [say("training"), number(page.curve?.trainLoss[s], 3)]];
  return [[say("held-out"), `${number(path.heldoutLoss[s], 3)} ± ${number(path.standardError[s], 2)}`], [say("training"), number(path.trainLoss[s], 3)], [say("zeros"), percent(path.zeros[s])], [say("weights"), path.weightsKept[s]], [say("living"), path.unitsKept[s]], ...freshly];
}

function zeroShare(weights) {
  let zeros = 0, all = 0;
  weights.forEach(({ values }, k) => { if (k % 2 === 0) for (const w of values) { all += 1; zeros += w === 0 ? 1 : 0; } });
  return zeros / all;
}

function drawBar() {
  const s = slot(), { strengths, path } = page, slider = at("strength"), marks = [];
  if (!slider) return;
  if (path && s === path.minimum) marks.push(say("minimum"));
  if (path && s === path.oneStandardError) marks.push("1-SE");
  if (s === 0) marks.push(say("no-penalty"));
  slider.max = (strengths?.length ?? 31) - 1;
  slider.value = s;
  const words = strengths ? number(strengths[s], 3) : "…";
  at("shown").textContent = words;
  at("marks").textContent = marks.join(", ");
  slider.setAttribute("aria-valuetext", `${say("strength")} ${words}${marks.length ? `, ${marks.join(", ")}` : ""}`);
  for (const [id, to] of [["jump-minimum", path?.minimum], ["jump-1se", path?.oneStandardError]]) if (at(id)) at(id).disabled = to === undefined;
  if (at("play")) at("play").textContent = `${page.playing ? "❚❚" : "▶"} ${say(page.playing ? "pause" : "train")}`;
  document.body.dataset.view = page.view;
  for (const view of ["path", "live", "loop"]) if (at(`view-${view}`)) at(`view-${view}`).checked = page.view === view;
  if (at("speed")) at("speed").value = page.state.speed;
  const place = at("facts"), facts = place ? factsNow() : [];
  if (!place) return;
  if (place.children.length !== facts.length) place.replaceChildren(...facts.map(() => html("div", {}, html("dt"), html("dd"))));
  facts.forEach(([name, value], k) => { place.children[k].firstChild.textContent = name; place.children[k].lastChild.textContent = value; });
}

function whereFrom() {
  const strength = number(strengthNow(), 3), epoch = page.report?.measure.epoch ?? 0;
  if (page.view === "loop") return say("loop-shown", { steps: loop.run?.steps ?? 0 });
  if (page.view === "live") return page.report?.measure.diverged ? say("diverged") : say(page.playing ? "shown-live" : "shown-paused", { strength, epoch });
  return page.path ? say("shown-path", { strength }) : say("shown-waiting");
}

function drawPicture() {
  const { data } = page, drawn = data && isDrawn(data);
  if (!at("picture-section")) return;
  at("picture-section").hidden = !drawn;
  if (!drawn) return;
  const now = shown(), curved = data.columns === 1, strength = number(strengthNow(), 3);
  at("picture-title").textContent = say(!curved ? "regions-title" : data.classes ? "chances-title" : "fit-title");
  at("picture-now").textContent = whereFrom();
  const what = { data, grid: page.wanted.grid, outputs: now?.outputs, heldOut: now?.heldOut };
  if (curved) drawFit(at("picture"), { ...what, label: say(data.classes ? "chances-label" : "fit-label", { strength }), xTitle: data.names[0] });
  else drawRegions(at("picture"), { ...what, label: say("regions-label", { strength }) });
  drawPictureLegend(data, curved);
}

function drawPictureLegend(data, curved) {
  const key = `${language} ${page.view} ${page.state.data} ${data.classNames?.join()} ${curved}`, place = at("picture-legend");
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  const classes = (data.classNames ?? []).slice(0, 8).map((name, c) => html("span", { class: "entry" }, shapeOf(c), cut(name, 16)));
  const held = page.view === "live" ? [html("span", { class: "entry" }, shapeOf(-1), say("held-rows"))] : [];
  const lines = curved && !data.classes ? [html("span", { class: "entry" }, html("span", { class: "key stroke held", "aria-hidden": "true" }), say("fit")), ...(data.truth ? [html("span", { class: "entry" }, html("span", { class: "key stroke dashed near", "aria-hidden": "true" }), say("truth"))] : [])] : [];
  place.replaceChildren(...classes, ...lines, ...held);
}

function drawNetwork() {
  const now = shown(), place = at("network");
  if (!place) return;
  at("network-section").dataset.empty = now ? "no" : "yes";
  if (!now) { at("network-now").textContent = whereFrom(); return; }
  const layers = now.weights.filter((_, k) => k % 2 === 0), living = livingUnits(now.weights), own = living.slice(1, -1);
  const count = (arrays, f) => arrays.reduce((sum, each) => sum + each.reduce((a, b) => a + f(b), 0), 0);
  const numbers = { weights: count(layers.map(({ values }) => values), (w) => Number(w !== 0)), all: layers.reduce((sum, { values }) => sum + values.length, 0), units: count(own, Number), all_units: own.reduce((sum, each) => sum + each.length, 0) };
  const moving = page.view === "live" && page.playing, back = moving && !calm() ? page.back : null, returned = moving && page.back ? page.back.reduce((sum, each) => sum + each.size, 0) : 0;
  const names = page.data.names, outputNames = page.data.classNames ?? [page.data.target ?? "y"];
  const words = [say(own.length ? "network-now" : "network-linear", numbers)];
  if (returned) words.push(say("network-back", { back: returned }));
  if (numbers.weights > MOST_LINKS) words.push(say("network-part", { shown: MOST_LINKS }));
  at("network-now").textContent = words.join(" ");
  drawNetworkCanvas(place, { weights: now.weights, names, outputNames, back, label: say(own.length ? "network-label" : "network-linear", numbers) });
}

function drawCourseOf() {
  const place = at("course");
  if (!place) return;
  const looped = page.view === "loop", history = looped ? loopHistory() : page.history, changes = looped ? [] : page.changes;
  at("course-now").textContent = history.length || looped ? (!looped && page.report?.measure.diverged ? say("diverged") : say("course-note")) : say("course-empty");
  drawCourse(place, { history, changes, units: page.data?.classes ? "" : ` ${say("course-units")}` });
  legend("course-legend", [...(looped ? [] : [["stroke held", say("held-out")]]), ["stroke train dotted", say("training")], ["stroke series-3", say("penalty-value")], ...(changes.length ? [["stroke dotted near", say("changed")]] : [])]);
  tableOf("course", () => [[say("epoch"), say("held-out"), say("training"), say("penalty-value")], history.map((h) => [h.epoch, number(h.heldoutLoss), number(h.dataLoss), number(h.penalty)])]);
}

/** Columns of a reader's table, and how much the network weighs each: the norm of what leaves its inputs. */
function drawInputsLeft() {
  const { data } = page, there = data && !isDrawn(data), now = there ? shown() : null;
  if (!at("inputs-section")) return;
  at("inputs-section").hidden = !there;
  if (!there) return;
  const norms = new Map();
  if (now) {
    const { inputs, units, values } = now.weights[0];
    for (let i = 0; i < inputs; ++i) {
      let sum = 0;
      for (let u = 0; u < units; ++u) sum += values[i * units + u] ** 2;
      norms.set(data.columnOf[i], (norms.get(data.columnOf[i]) ?? 0) + sum);
    }
  }
  const rows = [...new Set(data.columnOf)].map((column) => [data.columnNames[column], Math.sqrt(norms.get(column) ?? 0)]), most = Math.max(...rows.map(([, norm]) => norm), 1e-12);
  rows.sort((a, b) => b[1] - a[1]);
  const item = ([name, norm]) => {
    const bar = svg("svg", { width: "100%", height: 10, "aria-hidden": "true" }, svg("rect", { x: 0, y: 0, width: `${(100 * norm) / most}%`, height: 10, rx: 2, class: "fill-held" }));
    return html("li", { class: norm ? "" : "gone" }, html("span", { class: "name", title: name }, name), bar, html("span", { class: "value" }, norm ? number(norm, 2) : `× ${say("left-out")}`));
  };
  const left = rows.filter(([, norm]) => norm).length, more = rows.length - MOST_ITEMS;
  at("inputs-now").textContent = [whereFrom(), ...(now ? [say("inputs-left", { left, all: rows.length })] : [])].join(" ");
  at("inputs").replaceChildren(...rows.slice(0, MOST_ITEMS).map(item), ...(more > 0 ? [html("li", { class: "gone" }, html("span", { class: "more" }, say("inputs-more", { more })))] : []));
  tableOf("inputs", () => [[say("inputs-column"), say("inputs-norm")], rows.map(([name, norm]) => [name, norm ? number(norm) : say("left-out")])]);
}

/** Say what is wrong in one sentence, or that nothing is. */
function complain(error) {
  const place = at("trouble");
  place.hidden = error === null;
  if (error) place.textContent = error instanceof TableError ? say(error.message, error.values) : error.message;
}
