// The eight lessons: what each trains, what a reader can set, what is drawn, and how the page judges what was set.
//
//   start()      what is set at first              needs(view)     trainings of the table, [name, start]
//   switches()   what a reader can set             draw(view)      the figure, from what is trained so far
//   check(view)  [whether the question is answered, the reply's words, their numbers]

const POINTS = 0.05, CLOSED = 0.02, TEN_TIMES = 10; // lottery: of accuracy; gap: of loss; escape: of the penalty
const SCALES = Array.from({ length: 25 }, (_, k) => 2 ** ((k - 8) / 4)), THRESHOLDS = Array.from({ length: 21 }, (_, k) => 10 ** (-5 + k / 4));
const from = (name) => school.found.get(name)?.result, partly = (name) => school.found.get(name)?.partial;
const LAYERS = ["first", "both"];

// What several lessons set and draw.

const strengthSlider = (name) => ({ key: "s", kind: "range", words: "strength", count: school.table.trainings[name].strengths.length, shown: (s) => number(school.table.trainings[name].strengths[s], 3) });
const numbersAt = (path, s) => ({ held: path.heldoutLoss[s], train: path.trainLoss[s], zeros: percent(path.zeros[s]), strength: path.strengths[s] });

function drawPrediction(place, { data, problem }, weights) {
  drawRegions(place, { data, outputs: gridOutputs(data, problem, weights), label: say("regions-lesson") });
  at(`${place.id}-legend`).replaceChildren(...data.classNames.map((name, c) => html("span", { class: "entry" }, shapeOf(c), name)));
}
function gridOutputs(data, problem, weights) {
  const { x, rows } = gridOf(data);
  return school.pools.path.engine.outputs(problem, weights, x, rows);
}

/** Draw a path as far as it is trained; its marks only once the reader has found them. */
function drawLessonPath(place, name, s, marked, ceiling) {
  const found = from(name) ?? partly(name);
  if (!found) return;
  const { minimum, oneStandardError, ...bare } = found;
  drawPathChart(place, { found: marked ? found : bare, s, ceiling });
  legend(`${place.id}-legend`, [["stroke held", say("held-out-1se")], ["stroke train dotted", say("training")]]);
}

const lossFacts = (path, s) => [[say("held-out"), `${shortNumber(path.heldoutLoss[s])} ± ${number(path.standardError[s], 2)}`], [say("training"), shortNumber(path.trainLoss[s])]];
const within = (path, s) => path.heldoutLoss[s] <= path.heldoutLoss[path.minimum] + path.standardError[path.minimum];

const LESSONS = [
  {
    key: "why", start: () => ({ s: 0 }), needs: () => [["moons-l2"]], switches: () => [strengthSlider("moons-l2")],
    draw({ s }) {
      const path = from("moons-l2");
      drawPrediction(at("first"), path, path.networks[s]);
      drawLosses(at("second"), { training: path.trainLoss[s], heldOut: path.heldoutLoss[s], nullLoss: path.nullLoss, most: 1.7, label: say("losses-label", numbersAt(path, s)) });
    },
    check({ s }) {
      const path = from("moons-l2");
      return [within(path, s), within(path, s) ? "right" : s < path.minimum ? "weak" : "strong", numbersAt(path, s)];
    },
  },
  {
    key: "shapes", start: () => ({ s: 0, penalty: "l2" }), needs: () => [["moons-l1"], ["moons-l2"]],
    switches: () => [{ key: "penalty", kind: "choice", from: ["l1", "l2"] }, strengthSlider("moons-l1")],
    draw({ s, penalty }) {
      const path = from(`moons-${penalty}`), weights = path.networks[s];
      drawNetworkCanvas(at("first"), { weights, names: path.data.names, outputNames: path.data.classNames, label: say("links-label", { left: path.weightsKept[s] }) });
      return [[say("links-left"), path.weightsKept[s]], ...lossFacts(path, s), [say("without"), shortNumber(path.heldoutLoss[0])]];
    },
    check({ s, penalty }) {
      const path = from(`moons-${penalty}`), half = path.zeros[s] >= 0.5, numbers = { ...numbersAt(path, s), left: path.weightsKept[s] };
      if (!path.weightsKept[s]) return [false, "nothing", numbers];
      if (penalty === "l2") return [false, "l2", numbers];
      return half && path.heldoutLoss[s] < path.heldoutLoss[0] ? [true, "right", numbers] : [false, "few", numbers];
    },
  },
  {
    key: "zeros", start: () => ({ threshold: 4 }), needs: () => [["plain"], ["proximal"]],
    switches: () => [{ key: "threshold", kind: "range", words: "threshold", count: THRESHOLDS.length, shown: (k) => plainly(THRESHOLDS[k]) }],
    draw({ threshold: k }) {
      const [plain, proximal] = ["plain", "proximal"].map((name) => weightsIn(from(name).weights)), threshold = THRESHOLDS[k];
      drawMagnitudes(at("first"), { threshold, label: say("magnitudes-label", { counted: countBelow(plain, threshold), zeros: countBelow(proximal, 0) }), rows: [{ words: say("plain-steps"), values: plain, cut: true }, { words: say("proximal-steps"), values: proximal }] });
      return [[say("plain-zeros"), countBelow(plain, 0)], [say("plain-counted"), countBelow(plain, threshold)], [say("proximal-zeros"), countBelow(proximal, 0)]];
    },
    check({ threshold: k }) {
      const [plain, proximal] = ["plain", "proximal"].map((name) => weightsIn(from(name).weights)), counted = countBelow(plain, THRESHOLDS[k]), wanted = countBelow(proximal, 0);
      return [counted === wanted, counted === wanted ? "right" : counted < wanted ? "few" : "many", { counted, threshold: plainly(THRESHOLDS[k]) }];
    },
  },
  {
    key: "escape", start: () => ({ c: 8, layers: "first" }), needs: () => [["moons-none"], ["moons-first"], ["moons-both"]],
    switches: () => [{ key: "layers", kind: "choice", from: LAYERS, words: "penalty-on" }, { key: "c", kind: "range", words: "scale", count: SCALES.length, shown: (k) => number(SCALES[k], 3) }],
    draw({ c, layers }) {
      const of = from("moons-none"), scaled = rescaled(of.weights, SCALES[c]), penalties = SCALES.map((each) => penaltyAt(of, layers, each));
      drawPrediction(at("first"), of, scaled);
      drawLines(at("second"), { x: SCALES, lines: [{ values: penalties, kind: "series-3", fill: "fill-series-3" }], log: true, range: [0.005, 1000], now: c, xTitle: say("scale"), yTitle: say("penalty-value"), label: say("scale-label"), tip: (k) => `c ${number(SCALES[k], 3)}\n${say("penalty-value")} ${shortNumber(penalties[k])}` });
      return [["|W1|", shortNumber(normIn(scaled[0].values))], ["|W2|", shortNumber(normIn(scaled[2].values))], [say("penalty-value"), shortNumber(penalties[c])], [say("changed-most"), changeAt(of, scaled) < 1e-4 ? "< 0.0001" : number(changeAt(of, scaled), 2)]];
    },
    check({ c, layers }) {
      const of = from("moons-none"), times = penaltyAt(of, layers, 1) / penaltyAt(of, layers, SCALES[c]), numbers = { times, share: percent(1 / times), ...saved(of) };
      if (layers === "both") return [false, "both", numbers];
      return [times >= TEN_TIMES, times >= TEN_TIMES ? "right" : "little", numbers];
    },
  },
  {
    key: "choose", grows: true, start: () => ({ s: 0 }), needs: () => [["moons-l2"]], switches: () => [strengthSlider("moons-l2")],
    draw({ s }) {
      drawLessonPath(at("first"), "moons-l2", s, school.solved.has("choose"));
      return from("moons-l2") ? lossFacts(from("moons-l2"), s) : [];
    },
    check({ s }) {
      const path = from("moons-l2"), { minimum, oneStandardError: most } = path, numbers = { ...numbersAt(path, s), error: path.standardError[s] };
      if (s === most) return [true, "right", numbers];
      return [false, s === minimum ? "minimum" : s < minimum ? "weak" : s < most ? "within" : "beyond", numbers];
    },
  },
  {
    key: "lottery", numbers: { lead: 100 * POINTS }, start: () => ({ stop: looks().count - 1, seed: 0, proved: [] }), needs: ({ seed }) => [["sgd-none", seed], ["sgd-both", seed]],
    switches: () => [{ key: "stop", kind: "range", words: "stop-after", least: looks().first, count: looks().count, shown: (k) => String(looks().step * (k + 1)) }, { key: "seed", kind: "choice", from: [0, 1, 2, 3, 4], shown: (k) => String(k + 1), words: "seed" }],
    draw({ stop, seed }) {
      const runs = ["none", "both"].map((which) => from(`sgd-${which} ${seed}`).reports.map(({ right }) => right)), { first, step } = looks(), [none, both] = runs.map((right) => right.slice(first)), x = none.map((_, k) => step * (k + first + 1));
      drawLines(at("first"), { x, range: [0.3, 0.9], now: stop - first, xTitle: say("epochs-axis"), yTitle: say("accuracy"), label: say("lottery-label"), lines: [{ values: none, kind: "train dotted", fill: "fill-train" }, { values: both, kind: "held", fill: "fill-held" }], tip: (k) => `${say("epoch")} ${x[k]}\n${say("without")} ${percent(none[k])}\n${say("with")} ${percent(both[k])}` });
      legend("first-legend", [["stroke train dotted", say("without")], ["stroke held", say("with")]]);
      return [[say("without"), percent(runs[0][stop])], [say("with"), percent(runs[1][stop])], [say("ahead"), points(runs[1][stop] - runs[0][stop])]];
    },
    check({ stop, seed, proved }) {
      const [none, both] = ["none", "both"].map((which) => from(`sgd-${which} ${seed}`).reports[stop].right), ahead = both - none, numbers = { ahead: points(ahead) };
      if (Math.abs(ahead) < POINTS) return [false, "none", numbers];
      const now = ahead > 0 ? "helps" : "hurts";
      if (!proved.includes(now)) proved.push(now);
      return proved.length === 2 ? [true, "right", numbers] : [false, now, numbers];
    },
  },
  {
    key: "gap", grows: true, numbers: { closed: CLOSED }, start: () => ({ s: 0 }), needs: () => [["spiral-l2"]], switches: () => [strengthSlider("spiral-l2")],
    draw({ s }) {
      drawLessonPath(at("first"), "spiral-l2", s, school.solved.has("gap"));
      const path = from("spiral-l2");
      return path ? [...lossFacts(path, s), [say("gap"), shortNumber(path.heldoutLoss[s] - path.trainLoss[s])]] : [];
    },
    check({ s }) {
      const path = from("spiral-l2"), gap = path.heldoutLoss[s] - path.trainLoss[s];
      return [gap <= CLOSED, gap <= CLOSED ? "right" : "open", { ...numbersAt(path, s), gap }];
    },
  },
  {
    key: "verdict", start: () => ({ optimizer: "sgd", layers: "first", compare: "training" }),
    needs: (view) => [[`${view.optimizer}-${view.layers}`, 0], ...(gateOf(view) ? [] : [["spiral-l2"]])],
    switches: () => [{ key: "optimizer", kind: "choice", from: ["sgd", "adam"], words: "optimizer", shown: (name) => say(`run-${name}`) }, { key: "layers", kind: "choice", from: LAYERS, words: "penalty-on" }, { key: "compare", kind: "choice", from: ["training", "without"], words: "compare", shown: (name) => say(`compare-${name}`) }],
    draw(view) {
      at("first-title").textContent = tell(gateOf(view) ? "first" : "path");
      if (gateOf(view)) return drawRun(view);
      drawLessonPath(at("first"), "spiral-l2", from("spiral-l2").minimum, true, spiralCeiling(0.2, 3).loss);
      const { mean, low: least, high: most } = from("spiral-l2").effect;
      at("said").textContent = tell("answer", { mean, least, most });
      at("said").classList.add("final");
      return [];
    },
    check(view) {
      const run = from(`${view.optimizer}-${view.layers} 0`), gate = gateOf(view), { measure } = run;
      return [!gate, gate ?? "right", { ...unrestOf(run), w1: measure.norms[0], w2: measure.norms[2] }];
    },
  },
];

// What the lessons count.

const plainly = (value) => String(Number(value.toPrecision(2)));
const countBelow = (values, threshold) => values.filter((w) => (threshold ? Math.abs(w) < threshold : w === 0)).length;
const points = (difference) => `${difference > 0 ? "+" : difference < 0 ? "−" : ""}${number(Math.abs(100 * difference), 2)}`;

/** The looks at a run of the lottery: how many, how far apart, and the first that is shown, after a third of the epochs. */
function looks() {
  const { epochs, step } = school.table.trainings["sgd-none"];
  return { step, count: epochs / step, first: epochs / 3 / step - 1 };
}

/** The penalty of a network that was trained without one, at the strength of the lesson, once its layers are rescaled by c. */
function penaltyAt({ weights }, layers, c) {
  const { strength } = school.table.trainings["moons-first"], [first, second] = [normIn(weights[0].values) / c, normIn(weights[2].values) * c];
  return (strength / 2) * (first ** 2 + (layers === "both" ? second ** 2 : 0));
}

/** What the best c saves of the penalty on both layers: there their norms are equal. */
function saved({ weights }) {
  const [first, second] = [normIn(weights[0].values), normIn(weights[2].values)];
  return { saves: percent(1 - (2 * first * second) / (first ** 2 + second ** 2)) };
}

/** The largest change of a probability, over the picture, from a network to its rescaled one. */
function changeAt({ data, problem, weights }, scaled) {
  const [before, after] = [weights, scaled].map((each) => Engine.probabilities("cross_entropy", gridOutputs(data, problem, each), data.classCount));
  return before.reduce((most, p, k) => Math.max(most, Math.abs(p - after[k])), 0);
}

/** Between which ends the training loss lies over the last two thirds of a run. */
function unrestOf({ reports }) {
  const late = reports.slice(reports.length / 3).map(({ dataLoss }) => dataLoss);
  return { lowest: Math.min(...late), highest: Math.max(...late) };
}

/** What keeps a run's question from being answered, in the order in which it must be mended; null where nothing does. */
function gateOf({ optimizer, layers, compare }) {
  return optimizer === "sgd" ? "restless" : layers === "first" ? "escapes" : compare === "training" ? "compares" : null;
}

function drawRun({ optimizer, layers }) {
  const { reports, measure } = from(`${optimizer}-${layers} 0`), x = reports.map(({ epoch }) => epoch);
  const [training, heldOut] = ["dataLoss", "heldoutLoss"].map((name) => reports.map((report) => report[name]));
  drawLines(at("first"), { x, range: [0, 2], lines: [{ values: heldOut, kind: "held" }, { values: training, kind: "train dotted" }], xTitle: say("epochs-axis"), yTitle: say("loss"), label: say("run-label"), tip: (k) => `${say("epoch")} ${x[k]}\n${say("held-out")} ${shortNumber(heldOut[k])}\n${say("training")} ${shortNumber(training[k])}` });
  legend("first-legend", [["stroke held", say("held-out")], ["stroke train dotted", say("training")]]);
  return [[say("training"), shortNumber(measure.dataLoss)], [say("held-out"), shortNumber(measure.heldoutLoss)], ["|W1|", shortNumber(measure.norms[0])], ["|W2|", shortNumber(measure.norms[2])]];
}
