// Predictions beside what was observed: confusion, ROC and calibration of classes; residuals of numbers. One function
// for rows that folds held out ("held") and for rows that someone gave ("given").

const SCORES = { classes: "right", labels: "of the labels right", numbers: "of the variance explained" };
const outcomeOf = (which) => (which === "held" ? data.held_out : data.rows);

function drawOutcome(which, s) {
  const rows = outcomeOf(which);
  if (!rows) return;
  const place = rows.strengths.indexOf(s);
  at(`${which}-now`).textContent = place < 0 ? "At this strength the outputs were not kept, or diverged." : `At this strength: loss ${number(rows.loss[place])}, ${rows.score[place] === null ? "–" : percent(rows.score[place])} ${SCORES[rows.kind]}.`;
  const parts = rows.kind === "classes" ? [drawConfusion, drawRoc] : rows.kind === "numbers" ? [drawObserved, drawResiduals] : [];
  const ids = [`${which}-first`, `${which}-second`];
  ids.forEach((id, k) => (parts[k] ? parts[k](id, rows, place) : (at(`${id}-panel`).hidden = true)));
  drawCalibration(`${which}-third`, rows, place);
}

function outcomeNote(which) {
  const rows = outcomeOf(which);
  const part = rows.count < rows.of ? `${rows.count.toLocaleString("en")} of ${rows.of.toLocaleString("en")} rows, evenly spread` : `${rows.count.toLocaleString("en")} rows`;
  const whose = which === "held" ? "Every row is predicted by networks of the folds that held it out" : "The network of all rows predicts them; rows that it was trained on flatter it";
  const targets = rows.targets > 1 ? ` The first of ${rows.targets} targets is shown.` : "";
  return `${part}. ${whose}.${data.summary.seeds > 1 ? " Of several starts, " + (which === "held" ? "the mean counts." : "the one of lowest objective counts.") : ""}${targets}${rows.classes_left_out ? ` The ${rows.classes_left_out} rarest classes are left out.` : ""}`;
}

const square = (id) => Math.min(at(id).clientWidth, 420);

function drawConfusion(id, rows, place) {
  const names = rows.classes, n = names.length, width = at(id).clientWidth;
  const longest = Math.min(narrow() ? 11 : 16, Math.max(...names.map((name) => name.length)));
  const left = 30 + 6.6 * longest;
  const side = Math.max(12, Math.min((width - left - 8) / n, n > 8 ? 30 : n > 3 ? 52 : 88)), [top, size] = [6, side * n], turned = side < 6.6 * longest, foot = turned ? 26 + 5.4 * longest : 40;
  const counts = place < 0 ? null : rows.confusion[place], tips = [], parts = [];
  names.forEach((name, i) => {
    const middle = (i + 0.5) * side;
    parts.push(text(left - 6, top + middle + 4, cut(name, longest), { class: "tick", "text-anchor": "end" }));
    parts.push(turned ? text(0, 0, cut(name, longest), { class: "tick", "text-anchor": "end", transform: `translate(${left + middle + 4} ${top + size + 8}) rotate(-60)` }) : text(left + middle, top + size + 15, cut(name, longest), { class: "tick", "text-anchor": "middle" }));
    if (!counts) return;
    const all = counts[i].reduce((a, b) => a + b, 0) || 1;
    counts[i].forEach((count, j) => {
      const share = count / all, x = left + j * side, y = top + i * side;
      parts.push(svg("rect", { x: x + 1, y: y + 1, width: side - 2, height: side - 2, class: i === j ? "fill-held" : "fill-bad", "fill-opacity": i === j ? 0.06 + 0.5 * share : count ? 0.12 + 0.75 * Math.min(1, 2 * share) : 0.02 }));
      if (count && side >= 20) parts.push(text(x + side / 2, y + side / 2 + 4, count, { class: `count${side < 28 ? " small" : ""}${i === j ? "" : " strong"}`, "text-anchor": "middle" }));
      tips.push([x + side / 2, y + side / 2, `${count} of ${all} rows of ${names[i]}\npredicted as ${names[j]} (${percent(share)})`]);
    });
  });
  parts.push(svg("rect", { x: left, y: top, width: size, height: size, class: "border" }), text(left + size / 2, top + size + foot - 2, "predicted", { class: "axis", "text-anchor": "middle" }), text(0, 0, "observed", { class: "axis", "text-anchor": "middle", transform: `translate(12 ${top + size / 2}) rotate(-90)` }));
  paint(id, top + size + foot + 6, counts ? `Confusion: ${worst(rows, counts)}` : "Confusion: not kept at this strength", parts, tips);
  tableBehind(id, "confusion", () => [["observed \\ predicted", ...names], counts ? counts.map((row, i) => [names[i], ...row]) : []]);
}

function worst(rows, counts) {
  const wrong = counts.flatMap((row, i) => row.map((count, j) => [i === j ? 0 : count, i, j])).sort((a, b) => b[0] - a[0])[0];
  return wrong[0] ? `most often ${rows.classes[wrong[1]]} is predicted as ${rows.classes[wrong[2]]}, ${wrong[0]} rows` : "no row is wrong";
}

function unitBox(id, left = 52) {
  const size = square(id);
  return { left, top: 10, width: size - left - 12, height: Math.min(300, size - left - 12) };
}

function drawRoc(id, rows, place) {
  const box = unitBox(id), x = scale([0, 1], [box.left, box.left + box.width]), y = scale([0, 1], [box.top + box.height, box.top]);
  const parts = [frame(box, { x, y, xTitle: "false positive rate", yTitle: "true positive rate" }), line(x(0), y(0), x(1), y(1), "level constant")], tips = [];
  const areas = place < 0 ? [] : rows.auc[place];
  const order = areas.map((_, k) => k).sort((a, b) => (areas[a] ?? 2) - (areas[b] ?? 2));
  const one = rows.curves.length === 1;
  order.slice().reverse().forEach((k) => {
    const rank = order.indexOf(k), points = rows.rates.map((rate, j) => (rows.roc[place][k][j] === null ? null : [x(rate), y(rows.roc[place][k][j])]));
    parts.push(curve(points, one ? "held" : rank < 3 ? `series-${rank} medium` : "rest thin"));
    points.forEach((point, j) => point && tips.push([...point, `${rows.curves[k]}\nfalse positives ${percent(rows.rates[j])}\ntrue positives ${percent(rows.roc[place][k][j])}\nAUC ${number(areas[k], 3)}`]));
  });
  order.slice(0, 3).forEach((k, rank) => parts.push(text(box.left + box.width - 8, box.top + box.height - 10 - 15 * (Math.min(3, order.length) - 1 - rank), one ? `AUC ${number(areas[k], 3)}` : `${cut(rows.curves[k], 18)} ${number(areas[k], 3)}`, { class: `direct halo ${one ? "" : `ink-${rank}`}`, "text-anchor": "end" })));
  paint(id, box.height + 56, `ROC curves. ${areas.length ? `Area ${areas.map((area, k) => `${rows.curves[k]} ${number(area, 3)}`).join(", ")}` : "Not kept at this strength"}`, parts, tips);
  tableBehind(id, "ROC, one class against all others", () => [["false positive rate", ...rows.curves], place < 0 ? [] : [["area", ...areas.map((each) => number(each))], ...rows.rates.map((rate, j) => [number(rate, 3), ...rows.roc[place].map((each) => number(each[j], 3))])]]);
}

function wider(values) {
  const known = finite(values), low = Math.min(...known), high = Math.max(...known), room = 0.05 * (high - low) || 1;
  return [low - room, high + room];
}

function drawCalibration(id, rows, place) {
  const box = unitBox(id), numbers = rows.kind === "numbers";
  const range = numbers ? wider(rows.calibration.flat().flatMap((point) => point.slice(0, 2))) : [0, 1];
  const x = scale(range, [box.left, box.left + box.width]), y = scale(range, [box.top + box.height, box.top]);
  const points = place < 0 ? [] : rows.calibration[place], most = Math.max(1, ...points.map((point) => point[2]));
  const places = points.map(([predicted, observed]) => [x(predicted), y(observed)]);
  const parts = [frame(box, { x, y, xTitle: "mean prediction", yTitle: numbers ? "mean observed" : "share observed" }), line(x(range[0]), y(range[0]), x(range[1]), y(range[1]), "level constant"), curve(places, "held thin"), ...places.map(([a, b], k) => dot(a, b, 2.5 + 5 * Math.sqrt(points[k][2] / most), "fill-held"))];
  paint(id, box.height + 56, `Calibration${rows.calibrated ? ` of ${rows.calibrated}` : ""}: mean prediction against what was observed`, parts, places.map((each, k) => [...each, `predicted ${number(points[k][0])}\nobserved ${number(points[k][1])}\n${points[k][2]} rows`]));
  tableBehind(id, "calibration", () => [["mean prediction", "observed", "rows"], points.map((point) => point.map((each) => number(each)))]);
}

function drawObserved(id, rows, place) {
  const box = unitBox(id), chosen = rows.predicted[Math.max(0, rows.strengths.indexOf(data.summary.index))];
  const range = wider([...rows.observed, ...chosen]), x = scale(range, [box.left, box.left + box.width]), y = scale(range, [box.top + box.height, box.top]);
  const values = place < 0 ? [] : rows.predicted[place], inside = (value) => clamp(value, ...range);
  const places = values.map((value, k) => [x(inside(value)), y(inside(rows.observed[k]))]);
  const parts = [frame(box, { x, y, xTitle: "predicted", yTitle: "observed" }), line(x(range[0]), y(range[0]), x(range[1]), y(range[1]), "level constant"), ...places.map(([a, b]) => dot(a, b, 2.6, "fill-held faint"))];
  paint(id, box.height + 56, `Observed against predicted, ${values.length} rows`, parts, places.map((each, k) => [...each, `observed ${number(rows.observed[k])}\npredicted ${number(values[k])}`]));
  tableBehind(id, "predictions and observations", () => [["observed", "predicted", "residual"], values.map((value, k) => [number(rows.observed[k]), number(value), number(rows.observed[k] - value)])]);
}

function drawResiduals(id, rows, place) {
  const box = unitBox(id, 56), at0 = rows.predicted[Math.max(0, rows.strengths.indexOf(data.summary.index))];
  const across = wider([...rows.observed, ...at0]), reach = 1.1 * Math.max(...at0.map((value, k) => Math.abs(rows.observed[k] - value))) || 1;
  const x = scale(across, [box.left, box.left + box.width]), y = scale([-reach, reach], [box.top + box.height, box.top]);
  const values = place < 0 ? [] : rows.predicted[place], residuals = values.map((value, k) => rows.observed[k] - value);
  const places = values.map((value, k) => [x(clamp(value, ...across)), y(clamp(residuals[k], -reach, reach))]);
  const parts = [frame(box, { x, y, xTitle: "predicted", yTitle: "observed − predicted" }), line(box.left, y(0), box.left + box.width, y(0), "zero"), ...places.map(([a, b]) => dot(a, b, 2.6, "fill-held faint"))];
  paint(id, box.height + 56, `Residuals, ${values.length} rows`, parts, places.map((each, k) => [...each, `predicted ${number(values[k])}\nresidual ${number(residuals[k])}`]));
  tableBehind(id, "residuals", () => [["predicted", "residual"], values.map((value, k) => [number(value), number(residuals[k])])]);
}
