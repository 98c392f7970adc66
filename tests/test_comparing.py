"""Two models on the same folds: the difference is the one of their rows, and what was not fitted alike is refused."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from ridgewalk import TableClassifier
from ridgewalk.estimators import MLPClassifierCV, MLPRegressorCV
from ridgewalk.estimators.comparing import compare
from ridgewalk.objective import weighted_mean

QUICK: dict[str, Any] = {"alphas": 4, "max_iter": 60, "cv": 3, "learning_rate_init": 0.03, "random_state": 0}
GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(150, 4))
Y = (X[:, 0] + X[:, 1] + 0.5 * GENERATOR.normal(size=150) > 0).astype(int)


def classifier(x: Any = X, y: Any = Y, **changes: Any) -> Any:
    return MLPClassifierCV((5,), **QUICK | changes).fit(x, y)


@pytest.fixture(scope="module")
def plain() -> Any:
    return classifier()


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes", [{}, {"l1_ratio": [0.1, 0.9]}, {"n_seeds": 2}, {"selection": "1se"}, {"relax": True}], ids=str
)
def test_the_arm_is_what_the_estimator_says_it_loses(changes: Any) -> None:
    model = classifier(**changes)
    scores = model.heldout_scores()
    assert weighted_mean(scores.rows, model.path_.row_weights) == pytest.approx(model.heldout_loss_, rel=1e-12)
    assert scores.heldout.shape == (3, model.n_seeds)


def test_a_choice_that_is_none_stays_and_a_gate_that_is_shut_counts(plain: Any) -> None:
    safe = classifier(alphas="qut", l1_ratio=1.0)
    index = len(safe.alphas_) - 1
    np.testing.assert_array_equal(safe.heldout_scores().heldout, safe.path_.heldout_loss[index])
    noise = classifier(y=np.random.default_rng(5).integers(2, size=150), select_inputs=True)
    assert not noise.input_selection_.significant
    np.testing.assert_array_equal(noise.heldout_scores().rows, noise.path_.null_row_loss)
    with pytest.raises(ValueError, match="compacted model holds no held-out losses"):
        plain.compact().heldout_scores()


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_the_difference_is_that_of_the_rows_either_way_round(plain: Any, seeds: Any) -> None:
    other = classifier(activation="tanh", n_seeds=seeds)
    there, back = compare({"a": plain, "b": other}), compare({"b": other, "a": plain})
    change, again = there.models[1].difference, back.models[1].difference
    losses = other.heldout_scores().rows - plain.heldout_scores().rows
    assert change is not None
    assert again is not None
    assert change.mean == pytest.approx(losses.mean())
    assert change.mean == pytest.approx(-again.mean)
    assert change.error == pytest.approx(again.error)
    assert change.row_error == pytest.approx(losses.std(ddof=1) / np.sqrt(150))
    assert (change.seed_error > 0) == (seeds > 1)
    folds = (other.heldout_scores().heldout.mean(axis=1) - plain.heldout_scores().heldout.mean(axis=1)).var(ddof=1)
    careful = np.sqrt((1 / 3 + 50 / 100) * folds) * student.ppf(0.975, 2) / 1.96
    assert change.careful_error == pytest.approx(careful)
    assert there.starts == 1
    assert there.models[0].difference is None
    assert (there.rows, there.folds, there.loss) == (150, 3, "BinaryCrossEntropy")


def test_the_same_makes_no_difference_and_less_is_worse(plain: Any) -> None:
    same, less = classifier(), classifier(X[:, 2:])
    comparison = compare({"all": plain, "same": same, "less": less})
    assert [model.verdict for model in comparison.models] == ["", "no difference", "worse"]
    _, none, worse = (model.difference for model in comparison.models)
    assert none is not None
    assert none.mean == 0
    assert worse is not None
    assert worse.confirmed
    assert compare({"less": less, "all": plain}).models[1].verdict == "better"
    assert 0 < comparison.smallest_effect < 0.02 * comparison.null_loss


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"x": X[:140], "y": Y[:140]}, "they have 140 and 150 rows"),
        ({"cv": 4}, "they have 4 and 3 folds"),
        ({"random_state": 1}, "hold out different rows"),
        ({"class_weight": {0: 1, 1: 3}}, "targets, or the weights of their rows, differ"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_was_not_fitted_alike_is_refused(plain: Any, other: Any, words: Any) -> None:
    with pytest.raises(ValueError, match=f"b and a cannot be compared.*{words}"):
        compare({"a": plain, "b": classifier(**other)})


def test_losses_of_different_kinds_and_one_model_are_refused(plain: Any) -> None:
    numbers = MLPRegressorCV((5,), **QUICK).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="they have SquaredError and BinaryCrossEntropy as loss"):
        compare({"a": plain, "b": numbers})
    with pytest.raises(ValueError, match="their targets, or the weights of their rows, differ"):
        compare({"a": numbers, "b": MLPRegressorCV((5,), **QUICK).fit(X, X[:, 1])})
    with pytest.raises(ValueError, match="takes two models or more, got 1"):
        compare({"a": plain})


@pytest.mark.slow
def test_inputs_of_a_table_are_counted_as_its_columns() -> None:
    town = np.where(X[:, 2] > 0.4, "north", np.where(X[:, 2] < -0.4, "south", "east"))
    frame = pd.DataFrame(X[:, :2], columns=["a", "b"]).assign(town=town)
    one, other = (TableClassifier(cv=3, random_state=0, views=view).fit(frame, Y) for view in ("plain", "encoded"))
    found = compare({"one": one, "other": other}).models
    assert [each.inputs for each in found] == [
        model.summary()["answer"]["weighted_inputs"]["used"] for model in (one, other)
    ]
    assert max(each.inputs for each in found) <= 3 < one.support_.sum()
