"""What the plots share: importing matplotlib, colours, the axis of strengths, and the estimator to draw.

The colours are those of Okabe and Ito, which are safe for colour-blind readers; lines also differ in their dashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ridgewalk.arrays import Array, Integers
from ridgewalk.formatting import format_number
from ridgewalk.report.schema import PathAxes, Summary
from ridgewalk.report.summary import marked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
)  # fmt: skip
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
QUIET, FAINT = "#6b7280", "#c4c9d1"
_MARKS = {
    "min": ("minimum", GREEN, ":"),
    "1se": ("one standard error", PURPLE, "-."),
    "chosen": ("chosen", BLACK, "--"),
}
_LONGEST_NAME = 28
MOST_TICKS = 8


def pyplot() -> ModuleType:
    """Return matplotlib's pyplot.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise ImportError("The pictures are drawn by matplotlib: pip install matplotlib") from error
    return plt


def axes_of(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the axes to draw on; without any, new ones of this size in inches."""
    made: Axes = pyplot().subplots(figsize=size, layout="constrained")[1] if ax is None else ax
    return made


def last_step(estimator: Any, kinds: tuple[type, ...], picture: str) -> tuple[Any, list[str] | None]:
    """Return the fitted estimator, the last of a pipeline's steps, and the names of its input columns.

    Raises
    ------
    TypeError
        If it is not one of these estimators.
    NotFittedError
        If it is not fitted.
    """
    fitted, before = estimator, None
    if isinstance(estimator, Pipeline):
        estimator, before = estimator.steps[-1][1], estimator[:-1]
    if not isinstance(estimator, kinds):
        known = " or ".join(kind.__name__ for kind in kinds)
        raise TypeError(
            f"{picture} draws a fitted {known}, or a Pipeline that ends in one, got {type(fitted).__name__}. Of a "
            "search over parameters, give its best_estimator_."
        )
    check_is_fitted(estimator)
    names = None
    if before and not hasattr(estimator, "feature_names_in_"):
        try:
            names = [str(name) for name in before.get_feature_names_out()]
        except (AttributeError, ValueError):  # a step that gives no names
            names = None
    return estimator, names


class StrengthAxis:
    """The x axis of strengths: logarithmic, with 0 separately on the left; indices if strengths repeat.

    Attributes
    ----------
    x : array, shape (S,)
        Positions of the strengths.
    """

    def __init__(self, summary: Summary, axes: PathAxes) -> None:
        self._summary = summary
        self._rows = summary["path"]
        self._alphas = np.array([row["alpha"] for row in self._rows])
        self._rising: bool = axes["rising"]
        self._places = np.array(axes["places"])
        self.x: Array = 10**self._places if self._rising else self._places

    def edges(self) -> Array:
        """Borders between the strengths: shape (S + 1,)."""
        middle = (self._places[1:] + self._places[:-1]) / 2
        step = np.diff(self._places) if len(self._places) > 1 else np.ones(1)
        borders = np.concatenate([[self._places[0] - step[-1] / 2], middle, [self._places[-1] + step[-1] / 2]])
        return np.asarray(10**borders if self._rising else borders)

    def draw(self, ax: Axes, most: int) -> None:
        """Scale the axis, and label at most this number of strengths."""
        if self._rising:
            ax.set_xscale("log")
            ax.set_xlabel("strength (alpha)")
            ax.set_xticks(*self._ticks(most))
            ax.set_xticks([], minor=True)
            if self._alphas[0] == 0 and len(self.x) > 1:
                ax.axvline(float(self.edges()[1]), color=FAINT, linewidth=1, linestyle=(0, (2, 2)))
        else:
            shown = self.apart(most)
            ax.set_xlabel("strength (alpha), under several ridges")
            ax.set_xticks(self.x[shown], [format_number(self._alphas[s]) for s in shown])

    def _ticks(self, most: int) -> tuple[list[float], list[str]]:
        positive = self._alphas[self._alphas > 0]
        low, high = np.log10(positive[[0, -1]])
        tens = np.arange(np.ceil(low - 1e-9), np.floor(high + 1e-9) + 1)
        tens = tens[:: -(-len(tens) // most)] if len(tens) else tens
        if len(tens) > 1:
            places, labels = list(10**tens), [f"$10^{{{power:.0f}}}$" for power in tens]
        else:
            shown = [s for s in self.apart(most) if self._alphas[s] > 0]
            places, labels = [self._alphas[s] for s in shown], [format_number(self._alphas[s]) for s in shown]
        if self._alphas[0] == 0:
            places, labels = [self.x[0], *places], ["0", *labels]
        return [float(place) for place in places], labels

    def apart(self, most: int) -> list[int]:
        """Return indices of strengths that are far enough apart for this number of labels."""
        room = (self._places[-1] - self._places[0]) / most
        shown: list[int] = []
        for s, place in enumerate(self._places):
            if not shown or place - self._places[shown[-1]] >= room:
                shown.append(s)
        return shown

    def counts(self, ax: Axes) -> Any:
        """Label the top axis with the numbers of non-zero inputs and weights."""
        shown = self.apart(MOST_TICKS)
        top = ax.secondary_xaxis("top")
        top.set_xticks(
            self.x[shown], [f"{self._rows[s]['inputs_kept']}\n{self._rows[s]['weights_kept']:,}" for s in shown]
        )
        top.set_xticks([], minor=True)
        top.tick_params(labelsize="small", colors=QUIET)
        top.set_xlabel("inputs, and below them weights, that are left", fontsize="small", color=QUIET)
        return top

    def marks(self, ax: Axes) -> list[Any]:
        """Draw the minimum, the one-standard-error strength and the chosen one; equal ones share a line."""
        drawn = []
        for s, alpha in enumerate(self._alphas):
            marks = [_MARKS[mark] for mark in marked(self._summary, s)]
            if marks:
                label = f"{', '.join(name for name, _, _ in marks)}: {format_number(alpha)}"
                _, colour, dashes = marks[0]
                drawn.append(ax.axvline(self.x[s], color=colour, linestyle=dashes, linewidth=1.5, label=label))
        return drawn


def short(name: str) -> str:
    """Shorten a long name in the middle, and escape what matplotlib reads as a formula or a private label."""
    line = " ".join(name.split())
    half = _LONGEST_NAME // 2
    cut = line if len(line) <= _LONGEST_NAME else f"{line[:half]}…{line[1 - half :]}"
    return f"{' ' * cut.startswith('_')}{cut}".replace("$", r"\$")


def numbers(values: Sequence[float | None]) -> Array:
    """Return numbers with NaN in place of None."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def nearest(path: Array, alphas: ArrayLike) -> Integers:
    """Return the indices of the strengths of a path that are nearest to given ones."""
    asked = np.atleast_1d(np.asarray(alphas, dtype=float))
    if asked.ndim != 1 or not asked.size or not (asked >= 0).all():
        raise ValueError(f"alphas are strengths of at least 0, got {alphas!r}.")
    return np.asarray(np.abs(path - asked[:, None]).argmin(axis=1))
