"""The network of all rows as nodes and links: only links on a connection from an input to an output.

A weight of exactly 0 is not drawn, nor is one into a unit without a connection to an output, or out of a unit that no
input reaches, which is constant. If there are too many links for a drawing, only the largest are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.input_maps import Kind
from ridgewalk.path.result import MLPPath
from ridgewalk.report.rounding import round_digits, rounded, short
from ridgewalk.report.schema import LayerAlong, Links, NetworkAlong

MOST_LINKS = 240
_WIDEST_LAYER, _MOST_WEIGHTS = 48, 60_000  # rows and columns of a matrix; numbers over all layers and strengths
_PIECES = {Kind.IDENTITY: "", Kind.SOFT_CLIP: " (clipped)", Kind.PIECE: " (piece {})"}


@dataclass(frozen=True, eq=False)
class LiveLinks:
    """Links of one network, the largest first.

    Attributes
    ----------
    layer, start, end : integers, shape (L,)
    weight : array, shape (L,)
    """

    layer: Integers
    start: Integers
    end: Integers
    weight: Array


def live_links(weights: Sequence[Array]) -> LiveLinks:
    """Return all non-zero weights of layers (in, out) on a connection from an input to an output."""
    masks = [w != 0 for w in weights]
    reached: list[Booleans] = [np.ones(len(masks[0]), dtype=bool)]
    for mask in masks:
        reached.append((mask & reached[-1][:, None]).any(axis=0))
    leads: Booleans = np.ones(masks[-1].shape[1], dtype=bool)
    found = []
    for k in range(len(masks) - 1, -1, -1):
        start, end = np.nonzero(masks[k] & reached[k][:, None] & leads)
        found.append((np.full(len(start), k), start, end, weights[k][start, end]))
        leads = (masks[k] & leads).any(axis=1)
    layer, start, end, weight = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.lexsort((end, start, layer, -np.abs(weight)))
    return LiveLinks(layer[order], start[order], end[order], weight[order])


def node_names(path: MLPPath, columns: list[str], outputs: list[str]) -> list[list[str]]:
    """Return the names of the nodes of every layer: inputs, units, outputs."""
    inputs = [short(columns[k]) for k in path.whole.column]
    if path.whole.inputs is not None:
        seen: dict[tuple[int, int], int] = {}
        for place, (column, kind) in enumerate(zip(path.whole.column, path.whole.inputs.kind, strict=True)):
            seen[column, kind] = seen.get((column, kind), 0) + 1
            inputs[place] += _PIECES[Kind(kind)].format(seen[column, kind])
    hidden = [[f"unit {k + 1}" for k in range(layer.units)] for layer in path.network.dense[:-1]]
    count = path.parameters[-1].shape[-1]
    last = [short(name) for name in outputs] if len(outputs) == count else _output_names(count, outputs)
    return [inputs, *hidden, last]


def _output_names(count: int, outputs: list[str]) -> list[str]:
    if count == 1:
        return [short(outputs[1])] if len(outputs) == 2 and outputs != ["no", "yes"] else ["prediction"]
    return [f"output {k + 1}" for k in range(count)]


def network_along(path: MLPPath, names: list[list[str]]) -> NetworkAlong:
    """Return nodes and links of the best network of all rows at every strength."""
    at, touched = [], [np.zeros(len(floor), dtype=bool) for floor in names]
    for s in range(len(path.alphas)):
        best = path.best_seed(s)
        links = live_links([w[s, best].astype(float) for w in path.parameters[::2]])
        shown = slice(0, MOST_LINKS)
        layer, start, end = links.layer[shown], links.start[shown], links.end[shown]
        for floor in range(len(names) - 1):
            touched[floor][start[layer == floor]] = True
            touched[floor + 1][end[layer == floor]] = True
        drawn: Links = {
            "live": len(links.weight),
            "layer": layer.tolist(),
            "start": start.tolist(),
            "end": end.tolist(),
            "weight": rounded(links.weight[shown], 3),
        }
        at.append(drawn)
    touched[-1][:] = True
    floors = [
        [name if used else "" for name, used in zip(floor, every, strict=True)]
        for floor, every in zip(names, touched, strict=True)
    ]
    return {"floors": floors, "at": at, "most": MOST_LINKS}


def layers_along(path: MLPPath, names: list[list[str]]) -> list[LayerAlong]:
    """Return the weights of every layer at every strength: those between the nodes with the largest weights."""
    strengths = np.arange(len(path.alphas))
    best = np.array([path.best_seed(s) for s in range(len(strengths))])
    weights = [w[strengths, best].astype(float) for w in path.parameters[::2]]
    squares = [(w**2).mean(axis=0) for w in weights]
    sums = [squares[0].sum(axis=1), *(below.sum(axis=0) for below in squares)]
    side = _WIDEST_LAYER
    sizes = np.array([len(each) for each in sums])
    while side > 1 and len(strengths) * (np.minimum(sizes[:-1], side) @ np.minimum(sizes[1:], side)) > _MOST_WEIGHTS:
        side -= 1
    shown = [np.sort(np.argsort(-each, kind="stable")[:side]) for each in sums]
    labels = [[floor[k] for k in each] for floor, each in zip(names, shown, strict=True)]
    return [
        {
            "shape": list(w.shape[1:]),
            "rows": w.shape[1],
            "from": labels[k],
            "to": labels[k + 1],
            "zeros": [round_digits(float(share)) for share in path.layer_zeros[strengths, -1, best, k]],
            "weights": rounded(w[:, shown[k]][:, :, shown[k + 1]], 3),
        }
        for k, w in enumerate(weights)
    ]
