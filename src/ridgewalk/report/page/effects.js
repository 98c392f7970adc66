// What the prediction does as an input changes: a small chart for each of the strongest inputs, all on one axis.

function effectRange() {
  const values = data.effects.inputs.flatMap((each) => [...each.mean[data.summary.index].flat(), ...each.lines[data.summary.index].flat()]);
  const known = finite(values).sort((a, b) => a - b);
  if (data.effects.response.startsWith("probability of")) return [0, 1];
  if (data.effects.response === "probability") return [0, Math.min(1, 1.1 * Math.max(known[Math.ceil(0.97 * (known.length - 1))], ...finite(data.effects.inputs.flatMap((each) => each.mean[data.summary.index].flat()))))];
  const [low, high] = [known[Math.floor(0.01 * (known.length - 1))], known[Math.ceil(0.99 * (known.length - 1))]];
  return high > low ? wider([low, high]) : [low - 1, low + 1];
}

const seriesKind = (k) => (data.effects.series.length > 1 ? `series-${k}` : "held");

function startEffects() {
  at("effects-section").hidden = !data.effects && !data.without_effects;
  if (!data.effects) { at("effects-note").textContent = data.without_effects; return; }
  const rows = data.effects.rows < data.effects.of ? `${data.effects.rows} of ${data.effects.of.toLocaleString("en")} rows, evenly spread` : `${data.effects.rows} rows`;
  at("effects-note").textContent = `The ${data.effects.response}${data.effects.series.length > 1 ? " of each class" : ""} as one input changes and the others stay as they are: the mean (thick) over ${rows}${data.effects.fresh ? " that you gave" : " of the fit"}, and single rows (thin). Strongest first, by the chosen strength. Ticks at the foot are deciles of the rows. It is what the network learned, no effect of changing the input.${data.effects.series_left_out ? ` The ${data.effects.series_left_out} outputs that move least are left out.` : ""}`;
  if (data.effects.series.length > 1) legend("effects-legend", data.effects.series.map((name, k) => [`stroke series-${k}`, name]));
  data.effects.inputs.forEach((each, k) => {
    const id = `effect-${k}`;
    at("effects").append(html("figure", { class: "panel" }, html("figcaption", {}, html("h3", {}, cut(each.name, 34)), ...(data.effects.series.length > 1 ? [html("span", { class: "note" }, `rows: ${cut(data.effects.series[each.lines_of], 24)}`)] : []), ...(each.levels_left_out ? [html("span", { class: "note" }, `${each.levels_left_out} rarer levels are not shown`)] : [])), html("div", { id, class: "chart" }), html("div", { id: `${id}-table` })));
  });
}

function drawEffects(s) {
  if (!data.effects) return;
  const range = effectRange();
  data.effects.inputs.forEach((each, k) => (each.kind === "category" ? drawLevels : drawDependence)(`effect-${k}`, each, range, s));
  drawPair(s);
}

function drawDependence(id, each, range, s) {
  const width = at(id).clientWidth, box = { left: 44, top: 6, width: width - 44 - 10, height: 140 };
  const ends = each.grid.length > 1 ? [each.grid[0], each.grid.at(-1)] : [each.grid[0] - 1, each.grid[0] + 1];
  const x = scale(ends, [box.left + 4, box.left + box.width - 4]), y = scale(range, [box.top + box.height, box.top]);
  const points = (values) => values.map((value, k) => (value === null || value < range[0] || value > range[1] ? null : [x(each.grid[k]), y(value)]));
  const dates = each.kind === "date", shown = dates ? [each.grid[0], each.grid.at(-1)] : niceTicks(...ends, 4);
  const parts = [frame(box, { x, y, xTicks: shown, xLabels: dates ? [each.labels[0], each.labels.at(-1)] : undefined })];
  parts.push(...each.lines[s].map((values) => curve(points(values), `single ${data.effects.series.length > 1 ? seriesKind(each.lines_of) : "rest"}`)));
  const tips = each.mean[s].flatMap((values, c) => values.flatMap((value, k) => (value === null ? [] : [[x(each.grid[k]), y(clamp(value, ...range)), `${each.name} ${dates ? each.labels[k] : number(each.grid[k])}\n${data.effects.series.length > 1 ? data.effects.series[c] + ": " : "mean "}${number(value)}`]])));
  each.mean[s].forEach((values, c) => parts.push(curve(points(values), `${seriesKind(c)} ${data.effects.series.length === 1 || c === each.lines_of ? "thick" : "medium"}`)));
  parts.push(...each.deciles.filter((value) => value >= ends[0] && value <= ends[1]).map((value) => line(x(value), box.top + box.height - 5, x(value), box.top + box.height, "rug")));
  paint(id, box.height + 28, `${data.effects.response} against ${each.name}: ${trend(each, s)}`, parts, tips);
  effectTable(id, each, s);
}

function trend(each, s) {
  const known = finite(each.mean[s][each.lines_of]);
  return known.length ? `from ${number(known[0])} to ${number(known.at(-1))}` : "unknown";
}

function effectTable(id, each, s) {
  tableBehind(id, `mean prediction by ${each.name}`, () => [[each.name, ...data.effects.series], each.grid.map((value, k) => [each.labels.length ? each.labels[k] : number(value), ...each.mean[s].map((values) => number(values[k]))])]);
}

// A category: a row for each level, so that its name can be read.
function drawLevels(id, each, range, s) {
  const width = at(id).clientWidth, left = Math.min(0.42 * width, 14 + 6.4 * Math.max(...each.labels.map((label) => Math.min(label.length, 18)))), tall = Math.max(17, 140 / each.labels.length);
  const box = { left, top: 6, width: width - left - 12, height: tall * each.labels.length };
  const x = scale(range, [box.left, box.left + box.width]), y = (k) => box.top + (k + 0.5) * tall, tips = [], parts = [frame(box, { x })];
  each.labels.forEach((label, k) => {
    parts.push(text(left - 6, y(k) + 4, cut(label, 18), { class: "tick", "text-anchor": "end" }));
    parts.push(...each.lines[s].filter((values) => values[k] !== null).map((values) => line(x(clamp(values[k], ...range)), y(k) - 4, x(clamp(values[k], ...range)), y(k) + 4, `single ${data.effects.series.length > 1 ? seriesKind(each.lines_of) : "rest"}`)));
    each.mean[s].forEach((values, c) => {
      if (values[k] === null) return;
      const place = x(clamp(values[k], ...range));
      parts.push(dot(place, y(k), 5, `fill-${seriesKind(c)}`));
      tips.push([place, y(k), `${each.name} = ${label}\n${data.effects.series.length > 1 ? data.effects.series[c] + ": " : "mean "}${number(values[k])}`]);
    });
  });
  paint(id, box.height + 28, `${data.effects.response} by level of ${each.name}`, parts, tips);
  effectTable(id, each, s);
}

function drawPair(s) {
  const pair = data.effects.pair;
  if (!pair) return;
  at("pair-panel").hidden = false;
  const [across, up] = pair.grids, values = pair.values[s], all = finite(pair.values[data.summary.index].flat());
  const [low, high] = [Math.min(...all), Math.max(...all)], room = pair.labels[1].length ? 14 + 6.4 * Math.max(...pair.labels[1].map((label) => Math.min(label.length, 14))) : 56;
  const width = Math.min(at("pair").clientWidth, 620), box = { left: room + 16, top: 8, width: width - room - 16 - 84, height: 240 };
  const [wide, tall] = [box.width / across.length, box.height / up.length], tips = [], parts = [];
  values.forEach((row, i) => row.forEach((value, j) => {
    if (value === null) return;
    const share = clamp((value - low) / (high - low || 1), 0, 1), [x, y] = [box.left + j * wide, box.top + box.height - (i + 1) * tall];
    parts.push(svg("rect", { x, y, width: wide, height: tall, class: "fill-held crisp", "fill-opacity": 0.04 + 0.92 * share }));
    tips.push([x + wide / 2, y + tall / 2, `${pair.names[0]} ${pair.labels[0].length ? pair.labels[0][j] : number(across[j])}\n${pair.names[1]} ${pair.labels[1].length ? pair.labels[1][i] : number(up[i])}\n${number(value)}`]);
  }));
  const label = (axis, k, most) => (pair.labels[axis].length ? cut(pair.labels[axis][k], most) : number(pair.grids[axis][k], 3));
  const few = (count, most) => [...Array(count).keys()].filter((k) => k % Math.ceil(count / most) === 0);
  for (const j of few(across.length, narrow() ? 3 : 5)) parts.push(text(box.left + (j + 0.5) * wide, box.top + box.height + 15, label(0, j, 10), { class: "tick", "text-anchor": "middle" }));
  for (const i of few(up.length, 7)) parts.push(text(box.left - 6, box.top + box.height - (i + 0.5) * tall + 4, label(1, i, 14), { class: "tick", "text-anchor": "end" }));
  parts.push(svg("rect", { x: box.left, y: box.top, width: box.width, height: box.height, class: "border" }), text(box.left + box.width / 2, box.top + box.height + 34, cut(pair.names[0], 40), { class: "axis", "text-anchor": "middle" }), text(0, 0, cut(pair.names[1], 34), { class: "axis", "text-anchor": "middle", transform: `translate(12 ${box.top + box.height / 2}) rotate(-90)` }));
  for (let k = 0; k < 24; k++) parts.push(svg("rect", { x: box.left + box.width + 14, y: box.top + box.height - (k + 1) * (box.height / 24), width: 12, height: box.height / 24, class: "fill-held crisp", "fill-opacity": 0.04 + (0.92 * (k + 0.5)) / 24 }));
  parts.push(text(box.left + box.width + 31, box.top + 9, number(high, 3), { class: "tick" }), text(box.left + box.width + 31, box.top + box.height, number(low, 3), { class: "tick" }));
  paint("pair", box.height + 50, `Mean prediction over ${pair.names[0]} and ${pair.names[1]}`, parts, tips);
  tableBehind("pair", `mean prediction by ${pair.names[0]} and ${pair.names[1]}`, () => [[`${pair.names[1]} \\ ${pair.names[0]}`, ...across.map((_, j) => label(0, j, 30))], values.map((row, i) => [label(1, i, 30), ...row.map((each) => number(each))])]);
}

function startPair() {
  const pair = data.effects && data.effects.pair;
  if (pair) at("pair-note").textContent = `Of the ${pair.among} strongest inputs, the pair whose effects add up least: ${percent(pair.share)} of this surface's variance at the chosen strength is interaction${data.effects.series.length > 1 ? ` (of ${pair.of})` : ""}.`;
}
