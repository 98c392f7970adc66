"""The grid of strengths."""

from __future__ import annotations

import numpy as np

from ridgewalk.arrays import Array


def grid(top: float, count: int, rows: int, inputs: int) -> Array:
    """Return 0, then ``count`` geometric steps up to ``top``: shape (count + 1,).

    The weakest is ``top / 1000``, or ``top / 100`` where there are fewer rows than inputs.
    """
    if count < 1:
        raise ValueError(f"A path needs at least 1 strength, got {count}.")
    share = 1e-3 if rows >= inputs else 1e-2
    return np.concatenate([[0.0], np.geomspace(share * top, top, count) if count > 1 else [top]])
