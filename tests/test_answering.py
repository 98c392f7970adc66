"""Laws of what a fit is held against: each competitor predicts what its folds' networks predict, and no row chooses."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error, r2_score, roc_auc_score
from sklearn.model_selection import LeaveOneOut, RepeatedKFold

from ridgewalk import MLPClassifierCV, MLPRegressorCV, TableClassifier, TableRegressor
from ridgewalk.estimators.access import fit_encoded
from ridgewalk.estimators.answering import scores_of_rows
from ridgewalk.estimators.comparing import paired_difference
from ridgewalk.estimators.table import blended_paths
from ridgewalk.path.dependence import mean_and_error
from ridgewalk.path.early_stopping import EarlyStopped
from ridgewalk.report.answer import Answer
from ridgewalk.tables import Encoder

DRAWS = np.random.default_rng(1)
X = DRAWS.normal(size=(90, 4))
SIGNAL = X[:, 0] + np.sin(2 * X[:, 1]) + 0.5 * DRAWS.normal(size=90)
TWO, THREE = (SIGNAL > 0).astype(int), np.digitize(SIGNAL, [-0.5, 0.5])
QUICK: dict[str, Any] = {"alphas": 5, "max_iter": 60, "cv": 3, "learning_rate_init": 0.03, "random_state": 0}


def competitors(model: Any) -> dict[str, Any]:
    return {each["name"]: each for each in model.summary()["answer"]["competitors"]}


def values(competitor: Any) -> dict[str, float]:
    return {name: each["value"] for name, each in competitor["metrics"].items()}


def held_out(path: Any, indices: Any, outputs: int) -> Any:
    """Return predictions of the folds' own networks of one start, made from the rows as anybody would."""
    predicted = np.full((len(X), outputs), np.nan)
    for fold, (rows, index) in enumerate(zip(path.heldout_rows, indices, strict=True)):
        predicted[rows] = path.loss.predict(path.fold_model(index, fold, 0).output(X[rows]))
    return predicted


def chosen_without(path: Any) -> list[int]:
    """Return the strength that is lowest on all rows but a fold's own."""
    others = [np.delete(path.row_loss, rows, axis=1).mean(axis=1) for rows in path.heldout_rows]
    return [len(path.alphas) - 1 - int(np.argmin(losses[::-1])) for losses in others]


def test_a_fold_is_scored_at_the_strength_that_the_others_choose() -> None:
    model = MLPClassifierCV((6,), **QUICK | {"cv": 6, "alphas": 20}).fit(X, TWO)
    path, found = model.path_, competitors(model)
    indices = {
        "network": chosen_without(path),
        "linear": chosen_without(model.linear_path_),
        "no penalty": [0] * 6,
    }
    assert len({*indices["network"]}) > 1  # else it would not be seen
    for name, each in indices.items():
        of = model.linear_path_ if name == "linear" else path
        chance = held_out(of, each, 1)[:, 0]
        told = values(found[name])
        assert told["accuracy"] == pytest.approx(accuracy_score(TWO, chance > 0.5))
        assert told["log loss"] == pytest.approx(log_loss(TWO, chance), rel=1e-5)
        areas = [roc_auc_score(TWO[rows], chance[rows]) for rows in path.heldout_rows]
        assert told["AUC"] == pytest.approx(np.average(areas, weights=[len(rows) for rows in path.heldout_rows]))
    assert values(found["network"])["log loss"] == pytest.approx(model.heldout_loss_)
    flattered = path.row_loss[model.index_].mean()
    assert values(found["network"])["log loss"] > flattered


def test_numbers_are_in_the_units_of_the_target() -> None:
    target = 1e6 + 1e4 * SIGNAL
    model = MLPRegressorCV((6,), **QUICK).fit(X, target)
    found = competitors(model)
    predicted = held_out(model.path_, chosen_without(model.path_), 1)[:, 0]
    told = values(found["network"])
    assert told["R2"] == pytest.approx(r2_score(target, predicted), rel=1e-4)
    assert told["MAE"] == pytest.approx(mean_absolute_error(target, predicted), rel=1e-4)
    assert told["RMSE"] == pytest.approx(np.sqrt(2 * model.heldout_loss_), rel=1e-6)
    constant = np.empty(len(X))
    for rows in model.path_.heldout_rows:
        constant[rows] = np.delete(target, rows).mean()
    assert values(found["constant"])["RMSE"] == pytest.approx(np.sqrt(((target - constant) ** 2).mean()))


@pytest.mark.parametrize("classes", [TWO, THREE])
def test_a_constant_is_the_share_of_the_other_folds_rows(classes: Any) -> None:
    model = MLPClassifierCV((4,), **QUICK).fit(X, classes)
    told = competitors(model)["constant"]
    chance = np.empty((len(X), classes.max() + 1))
    for rows in model.path_.heldout_rows:
        chance[rows] = np.bincount(np.delete(classes, rows)) / (len(X) - len(rows))
    assert values(told)["log loss"] == pytest.approx(log_loss(classes, chance))
    assert values(told)["accuracy"] == pytest.approx(accuracy_score(classes, chance.argmax(axis=1)))
    assert told["metrics"]["AUC"] == {"value": 0.5, "standard_error": 0.0}
    assert told["chosen_on"] == "nothing"


@pytest.mark.parametrize("classes", [TWO, THREE])
def test_a_blend_predicts_what_it_is_said_to_lose(classes: Any) -> None:
    model = TableClassifier(cv=3, n_seeds=2, random_state=0, views="plain").fit(pd.DataFrame(X), classes)
    paths = [*blended_paths(model.views_).values()]
    contenders: Any = {each.name: each for each in model._contenders(paths, model.network_._problem)}
    blends: Any = {"blend": model.blend_, "no penalty": model.unpenalized_blend_}
    for name, blend in blends.items():
        losses = np.empty(len(X))
        for rows, predicted in zip(contenders[name].path.heldout_rows, contenders[name].predicted, strict=True):
            chance = np.hstack([1 - predicted[0], predicted[0]]) if classes is TWO else predicted[0]
            losses[rows] = -np.log(np.maximum(chance[np.arange(len(rows)), classes[rows]], 1e-12))
        np.testing.assert_allclose(losses, blend.row_loss, rtol=1e-6)
    found = competitors(model)
    assert [*found] == ["blend", "network", "linear", *found.keys() & {"early stopping"}, "no penalty", "constant"]
    assert found["blend"]["loss"]["value"] == pytest.approx(model.heldout_loss_)
    assert found["blend"]["loss"]["standard_error"] == model.summary()["blend"]["standard_error"]


def test_differences_are_paired_and_their_verdicts_those_of_a_comparison() -> None:
    model = MLPRegressorCV((6,), **QUICK).fit(X, SIGNAL)
    answer: Any = model.summary()["answer"]
    scores, path = model.heldout_scores(), model.path_
    told = {each["than"]: each for each in answer["differences"]}
    rows = {"no penalty": path.row_loss[0], "constant": path.null_row_loss}
    for name, losses in rows.items():
        mean, error = mean_and_error(scores.rows - losses, path.row_weights)
        assert told[name]["loss"] == {"value": pytest.approx(mean), "standard_error": pytest.approx(error)}
        own, other = (competitors(model)[each]["metrics"]["MAE"] for each in ("network", name))
        assert told[name]["metrics"]["MAE"]["value"] == pytest.approx(own["value"] - other["value"])
        alone = np.hypot(own["standard_error"], other["standard_error"])
        assert 0 < told[name]["metrics"]["MAE"]["standard_error"] < alone  # hard rows are hard for both
    less: Any = model._less_linear()
    assert told["linear"]["verdict"] == less.outcome(answer["smallest_effect"])
    for each in told.values():
        assert (each["rows_needed"] is not None) <= (each["verdict"] == "cannot tell")
        assert (each["outcome_then"] is None) == (each["rows_needed"] is None)


def test_a_difference_is_only_probable_where_other_training_rows_may_turn_it() -> None:
    model = MLPRegressorCV((6,), **QUICK).fit(X, SIGNAL)
    answer: Any = model.summary()["answer"]
    scores, path = model.heldout_scores(), model.path_
    change = paired_difference(scores_of_rows(path.null_row_loss, path), scores, path)
    assert answer["differences"][-1]["than"] == "constant"
    assert answer["differences"][-1]["probable"] == (
        change.outcome(answer["smallest_effect"]) == "better" and change.unsure
    )
    for probable, shown in ((True, "probably better"), (False, "better")):
        answer["differences"] = [each | {"verdict": "better", "probable": probable} for each in answer["differences"]]
        said = str(Answer(answer))
        assert sum(line.endswith(f"  {shown}") for line in said.splitlines()) == len(answer["differences"])
        assert ("an interval that also allows for other training rows" in " ".join(said.split())) == probable


def test_inputs_that_are_not_worth_having_leave_the_constant() -> None:
    noise = np.random.default_rng(5).integers(2, size=90)
    model = MLPClassifierCV((6,), select_inputs=True, **QUICK).fit(X, noise)
    assert not model.input_selection_.significant
    found = competitors(model)
    assert found["network"]["metrics"] == found["constant"]["metrics"]
    assert found["network"]["chosen_on"] == "nothing"


def test_early_stopping_is_a_competitor_where_a_fit_has_it() -> None:
    model = MLPRegressorCV((6,), **QUICK).fit(X, SIGNAL)
    outputs = (SIGNAL + np.linspace(-1, 1, 90))[:, None]
    losses = 0.5 * (outputs[:, 0] - SIGNAL) ** 2
    path = model.path_
    means = np.array([[losses[rows].mean()] for rows in path.heldout_rows])
    model.early_stopped_ = EarlyStopped(outputs.astype(np.float32), losses, means, np.ones_like(means, dtype=int))
    told = {each.name: each for each in model._contenders(model._problem)}["early stopping"]
    assert told.chosen_on == "nothing"
    np.testing.assert_array_equal(told.scores.rows, losses)
    for rows, predicted in zip(path.heldout_rows, told.predicted, strict=True):
        np.testing.assert_allclose(predicted[0], outputs[rows], rtol=1e-6)


def test_one_fold_is_said_to_flatter_and_has_no_verdict() -> None:
    split = [(np.arange(60), np.arange(60, 90))]
    for model in (
        MLPClassifierCV((6,), **QUICK | {"cv": split}).fit(X, TWO),
        TableRegressor(views="plain", cv=split, random_state=0).fit(pd.DataFrame(X), SIGNAL),
    ):
        answer = model.summary()["answer"]
        assert answer["competitors"][0]["chosen_on"] == "the same rows"
        assert {each["verdict"] for each in answer["differences"]} == {None}
        assert answer["advice"][0]["name"] == "chosen on the same rows"
        assert answer["competitors"][-1]["chosen_on"] == "nothing"
        if isinstance(model, MLPClassifierCV):
            least = model.path_.corrected_minimum()
            assert answer["corrected_minimum"] == {"value": least.loss, "standard_error": least.error}
            assert "Lowest held-out loss, corrected for its choice: " in str(model.answer_)
    only = MLPClassifierCV((6,), **QUICK | {"cv": split, "alphas": "qut"}).fit(X, TWO)
    assert competitors(only)["network"]["chosen_on"] == "nothing"  # one strength, without a choice


@pytest.mark.filterwarnings("ignore:Training diverged", "ignore:Training failed")
@pytest.mark.parametrize("cv", [LeaveOneOut(), RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)])
def test_odd_folds_have_what_they_can(cv: Any) -> None:
    some = slice(20)
    model = MLPClassifierCV((4,), **QUICK | {"cv": cv, "max_iter": 15}).fit(X[some], TWO[some])
    for each in competitors(model).values():
        assert each["rows"] == 20
        assert 0 <= each["metrics"]["accuracy"]["value"] <= 1
        assert (each["metrics"]["AUC"]["value"] is None) == isinstance(cv, LeaveOneOut)


@pytest.mark.filterwarnings("ignore:Training diverged", "ignore:Training failed")
def test_what_diverged_has_no_numbers() -> None:
    model = MLPRegressorCV((6,), **QUICK | {"learning_rate_init": 1e30, "standardize": False}).fit(1e3 * X, SIGNAL)
    found = competitors(model)
    for each in found.values():
        for estimate in (each["loss"], *each["metrics"].values()):
            assert estimate["value"] is None or np.isfinite(estimate["value"])
    assert values(found["constant"])["RMSE"] > 0
    assert str(model.answer_)


def test_rows_of_weight_0_count_for_nothing() -> None:
    weights = (np.arange(90) % 4 > 0).astype(float)
    model = MLPRegressorCV((6,), **QUICK).fit(X, SIGNAL, weights)
    wild = np.where(weights > 0, SIGNAL, 1e6)
    again = MLPRegressorCV((6,), **QUICK).fit(X, wild, weights)
    assert again.summary()["answer"] == model.summary()["answer"]
    assert competitors(model)["network"]["rows"] == np.count_nonzero(weights)
    assert not model.summary()["answer"]["weighted"]
    assert MLPRegressorCV((6,), **QUICK).fit(X, SIGNAL, 1 + weights).summary()["answer"]["weighted"]


@pytest.mark.parametrize("groups", [None, np.arange(90) // 5])
def test_errors_are_over_what_is_independent(groups: Any) -> None:
    shared = SIGNAL + np.random.default_rng(2).normal(size=18)[np.arange(90) // 5]
    model = MLPRegressorCV((6,), **QUICK).fit(X, shared, groups=groups)
    answer: Any = model.summary()["answer"]
    path = model.path_
    assert answer["dependence"] == path.dependence.kind == ("rows" if groups is None else "groups")
    assert f"standard error over {'rows' if groups is None else 'groups of rows'}." in str(model.answer_)
    errors = [np.abs(model._contenders(model._problem)[0].predicted[k][0, :, 0] - shared[rows])
              for k, rows in enumerate(path.heldout_rows)]  # fmt: skip
    rows = np.empty(90)
    rows[np.concatenate(path.heldout_rows)] = np.concatenate(errors)
    mean, error = mean_and_error(rows, path.row_weights, path.dependence)
    assert answer["competitors"][0]["metrics"]["MAE"] == {
        "value": pytest.approx(float(mean)),
        "standard_error": pytest.approx(float(error)),
    }


def test_a_table_that_is_encoded_already_has_the_same_answer() -> None:
    frame = pd.DataFrame(X, columns=list("abcd"))
    encoder = Encoder().fit(frame)
    model, other = (TableRegressor(views="plain", cv=3, random_state=0) for _ in range(2))
    model.fit(frame, SIGNAL)
    fit_encoded(other, encoder, encoder.encoded(frame), SIGNAL, None, None)
    assert other.summary()["answer"] == model.summary()["answer"]
