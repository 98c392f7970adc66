// Run jobs, or a piece of JavaScript, on the engine in WebAssembly: what tests/in_node.py asks of Node.
//
//   node engine_in_node.mjs jobs ENGINE.WASM ENGINE.JS JOBS.JSON JOBS.BIN OUT.BIN
//   node engine_in_node.mjs script ENGINE.WASM ENGINE.JS SCRIPT.JS GIVEN.JSON OUT.JSON
import { readFileSync, writeFileSync } from "node:fs";
import { Worker } from "node:worker_threads";

const [what, wasm, script, first, second, out] = process.argv.slice(2);
const text = readFileSync(script, "utf8");
const { Engine, Pool } = await import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);
const bytes = readFileSync(wasm);
const engine = await Engine.instantiate(bytes);

function jobs() {
  const runJobs = new Function("engine", "entries", "all", readFileSync(new URL("run_jobs.js", import.meta.url), "utf8"));
  writeFileSync(out, Buffer.concat(runJobs(engine, JSON.parse(readFileSync(first, "utf8")), readFileSync(second))));
}

/** Workers as a page has them: the engine's text without its export, in a classic script. */
function workers(count) {
  const source = text.replace(/\nexport \{.*\};\s*$/, "\nserve(require('node:worker_threads').parentPort);");
  return Array.from({ length: count }, () => new Worker(source, { eval: true }));
}

if (what === "jobs") jobs();
else {
  const run = new Function("Engine", "Pool", "engine", "bytes", "workers", "given", `return (async () => { ${readFileSync(first, "utf8")} })()`);
  const plain = (_, value) => (ArrayBuffer.isView(value) ? Array.from(value, (v) => (Number.isNaN(v) ? null : v)) : value);
  writeFileSync(out, JSON.stringify(await run(Engine, Pool, engine, bytes, workers, JSON.parse(readFileSync(second, "utf8"))), plain));
}
process.exit(0);
