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
    """How a training went: loss on the training rows and on the validation rows, and the penalty, each apart.

    Make it by :meth:`from_estimator` or :meth:`from_history`. Training loss and penalty add up to what is minimised.

    Parameters
    ----------
    iterations : array_like, shape (T,)
        Epochs (with ``solver="lbfgs"``, iterations) after which the others were recorded.
    data_loss, penalty : array_like, shape (T,)
        In the units of the standardized target.
    validation_loss : array_like, shape (T,), optional
        Without any penalty.

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

        Of one strength, it is the training that was, of the best start. Of a path, which keeps no curves, the folds at
        one strength are trained once more, as the path trained them: means over folds and seeds, from their dense start
        on, and the rows that each fold held out validate.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor, MLPClassifierCV or MLPRegressorCV
            Or a pipeline that ends in one.
        alpha : float, optional
            Of a path: the nearest of its strengths; the chosen one by default.
        ax : Axes, optional
            A new figure by default.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        NotFittedError, TypeError
            If the estimator is not fitted, or none of these.
        ValueError
            If it was solved without steps (no hidden layer); of a path, if the rows of the fit are gone, or its fits do
            not start from a dense one (``schedule="sequential"``, ``select_inputs``, ``relax``).
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
        """Draw one run of a job, as ``fits.history`` of the engine gives it."""
        validation = history.validation_loss[run]
        return cls(
            iterations=history.epochs,
            data_loss=history.data_loss[run],
            penalty=history.penalty[run],
            validation_loss=validation if np.isfinite(validation).any() else None,
        ).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, optional
            A new figure by default.

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
