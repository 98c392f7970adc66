// What lessons train, from their table: paths, courses of one training, and steps by the plain derivative. Knows no document.

/** What a training of the table needs: its settings, its rows with what pictures need, and the engine's problem. */
function preparedFor(table, name) {
  const { base, ...own } = table.trainings[name], setup = { ...structuredClone(STATE), ...table.bases[base], ...own };
  const data = drawnData(setup);
  return { setup, data, problem: problemOf(setup, data) };
}

/** Train what the table calls by a name, from one of its starts; `hear(share, partial)` is told how far it is. */
async function trained(pools, table, name, start = 0, hear = () => {}) {
  const prepared = preparedFor(table, name), train = { path: trainPath, course: trainCourse, plain: trainPlain }[prepared.setup.kind];
  return { ...prepared, ...(await train(pools, prepared, start, hear)) };
}

function trainPath(pools, { setup, problem }, _, hear) {
  return pools.path.path(problem, { strengths: Float64Array.from(setup.strengths), progress: (partial) => hear(partial.share, partial) }).result;
}

/** Train one network, and look at it every `step` epochs: {reports, weights, measure}, right where rows are held out. */
function trainCourse(pools, { setup, data, problem }, start, hear) {
  const { epochs, step, strength, fold } = setup, held = fold === undefined ? null : heldOutRows(data, problem.fold, fold), reports = [];
  return new Promise((resolve, reject) => {
    const training = pools.live.train(problem, { fold, start, strength, pace: step, every: 0, grid: held, fail: reject, report({ measure, weights, outputs }) {
      if (measure.epoch > epochs) return;
      reports.push({ ...measure, right: held && rightShare(outputs, held.classes, data.classCount) });
      hear(measure.epoch / epochs);
      if (measure.epoch < epochs) return;
      training.stop();
      resolve({ reports, measure, weights });
    } });
  });
}

/** Take every step of L1 by the derivative of |w|, as a plain loop does: a step of the engine's, then `w -= rate * l1 * sign(w)`. */
async function trainPlain(pools, { setup, problem }, start, hear) {
  const { engine } = pools.path, { epochs, strength, rate } = setup, first = engine.train(problem, { way: "still", start, strength });
  const shared = first.problem;
  let weights = first.weights(), until = performance.now() + SLICE;
  for (let epoch = 0; epoch < epochs; ++epoch) {
    const step = engine.train(null, { shared, start, weights });
    step.advance(1);
    const next = step.weights();
    step.free();
    next.forEach(({ values }, k) => { if (k % 2 === 0) values.forEach((w, at) => { values[at] = w - rate * strength * Math.sign(weights[k].values[at]); }); });
    weights = next;
    if (performance.now() < until) continue;
    hear(epoch / epochs);
    await new Promise((done) => setTimeout(done));
    until = performance.now() + SLICE;
  }
  const last = engine.train(null, { shared, start, weights, way: "still", strength }), measure = last.measure();
  last.free();
  first.free();
  return { weights, measure };
}

function heldOutRows({ x, columns, classes }, folds, fold) {
  const rows = [...folds.keys()].filter((row) => folds[row] === fold);
  return { x: Float64Array.from(rows.flatMap((row) => [...x.subarray(row * columns, (row + 1) * columns)])), rows: rows.length, classes: rows.map((row) => classes[row]) };
}

/** The share of rows whose class has the largest output. */
function rightShare(outputs, classes, count) {
  const largest = (row) => outputs.subarray(row * count, (row + 1) * count).reduce((best, z, c, all) => (z > all[best] ? c : best), 0);
  return classes.filter((c, row) => largest(row) === c).length / classes.length;
}

/** Weights, not biases, of a network in one array. */
const weightsIn = (weights) => weights.filter((_, k) => k % 2 === 0).flatMap(({ values }) => Array.from(values));
const normIn = (values) => Math.sqrt(values.reduce((sum, w) => sum + w * w, 0));

/** The same network, its first layer (weights and biases) divided by c and the next layer's weights multiplied by it. */
function rescaled(weights, c) {
  const factors = [1 / c, 1 / c, c];
  return weights.map((array, k) => ({ ...array, values: array.values.map((w) => w * (factors[k] ?? 1)) }));
}
