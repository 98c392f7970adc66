"""The record of held-out performance in a model file: writing, reading and validation.

"held_out": {"loss": "log loss in nats", "folds": 5, "smallest_effect": 0.01, "competitors": [{"name": "network", ...}],
             "differences": [{"than": "constant", ...}]}

Files of earlier versions do not have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any, TypeVar, get_args

from ridgewalk.diagnostics.metrics import Metric
from ridgewalk.diagnostics.statistics import Outcome
from ridgewalk.path.dependence import Kind
from ridgewalk.report.schema import (
    ChosenOn,
    Competitor,
    CompetitorName,
    Difference,
    Estimate,
    HeldOut,
    Task,
)
from ridgewalk.storage.container import JsonObject, WrongError, as_text

Word = TypeVar("Word", bound=str)
_NAMES: tuple[CompetitorName, ...] = get_args(CompetitorName)
_METRICS: tuple[Metric, ...] = get_args(Metric)
_CHOSEN_ON: tuple[ChosenOn, ...] = get_args(ChosenOn)
_VERDICTS: tuple[Outcome, ...] = get_args(Outcome)
_KINDS: tuple[Kind, ...] = get_args(Kind)
_TASKS: tuple[Task, ...] = get_args(Task)
_OF_CLASSES: tuple[Metric, ...] = ("accuracy", "AUC", "log loss")
_OF_NUMBERS: tuple[Metric, ...] = ("R2", "RMSE", "MAE")
_METRICS_OF = {"classes": _OF_CLASSES, "labels": _OF_CLASSES, "number": _OF_NUMBERS, "numbers": _OF_NUMBERS}


def held_out_of(record: JsonObject | None) -> HeldOut | None:
    """Read the held-out performance of a model; None if the file does not have it.

    Raises
    ------
    WrongError
        If it is of another kind than what ``save`` writes.
    """
    if record is None:
        return None
    competitors = [_competitor(each) for each in _listed(record["competitors"])]
    differences = [_difference(each) for each in _listed(record["differences"])]
    names = [each["name"] for each in competitors]
    metrics = {tuple(each["metrics"]) for each in (*competitors, *differences)}
    if (
        names[-1:] != ["constant"]
        or len(set(names)) < len(names)
        or [each["than"] for each in differences] != names[1:]
    ):
        raise WrongError("what it says of held-out rows compares other things than one model with simpler ones")
    smallest = _number(record["smallest_effect"])
    if smallest is None:
        raise WrongError("it says of no effect that it matters")
    task = _one_of(_TASKS, record["task"])
    if metrics != {_METRICS_OF[task]}:
        raise WrongError(f"it measures {task} in other metrics than those of {task}")
    found = HeldOut(
        task=task,
        loss=as_text(record["loss"]),
        folds=_count(record["folds"]),
        weighted=_truth(record["weighted"]),
        dependence=_one_of(_KINDS, record["dependence"]),
        smallest_effect=smallest,
        competitors=competitors,
        differences=differences,
    )
    if "corrected_minimum" in record:
        found["corrected_minimum"] = _estimate(record["corrected_minimum"])
    return found


def _competitor(record: JsonObject) -> Competitor:
    return Competitor(
        name=_one_of(_NAMES, record["name"]),
        rows=_count(record["rows"]),
        chosen_on=_one_of(_CHOSEN_ON, record["chosen_on"]),
        loss=_estimate(record["loss"]),
        metrics=_metrics(record["metrics"]),
    )


def _difference(record: JsonObject) -> Difference:
    verdict, needed, then = record["verdict"], record["rows_needed"], record["outcome_then"]
    return Difference(
        than=_one_of(_NAMES, record["than"]),
        loss=_estimate(record["loss"]),
        low=_number(record["low"]),
        high=_number(record["high"]),
        verdict=None if verdict is None else _one_of(_VERDICTS, verdict),
        probable=_truth(record["probable"]),
        rows_needed=None if needed is None else _count(needed),
        outcome_then=None if then is None else _one_of(_VERDICTS, then),
        metrics=_metrics(record["metrics"]),
    )


def _metrics(record: JsonObject) -> dict[Metric, Estimate]:
    return {_one_of(_METRICS, name): _estimate(each) for name, each in record.items()}


def _estimate(record: JsonObject) -> Estimate:
    return Estimate(value=_number(record["value"]), standard_error=_number(record["standard_error"]))


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise WrongError(f"it holds {str(value)[:60]} where a list is needed")
    return value


def _number(value: Any) -> float | None:
    """Check a number, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise WrongError(f"it holds {str(value)[:60]} where a number is needed")
    return float(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise WrongError(f"it holds {str(value)[:60]} where true or false is needed")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise WrongError(f"it holds {str(value)[:60]} where something is counted")
    return value


def _one_of(words: Sequence[Word], value: Any) -> Word:
    """Check a word that may be one of several."""
    found = next((word for word in words if word == value), None)
    if found is None:
        raise WrongError(f"it holds {str(value)[:60]} where {', '.join(words)} may stand")
    return found
