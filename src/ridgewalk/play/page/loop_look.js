// What the line of the loop that ran last did: a sentence, one number worked out, pieces of arrays. No document is known here.
//
// A piece is {sign, name, note, array}: they stand side by side with their signs, as in `weight + step - cut = weight`.

const short = (value) => number(value, 3);
const inBrackets = (value) => (value < 0 ? `(${short(value)})` : short(value));
const shareOf = (array, f) => percent(sumOf(array.values, (value) => Number(f(value))) / array.values.length);

/** Arrays made of a part of a step: f of every place. */
const madeOf = ({ rows, columns }, f) => matrix(rows, columns, Float64Array.from({ length: rows * columns }, (_, k) => f(k)));

const LOOKS_OF = {
  layer({ line, run }) {
    const dense = run.dense[line.layer], { rows: inputs, columns: units } = dense.weight;
    return { say: ["weight", "bias"].some((name) => dense.strengths(name).some(Boolean)) ? "loop-did-layer" : "loop-did-layer-free", values: { inputs, units }, pieces: [{ name: `dense${line.layer}.weight`, array: dense.weight }] };
  },
  relu: () => ({}),
  softmax: () => ({}),
  optimizer: ({ run }) => ({ values: { rate: run.optimizer.current } }),
  forward({ line, run }) {
    const k = line.layer, { input, weight, bias, output } = run.dense[k], from = k === 1 ? "X" : `activation${k - 1}.output`;
    const terms = Array.from({ length: Math.min(3, weight.rows) }, (_, p) => `${short(input.values[p])} × ${inBrackets(weight.values[p * weight.columns])}`);
    const formula = `dense${k}.output[0, 0] = ${terms.join(" + ")}${weight.rows > 3 ? " + …" : ""} + ${inBrackets(bias.values[0])} = ${short(output.values[0])}`;
    return { values: { rows: output.rows }, formula, pieces: [{ name: from, array: input }, { sign: "@", name: `dense${k}.weight`, array: weight }, { sign: "+", name: `dense${k}.bias`, array: bias }, { sign: "=", name: `dense${k}.output`, array: output }] };
  },
  "relu-forward"({ line, run }) {
    const { input, output } = run.relu[line.layer];
    return { values: { share: shareOf(output, (a) => a === 0) }, pieces: [{ name: `dense${line.layer}.output`, array: input }, { sign: "→", name: `activation${line.layer}.output`, array: output }] };
  },
  "data-loss"({ line, run }) {
    const { output } = run.loss, y = run.spec.classes[0];
    return { values: { loss: short(run.dataLoss) }, formula: `y[0] = ${y}: −log(${short(output.values[y])}) = ${short(-Math.log(output.values[y]))}`, pieces: [{ name: `dense${line.layer}.output`, array: run.dense[line.layer].output }, { sign: "→", name: "loss_activation.output", array: output }] };
  },
  penalty({ run }) {
    const sums = run.dense.flatMap((dense, k) => dense.paid().flatMap((part, b) => [["L1", part.l1, part.size, "Σ|w|"], ["L2", part.l2, part.squares, "Σw²"]].filter(([, strength]) => strength > 0).map(([name, strength, size, sign]) => [`dense${k}.${b ? "bias" : "weight"}_${name} × ${sign}`, `${strength} × ${short(size)} = ${short(strength * size)}`])));
    return { say: sums.length ? "loop-did-penalty" : "loop-did-penalty-none", values: { loss: short(run.penalty) }, sums };
  },
  loss: ({ run }) => ({ values: { data: short(run.dataLoss), penalty: short(run.penalty), loss: short(run.total) } }),
  accuracy: ({ run }) => ({ values: { share: percent(run.accuracy) } }),
  "loss-backward"({ run }) {
    const { output, dinput } = run.loss, y = run.spec.classes[0], { rows } = dinput;
    return { values: { rows }, formula: `loss_activation.dinput[0, 0] = (${short(output.values[0])}${y === 0 ? " − 1" : ""}) / ${rows} = ${short(dinput.values[0])}`, pieces: [{ name: "loss_activation.output", array: output }, { sign: "→", name: "loss_activation.dinput", array: dinput }] };
  },
  backward({ line, run }) {
    const k = line.layer, dense = run.dense[k], { weight, dweight, slopes } = dense, [l1, l2] = dense.strengths("weight"), w = weight.values;
    const pieces = [{ name: "", note: "loop-of-data", array: slopes.weight }], terms = [inBrackets(slopes.weight.values[0])];
    if (l2 > 0) pieces.push({ sign: "+", name: "2 · weight_L2 · weight", note: "loop-of-l2", array: madeOf(weight, (i) => 2 * l2 * w[i]) });
    if (l2 > 0) terms.push(`2 × ${l2} × ${inBrackets(w[0])}`);
    if (l1 > 0) pieces.push({ sign: "+", name: "weight_L1 · sign(weight)", note: "loop-of-l1", array: madeOf(weight, (i) => l1 * Math.sign(w[i])) });
    if (l1 > 0) terms.push(`${l1} × ${inBrackets(Math.sign(w[0]))}`);
    if (pieces.length === 1) pieces[0].name = `dense${k}.dweight`;
    else pieces.push({ sign: "=", name: `dense${k}.dweight`, array: dweight });
    const kind = l1 > 0 ? (l2 > 0 ? "both" : "l1") : l2 > 0 ? "l2" : "free";
    return { say: `loop-did-backward-${kind}`, formula: `dense${k}.dweight[0, 0] = ${terms.join(" + ")}${terms.length > 1 ? ` = ${short(dweight.values[0])}` : ""}`, pieces };
  },
  "relu-backward"({ line, run }) {
    const { dinput } = run.relu[line.layer];
    return { values: { share: shareOf(run.relu[line.layer].output, (a) => a === 0) }, pieces: [{ name: `dense${line.layer + 1}.dinput`, array: run.dense[line.layer + 1].dinput }, { sign: "→", name: `activation${line.layer}.dinput`, array: dinput }] };
  },
  "before-update": ({ run }) => ({ values: { rate: run.optimizer.current } }),
  update({ line, run }) {
    const k = line.layer, dense = run.dense[k], { before, ledTo, after, ramp } = dense.moved.weight, [l1, l2] = dense.strengths("weight"), name = `dense${k}.weight`;
    const step = madeOf(before, (i) => ledTo.values[i] - before.values[i]), removed = madeOf(before, (i) => ledTo.values[i] - after.values[i]);
    const pieces = [{ name, note: "loop-before", array: before }, { sign: "+", name: "", note: "loop-step", array: step }];
    if (l1 > 0) pieces.push({ sign: "−", name: "", note: "loop-cut", array: removed });
    pieces.push({ sign: "=", name, note: "loop-after", array: after });
    const parts = [before, step, ...(l1 > 0 ? [removed] : [])].map(({ values }) => inBrackets(values[0])), counts = (f) => sumOf(after.values.map((w, i) => Number(f(w === 0, before.values[i] === 0))), Number);
    const values = { zeros: counts((now) => now), all: after.values.length, fresh: counts((now, then) => now && !then), back: counts((now, then) => !now && then), ramp: percent(ramp) };
    return { say: `loop-did-update-${l1 > 0 ? "l1" : l2 > 0 ? "l2" : "free"}`, values, formula: `${name}[0, 0] = ${parts[0]} + ${parts[1]}${parts[2] ? ` − ${parts[2]}` : ""} = ${short(after.values[0])}`, pieces };
  },
  "after-update": ({ run }) => ({ values: { step: run.steps - 1, next: run.steps } }),
};

/** What the last line did: {say, values, formula, pieces, sums}; null where none has run. */
function lookOf(run) {
  if (run.last === null) return null;
  const line = run.lines[run.last];
  return { say: `loop-did-${line.kind}`, values: {}, formula: "", pieces: [], sums: [], ...LOOKS_OF[line.kind]({ line, run }) };
}
