// Charts as SVG: the path with its slider's cursor, and the course of a training. Words come from `say`.

const shortNumber = (value) => number(value, 3);
const percentage = (share) => `${(100 * share).toFixed(1)}%`;
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Where a strength's number stands: strength 0 in a slot of its own, the others evenly, as they rise evenly in logarithms. */
function strengthPlaces(box, count) {
  const slot = Math.min(46, box.width * 0.11), step = (box.width - slot - 16) / Math.max(count - 2, 1);
  const place = (s) => (s === 0 ? box.left + slot / 2 : box.left + slot + 8 + (s - 1) * step);
  const nearest = (x) => (x < box.left + slot ? 0 : clamp(Math.round((x - box.left - slot - 8) / step) + 1, 1, count - 1));
  return Object.assign(place, { slot, nearest });
}

const pathBox = (width) => ({ left: 52, top: 12, width: width - 64, height: 236 });

/** The range of losses to show: of what was held out, as far as one above the best constant; strength 0 may lie beyond. */
function lossRange(curve, ghost, ceiling) {
  const seen = finite([...curve.heldoutLoss, ...curve.trainLoss.slice(1), ...(ghost ? ghost.heldoutLoss : [])]);
  if (!seen.length) return [0, 1];
  const top = Number.isFinite(curve.nullLoss) ? curve.nullLoss * 1.06 : Math.max(...seen);
  const low = Math.min(...seen, ceiling ?? Infinity), high = Math.min(Math.max(...seen), Math.max(top, curve.heldoutLoss.find(Number.isFinite) ?? 0));
  const room = 0.06 * (high - low || Math.abs(high) || 1);
  return [Math.max(low - room, Math.min(0, low)), high + room];
}

/** Draw a path: held-out loss with its error, training loss, minimum and 1-SE, the ceiling, the former curve, the cursor. */
function drawPathChart(place, { found, ghost, ceiling, s }) {
  const width = Math.max(200, place.clientWidth), box = pathBox(width), count = found.strengths.length, x = strengthPlaces(box, count);
  const y = scale(lossRange(found, ghost, ceiling), [box.top + box.height, box.top]), parts = [], tips = [];
  const xs = Array.from(found.strengths, (_, k) => x(k)), inside = (value) => Number.isFinite(value) && value <= y.domain[1] && value >= y.domain[0];
  const points = (values) => Array.from(values, (value, k) => [xs[k], y(value)]).filter(([, place], k) => k > 0 && Number.isFinite(place)); // while a path is under way, some strengths come later
  const every = Math.ceil(count / (width < 480 ? 4 : 7)), shown = [...xs.keys()].filter((k) => k === 0 || (k - 1) % every === 0);
  parts.push(svg("rect", { x: box.left, y: box.top, width: x.slot, height: box.height, class: "slot" }));
  parts.push(frame(box, { y, xTicks: [], yTitle: say("loss"), x: null }));
  shown.forEach((k) => parts.push(text(xs[k], box.top + box.height + 15, k ? number(found.strengths[k], 1) : "0", { class: "tick", "text-anchor": "middle" })));
  parts.push(text(box.left + box.width / 2, box.top + box.height + 31, say("strength-axis"), { class: "axis", "text-anchor": "middle" }));
  const clip = svg("clipPath", { id: "path-clip" }, svg("rect", { x: box.left, y: box.top, width: box.width, height: box.height }));
  const inner = [];
  if (ghost && ghost.strengths.length === count) inner.push(curve(points(ghost.heldoutLoss), "rest dashed"));
  const band = [...xs.keys()].filter((k) => k && Number.isFinite(found.standardError[k]));
  const edge = (sign) => band.map((k) => [xs[k], y(found.heldoutLoss[k] + sign * found.standardError[k])]);
  if (band.length > 1) inner.push(area(edge(1), edge(-1), "band-held"));
  inner.push(curve(points(found.trainLoss), "train dotted"), curve(points(found.heldoutLoss), "held"));
  if (ceiling !== undefined && ceiling >= y.domain[0]) {
    inner.push(line(box.left, y(ceiling), box.left + box.width, y(ceiling), "level"));
    const near = (from, to) => Math.min(...[found.heldoutLoss, found.trainLoss].flatMap((losses) => finite(Array.from(losses.slice(from, to), (loss) => Math.abs(y(loss) - y(ceiling) + 8)))));
    const third = Math.ceil(count / 3), right = near(count - third, count) >= near(1, 1 + third); // where the curves are further away
    inner.push(text(right ? box.left + box.width - 5 : box.left + x.slot + 6, y(ceiling) - 5, `${say("ceiling")} ${shortNumber(ceiling)}`, { class: "direct halo", "text-anchor": right ? "end" : "start" }));
  }
  parts.push(clip, svg("g", { "clip-path": "url(#path-clip)" }, ...inner), ...pathMarks(found, x, y, box));
  for (const k of xs.keys()) {
    const loss = found.heldoutLoss[k];
    if (!Number.isFinite(loss)) continue;
    const spot = inside(loss) ? y(loss) : box.top + 9;
    if (!inside(loss)) parts.push(text(xs[k], box.top + 12, `↑ ${shortNumber(loss)}`, { class: "direct halo", "text-anchor": k ? "middle" : "start" }));
    else {
      if (k === 0) parts.push(line(xs[0], Math.max(box.top, y(loss + found.standardError[0])), xs[0], Math.min(box.top + box.height, y(loss - found.standardError[0])), "whisker"));
      parts.push(dot(xs[k], spot, k === s ? 4.5 : 2.8, "fill-held"));
    }
    if (inside(found.trainLoss[k])) parts.push(dot(xs[k], y(found.trainLoss[k]), 1.8, "fill-train"));
    tips.push([xs[k], spot, pathTip(found, k)]);
  }
  parts.push(line(xs[s], box.top, xs[s], box.top + box.height, "now cursor"));
  paint(place, box.top + box.height + 38, say("path-label", { minimum: Number.isInteger(found.minimum) ? number(found.strengths[found.minimum], 3) : "–" }), parts, tips);
}

function pathTip(curve, k) {
  const lines = [`${say("strength")} ${number(curve.strengths[k], 3)}`, `${say("held-out")} ${number(curve.heldoutLoss[k])} ± ${number(curve.standardError[k], 2)}`, `${say("training")} ${number(curve.trainLoss[k])}`];
  if (curve.zeros) lines.push(`${say("zeros")} ${percent(curve.zeros[k])}`);
  return lines.join("\n");
}

function pathMarks(curve, x, y, box) {
  if (!Number.isInteger(curve.minimum)) return [];
  const same = curve.minimum === curve.oneStandardError;
  const marks = same ? [[curve.minimum, `${say("minimum")}, 1-SE`]] : [[curve.minimum, say("minimum")], [curve.oneStandardError, "1-SE"]];
  const lines = marks.map(([s]) => line(x(s), box.top, x(s), box.top + box.height, "mark"));
  return [...lines, ...marks.map(([s, words], row) => {
    const right = x(s) > box.left + 0.75 * box.width;
    return text(x(s) + (right ? -5 : 5), box.top + 14 + 15 * row, words, { class: "direct marked halo", "text-anchor": right ? "end" : "start" });
  })];
}

/** Draw the course of a training: losses above, the penalty below; where something was changed, a line. */
function drawCourse(place, { history, changes, units }) {
  const width = Math.max(200, place.clientWidth), parts = [], tips = [], gap = 22;
  const upper = { left: 52, top: 8, width: width - 70, height: 128 }, lower = { left: 52, top: 8 + 128 + gap, width: width - 70, height: 74 };
  const last = history.length ? history[history.length - 1].epoch : 1, x = scale([0, Math.max(last, 10)], [upper.left, upper.left + upper.width]);
  const losses = finite(history.flatMap((h) => [h.dataLoss, h.heldoutLoss])), penalties = finite(history.map((h) => h.penalty));
  const top = losses.length ? quantile(losses, 0.99) * 1.05 : 1;
  const y = scale([Math.min(0, ...losses), top || 1], [upper.top + upper.height, upper.top]), z = scale([0, (penalties.length ? Math.max(...penalties) : 1) * 1.08 || 1], [lower.top + lower.height, lower.top]);
  parts.push(frame(upper, { x, y, xTicks: [], yTitle: say("loss"), yTicks: niceTicks(...y.domain, 4) }), frame(lower, { x, y: z, yTitle: say("penalty"), yTicks: niceTicks(...z.domain, 2) }));
  parts.push(text(lower.left + lower.width / 2, lower.top + lower.height + 31, say("epochs-axis"), { class: "axis", "text-anchor": "middle" }));
  for (const epoch of changes) for (const box of [upper, lower]) parts.push(line(x(epoch), box.top, x(epoch), box.top + box.height, "mark"));
  const inside = (value) => clamp(y(value), upper.top, upper.top + upper.height);
  parts.push(curve(history.map((h) => [x(h.epoch), inside(h.dataLoss)]), "train dotted"), curve(history.map((h) => [x(h.epoch), Number.isFinite(h.heldoutLoss) ? inside(h.heldoutLoss) : NaN]), "held"));
  parts.push(curve(history.map((h) => [x(h.epoch), z(h.penalty)]), "series-3"));
  for (const h of history) tips.push([x(h.epoch), inside(h.dataLoss), `${say("epoch")} ${h.epoch}\n${Number.isFinite(h.heldoutLoss) ? `${say("held-out")} ${number(h.heldoutLoss)}\n` : ""}${say("training")} ${number(h.dataLoss)}\n${say("penalty")} ${number(h.penalty)}`]);
  paint(place, lower.top + lower.height + 38, say("course-label") + units, parts, tips);
}

function quantile(values, share) {
  const sorted = values.slice().sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** What a path's verdict says, with the interval of the difference. */
function verdictOf({ verdict, effect, minimum }) {
  const signed = (value) => (value > 0 ? "+" : value < 0 ? "−" : "") + number(Math.abs(value), 3);
  const careful = say("careful", { low: signed(effect.carefulLow), high: signed(effect.carefulHigh) });
  const key = verdict === "no difference" && minimum === 0 ? "no penalty" : verdict;
  return say(`verdict-${key}`, { mean: signed(effect.mean), low: signed(effect.low), high: signed(effect.high), smallest: number(effect.smallest, 2), careful });
}

/** The mark of a class in a legend; below 0 that of a row that is held out. */
function shapeOf(c) {
  const paths = ["M7 2a5 5 0 1 0 .01 0Z", "M2.5 2.5h9v9h-9Z", "M7 1.5L12.5 11.5H1.5Z", "M7 1L13 7L7 13L1 7Z"];
  return svg("svg", { width: 14, height: 14, viewBox: "0 0 14 14", "aria-hidden": "true" }, svg("path", { d: paths[Math.max(c, 0) % 4], class: c < 0 ? "hollow" : `fill-series-${c % 8}` }));
}
