"""Plot partial dependence: the mean over rows, and single rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ridgewalk.estimators import MLPClassifierCV, MLPRegressorCV
from ridgewalk.estimators.access import output_names, rows_of_fit, shown_path
from ridgewalk.estimators.encoded import variables_of
from ridgewalk.formatting import format_number
from ridgewalk.plots.drawing import BLUE, COLOURS, QUIET, last_step, nearest, numbers, pyplot, short
from ridgewalk.report.compared import PageRows
from ridgewalk.report.effects import effects_along, rows_for_effects
from ridgewalk.report.schema import EffectOf, Effects
from ridgewalk.report.variables import plain_variables
from ridgewalk.tables import Encoder

_PANELS_PER_ROW = 4  # panels side by side


class PartialDependencePathDisplay:
    """Partial dependence at one strength of a path, with curves of single rows and a panel for each input.

    Create it with :meth:`from_estimator`. With several seeds, the network with the lowest objective predicts. The
    numbers equal those of ``sklearn.inspection.partial_dependence`` with ``method="brute"`` for the same rows and
    values (Friedman, Annals of Statistics 2001; single rows: Goldstein et al., JCGS 2015).

    Parameters
    ----------
    effects : Effects
        From :func:`ridgewalk.report.effects.effects_along`, at one strength.
    alpha : float
        This strength.

    Attributes
    ----------
    axes_ : array of Axes
    figure_ : Figure
    lines_ : list of list of Line2D
        Mean curves of each panel; with several classes, one per class.
    """

    def __init__(self, *, effects: Effects, alpha: float) -> None:
        self.effects = effects
        self.alpha = alpha

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        features: Sequence[str] | None = None,
        alpha: float | None = None,
        encoder: Encoder | None = None,
        ax: Any = None,
    ) -> Self:
        """Compute and draw the partial dependence on inputs of a fitted path.

        Parameters
        ----------
        estimator : MLPClassifierCV or MLPRegressorCV
            For a pipeline, pass its last step and rows as this step takes them.
        X : array_like, shape (N, P), optional
            Rows to average over, by default those of the fit; at most 200 evenly spaced rows are used.
        features : sequence of str, optional
            Names of inputs; by default the most important ones, at most 10. The most important one is first.
        alpha : float, optional
            The strength (the nearest of the path); by default the chosen one.
        encoder : Encoder, optional
            The encoder of the columns: categories are then shown with their levels, and dates as dates.
        ax : Axes, or array of Axes, one per input, optional
            By default a new figure.

        Returns
        -------
        PartialDependencePathDisplay

        Raises
        ------
        ValueError
            If an input is unknown, X has other columns, or X is missing and the model does not have the rows of the
            fit.
        NotFittedError, TypeError
            If the estimator is not fitted, or has no path.
        ImportError
            If matplotlib is not installed.
        """
        pyplot()
        fitted, _ = last_step(estimator, (MLPClassifierCV, MLPRegressorCV), cls.__name__)
        path, _, names, choice = shown_path(fitted, None if encoder is None else encoder.origins)
        rows = rows_of_fit(fitted) if X is None else X
        x = rows if hasattr(rows, "toarray") else np.asarray(rows, dtype=float)
        if x.ndim != 2 or x.shape[1] != fitted.n_features_in_:
            raise ValueError(f"X has the {fitted.n_features_in_} columns of the fit, got shape {x.shape}.")
        variables = plain_variables(names) if encoder is None else variables_of(encoder)
        unknown = sorted(set(features or ()) - {each.name for each in variables})
        if unknown:
            raise ValueError(f"features are names of inputs, such as {variables[0].name!r}; got {unknown[0]!r}.")
        chosen = [each for each in variables if features is None or each.name in features]
        index = choice.chosen if alpha is None else int(nearest(path.alphas, alpha)[0])
        looked = rows_for_effects(PageRows(x, np.zeros((x.shape[0], 1))), None)
        classes = output_names(fitted) or ["no", "yes"]
        effects = None if looked is None else effects_along(path, chosen, looked, index, classes, [index])
        if effects is None:
            raise ValueError("There is no input whose columns can be set: give the encoder that made them.")
        return cls(effects=effects, alpha=float(path.alphas[index])).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : Axes, or array of Axes, one per input, optional
            By default a new figure.

        Returns
        -------
        PartialDependencePathDisplay
        """
        plt, inputs = pyplot(), self.effects["inputs"]
        if ax is None:
            across = min(_PANELS_PER_ROW, len(inputs))
            down = -(-len(inputs) // across)
            _, grid = plt.subplots(
                down,
                across,
                figsize=(0.6 + 2.5 * across, 0.5 + 2.4 * down),
                layout="constrained",
                squeeze=False,
                sharey=True,
            )
            for empty in grid.ravel()[len(inputs) :]:
                empty.remove()
            ax = grid.ravel()[: len(inputs)]
        self.axes_ = np.ravel(np.asarray(ax, dtype=object))
        if len(self.axes_) != len(inputs):
            raise ValueError(f"There are {len(inputs)} inputs to draw, and {len(self.axes_)} axes to draw them on.")
        self.figure_ = self.axes_[0].figure
        self.lines_ = [self._draw(panel, each) for panel, each in zip(self.axes_, inputs, strict=True)]
        several = len(self.effects["series"]) > 1
        if several:
            self.axes_[0].legend(self.lines_[0], [short(name) for name in self.effects["series"]], fontsize="x-small")
        if self.figure_.get_layout_engine() is not None:
            self.figure_.suptitle(
                f"{self.effects['response']} at strength {format_number(self.alpha)}", fontsize="medium"
            )
        return self

    def _draw(self, panel: Any, effect: EffectOf) -> list[Any]:
        """Draw one input: curves over a number or date, points over levels."""
        named = effect["kind"] == "category"
        x = np.arange(len(effect["grid"])) if named else numbers(effect["grid"])
        for row in effect["lines"][0]:
            if named:
                panel.plot(x, numbers(row), color=QUIET, alpha=0.35, linestyle="", marker="_", markersize=7)
            else:
                panel.plot(x, numbers(row), color=QUIET, alpha=0.25, linewidth=0.8)
        drawn = []
        for k, mean in enumerate(effect["mean"][0]):
            colour = COLOURS[k % len(COLOURS)] if len(self.effects["series"]) > 1 else BLUE
            style: dict[str, Any] = {"linestyle": "", "marker": "o"} if named else {"linewidth": 2.2}
            drawn += panel.plot(x, numbers(mean), color=colour, **style)
        if named:
            panel.set_xticks(x, [short(label) for label in effect["labels"]], rotation=45, ha="right", fontsize="small")
        elif effect["labels"]:
            panel.set_xticks(x[[0, -1]], [effect["labels"][0], effect["labels"][-1]], fontsize="small")
        panel.set_title(short(effect["name"]), fontsize="medium")
        return drawn
