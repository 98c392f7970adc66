// The path: held-out and training loss above, the difference from the best strength on the same rows below.

let data, path, out; // the page's data, its strengths, and those that a race dropped: set when they are unpacked
const state = { arm: 0 };
const entries = () => data.arms[state.arm].entries;
const NAMES = { min: "minimum", "1se": "1-SE" };

const ARMS = ["arm-1", "arm-2", "arm-3", "arm-4", "arm-5", "arm-6", "arm-7"];
let positiveAlphas, hasZero;

function startPath() {
  positiveAlphas = [...data.arms.flatMap((arm) => arm.alphas).filter((alpha) => alpha > 0), ...out.map((each) => each.alpha)];
  hasZero = data.arms.some((arm) => arm.alphas.includes(0));
}

// Strength 0 has a slot of its own; the others stand by their logarithms.
function strengthScale(left, width) {
  const slot = hasZero ? Math.min(70, 0.1 * width + 20) : 0, inset = 14;
  const [low, high] = [Math.min(...positiveAlphas), Math.max(...positiveAlphas)];
  const to = positiveAlphas.length && high > low ? scale([low, high], [left + slot + inset, left + width - inset], true) : () => left + slot + (width - slot) / 2;
  const place = (alpha) => (alpha > 0 ? to(alpha) : left + slot / 2);
  const ticks = positiveAlphas.length && high > low ? logTicks(low, high, width < 400 ? 3 : 7) : positiveAlphas.slice(0, 1);
  return Object.assign(place, { slot, ticks: hasZero ? [0, ...ticks] : ticks });
}

function pathBoxes() {
  const width = at("path").clientWidth, left = narrow() ? 54 : 66, top = 46;
  const right = narrow() ? 8 : 14 + 6.9 * Math.max(...beaten().map(({ words }) => words.length));
  const [tall, low] = narrow() ? [210, 110] : [270, 140], between = 18 + 14 * Math.max(...data.arms.map((arm) => markedStrengths(arm.entries ?? []).length));
  return { upper: { left, top, width: width - left - right, height: tall }, lower: { left, top: top + tall + between, width: width - left - right, height: low }, height: top + tall + between + low + 40 };
}

const errors = (s) => ({ loss: path[s].heldout_loss, error: path[s].standard_error ?? 0 });

// A place [pixel, beyond]: a value beyond the panel stands at its edge; null where there is no value.
function within(box, y, value) {
  if (value === null) return null;
  const place = y.log && value <= 0 ? Infinity : y(value);
  if (place < box.top - 1) return [box.top + 5, "above"];
  return place > box.top + box.height + 1 ? [box.top + box.height - 5, "below"] : [place, ""];
}

const inside = (spot) => spot !== null && spot[1] === "";

function drawPath(s) {
  const { upper, lower, height } = pathBoxes(), x = strengthScale(upper.left, upper.width);
  const y = scale(data.axes.shown, [upper.top + upper.height, upper.top], data.axes.log);
  const tips = [], parts = [...slots(x, upper, lower), frame(upper, { x, y, xTicks: [], yTitle: y.log ? "loss (log axis)" : "loss" }), ...levels(upper, y)];
  data.arms.forEach((arm, k) => { if (k !== state.arm) parts.push(...otherArm(arm, ARMS[k % ARMS.length], x, y, upper, tips)); });
  parts.push(...activeArm(x, y, upper, tips), ...counts(x, upper), ...differences(x, lower, tips), ...marksOf(x, upper, lower), cursor(x(path[s].alpha), upper, lower));
  paint("path", height, pathLabel(), parts, tips);
  legend("path-legend", pathLegend());
  tableBehind("path", "losses along the path", () => [
    ["strength", "held-out loss", "standard error", "training loss", "above the best", "its error", "inputs", "weights"],
    entries().map((k) => [number(path[k].alpha), number(path[k].heldout_loss), number(path[k].standard_error), number(path[k].train_loss), number(data.certainty.difference[k]), number(data.certainty.error[k]), path[k].inputs_kept, path[k].weights_kept]),
  ]);
}

function movePath(s) {
  const { upper, lower } = pathBoxes(), x = strengthScale(upper.left, upper.width);
  const old = at("path").querySelector(".cursor");
  if (old) old.replaceWith(cursor(x(path[s].alpha), upper, lower));
}

const cursor = (place, upper, lower) => svg("g", { class: "cursor" }, line(place, upper.top, place, upper.top + upper.height, "now"), line(place, lower.top, place, lower.top + lower.height, "now"));

function slots(x, upper, lower) {
  const parts = [];
  if (hasZero) for (const box of [upper, lower]) parts.push(svg("rect", { x: box.left, y: box.top, width: x.slot, height: box.height, class: "slot" }));
  parts.push(...x.ticks.flatMap((tick) => [line(x(tick), upper.top, x(tick), upper.top + upper.height, "grid"), line(x(tick), lower.top, x(tick), lower.top + lower.height, "grid"), text(x(tick), lower.top + lower.height + 15, number(tick, 2), { class: "tick", "text-anchor": "middle" })]));
  parts.push(text(lower.left + lower.width / 2, lower.top + lower.height + 33, "strength (alpha, log axis)", { class: "axis", "text-anchor": "middle" }));
  return parts;
}

function beaten() {
  const { linear, blend, null_loss } = data.summary;
  const known = [["constant", null_loss, "constant"], ...(linear ? [["linear model", linear.heldout_loss, "linear"]] : []), ...(blend && blend.heldout_loss !== null ? [["blend", blend.heldout_loss, "blend"]] : [])];
  return known.map(([name, loss, kind]) => ({ loss, kind, words: `${name} ${number(loss, 3)}` }));
}

// Losses to be beaten, as lines with their names at the right edge, apart from each other.
function levels(box, y) {
  const placed = beaten().map((each) => ({ ...each, spot: within(box, y, each.loss) })).sort((a, b) => a.spot[0] - b.spot[0]);
  let above = -Infinity;
  return placed.flatMap(({ words: name, kind, spot: [place, off] }) => {
    const label = Math.max(place + 4, above + 13);
    above = label;
    const words = `${name}${off ? " ↑" : ""}`;
    const parts = off ? [] : [line(box.left, place, box.left + box.width, place, `level ${kind}`)];
    parts.push(narrow() ? text(box.left + box.width - 4, label - 8, words, { class: "direct halo", "text-anchor": "end" }) : text(box.left + box.width + 6, label, words, { class: "direct" }));
    return parts;
  });
}

function otherArm(arm, kind, x, y, box, tips) {
  const points = arm.alphas.map((alpha, k) => [x(alpha), within(box, y, arm.heldout_loss[k])]);
  const known = points.map(([place, spot], k) => (inside(spot) && arm.alphas[k] > 0 ? [place, spot[0]] : null));
  arm.alphas.forEach((alpha, k) => points[k][1] && tips.push([points[k][0], points[k][1][0], `${arm.name}\nstrength ${number(alpha)}\nheld-out loss ${number(arm.heldout_loss[k])}`]));
  return [curve(known, `${kind} thin${arm.name.includes("ridge") ? " dashed" : ""}`), ...points.filter(([, spot]) => inside(spot)).map(([place, spot]) => dot(place, spot[0], 2, `fill-${kind}`))];
}

function activeArm(x, y, box, tips) {
  const own = entries(), parts = [], positive = own.filter((s) => path[s].alpha > 0);
  const clip = (value) => clamp(y(value), box.top, box.top + box.height);
  const sound = positive.filter((s) => inside(within(box, y, path[s].heldout_loss)));
  const low = (loss, error) => (y.log ? Math.max(loss - error, y.domain[0]) : loss - error);
  if (data.certainty.band) {
    const [lows, highs] = data.certainty.band, known = sound.filter((s) => lows[s] !== null && highs[s] !== null);
    parts.push(area(known.map((s) => [x(path[s].alpha), clip(highs[s])]), known.map((s) => [x(path[s].alpha), clip(low(lows[s], 0))]), "band-all"));
  }
  parts.push(area(sound.map((s) => [x(path[s].alpha), clip(errors(s).loss + errors(s).error)]), sound.map((s) => [x(path[s].alpha), clip(low(errors(s).loss, errors(s).error))]), "band-held"));
  parts.push(curve(positive.map((s) => { const spot = within(box, y, path[s].train_loss); return inside(spot) ? [x(path[s].alpha), spot[0]] : null; }), "train dotted"));
  parts.push(curve(positive.map((s) => { const spot = within(box, y, path[s].heldout_loss); return inside(spot) ? [x(path[s].alpha), spot[0]] : null; }), "held"));
  for (const s of own) parts.push(...pointOf(s, x, y, box, tips));
  for (const each of out) {
    const spot = within(box, y, each.heldout_loss);
    if (!spot) continue;
    parts.push(text(x(each.alpha), spot[0] + 4, "×", { class: "dropped", "text-anchor": "middle" }));
    tips.push([x(each.alpha), spot[0], `strength ${number(each.alpha)}\nheld-out loss ${number(each.heldout_loss)} over ${each.folds} folds\ndropped by the race`]);
  }
  return parts;
}

function arrow(place, box, side, kind) {
  const [base, tip] = side === "above" ? [box.top + 8, box.top + 1] : [box.top + box.height - 8, box.top + box.height - 1];
  return svg("path", { d: `M${place - 4} ${base}L${place + 4} ${base}L${place} ${tip}Z`, class: kind });
}

function pointOf(s, x, y, box, tips) {
  const row = path[s], place = x(row.alpha), parts = [], { loss, error } = errors(s);
  const train = within(box, y, row.train_loss), spot = within(box, y, loss);
  if (inside(train)) parts.push(dot(place, train[0], 2.2, "fill-train"));
  else if (train) parts.push(arrow(place, box, train[1], "fill-train"));
  if (!spot) return parts;
  if (spot[1]) parts.push(arrow(place, box, spot[1], "fill-held"), text(place, box.top + 21, number(loss, 3), { class: "direct halo", "text-anchor": "middle" }));
  else {
    if (row.alpha === 0 && error) parts.push(line(place, clamp(y(loss + error), box.top, box.top + box.height), place, clamp(y(Math.max(loss - error, y.log ? y.domain[0] : -Infinity)), box.top, box.top + box.height), "whisker"));
    parts.push(dot(place, spot[0], 3.2, "fill-held"));
  }
  tips.push([place, spot[0], `strength ${number(row.alpha)}\nheld-out loss ${number(loss)} ± ${number(error)}\ntraining loss ${number(row.train_loss)}\n${row.inputs_kept} inputs, ${row.weights_kept} weights, ${percent(row.zeros)} zeros`]);
  return parts;
}

// Inputs and weights that are left, along the top, where there is room for them.
function counts(x, box) {
  const parts = [text(box.left - 6, 14, "inputs", { class: "tick", "text-anchor": "end" }), text(box.left - 6, 30, "weights", { class: "tick", "text-anchor": "end" })];
  let last = -Infinity;
  for (const s of entries()) {
    const place = x(path[s].alpha), words = path[s].weights_kept.toLocaleString("en");
    const room = 4 * Math.max(words.length, 3) + 8;
    if (place - room < last) continue;
    last = place + room - 4;
    parts.push(text(place, 14, path[s].inputs_kept, { class: "tick strong", "text-anchor": "middle" }), text(place, 30, words, { class: "tick", "text-anchor": "middle" }));
  }
  return parts;
}

// How far every strength is from the best one: where the bar reaches 0, it may be as good.
function differences(x, box, tips) {
  const { difference, error, within: near, members, minimum } = data.certainty;
  const own = entries().filter((s) => difference[s] !== null);
  const reach = Math.max(...near.map((s) => error[s] ?? 0)) || Math.min(...finite(error).filter((each) => each > 0)) || Math.abs(path[minimum].heldout_loss) || 1;
  const ends = own.map((s) => difference[s] + (error[s] ?? 0)).sort((a, b) => a - b); // the six nearest are shown, if they are not far
  const top = Math.max(3.5 * reach, Math.min(14 * reach, 1.08 * ends[Math.min(5, ends.length - 1)]), 1.15 * Math.max(...near.map((s) => (difference[s] ?? 0) + (error[s] ?? 0))));
  const y = scale([-1.6 * reach, top], [box.top + box.height, box.top]);
  const sure = new Set(members ?? near);
  const parts = [frame(box, { x, y, xTicks: [], yTitle: narrow() ? "above best" : "above the best" }), line(box.left, y(0), box.left + box.width, y(0), "zero")];
  for (const s of own) {
    const place = x(path[s].alpha), spot = within(box, y, difference[s]);
    if (!spot) continue;
    const kind = sure.has(s) ? "near" : "far";
    if (!spot[1]) parts.push(line(place, clamp(y(difference[s] + (error[s] ?? 0)), box.top, box.top + box.height), place, clamp(y(difference[s] - (error[s] ?? 0)), box.top, box.top + box.height), `whisker ${kind}`));
    parts.push(spot[1] ? arrow(place, box, spot[1], `fill-${kind}`) : dot(place, spot[0], 3.4, `fill-${kind}`));
    tips.push([place, spot[0], `strength ${number(path[s].alpha)}\nabove the best ${number(difference[s])} ± ${number(error[s])}\n${sure.has(s) ? "cannot be told from the best" : "loses more than the best"}`]);
  }
  return parts;
}

// Strengths with a name, and what it is.
function markedStrengths(own) {
  const named = own.map((s) => [s, [...path[s].marks.map((mark) => NAMES[mark] ?? mark), ...(s === data.summary.index ? ["chosen"] : [])]]);
  return named.filter(([, words]) => words.length).map(([s, words]) => [s, words.join(", ")]);
}

// Their names stand between the panels, where no curve is.
function marksOf(x, upper, lower) {
  return markedStrengths(entries()).flatMap(([s, words], row) => {
    const place = x(path[s].alpha), right = place + 6.6 * words.length > upper.left + upper.width;
    return [line(place, upper.top, place, lower.top + lower.height, "mark"), text(place + (right ? -5 : 5), upper.top + upper.height + 17 + 14 * row, words, { class: "direct marked halo", "text-anchor": right ? "end" : "start" })];
  });
}

function pathLegend() {
  const others = data.arms.flatMap((arm, k) => (k === state.arm ? [] : [[`stroke ${ARMS[k % ARMS.length]}`, arm.name]]));
  const own = data.arms.length > 1 ? `held-out loss: ${data.arms[state.arm].name}` : "held-out loss";
  return [["stroke held", `${own}, ± one standard error`], ...(data.certainty.band ? [["block band-all", `band of ${percent(data.certainty.level)} for all strengths at once`]] : []), ["stroke train dotted", "training loss"], ...others, ["round near", data.certainty.members ? `in the ${percent(data.certainty.level)} confidence set of the best strength` : "within one standard error of the best"], ["round far", "loses more"], ...(out.length ? [["", "× dropped by the race"]] : [])];
}

function pathLabel() {
  const row = path[data.summary.index];
  return `Held-out loss against the strength. At the chosen strength ${number(row.alpha)} it is ${number(row.heldout_loss)}; a constant has ${number(data.summary.null_loss)}. ${data.answers[0].answer}`;
}
