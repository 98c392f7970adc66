// What a reader has chosen, as plain values; a link's hash holds those that differ from the defaults.

const PENALTIES = ["l1", "l2", "mix", "group_lasso", "mcp", "group_mcp"];
const STATE = {
  data: "spiral", rows: 300, noise: 0.2, draw: 0,
  hidden: [64], activation: "relu",
  penalty: "mix", mix: 0.5, factors: [1, 1, 1, 1], bias: 0,
  optimizer: "adam", rate: 0.03, momentum: 0, epochs: 1000, batch: 0,
  folds: 5, starts: 1, strengths: 30,
  strength: -1, view: "auto", lang: "auto", speed: 60,
  line: 0, pace: "lines", names: "tutorial", ask: 0,
};
// Twelve questions, and the states that answer them: `ask=2` in a link is the second one's.
const RINGS = "data=rings&rows=150&penalty=l1&hidden=16&epochs=300&strengths=40&view=path", MOONS = "data=moons&noise=0.4&rows=50&penalty=l2&hidden=16&epochs=300&strengths=20&view=path";
const QUESTIONS = [
  { state: `${RINGS}&strength=18`, place: "path-section" }, { state: `${RINGS}&strength=26`, place: "path-section" }, { state: `${RINGS}&strength=0`, place: "path-section" },
  { state: `${MOONS}&strength=1`, place: "path-section" }, { state: `${RINGS}&strength=40`, place: "path-section" }, { state: `${RINGS}&strength=23`, place: "network-section" },
  { state: `${MOONS}&strength=13`, place: "network-section" }, { state: `${RINGS}&strength=24`, place: "path-section" }, { state: `${RINGS}&strength=25`, place: "verdict" },
  { state: "data=moons&noise=0.5&rows=100&penalty=l1&hidden=16&epochs=300&strengths=20&view=path&strength=11", place: "verdict" },
  { state: "data=waves&rows=100&penalty=l1&hidden=16&epochs=300&strengths=20&view=path&strength=1", place: "verdict" },
  { state: "data=rings&rows=150&penalty=l1&hidden=16&epochs=300&strengths=40&strength=24&view=loop&line=3633", place: "loop-section" },
];
const SPEEDS = [10, 60, 300, 0]; // epochs a second of the network that is watched; 0: as many as there is time for
const between = (least, most, whole = false) => (value) => {
  const number = Number(value);
  return value !== "" && Number.isFinite(number) && number >= least && number <= most && (!whole || Number.isInteger(number)) ? number : undefined;
};
const among = (...names) => (value) => (names.includes(value) ? value : undefined);
const listOf = (read, least, most) => (value) => {
  const found = value === "" ? [] : value.split("-").map(read);
  return found.length < least || found.length > most || found.includes(undefined) ? undefined : found;
};
// How each value is read from a link, and what it is held to: whatever else comes is left out.
const READ = {
  data: among("spiral", "moons", "rings", "xor", "waves"), rows: between(30, 5000, true), noise: between(0, 1.2), draw: between(0, 9999, true),
  hidden: listOf(between(1, 128, true), 0, 3), activation: among("relu", "leaky_relu", "tanh", "logistic", "gelu", "identity"),
  penalty: among(...PENALTIES), mix: between(0, 1), factors: listOf(between(0, 10), 4, 4), bias: between(0, 1),
  optimizer: among("adam", "sgd", "adagrad", "rmsprop"), rate: between(1e-5, 10), momentum: between(0, 0.99), epochs: between(1, 5000, true), batch: between(0, 5000, true),
  folds: between(2, 10, true), starts: between(1, 5, true), strengths: between(4, 60, true),
  strength: between(0, 60, true), view: among("path", "live", "loop"), lang: among("en", "zh"), speed: (value) => SPEEDS.find((speed) => String(speed) === value),
  line: between(0, 1e6, true), pace: among("slow", "lines", "steps", "fast"), names: among("tutorial", "book"), ask: between(1, 12, true), // of the loop: lines that have run
};

function stateOf(hash) {
  const state = structuredClone(STATE), own = new URLSearchParams(hash.replace(/^#/, ""));
  const words = new URLSearchParams([...new URLSearchParams(QUESTIONS[READ.ask(own.get("ask") ?? "") - 1]?.state), ...own]);
  for (const [key, value] of words) {
    const read = Object.hasOwn(READ, key) ? READ[key](value) : undefined;
    if (read !== undefined) state[key] = read;
  }
  const { noise, most } = DATASETS[state.data];
  if (!words.has("noise") || state.noise > most) state.noise = noise;
  return state;
}

function hashOf(state) {
  const words = new URLSearchParams();
  const usual = state.ask ? { ...stateOf(`ask=${state.ask}`), ask: 0 } : { ...STATE, noise: DATASETS[state.data]?.noise };
  for (const key of Object.keys(READ)) {
    const value = [state[key]].flat().join("-");
    if (value !== [usual[key]].flat().join("-") && value !== "csv") words.set(key, value);
  }
  return words.toString();
}

/** How a penalty of the page is said to the engine. */
function penaltyOf({ penalty, mix, factors, bias, hidden }) {
  const family = { l1: "elasticnet", l2: "elasticnet", mix: "elasticnet" }[penalty] ?? penalty;
  const own = penalty.includes("mcp") ? [1] : factors.slice(0, hidden.length + 1); // MCP stands on one layer
  return { family, l1Ratio: { l1: 1, l2: 0 }[penalty] ?? mix, layerFactors: own.every((f) => f === 1) ? null : own, biasAlpha: bias };
}

/** A problem of the engine's, from what was chosen and the rows. */
function problemOf(state, data) {
  const { x, rows, columns, classes, classCount, numbers } = data;
  const { hidden, activation, optimizer, rate, momentum, epochs, batch, folds, starts } = state;
  const target = classes ? { classes, classCount } : { numbers };
  const problem = {
    x, rows, columns, ...target, hidden, activation, optimizer, rate, momentum, epochs, folds,
    batch: batch >= rows ? 0 : batch, seeds: Array.from({ length: starts }, (_, k) => k), penalty: penaltyOf(state),
  };
  return { ...problem, fold: Engine.folds(problem) };
}
