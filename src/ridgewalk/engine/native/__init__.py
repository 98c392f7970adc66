"""Load the compiled kernels for the best instruction set that the processor supports.

``RIDGEWALK_INSTRUCTION_SET=x86-64-v3`` forces a lower one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from ridgewalk.arrays import Array
    from ridgewalk.engine.native.plan import MixturePlan, Plan

VARIABLE = "RIDGEWALK_INSTRUCTION_SET"
_LEVELS = ("x86-64-v2", "x86-64-v3", "x86-64-v4", "baseline")


class Handle(Protocol):
    """A running job."""

    @property
    def done(self) -> int:
        """Epochs and polishing steps finished, of all runs together."""

    def wait(self, seconds: float, look: Callable[[], None]) -> bool:
        """Wait for the end for at most this number of seconds; return whether it has ended.

        Where no thread could be had, the caller does the work, and ``look`` is called several times a second.
        """

    def finished(self) -> bytes:
        """Return a byte for every run: whether it is done. What it has written is there."""

    def check(self) -> None:
        """Raise the error that ended the work, if any."""

    def stop(self) -> None:
        """Stop at the next tile."""


class Prepared(Protocol):
    """The networks of a mixture, ready to predict."""

    def predict(self, x: Array, single: bool, out: Array) -> None:
        """Write the predictions for rows x (N, P) to ``out`` (N, C); both are contiguous, in float64.

        With ``single`` in float32, but for rows in which a column that is not clipped lies far out.
        """


class Kernels(Protocol):
    """What a compiled module knows, and can do: the place of a kind's name in these lists is its number in a plan."""

    layers: list[str]
    losses: list[str]
    schedules: list[str]
    optimizers: list[str]
    over: list[str]
    map_kinds: list[str]
    outputs: list[str]

    def mixture(self, plan: MixturePlan) -> Prepared:
        """Prepare the networks of a mixture."""

    def start(self, job: Plan, threads: int) -> Handle:
        """Start a job's threads."""

    def supported(self, level: str) -> bool:
        """Whether this processor has an instruction set."""

    def peak_flops(self, seconds: float) -> float:
        """Floating-point operations per second of one core, at most: float32, fused multiply-adds."""


@cache
def levels() -> list[str]:
    """Return the instruction sets that were compiled and that this processor has, the best last."""
    built = [level for level in _LEVELS if find_spec(_module(level))]
    if not built:
        raise ImportError("ridgewalk's compiled engine is missing: install the package again, with a C++ compiler.")
    lowest = _import(built[0])
    return [level for level in built if lowest.supported(level)]


def load(level: str | None = None) -> tuple[str, Kernels]:
    """Load the kernels of an instruction set: the one given, that of the environment variable, or the best.

    Raises
    ------
    ValueError
        If it was not compiled, or the processor lacks it.
    """
    available = levels()
    wanted = level or os.environ.get(VARIABLE) or available[-1]
    if wanted not in available:
        raise ValueError(f"The instruction set is one of {', '.join(available)} here, got {wanted!r} (see {VARIABLE}).")
    return wanted, _import(wanted)


def engine_name(level: str) -> str:
    """Name the engine, as fits do."""
    return f"compiled ({level})"


def fingerprint(level: str) -> str:
    """Digest of the compiled kernels: others may give other bits."""
    found = find_spec(_module(level))
    assert found is not None
    assert found.origin is not None
    return blake2b(Path(found.origin).read_bytes()).hexdigest()


def _module(level: str) -> str:
    return f"{__name__}.{level.replace('-', '_')}"


def _import(level: str) -> Kernels:
    return cast(Kernels, import_module(_module(level)))
