"""Plot a training: data loss and penalty, separately, against the epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ridgewalk.engine.job import History
from ridgewalk.estimators import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV
from ridgewalk.estimators.access import shown_path, training_history
from ridgewalk.plots.drawing import BLUE, GREEN, VERMILION, axes_of, last_step, nearest, pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOG_AXIS_RATIO = 12  # largest value to lowest: then the axis is logarithmic


class LossCurveDisplay:
    """Training curves: training loss, validation loss and penalty, separately.

    Create it with :meth:`from_estimator` or :meth:`from_history`. Training minimizes the sum of training loss and
    penalty.

    Parameters
    ----------
    iterations : array_like, shape (T,)
        Epochs (with ``solver="lbfgs"``, iterations) after which the values were recorded.
    data_loss, penalty : array_like, shape (T,)
        In units of the standardized target.
    validation_loss : array_like, shape (T,), optional
        Without the penalty.

    Attributes
    ----------
    ax_, figure_ : Axes, Figure
    lines_ : list of Line2D
        Training loss, penalty, and validation loss where there is one.
    """

    def __init__(
        self,
        *,
        iterations: ArrayLike,
        data_loss: ArrayLike,
        penalty: ArrayLike,
        validation_loss: ArrayLike | None = None,
    ) -> None:
        self.iterations = iterations
        self.data_loss = data_loss
        self.penalty = penalty
        self.validation_loss = validation_loss

    @classmethod
    def from_estimator(cls, estimator: Any, *, alpha: float | None = None, ax: Axes | None = None) -> Self:
        """Draw the training of a fitted estimator.

        For an estimator of one strength, these are the recorded curves of the best seed. A path does not store curves,
        so its folds are trained again at one strength. The curves are means over folds and seeds, beginning with the
        dense fit, and the validation rows are the held-out rows of each fold.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor, MLPClassifierCV or MLPRegressorCV
            Or a pipeline that ends in one.
        alpha : float, optional
            For a path: the strength (the nearest of the path); by default the chosen one.
        ax : Axes, optional
            By default a new figure.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        NotFittedError, TypeError
            If the estimator is not fitted, or has another type.
        ValueError
            If it was solved without training steps (no hidden layer); for a path, if the model does not have the rows
            of the fit, or its fits do not start from a dense one (``schedule="sequential"``, ``select_inputs``,
            ``relax``).
        ImportError
            If matplotlib is not installed.
        """
        pyplot()
        kinds = (MLPClassifier, MLPRegressor, MLPClassifierCV, MLPRegressorCV)
        fitted, _ = last_step(estimator, kinds, cls.__name__)
        if isinstance(fitted, MLPClassifierCV | MLPRegressorCV):
            path, *_ = shown_path(fitted)
            index = fitted.index_ if alpha is None else int(nearest(path.alphas, alpha)[0])
            return cls.from_history(training_history(fitted, [index]), ax=ax)
        if alpha is not None:
            raise ValueError("alpha chooses a strength of a path, and this estimator has one strength: leave it out.")
        steps = len(fitted.loss_curve_)
        if steps < 2:
            raise ValueError(
                f"A curve has 2 points or more, and this training recorded {steps}: there is no course to show."
            )
        return cls(
            iterations=np.arange(1, steps + 1),
            data_loss=fitted.loss_curve_,
            penalty=fitted.penalty_curve_,
            validation_loss=fitted.validation_loss_curve_,
        ).plot(ax)

    @classmethod
    def from_history(cls, history: History, run: int = 0, *, ax: Axes | None = None) -> Self:
        """Draw one run of a job from the engine's ``fits.history``."""
        validation = history.validation_loss[run]
        return cls(
            iterations=history.epochs,
            data_loss=history.data_loss[run],
            penalty=history.penalty[run],
            validation_loss=validation if np.isfinite(validation).any() else None,
        ).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : Axes, optional
            By default a new figure.

        Returns
        -------
        LossCurveDisplay
        """
        self.ax_ = axes_of(ax, (6.4, 4.2))
        self.figure_ = self.ax_.figure
        curves = [("training loss", self.data_loss, VERMILION, "--"), ("penalty", self.penalty, GREEN, ":")]
        if self.validation_loss is not None:
            curves.append(("validation loss", self.validation_loss, BLUE, "-"))
        self.lines_: list[Any] = []
        for label, values, colour, dashes in curves:
            self.lines_ += self.ax_.plot(self.iterations, values, color=colour, linestyle=dashes, label=label)
        losses = np.concatenate([line.get_ydata() for line in self.lines_])
        known = losses[np.isfinite(losses) & (losses > 0)]
        if known.size and known.max() > _LOG_AXIS_RATIO * known.min():
            self.ax_.set_yscale("log")
        self.ax_.set_xlabel("epoch")
        self.ax_.set_ylabel("loss without penalty, and penalty")
        self.ax_.legend(fontsize="small")
        return self
