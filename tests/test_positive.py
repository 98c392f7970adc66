"""The positive class: scores look for it, tables show it last, and no order that scikit-learn relies on changes."""

from copy import copy
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    get_scorer,
    make_scorer,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import cross_val_score

from ridgewalk import MLPClassifierCV, MLPRegressorCV, TableClassifier, TableRegressor, load, save
from ridgewalk.estimators.positive import OfPositive, check_pos_label, class_places
from ridgewalk.estimators.scoring import score_of

DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(90, 3))
CHANCE = 1 / (1 + np.exp(-2 * X[:, 0] + 1))
TEXTS = np.where(DRAWS.random(90) < CHANCE, "bad", "good")  # the first in order is rare
QUICK: dict[str, Any] = {"hidden_layer_sizes": (3,), "alphas": 3, "cv": 3, "max_iter": 40, "learning_rate_init": 0.05,
                         "random_state": 0}  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")  # a constant network's


@pytest.fixture(scope="module")
def fitted() -> Any:
    return MLPClassifierCV(**QUICK).fit(X, TEXTS)


@pytest.mark.parametrize("labels", [("good", "bad"), ("bad", "good"), (1, 0), (0, 1), (True, False), (2.0, 1.0)])
def test_scores_by_name_are_of_the_positive_class(labels: Any) -> None:
    """Whatever the classes are called, and whichever comes first in order, the first of these two is scored."""
    y, rows, weights = np.where(TEXTS == "bad", *labels), np.arange(0, 90, 2), np.linspace(0.5, 2, 90)
    model = MLPClassifierCV(**QUICK).fit(X, y)
    judged = copy(model).set_params(pos_label=labels[0])

    def score(estimator: Any, scoring: Any) -> float:
        return score_of(estimator, scoring, X, y, weights, [rows], model.model_)(model.model_, rows)

    own = {"f1": f1_score, "precision": precision_score, "recall": recall_score}
    for name, measure in own.items():
        assert score(judged, name) == score(model, make_scorer(measure, pos_label=labels[0])), name
    ranked = make_scorer(average_precision_score, pos_label=labels[0], response_method="predict_proba")
    assert score(judged, "average_precision") == pytest.approx(score(model, ranked))
    assert score(judged, "f1") != score(model, make_scorer(f1_score, pos_label=labels[1]))
    for name in ("roc_auc", "neg_log_loss", "accuracy", "balanced_accuracy", "f1_macro"):  # of both classes alike
        assert score(judged, name) == pytest.approx(score(model, name)), name


def test_another_class_has_another_score() -> None:
    bad, good = (
        np.asarray(MLPClassifierCV(**QUICK, scoring="f1", pos_label=label).fit(X, TEXTS).path_.heldout_score)
        for label in ("bad", "good")
    )
    assert not np.allclose(bad, good)


def test_a_scorer_of_ones_own_gets_the_labels() -> None:
    scorer = make_scorer(f1_score, pos_label="bad")
    own = MLPClassifierCV(**QUICK, scoring=scorer, pos_label="good").fit(X, TEXTS)
    named = MLPClassifierCV(**QUICK, scoring="f1", pos_label="bad").fit(X, TEXTS)
    np.testing.assert_array_equal(own.path_.heldout_score, named.path_.heldout_score)


def test_a_score_that_needs_the_positive_class_asks_for_it() -> None:
    with pytest.raises(ValueError, match=r"scoring='f1' cannot .*name the positive class, pos_label"):
        MLPClassifierCV(**QUICK, scoring="f1").fit(X, TEXTS)


@pytest.mark.parametrize("pos_label", ["bad", "good"])
def test_what_scikit_learn_relies_on_stays(fitted: Any, pos_label: str) -> None:
    model = clone(fitted).set_params(pos_label=pos_label).fit(X, TEXTS)
    assert list(model.classes_) == ["bad", "good"]
    np.testing.assert_array_equal(model.predict_proba(X), fitted.predict_proba(X))
    for name in ("roc_auc", "neg_log_loss"):
        assert get_scorer(name)(model, X, TEXTS) == get_scorer(name)(fitted, X, TEXTS)
    assert cross_val_score(model, X, TEXTS, cv=2, scoring="roc_auc").min() > 0.5


@pytest.mark.parametrize("pos_label", ["bad", "good"])
def test_the_positive_class_is_one_and_the_other_zero(fitted: Any, pos_label: str) -> None:
    judged, truth = OfPositive(fitted, pos_label), np.asarray(pos_label == TEXTS).astype(int)
    assert judged.fit(X) is judged
    np.testing.assert_array_equal(judged.as_target(TEXTS), truth)
    chance = fitted.predict_proba(X)[:, list(fitted.classes_).index(pos_label)]
    np.testing.assert_array_equal(judged.predict_proba(X)[:, 1], chance)
    assert get_scorer("average_precision")(judged, X, truth) == average_precision_score(truth, chance)
    assert get_scorer("roc_auc")(judged, X, truth) == roc_auc_score(truth, chance)
    assert get_scorer("precision")(judged, X, truth) == precision_score(TEXTS, fitted.predict(X), pos_label=pos_label)


@pytest.mark.parametrize(
    ("pos_label", "classes", "places"),
    [
        ("a", ["a", "b"], [1, 0]),
        ("b", ["a", "b"], [0, 1]),
        (None, ["a", "b"], [0, 1]),
        (None, ["a", "b", "c"], [0, 1, 2]),
    ],
)
def test_the_positive_class_is_shown_last(pos_label: Any, classes: Any, places: Any) -> None:
    assert class_places(pos_label, np.array(list(classes))).tolist() == places


@pytest.mark.parametrize(
    ("pos_label", "classes", "words"),
    [
        ("a", ["a", "b", "c"], "pos_label names the positive one of two classes, and here are 3: leave it out"),
        ("x", ["a", "b"], "pos_label is one of the classes, 'a' or 'b'; got 'x'"),
        ("1", [0, 1], "pos_label is one of the classes, 0 or 1; got '1'"),
    ],
)
def test_what_is_no_positive_class_is_a_sentence(pos_label: Any, classes: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_pos_label(pos_label, np.array(classes))
    y = np.array(classes)[np.arange(90) % len(classes)]
    for kind in (MLPClassifierCV, TableClassifier):
        with pytest.raises(ValueError, match=words):
            kind(pos_label=pos_label).fit(X, y)


def test_several_labels_and_numbers_have_none() -> None:
    with pytest.raises(ValueError, match="names the positive class of two, and y holds several labels: leave it out"):
        MLPClassifierCV(pos_label=1).fit(X, np.stack([TEXTS == "bad", TEXTS == "good"], axis=1).astype(int))
    for kind in (MLPRegressorCV, TableRegressor):
        with pytest.raises(ValueError, match=f"The 'pos_label' parameter of {kind.__name__} must be None"):
            kind(pos_label=1).fit(X, X[:, 0])


def test_it_is_kept_in_files(tmp_path: Any) -> None:
    model = MLPClassifierCV(**QUICK, pos_label="bad").fit(X, TEXTS)
    assert load(save(model, tmp_path / "m")).pos_label == "bad"
    y = pd.Series(TEXTS)
    table = TableClassifier(pos_label=y[0], views="plain", cv=3, random_state=0).fit(X, y)
    loaded = load(table.save(tmp_path / "t"))
    assert loaded.pos_label == y[0]
    np.testing.assert_array_equal(loaded.predict_proba(X), table.predict_proba(X))
