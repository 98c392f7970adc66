"""Convert a job to the plain data that the compiled module takes (``plan.hpp``).

R runs, F folds, N rows, P columns, M inputs and C outputs. Arrays are contiguous; the compiled module uses them without
a copy until the job is done.
"""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from ridgewalk.arrays import Array, Integers


class LayerPlan(TypedDict):
    """A layer: the number of its kind, units of a dense one, slope or rate of others."""

    kind: int
    inputs: int
    units: int
    parameter: float


class OptimizerPlan(TypedDict):
    """An optimizer: ``first`` is momentum or beta_1, ``second`` rho or beta_2."""

    kind: int
    rate: float
    first: float
    second: float
    epsilon: float
    decay: float
    nesterov: bool
    schedule: int
    schedule_a: float
    schedule_b: float


class PenaltyPlan(TypedDict):
    """Strengths of an array's penalties (R or 1, count), and the groups of its rows or columns."""

    l1: Array | None
    l2: Array | None
    group: Array | None
    over: int
    member: NDArray[np.int32] | None
    groups: int
    concavity: float


class TablePlan(TypedDict):
    """Rows of x, in one of both precisions: dense (N, P), or compressed with ``starts`` (N + 1) and ``columns``."""

    singles: Array | None
    doubles: Array | None
    starts: NDArray[np.int64] | None
    columns: NDArray[np.int32] | None
    columns_of_x: int
    inputs: int
    outputs: int
    mapped: bool


class RowsPlan(TypedDict):
    """Rows that a fold uses: their numbers, weights as given, and weights of mean 1."""

    numbers: Integers
    weights: Array
    mean_weights: Array
    count: int


class MapPlan(TypedDict):
    """What the columns are mapped to: arrays (M,)."""

    column: NDArray[np.int32]
    kind: NDArray[np.int32]
    center: Array
    scale: Array


class FoldPlan(TypedDict):
    """A fold: its rows, and how columns are mapped, and inputs and targets standardized."""

    training: RowsPlan
    validation: RowsPlan | None
    center: Array
    scale: Array
    target_center: Array
    target_scale: Array
    map: MapPlan | None


class Plan(TypedDict):
    """A job, and the arrays of its results (from ``parameters`` on)."""

    single: bool
    layers: list[LayerPlan]
    loss: int
    delta: float
    optimizer: OptimizerPlan
    penalties: list[PenaltyPlan]
    x: TablePlan
    target: Array
    folds: list[FoldPlan]
    runs: int
    fold: NDArray[np.int64]
    seeds: NDArray[np.int64]
    start: list[Array]
    epochs: int
    batch_size: int  # 0: all rows
    ramp: float
    polish_steps: int  # -1: no polish
    polish_tolerance: float
    patience: int  # -1: no early stopping
    patience_tolerance: float
    watches_objective: bool
    batch_losses: bool
    marks: list[int]
    parameters: list[Array]
    data_loss: Array
    penalty: Array
    validation_loss: Array
    residual: Array
    trained: NDArray[np.int64]
    diverged: NDArray[np.bool_]
    finished: NDArray[np.bool_]
    history_data_loss: Array
    history_penalty: Array
    history_validation_loss: Array
    history_zeros: Array
    history_norms: Array


class DensePlan(TypedDict):
    """A dense layer behind the first: w (inputs, units), b (1, units)."""

    inputs: int
    units: int
    w: Array
    b: Array


class NetworkPlan(TypedDict):
    """A network of a mixture: the index of its first unit in its group, and the layers after the first."""

    first: int
    dense: list[DensePlan]
    share: float
    target_center: Array
    target_scale: Array


class GroupPlan(TypedDict):
    """Networks of a mixture whose first layers are computed at once: D numbers of columns, T tabulated columns.

    ``weights`` are (D, units), ``first_edge`` (T + 1), ``edges`` those of all columns, ``values`` (edges, units).
    ``layers`` are those behind the first; a dense one has the sizes that each network's own layer has.
    """

    units: int
    bias: Array
    numbers: int
    column: NDArray[np.int32]
    kind: NDArray[np.int32]
    center: Array
    scale: Array
    weights: Array
    tabulated: int
    tabulated_column: NDArray[np.int32]
    first_edge: NDArray[np.int32]
    edges: Array
    values: Array
    layers: list[LayerPlan]
    networks: list[NetworkPlan]


class MixturePlan(TypedDict):
    """A mixture of networks of the first columns of the data, as copied arrays."""

    columns: int
    outputs: int
    output: int
    groups: list[GroupPlan]
