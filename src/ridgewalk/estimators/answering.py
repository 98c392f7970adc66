"""Held-out performance of a fit and of simpler models: predictions of the folds, and their metrics.

    blend            of a table model, each fold with the weights chosen on the other folds
    network          each fold at the strength chosen on the other folds, which avoids the bias of a minimum
    linear           a linear model on the same folds, chosen in the same way
    early stopping   no penalty, stopped by a validation set
    no penalty       strength 0; for a blend, the same blend of networks at strength 0
    constant         the best constant on each fold's training rows

With one fold there are no other folds: the model is then scored on the rows that chose it, and marked as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from ridgewalk.arrays import Array
from ridgewalk.diagnostics import ConditionScores
from ridgewalk.diagnostics.evidence import scores_of, scores_of_stopped, smallest_effect
from ridgewalk.diagnostics.metrics import HeldOutPredictions, Metric, metric_rows
from ridgewalk.estimators.comparing import paired_difference
from ridgewalk.losses import facts
from ridgewalk.objective import weighted_mean
from ridgewalk.path.blend import Blend, heldout_error
from ridgewalk.path.dependence import mean_and_error
from ridgewalk.path.early_stopping import EarlyStopped
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.result import MLPPath
from ridgewalk.path.selection import Rule, cross_chosen
from ridgewalk.report.schema import ChosenOn, Competitor, CompetitorName, Difference, Estimate, HeldOut, Task

Chosen = Sequence[tuple[MLPPath, int]]
"""For each fold a path, and the number of a strength on it."""


@dataclass(frozen=True, eq=False)
class Contender:
    """The losses and predictions of one competitor on held-out rows.

    Attributes
    ----------
    name : str
    scores : ConditionScores
    path : MLPPath
        Whose rows and folds these are.
    predicted : sequence of arrays, K times (E, n, C)
        Probabilities or numbers, for the rows that each fold holds out.
    chosen_on : str
    blended : bool
        Whether it is a blend: each fold's weights are chosen on the other folds, so losses of folds are dependent.
    """

    name: CompetitorName
    scores: ConditionScores
    path: MLPPath
    predicted: Sequence[Array]
    chosen_on: ChosenOn
    blended: bool = False


def check_answered(model: Any) -> None:
    """Check that a model has its held-out performance.

    Raises
    ------
    NotFittedError
        If it is not fitted, was compacted, or comes from a file of an earlier ridgewalk: an AttributeError, too, as
        ``hasattr`` wants it.
    """
    check_is_fitted(model)
    if "_held_out" not in vars(model):
        raise NotFittedError(
            "This model does not know how good it was on held-out rows: it was compacted (ask the model it came from), "
            "comes from a file of an earlier ridgewalk (fit it again), or was loaded and then taken at another "
            "strength (take it at that one before it is saved)."
        )


def held_out(problem: PathProblem, contenders: Sequence[Contender]) -> HeldOut:
    """Measure how well competitors predict held-out rows, and the first of them against each other one.

    Parameters
    ----------
    problem : PathProblem
        Whose rows and target they are.
    contenders : sequence of Contender
        What the model predicts with comes first.
    """
    first, *others = contenders
    loss = float(weighted_mean(first.scores.rows, first.path.row_weights))
    null = float(weighted_mean(first.path.null_row_loss, first.path.row_weights))
    smallest = smallest_effect(null, loss if np.isfinite(loss) else np.inf)
    rows = {each.name: _metric_rows(problem, each) for each in contenders}
    return HeldOut(
        task=_task(problem),
        loss=facts(problem.loss).description or type(problem.loss).__name__,
        folds=len(first.path.heldout_rows),
        weighted=len(np.unique(first.path.row_weights[first.path.row_weights > 0])) > 1,
        dependence=first.path.dependence.kind,
        smallest_effect=smallest,
        competitors=[_competitor(each, rows[each.name]) for each in contenders],
        differences=[_difference(first, each, rows, smallest) for each in others],
    )


def _task(problem: PathProblem) -> Task:
    """Return the predictions."""
    if facts(problem.loss).is_classification:
        return "labels" if facts(problem.loss).is_multilabel(problem.outputs) else "classes"
    return "number" if problem.outputs == 1 else "numbers"


def _metric_rows(problem: PathProblem, contender: Contender) -> dict[Metric, Array]:
    """Compute metrics of a competitor, each as numbers of the rows (N,) whose weighted mean it is."""
    predicted = HeldOutPredictions(contender.path.heldout_rows, contender.predicted)
    found = metric_rows(predicted, problem.target, contender.path.row_weights, problem.loss)
    if facts(problem.loss).is_classification:
        found["log loss"] = contender.scores.rows
    return found


def _competitor(contender: Contender, rows: dict[Metric, Array]) -> Competitor:
    return Competitor(
        name=contender.name,
        rows=int(np.count_nonzero(contender.path.row_weights)),
        chosen_on=contender.chosen_on,
        loss=_estimate(contender.scores.rows, contender.path, contender.blended),
        metrics={
            name: _estimate(each, contender.path, contender.blended and name == "log loss")
            for name, each in rows.items()
        },
    )


def _difference(
    first: Contender, other: Contender, rows: dict[CompetitorName, dict[Metric, Array]], smallest: float
) -> Difference:
    """Measure the first competitor less another one, on the other's rows: of very many, a linear model has a part."""
    change = paired_difference(other.scores, first.scores, other.path)
    fair = "the same rows" not in (first.chosen_on, other.chosen_on) and np.isfinite(change.mean)
    verdict = change.outcome(smallest) if fair else None
    needed, then = (verdict == "cannot tell" and change.decided_by(smallest)) or (None, None)
    pairs = {name: rows[first.name][name] - each for name, each in rows[other.name].items()}
    return Difference(
        than=other.name,
        loss=Estimate(value=_number(change.mean), standard_error=_number(change.error)),
        low=_number(change.low),
        high=_number(change.high),
        verdict=verdict,
        probable=verdict in ("better", "worse") and change.unsure,
        rows_needed=needed,
        outcome_then=then,
        metrics={name: _estimate(each, other.path, blended=False) for name, each in pairs.items()},
    )


def _estimate(rows: Array, path: MLPPath, blended: bool) -> Estimate:
    """Return the mean of numbers of rows (N,), and its standard error; of a blend's losses that of the blend itself."""
    with np.errstate(invalid="ignore"):  # what diverged
        mean, error = mean_and_error(rows, path.row_weights, path.dependence)
        if blended:
            error = np.asarray(heldout_error(rows, path.row_weights, path.heldout_rows, path.dependence))
    known = _number(mean)
    return Estimate(value=known, standard_error=None if known is None else _number(error))


def _number(value: Any) -> float | None:
    """Return a number that JSON knows."""
    return float(value) if np.isfinite(value) else None


def network_contender(name: CompetitorName, problem: PathProblem, chosen: Chosen, chosen_on: ChosenOn) -> Contender:
    """Describe networks of one or more paths: for each fold a path and a strength on it."""
    first, _ = chosen[0]
    predicted = []
    for fold, (path, index) in enumerate(chosen):
        assert path.fold_networks is not None
        parameters = [w[index, fold] for w in path.fold_networks.parameters]
        outputs = problem.outputs_of(path.network, parameters, path.folds[fold], path.heldout_rows[fold])
        with np.errstate(all="ignore"):  # what diverged
            values = path.loss.predict(path.folds[fold].in_target_units(outputs))
        values[path.lost[index, fold]] = np.nan
        predicted.append(values)
    return Contender(name, scores_of(chosen), first, predicted, chosen_on)


def constant_contender(name: CompetitorName, problem: PathProblem, path: MLPPath) -> Contender:
    """Describe the best constants of the training rows of a path's folds."""
    predicted = []
    for rows, fold in zip(path.heldout_rows, problem.folds[:-1], strict=True):
        standardized = (problem.target - fold.target_center) / fold.target_scale
        null = fold.in_target_units(problem.loss.null_output(standardized, fold.weights))
        predicted.append(np.broadcast_to(problem.loss.predict(null), (1, len(rows), len(null))))
    return Contender(name, scores_of_rows(path.null_row_loss, path), path, predicted, "nothing")


def stopped_contender(stopped: EarlyStopped, path: MLPPath) -> Contender:
    """Describe networks that were stopped early, on the folds of a path."""
    with np.errstate(all="ignore"):  # what diverged
        values = path.loss.predict(stopped.outputs.astype(np.float64)[None])
    return Contender(
        "early stopping", scores_of_stopped(stopped), path, [values[:, rows] for rows in path.heldout_rows], "nothing"
    )


def blend_contender(name: CompetitorName, blend: Blend, paths: Sequence[MLPPath], path: MLPPath) -> Contender:
    """Describe a blend of networks of several paths as a contender.

    Parameters
    ----------
    name : str
        What the answer calls it.
    blend : Blend
    paths : sequence of MLPPath
        Those that the blend's members are taken from.
    path : MLPPath
        One of them; its rows and folds are those of the answer.
    """
    one_fold = len(path.heldout_rows) == 1
    weights = blend.weights[None] if one_fold else blend.fold_weights
    used = np.flatnonzero(weights.any(axis=0))
    predicted = [np.zeros((1, len(rows), path.parameters[-1].shape[-1])) for rows in path.heldout_rows]
    for member in used:
        of, networks = paths[blend.path[member]], paths[blend.path[member]].fold_networks
        assert networks is not None
        for fold, outputs in enumerate(networks.outputs_at(int(blend.strength[member]))):
            if weights[fold, member]:
                values = of.loss.predict(outputs.astype(np.float64)).mean(axis=0)
                predicted[fold][0] += weights[fold, member] * values
    scores = scores_of_rows(blend.row_loss, path)
    return Contender(name, scores, path, predicted, "the same rows" if one_fold else "other folds", blended=True)


def by_other_folds(path: MLPPath, rule: Rule) -> tuple[Chosen, ChosenOn]:
    """Return for each fold the strength that the other folds choose; with one fold, that which its own rows choose."""
    if len(path.heldout_rows) == 1:
        return [(path, path.held_out.choose(rule, path.row_weights).chosen)], "the same rows"
    return [(path, index) for _, index in cross_chosen([path.held_out], path.row_weights, rule)], "other folds"


def corrected(path: MLPPath) -> Estimate:
    """Return the lowest held-out loss of a path, corrected for its choice, as one fold alone needs it."""
    found = path.corrected_minimum()
    return Estimate(value=_number(found.loss), standard_error=_number(found.error))


def scores_of_rows(losses: Array, path: MLPPath) -> ConditionScores:
    """Return held-out losses (N,) of rows, and their means over the folds of a path."""
    weights = path.row_weights
    means = np.array([[float(weighted_mean(losses[rows], weights[rows]))] for rows in path.heldout_rows])
    return ConditionScores(losses, means, np.full_like(means, np.nan))
