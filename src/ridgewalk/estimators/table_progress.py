"""One progress bar for a table model: estimate the work of all its paths before the first starts.

    guess = sum_views( path + early stopping ) + linear models, once + blend

Each term is the estimate of the path's own fit, computed for a problem of the same size without data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ridgewalk.engine.progress import Progress
from ridgewalk.folds import Fold
from ridgewalk.losses import SquaredError
from ridgewalk.path.blend import blending_seconds
from ridgewalk.path.problem import PathProblem
from ridgewalk.progress import progress

if TYPE_CHECKING:
    from ridgewalk.estimators.whole_path import MLPClassifierCV, MLPRegressorCV


@dataclass(frozen=True)
class TableSize:
    """How large a table is, and how many folds there are."""

    rows: int
    columns: int
    outputs: int
    folds: int

    def problem(self, inputs: int, seeds: int) -> PathProblem:
        """Return a problem of this size without data, for a network with this number of inputs."""
        weights, nothing = np.broadcast_to(1.0, (self.rows,)), np.arange(0)
        return PathProblem(
            x=np.broadcast_to(0.0, (self.rows, self.columns)),
            target=np.broadcast_to(0.0, (self.rows, self.outputs)),
            weights=weights,
            loss=SquaredError(),  # whichever: no time depends on it
            splits=((nothing, nothing),) * self.folds,
            seeds=tuple(range(seeds)),
            standardize=False,
            folds=(Fold.plain(weights, inputs, self.outputs),) * (self.folds + 1),
        )


class TableProgress:
    """The running part of a table model's fit.

    Parameters
    ----------
    watched : Progress
    blending : float
        Guess of the seconds that the blend takes.
    """

    def __init__(self, watched: Progress, blending: float) -> None:
        self._watched, self._blending = watched, blending

    @contextmanager
    def fitting(self, name: str, view: MLPClassifierCV | MLPRegressorCV) -> Iterator[None]:
        """Let a view's fit count in the one bar while the block runs."""
        self._watched.part, self._watched.stage, view._watched = f"view {name}", "", self._watched
        yield
        self._watched.part, view._watched = "", None  # a view that failed is dropped with its table model's fit

    @contextmanager
    def blending(self) -> Iterator[None]:
        """Count the blending that is done while the block runs."""
        self._watched.stage = "blending"
        with self._watched.task(self._blending):
            yield
            self._watched.add(self._blending)


@contextmanager
def table_progress(
    views: Mapping[str, MLPClassifierCV | MLPRegressorCV], size: TableSize, show: bool
) -> Iterator[TableProgress]:
    """Show one bar, with one time left, for the paths of all views and their blend.

    Parameters
    ----------
    views : dict
        Estimators that are yet to be fitted, by name, in their order.
    size : TableSize
    show : bool
    """
    seconds, members = 0.0, 0
    for number, view in enumerate(views.values()):
        inputs = size.columns if view._map_rule is None else len(view._map_rule.column)
        takes, strengths = view._expected(size.problem(inputs, view.n_seeds), with_linear=number == 0)
        seconds, members = seconds + takes, members + strengths
    blending = blending_seconds(size.rows, size.folds, members)
    with progress("Fitting the table model", show) as watched, watched.task(seconds + blending):
        yield TableProgress(watched, blending)
