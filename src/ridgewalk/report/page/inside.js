// Inside the network: what each input is worth and when it leaves, the network as nodes and links, its weights, its training.

function startInputs() {
  const { left_out, standardized, effect } = data.inputs;
  at("inputs-note").textContent = `${effect ? `Effect: mean prediction at an input's 95% quantile less that at its 5% quantile, to the right where it rises; of a category the highest level less the lowest.${data.effects && data.effects.series.length > 1 ? " Of several outputs the one that moves furthest." : ""} ` : ""}Weight: norm of its first-layer weights, in units of ${standardized ? "its standard deviation" : "the data"}. Used by: share of the folds and starts whose network uses it. Along the strengths: the same share, dark where all do, so that what leaves first turns pale first. Pale names are not used at this strength.${left_out ? ` The ${left_out} inputs that matter least at the chosen strength are left out.` : ""}`;
}

function inputColumns() {
  const { names, effect } = data.inputs, width = at("inputs").clientWidth, left = Math.min(0.4 * width, 16 + 6.5 * Math.max(...names.map((name) => Math.min(name.length, narrow() ? 15 : 26)))), rest = width - left - 8;
  const parts = narrow() ? [["effect", 0.4], ["strip", 0.6]] : [["effect", 0.27], ["weight", 0.17], ["used", 0.16], ["strip", 0.4]];
  const shown = effect ? parts : narrow() ? [["weight", 0.4], ["strip", 0.6]] : [["weight", 0.3], ["used", 0.2], ["strip", 0.5]];
  let from = left;
  return { left, columns: shown.map(([kind, share]) => { const each = { kind, left: from + 8, width: share * rest - 16 }; from += share * rest; return each; }) };
}

const HEADS = { effect: "effect", weight: "weight", used: "used by", strip: "along the strengths →" };

function drawInputs(s) {
  const { names, importance, frequency, kept, effect, kinds } = data.inputs, { left, columns } = inputColumns(), tall = 21, top = 24, chosen = data.summary.index;
  const parts = [], tips = [], y = (k) => top + (k + 0.5) * tall;
  names.forEach((name, k) => parts.push(text(left, y(k) + 4, cut(name, narrow() ? 15 : 26), { class: kept[s][k] ? "tick strong" : "tick gone", "text-anchor": "end" })));
  for (const column of columns) {
    parts.push(text(column.left + column.width / 2, 12, HEADS[column.kind], { class: "axis", "text-anchor": "middle" }));
    if (column.kind === "effect") parts.push(...effectBars(column, effect, kinds, s, y));
    if (column.kind === "weight") parts.push(...bars(column, importance[s], Math.max(...importance[chosen], ...importance.slice(chosen).flat()) || Math.max(...importance.flat()) || 1, y, kept[s], number));
    if (column.kind === "used") parts.push(...bars(column, frequency[s], 1, y, kept[s], percent));
    if (column.kind === "strip") parts.push(...strip(column, frequency, s, y, tall, names.length));
  }
  names.forEach((name, k) => columns.forEach((column) => tips.push([column.left + column.width / 2, y(k), `${name}\n${effect ? `effect ${number(effect[s][k])}\n` : ""}weight ${number(importance[s][k])}\nused by ${percent(frequency[s][k])} of the networks\nlast used at strength ${number(data.inputs.leaves[k])}`])));
  paint("inputs", top + tall * names.length + 6, `Inputs: effect, weight, and how often each is used`, parts, tips);
  tableBehind("inputs", "inputs at this strength", () => [["input", "effect", "weight", "used by", "used at this strength", "last used at strength"], names.map((name, k) => [name, effect ? number(effect[s][k]) : "–", number(importance[s][k]), percent(frequency[s][k]), kept[s][k] ? "yes" : "no", number(data.inputs.leaves[k])])]);
}

function bars(column, values, most, y, kept, show) {
  return values.flatMap((value, k) => [svg("rect", { x: column.left, y: y(k) - 7, width: Math.max(0, (column.width - 36) * Math.min(1, value / most)), height: 14, class: kept[k] ? "fill-plain" : "fill-faint" }), text(column.left + (column.width - 36) * Math.min(1, value / most) + 4, y(k) + 4, show(value, 2), { class: "tick" })]);
}

function effectBars(column, effect, kinds, s, y) {
  const most = Math.max(...effect[data.summary.index].map(Math.abs)) || Math.max(...effect.flat().map((each) => Math.abs(each ?? 0))) || 1;
  const middle = column.left + column.width / 2, half = column.width / 2 - 34;
  return [line(middle, y(0) - 10, middle, y(effect[s].length - 1) + 10, "zero"), ...effect[s].flatMap((value, k) => {
    const long = half * Math.min(1, Math.abs(value ?? 0) / most), range = kinds[k] === "category", up = value > 0;
    if (!value) return [];
    const from = range ? middle - long / 2 : up ? middle : middle - long;
    return [svg("rect", { x: from, y: y(k) - 7, width: long, height: 14, class: range ? "fill-plain" : up ? "fill-high" : "fill-low" }), text(range ? middle + long / 2 + 4 : up ? middle + long + 4 : middle - long - 4, y(k) + 4, `${range ? "±" : up ? "+" : "−"}${number(Math.abs(value), 2)}`, { class: "tick", "text-anchor": range || up ? "start" : "end" })];
  })];
}

function strip(column, frequency, s, y, tall, count) {
  const own = entries(), wide = column.width / own.length, now = own.indexOf(s);
  const cells = own.flatMap((entry, j) => frequency[entry].map((share, k) => svg("rect", { x: column.left + j * wide, y: y(k) - tall / 2 + 1.5, width: Math.max(0.5, wide - 0.5), height: tall - 3, class: "fill-held", "fill-opacity": 0.05 + 0.85 * share })));
  return [...cells, svg("rect", { x: column.left + now * wide - 1, y: y(0) - tall / 2, width: wide + 1.5, height: tall * count, class: "nowbox" })];
}

// Nodes of a floor have places of their own where they are few; else those in use are spread over the height.
function floorPlaces(floor, used, top, height) {
  const drawn = floor.flatMap((name, k) => (name ? [k] : [])), fixed = drawn.length <= 26;
  const shown = fixed ? drawn : drawn.filter((k) => used.has(k));
  return new Map(shown.map((k, place) => [k, top + ((place + 0.5) * height) / shown.length]));
}

function drawNetwork(s) {
  const { floors, at: along, most } = data.network, links = along[s], width = at("network").clientWidth, height = narrow() ? 420 : 470, top = 22;
  const dense = links.live > most;
  const used = floors.map(() => new Set());
  links.layer.forEach((layer, k) => { used[layer].add(links.start[k]); used[layer + 1].add(links.end[k]); });
  const label = narrow() ? 15 : 24, last = narrow() ? 10 : 18, left = 20 + 6.4 * Math.min(label, Math.max(...floors[0].map((name) => name.length))), right = 20 + 6.4 * Math.min(last, Math.max(...floors.at(-1).map((name) => name.length)));
  const across = floors.map((_, k) => left + (k * (width - left - right)) / (floors.length - 1));
  const places = floors.map((floor, k) => floorPlaces(floor, used[k], top, height - top - 8)), largest = Math.max(...links.weight.map(Math.abs)) || 1;
  const parts = [], tips = [], heads = ["input", ...floors.slice(1, -1).map(() => "unit"), "output"];
  links.layer.map((_, k) => k).reverse().forEach((k) => {
    const [layer, weight] = [links.layer[k], links.weight[k]], [x1, x2] = [across[layer], across[layer + 1]], [y1, y2] = [places[layer].get(links.start[k]), places[layer + 1].get(links.end[k])], bend = (x2 - x1) / 2.4;
    parts.push(svg("path", { d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`, class: `link ${weight > 0 ? "plus" : "minus"}`, "stroke-width": 0.6 + (3.6 * Math.abs(weight)) / largest, "stroke-opacity": 0.25 + (0.6 * Math.abs(weight)) / largest }));
    tips.push([(x1 + x2) / 2, (y1 + y2) / 2, `${floors[layer][links.start[k]]} → ${floors[layer + 1][links.end[k]]}\n${number(weight)}`]);
  });
  floors.forEach((floor, k) => {
    const shown = [...places[k]].filter(([node]) => used[k].has(node) || k === floors.length - 1);
    const roomy = shown.length <= (height - top) / 10;
    shown.forEach(([node, y]) => {
      parts.push(dot(across[k], y, 4, `node${used[k].has(node) ? "" : " gone"}`));
      if (k === 0 && roomy) parts.push(text(across[k] - 9, y + 4, cut(floor[node], label), { class: "tick strong", "text-anchor": "end" }));
      if (k === floors.length - 1 && roomy) parts.push(text(across[k] + 9, y + 4, cut(floor[node], last), { class: "tick strong" }));
      tips.push([across[k], y, floor[node]]);
    });
    parts.push(text(k === 0 ? 2 : k === floors.length - 1 ? width - 2 : across[k], 12, `${used[k].size} ${heads[k]}${used[k].size === 1 ? "" : "s"}`, { class: "axis", "text-anchor": k === 0 ? "start" : k === floors.length - 1 ? "end" : "middle" }));
  });
  at("network-now").textContent = dense ? `${links.live.toLocaleString("en")} links lead from an input to an output at this strength: too many to draw, so the ${links.layer.length} largest are drawn, and below all weights stand as matrices.` : links.live ? `All ${links.live} links that lead from an input to an output at this strength are drawn; every other weight is exactly 0, or leads nowhere.` : "At this strength no input leads to an output: the prediction is a constant.";
  paint("network", height, `The network at this strength: ${links.live} links`, parts, tips);
  tableBehind("network", "links at this strength", () => [["from", "to", "weight"], links.layer.map((layer, k) => [floors[layer][links.start[k]], floors[layer + 1][links.end[k]], number(links.weight[k])])]);
  drawMatrices(s, dense);
}

function startMatrices() {
  at("matrices").open = data.network.at[data.summary.index].live > data.network.most;
  at("matrices").addEventListener("toggle", () => drawNetwork(current()));
  data.layers.forEach((layer, k) => {
    const [below, above] = layer.shape, part = layer.from.length < below || layer.to.length < above ? `, the largest ${layer.from.length} × ${layer.to.length} shown` : "";
    at("weights").append(html("figure", { class: "panel" }, html("figcaption", {}, html("h3", {}, `Layer ${k + 1}: ${below} × ${above} weights${part}`)), html("div", { id: `layer-${k}`, class: "chart" }), html("div", { id: `layer-${k}-table` })));
  });
}

// Weights as a matrix, where there are too many links to draw; its place stays, so that nothing below it moves.
function drawMatrices(s, dense) {
  if (!at("matrices").open) return;
  data.layers.forEach((layer, k) => {
    const id = `layer-${k}`, values = layer.weights[s], width = at(id).clientWidth, rows = layer.from.length, columns = layer.to.length, last = k === data.layers.length - 1;
    const left = k ? 20 : Math.min(0.35 * width, 12 + 6.2 * Math.max(...layer.from.map((name) => Math.min(name.length, 18)))), tall = clamp(380 / rows, 5, 18), wide = Math.min((width - left - 6) / columns, 40), parts = [], tips = [];
    const size = Math.max(...layer.weights[data.summary.index].flat().map(Math.abs)) || Math.max(...layer.weights.flat(2).map(Math.abs)) || 1;
    if (!dense) parts.push(text(left + 8, 34, "Sparse at this strength: the drawing above has every link.", { class: "axis" }));
    else values.forEach((row, i) => row.forEach((w, j) => {
      if (!w) return;
      parts.push(svg("rect", { x: left + j * wide, y: 6 + i * tall, width: Math.max(0.5, wide - 0.6), height: Math.max(0.5, tall - 0.6), class: w > 0 ? "fill-high" : "fill-low", "fill-opacity": 0.15 + 0.85 * Math.min(1, Math.abs(w) / size) }));
      tips.push([left + (j + 0.5) * wide, 6 + (i + 0.5) * tall, `${layer.from[i]} → ${layer.to[j]}\n${number(w)}`]);
    }));
    if (dense && k === 0 && tall >= 10) layer.from.forEach((name, i) => parts.push(text(left - 5, 6 + (i + 0.5) * tall + 4, cut(name, 18), { class: "tick small", "text-anchor": "end" })));
    parts.push(svg("rect", { x: left, y: 6, width: wide * columns, height: tall * rows, class: "border" }), text(left, tall * rows + 22, `${last ? "outputs" : "units"} from left to right · ${percent(layer.zeros[s])} exactly 0`, { class: "axis" }));
    paint(id, tall * rows + 30, `Weights of layer ${k + 1}: ${percent(layer.zeros[s])} are exactly 0`, parts, tips);
    tableBehind(id, `weights of layer ${k + 1}`, () => [["", ...layer.to], values.map((row, i) => [layer.from[i], ...row.map((w) => number(w, 3))])]);
  });
}

function drawCurves(s) {
  const curves = data.curves;
  if (!curves) return;
  at("curves-section").hidden = false;
  const told = [["training loss", curves.data_loss, "train dotted"], ["penalty", curves.penalty, "series-2"], ["validation loss", curves.validation_loss, "held"]];
  const known = finite(told.flatMap(([, values]) => values.flat())), positive = known.filter((value) => value > 0), log = Math.min(...known) >= 0 && Math.max(...known) > 12 * Math.min(...positive);
  const low = log ? Math.max(Math.min(...positive), Math.max(...known) / 1e4) : Math.min(0, ...known), high = Math.max(...known) * 1.05 || 1;
  const box = { left: 60, top: 8, width: at("curves").clientWidth - 70, height: 240 }, x = scale([curves.epochs[0], curves.epochs.at(-1)], [box.left, box.left + box.width]), y = scale([low, high], [box.top + box.height, box.top], log);
  const points = (values) => values.map((value, k) => (value === null || (log && value <= 0) ? null : [x(curves.epochs[k]), clamp(y(value), box.top, box.top + box.height)]));
  const parts = [frame(box, { x, y, xTitle: "epoch", yTitle: log ? "loss, penalty (log axis)" : "loss, penalty" }), ...told.map(([, values, kind]) => curve(points(values[s]), kind))];
  paint("curves", box.height + 48, "Training loss, penalty and validation loss by epoch", parts, told.flatMap(([name, values]) => points(values[s]).flatMap((point, k) => (point ? [[...point, `epoch ${curves.epochs[k]}\n${name} ${number(values[s][k])}`]] : []))));
  legend("curves-legend", told.map(([name, , kind]) => [`stroke ${kind}`, name]));
  tableBehind("curves", "the training", () => [["epoch", ...told.map(([name]) => name)], curves.epochs.map((epoch, k) => [epoch, ...told.map(([, values]) => number(values[s][k]))])]);
}

function drawRegions(s) {
  const plane = data.regions;
  if (!plane) return;
  at("regions-section").hidden = false;
  const several = plane.kind === "classes", box = { left: 60, top: 8, width: Math.min(at("regions").clientWidth, 640) - 70, height: narrow() ? 280 : 400 };
  at("regions-note").textContent = { classes: "The most probable class", probability: `The probability of ${plane.classes[1]}, darker where it is higher`, numbers: "The predicted number, darker where it is higher" }[plane.kind] + " at every point" + (plane.points ? "; dots are rows." : ".");
  const x = scale([plane.across[0], plane.across.at(-1)], [box.left, box.left + box.width]), y = scale([plane.up[0], plane.up.at(-1)], [box.top + box.height, box.top]);
  const [wide, tall] = [box.width / plane.across.length, box.height / plane.up.length], flat = finite(plane.values[data.summary.index].flat()), [low, high] = plane.kind === "probability" ? [0, 1] : [Math.min(...flat), Math.max(...flat)];
  const paintOf = (value) => (several ? { class: `fill-series-${value % 8} crisp`, "fill-opacity": 0.32 } : { class: "fill-held crisp", "fill-opacity": 0.04 + 0.86 * clamp((value - low) / (high - low || 1), 0, 1) });
  const parts = plane.values[s].flatMap((row, i) => runs(row).map(([from, to, value]) => svg("rect", { x: box.left + from * wide, y: box.top + box.height - (i + 1) * tall, width: (to - from) * wide, height: tall, ...paintOf(value) })));
  if (plane.points) parts.push(...plane.points.across.map((across, k) => dot(x(across), y(plane.points.up[k]), 2.8, several || plane.kind === "probability" ? `point fill-series-${plane.points.target[k]}` : "point fill-plain")));
  parts.push(frame(box, { x, y, xTitle: cut(plane.names[0], 40), yTitle: cut(plane.names[1], 40), plain: true }));
  const tips = plane.values[s].flatMap((row, i) => row.map((value, j) => [box.left + (j + 0.5) * wide, box.top + box.height - (i + 0.5) * tall, `${number(plane.across[j])}, ${number(plane.up[i])}\n${several ? plane.classes[value] : number(value)}`]));
  paint("regions", box.height + 50, `Predictions over ${plane.names[0]} and ${plane.names[1]}`, parts, tips);
  if (several) legend("regions-legend", plane.classes.map((name, k) => [`block series-${k}`, name]));
  tableBehind("regions", "predictions over the plane", () => [["", ...plane.across.map((each) => number(each, 3))], plane.values[s].map((row, i) => [number(plane.up[i], 3), ...row.map((value) => (several ? plane.classes[value] : number(value, 3)))])]);
}

function runs(row) {
  const found = [];
  row.forEach((value, k) => (found.length && found.at(-1)[2] === value ? (found.at(-1)[1] = k + 1) : found.push([k, k + 1, value])));
  return found;
}
