"""Predict with a mixture by the compiled kernels: 64 rows at a time, through all networks at once.

Networks are trained in float32, and predict in float32 if it is accurate enough. This is tested once, on rows from the
whole range of every column: if float64 gives a prediction that differs by more than half a millionth, float64 is used.
Rows in which an unclipped column has an extreme value are always predicted in float64.

:meth:`Mixture.predict` is the reference. It is used without compiled kernels, and for layers that they do not support.
"""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

import numpy as np
from scipy.sparse import csr_array

from ridgewalk.arrays import Array
from ridgewalk.engine import native
from ridgewalk.engine.mixture_plan import is_known, plan_mixture
from ridgewalk.engine.native.plan import GroupPlan, MixturePlan
from ridgewalk.losses import facts
from ridgewalk.mixture import Mixture
from ridgewalk.threads import ending_with_interpreter, look_for_end

_CHUNK_ROWS = 2**15  # rows between two looks at Ctrl-C, and at the end of the interpreter
_TRIAL_ROWS, _MOST_ERROR = (
    256,
    4e-7,
)  # rows, and how far off they may be: the worst of very many is about twice as far off
_DEVIATIONS = np.array([-4, -1.2, -0.8, -0.4, 0, 0.4, 0.8, 1.2, 4])  # from the center, of a column without pieces
_LARGEST = float(np.finfo(np.float64).max)


class Predictor:
    """Predicts as a mixture does, to a millionth, and rows among others to the same bits as alone.

    A millionth of a probability; of a number, of itself, or of the standard deviation of the target if that is more.

    Parameters
    ----------
    mixture : Mixture

    Attributes
    ----------
    single : bool
        Whether it predicts in float32.
    columns : int
        So many columns of the data are looked at; the others are behind them.

    Raises
    ------
    NotImplementedError
        If the kernels do not know the loss, or a layer.
    ImportError
        If there are no compiled kernels.
    """

    def __init__(self, mixture: Mixture) -> None:
        if not is_known(mixture):
            raise NotImplementedError(
                "The compiled kernels do not know the loss, or a layer, of this mixture: ask its own method predict."
            )
        _, kernels = native.load()
        plan = plan_mixture(mixture, kernels)
        self.columns, self._outputs = plan["columns"], plan["outputs"]
        self._prepared = kernels.mixture(plan)
        self._sums_to_one = facts(mixture.loss).output_activation == "softmax"
        unit: Array | float = 1.0
        if not facts(mixture.loss).is_classification:
            unit = np.max([each.target_scale for each in mixture.models], axis=0)
        self.single = self._is_close(_tried_rows(plan), unit, not facts(mixture.loss).is_classification)

    @ending_with_interpreter
    def predict(self, x: Array) -> Array:
        """Return the mean prediction (N, C) for rows (N, P) of all columns of the data.

        Raises
        ------
        ValueError
            If columns are missing.
        """
        return self._predict(x, self.single)

    def _predict(self, x: Array, single: bool) -> Array:
        if x.ndim != 2 or x.shape[1] < self.columns:
            raise ValueError(f"Rows of {self.columns} columns or more are needed, and x is shaped {x.shape}.")
        rows = np.ascontiguousarray(x, dtype=np.float64)
        out = np.empty((len(rows), self._outputs))
        for first in range(0, len(rows), _CHUNK_ROWS):
            chunk = slice(first, first + _CHUNK_ROWS)
            self._prepared.predict(rows[chunk], single, out[chunk])
            look_for_end()
        if self._sums_to_one:  # in float32 to 1e-7, of which scikit-learn's metrics warn
            out /= out.sum(axis=1, keepdims=True)
        return out

    def _is_close(self, x: Array, unit: Array | float, relative: bool) -> bool:
        """Return whether float32 predicts the same of some rows, to a part of a millionth of a unit."""
        exact = self._predict(x, single=False)
        allowed = _MOST_ERROR * (np.maximum(np.abs(exact), unit) if relative else unit)
        return bool((np.abs(self._predict(x, single=True) - exact) <= allowed).all())


def predict_mixture(mixture: Mixture, x: Array | csr_array) -> Array:
    """Return the mean prediction (N, C) of a mixture for rows (N, P), by the fastest available way."""
    if mixture not in _prepared:
        _prepared[mixture] = _predictor(mixture)
    predictor = _prepared[mixture]
    return mixture.predict(x) if predictor is None or not isinstance(x, np.ndarray) else predictor.predict(x)


_prepared: WeakKeyDictionary[Mixture, Predictor | None] = WeakKeyDictionary()


def _predictor(mixture: Mixture) -> Predictor | None:
    """Return a compiled predictor for a mixture, or None if it is not supported."""
    try:
        return Predictor(mixture)
    except (ImportError, NotImplementedError):
        return None


def _tried_rows(plan: MixturePlan) -> Array:
    """Return rows whose values are spread over the bins of their columns, and some beyond."""
    generator = np.random.default_rng(0)
    x = np.zeros((_TRIAL_ROWS, plan["columns"]))
    grids = {column: grid for group in plan["groups"][::-1] for column, grid in _grids(group)}
    for column, grid in sorted(grids.items()):
        x[:, column] = np.interp(generator.random(_TRIAL_ROWS), np.linspace(0, 1, len(grid)), grid)
    return x


def _grids(group: GroupPlan) -> Iterator[tuple[int, Array]]:
    """Yield columns of a group, the tabulated ones last, and values between which those that are tried lie."""
    for column, center, scale in zip(group["column"], group["center"], group["scale"], strict=True):
        yield int(column), np.clip(center + _DEVIATIONS * scale, -_LARGEST, _LARGEST)
    first = group["first_edge"]
    for place, column in enumerate(group["tabulated_column"]):
        edges = group["edges"][first[place] : first[place + 1]]
        width = (edges[-1] / 2 - edges[0] / 2) * 2
        yield int(column), np.clip([edges[0] - width, *edges, edges[-1] + width], -_LARGEST, _LARGEST)
