"""Effects of inputs on the prediction at every strength: partial dependence and individual curves.

The most important inputs are those whose partial dependence varies most at the chosen strength: by its standard
deviation over the grid, or for a category by a quarter of its range (Greenwell, Boehmke and McCarthy,
arXiv:1805.04755). Among the first few, the pair with the strongest interaction is shown as a surface.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ridgewalk.arrays import Array, Integers
from ridgewalk.diagnostics.partial_dependence import (
    individual_predictions,
    interaction,
    joint_dependence,
    partial_dependence,
)
from ridgewalk.losses import facts
from ridgewalk.model import Model
from ridgewalk.path.result import MLPPath
from ridgewalk.report.compared import PageRows
from ridgewalk.report.rounding import rounded, short, spread
from ridgewalk.report.schema import EffectOf, Effects, JointEffect
from ridgewalk.report.variables import Variable

_MOST_ROWS, _MOST_INPUTS, _MOST_SERIES = 200, 10, 8
_SHOWN_VALUES, _RANKING_VALUES, _PLANE_VALUES = (
    20,
    7,
    10,
)  # values of an input: to show, to rank, on each side of a plane
_MOST_LINES, _MOST_NUMBERS = 25, 90_000  # individual lines of an input; their numbers over all strengths
_FEWEST_INPUTS, _FOR_PAIRS = 4, 6
_NO_EFFECT = 1e-9  # of the strongest effect: less is rounding


@dataclass(frozen=True, eq=False)
class Looked:
    """Rows that effects are computed on, and their number."""

    x: Array
    of: int
    fresh: bool


def rows_for_effects(page_rows: PageRows | None, fit: PageRows | None) -> Looked | None:
    """Return evenly spaced rows, of the given ones or of the fit; None without any."""
    rows = page_rows or fit
    if rows is None:
        return None
    shown = spread(rows.x.shape[0], _MOST_ROWS)
    part = rows.x[shown]
    return Looked(
        np.asarray(part if isinstance(part, np.ndarray) else part.toarray()), rows.x.shape[0], rows is page_rows
    )


def signed_effects(path: MLPPath, variables: Sequence[Variable | None], looked: Looked) -> Array:
    """Return the effect of each input on the prediction at every strength: shape (S, inputs); 0 for None.

    Of a number or date: partial dependence at its upper quantile less that at its lower one. Of a category: the highest
    less the lowest. Of several outputs the one that moves furthest counts.
    """
    found = np.zeros((len(path.alphas), len(variables)))
    for s in range(len(path.alphas)):
        model = path.model(s)
        for k, variable in enumerate(variables):
            if variable is None or not np.isin(model.column, variable.columns).any():
                continue
            grid = variable.grid(looked.x, _SHOWN_VALUES)
            ends = grid if variable.kind == "category" else grid[[0, -1]]
            mean = partial_dependence(model, looked.x, variable.columns, variable.write(ends))
            moved = np.ptp(mean, axis=0) if variable.kind == "category" else mean[-1] - mean[0]
            found[s, k] = moved[np.argmax(np.abs(moved))]
    return found


def effects_along(
    path: MLPPath,
    variables: Sequence[Variable],
    looked: Looked,
    index: int,
    names: list[str],
    strengths: Sequence[int] | None = None,
) -> Effects | None:
    """Return the partial dependence on the most important inputs and the strongest pair, at every strength.

    The strongest are those at strength ``index``, one of ``strengths``, which are all of the path by default. A linear
    model has no pair: its effects add up.

    None where no input can be set, such as those of a table whose encoder is not known.
    """
    strengths = range(len(path.alphas)) if strengths is None else strengths
    chosen = list(strengths).index(index)
    ranked = _strongest(path.model(index), path.model(0), variables, looked.x)
    if not ranked:
        return None
    models = [path.model(s) for s in strengths]
    grids = [variable.grid(looked.x, _SHOWN_VALUES) for variable in ranked]
    means = [
        np.stack([partial_dependence(each, looked.x, variable.columns, variable.write(grid)) for each in models])
        for variable, grid in zip(ranked, grids, strict=True)
    ]
    outputs = means[0].shape[-1]
    moving = np.max([np.ptp(mean[chosen], axis=0) for mean in means], axis=0)
    series = np.sort(np.argsort(-moving, kind="stable")[:_MOST_SERIES])
    response, labels = _response(path, names, outputs)
    numbers = len(models) * sum(len(grid) for grid in grids)
    lines = looked.x[spread(len(looked.x), min(_MOST_LINES, max(3, _MOST_NUMBERS // max(numbers, 1))))]
    inputs = [
        _effect(models, lines, variable, grid, mean[:, :, series], series, chosen)
        for variable, grid, mean in zip(ranked, grids, means, strict=True)
    ]
    for each, variable, grid in zip(inputs, ranked, grids, strict=True):
        each["deciles"] = [] if variable.kind == "category" else _deciles(looked.x[:, variable.columns[0]])
        each["levels_left_out"] = len(variable.levels) - len(grid) if variable.kind == "category" else 0
    return {
        "rows": len(looked.x),
        "of": looked.of,
        "fresh": looked.fresh,
        "response": response,
        "series": [short(labels[k]) for k in series],
        "series_left_out": outputs - len(series),
        "inputs": inputs,
        "pair": None if path.network.linear else _pair(models, ranked, looked.x, chosen, labels),
    }


def _strongest(model: Model, weak: Model, variables: Sequence[Variable], x: Array) -> list[Variable]:
    """Return the most important inputs; if there are few, those at the weakest strength."""
    own, before = (_strengths(each, variables, x) for each in (model, weak))
    count = min(max(int(np.count_nonzero(own)), _FEWEST_INPUTS), _MOST_INPUTS)
    return [variables[k] for k in np.lexsort((-before, -own))[:count]]


def _strengths(model: Model, variables: Sequence[Variable], x: Array) -> Array:
    """Return the variation of the partial dependence on each input: shape (inputs,)."""
    found = np.zeros(len(variables))
    for k, variable in enumerate(variables):
        if np.isin(model.column, variable.columns).any():
            mean = partial_dependence(model, x, variable.columns, variable.write(variable.grid(x, _RANKING_VALUES)))
            varies = np.ptp(mean, axis=0) / 4 if variable.kind == "category" else mean.std(axis=0)
            found[k] = np.nan_to_num(varies).max()
    return np.where(found > _NO_EFFECT * found.max(initial=0.0), found, 0.0)


def _effect(
    models: Sequence[Model],
    lines: Array,
    variable: Variable,
    grid: Array,
    mean: Array,
    series: Integers,
    chosen: int,
) -> EffectOf:
    """Return the dependence on one input, with single rows for the output that varies most."""
    most = int(np.argmax(np.ptp(mean[chosen], axis=0)))
    each = [individual_predictions(model, lines, variable.columns, variable.write(grid)) for model in models]
    shown = grid + variable.start if variable.kind == "date" else grid
    return {
        "name": short(variable.name),
        "kind": variable.kind,
        "grid": rounded(shown, 6),
        "labels": [short(label) for label in variable.labels(grid)],
        "levels_left_out": 0,
        "deciles": [],
        "mean": rounded(np.moveaxis(mean, -1, 1)),
        "lines": rounded(np.stack(each)[..., series[most]].transpose(0, 2, 1), 3),
        "lines_of": most,
    }


def _pair(
    models: Sequence[Model], ranked: Sequence[Variable], x: Array, chosen: int, labels: list[str]
) -> JointEffect | None:
    """Return the joint dependence of the least additive pair of the most important inputs."""
    first = [variable for variable in ranked if np.isin(models[chosen].column, variable.columns).any()][:_FOR_PAIRS]
    if len(first) < 2:
        return None
    grids = {variable.name: variable.grid(x, _PLANE_VALUES) for variable in first}

    def joint(model: Model, pair: tuple[Variable, Variable]) -> Array:
        columns = (pair[0].columns, pair[1].columns)
        first_values, second_values = (each.write(grids[each.name]) for each in pair)
        return joint_dependence(model, x, columns, (first_values, second_values))

    found = [(pair, joint(models[chosen], pair)) for pair in combinations(first, 2)]
    interacting = [max((_nonadditive(table[..., k]), k) for k in range(table.shape[-1])) for _, table in found]
    best = int(np.argmax([amount for amount, _ in interacting]))
    (across, up), table = found[best]
    output = interacting[best][1]
    values = np.stack([joint(model, (across, up))[..., output].T for model in models])
    return {
        "names": [short(across.name), short(up.name)],
        "kinds": [across.kind, up.kind],
        "grids": [rounded(grids[each.name] + (each.start if each.kind == "date" else 0), 6) for each in (across, up)],
        "labels": [[short(label) for label in each.labels(grids[each.name])] for each in (across, up)],
        "of": short(labels[output]),
        "share": interaction(table[..., output]),
        "among": len(first),
        "values": rounded(values, 3),
    }


def _nonadditive(table: Array) -> float:
    """Return the share of a joint dependence's variance that is interaction."""
    return interaction(table) * float(table.var()) if np.isfinite(table).all() else 0.0


def _response(path: MLPPath, names: list[str], outputs: int) -> tuple[str, list[str]]:
    """Return the name of a prediction, and of every output."""
    if not facts(path.loss).is_classification:
        several = [f"target {k + 1}" for k in range(outputs)]
        return "predicted number", several if outputs > 1 else ["prediction"]
    if outputs == 1:
        return f"probability of {short(names[1])}", [names[1]]
    return "probability", names


def _deciles(values: Array) -> list[float | None]:
    quantiles: list[float | None] = rounded(np.quantile(values, np.linspace(0.1, 0.9, 9)), 6)
    return quantiles
