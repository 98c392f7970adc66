// Compare what builds of a page's engine take, on one thread, in milliseconds of processor time: the least of some repetitions.
//
//   node tools/time_wasm.mjs ENGINE.WASM[.GZ] ...
//
// Spirals of 300 rows: every training of a path of 30 strengths and 5 folds, and three trainings each of a deeper and a smooth network.
import { readFileSync } from "node:fs";

const folder = new URL("../src/ridgewalk/play/", import.meta.url), read = (name) => readFileSync(new URL(name, folder), "utf8");
const { Engine } = await import(`data:text/javascript;base64,${Buffer.from(read("engine.js")).toString("base64")}`);
const data = new Function(`${read("page/datasets.js")} return drawRows("spiral", 300, 0.2, 0);`)();

/** Processor time of trainings: the dense fit of a fold, then one at each of the strengths from it. */
function timed(engine, settings, folds, strengths) {
  const problem = { ...data, folds: 5, rate: 0.03, ...settings }, all = engine.strengths(problem, 30), began = process.cpuUsage().user;
  for (const fold of folds) {
    const train = (options) => {
      const session = engine.train(problem, { fold, ...options });
      while (session.more) session.advance(100);
      const { weights } = session.fitted();
      session.free();
      return weights;
    };
    const weights = train({ way: "dense" });
    for (const s of strengths) train({ way: "raised", strength: all[s], weights });
  }
  return (process.cpuUsage().user - began) / 1000;
}

const whole = Array.from({ length: 31 }, (_, s) => s), some = [3, 12, 22];
const least = (times, f) => Math.round(Math.min(...Array.from({ length: times }, f)));
for (const file of process.argv.slice(2)) {
  const engine = await Engine.instantiate(readFileSync(file));
  const path = least(3, () => timed(engine, { hidden: [64], epochs: 1000 }, [0, 1, 2, 3, 4, 5], whole));
  const deep = least(7, () => timed(engine, { hidden: [32, 32], epochs: 200 }, [0], some));
  const smooth = least(7, () => timed(engine, { hidden: [64], activation: "tanh", epochs: 400 }, [0], some));
  console.log(`${file}: path of 64 units ${path} ms, 32 and 32 units ${deep} ms, 64 of tanh ${smooth} ms`);
}
