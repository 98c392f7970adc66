"""Workers of the Ray cluster that this process is connected to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import ray
from numpy.typing import NDArray

from ridgewalk.engine.cluster.chains import run_chain
from ridgewalk.engine.cluster.messages import stored_in
from ridgewalk.engine.cluster.workers import Answer, Build, Chain, LostError, agreed_level, own_build


class RayWorkers:
    """The machines of a Ray cluster, as many chains at once as they have cores for Ray.

    Raises
    ------
    ValueError
        If a machine has another version of ridgewalk, or another build of its engine.
    """

    doubles = True
    kept = None

    def __init__(self) -> None:
        if not ray.is_initialized():
            ray.init()
        self._train = ray.remote(num_cpus=1, max_retries=-1)(_train)
        self.level = agreed_level(_builds())
        self._tables: dict[str, Any] = {}
        self._running: dict[Any, str] = {}

    @property
    def capacity(self) -> int:
        return max(1, int(ray.cluster_resources().get("CPU", 1)))

    @property
    def lacking(self) -> str:
        if ray.cluster_resources().get("CPU", 0) >= 1:
            return ""
        return "No machine of the Ray cluster has a core for chains. Start one: ray start --address=HEAD."

    def put(self, name: str, array: NDArray[Any]) -> None:
        self._tables[name] = ray.put(array)

    def drop(self, name: str) -> None:
        self._tables.pop(name, None)

    def send(self, chains: Sequence[Chain]) -> None:
        for chain in chains:
            tables = {name: self._tables[name] for name in stored_in(chain.message)}
            self._running[self._train.remote(chain, tables)] = chain.name

    def answers(self, seconds: float) -> list[Answer]:
        if not self._running:
            time.sleep(seconds)
            return []
        ready, _ = ray.wait(list(self._running), timeout=seconds, num_returns=1)
        more, _ = ray.wait(list(self._running), timeout=0, num_returns=len(self._running)) if ready else ([], [])
        found: list[Answer] = []
        for reference in more:
            del self._running[reference]
            try:
                answer: Answer = ray.get(reference)
            except (ray.exceptions.WorkerCrashedError, ray.exceptions.ObjectLostError) as problem:
                raise LostError(str(problem)) from None
            except ray.exceptions.RayTaskError as problem:
                raise problem.cause from None
            found.append(answer)
            for other in [other for other, name in self._running.items() if name == answer.name]:
                del self._running[other]
                ray.cancel(other)
        return found

    def stop(self) -> None:
        for reference in self._running:
            ray.cancel(reference)  # what runs gets Ctrl-C
        self._running.clear()


def _builds() -> dict[str, Build]:
    """Ask every machine what it has."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    asked = ray.remote(num_cpus=0)(_build)
    on = [NodeAffinitySchedulingStrategy(node, soft=False) for node in nodes]
    return dict(zip(nodes, ray.get([asked.options(scheduling_strategy=each).remote() for each in on]), strict=True))


def _build() -> Build:
    return own_build()


def _train(chain: Chain, tables: dict[str, Any]) -> Answer:
    """Train a chain in a worker; its tables are mapped from the machine's store."""
    rows, seconds = run_chain(chain.message, lambda name: ray.get(tables[name]), lambda: False)
    return Answer(chain.name, rows.tobytes(), seconds)
