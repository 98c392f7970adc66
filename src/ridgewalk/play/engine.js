// The engine in a page: problems, trainings and paths over engine.wasm. It computes nothing: it carries numbers to the kernels,
// and deals a path's networks out to workers. Nothing is imported, and nothing is asked of a network.
//
// The last line is the only export: without it the text is a classic script, such as a worker's.

const LOSSES = ["cross_entropy", "binary_cross_entropy", "squared_error", "absolute_error", "huber", "poisson"];
const OPTIMIZERS = ["sgd", "adagrad", "rmsprop", "adam"];
const ACTIVATIONS = { identity: -1, relu: 1, leaky_relu: 2, tanh: 3, logistic: 4, gelu: 5 };
const FAMILIES = ["elasticnet", "group_lasso", "mcp", "group_mcp"];
const WAYS = { dense: 0, raised: 1, onward: 2, free: 3, still: 4 };
const EPSILON = 1e-8, BETA_1 = 0.9, BETA_2 = 0.999, RHO = 0.9;
const MOST_ROWS = 20000, MOST_UNITS = 1024, MOST_LAYERS = 3;
const SLICE = 15; // milliseconds of training between two looks at the messages
const REPORT = 100; // milliseconds between two reports of a path
const TURNS = 10; // of the tasks of one fold and start

const DEFAULTS = {
  folds: 5, seeds: [0], hidden: [32], activation: "relu", delta: 1, optimizer: "adam", momentum: 0, rate: 0.01, epochs: 600,
  batch: 0,
};
const PENALTY = { family: "elasticnet", l1Ratio: 0.5, layerFactors: null, biasAlpha: 0, upperL2: 1e-3, gamma: 30 };

function check(holds, sentence) {
  if (!holds) throw new Error(sentence);
}
function isCount(value, least) {
  return Number.isInteger(value) && value >= least;
}
function oneOf(value, names, what) {
  check(names.includes(value), `${what} is one of ${names.join(", ")}, got ${String(value)}: choose one of them.`);
  return names.indexOf(value);
}

/** Check a problem, and complete it with its defaults; what is wrong is said in one sentence. */
function completed(given) {
  const problem = { ...DEFAULTS, ...given, penalty: { ...PENALTY, ...given.penalty } };
  const { rows, columns, x } = problem;
  check(isCount(rows, 4) && rows <= MOST_ROWS, `A problem has 4 to ${MOST_ROWS} rows, got ${rows}: leave some rows out, or add some.`);
  check(isCount(columns, 1), `A problem has at least 1 column, got ${columns}: choose some.`);
  check(x instanceof Float64Array && x.length === rows * columns,
    `x needs ${rows} x ${columns} numbers in a Float64Array, got ${x && x.length}: give every row all of its columns.`);
  check(x.every(Number.isFinite), "x has a number that is missing or infinite: fill it in, or leave its row out.");
  readTarget(problem);
  check(isCount(problem.folds, 2) && problem.folds <= rows, `folds is a whole number from 2 to ${rows}, got ${problem.folds}: take 5.`);
  if (!problem.fold) problem.fold = Engine.folds(problem);
  check(problem.fold.length === rows && problem.fold.every((k) => k >= -1 && k < problem.folds),
    `fold gives every one of ${rows} rows a number from -1 to ${problem.folds - 1}: make it with Engine.folds.`);
  checkFolds(problem);
  check(problem.hidden.length <= MOST_LAYERS && problem.hidden.every((units) => isCount(units, 1) && units <= MOST_UNITS),
    `A network has 0 to ${MOST_LAYERS} hidden layers of 1 to ${MOST_UNITS} units, got ${problem.hidden.join(", ")}: take fewer.`);
  check(problem.activation in ACTIVATIONS,
    `activation is one of ${Object.keys(ACTIVATIONS).join(", ")}, got ${problem.activation}: choose one of them.`);
  oneOf(problem.optimizer, OPTIMIZERS, "optimizer");
  check(problem.rate > 0 && Number.isFinite(problem.rate), `The learning rate is a number above 0, got ${problem.rate}: take 0.01.`);
  check(problem.momentum >= 0 && problem.momentum < 1, `momentum lies from 0 to below 1, got ${problem.momentum}: take 0.9.`);
  check(isCount(problem.epochs, 1) && isCount(problem.batch, 0),
    `epochs is at least 1 and batch at least 0 (all rows), got ${problem.epochs} and ${problem.batch}: take 600 and 0.`);
  check(problem.seeds.length > 0 && problem.seeds.every((seed) => isCount(seed, 0)), "seeds are whole numbers of zero or more: take [0].");
  checkPenalty(problem.penalty, problem.hidden.length + 1);
  return problem;
}

function readTarget(problem) {
  const { rows, classes, numbers } = problem;
  check(!classes !== !numbers, "A problem has either classes or numbers as its target: give one of the two.");
  problem.loss ??= classes ? "cross_entropy" : "squared_error";
  oneOf(problem.loss, LOSSES, "loss");
  const ofClasses = LOSSES.indexOf(problem.loss) < 2;
  check(ofClasses === Boolean(classes), `${problem.loss} is a loss of ${ofClasses ? "classes" : "numbers"}: choose another loss or target.`);
  const given = classes ?? numbers;
  check(given.length === rows, `The target needs one entry for each of ${rows} rows, got ${given.length}: give as many.`);
  if (numbers) {
    check(numbers.every(Number.isFinite), "The target has a number that is missing or infinite: leave its row out.");
    check(problem.loss !== "poisson" || numbers.every((t) => t >= 0), "Counts are zero or more: choose another loss.");
    problem.outputs = 1;
    problem.target = Float64Array.from(numbers);
    return;
  }
  const count = problem.classCount ?? Math.max(...classes) + 1;
  check(isCount(count, 2) && classes.every((c) => isCount(c, 0) && c < count),
    `Classes are whole numbers from 0 to ${count - 1}, two of them at least: number them so.`);
  problem.outputs = problem.loss === "binary_cross_entropy" ? 1 : count;
  check(problem.outputs > 1 || count === 2, `binary_cross_entropy is for 2 classes, got ${count}: take cross_entropy.`);
  problem.target = new Float64Array(rows * problem.outputs);
  classes.forEach((c, row) => {
    if (problem.outputs === 1) problem.target[row] = c;
    else problem.target[row * count + c] = 1;
  });
}

function checkFolds({ fold, folds, classes }) {
  for (let k = 0; k < folds; ++k) {
    const training = [], heldOut = [];
    fold.forEach((number, row) => (number === k ? heldOut : training).push(row));
    check(training.length > 1 && heldOut.length > 0,
      `Fold ${k} trains on ${training.length} rows and holds out ${heldOut.length}: take fewer folds.`);
    check(!classes || new Set(training.map((row) => classes[row])).size > 1,
      `Fold ${k} trains on rows of one class alone: take fewer folds, or more rows of the other classes.`);
  }
}

function checkPenalty(penalty, layers) {
  oneOf(penalty.family, FAMILIES, "The penalty");
  check(penalty.l1Ratio >= 0 && penalty.l1Ratio <= 1, `l1Ratio lies from 0 (L2) to 1 (L1), got ${penalty.l1Ratio}: take 0.5.`);
  check(penalty.biasAlpha >= 0 && penalty.upperL2 > 0 && penalty.gamma > 0,
    "biasAlpha is zero or more, upperL2 and gamma are above 0: take 0, 0.001 and 30.");
  penalty.layerFactors = Float64Array.from(penalty.layerFactors ?? new Array(layers).fill(1));
  check(penalty.layerFactors.length === layers && penalty.layerFactors.every((f) => f >= 0 && Number.isFinite(f)),
    `layerFactors is one number of zero or more for each of ${layers} layers, got ${penalty.layerFactors}: give as many.`);
}

/** Bytes as they are, or what they are compressed from. */
async function unpacked(bytes) {
  const view = new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength);
  if (view[0] !== 0x1f || view[1] !== 0x8b) return view;
  const stream = new Blob([view]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The kernels, ready to be called. */
class Engine {
  /** Compile and start the kernels from the bytes of engine.wasm, or of engine.wasm.gz. */
  static async instantiate(bytes) {
    bytes = await unpacked(bytes);
    const nothing = () => 0;
    const imports = new Proxy({}, { get: () => new Proxy({}, { get: () => nothing, has: () => true }), has: () => true });
    const { instance } = await WebAssembly.instantiate(bytes, imports);
    instance.exports._initialize?.();
    return new Engine(instance.exports);
  }

  constructor(kernels) {
    this.kernels = kernels;
  }

  /** Deal rows out to folds, class by class where there are classes, in an order that a hash gives: Int32Array(rows). */
  static folds(problem, seed = 0) {
    const { rows, classes, folds = DEFAULTS.folds } = problem, fold = new Int32Array(rows), of = new Map();
    const hash = (row) => {
      let h = Math.imul(row ^ Math.imul(seed + 1, 0x9e3779b1), 0x85ebca6b);
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
      return (h ^ (h >>> 16)) >>> 0;
    };
    for (let row = 0; row < rows; ++row) {
      const group = classes ? classes[row] : 0;
      if (!of.has(group)) of.set(group, []);
      of.get(group).push(row);
    }
    let next = 0;
    for (const group of [...of.keys()].sort((a, b) => a - b)) {
      const order = of.get(group).map((row) => [hash(row), row]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      for (const [, row] of order) fold[row] = next++ % folds;
    }
    return fold;
  }

  /** Turn outputs (rows x count) of a loss of classes into probabilities, in place; for two classes of one output, of the second. */
  static probabilities(loss, outputs, count) {
    if (loss === "binary_cross_entropy") return outputs.forEach((z, k) => (outputs[k] = 1 / (1 + Math.exp(-z)))), outputs;
    if (loss !== "cross_entropy") return outputs;
    for (let first = 0; first < outputs.length; first += count) {
      const row = outputs.subarray(first, first + count), largest = Math.max(...row);
      let total = 0;
      row.forEach((z, c) => (total += row[c] = Math.exp(z - largest)));
      row.forEach((e, c) => (row[c] = e / total));
    }
    return outputs;
  }

  /** Train one network that can be watched and changed. */
  train(problem, options = {}) {
    return new Session(this, problem, options);
  }

  /** Outputs (count x outputs) of a network of `path.networks`, for rows in the units of the data. */
  outputs(problem, network, x, count, fold = problem.folds ?? DEFAULTS.folds) {
    const session = new Session(this, problem, { fold, way: "still", start: 0, weights: network });
    const outputs = session.outputs(x, count);
    session.free();
    return outputs;
  }

  /** Strengths of a path: 0, then `count` geometric steps up to the one at which the null model wins. */
  strengths(given, count) {
    const problem = new Problem(this, given), strengths = problem.strengths(count);
    problem.free();
    return strengths;
  }

  /** NumPy's default_rng(seed).standard_normal(count): Float64Array. */
  normals(seed, count) {
    return this.written(Float64Array, count, (at) => this.kernels.rw_normals(seed, count, at));
  }

  // What lies in the kernels' memory.

  place(array) {
    const at = this.kernels.rw_alloc(Math.max(array.byteLength, 8));
    check(at, "The page's memory is used up: take fewer rows, or a smaller network.");
    new Uint8Array(this.kernels.memory.buffer).set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
    return at;
  }
  /** Call f with the address of numbers, and free them. */
  with(array, f) {
    const at = this.place(array), result = f(at);
    this.kernels.rw_free(at);
    return result;
  }
  /** Call f with the address of room for `count` numbers of a kind, and return a copy of what it wrote. */
  written(Kind, count, f) {
    const at = this.place(new Kind(count));
    f(at);
    const copy = new Kind(this.kernels.memory.buffer, at, count).slice();
    this.kernels.rw_free(at);
    return copy;
  }
  floats(at, count) {
    return new Float32Array(this.kernels.memory.buffer, at, count).slice();
  }
}

function penaltySpec(penalty) {
  return [FAMILIES.indexOf(penalty.family), penalty.l1Ratio, penalty.biasAlpha, penalty.upperL2, penalty.gamma, ...penalty.layerFactors];
}
function optimizerSpec({ optimizer, rate, momentum }) {
  const [first, second] = { sgd: [momentum, 0], adagrad: [0, 0], rmsprop: [0, RHO], adam: [BETA_1, BETA_2] }[optimizer];
  return [OPTIMIZERS.indexOf(optimizer), rate, first, second, EPSILON, 0, 0, 0, 0, 0];
}

/** A checked problem in the kernels' memory. */
class Problem {
  constructor(engine, given) {
    const problem = completed(given), { kernels } = engine;
    const places = [problem.x, problem.target, Int32Array.from(problem.fold)].map((array) => engine.place(array));
    const spec = [
      problem.rows, problem.columns, problem.outputs, places[0], places[1], LOSSES.indexOf(problem.loss), problem.delta,
      problem.folds, places[2], problem.seeds.length, ...problem.seeds, problem.hidden.length, ...problem.hidden,
      ACTIVATIONS[problem.activation], ...optimizerSpec(problem), problem.epochs, problem.batch, ...penaltySpec(problem.penalty),
    ];
    Object.assign(this, { engine, given: problem });
    this.at = engine.with(Float64Array.from(spec), (at) => kernels.rw_problem(at));
    places.forEach((at) => kernels.rw_free(at));
    this.numbers = kernels.rw_numbers(this.at);
    this.pairs = (problem.folds + 1) * problem.seeds.length;
    const sizes = [problem.columns, ...problem.hidden, problem.outputs];
    this.shapes = sizes.slice(1).flatMap((units, k) => [{ inputs: sizes[k], units }, { inputs: 1, units }]);
  }
  heldOut(pair) {
    return this.engine.kernels.rw_held_out(this.at, Math.floor(pair / this.given.seeds.length));
  }
  setPenalty(changes) {
    Object.assign(this.given.penalty, changes);
    checkPenalty(this.given.penalty, this.given.hidden.length + 1);
    this.engine.with(Float64Array.from(penaltySpec(this.given.penalty)), (at) => this.engine.kernels.rw_problem_penalty(this.at, at));
  }
  standardization() {
    const { columns, outputs, folds } = this.given;
    const all = this.engine.written(Float64Array, 2 * (columns + outputs), (at) => this.engine.kernels.rw_standardization(this.at, folds, at));
    return {
      center: all.slice(0, columns), scale: all.slice(columns, 2 * columns),
      targetCenter: all.slice(2 * columns, 2 * columns + outputs), targetScale: all.slice(2 * columns + outputs),
    };
  }
  strengths(count) {
    const { kernels } = this.engine, { rows, columns, penalty } = this.given;
    check(penalty.layerFactors.every((factor) => factor > 0),
      "A layer without a penalty lets no strength end the path: give strengths as numbers, or penalize every layer.");
    const top = kernels.rw_strongest(this.at) || 1;
    return this.engine.written(Float64Array, count + 1, (at) => kernels.rw_grid(top, count, rows, columns, at));
  }
  /** Arrays of a network from all of its numbers. */
  arrays(flat) {
    let first = 0;
    return this.shapes.map(({ inputs, units }) => {
      const values = flat.slice(first, first + inputs * units);
      first += inputs * units;
      return { inputs, units, values };
    });
  }
  free() {
    this.engine.kernels.rw_problem_free(this.at);
  }
}

function flattened(arrays) {
  if (arrays instanceof Float32Array) return arrays;
  const flat = new Float32Array(arrays.reduce((sum, { values }) => sum + values.length, 0));
  let first = 0;
  for (const { values } of arrays) {
    flat.set(values, first);
    first += values.length;
  }
  return flat;
}

/** One training: of a fold and a start, at a strength. */
class Session {
  constructor(engine, problem, { fold, start = 0, strength = 0, way = "free", weights = null, shared = null }) {
    const { kernels } = engine;
    this.engine = engine;
    this.shared = Boolean(shared);
    this.problem = shared ?? new Problem(engine, problem);
    const { given } = this.problem;
    fold ??= given.folds;
    check(isCount(fold, 0) && fold <= given.folds, `fold is a number from 0 to ${given.folds} (all rows), got ${fold}: choose one.`);
    check(isCount(start, 0) && start < given.seeds.length, `start is a number from 0 to ${given.seeds.length - 1}, got ${start}: choose one.`);
    check(strength >= 0 && Number.isFinite(strength), `A strength is a number of zero or more, got ${strength}: choose one.`);
    this.pair = fold * given.seeds.length + start;
    this.strength = strength;
    const make = (at) => kernels.rw_session(this.problem.at, this.pair, WAYS[way], strength, at);
    this.at = weights ? engine.with(flattened(weights), make) : make(0);
    this.more = true;
  }

  get epoch() {
    return this.engine.kernels.rw_session_epoch(this.at);
  }
  /** Train on by so many epochs; returns the epochs that are done. */
  advance(epochs) {
    this.more = Boolean(this.engine.kernels.rw_session_advance(this.at, epochs));
    return this.epoch;
  }
  /** Train on for so many milliseconds, by one epoch at least; returns the epochs that are done. */
  advanceFor(milliseconds) {
    const begin = performance.now();
    let epochs = this.pace ?? 1;
    do {
      const before = performance.now();
      this.advance(epochs);
      const took = Math.max(performance.now() - before, 1e-3);
      this.pace = Math.max(1, Math.min(1000, Math.floor((epochs * milliseconds) / took / 2)));
      epochs = this.pace;
    } while (this.more && performance.now() - begin < milliseconds / 2);
    return this.epoch;
  }
  /** Bring a training to its end, and measure it. */
  finish() {
    this.engine.kernels.rw_session_finish(this.at);
    return this.read();
  }
  /** Measure where the training stands. */
  measure() {
    this.engine.kernels.rw_session_look(this.at);
    return this.read();
  }
  read() {
    const { kernels } = this.engine;
    const [dataLoss, penalty, heldoutLoss, residual, diverged] = this.engine.written(Float64Array, 5, (at) => kernels.rw_session_measures(this.at, at));
    const arrays = this.held(), count = ({ values }, f) => values.reduce((sum, w) => sum + f(w), 0);
    return {
      epoch: this.epoch, dataLoss, penalty, heldoutLoss, residual, diverged: diverged !== 0,
      zeros: arrays.map((array) => count(array, (w) => Number(w === 0)) / array.values.length),
      norms: arrays.map((array) => Math.sqrt(count(array, (w) => w * w))),
    };
  }
  held() {
    const { kernels } = this.engine;
    return this.problem.arrays(this.engine.floats(kernels.rw_session_weights(this.at), this.problem.numbers));
  }
  /** Weights and biases as they are now. */
  weights() {
    this.engine.kernels.rw_session_look(this.at);
    return this.held();
  }
  /** Gradients of the data loss over all training rows, where the training stands now. */
  gradients() {
    const { kernels } = this.engine;
    kernels.rw_session_look(this.at);
    return this.problem.arrays(this.engine.floats(kernels.rw_session_slopes(this.at), this.problem.numbers));
  }
  /** Outputs (count x outputs) of rows in the units of the data: logits, or numbers in the units of the target. */
  outputs(x, count) {
    const { kernels } = this.engine, { columns, outputs } = this.problem.given;
    check(x.length === count * columns, `x needs ${count} x ${columns} numbers, got ${x.length}: give every row all of its columns.`);
    return this.engine.with(Float64Array.from(x), (from) =>
      this.engine.written(Float64Array, count * outputs, (to) => kernels.rw_session_outputs(this.at, from, count, to)));
  }
  /** Change the strength, the rate, or the penalty; the training goes on from the weights. */
  change({ strength, rate, ...penalty }) {
    const { kernels } = this.engine;
    if (rate !== undefined) {
      check(rate > 0 && Number.isFinite(rate), `The learning rate is a number above 0, got ${rate}: take 0.01.`);
      kernels.rw_session_rate(this.at, rate);
    }
    if (Object.keys(penalty).length) this.problem.setPenalty(penalty);
    this.strength = strength ?? this.strength;
    kernels.rw_session_strength(this.at, this.strength);
  }
  /** Go on with other numbers in the same rows. */
  replaceRows(x) {
    const { rows, columns } = this.problem.given;
    check(x.length === rows * columns && x.every(Number.isFinite), `x needs ${rows} x ${columns} finite numbers, got ${x.length}: give as many.`);
    this.engine.with(Float64Array.from(x), (at) => this.engine.kernels.rw_session_rows(this.at, at));
  }
  /** What a path asks of a finished training. */
  fitted() {
    const { kernels } = this.engine, measures = this.finish();
    let training = NaN;
    const heldOut = this.engine.written(Float64Array, this.problem.heldOut(this.pair), (at) => (training = kernels.rw_session_score(this.at, at)));
    const weights = this.engine.floats(kernels.rw_session_weights(this.at), this.problem.numbers);
    return { measures: Float64Array.of(measures.dataLoss, measures.penalty, Number(measures.diverged), training), heldOut, weights };
  }
  free() {
    this.engine.kernels.rw_session_free(this.at);
    if (!this.shared) this.problem.free();
  }
}

/** The networks of a path as they come, and what is made of them. */
class PathRecord {
  constructor(problem, strengths) {
    const { engine } = problem;
    Object.assign(this, { engine, problem, strengths });
    this.at = engine.with(strengths, (at) => engine.kernels.rw_path(problem.at, at, strengths.length));
    this.heldOut = new Map(); // of cells that are through, for the partial curve
  }
  take(s, pair, { measures, heldOut, weights }, onward = false) {
    const { engine } = this;
    engine.with(measures, (m) => engine.with(weights, (w) => engine.with(heldOut, (h) =>
      engine.kernels.rw_path_take(this.at, s, pair, m, w, h, Number(onward)))));
    if (heldOut.length && !onward) this.heldOut.set(s * this.problem.pairs + pair, { heldOut, training: measures[3] });
  }
  /** The curve over the folds that are through, before the law. */
  partial() {
    const count = this.strengths.length, { pairs } = this.problem;
    const curve = { strengths: this.strengths };
    for (const name of ["heldoutLoss", "trainLoss", "standardError"]) curve[name] = new Float64Array(count).fill(NaN);
    const sums = Array.from({ length: count }, () => ({ rows: 0, sum: 0, squares: 0, cells: 0, training: 0 }));
    for (const [key, { heldOut, training }] of this.heldOut) {
      const of = sums[Math.floor(key / pairs)];
      for (const loss of heldOut) (of.rows += 1), (of.sum += loss), (of.squares += loss * loss);
      (of.cells += 1), (of.training += training);
    }
    sums.forEach(({ rows, sum, squares, cells, training }, s) => {
      if (!cells) return;
      curve.heldoutLoss[s] = sum / rows;
      curve.trainLoss[s] = training / cells;
      curve.standardError[s] = Math.sqrt(Math.max(squares / rows - (sum / rows) ** 2, 0) / Math.max(rows - 1, 1));
    });
    return curve;
  }
  obeyLaw() {
    this.engine.kernels.rw_path_law(this.at);
  }
  /** Pairs whose unpenalized network is to be trained on, and the weights that they go on from. */
  onward() {
    const { kernels } = this.engine, found = [];
    for (let pair = 0; pair < this.problem.pairs; ++pair)
      if (kernels.rw_path_goes_on(this.at, pair)) found.push({ pair, weights: this.network(1, pair) });
    return found;
  }
  network(s, pair) {
    return this.engine.written(Float32Array, this.problem.numbers, (at) => this.engine.kernels.rw_path_network(this.at, s, pair, at));
  }
  /** Everything that a page shows of a path. */
  result() {
    const { engine, problem, strengths } = this, { kernels } = engine, { folds, hidden, columns } = problem.given, count = strengths.length;
    const result = { strengths, ...this.curve(), ...problem.standardization() };
    const cells = count * problem.pairs, layers = hidden.length + 1;
    Object.assign(result, {
      source: new Int32Array(cells), objective: new Float64Array(cells), penalty: new Float64Array(cells),
      trainLoss: new Float64Array(count), zeros: new Float64Array(count), layerZeros: new Float64Array(count * layers),
      inputsKept: new Uint8Array(count * columns), unitsKept: new Int32Array(count), weightsKept: new Int32Array(count), networks: [],
    });
    for (let s = 0; s < count; ++s) {
      for (let pair = 0; pair < problem.pairs; ++pair) {
        const [source, objective, penalty] = engine.written(Float64Array, 3, (at) => kernels.rw_path_cell(this.at, s, pair, at));
        const cell = s * problem.pairs + pair;
        (result.source[cell] = source), (result.objective[cell] = objective), (result.penalty[cell] = penalty);
      }
      this.readBest(result, s, layers, columns);
    }
    return { ...result, ...this.verdict(folds) };
  }
  curve() {
    const { engine } = this, { kernels } = engine, count = this.strengths.length, { folds } = this.problem.given;
    const curve = {};
    curve.heldoutLoss = engine.written(Float64Array, count, (loss) => {
      curve.standardError = engine.written(Float64Array, count, (error) => {
        curve.foldLoss = engine.written(Float64Array, count * folds, (each) => {
          const [minimum, oneStandardError, nullLoss] = engine.written(Float64Array, 3, (chosen) => kernels.rw_path_curve(this.at, loss, error, each, chosen));
          Object.assign(curve, { minimum, oneStandardError, nullLoss });
        });
      });
    });
    return curve;
  }
  readBest(result, s, layers, columns) {
    const { engine, problem } = this, { kernels } = engine;
    let numbers, zeros;
    const inputs = engine.written(Uint8Array, columns, (i) => {
      zeros = engine.written(Float64Array, layers, (z) => {
        numbers = engine.written(Float64Array, 4, (n) => kernels.rw_path_best(this.at, s, n, z, i));
      });
    });
    const [pair, training, units, weights] = numbers;
    const sizes = problem.shapes.filter((_, k) => k % 2 === 0).map((shape) => shape.inputs * shape.units);
    result.trainLoss[s] = training;
    result.unitsKept[s] = units;
    result.weightsKept[s] = weights;
    result.zeros[s] = 1 - weights / sizes.reduce((a, b) => a + b);
    result.layerZeros.set(zeros, s * layers);
    result.inputsKept.set(inputs, s * columns);
    result.networks.push(problem.arrays(this.network(s, pair)));
  }
  verdict(folds) {
    let numbers;
    const chosen = this.engine.written(Float64Array, folds, (c) => {
      numbers = this.engine.written(Float64Array, 12, (n) => this.engine.kernels.rw_path_effect(this.at, n, c));
    });
    const [mean, error, low, high, carefulLow, carefulHigh, smallest, gain, gainError, ofInterval, found, unsure] = numbers;
    const outcome = ["better", "no difference", "worse", "cannot tell"][ofInterval];
    const named = ["helps", "helps somewhat", "no difference", "does not help", "too noisy to tell", "no signal", "not converged"][found];
    const verdict = unsure ? `probably ${named}` : named;
    return { effect: { mean, error, low, high, carefulLow, carefulHigh, smallest, outcome, gain, gainError }, chosenByOthers: Int32Array.from(chosen), verdict };
  }
  free() {
    this.engine.kernels.rw_path_free(this.at);
  }
}

// What is said between a page and its workers: {id, what, ...}. Works with a page's workers and with Node's.

function listen(port, hear) {
  if (port.on) port.on("message", hear);
  else port.onmessage = ({ data }) => hear(data);
}

/** A worker's part: train what it is asked to, in slices, so that it hears what is said meanwhile. */
function serve(port) {
  let engine = null, problem = null, problemKey = null, live = null, queue = [], current = null, ticking = false;
  const say = (message, arrays = []) => port.postMessage(message, arrays.map((array) => array.buffer));
  const tick = () => {
    ticking = false;
    try {
      if (queue.length || current) work();
      if (live && !live.paused) train(live);
    } catch (error) {
      say({ what: "failed", id: (current ?? live)?.id, message: error.message });
      current = live = null;
    }
    wake();
  };
  const wake = () => {
    if (ticking || !(queue.length || current || (live && !live.paused))) return;
    ticking = true;
    const idle = !(queue.length || current); // a paced training rests until its next report is due
    setTimeout(tick, idle && live.pace ? Math.max(0, live.due - performance.now()) : 0);
  };
  const drop = () => {
    current?.session.free();
    current = null;
    queue = [];
  };
  const work = () => {
    if (!current) {
      const task = queue.shift(), fold = Math.floor(task.pair / problem.given.seeds.length), start = task.pair % problem.given.seeds.length;
      const options = { fold, start, strength: task.strength, way: task.way, weights: task.weights, shared: problem };
      current = { id: task.id, task, session: engine.train(null, options) };
    }
    const { session, task, id } = current, until = performance.now() + SLICE;
    do session.advanceFor(SLICE);
    while (session.more && performance.now() < until);
    if (session.more) return;
    const fitted = session.fitted();
    session.free();
    current = null;
    say({ what: "fitted", id, number: task.number, fitted }, [fitted.measures, fitted.heldOut, fitted.weights]);
  };
  const train = (now) => {
    if (now.pace && performance.now() < now.due) return;
    if (now.pace) now.session.advance(now.pace);
    else now.session.advanceFor(SLICE);
    if (performance.now() < now.due) return;
    now.due = performance.now() + now.every;
    const measure = now.session.measure(), weights = now.session.held();
    const outputs = now.grid ? now.session.outputs(now.grid.x, now.grid.rows) : null;
    say({ what: "report", id: now.id, measure, weights, outputs }, [...weights.map((w) => w.values), ...(outputs ? [outputs] : [])]);
  };
  const hears = {
    async start({ bytes }) {
      engine = await Engine.instantiate(bytes);
      say({ what: "ready" });
    },
    problem({ given, key }) {
      drop();
      problem?.free();
      problem = new Problem(engine, given);
      problemKey = key;
    },
    tasks({ tasks, key }) {
      if (key === problemKey) queue.push(...tasks);
    },
    drop,
    train({ id, given, options }) {
      live?.session.free();
      live = { id, session: engine.train(given, options), every: options.every ?? 50, pace: options.pace ?? 0, grid: options.grid, due: 0, paused: Boolean(options.paused) };
    },
    change: ({ changes }) => live?.session.change(changes),
    rows: ({ x }) => live?.session.replaceRows(x),
    grid: ({ grid }) => live && (live.grid = grid),
    pace: ({ pace }) => live && (live.pace = pace), // epochs from one report to the next; 0: as many as there is time for
    pause: () => live && (live.paused = true),
    resume: () => live && (live.paused = false),
    end() {
      live?.session.free();
      live = null;
    },
    outputs({ id, given, network, x, rows }) {
      const outputs = engine.outputs(given, network, x, rows);
      say({ what: "outputs", id, outputs }, [outputs]);
    },
    strengths({ id, given, count }) {
      const strengths = engine.strengths(given, count);
      say({ what: "strengths", id, strengths }, [strengths]);
    },
  };
  listen(port, async (message) => {
    try {
      await hears[message.what](message);
    } catch (error) {
      say({ what: "failed", id: message.id, message: error.message });
    }
    wake();
  });
}

/** A page's part: deals a path out to workers, and puts it together. */
class Pool {
  constructor(workers, bytes) {
    this.workers = workers;
    this.next = 0;
    this.waits = new Map();
    this.ready = this.begin(bytes);
  }
  async begin(bytes) {
    const started = this.workers.map((worker) => new Promise((resolve, reject) => {
      listen(worker, (message) => (message.what === "ready" ? resolve() : this.hear(worker, message, reject)));
      worker.postMessage({ what: "start", bytes });
    }));
    this.engine = await Engine.instantiate(bytes);
    await Promise.all(started);
  }
  hear(worker, message, reject) {
    const waits = this.waits.get(message.id);
    if (waits) waits(message, worker);
    else if (message.what === "failed" && message.id === undefined) reject(new Error(message.message));
  }
  tell(worker, message) {
    worker.postMessage(message);
  }

  /** Fit a path; `run.result` is a promise of it, and `run.stop()` ends it. */
  path(given, options = {}) {
    return new PathRun(this, given, options);
  }

  /** Train one network on a worker of its own (the last), and hear of it every few milliseconds. */
  train(given, { report, fail = () => {}, worker = this.workers.length - 1, ...options }) {
    const id = ++this.next, to = this.workers[worker];
    const problem = completed(given);
    this.waits.set(id, (message) => (message.what === "failed" ? fail(new Error(message.message)) : report(message)));
    this.tell(to, { what: "train", id, given: problem, options });
    return {
      change: (changes) => this.tell(to, { what: "change", id, changes }),
      replaceRows: (x) => this.tell(to, { what: "rows", id, x }),
      setGrid: (grid) => this.tell(to, { what: "grid", id, grid }),
      setPace: (pace) => this.tell(to, { what: "pace", id, pace }),
      pause: () => this.tell(to, { what: "pause" }),
      resume: () => this.tell(to, { what: "resume" }),
      stop: () => {
        this.waits.delete(id);
        this.tell(to, { what: "end" });
      },
    };
  }

  /** Outputs (rows x outputs) of a network of `path.networks`. */
  outputs(given, network, x, rows) {
    return this.ask({ what: "outputs", given, network, x, rows });
  }
  /** Strengths of a path of so many above 0: of a large table this takes longer than a page may stall. */
  strengths(given, count) {
    return this.ask({ what: "strengths", given: completed(given), count });
  }
  ask(question) {
    const id = ++this.next;
    return new Promise((resolve, reject) => {
      this.waits.set(id, (message) => {
        this.waits.delete(id);
        if (message.what === "failed") reject(new Error(message.message));
        else resolve(message[question.what]);
      });
      this.tell(this.workers[0], { ...question, id });
    });
  }
}

/** A path under way: dense fits, then every strength of each, fold after fold; then the law. */
class PathRun {
  constructor(pool, given, { strengths = 30, progress = () => {} }) {
    Object.assign(this, { pool, progress, id: ++pool.next, done: 0, due: 0, stopped: false });
    this.result = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    try {
      this.begin(given, strengths);
    } catch (error) {
      this.end(() => this.reject(error));
    }
  }
  begin(given, strengths) {
    const { pool } = this, problem = completed(given);
    this.problem = new Problem(pool.engine, problem);
    if (Number.isInteger(strengths)) strengths = this.problem.strengths(strengths);
    check(strengths.length > 1 && strengths.every((a, k) => Number.isFinite(a) && (k ? a > strengths[k - 1] : a === 0)),
      "strengths are numbers that rise from 0: begin with 0.");
    this.record = new PathRecord(this.problem, Float64Array.from(strengths));
    this.total = (strengths.length + 1) * this.problem.pairs;
    this.left = this.total;
    pool.waits.set(this.id, (message, worker) => this.hear(message, worker));
    for (const worker of pool.workers) {
      pool.tell(worker, { what: "problem", id: this.id, given: problem, key: this.id });
      worker.load = 0;
    }
    this.waiting = [];
    for (let pair = 0; pair < this.problem.pairs; ++pair) this.waiting.push({ number: -1 - pair, pair, way: "dense", strength: 0, turn: pair * TURNS });
    this.deal();
  }
  /** Keep every worker busy with two tasks: one that it does, and one that waits. */
  deal() {
    for (const worker of [...this.pool.workers, ...this.pool.workers]) {
      if (worker.load >= 2 || !this.waiting.length) continue;
      worker.load += 1;
      const task = { id: this.id, ...this.waiting.shift() };
      this.pool.tell(worker, { what: "tasks", key: this.id, tasks: [task] });
    }
  }
  hear(message, worker) {
    if (this.stopped) return;
    if (message.what === "failed") return this.end(() => this.reject(new Error(message.message)));
    worker.load -= 1;
    try {
      this.take(message);
    } catch (error) {
      this.end(() => this.reject(error));
    }
  }
  take({ number, fitted }) {
    const { pairs } = this.problem, count = this.record.strengths.length, s = Math.floor(number / pairs), pair = number % pairs;
    this.done += 1;
    if (number < 0) this.raise(-1 - number, fitted.weights);
    else this.record.take(s % count, pair, fitted, s >= count);
    this.left -= 1;
    this.deal();
    if (this.left) return this.report();
    if (!this.lawful) return this.goOn();
    return this.complete();
  }
  /** Train a pair at every strength from its dense fit: fold after fold, and some strengths first, so that a curve stands early. */
  raise(pair, weights) {
    const { pairs } = this.problem, late = (s) => (s % 4 === 2 ? 0 : s % 2 === 0 ? 1 : 2);
    this.record.strengths.forEach((strength, s) => {
      const turn = pair * TURNS + 1 + late(s) + s / this.record.strengths.length;
      this.waiting.push({ number: s * pairs + pair, pair, way: "raised", strength, weights, turn });
    });
    this.waiting.sort((a, b) => a.turn - b.turn);
  }
  goOn() {
    const { pairs } = this.problem, count = this.record.strengths.length;
    this.lawful = true;
    this.record.obeyLaw();
    const onward = this.record.onward();
    if (!onward.length) return this.complete();
    this.left = onward.length;
    this.waiting = onward.map(({ pair, weights }) => ({ number: count * pairs + pair, pair, way: "onward", strength: 0, weights }));
    return this.deal();
  }
  report() {
    const now = performance.now();
    if (now < this.due) return;
    this.due = now + REPORT;
    this.progress({ done: this.done, total: this.total, share: this.done / this.total, ...this.record.partial() });
  }
  complete() {
    const result = this.record.result();
    this.end(() => this.resolve(result));
  }
  end(settle) {
    if (this.stopped) return;
    this.stopped = true;
    this.pool.waits.delete(this.id);
    this.record?.free();
    this.problem?.free();
    settle();
  }
  stop() {
    for (const worker of this.pool.workers) this.pool.tell(worker, { what: "drop" });
    this.end(() => this.reject(new Error("stopped")));
  }
}

export { Engine, Pool, serve };
