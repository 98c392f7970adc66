"""Plot the predictions of a network with two inputs over their plane, at several strengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.inspection import DecisionBoundaryDisplay

from ridgewalk.arrays import Array, Integers
from ridgewalk.estimators import MLPClassifierCV, MLPRegressorCV
from ridgewalk.estimators.access import checked_rows, output_names, shown_path
from ridgewalk.formatting import format_number
from ridgewalk.plots.drawing import last_step, nearest, pyplot, short
from ridgewalk.report.details import regions
from ridgewalk.report.rounding import spread
from ridgewalk.report.schema import Points, Regions, Summary
from ridgewalk.report.summary import marked, summarize

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS = 4
_LEVELS = 10  # of the shades, about
_SHADES, _TWO = {"probability": "RdBu_r", "numbers": "viridis"}, ("#2166ac", "#b2182b")  # the ends of the first
_SHAPES = "o^sDvPX<>*"  # of the rows of a class


class DecisionBoundaryPathDisplay:
    """Predictions over the plane of two inputs (class, probability or number), with a panel for each strength.

    Create it with :meth:`from_estimator`. With several seeds, the network with the lowest objective predicts.

    Parameters
    ----------
    plane : Regions
        From :func:`ridgewalk.report.details.regions`.
    titles : sequence of str
        Titles of the panels.

    Attributes
    ----------
    axes_ : array of Axes
    figure_ : Figure
    displays_ : list of sklearn.inspection.DecisionBoundaryDisplay
    scatters_ : list of PathCollection
        The rows passed by the caller.
    """

    def __init__(self, *, plane: Regions, titles: Sequence[str]) -> None:
        self.plane = plane
        self.titles = titles

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        y: Any = None,
        *,
        alphas: ArrayLike | None = None,
        grid_resolution: int = 100,
        feature_names: Sequence[str] | None = None,
        ax: Any = None,
    ) -> Self:
        """Predict over the plane at several strengths of a fitted path.

        Parameters
        ----------
        estimator : MLPClassifierCV or MLPRegressorCV
            Fitted to two inputs, with one label or number to predict. For a pipeline, pass its last step and rows as
            this step takes them.
        X, y : array_like, shapes (N, 2) and (N,), optional
            Rows to draw, at most 200, which also determine the size of the plane. By default it extends 2.5 standard
            deviations from the mean.
        alphas : float or sequence of float, optional
            Strengths to draw (the nearest of the path). By default the chosen one, and others from 0 to the strongest
            with a non-constant network.
        grid_resolution : int, default 100
            Points along each side.
        feature_names : sequence of str, optional
            By default the names of the columns.
        ax : Axes, or array of Axes, one per strength, optional
            By default a new row of panels.

        Returns
        -------
        DecisionBoundaryPathDisplay

        Raises
        ------
        ValueError
            If there are not two inputs, or several labels or numbers to predict.
        NotFittedError, TypeError
            If the estimator is not fitted, or has no path.
        ImportError
            If matplotlib is not installed.
        """
        pyplot()
        fitted, _ = last_step(estimator, (MLPClassifierCV, MLPRegressorCV), cls.__name__)
        if fitted is not estimator:
            raise TypeError("Give the last step of the pipeline, and the rows as that step takes them.")
        names = None if feature_names is None else [str(name) for name in feature_names]
        path, rule, names, choice = shown_path(fitted, names)
        if fitted.n_features_in_ != 2:
            raise ValueError(f"A plane has two inputs, and this model has {fitted.n_features_in_}.")
        summary = summarize(path, rule, names, choice)
        shown = _some(summary) if alphas is None else nearest(path.alphas, alphas)
        classes = output_names(fitted) or []
        plane = regions(path, names, checked_rows(fitted, X, y), classes, shown.tolist(), grid_resolution)
        if plane is None:
            raise ValueError(
                "A plane shows one label or one number of at most 10 classes; and without standardize=True, or with a "
                "column that does not vary, it needs X and y to know how far to go."
            )
        titles = []
        for s in shown:
            marks = marked(summary, s)
            titles.append(f"strength {format_number(path.alphas[s])}" + (f"\n({', '.join(marks)})" if marks else ""))
        return cls(plane=plane, titles=titles).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : Axes, or array of Axes, one per strength, optional
            By default a new row of panels.

        Returns
        -------
        DecisionBoundaryPathDisplay
        """
        plt, plane, count = pyplot(), self.plane, len(self.titles)
        from matplotlib.ticker import MaxNLocator

        if ax is None:
            size = (1.2 + 2.6 * count, 3.6)
            _, ax = plt.subplots(1, count, figsize=size, layout="constrained", sharex=True, sharey=True, squeeze=False)
        self.axes_ = np.ravel(np.asarray(ax, dtype=object))
        if len(self.axes_) != count:
            raise ValueError(f"There are {count} strengths to draw, and {len(self.axes_)} axes to draw them on.")
        self.figure_ = self.axes_[0].figure
        several = plane["kind"] == "classes"
        across, up = np.meshgrid(plane["across"], plane["up"])
        values = np.array(plane["values"])
        lowest, highest = (0.0, 1.0) if plane["kind"] == "probability" else (values.min(), values.max())
        levels = np.asarray(MaxNLocator(_LEVELS).tick_values(lowest, highest))
        self.displays_: list[DecisionBoundaryDisplay] = []
        self.scatters_: list[Any] = []
        for panel, title, response in zip(self.axes_, self.titles, values, strict=True):
            display = DecisionBoundaryDisplay(
                xx0=across, xx1=up, response=response, n_classes=len(plane["classes"]) if several else 2,
                xlabel=short(plane["names"][0]), ylabel=short(plane["names"][1]),
            )  # fmt: skip
            if several:
                display.plot("pcolormesh", panel, alpha=0.4, rasterized=True)
            else:
                display.plot("contourf", panel, cmap=_SHADES[plane["kind"]], levels=levels, alpha=0.6)
            self.displays_.append(display)
            if plane["points"] is not None:
                self._scatter(panel, plane["points"], display.multiclass_colors_ if several else _TWO, levels)
            panel.set_title(title, fontsize="medium")
            panel.label_outer()
        self._explain()
        return self

    def _scatter(self, panel: Axes, points: Points, colours: Any, levels: Array) -> None:
        """Draw the rows: in colours and shapes of their classes, or in the shade of their number."""
        across, up, target = (np.array(each) for each in (points["across"], points["up"], points["target"]))
        edge: dict[str, Any] = {"edgecolors": "black", "linewidths": 0.5, "s": 16}
        if self.plane["kind"] == "numbers":
            self.scatters_.append(
                panel.scatter(across, up, c=target, cmap=_SHADES["numbers"], vmin=levels[0], vmax=levels[-1], **edge)
            )
            return
        for k, name in enumerate(self.plane["classes"]):
            rows = target == k
            shape = _SHAPES[k % len(_SHAPES)]
            self.scatters_.append(
                panel.scatter(across[rows], up[rows], color=[colours[k]], marker=shape, label=short(name), **edge)
            )

    def _explain(self) -> None:
        """Explain shades and shapes: a legend of classes, a bar for probabilities and numbers."""
        plane, last = self.plane, self.displays_[-1]
        if plane["kind"] != "classes":
            yes = plane["kind"] == "probability"
            meaning = f"probability of {short(plane['classes'][1])}" if yes else "predicted number"
            self.figure_.colorbar(last.surface_, ax=list(self.axes_), label=meaning, aspect=30)
        handles = self.scatters_[: len(plane["classes"])]
        if not handles and plane["kind"] == "classes":
            from matplotlib.patches import Patch

            colours = zip(plane["classes"], last.multiclass_colors_, strict=True)
            handles = [Patch(facecolor=colour, alpha=0.4, label=short(name)) for name, colour in colours]
        if handles and self.figure_.get_layout_engine() is not None:
            self.figure_.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 5))
        elif handles:
            self.axes_[-1].legend(handles=handles, fontsize="small")


def _some(summary: Summary) -> Integers:
    """Return indices of some strengths: from 0 to the strongest non-constant one, including the chosen one."""
    left = [s for s, row in enumerate(summary["path"]) if row["weights_kept"] or s == summary["index"]]
    shown = spread(max(left) + 1, _PANELS)
    shown[np.abs(shown - summary["index"]).argmin()] = summary["index"]
    return np.unique(shown)
