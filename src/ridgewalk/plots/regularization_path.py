"""Plot the path: losses, weights or selection frequency against the strength."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np

from ridgewalk.estimators import MLPClassifierCV, MLPRegressorCV
from ridgewalk.estimators.access import shown_path
from ridgewalk.path.result import MLPPath
from ridgewalk.path.selection import Choice, Rule
from ridgewalk.plots.drawing import (
    BLUE,
    COLOURS,
    FAINT,
    MOST_TICKS,
    QUIET,
    VERMILION,
    StrengthAxis,
    axes_of,
    last_step,
    numbers,
    pyplot,
    short,
)
from ridgewalk.report.details import axes, inputs_along
from ridgewalk.report.schema import InputsAlong, Summary
from ridgewalk.report.summary import summarize

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ridgewalk.arrays import Array

Kind = Literal["loss", "weights", "frequency"]
LossName = Literal["heldout_loss", "standard_error", "train_loss", "train_standard_error"]
_MOST_NAMED = 10  # lines with a colour and a name


class RegularizationPathDisplay:
    """The path against the strength: losses, weights of every input, or selection frequencies.

    Create it with :meth:`from_estimator` or :meth:`from_path`.

    Parameters
    ----------
    summary : Summary
        From :func:`ridgewalk.report.summary.summarize`.
    inputs : InputsAlong
        From :func:`ridgewalk.report.details.inputs_along`.

    Attributes
    ----------
    ax_, figure_ : Axes, Figure
    lines_ : list of Line2D
        Held-out and training loss; or one line for each input.
    fill_between_ : list
        Bands of one standard error around the losses.
    mesh_ : QuadMesh or None
        Selection frequencies.
    marks_ : list of Line2D
        Vertical lines at the minimum, the one-standard-error strength and the chosen strength; equal ones share a line.
    top_axis_ : SecondaryAxis or None
        Numbers of non-zero inputs and weights.
    """

    def __init__(self, *, summary: Summary, inputs: InputsAlong) -> None:
        self.summary = summary
        self.inputs = inputs

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        kind: Kind = "loss",
        feature_names: Sequence[str] | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the path of a fitted estimator.

        Parameters
        ----------
        estimator : MLPClassifierCV or MLPRegressorCV
            Or a pipeline that ends in one.
        kind : "loss", "weights" or "frequency", default "loss"
            "loss": held-out and training loss without the penalty. "weights": the norm of every input's first-layer
            weights. "frequency": the share of the folds and seeds that use every input.
        feature_names : sequence of str, optional
            Name of the input of each column; columns with the same name count as one input. By default the names of the
            columns.
        ax : Axes, optional
            By default a new figure.

        Returns
        -------
        RegularizationPathDisplay

        Raises
        ------
        NotFittedError, TypeError
            If the estimator is not fitted, or has no path.
        ImportError
            If matplotlib is not installed.
        """
        pyplot()
        fitted, names = last_step(estimator, (MLPClassifierCV, MLPRegressorCV), cls.__name__)
        shown = shown_path(fitted, names if feature_names is None else [str(name) for name in feature_names])
        return cls._of(*shown).plot(ax, kind=kind)

    @classmethod
    def from_path(
        cls,
        path: MLPPath,
        *,
        selection: Rule = "min",
        kind: Kind = "loss",
        feature_names: Sequence[str] | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw a path from :func:`ridgewalk.mlp_path`.

        Parameters
        ----------
        path : MLPPath
        selection : "min", "1se" or "simplest", default "min"
            The rule that chooses.
        kind : "loss", "weights" or "frequency", default "loss"
            "loss": held-out and training loss without the penalty. "weights": the norm of every input's first-layer
            weights. "frequency": the share of the folds and seeds that use every input.
        feature_names : sequence of str, optional
            Name of the input of each column; by default the columns are numbered.
        ax : Axes, optional
            By default a new figure.

        Returns
        -------
        RegularizationPathDisplay
        """
        pyplot()
        names = None if feature_names is None else [str(name) for name in feature_names]
        return cls._of(path, selection, names, None).plot(ax, kind=kind)

    @classmethod
    def _of(cls, path: MLPPath, rule: Rule, names: list[str] | None, choice: Choice | None) -> Self:
        summary = summarize(path, rule, names, choice)
        return cls(summary=summary, inputs=inputs_along(path, names, summary["index"]))

    def plot(self, ax: Axes | None = None, *, kind: Kind = "loss") -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : Axes, optional
            By default a new figure.
        kind : "loss", "weights" or "frequency", default "loss"
            "loss": held-out and training loss without the penalty, with bands of one standard error (over rows, and
            over the training sets of the folds); strengths dropped by racing are faint crosses. "weights": the norm of
            every input's first-layer weights, with the largest at the chosen strength in colour. "frequency": the share
            of the folds and seeds that use every input.

        Returns
        -------
        RegularizationPathDisplay
        """
        if kind not in get_args(Kind):
            raise ValueError(f'kind is "loss", "weights" or "frequency", got {kind!r}.')
        height = 4.6 if kind != "frequency" else max(2.8, 1.9 + 0.19 * len(self.inputs["names"]))
        self.ax_ = axes_of(ax, (7.0, height))
        self.figure_ = self.ax_.figure
        self.lines_: list[Any] = []
        self.fill_between_: list[Any] = []
        self.mesh_: Any = None
        self.top_axis_: Any = None
        scale = axes(self.summary)
        strengths = StrengthAxis(self.summary, scale)
        strengths.draw(self.ax_, MOST_TICKS // 2 if kind == "frequency" else MOST_TICKS)
        if kind == "loss":
            self._draw_losses(strengths, scale["losses"])
        elif kind == "weights":
            self._draw_weights(strengths)
        else:
            self._draw_frequency(strengths)
        return self

    def _column(self, name: LossName) -> Array:
        return numbers([row[name] for row in self.summary["path"]])

    def _draw_losses(self, strengths: StrengthAxis, ends: list[float] | None) -> None:
        ax = self.ax_
        if ends:
            ax.set_yscale("log")
            ax.set_ylim(*ends)
        curves = (
            (self._column("heldout_loss"), self._column("standard_error"), "held-out loss", BLUE, "-", "o"),
            (self._column("train_loss"), self._column("train_standard_error"), "training loss", VERMILION, "--", "s"),
        )
        for middle, error, label, colour, dashes, marker in curves:
            spread = np.nan_to_num(error)
            low = middle - spread
            if ends:  # a band that goes below 0 leaves the picture
                low = np.where(low > 0, low, ends[0] / 10)
            self.fill_between_.append(
                ax.fill_between(strengths.x, low, middle + spread, color=colour, alpha=0.2, linewidth=0)
            )
            self.lines_ += ax.plot(
                strengths.x, middle, color=colour, linestyle=dashes, marker=marker, markersize=3.5, label=label
            )
        dropped = self.summary["dropped"]
        if dropped:
            self.lines_ += ax.plot(
                [entry["alpha"] for entry in dropped], numbers([entry["heldout_loss"] for entry in dropped]),
                color=FAINT, linestyle="", marker="x", markersize=4, label="dropped by the race",
            )  # fmt: skip
        ax.axhline(
            self.summary["null_loss"], color=QUIET, linestyle=(0, (1, 3)), linewidth=1.2, label="constant prediction"
        )
        self.marks_ = strengths.marks(ax)
        self.top_axis_ = strengths.counts(ax)
        ax.set_ylabel("loss, without penalty")
        ax.legend(fontsize="small")

    def _draw_weights(self, strengths: StrengthAxis) -> None:
        ax, names, left_out = self.ax_, self.inputs["names"], self.inputs["left_out"]
        importance = np.array([numbers(row) for row in self.inputs["importance"]])
        for k in range(len(names)):
            if k < _MOST_NAMED:
                colour, dashes, width = COLOURS[k % len(COLOURS)], "-" if k < len(COLOURS) else "--", 1.8
            else:
                colour, dashes, width = FAINT, "-", 0.9
            named = short(names[k]) if k < _MOST_NAMED else "_"
            self.lines_ += ax.plot(
                strengths.x, importance[:, k], color=colour, linestyle=dashes, linewidth=width, label=named,
                zorder=1.5 if k < _MOST_NAMED else 1.2,
            )  # fmt: skip
        unit = "its standard deviation" if self.inputs["standardized"] else "the data"
        ax.set_ylabel(f"norm of an input's first-layer weights,\nin units of {unit}")
        self.marks_ = strengths.marks(ax)
        self.top_axis_ = strengths.counts(ax)
        handles = [*self.lines_[:_MOST_NAMED], *self.lines_[_MOST_NAMED : _MOST_NAMED + 1], *self.marks_]
        labels = [str(handle.get_label()) for handle in handles]
        others = len(names) - _MOST_NAMED
        if others > 0:
            labels[_MOST_NAMED] = f"{others} others" + (f"; {left_out} not drawn" if left_out else "")
        ax.legend(handles, labels, fontsize="small", loc="upper right")

    def _draw_frequency(self, strengths: StrengthAxis) -> None:
        from matplotlib.patheffects import withStroke

        ax, names, left_out = self.ax_, self.inputs["names"], self.inputs["left_out"]
        share = np.array([numbers(row) for row in self.inputs["frequency"]]).T
        rows = np.arange(len(names) + 1) - 0.5
        self.mesh_ = ax.pcolormesh(
            strengths.edges(), rows, share, cmap="Blues", vmin=0, vmax=1, edgecolors="face", linewidth=0.1
        )
        self.marks_ = strengths.marks(ax)
        around = withStroke(linewidth=3.5, foreground="white")
        for mark in self.marks_:
            mark.set_path_effects([around])
        ax.set_yticks(range(len(names)), [short(name) for name in names], fontsize="small")
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.set_xlim(*strengths.edges()[[0, -1]])
        if left_out:
            ax.set_ylabel(f"inputs; the {left_out} that matter least are left out")
        bar = self.figure_.colorbar(self.mesh_, ax=ax, pad=0.02, aspect=30)
        bar.set_label("share of folds and seeds")
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), fontsize="small", ncols=2, frameon=False)
