"""Answers as files: a worker leaves what came of a chain where the driver finds it, even if the worker dies.

CHAIN.npy has the rows of finished runs, in the format of checkpoints; CHAIN.json has the seconds that they took.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ridgewalk.engine.cluster.layout import read_json, write_json
from ridgewalk.engine.cluster.workers import Answer
from ridgewalk.files import written

ENDING = ".npy"
"""Of the file whose presence says that an answer is whole."""


def write_answer(folder: Path, name: str, rows: NDArray[np.void], seconds: float) -> None:
    """Write what came of a chain, whole or not at all.

    Raises
    ------
    OSError
        If the disk is full, or the folder cannot be written.
    """
    write_json(folder / f"{name}.json", {"seconds": seconds})
    with written(folder / f"{name}{ENDING}") as unfinished, unfinished.open("wb") as opened:
        np.lib.format.write_array(opened, rows, allow_pickle=False)
        opened.flush()
        os.fsync(opened.fileno())


def has_answer(folder: Path, name: str) -> bool:
    """Return whether what came of a chain is there."""
    return (folder / f"{name}{ENDING}").exists()


def read_answer(folder: Path, name: str) -> Answer:
    """Read what came of a chain.

    Raises
    ------
    OSError, ValueError
        If it is not there, or cannot be read.
    """
    rows = np.load(folder / f"{name}{ENDING}", allow_pickle=False)
    seconds = read_json(folder / f"{name}.json").get("seconds", 0.0)
    return Answer(name, rows.tobytes(), seconds if isinstance(seconds, float) else 0.0)


def remove_answer(folder: Path, name: str) -> None:
    """Remove what came of a chain, if it is there."""
    for ending in (ENDING, ".json"):
        (folder / f"{name}{ending}").unlink(missing_ok=True)
