// The tutorial's own loop, line by line: lines of Python as ridgewalk.tutorial runs them, and what each does to its arrays.
//
// Written a second time, in double precision: the engine holds no array of a line apart, and L2 is a proximal step there, where the
// tutorial has it in the gradient (decision 0015). Tests run these very lines in Python and compare every number (decision 0038).
// An array is {rows, columns, values}. Seeds of the layers are 0, 1, ...; the draws are NumPy's, from the engine.

const BETA = [0.9, 0.999], LOOP_EPSILON = 1e-7, WARMUP = 500, SMALL_START = 0.01; // as Optimizer_Adam and Layer_Dense have them
const LOOP_OPTIMIZERS = { adam: "Optimizer_Adam", sgd: "Optimizer_SGD" };
// The names of the book that the tutorial follows, where they differ from ridgewalk.tutorial's.
const BOOK_NAMES = {
  weight: "weights", bias: "biases", dweight: "dweights", dbias: "dbiases", dinput: "dinputs", input: "inputs", Activation_ReLu: "Activation_ReLU",
  weight_L1: "weight_regularizer_l1", weight_L2: "weight_regularizer_l2", bias_L1: "bias_regularizer_l1", bias_L2: "bias_regularizer_l2",
  pre_update_param: "pre_update_params", update_param: "update_params", post_update_param: "post_update_params",
};
/** A text in the names that are chosen: "tutorial" (they run with ridgewalk.tutorial) or "book". */
function named(text, names) {
  if (names !== "book") return text;
  return text.replace(/, random_state=\d+/, "").replace(/\w+/g, (word) => (Object.hasOwn(BOOK_NAMES, word) ? BOOK_NAMES[word] : word));
}

/** What the loop trains: the page's choices in the tutorial's terms, and keys of sentences on what the tutorial lacks. */
function loopOf(state, data, strength) {
  const notes = [], { family, l1Ratio, layerFactors, biasAlpha } = penaltyOf(state);
  if (!data.classes) return { notes: ["loop-no-numbers"] };
  if (state.hidden.length && state.activation !== "relu") notes.push("loop-no-activation");
  if (!LOOP_OPTIMIZERS[state.optimizer]) notes.push("loop-no-optimizer");
  if (family !== "elasticnet") notes.push("loop-no-family");
  const ratio = family === "elasticnet" ? l1Ratio : 1, short = (value) => Number(value.toPrecision(3));
  const strengths = [...state.hidden, 0].map((_, k) => {
    const alpha = (layerFactors?.[k] ?? 1) * strength, bias = strength > 0 ? biasAlpha : 0;
    return { weight_L1: short(alpha * ratio), weight_L2: short((alpha * (1 - ratio)) / 2), bias_L1: short(bias * ratio), bias_L2: short((bias * (1 - ratio)) / 2) };
  });
  const { x, rows, columns, classes, classCount } = data, optimizer = LOOP_OPTIMIZERS[state.optimizer] ? state.optimizer : "adam";
  return { notes, x, rows, columns, classes, classCount, hidden: state.hidden, strengths, optimizer, rate: state.rate, momentum: optimizer === "sgd" ? state.momentum : 0, steps: state.epochs };
}

const matrix = (rows, columns, values = new Float64Array(rows * columns)) => ({ rows, columns, values });

/** a (N, P) times b (P, Q), plus a row (1, Q). */
function timesPlus(a, b, row) {
  const out = matrix(a.rows, b.columns), { columns: p } = a, { columns: q } = b;
  for (let i = 0; i < a.rows; ++i) {
    const to = out.values.subarray(i * q, i * q + q);
    to.set(row.values);
    for (let k = 0; k < p; ++k) {
      const factor = a.values[i * p + k];
      if (factor !== 0) for (let j = 0; j < q; ++j) to[j] += factor * b.values[k * q + j];
    }
  }
  return out;
}
/** The transpose of a (N, P) times d (N, Q): (P, Q). */
function transposedTimes(a, d) {
  const out = matrix(a.columns, d.columns), { columns: p } = a, { columns: q } = d;
  for (let i = 0; i < a.rows; ++i) for (let k = 0; k < p; ++k) {
    const factor = a.values[i * p + k];
    if (factor !== 0) for (let j = 0; j < q; ++j) out.values[k * q + j] += factor * d.values[i * q + j];
  }
  return out;
}
/** d (N, Q) times the transpose of b (P, Q): (N, P). */
function timesTransposed(d, b) {
  const out = matrix(d.rows, b.rows), { columns: q } = d;
  for (let i = 0; i < d.rows; ++i) for (let k = 0; k < b.rows; ++k) {
    let sum = 0;
    for (let j = 0; j < q; ++j) sum += d.values[i * q + j] * b.values[k * q + j];
    out.values[i * b.rows + k] = sum;
  }
  return out;
}
function columnSums(d) {
  const out = matrix(1, d.columns);
  d.values.forEach((value, k) => (out.values[k % d.columns] += value));
  return out;
}
const sumOf = (values, f) => values.reduce((sum, value) => sum + f(value), 0);

/** The penalty of a weight or bias array, in its two parts. */
const penaltyParts = (array, l1, l2) => ({ size: sumOf(array.values, Math.abs), squares: sumOf(array.values, (w) => w * w), l1, l2 });
const penaltyValue = ({ size, squares, l1, l2 }) => l1 * size + l2 * squares;

class LoopDense {
  constructor(inputs, units, strengths, draws) {
    this.weight = matrix(inputs, units, draws.map((draw) => SMALL_START * draw));
    this.bias = matrix(1, units);
    Object.assign(this, strengths);
  }
  strengths(name) {
    return [this[`${name}_L1`], this[`${name}_L2`]];
  }
  forward(input) {
    this.input = input;
    this.output = timesPlus(input, this.weight, this.bias);
  }
  backward(dvalue) {
    this.slopes = { weight: transposedTimes(this.input, dvalue), bias: columnSums(dvalue) }; // of the data loss alone
    for (const name of ["weight", "bias"]) {
      const [l1, l2] = this.strengths(name), { rows, columns, values } = this[name], slope = this.slopes[name].values;
      this[`d${name}`] = matrix(rows, columns, slope.map((each, k) => each + 2 * l2 * values[k] + l1 * Math.sign(values[k])));
    }
    this.dinput = timesTransposed(dvalue, this.weight);
  }
  paid() {
    return ["weight", "bias"].map((name) => penaltyParts(this[name], ...this.strengths(name)));
  }
}

class LoopReLU {
  forward(input) {
    this.input = input;
    this.output = matrix(input.rows, input.columns, input.values.map((z) => Math.max(z, 0)));
  }
  backward(dvalue) {
    this.dinput = matrix(dvalue.rows, dvalue.columns, dvalue.values.map((d, k) => (this.input.values[k] > 0 ? d : 0)));
  }
}

/** Softmax and mean cross-entropy in one. */
class LoopLoss {
  forward(input, y) {
    this.output = matrix(input.rows, input.columns);
    let loss = 0;
    for (let i = 0; i < input.rows; ++i) {
      const z = input.values.subarray(i * input.columns, (i + 1) * input.columns), most = Math.max(...z);
      const total = z.reduce((sum, each) => sum + Math.exp(each - most), 0);
      z.forEach((each, c) => (this.output.values[i * input.columns + c] = Math.exp(each - most) / total));
      loss += Math.log(total) - (z[y[i]] - most);
    }
    return loss / input.rows;
  }
  backward(output, y) {
    const { rows, columns, values } = output;
    this.dinput = matrix(rows, columns, values.map((p, k) => (p - Number(y[Math.floor(k / columns)] === k % columns)) / rows));
  }
}

/** The tutorial's three calls around Adam or SGD; L1 is taken out of the gradient, and ends the step as a proximal one. */
class LoopOptimizer {
  constructor({ optimizer, rate, momentum }) {
    Object.assign(this, { kind: optimizer, rate, current: rate, momentum, iterations: 0, memories: new Map() });
  }
  get ramp() {
    return Math.min(1, (this.iterations + 1) / WARMUP);
  }
  update(layer) {
    const memory = this.memories.get(layer) ?? { updates: 0, weight: {}, bias: {} };
    this.memories.set(layer, memory);
    layer.moved = { weight: this.step(layer, "weight", memory), bias: this.step(layer, "bias", memory) };
    memory.updates += 1;
  }
  /** Move an array; returns it before, where the step led, and where L1's cut left it. */
  step(layer, name, memory) {
    const { rows, columns, values: before } = layer[name], l1 = layer[`${name}_L1`], gradient = layer[`d${name}`].values, own = memory[name];
    const taken = this.kind === "sgd" && l1 > 0 ? this.ramp : 1, ledTo = new Float64Array(before.length), after = new Float64Array(before.length);
    own.first ??= new Float64Array(before.length);
    own.second ??= new Float64Array(before.length);
    for (let k = 0; k < before.length; ++k) {
      const slope = gradient[k] - taken * l1 * Math.sign(before[k]), length = this.kind === "adam" ? this.adam(own, k, slope, memory.updates) : this.sgd(own, k, slope);
      ledTo[k] = before[k] + length.move;
      const size = Math.abs(ledTo[k]) - length.step * this.ramp * l1;
      after[k] = l1 > 0 ? (Number.isNaN(size) ? size : Math.sign(ledTo[k]) * Math.max(size, 0)) + 0 : ledTo[k];
      if (this.kind === "sgd") own.first[k] = l1 > 0 ? after[k] - before[k] : length.move;
    }
    layer[name] = matrix(rows, columns, after);
    return { before: matrix(rows, columns, before), ledTo: matrix(rows, columns, ledTo), after: layer[name], ramp: this.ramp };
  }
  adam(own, k, slope, updates) {
    own.first[k] = BETA[0] * own.first[k] + (1 - BETA[0]) * slope;
    own.second[k] = BETA[1] * own.second[k] + (1 - BETA[1]) * slope * slope;
    const first = own.first[k] / (1 - BETA[0] ** (updates + 1)), root = Math.sqrt(own.second[k] / (1 - BETA[1] ** (updates + 1))) + LOOP_EPSILON;
    return { move: (-this.current * first) / root, step: this.current / root };
  }
  sgd(own, k, slope) {
    return { move: this.momentum * own.first[k] - this.current * slope, step: this.current };
  }
}

const written = (strengths) => Object.entries(strengths).filter(([, value]) => value > 0).map(([name, value]) => `, ${name}=${value}`).join("");
const shareRight = (output, y) => y.reduce((sum, c, i) => {
  const row = output.values.subarray(i * output.columns, (i + 1) * output.columns);
  return sum + Number(row.every((p) => p <= row[c]) && row.indexOf(row[c]) === c);
}, 0) / y.length;

/** The program: its lines in order, each {part, kind, layer, text, act}; a layer counts from 1. */
function loopLines(spec) {
  const sizes = [spec.columns, ...spec.hidden, spec.classCount], last = sizes.length - 1, layers = Array.from({ length: last }, (_, k) => k + 1);
  const line = (part, kind, layer, text, act) => ({ part, kind, layer, text, act });
  const input = (layer) => (layer === 1 ? "X" : `activation${layer - 1}.output`), dvalue = (layer) => (layer === last ? "loss_activation.dinput" : `activation${layer}.dinput`);
  const start = layers.flatMap((k) => [
    line("start", "layer", k, `dense${k} = Layer_Dense(${sizes[k - 1]}, ${sizes[k]}${written(spec.strengths[k - 1])}, random_state=${k - 1})`, (run) => (run.dense[k] = new LoopDense(sizes[k - 1], sizes[k], spec.strengths[k - 1], run.draws(k - 1, sizes[k - 1] * sizes[k])))),
    ...(k < last ? [line("start", "relu", k, `activation${k} = Activation_ReLu()`, (run) => (run.relu[k] = new LoopReLU()))] : []),
  ]);
  start.push(line("start", "softmax", 0, "loss_activation = Activation_Softmax_Loss_CategoricalCrossentropy()", (run) => (run.loss = new LoopLoss())));
  start.push(line("start", "optimizer", 0, `optimizer = ${LOOP_OPTIMIZERS[spec.optimizer]}(learning_rate=${spec.rate}${spec.momentum ? `, momentum=${spec.momentum}` : ""})`, (run) => (run.optimizer = new LoopOptimizer(spec))));
  const value = (run, text) => (text === "X" ? run.X : text.startsWith("loss") ? run.loss.dinput : run.relu[Number(text.match(/\d+/)[0])][text.split(".")[1]]);
  const forward = layers.flatMap((k) => [
    line("step", "forward", k, `dense${k}.forward(${input(k)})`, (run) => run.dense[k].forward(value(run, input(k)))),
    ...(k < last ? [line("step", "relu-forward", k, `activation${k}.forward(dense${k}.output)`, (run) => run.relu[k].forward(run.dense[k].output))] : []),
  ]);
  const judge = [
    line("step", "data-loss", last, `data_loss = loss_activation.forward(dense${last}.output, y)`, (run) => (run.dataLoss = run.loss.forward(run.dense[last].output, spec.classes))),
    line("step", "penalty", last, `reg_loss = ${layers.map((k) => `loss_activation.loss.regularization_loss(dense${k})`).join(" + ")}`, (run) => (run.penalty = layers.reduce((sum, k) => sum + run.dense[k].paid().reduce((all, each) => all + penaltyValue(each), 0), 0))),
    line("step", "loss", last, "loss = data_loss + reg_loss", (run) => run.note()),
    line("step", "accuracy", last, "accuracy = np.mean(loss_activation.output.argmax(axis=1) == y)", (run) => (run.accuracy = shareRight(run.loss.output, spec.classes))),
  ];
  const backward = [line("step", "loss-backward", last, "loss_activation.backward(loss_activation.output, y)", (run) => run.loss.backward(run.loss.output, spec.classes))];
  for (const k of layers.slice().reverse()) {
    backward.push(line("step", "backward", k, `dense${k}.backward(${dvalue(k)})`, (run) => run.dense[k].backward(value(run, dvalue(k)))));
    if (k > 1) backward.push(line("step", "relu-backward", k - 1, `activation${k - 1}.backward(dense${k}.dinput)`, (run) => run.relu[k - 1].backward(run.dense[k].dinput)));
  }
  const update = [
    line("step", "before-update", 0, "optimizer.pre_update_param()", () => {}), // no decay: the rate stays
    ...layers.map((k) => line("step", "update", k, `optimizer.update_param(dense${k})`, (run) => run.optimizer.update(run.dense[k]))),
    line("step", "after-update", 0, "optimizer.post_update_param()", (run) => (run.optimizer.iterations += 1)),
  ];
  return [...start, ...forward, ...judge, ...backward, ...update];
}

/** A run of the loop: `next()` executes one line. `draws(seed, count)` are NumPy's normal numbers. */
class LoopRun {
  constructor(spec, draws) {
    Object.assign(this, { spec, draws, dense: [], relu: [], done: 0, last: null, history: [] });
    this.X = matrix(spec.rows, spec.columns, spec.x);
    this.lines = loopLines(spec);
    this.begin = this.lines.findIndex(({ part }) => part === "step");
    this.body = this.lines.length - this.begin;
    this.end = this.begin + spec.steps * this.body; // of lines to execute
  }
  /** The number, among the lines, of the one that comes next; null when the loop is through. */
  get at() {
    if (this.done >= this.end) return null;
    return this.done < this.begin ? this.done : this.begin + ((this.done - this.begin) % this.body);
  }
  /** Steps that are through. */
  get steps() {
    return Math.max(0, Math.floor((this.done - this.begin) / this.body));
  }
  next() {
    const { at } = this;
    if (at === null) return false;
    this.lines[at].act(this);
    this.last = at;
    this.done += 1;
    return true;
  }
  note() {
    this.total = this.dataLoss + this.penalty;
    this.history.push({ step: this.steps, dataLoss: this.dataLoss, penalty: this.penalty, zeros: this.zeros().reduce((sum, { zeros }) => sum + zeros, 0) });
  }
  /** Weights that are exactly 0, layer by layer. */
  zeros() {
    return this.dense.slice(1).map(({ weight }) => ({ zeros: sumOf(weight.values, (w) => Number(w === 0)), all: weight.values.length }));
  }
  /** Outputs (rows x classes) of any rows, by the weights as they are. */
  outputs(x, rows) {
    let a = matrix(rows, this.spec.columns, x);
    this.dense.slice(1).forEach((dense, k) => {
      a = timesPlus(a, dense.weight, dense.bias);
      if (k + 2 < this.dense.length) a = matrix(a.rows, a.columns, a.values.map((z) => Math.max(z, 0)));
    });
    return a.values;
  }
}

/** The whole program, which runs in Python as it stands: its rows, its lines, the loop. */
function loopProgram(spec) {
  const lines = loopLines(spec), of = (wanted) => lines.filter(({ part }) => part === wanted).map(({ text }) => text);
  const rows = Array.from({ length: spec.rows }, (_, i) => `    [${Array.from(spec.x.subarray(i * spec.columns, (i + 1) * spec.columns)).join(", ")}],`);
  const names = [...(spec.hidden.length ? ["Activation_ReLu"] : []), "Activation_Softmax_Loss_CategoricalCrossentropy", "Layer_Dense", LOOP_OPTIMIZERS[spec.optimizer]];
  return [
    "import numpy as np", `from ridgewalk.tutorial import ${names.join(", ")}`, "", "X = np.array([", ...rows, "])", `y = np.array([${Array.from(spec.classes).join(", ")}])`, "",
    ...of("start"), "", `for step in range(${spec.steps}):`, ...of("step").map((text) => `    ${text}`),
    "    if step % 100 == 0:", '        print(f"step {step}: loss {loss:.4f} = data {data_loss:.4f} + penalty {reg_loss:.4f}, accuracy {accuracy:.3f}")', "",
  ].join("\n");
}
