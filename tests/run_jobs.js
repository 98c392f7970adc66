// The body of a function of engine, entries and all: jobs as tests/in_node.py packs them, run by Node and by a browser alike.
const { kernels } = engine, found = [];
for (const { begin, length, spec, places, outputs } of entries) {
  const at = engine.place(all.subarray(begin, begin + length)), numbers = Float64Array.from(spec);
  for (const k of places) numbers[k] += at;
  engine.with(numbers, (place) => kernels.rw_job(place));
  for (const [offset, size] of outputs) found.push(new Uint8Array(kernels.memory.buffer.slice(at + offset, at + offset + size)));
  kernels.rw_free(at);
}
return found;
