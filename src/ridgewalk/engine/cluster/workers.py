"""The interface of workers to the driver, and the description that a worker gives of itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from numpy.typing import NDArray

from ridgewalk.arrays import Integers
from ridgewalk.engine import native
from ridgewalk.engine.job import Fits, Job
from ridgewalk.version import VERSION
from ridgewalk.warning import warn

_PATIENCE, _AGAIN = 5.0, 60.0  # seconds without any worker after which a warning is due, and the next one at least

Opener = Callable[[str], NDArray[Any]]
"""Returns the array of a name, to be read."""


@dataclass(frozen=True)
class Chain:
    """Some runs of one training set from one start, ready to be sent.

    Attributes
    ----------
    name : str
        Follows from its content: 32 hexadecimal digits.
    message : bytes
        What to train, as text; its large arrays by name.
    """

    name: str
    message: bytes


@dataclass(frozen=True)
class Answer:
    """What came of a chain.

    Attributes
    ----------
    name : str
    rows : bytes
        Of its runs, as a record keeps them.
    seconds : float
        That its training took.
    """

    name: str
    rows: bytes
    seconds: float


class LostError(Exception):
    """Workers went away, or lack an array: what they had is to be sent again."""


class Kept(Protocol):
    """Runs that have finished for a driver before this one; :class:`~ridgewalk.engine.checkpoints.CheckpointStore`."""

    def find(self, job: Job, digests: list[str]) -> tuple[Integers, Fits]:
        """Return the numbers of the runs of a job that are there, rising, and their fits."""


class Workers(Protocol):
    """Processes that train chains, here or elsewhere."""

    level: str
    """The instruction set that all of them use."""
    doubles: bool
    """Whether a chain that takes too long can be sent a second time."""

    @property
    def capacity(self) -> int:
        """How many chains run at once."""

    @property
    def lacking(self) -> str:
        """What there is none of, and what to do, as two sentences; empty while a worker is there."""

    @property
    def kept(self) -> Kept | None:
        """Runs that have finished for a driver before this one."""

    def put(self, name: str, array: NDArray[Any]) -> None:
        """Make an array available to all workers."""

    def drop(self, name: str) -> None:
        """Forget an array that nobody needs any more."""

    def send(self, chains: Sequence[Chain]) -> None:
        """Send chains; one that was sent before is trained a second time, elsewhere if possible."""

    def answers(self, seconds: float) -> list[Answer]:
        """Return what has come since the last call; wait so long for something to come.

        Raises
        ------
        LostError
            If chains that were sent will not be answered.
        Exception
            Whatever a chain raised.
        """

    def stop(self) -> None:
        """Stop what runs, and forget what waits."""


class Patience:
    """Warns when no worker has been there for some seconds, and again later: nobody waits without knowing for what."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._due, self._clock = 0.0, ""

    @property
    def waits(self) -> bool:
        """Whether no worker was there at the last look."""
        return self._since is not None

    def look(self, lacking: str) -> None:
        """Look at what is lacking (:attr:`Workers.lacking`), about once a second."""
        now = time.monotonic()
        if not lacking:
            self._since = None
        elif self._since is None:
            self._since, self._due, self._clock = now, _PATIENCE, time.strftime("%H:%M:%S")
        elif now - self._since >= self._due:
            self._due = max(_AGAIN, 2 * (now - self._since))
            warn(f"{lacking} Waiting since {self._clock}; Ctrl-C ends it.")


@dataclass(frozen=True)
class Build:
    """What decides about a worker's bits.

    Attributes
    ----------
    version : str
        Of ridgewalk.
    kernels : dict of str to str
        Digests of the compiled modules that the processor can run, by instruction set, the best last.
    """

    version: str
    kernels: dict[str, str]


@cache
def own_build() -> Build:
    """Return what decides about the bits of this process."""
    best, _ = native.load()
    levels = native.levels()
    usable = levels[: levels.index(best) + 1]
    return Build(VERSION, {level: native.fingerprint(level)[:32] for level in usable})


def agreed_level(others: Mapping[str, Build]) -> str:
    """Return the best instruction set that this process and all others have in the same build.

    Parameters
    ----------
    others : mapping of str to Build
        By what each is called in an error.

    Raises
    ------
    ValueError
        If one has another version of ridgewalk, or none of the same compiled modules.
    """
    own = own_build()
    shared = list(own.kernels)
    for name, build in others.items():
        if build.version != own.version:
            raise ValueError(
                f"All workers need the same ridgewalk: this is {own.version}, and {name} has {build.version}. Install "
                f"ridgewalk {own.version} there."
            )
        same = [level for level in shared if build.kernels.get(level) == own.kernels[level]]
        if not same:
            raise ValueError(
                f"All workers need the same compiled engine, and {name} has none of {', '.join(shared)} in the build "
                "that is here: install ridgewalk there from the same wheel."
            )
        shared = same
    return shared[-1]


def check_build(version: str, level: str, kernels: str) -> None:
    """Check that this process can train a chain to the bits of the one that sent it.

    Raises
    ------
    ValueError
        If it has another version, or other compiled modules.
    """
    own = own_build()
    if version != own.version:
        raise ValueError(f"The chain is of ridgewalk {version}, and this worker has {own.version}: install the same.")
    if own.kernels.get(level) != kernels:
        raise ValueError(
            f"The chain asks for the engine {level} of one build, and this worker has {', '.join(own.kernels)}, of "
            "this build or another: install ridgewalk from the same wheel, and begin again with this worker there, so "
            "that all agree."
        )
