"""Laws of what a file says of held-out rows: it comes back as it was, and nothing of another kind is taken."""

from copy import deepcopy
from typing import Any

import pytest

from ridgewalk.storage.container import WrongError
from ridgewalk.storage.held_out_records import held_out_of

ESTIMATE = {"value": 0.5, "standard_error": 0.1}
UNKNOWN = {"value": None, "standard_error": None}


def record(task: str = "classes") -> Any:
    """Return what a file says of one network."""
    names = ("R2", "RMSE", "MAE") if "number" in task else ("accuracy", "AUC", "log loss")
    metrics = dict.fromkeys(names, ESTIMATE) | {names[1]: UNKNOWN}
    one = {"rows": 90, "chosen_on": "other folds", "loss": ESTIMATE, "metrics": metrics}
    change = {"loss": ESTIMATE, "low": -0.1, "high": None, "verdict": "better", "metrics": metrics}
    change |= {"probable": True, "rows_needed": None, "outcome_then": None}
    return {
        "task": task,
        "loss": "log loss in nats",
        "folds": 5,
        "weighted": False,
        "dependence": "rows",
        "smallest_effect": 0.01,
        "competitors": [{"name": name, **one} for name in ("network", "linear", "constant")],
        "differences": [
            {"than": "linear", **change, "verdict": None},
            {"than": "constant", **change, "rows_needed": 300, "outcome_then": "worse"},
        ],
    }


@pytest.mark.parametrize("task", ["classes", "labels", "number", "numbers"])
def test_it_comes_back_as_it_was(task: str) -> None:
    assert held_out_of(record(task)) == record(task)
    assert held_out_of(record(task) | {"corrected_minimum": ESTIMATE})["corrected_minimum"] == ESTIMATE  # type: ignore[index]
    assert held_out_of(None) is None


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("task",), "clusters"),
        (("task",), "number"),  # in metrics of classes
        (("loss",), 3),
        (("folds",), -1),
        (("folds",), 2.5),
        (("weighted",), 1),
        (("dependence",), "columns"),
        (("corrected_minimum",), 0.5),
        (("smallest_effect",), None),
        (("smallest_effect",), "<b>"),
        (("competitors",), {}),
        (("competitors",), []),
        (("competitors", 0, "name"), "wizard"),
        (("competitors", 0, "name"), ["network"]),
        (("competitors", 1, "name"), "network"),
        (("competitors", 2, "name"), "no penalty"),
        (("competitors", 0, "rows"), True),
        (("competitors", 0, "chosen_on"), "<script>"),
        (("competitors", 0, "loss"), {"value": float("inf"), "standard_error": 0.1}),
        (("competitors", 0, "loss"), {"value": True, "standard_error": 0.1}),
        (("competitors", 0, "metrics"), {}),
        (("competitors", 0, "metrics", "speed"), ESTIMATE),
        (("differences", 0, "than"), "constant"),
        (("differences", 0, "verdict"), "much better"),
        (("differences", 0, "rows_needed"), "many"),
        (("differences", 0, "probable"), "perhaps"),
        (("differences", 0, "outcome_then"), "certain"),
        (("differences", 0, "low"), "0"),
        (("differences",), []),
    ],
)
def test_what_is_of_another_kind_is_refused(place: Any, value: Any) -> None:
    changed = deepcopy(record())
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with pytest.raises((WrongError, TypeError)):  # both of which reading a file turns into a ModelFileError
        held_out_of(changed)


@pytest.mark.parametrize("key", [*record()])
def test_nothing_may_be_missing(key: str) -> None:
    less = {name: value for name, value in record().items() if name != key}
    with pytest.raises(KeyError):  # which reading a file turns into a ModelFileError
        held_out_of(less)
