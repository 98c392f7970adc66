"use strict";
// Elements, scales, axes, tooltips, tables: what every chart is made of. Text is always set as text, never as markup,
// so that a name from a stranger's file can be no element. Colours are classes: light, dark and print are the style's.

const SVG = "http://www.w3.org/2000/svg";
const at = (id) => document.getElementById(id);
const narrow = () => innerWidth < 600;
// A long name loses its middle: names of one table often differ only at their ends.
const cut = (text, most) => (text.length > most ? text.slice(0, Math.ceil(most / 2)) + "…" + text.slice(text.length + 1 - Math.floor(most / 2)) : text);
const percent = (share) => (100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0) + "%";
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const finite = (values) => values.filter((value) => value !== null && Number.isFinite(value));

function number(value, digits = 4) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (value === 0) return "0";
  return size >= 1e-3 && size < 1e5 ? String(Number(value.toPrecision(digits))) : value.toExponential(Math.min(2, digits - 1));
}

function fill(made, properties, children) {
  for (const [name, value] of Object.entries(properties)) if (value !== undefined && value !== null) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
const svg = (tag, properties = {}, ...children) => fill(document.createElementNS(SVG, tag), properties, children);
const html = (tag, properties = {}, ...children) => fill(document.createElement(tag), properties, children);
const text = (x, y, words, properties = {}) => svg("text", { x, y, ...properties }, String(words));
const line = (x1, y1, x2, y2, kind) => svg("line", { x1, y1, x2, y2, class: kind });

function scale(domain, range, log = false) {
  const warp = log ? Math.log10 : (value) => value;
  const [low, high] = domain.map(warp);
  const to = (value) => range[0] + ((warp(value) - low) / (high - low || 1)) * (range[1] - range[0]);
  return Object.assign(to, { domain, range, log });
}

function niceTicks(low, high, most) {
  const rough = (high - low) / most || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((each) => each >= rough);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) ticks.push(Number((k * step).toPrecision(12)));
  return ticks;
}

function logTicks(low, high, most) {
  const tens = [];
  for (let k = Math.ceil(Math.log10(low) - 1e-9); k <= Math.log10(high) + 1e-9; k++) tens.push(Number((10 ** k).toPrecision(3)));
  if (tens.length < 3) {
    const fine = [];
    for (let k = Math.floor(Math.log10(low)); k <= Math.log10(high); k++) for (const m of [1, 2, 5]) fine.push(Number((m * 10 ** k).toPrecision(3)));
    return fine.filter((value) => value >= low * 0.999 && value <= high * 1.001);
  }
  const step = Math.ceil(tens.length / most);
  return tens.filter((_, k) => k % step === 0);
}

const ticksOf = (to, most) => (to.log ? logTicks : niceTicks)(...to.domain, most);

// A frame of one panel: grid, ticks, titles. Its place never depends on the strength.
function frame(box, { x, y, xTitle, yTitle, xTicks, yTicks, xLabels, yLabels, plain }) {
  const parts = [];
  const across = xTicks || (x ? ticksOf(x, box.width < 260 ? 3 : 6) : []), up = yTicks || (y ? ticksOf(y, box.height < 140 ? 3 : 5) : []);
  across.forEach((tick, k) => {
    const place = x(tick);
    if (!plain) parts.push(line(place, box.top, place, box.top + box.height, "grid"));
    parts.push(text(place, box.top + box.height + 15, xLabels ? xLabels[k] : number(tick), { class: "tick", "text-anchor": !xLabels ? "middle" : k ? "end" : "start" }));
  });
  up.forEach((tick, k) => {
    const place = y(tick);
    if (!plain) parts.push(line(box.left, place, box.left + box.width, place, "grid"));
    parts.push(text(box.left - 6, place + 4, yLabels ? yLabels[k] : number(tick), { class: "tick", "text-anchor": "end" }));
  });
  parts.push(svg("rect", { x: box.left, y: box.top, width: box.width, height: box.height, class: "border" }));
  if (xTitle) parts.push(text(box.left + box.width / 2, box.top + box.height + 32, xTitle, { class: "axis", "text-anchor": "middle" }));
  if (yTitle) parts.push(text(0, 0, yTitle, { class: "axis", "text-anchor": "middle", transform: `translate(12 ${box.top + box.height / 2}) rotate(-90)` }));
  return svg("g", { class: "frame" }, ...parts);
}

// Points [x, y] in pixels; a gap where one is missing.
function curve(points, kind) {
  let path = "", open = false;
  for (const point of points) {
    if (!point || !Number.isFinite(point[0]) || !Number.isFinite(point[1])) open = false;
    else { path += `${open ? "L" : "M"}${point[0].toFixed(1)} ${point[1].toFixed(1)}`; open = true; }
  }
  return svg("path", { d: path, class: `line ${kind}` });
}

function area(upper, lower, kind) {
  const around = [...upper, ...lower.slice().reverse()].map((point) => point.map((each) => each.toFixed(1)).join(" "));
  return svg("path", { d: around.length ? `M${around.join("L")}Z` : "", class: `area ${kind}` });
}

const dot = (x, y, radius, kind) => svg("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: radius, class: kind });

// A chart is an svg as wide as its place and of a height of its own; tips are [x, y, words], the nearest is shown.
function paint(where, height, label, parts, tips = []) {
  const place = typeof where === "string" ? at(where) : where, width = Math.max(200, place.clientWidth);
  const drawn = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, ...parts);
  place.style.height = `${height}px`;
  place.replaceChildren(drawn);
  place.tips = tips;
  if (!place.tipped) {
    place.tipped = true;
    place.addEventListener("pointermove", showTip);
    place.addEventListener("pointerleave", () => { at("tip").hidden = true; });
  }
}

function showTip(event) {
  const place = event.currentTarget, box = place.getBoundingClientRect(), tip = at("tip");
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  let best = null, least = 30 ** 2;
  for (const each of place.tips) {
    const far = (each[0] - x) ** 2 + (each[1] - y) ** 2;
    if (far < least) [best, least] = [each, far];
  }
  tip.hidden = best === null;
  if (best === null) return;
  tip.textContent = best[2];
  const left = clamp(event.clientX + 14, 4, innerWidth - tip.offsetWidth - 4);
  tip.style.left = `${left}px`;
  tip.style.top = `${clamp(event.clientY + 14, 4, innerHeight - tip.offsetHeight - 4)}px`;
}

// A table behind every chart: made when it is opened, and anew when the strength changes while it is open.
const tables = new Map();
function tableBehind(id, caption, make, word = "Table") {
  const place = at(`${id}-table`);
  if (!place) return;
  tables.set(id, make);
  if (!place.firstChild) {
    const details = html("details", {}, html("summary", {}, word, html("span", { class: "unseen" }, `: ${caption}`)), html("div", { class: "wide", tabindex: 0, role: "region", "aria-label": `${word}: ${caption}` }));
    details.addEventListener("toggle", () => fillTable(id));
    place.append(details);
  }
  fillTable(id);
}

function fillTable(id) {
  const details = at(`${id}-table`).firstChild;
  if (!details.open) return;
  const [head, rows] = tables.get(id)();
  const cells = (row) => row.map((cell, k) => (k ? html("td", {}, String(cell)) : html("th", { scope: "row" }, String(cell))));
  details.lastChild.replaceChildren(html("table", {}, html("thead", {}, html("tr", {}, ...head.map((each) => html("th", { scope: "col" }, each)))), html("tbody", {}, ...rows.map((row) => html("tr", {}, ...cells(row))))));
}

function legend(id, shown) {
  at(id).replaceChildren(...shown.map(([kind, words]) => html("span", { class: "entry" }, ...(kind ? [html("span", { class: `key ${kind}`, "aria-hidden": "true" })] : []), words)));
}
