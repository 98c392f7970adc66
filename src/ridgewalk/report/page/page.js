// One slider moves every chart; nothing else on the page moves.

const slider = at("strength");
const NOW = {
  "held-out loss": (row) => `${number(row.heldout_loss)} ± ${number(row.standard_error, 2)}`, "training loss": (row) => number(row.train_loss),
  inputs: (row) => row.inputs_kept, units: (row) => row.units_kept, weights: (row) => row.weights_kept.toLocaleString("en"),
};

function tell(s) {
  const row = path[s], marks = [...row.marks.map((mark) => NAMES[mark] ?? mark), ...(s === data.summary.index ? ["chosen"] : [])];
  at("shown").textContent = number(row.alpha);
  at("marks").textContent = marks.join(", ");
  slider.setAttribute("aria-valuetext", `strength ${number(row.alpha)}${marks.length ? `, ${marks.join(", ")}` : ""}; held-out loss ${number(row.heldout_loss)}`);
  Object.values(NOW).forEach((show, k) => { at(`fact-${k}`).textContent = show(row); });
}

function drawBelow(s) {
  drawOutcome("held", s);
  drawEffects(s);
  drawInputs(s);
  drawNetwork(s);
  drawOutcome("given", s);
  drawCurves(s);
  drawRegions(s);
}

let asked = null;
function move() {
  if (asked === null) asked = requestAnimationFrame(() => {
    asked = null;
    at("tip").hidden = true;
    const s = current();
    tell(s);
    movePath(s);
    drawBelow(s);
  });
}

function drawAll() {
  const s = current();
  tell(s);
  drawPath(s);
  drawBelow(s);
}

const current = () => entries()[slider.valueAsNumber];

// Go to a strength of the path; where another curve holds it, to that curve.
function go(s) {
  const arm = data.arms.findIndex((each) => each.entries && each.entries.includes(s));
  const changed = arm !== state.arm;
  state.arm = arm;
  slider.max = entries().length - 1;
  slider.value = entries().indexOf(s);
  if (at("curve")) at("curve").value = arm;
  changed ? drawAll() : move();
}

function startJumps() {
  const chosen = data.summary.index, jumps = { chosen, minimum: data.certainty.minimum, "1-SE": path.findIndex((row) => row.marks.includes("1se")), "no penalty": path.findIndex((row) => row.alpha === 0) };
  for (const [name, s] of Object.entries(jumps)) {
    if (s < 0) continue;
    const button = html("button", { type: "button" }, name);
    button.addEventListener("click", () => go(s));
    at("jumps").append(button);
  }
  const several = data.arms.flatMap((arm, k) => (arm.entries ? [[k, arm.name]] : []));
  if (several.length < 2) return;
  const choice = html("select", { id: "curve" }, ...several.map(([k, name]) => html("option", { value: k }, name)));
  choice.addEventListener("change", () => {
    state.arm = Number(choice.value);
    slider.max = entries().length - 1;
    slider.value = Math.min(slider.valueAsNumber, entries().length - 1);
    drawAll();
  });
  at("jumps").append(html("label", {}, " Curve ", choice));
}

function clicked(event) {
  const box = at("path").getBoundingClientRect(), { upper } = pathBoxes(), x = strengthScale(upper.left, upper.width), place = event.clientX - box.left;
  const near = entries().reduce((best, s) => (Math.abs(x(path[s].alpha) - place) < Math.abs(x(path[best].alpha) - place) ? s : best));
  if (Math.abs(x(path[near].alpha) - place) < 30) go(near);
}

function start() {
  startPath();
  Object.keys(NOW).forEach((name, k) => at("facts").append(html("div", {}, html("dt", {}, name), html("dd", { id: `fact-${k}` }))));
  for (const which of ["held", "given"]) if (outcomeOf(which)) {
    at(`${which === "held" ? "held-out" : "rows"}-section`).hidden = false;
    at(`${which}-note`).textContent = outcomeNote(which);
    if (outcomeOf(which).kind === "classes" && outcomeOf(which).classes.length > 8) at(`${which}-first-panel`).classList.add("broad");
  }
  startJumps();
  startEffects();
  startPair();
  startInputs();
  startMatrices();
  go(data.summary.index);
  drawAll();
  slider.addEventListener("input", move);
  at("path").addEventListener("click", clicked);
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; drawAll(); } });
  matchMedia("print").addEventListener("change", drawAll);
  addEventListener("beforeprint", () => { document.querySelectorAll("details[data-print]").forEach((each) => (each.open = true)); drawAll(); });
  addEventListener("afterprint", drawAll);
  document.documentElement.dataset.drawn = "yes";
}

async function load() {
  const packed = Uint8Array.from(atob(at("data").textContent), (letter) => letter.charCodeAt(0));
  return JSON.parse(await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text());
}

async function main() {
  data = await load();
  path = data.summary.path;
  out = data.summary.dropped;
  start();
}

main().catch((error) => {
  at("trouble").hidden = false;
  at("trouble").textContent = `The charts could not be drawn (${error.message}). They need Chrome or Edge 80, Firefox 113 or Safari 16.4, or a newer one; the tables have all numbers.`;
});
