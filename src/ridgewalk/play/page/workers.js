// The engine's bytes and its workers, from what the page holds: nothing is asked of a network.

const engineBytes = () => Uint8Array.from(atob(at("engine-bytes").textContent), (letter) => letter.charCodeAt(0));

function startWorkers(count) {
  const url = URL.createObjectURL(new Blob([at("engine").textContent, "\nserve(self);"], { type: "text/javascript" }));
  return Array.from({ length: count }, () => new Worker(url));
}

/** Start two pools: one whose workers share a path, and one worker of its own for the network that is watched. */
async function startPools() {
  const bytes = engineBytes(), cores = navigator.hardwareConcurrency || 2;
  const path = new Pool(startWorkers(Math.max(1, Math.min(8, cores - 1))), bytes);
  const live = new Pool(startWorkers(1), bytes);
  await Promise.all([path.ready, live.ready]);
  return { path, live };
}
