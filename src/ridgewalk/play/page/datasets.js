// Data whose law is known: rows to train on, fresh rows to judge by, and the ceiling that no classifier or curve passes.
// The noise scales draws that stay the same, so that rows move smoothly as it changes.

const DATASETS = {
  spiral: { classes: 3, noise: 0.2, most: 0.6, reach: [-1.15, 1.15], unit: "angle" },
  moons: { classes: 2, noise: 0.3, most: 0.8, reach: [-2.3, 2.3] },
  rings: { classes: 2, noise: 0.2, most: 0.6, reach: [-1.7, 1.7] },
  xor: { classes: 2, noise: 0.6, most: 1.2, reach: [-2.7, 2.7] },
  waves: { classes: 0, noise: 0.4, most: 1.2, reach: [-3.3, 3.3], height: [-3.2, 3.2] },
};
const RADII = [0.45, 1.1];
const wave = (x) => Math.sin(2.2 * x) + x / 3;

/** Return a source of uniform numbers between 0 and 1, and of normal ones: a hash of a counter. */
function draws(seed) {
  let count = 0;
  const uniform = () => {
    let h = Math.imul(++count, 0x9e3779b1) ^ Math.imul(seed + 1, 0x7feb352d);
    h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
    h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
    return ((h ^ (h >>> 15)) >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}

/** Where a row lies without noise: the middle of its class at a place `u` between 0 and 1, or one of xor's four corners. */
const MIDDLES = {
  moons: (c, u) => (c ? [0.5 - Math.cos(Math.PI * u), 0.25 - Math.sin(Math.PI * u)] : [Math.cos(Math.PI * u) - 0.5, Math.sin(Math.PI * u) - 0.25]),
  rings: (c, u) => [RADII[c] * Math.cos(2 * Math.PI * u), RADII[c] * Math.sin(2 * Math.PI * u)],
  xor: (c, u) => (u < 0.5 ? [1, c ? -1 : 1] : [-1, c ? 1 : -1]),
};

/** Draw rows of a kind: {x, rows, columns, names, classes and classCount, or numbers}. */
function drawRows(kind, rows, noise, seed, fresh = false) {
  const { uniform, normal } = draws(seed), { classes: count } = DATASETS[kind];
  if (!count) {
    const x = new Float64Array(rows), numbers = new Float64Array(rows);
    for (let row = 0; row < rows; ++row) {
      x[row] = -3 + 6 * uniform();
      numbers[row] = wave(x[row]) + noise * normal();
    }
    return { x, rows, columns: 1, names: ["x"], numbers };
  }
  const x = new Float64Array(2 * rows), classes = new Int32Array(rows), each = Math.max(Math.ceil(rows / count) - 1, 1);
  for (let row = 0; row < rows; ++row) {
    const c = (classes[row] = row % count), u = uniform(), [a, b] = [normal(), normal()];
    if (kind === "spiral") {
      const r = fresh ? u : Math.floor(row / count) / each, t = 4 * (c + r) + noise * a;
      x.set([r * Math.sin(2.5 * t), r * Math.cos(2.5 * t)], 2 * row);
    } else {
      const [left, up] = MIDDLES[kind](c, u);
      x.set([left + noise * a, up + noise * b], 2 * row);
    }
  }
  return { x, rows, columns: 2, names: ["x", "y"], classes, classCount: count };
}

/** Rows that are drawn, with what pictures of them need: reach, height, truth, names. */
function drawnData({ data: kind, rows: count, noise, draw }) {
  const { reach, height } = DATASETS[kind], rows = drawRows(kind, count, noise, draw);
  const named = rows.classes ? { classNames: ["A", "B", "C"].slice(0, rows.classCount) } : { truth: wave, height };
  return { ...rows, ...named, reach: rows.columns === 2 ? [reach, reach] : [reach] };
}

/** The spiral's ceiling: at every radius the angle of an arm is normal, and the arms are turned against each other. */
function spiralCeiling(noise, count, steps = 1440) {
  const spread = 2.5 * noise, dense = (angle) => {
    let sum = 0;
    for (let turn = -8; turn <= 8; ++turn) sum += Math.exp(-((angle + 2 * Math.PI * turn) ** 2) / (2 * spread ** 2));
    return sum / (spread * Math.sqrt(2 * Math.PI));
  };
  let accuracy = 0, loss = 0;
  for (let step = 0; step < steps; ++step) {
    const angle = (2 * Math.PI * step) / steps, each = Array.from({ length: count }, (_, c) => dense(((angle - 10 * c) % (2 * Math.PI)))), all = each.reduce((a, b) => a + b);
    accuracy += Math.max(...each) / count;
    for (const p of each) if (p > 0) loss -= (p * Math.log(p / all)) / count;
  }
  const width = (2 * Math.PI) / steps;
  return { accuracy: accuracy * width, loss: loss * width };
}

/** The ceiling of two classes that are middles with normal noise around: an integral over the plane. */
function planeCeiling(kind, noise) {
  const places = kind === "xor" ? [0.25, 0.75] : Array.from({ length: 96 }, (_, k) => (k + 0.5) / 96);
  const middles = [0, 1].map((c) => places.map((u) => MIDDLES[kind](c, u)));
  const reach = 1.6 + 3.5 * noise, step = Math.max(noise / 3, reach / 90), far = 16 * noise ** 2;
  const scale = (step * step) / (2 * Math.PI * noise ** 2 * places.length * 2);
  let accuracy = 0, loss = 0;
  for (let x = -reach; x <= reach; x += step) for (let y = -reach; y <= reach; y += step) {
    const [p, q] = middles.map((of) => of.reduce((sum, [a, b]) => {
      const d = (x - a) ** 2 + (y - b) ** 2;
      return d > far ? sum : sum + Math.exp(-d / (2 * noise ** 2));
    }, 0));
    accuracy += Math.max(p, q);
    if (p > 0) loss -= p * Math.log(p / (p + q));
    if (q > 0) loss -= q * Math.log(q / (p + q));
  }
  return { accuracy: accuracy * scale, loss: loss * scale };
}

/** The best that can be reached on fresh rows: {loss, accuracy} of classes, {loss, variance} of numbers (half of it is the loss). */
function ceilingOf(kind, noise) {
  const { classes } = DATASETS[kind];
  if (!classes) return { loss: noise ** 2 / 2, variance: noise ** 2 };
  if (noise < 0.02) return { loss: 0, accuracy: 1 };
  return kind === "spiral" ? spiralCeiling(noise, classes) : planeCeiling(kind, noise);
}
