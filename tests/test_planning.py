"""A plan says what a fit then does: the same columns, the same networks; and it trains nothing."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold

from ridgewalk import MLPClassifierCV, MLPRegressorCV, TableClassifier, TableRegressor
from ridgewalk.engine import Runner
from ridgewalk.estimators.planning import TablePlan, plan_of
from ridgewalk.formatting import format_table
from ridgewalk.tables import Encoder, make_table
from ridgewalk.tables.encode import DataError
from ridgewalk.tables.plan import missing_sentence

ROWS = 90
DRAWS = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "age": DRAWS.normal(40, 9, ROWS),
        "town": DRAWS.choice(["here", "there", "?"], ROWS),
        "shop": ["often"] * 30 + [f"once {k}" for k in range(60)],
        "joined": pd.Timestamp("2024-01-01") + pd.to_timedelta(DRAWS.integers(0, 500, ROWS), unit="D"),
        "always": 1,
        "number": np.arange(ROWS),
    }
)
FRAME.loc[::9, "age"] = np.nan
Y = np.where(FRAME["age"].fillna(40) > 40, "yes", "no")
THREE = np.array(["a", "b", "c"])[np.arange(ROWS) % 3]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["age"], "Missing: 10 cells in 1 of 1 input (age); numbers take the median, and a column says where."),
        (
            ["age", "town"],
            "Missing: 42 cells in 2 of 2 inputs (age, town); numbers take the median, and a column says where; "
            "categories get a level for it.",
        ),
        (["joined"], "Missing: 2 cells in 1 of 1 input (joined); dates the median day, and a column says where."),
    ],
)
def test_missing_cells_are_counted_and_what_fills_them_is_said(names: list[str], said: str) -> None:
    frame = FRAME.copy()
    frame.loc[:1, "joined"] = pd.NaT
    frame["town"] = frame["town"].where(frame["town"] != "?")
    table = make_table(frame[names].assign(y=Y), "y")
    encoder = Encoder().fit(table.inputs)
    assert encoder.gaps is not None
    assert missing_sentence(encoder.columns, encoder.gaps) == said


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Count what is trained."""
    jobs: list[Any] = []
    usual = Runner.train

    def train(self: Any, job: Any, *more: Any) -> Any:
        jobs.append(job)
        return usual(self, job, *more)

    monkeypatch.setattr(Runner, "train", train)
    return jobs


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (TableClassifier(cv=3, random_state=0, missing="?"), Y),
        (TableClassifier(cv=3, random_state=0, n_seeds=2, views="plain"), THREE),
        (TableRegressor(cv=KFold(4), random_state=0, keep="number"), DRAWS.normal(size=ROWS)),
        (TableClassifier(cv=3, random_state=0), np.arange(ROWS) % 6),
    ],
    ids=["two classes", "three, two seeds", "numbers", "six"],
)
def test_a_fit_does_what_was_planned(model: Any, y: Any, trained: list[Any]) -> None:
    plan = model.plan(FRAME, y)
    assert not trained
    assert not [name for name in vars(model) if name.endswith("_")]
    model.fit(FRAME, y)
    pd.testing.assert_frame_equal(plan.columns, model.columns_)
    assert [path.view for path in plan.paths] == list(model.views_)
    for path, view in zip(plan.paths, model.views_.values(), strict=True):
        whole = view.path_
        assert path.hidden_layer_sizes == tuple(whole.settings.hidden_layer_sizes)
        assert path.strengths == len(whole.alphas) + len(whole.dropped.alphas)
        assert (path.folds, path.seeds) == whole.heldout_loss.shape[1:]
        assert (path.epochs, path.batch_size) == (whole.settings.max_iter, whole.settings.batch_size)
        assert path.inputs == len(model.encoder_.names)
        assert path.networks == path.strengths * (path.folds + 1) * path.seeds
        assert path.seconds > 0
    if plan.classes is not None:
        assert list(plan.classes) == list(model.classes_)
        assert sum(plan.classes.values()) == plan.rows == ROWS


def test_gaps_rare_levels_and_what_is_left_out_are_counted() -> None:
    plan = TableClassifier(cv=3, missing="?", categories="shop").plan(FRAME, Y)
    found = plan.columns.set_index("column")
    assert found.index.tolist() == ["always", "number", "age", "town", "shop", "joined"]
    assert found["missing"].to_dict() == {
        "always": 0, "number": 0, "age": 10, "town": int((FRAME["town"] == "?").sum()), "shop": 0, "joined": 0
    }  # fmt: skip
    assert found["rare"].to_dict()["shop"] == 11
    assert found["reason"]["always"] == "is constant"
    assert plan.notes[0].startswith("Column 'shop' holds 61 categories")


def test_rows_of_weight_zero_are_told_apart() -> None:
    weights = (np.arange(ROWS) % 3 > 0).astype(float)
    plan = TableClassifier(cv=3).plan(FRAME, Y, weights)
    assert (plan.rows, plan.rows_left_out) == (60, 30)
    assert sum((plan.classes or {}).values()) == 60
    assert "60 rows (30 more have weight 0)" in str(plan)
    assert TableClassifier(cv=3).plan(FRAME, Y, groups=np.arange(ROWS) // 2).paths[0].folds == 3


@pytest.mark.parametrize(("label", "order"), [("no", ["yes", "no"]), ("yes", ["no", "yes"]), (None, ["no", "yes"])])
def test_the_positive_class_comes_last(label: Any, order: Any) -> None:
    plan = TableClassifier(cv=3, pos_label=label).plan(FRAME, Y)
    assert list(plan.classes or ()) == order
    assert plan.to_dict()["positive"] == label
    assert (f"{label} {(plan.classes or {}).get(label, 0)} (positive)" in str(plan)) == (label is not None)


def test_it_is_plain_data_and_to_be_read() -> None:
    plan = TableRegressor(cv=3, n_jobs=1).plan(FRAME, DRAWS.normal(size=ROWS))
    data = json.loads(json.dumps(plan.to_dict(), allow_nan=False))
    assert data["task"] == "regression"
    assert data["classes"] is None
    assert data["rows"] == ROWS
    assert [each["column"] for each in data["columns"]] == plan.columns["column"].tolist()
    assert data["columns"][1] == {
        "column": "always", "role": "left out", "kind": None, "encoded": 0, "missing": 0, "rare": 0,
        "reason": "is constant",
    }  # fmt: skip
    assert data["seconds"] == pytest.approx(sum(path["seconds"] for path in data["paths"]))
    said = str(plan)
    left_out, inputs, trained = (said.index(words) for words in ("not learned from", "input ", "to train"))
    assert left_out < inputs < trained
    for words in ("always            left out  is constant", "Nothing was trained.", "64,32", "Regression of 'y'"):
        assert words in said


def test_more_threads_take_less_time() -> None:
    one, two = (TableRegressor(cv=3, n_jobs=jobs).plan(FRAME, DRAWS.normal(size=ROWS)) for jobs in (1, 2))
    assert two.seconds == pytest.approx(one.seconds / 2)
    assert (one.threads, two.threads) == (1, 2)


@pytest.mark.parametrize("y", [Y, DRAWS.normal(size=ROWS)], ids=["classes", "numbers"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"l1_ratio": [0.2, 0.8]},
        {"hidden_layer_sizes": ()},
        {"alphas": "qut"},
        {"alphas": [0.1]},
        {"select_inputs": True},
    ],
    ids=str,
)
def test_a_single_network_is_planned_too(y: Any, settings: Any, trained: list[Any]) -> None:
    kind: Any = MLPClassifierCV if y is Y else MLPRegressorCV
    x = DRAWS.normal(size=(ROWS, 3))
    plan = plan_of({"network": kind(cv=3, **settings)}, x, y, None, None, pd.DataFrame({"role": [], "encoded": []}))
    assert isinstance(plan, TablePlan)
    assert not trained
    (path,) = plan.paths
    ratios, strengths = np.size(settings.get("l1_ratio", 1)), 2 if "alphas" in settings else 31
    assert path.networks == ratios * strengths * 4
    assert (path.view, path.strengths, path.folds) == ("network", strengths, 3)


@pytest.mark.parametrize(
    ("model", "frame", "words"),
    [
        (TableClassifier(categories="towm"), FRAME, "There is no column 'towm'"),
        (TableClassifier(), FRAME[["always"]], "No column is left to learn from"),
        (TableClassifier(cv=50), FRAME, "50 folds each need a row to hold out"),
        (TableClassifier(views="third"), FRAME, "views is"),
        (TableClassifier(cv=iter([])), FRAME, "cv is an iterator, which a plan would use up: give a list"),
    ],
)
def test_what_a_fit_would_refuse_a_plan_refuses(model: Any, frame: Any, words: str) -> None:
    with pytest.raises((DataError, ValueError), match=words):
        model.plan(frame, Y)


def test_a_table_of_text_has_its_columns_under_each_other() -> None:
    assert format_table(["a", "bb"], [["xyz", 1], ["", 23]], "<>") == "a    bb\nxyz   1\n     23"
