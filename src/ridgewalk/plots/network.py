"""Plot a network as nodes and links: every non-zero weight on a connection from an input to an output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ridgewalk.arrays import Array
from ridgewalk.estimators import MLPClassifierCV, MLPRegressorCV
from ridgewalk.estimators.access import output_names, shown_path
from ridgewalk.formatting import format_number
from ridgewalk.plots.drawing import BLACK, BLUE, VERMILION, axes_of, last_step, nearest, pyplot, short
from ridgewalk.report.drawn_network import MOST_LINKS, LiveLinks, live_links, node_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_LABELS = 40  # of a floor


class NetworkDisplay:
    """The network of all rows at one strength of a path, as nodes and links, without unconnected units.

    Create it with :meth:`from_estimator`. Positive weights are red, negative ones blue, larger ones thicker.

    Parameters
    ----------
    links : LiveLinks
        From :func:`ridgewalk.report.drawn_network.live_links`.
    names : list of list of str
        Names of the nodes of every layer, inputs first.
    alpha : float
        The strength.
    max_links : int
        Maximum number of links that are drawn.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    links_ : LineCollection
        The links that are drawn, at most the largest ``max_links``.
    nodes_ : list of PathCollection
        Nodes of every layer.
    """

    def __init__(self, *, links: LiveLinks, names: list[list[str]], alpha: float, max_links: int = MOST_LINKS) -> None:
        self.links = links
        self.names = names
        self.alpha = alpha
        self.max_links = max_links

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        alpha: float | None = None,
        feature_names: Sequence[str] | None = None,
        max_links: int = MOST_LINKS,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the network of a fitted path.

        Parameters
        ----------
        estimator : MLPClassifierCV or MLPRegressorCV
            Or a pipeline that ends in one. With several seeds, the network with the lowest objective is drawn.
        alpha : float, optional
            The strength (the nearest of the path); by default the chosen one.
        feature_names : sequence of str, optional
            Names of the columns, such as ``encoder.names``; by default the names in the fit.
        max_links : int, default 240
            Maximum number of links that are drawn, the largest ones; the title states how many there are.
        ax : Axes, optional
            By default a new figure.

        Returns
        -------
        NetworkDisplay

        Raises
        ------
        ValueError
            If ``max_links`` is below 1, or the number of names is not that of columns.
        NotFittedError, TypeError
            If the estimator is not fitted, or has no path.
        ImportError
            If matplotlib is not installed.
        """
        pyplot()
        if max_links < 1:
            raise ValueError(f"max_links is a whole number of 1 or more, got {max_links}.")
        fitted, names = last_step(estimator, (MLPClassifierCV, MLPRegressorCV), cls.__name__)
        input_names = names if feature_names is None else [str(name) for name in feature_names]
        path, _, columns, choice = shown_path(fitted, input_names)
        index = choice.chosen if alpha is None else int(nearest(path.alphas, alpha)[0])
        links = live_links([w[index, path.best_seed(index)].astype(float) for w in path.parameters[::2]])
        nodes = node_names(path, columns, output_names(fitted) or ["no", "yes"])
        return cls(links=links, names=nodes, alpha=float(path.alphas[index]), max_links=max_links).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the network at its strength.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            The axes to draw on; by default those of a new figure.

        Returns
        -------
        NetworkDisplay
            Itself, with ``ax_`` and ``figure_`` set.
        """
        from matplotlib.collections import LineCollection

        links, shown = self.links, slice(0, self.max_links)
        layer, start, end, weight = links.layer[shown], links.start[shown], links.end[shown], links.weight[shown]
        places = [self._places(floor, layer, start, end) for floor in range(len(self.names))]
        tallest = max([len(each) for each in places] + [1])
        self.ax_ = axes_of(ax, (7.0, min(9.0, max(2.6, 0.9 + 0.22 * tallest))))
        self.figure_ = self.ax_.figure
        ends = [
            [(k, places[k][a]), (k + 1, places[k + 1][b])]
            for k, a, b in zip(layer.tolist(), start.tolist(), end.tolist(), strict=True)
        ]
        share: Array = np.abs(weight) / (np.abs(weight).max(initial=0.0) or 1.0)
        colours = [VERMILION if w > 0 else BLUE for w in weight]
        widths, alphas = (0.4 + 2.8 * share).tolist(), 0.25 + 0.6 * share
        self.links_ = LineCollection(ends, colors=colours, linewidths=widths, alpha=alphas.tolist() or None, zorder=1)
        self.ax_.add_collection(self.links_)
        self.nodes_ = [self._nodes(floor, at) for floor, at in enumerate(places)]
        self._finish(len(links.weight), len(weight))
        return self

    def _places(self, floor: int, layer: Any, start: Any, end: Any) -> dict[int, float]:
        """Return the vertical position of every node with a link, and of all outputs."""
        used = {*start[layer == floor].tolist(), *end[layer == floor - 1].tolist()}
        if floor == len(self.names) - 1:
            used = set(range(len(self.names[floor])))
        return {node: 1 - (k + 0.5) / len(used) for k, node in enumerate(sorted(used))}

    def _nodes(self, floor: int, at: dict[int, float]) -> Any:
        """Draw the nodes of a floor, and the names of inputs and outputs."""
        last = len(self.names) - 1
        if floor in (0, last) and len(at) <= _MOST_LABELS:
            for node, height in at.items():
                side, shift = ("right", -0.03) if floor == 0 else ("left", 0.03)
                name = short(self.names[floor][node])
                self.ax_.text(floor + shift * last, height, name, ha=side, va="center", fontsize="small")
        return self.ax_.scatter([floor] * len(at), list(at.values()), s=16, color=BLACK, zorder=2)

    def _finish(self, live: int, drawn: int) -> None:
        """Remove the frame, and set the title."""
        last = len(self.names) - 1
        self.ax_.set_xlim(-0.35 * last, 1.3 * last)
        self.ax_.set_ylim(-0.02, 1.02)
        self.ax_.set_axis_off()
        cut = f", the {drawn} largest drawn" if drawn < live else ""
        self.ax_.set_title(
            f"strength {format_number(self.alpha)}: {live:,} link{'s' * (live != 1)}{cut}", fontsize="medium"
        )
