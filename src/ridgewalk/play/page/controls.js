// The settings: each is a labelled control that is made of a line here, and says what it changes.

// key of the state, group, kind and its range; soft: goes on from the weights; when: whether it is there.
const CONTROLS = [
  { key: "noise", group: "data", kind: "range", most: (s) => DATASETS[s.data].most, step: 0.05, soft: true, when: (s) => s.data !== "csv" },
  { key: "rows", group: "data", kind: "range", least: 50, most: () => 2000, step: 50, when: (s) => s.data !== "csv" },
  { key: "layers", group: "network", kind: "range", least: 0, most: () => 3, step: 1 },
  { key: "units", group: "network", kind: "range", least: 1, most: () => 128, step: 1, each: (s) => s.hidden.length },
  { key: "activation", group: "network", kind: "select", from: ["relu", "leaky_relu", "tanh", "logistic", "gelu", "identity"], when: (s) => s.hidden.length > 0 },
  { key: "penalty", group: "penalty", kind: "select", from: PENALTIES },
  { key: "mix", group: "penalty", kind: "range", words: "mix-share", most: () => 1, step: 0.05, soft: true, when: (s) => s.penalty === "mix" },
  { key: "factor", group: "penalty", kind: "range", most: () => 4, step: 0.5, each: (s) => s.hidden.length + 1, when: (s) => s.hidden.length > 0 && !s.penalty.includes("mcp") },
  { key: "bias", group: "penalty", kind: "range", most: () => 0.1, step: 0.005 },
  { key: "optimizer", group: "training", kind: "select", from: ["adam", "sgd", "adagrad", "rmsprop"] },
  { key: "rate", group: "training", kind: "range", log: true, least: -4, most: () => 1, step: 0.1, soft: true },
  { key: "momentum", group: "training", kind: "range", most: () => 0.95, step: 0.05, when: (s) => s.optimizer === "sgd" },
  { key: "epochs", group: "training", kind: "range", least: 20, most: () => 3000, step: 20 },
  { key: "batch", group: "training", kind: "range", most: () => 512, step: 16 },
  { key: "folds", group: "validation", kind: "range", least: 2, most: () => 10, step: 1 },
  { key: "starts", group: "validation", kind: "range", least: 1, most: () => 5, step: 1 },
  { key: "strengths", group: "validation", kind: "range", least: 6, most: () => 60, step: 2 },
];
const GROUPS = ["data", "network", "penalty", "training", "validation"];
const NAMES_OF = { relu: "ReLU", leaky_relu: "Leaky ReLU", tanh: "tanh", logistic: "logistic", gelu: "GELU", identity: "identity", adam: "Adam", sgd: "SGD", adagrad: "AdaGrad", rmsprop: "RMSprop" };

function readControl(state, { key, log }, k) {
  if (key === "layers") return state.hidden.length;
  if (key === "units") return state.hidden[k];
  if (key === "factor") return state.factors[k];
  return log ? Math.log10(state[key]) : state[key];
}

/** What a control changes of the state. */
function changeOf(state, { key, log }, k, value) {
  if (key === "layers") return { hidden: Array.from({ length: value }, (_, j) => state.hidden[j] ?? 16) };
  if (key === "units") return { hidden: state.hidden.map((units, j) => (j === k ? value : units)) };
  if (key === "factor") return { factors: state.factors.map((factor, j) => (j === k ? value : factor)) };
  return { [key]: log ? Number((10 ** value).toPrecision(2)) : value };
}

const shownValue = (control, value) => (control.log ? number(Number((10 ** value).toPrecision(2)), 2) : number(value, 3));

/** Make a group's controls anew where others are there now; else set their values. `change(changes)` is called with what a reader changes. */
function drawControls(state, change) {
  for (const group of GROUPS) {
    const place = at(`controls-${group}`);
    if (!place) continue;
    const wanted = CONTROLS.filter((control) => control.group === group && (control.when?.(state) ?? true)).flatMap((control) => Array.from({ length: control.each ? control.each(state) : 1 }, (_, k) => [control, k]));
    const key = `${language} ${wanted.map(([control, k]) => `${control.key}${k}`).join(" ")}`;
    if (place.dataset.key !== key) {
      const focused = place.contains(document.activeElement) ? document.activeElement.id : null;
      place.dataset.key = key;
      place.replaceChildren(...wanted.map(([control, k]) => controlFor(control, k, change)));
      if (focused) at(focused)?.focus();
    }
    for (const [control, k] of wanted) setControl(state, control, k);
  }
  if (at("free-note")) at("free-note").hidden = !state.hidden.length || state.penalty.includes("mcp") || !state.factors.slice(0, state.hidden.length + 1).includes(0);
}

function controlFor(control, k, change) {
  const id = `set-${control.key}${control.each ? k : ""}`, words = say(control.words ?? control.key, { k: k + 1 });
  const label = html("label", { for: id }, words, ...(control.soft ? [html("span", { class: "soft", "aria-hidden": "true" }, " ◆"), html("span", { class: "unseen" }, ` ${say("soft-badge")}`)] : []));
  if (control.kind === "select") {
    const select = html("select", { id }, ...control.from.map((name) => html("option", { value: name }, NAMES_OF[name] ?? say(name))));
    select.addEventListener("change", () => change(changeOf(page.state, control, k, select.value)));
    return html("div", { class: "control" }, label, select);
  }
  const input = html("input", { id, type: "range", step: control.step, min: control.least ?? 0 }), shown = html("output", { for: id, id: `${id}-shown` });
  input.addEventListener("input", () => change(changeOf(page.state, control, k, input.valueAsNumber)));
  return html("div", { class: "control" }, label, shown, input);
}

function setControl(state, control, k) {
  const id = `set-${control.key}${control.each ? k : ""}`, element = at(id), value = readControl(state, control, k);
  if (control.kind === "select") return void (element.value = value);
  element.max = control.most(state);
  element.value = value;
  at(`${id}-shown`).textContent = shownValue(control, value);
  return element.setAttribute("aria-valuetext", shownValue(control, value));
}

/** The kinds of data as pictures to choose from, with their names below. */
function drawChoices(state, change, chooseFile) {
  const place = at("choices");
  if (!place) return;
  if (!place.firstChild) {
    for (const kind of [...Object.keys(DATASETS), "csv"]) {
      const input = html("input", { type: "radio", name: "data", value: kind, id: `data-${kind}` });
      const picture = html("canvas", { width: 96, height: 72, "aria-hidden": "true" });
      place.append(html("label", { class: "choice", for: `data-${kind}` }, input, picture, html("span", { "data-say": kind }, say(kind))));
      input.addEventListener("change", () => (kind === "csv" ? chooseFile() : change({ data: kind, noise: DATASETS[kind].noise })));
    }
  }
  showChoice(state);
  for (const kind of [...Object.keys(DATASETS), "csv"]) drawIcon(place.querySelector(`label[for=data-${kind}] canvas`), kind);
}

function showChoice(state) {
  const choice = at(`data-${state.data}`);
  if (choice) choice.checked = true;
  at("csv-part").hidden = state.data !== "csv";
  at("draw").hidden = state.data === "csv";
}

function drawIcon(canvas, kind) {
  const pen = canvas.getContext("2d"), { width, height } = canvas;
  pen.clearRect(0, 0, width, height);
  if (kind === "csv") {
    pen.strokeStyle = ink().quiet;
    pen.lineWidth = 2;
    for (let k = 0; k < 4; ++k) { segment(pen, 22, 16 + 13.3 * k, 74, 16 + 13.3 * k); segment(pen, 22 + 17.3 * k, 16, 22 + 17.3 * k, 56); }
    return;
  }
  const { reach, height: tall = reach } = DATASETS[kind], rows = drawRows(kind, 110, DATASETS[kind].noise * 0.55, 1);
  for (let row = 0; row < rows.rows; ++row) {
    const [x, y] = rows.classes ? [rows.x[2 * row], rows.x[2 * row + 1]] : [rows.x[row], rows.numbers[row]], c = rows.classes ? rows.classes[row] : 0;
    pen.fillStyle = ink()[`s${c}`];
    pen.beginPath();
    mark[SHAPES[c]](pen, 12 + (72 * (x - reach[0])) / (reach[1] - reach[0]), height - 2 - ((height - 4) * (y - tall[0])) / (tall[1] - tall[0]), 2.2);
    pen.fill();
  }
}
