"""The result of a path: every strength x fold x seed of one network, and the fits on all rows.

strengths  0, and those up to the one at which the null model is optimal
folds      K training sets with their held-out rows, then all rows (index K)
seeds      random initializations of the weights
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ridgewalk import markup
from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.engine import Runner
from ridgewalk.folds import Fold, average_by_row
from ridgewalk.formatting import format_count, format_number
from ridgewalk.layers import Arrays
from ridgewalk.losses import Loss, facts
from ridgewalk.model import Model
from ridgewalk.network import Network
from ridgewalk.objective import weighted_mean
from ridgewalk.path.confidence import (
    Band,
    ConfidenceSet,
    CorrectedMinimum,
    band,
    confidence_set,
    corrected_minimum,
    pair_variance,
)
from ridgewalk.path.cost import MOST_OUTPUTS, scoring_seconds
from ridgewalk.path.dependence import ROWS, Dependence, mean_and_error
from ridgewalk.path.jobs import network_of
from ridgewalk.path.law import NULL, Lawful, NullObjectives
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.racing import Dropped
from ridgewalk.path.selection import Choice, HeldOut, Rule
from ridgewalk.path.settings import PathSettings
from ridgewalk.path.strength_table import HEAD, StrengthTable

if TYPE_CHECKING:
    import pandas as pd

_CONVERGED_RESIDUAL = 1e-3  # residual up to which a fit counts as converged
_MOST_UNFOLDED_ROWS = 40  # rows of it

Score = Callable[[Model, Integers], float]
"""Scores a model on some rows; higher is better."""


@dataclass(frozen=True, eq=False)
class FoldNetworks:
    """Networks of a path's folds, and their outputs for the rows that their fold holds out.

    Attributes
    ----------
    parameters : tuple of arrays, each (S, K, E, ., .)
    strengths : integers, shape (S',)
        Indices of the strengths whose outputs are stored: all, if they take at most 256 MiB, otherwise those that a
        rule may choose.
    outputs : tuple of arrays, K times (S', E, n, C)
        Raw outputs (logits, numbers in units of the target, logarithms of rates), in float32.
    """

    parameters: Arrays
    strengths: Integers
    outputs: tuple[Array, ...]

    def outputs_at(self, index: int) -> list[Array]:
        """Return the outputs (E, n, C) of each fold at strength ``index``.

        Raises
        ------
        ValueError
            If they are not kept.
        """
        place = np.flatnonzero(self.strengths == index)
        if not place.size:
            kept = ", ".join(map(str, self.strengths))
            raise ValueError(f"Held-out outputs are kept at the strengths number {kept}, and {index} is none of them.")
        return [each[place[0]] for each in self.outputs]


@dataclass(frozen=True, eq=False)
class MLPPath:
    """A fitted path, with S strengths, K folds, E seeds and N rows.

    Attributes
    ----------
    alphas : array, shape (S,)
        Strengths, increasing from 0.
    heldout_loss : array, shape (S, K, E)
        Mean loss over the rows that a fold held out, in units of y, without the penalty. With several targets, each is
        in units of its own standard deviation.
    heldout_score : array, shape (S, K, E), or None
        Value of the caller's score on these rows.
    heldout_rows : tuple of integers, K times (n,)
        Indices of the rows that each fold held out.
    fold_row_loss : tuple of arrays, K times (S, n)
        Losses of these rows, averaged over seeds.
    row_weights : array, shape (N,)
        Sample weights; 0 if no fold held the row out.
    null_row_loss : array, shape (N,)
        Held-out loss of the best constant on the training rows, as ``row_loss``.
    train_loss : array, shape (S, K + 1, E)
        Mean loss over the training rows, in units of y, without the penalty. Index K is all rows.
    objective, penalty : arrays, shape (S, K + 1, E)
        The minimized objective, and the penalty in it, in units of the (standardized) problem.
    source : integers, shape (S, K + 1, E)
        Index of the strength whose training gave the network: its own, that of another strength whose network has a
        lower objective here, or -1 for the null model. At strength 0, another index is the strength from whose network
        training continued without a penalty.
    layer_zeros : array, shape (S, K + 1, E, layers)
        Share of each layer's weights (not biases) that are exactly 0.
    inputs_kept : array of bool, shape (S, K + 1, E, P)
        Columns of the data that are connected with an output by non-zero weights.
    units_kept : integers, shape (S, K + 1, E)
        Number of hidden units on such connections.
    residual : array, shape (S, K + 1, E)
        Distance from stationarity (:meth:`ridgewalk.objective.Objective.residual`).
    n_iter : integers, shape (S, K + 1, E)
        Epochs of the network's last training; 0 for an untrained null model, and for a linear model that was solved.
    diverged : array of bool, shape (S, K + 1, E)
        Whether training ended with numbers that are not finite; above strength 0 another network is used instead.
    parameters : tuple of arrays, each (S, E, ., .)
        Weights and biases of the fits on all rows.
    fold_networks : FoldNetworks or None
        Networks of the folds; None if the path was loaded from a file without them.
    settings, network, loss
        Settings of the fit, the network, and the loss.
    standardize : bool
        Whether columns, and the target of a regression, were scaled to mean 0 and standard deviation 1 on each fold.
    folds : tuple of Fold
        Standardization on each training set; index K is all rows. A path from a file without the networks of its folds
        has only the last.
    engine : str
        The engine that trained it.
    dropped : Dropped
        Strengths dropped by racing; they occur nowhere else in the path.
    dependence : Dependence
        Dependence between rows, used in every standard error of held-out losses.
    """

    alphas: Array
    heldout_loss: Array
    heldout_score: Array | None
    heldout_rows: tuple[Integers, ...]
    fold_row_loss: tuple[Array, ...]
    row_weights: Array
    null_row_loss: Array
    train_loss: Array
    objective: Array
    penalty: Array
    source: Integers
    layer_zeros: Array
    inputs_kept: Booleans
    units_kept: Integers
    residual: Array
    n_iter: Integers
    diverged: Booleans
    parameters: Arrays
    fold_networks: FoldNetworks | None
    settings: PathSettings
    network: Network
    loss: Loss
    standardize: bool
    folds: tuple[Fold, ...]
    engine: str
    dropped: Dropped = field(default_factory=Dropped.none)
    dependence: Dependence = ROWS

    @cached_property
    def row_loss(self) -> Array:
        """Held-out loss of each row, averaged over seeds and over the folds that held it out: shape (S, N)."""
        return average_by_row(self.heldout_rows, self.fold_row_loss, len(self.row_weights))

    @property
    def whole(self) -> Fold:
        """Standardization of columns and target on all rows."""
        return self.folds[-1]

    @property
    def held_out(self) -> HeldOut:
        """Held-out losses, fold by fold, and the other data that rules use."""
        return HeldOut(self.row_loss, self.heldout_rows, self.fold_row_loss, self.dependence, self.sizes)

    @property
    def choice_table(self) -> tuple[HeldOut, Array]:
        """The data for choosing a strength, with weights: losses of rows (N,), or negative scores of folds (K,)."""
        if self.heldout_score is None:
            return self.held_out, self.row_weights
        table = -self.heldout_score.mean(axis=-1)
        folds = [np.array([k]) for k in range(table.shape[1])]
        return HeldOut(table, folds, [table[:, k] for k in folds], sizes=self.sizes), np.ones(len(folds))

    def choose(self, rule: Rule = "min") -> Choice:
        """Choose a strength by the held-out losses, or by the scores if there are any."""
        table, weights = self.choice_table
        return table.choose(rule, weights)

    @cached_property
    def sizes(self) -> Integers:
        """Numbers of inputs and of non-zero weights of the best seed's network on all rows: shape (S, 2)."""
        best = [(s, self.best_seed(s)) for s in range(len(self.alphas))]
        inputs = [int(self.inputs_kept[s, -1, seed].sum()) for s, seed in best]
        kept = [sum(int(np.count_nonzero(w[pair])) for w in self.parameters[::2]) for pair in best]
        return np.array([inputs, kept]).T

    def confidence_set(self, level: float = 0.95) -> ConfidenceSet:
        """Return the strengths that may have the lowest expected loss.

        See :func:`ridgewalk.path.confidence.confidence_set`.

        Parameters
        ----------
        level : float
            Confidence level between 0 and 1: the least probability that the set contains the best strength.

        Returns
        -------
        ConfidenceSet

        Raises
        ------
        ValueError
            If the level is not between 0 and 1, or every strength diverged in some fold.
        """
        return confidence_set(self.row_loss, self.row_weights, self.dependence, level)

    def band(self, level: float = 0.95, *, simultaneous: bool = True) -> Band:
        """Compute a band for the expected losses along the path (:func:`ridgewalk.path.confidence.band`).

        Parameters
        ----------
        level : float
            Between 0 and 1: how often it holds them.
        simultaneous : bool
            Whether it holds the losses of all strengths at once; else an interval for each strength alone.

        Raises
        ------
        ValueError
            If the level is none, or every strength diverged in some fold.
        """
        return band(
            self.row_loss,
            self.row_weights,
            self.dependence,
            level,
            self.pair_variance,
            simultaneous=simultaneous,
        )

    def corrected_minimum(self) -> CorrectedMinimum:
        """Correct the lowest held-out loss for the optimism of the choice.

        See :func:`ridgewalk.path.confidence.corrected_minimum`.

        Raises
        ------
        ValueError
            If every strength diverged in some fold.
        """
        return corrected_minimum(self.row_loss, self.row_weights, self.dependence, self.pair_variance)

    @property
    def pair_variance(self) -> Array:
        """Contribution of pairs of rows to the variance of a row's held-out loss: shape (S,)."""
        training = self.train_loss[:, :-1].mean(axis=(1, 2))
        power, targets = facts(self.loss).unit_power, self.parameters[-1].shape[-1]
        return pair_variance(weighted_mean(self.row_loss, self.row_weights), training, power, targets)

    @property
    def null_wins(self) -> Booleans:
        """Whether the null model is used, because no trained network has a lower objective: shape (S, K + 1, E)."""
        return np.asarray(self.source == NULL)

    @property
    def lost(self) -> Booleans:
        """Whether training diverged and no other network could replace it: shape (S, K + 1, E)."""
        return np.asarray(self.diverged & (self.source == np.arange(len(self.alphas))[:, None, None]))

    @property
    def zeros(self) -> Array:
        """Share of all weights (not biases) that are exactly 0: shape (S, K + 1, E)."""
        sizes = np.array([layer.inputs * layer.units for layer in self.network.dense])
        return np.asarray(self.layer_zeros @ (sizes / sizes.sum()))

    @property
    def converged(self) -> Booleans:
        """Whether the residual is at most 0.001: shape (S, K + 1, E). It may be higher at kinks of ReLU networks."""
        return np.asarray(self.residual <= _CONVERGED_RESIDUAL)

    def frequency(self, index: int) -> Array:
        """Share of the folds x seeds whose network at strength ``index`` uses each column: shape (P,)."""
        return np.asarray(self.inputs_kept[index, :-1].mean(axis=(0, 1)))

    def best_seed(self, index: int) -> int:
        """Return the seed whose fit on all rows has the lowest objective at strength ``index``."""
        return int(np.argmin(np.where(self.lost[index, -1], np.inf, self.objective[index, -1])))

    def model(self, index: int, seed: int | None = None) -> Model:
        """Return the model at strength ``index``, fitted on all rows: of a seed, by default the best one."""
        chosen = self.best_seed(index) if seed is None else seed
        return model_of(self.network, self.loss, [array[index, chosen] for array in self.parameters], self.whole)

    def fold_model(self, index: int, fold: int, seed: int) -> Model:
        """Return the model of a fold and seed at strength ``index``.

        Raises
        ------
        ValueError
            If the path was loaded from a file without the networks of its folds.
        """
        if self.fold_networks is None:
            raise ValueError(
                "This path was loaded from a file without the networks of its folds: fit it again to have them."
            )
        arrays = [w[index, fold, seed] for w in self.fold_networks.parameters]
        return model_of(self.network, self.loss, arrays, self.folds[fold])

    def __repr__(self) -> str:
        strengths, folds, seeds = self.heldout_loss.shape
        sizes = [self.network.dense[0].inputs, *(layer.units for layer in self.network.dense)]
        first, last = (format_number(self.alphas[s], 4) for s in (0, -1))
        return (
            f"MLPPath({strengths} strengths from {first} to {last} x ({folds} folds + all "
            f"{np.count_nonzero(self.row_weights):,} rows) x {format_count(seeds, 'seed')}, "
            f"network {'-'.join(map(str, sizes))}, {type(self.loss).__name__}"
            f"{f', {len(self.dropped.alphas)} dropped by a race' * bool(self.dropped.alphas.size)})"
        )

    def __str__(self) -> str:
        lines = [
            f"{first:>10}" + "".join(f"{cell:>16}" for cell in row) + f"  {marks}".rstrip()
            for first, *row, marks in (HEAD, *self._in_words())
        ]
        return "\n".join([repr(self), *lines])

    def _repr_html_(self) -> str:
        """Return the display in notebooks: what was fitted, and a table of all strengths."""
        rows, shown = markup.table(HEAD, self._in_words()), " open" * (len(self.alphas) <= _MOST_UNFOLDED_ROWS)
        return f"{markup.element('p', repr(self))}<details{shown}><summary>Every strength</summary>{rows}</details>"

    @property
    def strength_table(self) -> StrengthTable:
        """The path as a table with one row per strength."""
        best = [(s, -1, self.best_seed(s)) for s in range(len(self.alphas))]
        place = tuple(np.array(best).T)
        loss, error = mean_and_error(self.row_loss, self.row_weights, self.dependence)
        return StrengthTable(
            alpha=self.alphas,
            heldout_loss=loss,
            standard_error=error,
            train_loss=self.train_loss[place],
            zeros=self.zeros[place],
            inputs=self.sizes[:, 0],
            weights=self.sizes[:, 1],
            units=self.units_kept[place],
            heldout_score=None if self.heldout_score is None else self.heldout_score.mean(axis=(1, 2)),
        )

    def to_frame(self, chosen: int | None = None) -> pd.DataFrame:
        """Return the path as a pandas data frame with one row per strength, from weak to strong.

        The columns are "alpha"; "heldout_loss" and its "standard_error"; "band_low" and "band_high", the simultaneous
        95% band (:meth:`band`); "train_loss", "zeros" (a share), "inputs", "weights" and "units" of the best seed on
        all rows; "in_confidence_set", whether the strength is in the 95% confidence set (:meth:`confidence_set`);
        "marks"; and with a scorer "heldout_score".

        Parameters
        ----------
        chosen : int, optional
            Index of the strength to mark as "chosen", such as an estimator's ``index_``. Other marks are "min", "1se"
            and "simplest"; several marks are separated by spaces.

        Returns
        -------
        pandas.DataFrame, S rows
        """
        table, whole = self.strength_table, self.has_whole_strength
        members = self.confidence_set().members if whole else np.zeros(len(self.alphas), dtype=bool)
        marks = table.marks(self.choose() if whole else None, chosen)
        return table.frame(marks, members, self.band() if whole else None)

    @property
    def has_whole_strength(self) -> bool:
        """Whether there is a strength at which no fold diverged, so that one can be chosen."""
        return bool(np.isfinite(self.row_loss[:, self.row_weights > 0]).all(axis=1).any())

    def _in_words(self) -> list[tuple[str, ...]]:
        """Write every strength with its marks."""
        table = self.strength_table
        return table.in_words(table.marks(self.choose() if self.has_whole_strength else None))


def model_of(network: Network, loss: Loss, parameters: Sequence[Array], fold: Fold) -> Model:
    """Return the model of a fit (arrays without run axis) of one training set."""
    return Model(
        network=network,
        parameters=tuple(array.astype(np.float64) for array in parameters),
        loss=loss,
        inputs=np.unique(fold.column),
        center=fold.center,
        scale=fold.scale,
        target_center=fold.target_center,
        target_scale=fold.target_scale,
        map=fold.inputs,
    )


def collect(
    problem: PathProblem,
    settings: PathSettings,
    runner: Runner,
    null: NullObjectives,
    strengths: Array,
    lawful: Lawful,
    score: Score | None = None,
    training: Array | None = None,
) -> MLPPath:
    """Score the held-out rows of every network, and shape everything strength x fold x seed.

    ``training`` (S, K + 1, E) are the losses of the training rows, where they are known; else those are scored, too.
    """
    progress, network, folds = runner.progress, network_of(problem, settings), problem.folds
    progress.stage = "scoring held-out rows"
    shape = (len(strengths), len(folds), len(problem.seeds))
    fits = lawful.fits

    def table(name: str) -> Array:
        return np.stack([getattr(fit, name) for fit in fits]).reshape(shape)

    arrays = [
        np.stack(each).reshape(*shape, *each[0].shape[1:])
        for each in zip(*(fit.parameters for fit in fits), strict=True)
    ]
    source, diverged = lawful.source.reshape(shape), table("diverged").astype(bool)
    lost = diverged & (source == np.arange(len(strengths))[:, None, None])
    for k, fold in enumerate(folds):
        arrays[0][:, k][..., np.isinf(fold.scale), :] = 0  # a column that is constant here has taught nothing
    heldout = _HeldOut(problem, len(strengths), bool(score))
    with progress.task(len(folds) * scoring_seconds(problem, settings, len(strengths))):
        training = _score(problem, settings, runner, arrays, lost, heldout, score, training)
    inputs_kept, units_kept = connected([w != 0 for w in arrays[::2]])
    if (inputs := folds[-1].inputs) is not None:
        inputs_kept = inputs.columns_of(inputs_kept)
    held_out = np.concatenate([rows for _, rows in problem.splits])
    path = MLPPath(
        alphas=strengths,
        heldout_loss=heldout.means,
        heldout_score=heldout.scores,
        heldout_rows=tuple(rows for _, rows in problem.splits),
        fold_row_loss=tuple(heldout.row_losses),
        row_weights=np.where(np.isin(np.arange(len(problem.weights)), held_out), problem.weights, 0.0),
        null_row_loss=_null_row_losses(problem, null),
        train_loss=training,
        objective=table("data_loss") + table("penalty"),
        penalty=table("penalty"),
        source=source,
        layer_zeros=np.stack([(w == 0).mean(axis=(-2, -1)) for w in arrays[::2]], axis=-1),
        inputs_kept=inputs_kept,
        units_kept=units_kept,
        residual=table("residual"),
        n_iter=table("epochs").astype(int),
        diverged=diverged,
        parameters=tuple(w[:, -1] for w in arrays),
        fold_networks=None,
        settings=settings,
        network=network,
        loss=problem.loss,
        standardize=problem.standardize,
        folds=folds,
        engine=fits[0].engine,
        dependence=problem.dependence,
    )
    of_folds = tuple(w[:, :-1] for w in arrays)
    return replace(path, fold_networks=FoldNetworks(of_folds, *_outputs(problem, path, of_folds, heldout)))


class _HeldOut:
    """Held-out losses and outputs of the networks of a path.

    Attributes
    ----------
    means : array, shape (S, K, E)
        Mean losses.
    row_losses : list of arrays, each (S, n)
        Losses of the rows, averaged over seeds.
    scores : array, shape (S, K, E), or None
    outputs : list of arrays, each (S, E, n, C)
        Empty where they would take too much memory.
    """

    def __init__(self, problem: PathProblem, strengths: int, scored: bool) -> None:
        seeds, sizes = len(problem.seeds), [len(rows) for _, rows in problem.splits]
        self.means = np.empty((strengths, len(sizes), seeds))
        self.scores = np.empty_like(self.means) if scored else None
        self.row_losses = [np.empty((strengths, size)) for size in sizes]
        numbers = strengths * seeds * sum(sizes) * problem.outputs
        kept = numbers * np.dtype(np.float32).itemsize <= MOST_OUTPUTS
        shapes = [(strengths, seeds, size, problem.outputs) for size in sizes]
        self.outputs = [np.empty(shape, dtype=np.float32) for shape in shapes] if kept else []


def _score(
    problem: PathProblem,
    settings: PathSettings,
    runner: Runner,
    arrays: Sequence[Array],
    lost: Booleans,
    heldout: _HeldOut,
    score: Score | None,
    known: Array | None,
) -> Array:
    """Score arrays (S, K + 1, E, ., .) on held-out rows, and return their training losses (S, K + 1, E)."""
    network, training = network_of(problem, settings), np.empty(lost.shape) if known is None else known
    one = scoring_seconds(problem, settings, 1)
    for k, fold in enumerate(problem.folds):
        trained = np.flatnonzero(fold.weights)
        rows = problem.splits[k][1] if k < len(problem.splits) else trained[:0]
        for s in range(len(lost)):
            parameters = [w[s, k] for w in arrays]
            if known is None:
                losses = problem.losses(network, parameters, fold, trained)
                training[s, k] = weighted_mean(losses, fold.weights[trained])
            runner.progress.add(one)
            if not rows.size:
                continue
            outputs = problem.outputs_of(network, parameters, fold, rows)
            losses = problem.scored(outputs, fold, rows)
            losses[lost[s, k]] = np.inf
            heldout.means[s, k] = weighted_mean(losses, problem.weights[rows])
            heldout.row_losses[k][s] = losses.mean(axis=0)
            if heldout.outputs:
                heldout.outputs[k][s] = _singles(fold, outputs)
            if score and heldout.scores is not None:
                models = [model_of(network, problem.loss, [w[e] for w in parameters], fold) for e in range(len(losses))]
                heldout.scores[s, k] = [
                    -np.inf if none else score(model, rows) for model, none in zip(models, lost[s, k], strict=True)
                ]
    return training


def _outputs(
    problem: PathProblem, path: MLPPath, parameters: Arrays, heldout: _HeldOut
) -> tuple[Integers, tuple[Array, ...]]:
    """Return the strengths whose held-out outputs are kept, and these: of all, or of those that a choice may take."""
    count = len(heldout.means)
    if heldout.outputs:
        return np.arange(count), tuple(heldout.outputs)
    choice = path.choose()
    kept = np.unique([0, choice.minimum, choice.one_standard_error, choice.simplest, count - 1])
    outputs = []
    for k, ((_, rows), fold) in enumerate(zip(problem.splits, problem.folds[:-1], strict=True)):
        each = [problem.outputs_of(path.network, [w[s, k] for w in parameters], fold, rows) for s in kept]
        outputs.append(np.stack([_singles(fold, output) for output in each]))
    return kept, tuple(outputs)


def _singles(fold: Fold, outputs: Array) -> Array:
    """Return outputs (E, n, C) in the units of the target, in float32."""
    with np.errstate(all="ignore"):  # what diverged
        return fold.in_target_units(outputs).astype(np.float32)


def _null_row_losses(problem: PathProblem, null: NullObjectives) -> Array:
    """Compute the mean loss of each row by the best constants of the folds that hold it out: shape (N,)."""
    losses = [
        problem.scored(np.broadcast_to(output, (len(rows), len(output))), fold, rows)
        for (_, rows), fold, output in zip(problem.splits, problem.folds[:-1], null.outputs[:-1], strict=True)
    ]
    return average_by_row([rows for _, rows in problem.splits], losses, len(problem.weights))


def connected(weights: list[Booleans]) -> tuple[Booleans, Integers]:
    """Find the inputs, and count the hidden units, that non-zero weights connect with an output."""
    reached: list[Booleans] = [np.ones(weights[0].shape[:-1], dtype=bool)]
    for layer in weights:
        reached.append(np.any(reached[-1][..., :, None] & layer, axis=-2))
    leads: Booleans = np.ones_like(reached[-1])
    units = np.zeros(weights[0].shape[:3], dtype=int)
    for layer, below in zip(weights[::-1], reached[-2::-1], strict=True):
        leads = np.asarray(np.any(layer & leads[..., None, :], axis=-1))
        units += (leads & below).sum(axis=-1)
    return leads, units - leads.sum(axis=-1)
