// What changes many times a second is drawn on a canvas: decision regions or a fitted curve, and the network.
// Colours are the style's; shapes, outlines and dashes say the same without colour.

const GRID = 72;
const CLASS_ROW = 0.07; // height of a class's row of marks, below its probability

function inkOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
let inks = null;
function ink() {
  if (inks) return inks;
  const names = ["card", "text", "quiet", "line", "grid", "held", "train", "good", "low", "high", "faint", "plain", "mark", ...Array.from({ length: 8 }, (_, k) => `s${k}`)];
  inks = Object.fromEntries(names.map((name) => [name, inkOf(name)]));
  return inks;
}
const channels = (colour) => [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16));

/** Make a canvas as wide as its place, sharp on every screen; returns its context and size in CSS pixels. */
function canvasIn(place, height, label) {
  let canvas = place.querySelector("canvas");
  if (!canvas) {
    canvas = html("canvas", { role: "img" });
    place.replaceChildren(canvas);
  }
  const width = Math.max(160, place.clientWidth), ratio = Math.min(devicePixelRatio || 1, 2);
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  if (canvas.getAttribute("aria-label") !== label) canvas.setAttribute("aria-label", label);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

/** Rows of a grid over both inputs, or along one; what is drawn is between the ends of `reach`. */
function gridOf(data) {
  const { columns, reach } = data;
  if (columns === 1) return { x: Float64Array.from({ length: 240 }, (_, k) => reach[0][0] + ((reach[0][1] - reach[0][0]) * k) / 239), rows: 240 };
  const x = new Float64Array(2 * GRID * GRID), step = (axis, k) => reach[axis][0] + ((reach[axis][1] - reach[axis][0]) * k) / (GRID - 1);
  for (let up = 0; up < GRID; ++up) for (let left = 0; left < GRID; ++left) x.set([step(0, left), step(1, up)], 2 * (up * GRID + left));
  return { x, rows: GRID * GRID };
}

const mark = {
  circle: (pen, x, y, r) => pen.arc(x, y, r, 0, 2 * Math.PI),
  square: (pen, x, y, r) => pen.rect(x - 0.88 * r, y - 0.88 * r, 1.76 * r, 1.76 * r),
  triangle: (pen, x, y, r) => { pen.moveTo(x, y - 1.2 * r); pen.lineTo(x + 1.1 * r, y + 0.8 * r); pen.lineTo(x - 1.1 * r, y + 0.8 * r); pen.closePath(); },
  diamond: (pen, x, y, r) => { pen.moveTo(x, y - 1.25 * r); pen.lineTo(x + 1.25 * r, y); pen.lineTo(x, y + 1.25 * r); pen.lineTo(x - 1.25 * r, y); pen.closePath(); },
};
const SHAPES = Object.keys(mark);

function drawRegions(place, { data, outputs, heldOut, label }) {
  const side = Math.min(Math.max(160, place.clientWidth), 330), { pen, width, height } = canvasIn(place, side, label);
  const left = (width - side) / 2, [[x0, x1], [y0, y1]] = data.reach;
  const to = (x, y) => [left + ((x - x0) / (x1 - x0)) * side, height - ((y - y0) / (y1 - y0)) * side];
  pen.save();
  pen.beginPath();
  pen.rect(left, 0, side, height);
  pen.clip();
  if (outputs) data.classes ? shadeClasses(pen, data, outputs, left, side) : shadeNumbers(pen, data, outputs, left, side);
  const r = data.rows > 800 ? 2.1 : 3.4;
  for (let row = 0; row < Math.min(data.rows, 3000); ++row) {
    const c = data.classes ? data.classes[row] : 0, [x, y] = to(data.x[2 * row], data.x[2 * row + 1]), colour = data.classes ? ink()[`s${c % 8}`] : numberColour(data, data.numbers[row]);
    pen.beginPath();
    mark[SHAPES[c % 4]](pen, x, y, r);
    const held = heldOut && heldOut[row];
    pen.fillStyle = held ? ink().card : colour;
    pen.fill();
    pen.strokeStyle = held ? colour : ink().card;
    pen.lineWidth = held ? 1.6 : 0.9;
    pen.stroke();
  }
  pen.restore();
  pen.strokeStyle = ink().line;
  pen.strokeRect(left + 0.5, 0.5, side - 1, height - 1);
}

let shade = null;
function shaded(pen, colourAt, left, side) {
  shade ??= Object.assign(document.createElement("canvas"), { width: GRID, height: GRID });
  const ground = shade.getContext("2d"), image = ground.createImageData(GRID, GRID);
  for (let up = 0; up < GRID; ++up) for (let across = 0; across < GRID; ++across) {
    const at = 4 * ((GRID - 1 - up) * GRID + across);
    colourAt(up * GRID + across, image.data, at);
    image.data[at + 3] = 255;
  }
  ground.putImageData(image, 0, 0);
  pen.imageSmoothingEnabled = true;
  pen.imageSmoothingQuality = "high";
  const half = side / (GRID - 1) / 2; // the grid's outer rows stand on the frame
  pen.drawImage(shade, left - half, -half, side + 2 * half, side + 2 * half);
}

function shadeClasses(pen, data, outputs, left, side) {
  const count = data.classCount, chances = Engine.probabilities("cross_entropy", outputs.slice(0, GRID * GRID * count), count), base = channels(ink().card);
  const colours = Array.from({ length: count }, (_, c) => channels(ink()[`s${c % 8}`]));
  shaded(pen, (cell, pixels, at) => {
    for (let channel = 0; channel < 3; ++channel) {
      let mixed = 0;
      for (let c = 0; c < count; ++c) mixed += chances[cell * count + c] * colours[c][channel];
      pixels[at + channel] = base[channel] + 0.42 * (mixed - base[channel]);
    }
  }, left, side);
  pen.strokeStyle = ink().text;
  pen.globalAlpha = 0.75;
  pen.lineWidth = 1.3;
  for (let c = 0; c < count - (count === 2 ? 1 : 0); ++c) boundary(pen, (cell) => {
    let other = -Infinity;
    for (let d = 0; d < count; ++d) if (d !== c) other = Math.max(other, outputs[cell * count + d]);
    return outputs[cell * count + c] - other;
  }, left, side);
  pen.globalAlpha = 1;
}

/** Trace where a number over the grid passes 0: one straight piece in every square of the grid that it passes. */
function boundary(pen, valueOf, left, side) {
  const step = side / (GRID - 1), values = Float64Array.from({ length: GRID * GRID }, (_, cell) => valueOf(cell));
  pen.beginPath();
  for (let up = 0; up + 1 < GRID; ++up) for (let across = 0; across + 1 < GRID; ++across) {
    const corners = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([dx, dy]) => [across + dx, up + dy, values[(up + dy) * GRID + across + dx]]);
    const crossings = [];
    corners.forEach(([ax, ay, a], k) => {
      const [bx, by, b] = corners[(k + 1) % 4];
      if (a > 0 !== b > 0) crossings.push([ax + ((bx - ax) * a) / (a - b), ay + ((by - ay) * a) / (a - b)]);
    });
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      pen.moveTo(left + crossings[k][0] * step, side - crossings[k][1] * step);
      pen.lineTo(left + crossings[k + 1][0] * step, side - crossings[k + 1][1] * step);
    }
  }
  pen.stroke();
}

function numberColour(data, value) {
  const [low, high] = data.height, share = clamp((value - low) / (high - low || 1), 0, 1), from = channels(ink().low), to = channels(ink().high);
  return `rgb(${from.map((f, k) => Math.round(f + share * (to[k] - f))).join(" ")})`;
}

function shadeNumbers(pen, data, outputs, left, side) {
  const base = channels(ink().card);
  shaded(pen, (cell, pixels, at) => {
    const mixed = numberColour(data, outputs[cell]).match(/\d+/g).map(Number);
    for (let channel = 0; channel < 3; ++channel) pixels[at + channel] = base[channel] + 0.5 * (mixed[channel] - base[channel]);
  }, left, side);
}

/** Draw a curve over one input: rows as points, the fit as a line, and the truth, where it is known, as a dashed one. */
function drawFit(place, { data, grid, outputs, heldOut, label, xTitle }) {
  const { pen, width, height } = canvasIn(place, 330, label), box = { left: 40, top: 8, width: width - 50, height: height - 48 };
  const x = scale(data.reach[0], [box.left, box.left + box.width]), y = scale(data.height, [box.top + box.height, box.top]);
  pen.font = "11px system-ui, sans-serif";
  pen.lineWidth = 1;
  pen.fillStyle = ink().quiet;
  pen.strokeStyle = ink().grid;
  for (const tick of niceTicks(...x.domain, 6)) { segment(pen, x(tick), box.top, x(tick), box.top + box.height); pen.textAlign = "center"; pen.fillText(number(tick), x(tick), box.top + box.height + 15); }
  for (const tick of niceTicks(...y.domain, 6)) { segment(pen, box.left, y(tick), box.left + box.width, y(tick)); pen.textAlign = "right"; pen.fillText(number(tick), box.left - 5, y(tick) + 4); }
  pen.textAlign = "center";
  pen.fillText(xTitle, box.left + box.width / 2, height - 8);
  pen.strokeStyle = ink().line;
  pen.strokeRect(box.left, box.top, box.width, box.height);
  pen.save();
  pen.beginPath();
  pen.rect(box.left, box.top, box.width, box.height);
  pen.clip();
  for (let row = 0; row < Math.min(data.rows, 3000); ++row) {
    const c = data.classes?.[row], place = data.classes ? -CLASS_ROW * (c + 0.5) : data.numbers[row];
    pen.beginPath();
    mark[SHAPES[(c ?? 0) % 4]](pen, x(data.x[row]), y(place), 2.7);
    const held = heldOut && heldOut[row];
    pen.strokeStyle = pen.fillStyle = data.classes ? ink()[`s${c % 8}`] : ink().plain;
    pen.lineWidth = 1.2;
    if (held) pen.stroke(); else pen.fill();
  }
  if (data.truth) trace(pen, Array.from(grid.x, (value) => [x(value), y(data.truth(value))]), ink().good, 1.6, [6, 4]);
  if (outputs && data.classes) traceChances(pen, data, grid, outputs, x, y);
  if (outputs && data.numbers) trace(pen, Array.from(grid.x, (value, k) => [x(value), y(outputs[k])]), ink().held, 2.6, []);
  pen.restore();
}

/** Probabilities of the classes along the input, told apart by colour and by dashes. */
function traceChances(pen, data, grid, outputs, x, y) {
  const count = data.classCount, chances = Engine.probabilities("cross_entropy", outputs.slice(0, grid.rows * count), count);
  for (let c = 0; c < count; ++c) trace(pen, Array.from(grid.x, (value, k) => [x(value), y(chances[k * count + c])]), ink()[`s${c % 8}`], 2.2, [[], [7, 4], [2, 3], [9, 3, 2, 3]][c % 4]);
}

function segment(pen, x1, y1, x2, y2) {
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
}

function trace(pen, points, colour, width, dashes) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.setLineDash(dashes);
  pen.beginPath();
  points.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.stroke();
  pen.setLineDash([]);
}

// The network: nodes in columns, links that are not 0. Negative links are dashed, thick links are large.

const MOST_NODES = 72, MOST_LINKS = 700, WIDTHS = 5;

/** Which units of a layer take part: something comes in, and something goes on from there. */
function livingUnits(weights) {
  const layers = weights.filter((_, k) => k % 2 === 0), living = layers.map(({ units }) => new Uint8Array(units).fill(1));
  const inputs = new Uint8Array(layers[0].inputs).fill(1);
  layers.forEach(({ inputs: rows, units, values }, k) => {
    const before = k ? living[k - 1] : inputs;
    if (k === layers.length - 1) return;
    for (let u = 0; u < units; ++u) {
      let any = false;
      for (let i = 0; i < rows && !any; ++i) any = before[i] && values[i * units + u] !== 0;
      living[k][u] = any ? 1 : 0;
    }
  });
  for (let k = layers.length - 1; k >= 0; --k) {
    const { inputs: rows, units, values } = layers[k], before = k ? living[k - 1] : inputs;
    for (let i = 0; i < rows; ++i) {
      let any = false;
      for (let u = 0; u < units && !any; ++u) any = living[k][u] && values[i * units + u] !== 0;
      if (!any) before[i] = 0;
    }
  }
  return [inputs, ...living];
}

function nodePlaces(sizes, width, height, margin) {
  return sizes.map((size, layer) => {
    const x = margin + ((width - 2 * margin) * layer) / Math.max(sizes.length - 1, 1), shown = Math.min(size, MOST_NODES), step = Math.min(46, (height - 26) / shown);
    return Array.from({ length: shown }, (_, k) => [x, height / 2 + (k - (shown - 1) / 2) * step]);
  });
}

function drawNetworkCanvas(place, { weights, names, outputNames, back, label }) {
  const { pen, width, height } = canvasIn(place, 330, label), layers = weights.filter((_, k) => k % 2 === 0), margin = width < 420 ? 52 : 74;
  const sizes = [layers[0].inputs, ...layers.map(({ units }) => units)], places = nodePlaces(sizes, width, height, margin), living = livingUnits(weights);
  const links = [];
  layers.forEach(({ inputs, units, values }, layer) => {
    let largest = 0;
    for (const w of values) largest = Math.max(largest, Math.abs(w));
    for (let i = 0; i < Math.min(inputs, MOST_NODES); ++i) for (let u = 0; u < Math.min(units, MOST_NODES); ++u) {
      const w = values[i * units + u];
      if (w !== 0) links.push({ from: places[layer][i], to: places[layer + 1][u], w, size: Math.abs(w) / largest, live: living[layer][i] && living[layer + 1][u], back: back?.[layer]?.has(i * units + u) });
    }
  });
  if (links.length > MOST_LINKS) links.sort((a, b) => b.size - a.size).length = MOST_LINKS;
  for (let bucket = 0; bucket < WIDTHS; ++bucket) for (const sign of [-1, 1]) {
    const own = links.filter((link) => Math.sign(link.w) === sign && Math.min(WIDTHS - 1, Math.floor(link.size * WIDTHS)) === bucket);
    pen.lineWidth = 0.5 + bucket * 0.65;
    pen.setLineDash(sign < 0 ? [5, 3] : []);
    pen.strokeStyle = sign < 0 ? ink().low : ink().high;
    for (const live of [true, false]) {
      pen.globalAlpha = live ? 0.4 + 0.13 * bucket : 0.13;
      pen.beginPath();
      for (const link of own) if (Boolean(link.live) === live) curveTo(pen, link);
      pen.stroke();
    }
  }
  pen.setLineDash([]);
  pen.globalAlpha = 1;
  pen.fillStyle = ink().good;
  for (const { from, to, back: returned } of links) if (returned) { pen.beginPath(); pen.arc((from[0] + to[0]) / 2, (from[1] + to[1]) / 2, 3, 0, 2 * Math.PI); pen.fill(); }
  drawNodes(pen, places, living, names, outputNames, margin);
}

function curveTo(pen, { from, to }) {
  const middle = (from[0] + to[0]) / 2;
  pen.moveTo(...from);
  pen.bezierCurveTo(middle, from[1], middle, to[1], ...to);
}

function drawNodes(pen, places, living, names, outputNames, margin) {
  pen.font = "12px system-ui, sans-serif";
  places.forEach((column, layer) => column.forEach(([x, y], k) => {
    const end = layer === 0 || layer === places.length - 1, crowded = column.length > 22, live = living[layer][k];
    pen.beginPath();
    pen.arc(x, y, end && !crowded ? 5.5 : crowded ? 2.3 : 4.5, 0, 2 * Math.PI);
    pen.fillStyle = live ? ink().text : ink().card;
    pen.strokeStyle = live ? ink().card : ink().quiet;
    pen.lineWidth = 1;
    pen.fill();
    pen.stroke();
    const words = layer === 0 ? names[k] : layer === places.length - 1 ? outputNames[k] : null;
    if (!words || crowded) return;
    pen.fillStyle = live ? ink().text : ink().quiet;
    pen.textAlign = layer ? "left" : "right";
    pen.fillText(cut(words, Math.floor(margin / 7.5)), x + (layer ? 10 : -10), y + 4);
    if (!live) segment(pen, x - 4, y - 4, x + 4, y + 4);
  }));
}
