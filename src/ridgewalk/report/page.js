"use strict";
// Data -> charts. Plotly draws; one slider says at which strength. Names are untrusted: plain() before Plotly sees them.

const at = (id) => document.getElementById(id);
const data = JSON.parse(at("data").textContent);
const path = data.summary.path;
const slider = at("strength");
const config = { displayModeBar: false, responsive: true };

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const narrow = () => at("path").clientWidth < 560;
// A long name loses its middle: names of one table often differ only at their ends.
const cut = (text, most) => (text.length > most ? text.slice(0, Math.ceil(most / 2)) + "…" + text.slice(text.length + 1 - Math.floor(most / 2)) : text);
const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const column = (key) => path.map((row) => row[key]);
const percent = (share) => (100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0) + "%";

function number(value) {
  if (value === null) return "–";
  const size = Math.abs(value);
  return value === 0 ? "0" : size >= 1e-3 && size < 1e5 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}

function layout(more) {
  const axis = { gridcolor: colour("line"), zerolinecolor: colour("line"), linecolor: colour("line"), fixedrange: true };
  const { xaxis, yaxis, margin, ...rest } = more;
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, dragmode: false,
    font: { color: colour("text"), size: 12, family: "system-ui, sans-serif" },
    hoverlabel: { bgcolor: colour("card"), bordercolor: colour("line"), font: { color: colour("text") } },
    xaxis: { ...axis, automargin: true, ...xaxis }, yaxis: { ...axis, automargin: true, ...yaxis },
    margin: { l: 10, r: 10, t: 34, b: 36, ...margin }, ...rest,
  };
}

const titled = (text, more = "") => ({ text: plain(text) + (more && "<br>" + plain(more)), font: { size: 13 }, x: 0, xref: "container", xanchor: "left", y: 1, yref: "container", yanchor: "top", pad: { t: more ? 20 : 8 } });

// Places of the strengths: the logarithm, with 0 apart to the left; one after the other where strengths repeat.
const alphas = column("alpha");
const positive = alphas.filter((alpha) => alpha > 0);
const { rising, places, losses } = data.axes;
const out = data.summary.dropped;

function strengthTicks() {
  if (!rising) {
    const some = places.filter((k) => k % Math.ceil(places.length / (narrow() ? 4 : 8)) === 0);
    return { tickvals: some, ticktext: some.map((k) => number(alphas[k])) };
  }
  const tens = [];
  for (let k = Math.ceil(Math.log10(positive[0]) - 1e-9); k <= Math.log10(positive.at(-1)) + 1e-9; k++) tens.push(k);
  const few = tens.length < 2 ? positive.map(Math.log10) : tens;
  const step = Math.ceil(few.length / (narrow() ? 4 : 9));
  const shown = few.filter((_, k) => k % step === 0);
  const zero = alphas[0] === 0 ? [places[0]] : [];
  return { tickvals: [...zero, ...shown], ticktext: [...zero.map(() => "0"), ...shown.map((k) => number(10 ** k))] };
}

function band(loss, error, fill) {
  const known = path.map((_, s) => s).filter((s) => loss[s] !== null && error[s] !== null);
  const low = (s) => (loss[s] > error[s] ? loss[s] - error[s] : loss[s] / 10);
  const around = [...known.map((s) => [places[s], loss[s] + error[s]]), ...known.reverse().map((s) => [places[s], low(s)])];
  return {
    x: around.map((point) => point[0]), y: around.map((point) => point[1]), fill: "toself", fillcolor: fill, mode: "lines",
    line: { width: 0 }, opacity: 0.22, hoverinfo: "skip", showlegend: false,
  };
}

const upright = (s, dash, name) => ({ type: "line", x0: places[s], x1: places[s], y0: 0, y1: 1, yref: "paper", line: { color: colour(name), width: dash ? 1.5 : 2, dash: dash || "solid" } });

function marks(selected) {
  const shapes = path.flatMap((row, s) => (row.marks.length ? [upright(s, "dot", "good")] : []));
  if (rising && alphas[0] === 0) {
    const middle = (places[0] + places[1]) / 2;
    shapes.push({ ...upright(0, "dash", "line"), x0: middle, x1: middle });
  }
  return [...shapes, upright(selected, "", "mark")];
}

function drawPath(selected) {
  const told = { min: "minimum", "1se": "1-SE" };
  const heldout = column("heldout_loss"), training = column("train_loss");
  const step = Math.max(1, Math.ceil(path.length / (narrow() ? 5 : 11)));
  const top = path.map((_, s) => s).filter((s) => s % step === 0);
  const hover = path.map((row) => `strength ${number(row.alpha)}<br>held-out ${number(row.heldout_loss)} ± ${number(row.standard_error)}<br>training ${number(row.train_loss)} ± ${number(row.train_standard_error)}<br>${row.inputs_kept} inputs, ${row.weights_kept} weights, ${percent(row.zeros)} zeros`);
  const line = (values, name, label, dash) => ({ x: places, y: values, mode: "lines+markers", name: label, line: { color: colour(name), width: 2, dash }, marker: { size: 5 }, hoverinfo: "text", text: hover });
  const dropped = { x: out.map((entry) => Math.log10(entry.alpha)), y: out.map((entry) => entry.heldout_loss), mode: "markers", name: "dropped by the race", marker: { size: 6, symbol: "x-thin-open", color: colour("quiet") }, opacity: 0.6, hoverinfo: "text", text: out.map((entry) => `strength ${number(entry.alpha)}<br>held-out ${number(entry.heldout_loss)} over ${entry.folds} folds<br>dropped by the race`) };
  const level = (loss, name, dash) => ({ x: [places[0], places.at(-1)], y: Array(2).fill(loss), mode: "lines", name, line: { color: colour("quiet"), width: 1, dash }, hoverinfo: "name" });
  const { linear, blend, null_loss } = data.summary;
  const levels = [
    level(null_loss, "constant prediction", "dash"),
    ...(linear ? [level(linear.heldout_loss, "linear model", "dashdot")] : []),
    ...(blend && blend.heldout_loss !== null ? [level(blend.heldout_loss, "blend", "dot")] : []),
  ];
  Plotly.react("path", [
    band(training, column("train_standard_error"), colour("train")),
    band(heldout, column("standard_error"), colour("held")),
    line(training, "train", "training loss", "dot"), line(heldout, "held", "held-out loss", "solid"), ...(out.length ? [dropped] : []), ...levels,
    { x: [places[0]], y: [null], xaxis: "x2", hoverinfo: "skip", showlegend: false },
  ], layout({
    height: narrow() ? 380 : 440, showlegend: true, hovermode: "closest",
    legend: { orientation: "h", y: -0.17, x: 0, font: { size: 12 } },
    xaxis: { title: { text: rising ? "strength (alpha)" : "strength, under several ridges", standoff: 6 }, zeroline: false, tickangle: 0, range: ends(), ...strengthTicks() },
    xaxis2: { overlaying: "x", side: "top", range: ends(), tickvals: top.map((s) => places[s]), ticktext: top.map((s) => `${path[s].inputs_kept}<br>${path[s].weights_kept}`), tickfont: { size: 10, color: colour("quiet") }, showgrid: false, zeroline: false, fixedrange: true, tickangle: 0 },
    yaxis: { title: { text: losses ? "loss (log axis)" : "loss", standoff: 6 }, zeroline: false, ...(losses ? { type: "log", dtick: 1, tickformat: "~g", range: losses.map(Math.log10) } : {}) },
    margin: { t: 52 },
    shapes: marks(selected),
    annotations: [
      ...path.flatMap((row, s) => (row.marks.length ? [{ x: places[s], y: 0.99, yref: "paper", yanchor: "top", xanchor: s > path.length * 0.7 ? "right" : "left", text: row.marks.map((mark) => told[mark]).join(", "), showarrow: false, bgcolor: colour("card"), font: { color: colour("good"), size: 11 }, yshift: row.marks[0] === "min" ? 0 : -14 }] : [])),
      { x: 0, y: 1, xref: "paper", yref: "paper", xanchor: "left", yanchor: "bottom", yshift: 32, text: "inputs, and below them weights, that are left", showarrow: false, font: { size: 10, color: colour("quiet") } },
    ],
  }), config);
}

function ends() {
  const last = Math.max(places.at(-1), ...out.map((entry) => Math.log10(entry.alpha)));
  const room = Math.max(0.05 * (last - places[0]), 0.1);
  return [places[0] - room, last + room];
}

function drawInputs(s) {
  const { names, importance, frequency, kept, left_out, standardized } = data.inputs;
  at("inputs-note").textContent = `Importance: norm of an input's first-layer weights, in units of ${standardized ? "its standard deviation" : "the data"}. Frequency: share of the folds and starts whose network uses it. Pale: not used at this strength by the network trained on all rows.` + (left_out ? ` The ${left_out} inputs that matter least at the chosen strength are left out.` : "");
  const order = names.map((_, k) => k);
  const paint = (name) => order.map((k) => colour(kept[s][k] ? name : "faint"));
  const bar = (values, name, xaxis, show) => ({ type: "bar", orientation: "h", y: order, x: values[s], xaxis, marker: { color: paint(name) }, hoverinfo: "text", hovertext: names.map((each, k) => `${plain(each)}: ${show(values[s][k])}`), textposition: "none" });
  const largest = Math.max(...importance.slice(data.summary.index).flat()) || Math.max(...importance.flat()) || 1;
  const axis = { gridcolor: colour("line"), fixedrange: true, zerolinecolor: colour("line") };
  Plotly.react("inputs", [bar(importance, "held", "x", number), bar(frequency, "mark", "x2", percent)], layout({
    height: 90 + 21 * names.length, bargap: 0.25,
    xaxis: { domain: [0, 0.56], range: [0, 1.05 * Math.max(largest, ...importance[s])], title: { text: "importance", standoff: 4 }, nticks: narrow() ? 4 : 7 },
    xaxis2: { ...axis, domain: [0.62, 1], range: [0, 1.02], title: { text: "frequency", standoff: 4 }, tickvals: [0, 0.5, 1], ticktext: ["0", "50%", "100%"] },
    yaxis: { tickvals: order, ticktext: names.map((name) => plain(cut(name, narrow() ? 18 : 30))), range: [names.length - 0.4, -0.6], showgrid: false, zeroline: false },
    margin: { t: 10, r: 26 },
  }), config);
}

function drawWeights(s) {
  data.layers.forEach((layer, k) => {
    const id = `layer-${k}`;
    const values = layer.weights[s];
    const size = Math.max(...layer.weights[data.summary.index].flat().map(Math.abs)) || Math.max(...layer.weights.flat(2).map(Math.abs)) || 1;
    const [below, above] = layer.shape;
    const part = layer.from.length < layer.rows || layer.to.length < above ? `the largest ${layer.from.length} × ${layer.to.length} shown` : "";
    const ticks = (labels, most) => (labels.length > most ? { showticklabels: false } : { tickvals: labels.map((_, j) => j), ticktext: labels.map((name) => plain(cut(name, narrow() ? 14 : 22))) });
    const frame = { showgrid: false, zeroline: false, mirror: true, showline: true, linecolor: colour("line"), ticks: "" };
    Plotly.react(id, [{
      type: "heatmap", z: values.map((row) => row.map((w) => w || null)), zmin: -size, zmax: size, hoverongaps: false,
      colorscale: [[0, colour("low")], [0.5, colour("middle")], [1, colour("high")]], xgap: 1, ygap: 1, hoverinfo: "text",
      text: values.map((row, i) => row.map((w, j) => `${plain(layer.from[i])} → ${plain(layer.to[j])}: ${number(w)}`)),
      colorbar: { thickness: 10, len: 0.9, outlinewidth: 0, tickfont: { size: 10 }, nticks: 5 },
    }], layout({
      title: titled(`Layer ${k + 1}: ${below} × ${above}, ${percent(layer.zeros[s])} zeros`, part),
      height: Math.min(560, Math.max(200, 90 + 15 * layer.from.length)), margin: { t: part ? 48 : 34 }, plot_bgcolor: colour("zero"),
      xaxis: { ...frame, ...ticks(layer.to, k + 1 === data.layers.length ? 6 : 0), range: [-0.5, layer.to.length - 0.5], title: { text: k + 1 < data.layers.length ? "units" : "outputs", standoff: 4 } },
      yaxis: { ...frame, ...ticks(layer.from, k ? 0 : 34), range: [layer.from.length - 0.5, -0.5], title: k ? { text: "units", standoff: 4 } : undefined },
    }), config);
  });
}

function drawCurves(s) {
  const curves = data.curves;
  if (!curves) return;
  at("curves-section").hidden = false;
  const told = [["training loss", curves.data_loss[s], "train", "dot"], ["penalty", curves.penalty[s], "good", "dash"], ["validation loss", curves.validation_loss[s], "held", "solid"]];
  const known = told.flatMap(([, values]) => values).filter((value) => value > 0);
  const wide = Math.max(...known) > 12 * Math.min(...known);
  Plotly.react("curves", told.map(([name, values, paint, dash]) => ({ x: curves.epochs, y: values, name, mode: "lines", line: { color: colour(paint), width: 2, dash }, hovertemplate: `${name} %{y:.4g}<extra></extra>` })), layout({
    height: 340, showlegend: true, hovermode: "x unified", legend: { orientation: "h", y: -0.2, x: 0, font: { size: 12 } }, margin: { t: 10 },
    xaxis: { title: { text: "epoch", standoff: 6 }, zeroline: false },
    yaxis: { title: { text: wide ? "loss, penalty (log axis)" : "loss, penalty", standoff: 6 }, zeroline: false, ...(wide ? { type: "log", dtick: 1, tickformat: "~g" } : { rangemode: "tozero" }) },
  }), config);
}

function drawRows(s) {
  const rows = data.rows;
  if (!rows) return;
  at("rows-section").hidden = false;
  const score = { classes: "accuracy", labels: "share of labels that are right", numbers: "share of the variance explained" }[rows.kind];
  at("rows-note").textContent = `${rows.count} rows: loss ${number(rows.loss[s])}, ${score} ${number(rows.score[s])}. Rows that the network was trained on flatter it.` + (data.summary.seeds > 1 ? " Of several starts, the one with the lowest objective predicts." : "") + (rows.targets > 1 ? ` The first of ${rows.targets} targets is shown.` : "") + (rows.classes_left_out ? ` The ${rows.classes_left_out} rarest classes are left out.` : "");
  if (rows.kind === "classes") drawConfusion(rows, s);
  else if (rows.kind === "numbers") drawResiduals(rows, s);
  else at("compared").hidden = true;
  const points = rows.calibration[s];
  const ofNumbers = rows.kind === "numbers";
  const all = ofNumbers ? rows.calibration.flat().flatMap((point) => point.slice(0, 2)) : [0, 1];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const room = 0.05 * (high - low) || 1;
  const range = [low - room, high + room];
  const most = Math.max(...points.map((point) => point[2]));
  Plotly.react("calibration", [
    { x: range, y: range, mode: "lines", line: { color: colour("quiet"), dash: "dash", width: 1 }, hoverinfo: "skip" },
    { x: points.map((p) => p[0]), y: points.map((p) => p[1]), mode: "lines+markers", line: { color: colour("held") }, marker: { size: points.map((p) => 6 + 12 * Math.sqrt(p[2] / most)) }, hoverinfo: "text", text: points.map((p) => `predicted ${number(p[0])}<br>observed ${number(p[1])}<br>${p[2]} rows`) },
  ], layout({
    title: titled("Calibration", rows.calibrated && cut("of " + rows.calibrated, narrow() ? 44 : 60)), height: 340, margin: { t: rows.calibrated ? 48 : 34 },
    xaxis: { title: { text: "mean prediction", standoff: 6 }, range, zeroline: false }, yaxis: { title: { text: "observed", standoff: 6 }, range, zeroline: false },
  }), config);
}

function drawConfusion(rows, s) {
  const counts = rows.confusion[s], order = rows.classes.map((_, k) => k);
  const shares = counts.map((row) => row.map((n) => n / Math.max(1, row.reduce((a, b) => a + b, 0))));
  const names = rows.classes.map((name) => plain(cut(name, narrow() ? 10 : 16)));
  const frame = { tickvals: order, ticktext: names, showgrid: false, zeroline: false };
  Plotly.react("compared", [{
    type: "heatmap", z: shares, zmin: 0, zmax: 1, colorscale: [[0, colour("card")], [1, colour("held")]], showscale: false, xgap: 2, ygap: 2,
    text: counts, texttemplate: order.length > 12 ? "" : "%{text}", textfont: { size: 13 }, hoverinfo: "text",
    hovertext: counts.map((row, i) => row.map((n, j) => `${n} of ${plain(rows.classes[i])}<br>taken for ${plain(rows.classes[j])}`)),
  }], layout({
    title: titled("Confusion: counts, coloured by row share"), height: 340,
    xaxis: { ...frame, title: { text: "predicted", standoff: 6 } }, yaxis: { ...frame, autorange: "reversed", title: { text: "observed", standoff: 6 } },
  }), config);
}

function drawResiduals(rows, s) {
  const predicted = rows.predicted[s], residual = predicted.map((value, k) => rows.observed[k] - value);
  const everything = rows.predicted.slice(data.summary.index).flat();
  const largest = 1.1 * Math.max(...rows.predicted[data.summary.index].map((value, k) => Math.abs(rows.observed[k] - value)), ...residual.map(Math.abs));
  Plotly.react("compared", [{
    x: predicted, y: residual, mode: "markers", marker: { color: colour("held"), opacity: 0.6, size: 6 }, hoverinfo: "text",
    text: residual.map((value, k) => `observed ${number(rows.observed[k])}<br>predicted ${number(predicted[k])}<br>residual ${number(value)}`),
  }], layout({
    title: titled("Residuals" + (rows.count > predicted.length ? `: ${predicted.length} of ${rows.count} rows` : "")), height: 340,
    xaxis: { title: { text: "predicted", standoff: 6 }, zeroline: false, range: wider([...everything, ...predicted]) }, yaxis: { title: { text: "observed − predicted", standoff: 6 }, range: [-largest, largest], zerolinecolor: colour("quiet") },
  }), config);
}

function wider(values) {
  const low = Math.min(...values), high = Math.max(...values), room = 0.05 * (high - low) || 1;
  return [low - room, high + room];
}

// Petroff's ten, which people of all kinds of sight tell apart; scikit-learn's displays have the same.
const kinds = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"];

function drawRegions(s) {
  const plane = data.regions;
  if (!plane) return;
  at("regions-section").hidden = false;
  const count = plane.classes.length, several = plane.kind === "classes";
  at("regions-note").textContent = { classes: "The most probable class", probability: `The probability of ${plane.classes[1]}`, numbers: "The predicted number" }[plane.kind] + " at every point" + (plane.points ? "; dots are rows that you gave." : ".");
  const flat = several || plane.kind === "probability" ? [0, 1] : plane.values.slice(data.summary.index).flat(2);
  const steps = kinds.slice(0, count).flatMap((each, k) => [[k / count, each], [(k + 1) / count, each]]);
  const shades = several ? steps : [[0, colour("low")], [0.5, colour("middle")], [1, colour("high")]];
  const limits = several ? { zmin: -0.5, zmax: count - 0.5 } : { zmin: Math.min(...flat), zmax: Math.max(...flat) };
  const names = plane.classes.map((name) => plain(cut(name, 16)));
  const say = (value) => (several ? names[value] : number(value));
  const traces = [{
    type: "heatmap", x: plane.across, y: plane.up, z: plane.values[s], ...limits, colorscale: shades, opacity: several ? 0.55 : 0.8, hoverinfo: "text",
    text: plane.values[s].map((row, i) => row.map((value, j) => `${number(plane.across[j])}, ${number(plane.up[i])}: ${say(value)}`)),
    colorbar: { thickness: 12, outlinewidth: 0, tickfont: { size: 11 }, ...(several ? { tickvals: names.map((_, k) => k), ticktext: names } : {}) },
  }];
  if (plane.points) traces.push({ x: plane.points.across, y: plane.points.up, mode: "markers", hoverinfo: "skip", marker: { size: 6, color: plane.points.target, colorscale: shades, cmin: limits.zmin, cmax: limits.zmax, line: { width: 1, color: colour("text") } } });
  const title = (name) => ({ text: plain(cut(name, 40)), standoff: 6 });
  Plotly.react("regions", traces, layout({
    height: narrow() ? 340 : 480, margin: { t: 10 },
    xaxis: { title: title(plane.names[0]), showgrid: false, zeroline: false, range: [plane.across[0], plane.across.at(-1)] },
    yaxis: { title: title(plane.names[1]), showgrid: false, zeroline: false, range: [plane.up[0], plane.up.at(-1)] },
  }), config);
}

function tell(s) {
  const row = path[s];
  const marks = [...row.marks.map((mark) => (mark === "min" ? "minimum" : "1-SE")), ...(s === data.summary.index ? ["chosen"] : [])];
  at("shown").textContent = number(row.alpha) + (marks.length ? ` (${marks.join(", ")})` : "");
  slider.setAttribute("aria-valuetext", at("shown").textContent);
  const facts = {
    "held-out loss": `${number(row.heldout_loss)} ± ${number(row.standard_error)}`, "training loss": number(row.train_loss),
    penalty: number(row.penalty), zeros: percent(row.zeros), weights: row.weights_kept, inputs: row.inputs_kept, units: row.units_kept,
  };
  at("facts").replaceChildren(...Object.entries(facts).map(([name, value]) => {
    const pair = document.createElement("div");
    for (const [tag, text] of [["dt", name], ["dd", value]]) pair.append(Object.assign(document.createElement(tag), { textContent: text }));
    return pair;
  }));
}

let asked = null;
function move() {
  if (asked === null) asked = requestAnimationFrame(() => {
    asked = null;
    const s = slider.valueAsNumber;
    tell(s);
    Plotly.relayout("path", { shapes: marks(s) });
    drawBelow(s);
  });
}

function drawBelow(s) {
  drawInputs(s);
  drawWeights(s);
  drawCurves(s);
  drawRows(s);
  drawRegions(s);
}

function drawAll() {
  const s = slider.valueAsNumber;
  tell(s);
  drawPath(s);
  drawBelow(s);
}

function go(s) {
  slider.value = s;
  move();
}

async function load() {
  const packed = Uint8Array.from(atob(at("library").textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
}

async function start() {
  slider.value = data.summary.index;
  tell(data.summary.index);
  const jumps = { minimum: path.findIndex((row) => row.marks.includes("min")), "1-SE": path.findIndex((row) => row.marks.includes("1se")), "no penalty": alphas.indexOf(0) };
  for (const [name, s] of Object.entries(jumps)) {
    if (s < 0) continue;
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
    button.addEventListener("click", () => go(s));
    at("jumps").append(button);
  }
  data.layers.forEach((_, k) => at("weights").append(Object.assign(document.createElement("div"), { id: `layer-${k}` })));
  await load();
  drawAll();
  at("path").on("plotly_click", ({ points: [point] }) => point.data.x.length === path.length && go(point.pointNumber));
  slider.addEventListener("input", move);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  matchMedia("print").addEventListener("change", drawAll);
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => (each.open = true)));
  matchMedia("(max-width: 600px)").addEventListener("change", drawAll);
  document.documentElement.dataset.drawn = "yes";
}

start().catch((error) => {
  at("trouble").hidden = false;
  at("trouble").textContent = `The charts could not be drawn (${error.message}). They need Chrome or Edge 80, Firefox 113 or Safari 16.4, or a newer one; the table has all numbers.`;
});
