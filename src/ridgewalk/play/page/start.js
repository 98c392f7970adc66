// The page begins: what a reader can press, drop and choose.

async function readFile(file) {
  complain(null);
  at("csv-part").hidden = false;
  at("csv-said").textContent = say("csv-reading", { name: file.name });
  try {
    const bytes = new Uint8Array(await file.arrayBuffer()), table = await readTable(bytes);
    page.table = { ...table, file: file.name };
    at("csv-target").replaceChildren(...table.names.map((name, k) => html("option", { value: k }, name)));
    await chooseTarget(table.names.length - 1);
  } catch (error) {
    at("csv-said").textContent = "";
    at(`data-${page.state.data}`).checked = true;
    complain(error instanceof TableError ? error : new TableError("csv-unreadable"));
  }
}

/** Take a column of the table as the target; larger tables get fewer epochs, strengths and folds, which a reader can raise. */
async function chooseTarget(target) {
  const { table } = page, encoded = await encodeTable(table, target);
  page.table = { ...table, encoded, target };
  at("csv-target").value = target;
  const work = encoded.rows * encoded.columns;
  const sizes = encoded.rows > 1500 || work > 20000 ? { epochs: 60, batch: 128, strengths: 12, folds: 3, rate: 0.01 } : { epochs: 300, batch: 0, strengths: 20, folds: 5, rate: 0.02 };
  sayTable();
  page.state.data = "";
  change({ data: "csv", hidden: [32], strength: -1, ...sizes });
}

function sayTable() {
  const { file, rows, of, encoded } = page.table;
  const said = say(of > rows ? "csv-part" : "csv-read", { name: file, rows: encoded.rows.toLocaleString("en"), of: of.toLocaleString("en"), columns: encoded.columns });
  at("csv-said").textContent = [said, ...encoded.notes.slice(0, 6).map(([key, values]) => say(key, values))].join(" ");
}

function startFiles() {
  const input = at("csv-file"), body = document.body;
  if (!input) return;
  input.addEventListener("change", () => { if (input.files.length) readFile(input.files[0]); input.value = ""; });
  at("csv-target")?.addEventListener("change", (event) => chooseTarget(Number(event.target.value)).catch(complain));
  for (const name of ["dragenter", "dragover"]) addEventListener(name, (event) => { event.preventDefault(); body.classList.add("dropping"); });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) body.classList.remove("dropping"); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    body.classList.remove("dropping");
    const file = event.dataTransfer?.files[0];
    if (file) { at("data-csv").checked = true; readFile(file); }
  });
}

function chooseFile() {
  at("csv-part").hidden = false;
  if (page.table?.encoded && page.state.data !== "csv") { page.state.data = ""; change({ data: "csv" }); }
}

function go(s) {
  change({ strength: clamp(s, 0, page.strengths.length - 1) });
}

function startBar() {
  at("strength")?.addEventListener("input", (event) => go(event.target.valueAsNumber));
  at("jump-minimum")?.addEventListener("click", () => go(page.path.minimum));
  at("jump-1se")?.addEventListener("click", () => go(page.path.oneStandardError));
  at("jump-zero")?.addEventListener("click", () => go(0));
  at("play")?.addEventListener("click", () => {
    page.asked = true;
    page.view = page.playing ? page.view : "live";
    setPlaying(!page.playing);
  });
  at("restart")?.addEventListener("click", () => {
    page.asked = true;
    page.view = "live";
    restartLive();
    setPlaying(true);
  });
  at("speed")?.addEventListener("change", (event) => change({ speed: Number(event.target.value) }));
  for (const view of ["path", "live", "loop"]) at(`view-${view}`)?.addEventListener("change", () => show(view));
  const chart = at("path");
  if (!chart) return;
  let held = false;
  const choose = (event) => {
    const box = chart.getBoundingClientRect(), places = strengthPlaces(pathBox(Math.max(200, chart.clientWidth)), page.strengths.length);
    go(places.nearest(event.clientX - box.left));
  };
  chart.addEventListener("pointerdown", (event) => { held = true; choose(event); });
  chart.addEventListener("pointermove", (event) => { if (held && event.buttons) choose(event); });
  addEventListener("pointerup", () => { held = false; });
}

/** Show another view; while lines of the loop are read, no network is watched. */
function show(view) {
  page.view = view;
  change({ view });
  if (view === "loop" && page.playing) setPlaying(false);
  if (view !== "loop" && loop.playing) playLoop(false);
  refresh();
}

function startHead() {
  at("language")?.addEventListener("click", () => speak(language === "en" ? "zh" : "en", true));
  at("reset")?.addEventListener("click", () => { location.hash = ""; Object.assign(page, { asked: false, view: "live" }); change({ ...structuredClone(STATE), lang: page.state.lang }); setPlaying(!calm()); });
  at("draw")?.addEventListener("click", () => change({ draw: (page.state.draw + 1) % 10000 }));
  at("link")?.addEventListener("click", async () => {
    const link = `${location.href.split("#")[0]}#${hashOf(page.state)}`;
    history.replaceState(null, "", link);
    try { await navigator.clipboard.writeText(link); } catch { /* the address bar has it */ }
    at("link").textContent = say("copied");
    setTimeout(() => { at("link").textContent = say("copy-link"); }, 1500);
  });
  addEventListener("hashchange", () => {
    const state = stateOf(location.hash);
    if (hashOf(state) !== hashOf(page.state)) {
      if (at("questions")) at("questions").open = false;
      if (state.view !== "auto" && state.view !== page.view) show(state.view);
      change({ ...state, lang: page.state.lang });
    }
  });
}

function speak(lang, chosen = false) {
  sayAll(lang);
  if (chosen) page.state.lang = lang;
  drawControls(page.state, change);
  if (page.table?.encoded) sayTable();
  for (const place of document.querySelectorAll("[id$='-table']")) place.replaceChildren();
  keepLink();
  refresh();
}

function redrawOnLooks() {
  const anew = () => { inks = null; drawChoices(page.state, change, chooseFile); refresh(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", anew);
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; refresh(); } });
  document.addEventListener("visibilitychange", () => { if (page.live && page.playing) document.hidden ? page.live.pause() : page.live.resume(); });
}

/** Start the page from a state: that of its link, or one that is given; a part whose place the page lacks is left out. */
async function startPlay(state = stateOf(location.hash)) {
  page.state = state;
  page.view = state.view === "auto" ? "live" : state.view;
  page.asked = state.view === "live"; // who asks for it watches on beyond the epochs of the path
  page.playing = !calm() && !["path", "loop"].includes(state.view);
  speak(state.lang === "auto" ? (navigator.language.startsWith("zh") ? "zh" : "en") : state.lang);
  drawChoices(state, change, chooseFile);
  if (at("verdict")) at("verdict").textContent = say("started");
  page.pools = await startPools();
  startBar();
  startLoop();
  startHead();
  startFiles();
  redrawOnLooks();
  begin(null);
  document.documentElement.dataset.ready = "yes";
}
