"""A path as a table with one row per strength, for pandas, the terminal and notebooks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.formatting import format_number
from ridgewalk.path.confidence import Band
from ridgewalk.path.selection import Choice

if TYPE_CHECKING:
    import pandas as pd

HEAD = ("strength", "held-out loss", "standard error", "training loss", "zeros", "inputs", "units", "")
"""Of the table in words; the last column has the marks."""


@dataclass(frozen=True, eq=False)
class StrengthTable:
    """A path as a table with S strengths; networks are those of the best seed on all rows.

    Attributes
    ----------
    alpha : array, shape (S,)
    heldout_loss, standard_error : arrays, shape (S,)
        Mean held-out loss without any penalty, averaged over starts, and its standard error over rows, groups or time.
    train_loss : array, shape (S,)
        Mean loss of all rows by the network that was trained on them, without any penalty.
    zeros : array, shape (S,)
        Share of the weights that are exactly 0.
    inputs, weights, units : integers, shape (S,)
        Inputs and hidden units that are used, and weights that are not 0.
    heldout_score : array, shape (S,), or None
        Mean over folds of what ``scoring`` gave.
    """

    alpha: Array
    heldout_loss: Array
    standard_error: Array
    train_loss: Array
    zeros: Array
    inputs: Integers
    weights: Integers
    units: Integers
    heldout_score: Array | None

    def marks(self, choice: Choice | None, chosen: int | None = None) -> list[str]:
        """Return the marks of every strength: "min", "1se", "simplest", "chosen"."""
        names: list[list[str]] = [[] for _ in self.alpha]
        if choice is not None:
            for name, index in (
                ("min", choice.minimum),
                ("1se", choice.one_standard_error),
                ("simplest", choice.simplest),
            ):
                names[index].append(name)
        if chosen is not None:
            names[chosen].append("chosen")
        return [" ".join(each) for each in names]

    def frame(self, marks: list[str], members: Booleans, band: Band | None) -> pd.DataFrame:
        """Return it as a frame, with marks, the confidence set and the band."""
        import pandas as pd

        missing = np.full(len(self.alpha), np.nan)
        columns = {
            "alpha": self.alpha,
            "heldout_loss": self.heldout_loss,
            "standard_error": self.standard_error,
            "band_low": missing if band is None else band.low,
            "band_high": missing if band is None else band.high,
            "train_loss": self.train_loss,
            "zeros": self.zeros,
            "inputs": self.inputs,
            "weights": self.weights,
            "units": self.units,
            "in_confidence_set": members,
            "marks": marks,
        }
        if self.heldout_score is not None:
            columns["heldout_score"] = self.heldout_score
        return pd.DataFrame(columns)

    def in_words(self, marks: list[str]) -> list[tuple[str, ...]]:
        """Return its rows under :data:`HEAD`."""
        return [
            (
                format_number(self.alpha[s], 4),
                format_number(self.heldout_loss[s], 4),
                format_number(self.standard_error[s], 2),
                format_number(self.train_loss[s], 4),
                f"{self.zeros[s]:.0%}",
                str(self.inputs[s]),
                str(self.units[s]),
                marks[s],
            )
            for s in range(len(self.alpha))
        ]
