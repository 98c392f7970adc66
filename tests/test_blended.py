"""Laws of a verdict on a blend: what is judged is the blend, and what is of its single network is said to be."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ridgewalk
from ridgewalk import TableClassifier, TableRegressor
from ridgewalk.diagnostics import Evidence, judge
from ridgewalk.diagnostics.blended import _logits, _members, _with_starts
from ridgewalk.diagnostics.findings import Found, Judged
from ridgewalk.engine import Runner
from ridgewalk.estimators.comparing import compare
from ridgewalk.losses import BinaryCrossEntropy, CrossEntropy
from ridgewalk.path.blend import blended_outputs, blended_training, heldout_outputs
from ridgewalk.path.law import null_objectives
from test_storage import forged, opened

ROWS = 90
DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(ROWS, 3))
SCORE = X[:, 0] * X[:, 1] + X[:, 2] + 0.5 * DRAWS.normal(size=ROWS)
THREE = np.digitize(SCORE, [-0.6, 0.6])
QUICK: dict[str, Any] = {"cv": 3, "random_state": 0}


@pytest.fixture(scope="module")
def classes() -> Any:
    return TableClassifier(**QUICK).fit(X, THREE)


@pytest.fixture(scope="module")
def numbers() -> Any:
    return TableRegressor(n_seeds=2, **QUICK).fit(X, 10 * SCORE)


@pytest.fixture(scope="module")
def of_classes(classes: Any) -> Any:
    return classes._evidence(references=False)


@pytest.fixture(scope="module")
def of_numbers(numbers: Any) -> Any:
    return numbers._evidence(references=False)


def paths_of(model: Any) -> Any:
    return [*(view.path_ for view in model.views_.values()), model.network_.linear_path_]


def test_its_arms_are_the_blends(classes: Any, of_classes: Evidence, numbers: Any, of_numbers: Evidence) -> None:
    for model, evidence in ((classes, of_classes), (numbers, of_numbers)):
        worth = {each["than"]: each for each in model.worth_}
        found = judge(evidence).numbers
        assert found["penalized_heldout_loss"] == pytest.approx(model.heldout_loss_)
        without = worth["the blend without a penalty"]
        assert found["unpenalized_heldout_loss"] == pytest.approx(without["heldout_loss"])
        assert found["difference"] == pytest.approx(without["difference"])
        assert found["less_single_network"] == pytest.approx(worth["the single network"]["difference"])
        assert found["less_early_stopping"] == pytest.approx(worth["early stopping"]["difference"])
        assert found["less_linear"] == pytest.approx(worth["a linear model"]["difference"])
        assert found["single_network"]["heldout_loss"] == pytest.approx(model.network_.heldout_loss_)
        assert model.views_[found["single_network"]["view"]] is model.network_
        assert found["strength"] is None
        assert evidence.penalized.heldout.shape == (3, model.n_seeds)
        training = blended_training(model.network_._problem, paths_of(model), model.unpenalized_blend_)
        assert found["unpenalized_training_loss"] == pytest.approx(training.mean())


def test_its_accuracy_and_its_temperature_are_the_blends(classes: Any, of_classes: Evidence) -> None:
    problem = classes.network_._problem
    given = blended_outputs(problem, paths_of(classes), classes.blend_)
    held_out = [rows for _, rows in problem.splits]
    right = np.concatenate([each.argmax(axis=1) == THREE[rows] for each, rows in zip(given, held_out, strict=True)])
    why = judge(of_classes).numbers
    assert why["accuracy_with"] == pytest.approx(right.mean())
    assert why["gain_by_calibration"] + why["gain_by_refinement"] == pytest.approx(-why["difference"])
    recalibrated = why["unpenalized_loss_at_temperature"] - why["penalized_loss_at_temperature"]
    assert recalibrated == pytest.approx(why["gain_by_refinement"])
    logits = [np.log(each) for each in given]

    def lost(temperature: float) -> float:
        """Return what the other folds' rows lose at a temperature."""
        losses = [problem.loss.values(logits[k] / temperature, problem.target[held_out[k]]) for k in (1, 2)]
        return float(np.concatenate(losses).mean())

    best = min(np.exp(np.linspace(np.log(0.05), np.log(50), 4000)), key=lost)
    expected = problem.loss.values(logits[0] / best, problem.target[held_out[0]])
    assert of_classes.penalized.calibrated is not None
    np.testing.assert_allclose(of_classes.penalized.calibrated[held_out[0]], expected, rtol=2e-2, atol=2e-3)


@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), CrossEntropy()])
def test_its_logits_are_those_of_its_probabilities(loss: Any) -> None:
    probabilities = loss.predict(DRAWS.normal(size=(7, 3)))
    np.testing.assert_allclose(loss.predict(_logits(loss, probabilities)), probabilities)
    assert np.isfinite(_logits(loss, np.eye(3))).all()


def test_numbers_have_no_temperature_and_no_accuracy(of_numbers: Evidence) -> None:
    assert of_numbers.penalized.calibrated is None
    assert "accuracy_with" not in judge(of_numbers).numbers


def test_other_starts_are_trained_as_the_paths_own_were(classes: Any) -> None:
    for name, view in classes.views_.items():
        path = view.path_
        own = [index for index in range(len(path.alphas)) if (path.source[index, :-1] == index).all()]
        assert own, name
        again = _with_starts(view._problem, path, np.array(own), Runner())
        for index in own:
            for before, after in zip(heldout_outputs(path, index), heldout_outputs(again, index), strict=True):
                np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-4)
    linear = classes.network_.linear_path_
    assert _with_starts(classes.network_._problem, linear, np.array([0]), Runner()) is linear


def test_where_the_null_model_wins_other_starts_are_the_null_model(classes: Any) -> None:
    view = classes.views_["plain"]
    settings = replace(view.path_.settings, max_iter=1, learning_rate=1e-6)  # which hardly moves from its start
    strongest = replace(view.path_, alphas=np.array([0.0, 1.0]), settings=settings)
    outputs = heldout_outputs(_with_starts(view._problem, strongest, np.array([1]), Runner()), 1)
    constants = null_objectives(view._problem, settings, Runner()).outputs
    for each, constant in zip(outputs, constants, strict=False):
        np.testing.assert_allclose(each, np.broadcast_to(constant, each.shape), rtol=1e-6)


def test_the_strengths_that_are_trained_again_are_those_with_a_weight(classes: Any) -> None:
    blends = (classes.unpenalized_blend_, classes.blend_)
    for number in range(3):
        expected = {
            int(strength)
            for blend in blends
            for path, strength, weights in zip(blend.path, blend.strength, blend.fold_weights.T, strict=True)
            if path == number and weights.any()
        }
        assert list(_members(number, blends)) == sorted(expected)


def test_what_starts_bring_is_a_part_of_the_error(of_classes: Evidence, of_numbers: Evidence) -> None:
    for evidence in (of_classes, of_numbers):
        assert evidence.seed_spread > 0
        expected = np.sqrt(evidence.seed_spread / evidence.penalized.heldout.size)
        assert judge(evidence).numbers["seed_error"] == pytest.approx(expected)


def test_sentences_say_what_is_the_blends_and_what_its_single_networks(of_classes: Evidence) -> None:
    assert of_classes.single is not None
    diagnosis, view = judge(of_classes), of_classes.single.view
    assert (diagnosis.verdict, diagnosis.findings[0].probable) == ("helps", True)  # of three folds
    assert diagnosis.headline.startswith("Regularization probably helps the blend")
    assert f"Of the single network (view: {view}), L1 alone gains" in " ".join(str(diagnosis).split())
    escaped = replace(of_classes, escape="The penalty can be escaped.")
    said = " ".join(str(judge(escaped)).split())
    assert f"- evadable: Of the single network (view: {view}). The penalty can be escaped." in said
    alone = judge(replace(escaped, single=None, alpha=0.1))
    assert "blend" not in str(alone)
    assert "single network" not in str(alone)


def moved(evidence: Evidence, by: float, noise: float = 1e-3) -> Evidence:
    """Return evidence whose single network, and early stopping, lose so much more than the blend in every row."""
    scores, single, draws = evidence.penalized, evidence.single, np.random.default_rng(1)
    assert single is not None
    other = replace(scores, rows=scores.rows + by + noise * draws.normal(size=ROWS), heldout=scores.heldout + by)
    return replace(
        evidence, conditions={**evidence.conditions, "early stopping": other}, single=replace(single, scores=other)
    )


@pytest.mark.parametrize(
    ("by", "single", "stopping"),
    [
        (0.2, "better than the single network", "better than early stopping"),
        (0.0, "the single network predicts as well", "early stopping predicts as well"),
        (-0.2, "the single network predicts better", "early stopping predicts better"),
    ],
)
def test_how_it_stands_to_others_is_said(of_classes: Evidence, by: float, single: str, stopping: str) -> None:
    diagnosis = judge(moved(of_classes, by))
    names = [finding.name for finding in diagnosis.findings]
    assert [name for name in names if "single network" in name] == [single]
    assert [name for name in names if "early stopping" in name] == [stopping]
    for name in (single, stopping.replace("stopping", "stopping without a penalty")):
        assert (name in diagnosis.headline) == (by <= 0)
    json.loads(diagnosis.to_json())


def test_it_is_only_probable_where_other_training_rows_may_turn_it(of_classes: Evidence) -> None:
    even = moved(of_classes, 0.2)
    spread = np.linspace(-0.9, 1.3, len(even.penalized.heldout))[:, None]  # by fold; 0.2 on average
    folds = replace(even.conditions["early stopping"], heldout=even.penalized.heldout + spread)
    uneven = replace(even, conditions={**even.conditions, "early stopping": folds})
    for evidence, probably in ((even, ""), (uneven, "probably ")):
        (finding,) = [each for each in judge(evidence).findings if each.name == "better than early stopping"]
        assert finding.claim == f"{probably}better than early stopping"
        assert f"is {probably}better than the unpenalized network, stopped early" in finding.sentence


def test_where_that_cannot_be_told_nothing_is_said_of_others(of_classes: Evidence) -> None:
    names = {finding.name for finding in judge(moved(of_classes, 0.0, noise=5.0)).findings}
    assert not any("single network" in name or "early stopping" in name for name in names)


def kinds_of(found: Any) -> Iterator[Any]:
    for kind in found.__subclasses__():
        if hasattr(kind, "name"):
            yield kind
        yield from kinds_of(kind)


@pytest.mark.parametrize("kind", [*kinds_of(Found)], ids=lambda kind: kind.__name__)
def test_every_finding_knows_what_is_judged(kind: Any) -> None:
    assert kind.__dataclass_fields__["judged"].default == Judged()


def test_where_all_unpenalized_networks_diverged_that_is_the_verdict(
    classes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for view in classes.views_.values():
        path = view.path_
        losses = tuple(each.copy() for each in path.fold_row_loss)
        for each in losses:
            each[0] = np.inf
        monkeypatch.setattr(view, "path_", replace(path, fold_row_loss=losses))
    monkeypatch.setattr(classes, "unpenalized_blend_", None)
    diagnosis = classes.diagnose(references=False)
    assert diagnosis.verdict == "not converged"
    assert diagnosis.headline.startswith("Of the single network (view: ")


def test_a_file_of_before_says_what_all_starts_together_lost(numbers: Any, tmp_path: Path) -> None:
    document, arrays = opened(numbers.save(tmp_path / "m"))
    np.testing.assert_array_equal(ridgewalk.load(tmp_path / "m").blend_.heldout_loss, numbers.blend_.heldout_loss)
    for record in document["blends"]:
        del arrays[record.pop("heldout_loss")]
    forged(tmp_path / "m", document, arrays)
    old = ridgewalk.load(tmp_path / "m")
    expected = [[np.mean(old.blend_.row_loss[rows])] for rows in old.path_.heldout_rows]
    np.testing.assert_allclose(old.blend_.heldout_loss, expected)
    assert [each["than"] for each in old.worth_] == [each["than"] for each in numbers.worth_]


def test_a_comparison_counts_the_starts_of_a_blend(numbers: Any) -> None:
    found = compare({"blend": numbers, "single": numbers.network_})
    assert found.starts == 2
    other = found.models[1].difference
    assert other is not None
    assert other.seed_error > 0
