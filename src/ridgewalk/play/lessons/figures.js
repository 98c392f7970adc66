// Charts that only lessons have, of the parts that every chart is made of: lines, two losses as bars, and weights by their size.

/** Draw lines over one scale: {x, lines: [{values, kind}], xTitle, yTitle, log, range, now, level, label}. */
function drawLines(place, { x: places, lines, xTitle, yTitle, log = false, range, now, level, label, tip }) {
  const width = Math.max(200, place.clientWidth), box = { left: 52, top: 12, width: width - 74, height: 216 }, parts = [], tips = [];
  const seen = lines.flatMap(({ values }) => finite(values)), ends = range ?? [Math.min(...seen), Math.max(...seen)];
  const x = scale([places[0], places.at(-1)], [box.left, box.left + box.width], log), y = scale(ends, [box.top + box.height, box.top], log);
  parts.push(frame(box, { x, y, xTitle, yTitle }));
  if (level !== undefined) parts.push(line(box.left, y(level), box.left + box.width, y(level), "level"));
  for (const { values, kind } of lines) parts.push(curve(Array.from(values, (value, k) => [x(places[k]), clamp(y(value), box.top, box.top + box.height)]), kind));
  if (now !== undefined) {
    parts.push(line(x(places[now]), box.top, x(places[now]), box.top + box.height, "now cursor"));
    for (const { values, fill } of lines) if (fill) parts.push(dot(x(places[now]), clamp(y(values[now]), box.top, box.top + box.height), 4.5, fill));
  }
  if (tip) places.forEach((_, k) => tips.push([x(places[k]), clamp(y(lines[0].values[k]), box.top, box.top + box.height), tip(k)]));
  paint(place, box.top + box.height + 40, label, parts, tips);
}

/** Draw training and held-out loss as two bars, with the loss of guessing as a line. */
function drawLosses(place, { training, heldOut, nullLoss, most, label }) {
  const width = Math.max(200, place.clientWidth), x = scale([0, most], [1, width - 52]), parts = [], tall = 46, bottom = 196;
  [[say("training"), training, "fill-train"], [say("held-out"), heldOut, "fill-held"]].forEach(([words, value, kind], k) => {
    const top = 26 + k * (tall + 42);
    parts.push(text(1, top - 7, words, { class: "direct" }));
    parts.push(svg("rect", { x: 1, y: top, width: Math.max(2, x(value) - 1), height: tall, rx: 3, class: kind }));
    parts.push(text(x(value) + 7, top + tall / 2 + 6, shortNumber(value), { class: "count strong halo" }));
  });
  parts.push(line(x(nullLoss), 20, x(nullLoss), bottom - 10, "level"), text(x(nullLoss), bottom + 4, `${say("guessing")} ${shortNumber(nullLoss)}`, { class: "direct", "text-anchor": "middle" }));
  paint(place, bottom + 10, label, parts);
}

const SMALLEST = -5, BINS = 6; // decades of |w| that are shown, and columns of dots for each

/** Draw weights as dots by the size of |w|, row under row; what is 0, exactly or by the threshold, is hollow. */
function drawMagnitudes(place, { rows, threshold, label }) {
  const width = Math.max(200, place.clientWidth), slot = Math.min(110, width * 0.24), left = 8, high = 142, step = (width - left - slot - 20) / (BINS * (1 - SMALLEST)), r = Math.min(4, step * 0.42), parts = [];
  const x = scale([10 ** SMALLEST, 10], [left + slot + 12, width - 8], true), columns = Math.max(4, Math.floor((slot - 8) / (2.3 * r)));
  rows.forEach(({ words, values, cut: judged }, row) => {
    const bottom = (row + 1) * high + row * 34, floor = bottom - 2 - r, piles = new Map();
    parts.push(svg("rect", { x: left, y: bottom - high + 22, width: slot, height: high - 22, class: "slot" }));
    parts.push(text(left, bottom - high + 14, words, { class: "count strong" }));
    parts.push(line(left, bottom, width - 8, bottom, "border zero"));
    const binOf = (value) => (value === 0 ? "0" : Math.floor((clamp(Math.log10(value), SMALLEST, 0.999) - SMALLEST) * BINS)), counts = new Map();
    for (const value of values) counts.set(binOf(Math.abs(value)), (counts.get(binOf(Math.abs(value))) ?? 0) + 1);
    const most = Math.max(...[...counts].map(([bin, count]) => (bin === "0" ? Math.ceil(count / columns) : count))), pitch = Math.min(2.3 * r, (high - 26 - 2 * r) / most);
    for (const value of Array.from(values, Math.abs).sort((a, b) => a - b)) {
      const zero = value === 0, bin = binOf(value), k = piles.get(bin) ?? 0;
      piles.set(bin, k + 1);
      const [across, up] = zero ? [left + 6 + r + 2.3 * r * (k % columns), Math.floor(k / columns)] : [x.range[0] + (bin + 0.5) * step, k];
      parts.push(dot(across, floor - pitch * up, r, zero || (judged && value < threshold) ? "hollow" : "fill-held"));
    }
    for (let power = SMALLEST; power <= 1; ++power) parts.push(text(x(10 ** power), bottom + 15, power < -2 ? `1e${power}` : String(Number((10 ** power).toPrecision(1))), { class: "tick", "text-anchor": power === 1 ? "end" : "middle" }));
    parts.push(text(left + slot / 2, bottom + 15, "0", { class: "tick", "text-anchor": "middle" }));
    if (judged) parts.push(line(x(threshold), bottom - high + 22, x(threshold), bottom, "now cursor"), text(x(threshold), bottom - high + 16, say("threshold"), { class: "direct", "text-anchor": "middle" }));
  });
  const height = rows.length * high + (rows.length - 1) * 34 + 38;
  parts.push(text(left + slot + (width - left - slot) / 2, height - 4, say("size-axis"), { class: "axis", "text-anchor": "middle" }));
  paint(place, height, label, parts);
}
