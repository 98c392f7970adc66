"""Laws of the unpenalized networks that are stopped early beside a path."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paths import settings_of
from ridgewalk import MLPClassifierCV, MLPRegressorCV, TableRegressor
from ridgewalk.engine import Runner
from ridgewalk.engine.job import EarlyStopping, Job
from ridgewalk.losses import SquaredError
from ridgewalk.objective import weighted_mean
from ridgewalk.optimizers import Adam
from ridgewalk.path import PathProblem
from ridgewalk.path.dependence import Dependence
from ridgewalk.path.early_stopping import fit_early_stopped, stopped_early
from ridgewalk.path.jobs import dense_job
from ridgewalk.path.result import model_of
from ridgewalk.rng import order
from ridgewalk.storage import ModelFileError, load, save
from test_storage import forged, opened

ROWS, EPOCHS = 60, 45
DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(ROWS, 3))
SCORE = X[:, 0] * X[:, 1] + 0.3 * DRAWS.normal(size=ROWS)
YES, THREE = SCORE > 0, np.digitize(SCORE, [-0.3, 0.3])
GROUPS = np.array(["ann", "bo", "cy", "di", "ed", "flo", "gil", "hal", "ida", "jo"])[np.arange(ROWS) // 6]
QUICK: dict[str, Any] = {"hidden_layer_sizes": (4,), "alphas": 2, "max_iter": EPOCHS, "cv": 3, "random_state": 0}
SPLITS = [(np.arange(30), np.arange(30, 50)), (np.arange(15, 40), np.arange(45, 55))]

CASES: dict[str, Any] = {
    "two classes": lambda: MLPClassifierCV(**QUICK).fit(X, YES),
    "three classes": lambda: MLPClassifierCV(**QUICK).fit(X, THREE),
    "labels": lambda: MLPClassifierCV(**QUICK).fit(X, np.stack([YES, X[:, 2] > 0]).T * 1),
    "numbers": lambda: MLPRegressorCV(**QUICK).fit(X, 7 + 5 * SCORE),
    "several numbers": lambda: MLPRegressorCV(**QUICK).fit(X, np.stack([SCORE, 3 * X[:, 2]]).T),
    "counts": lambda: MLPRegressorCV(**QUICK, loss="poisson").fit(X, np.exp(SCORE).round()),
    "several starts": lambda: MLPRegressorCV(**QUICK, n_seeds=2).fit(X, SCORE),
    "weighted rows": lambda: MLPRegressorCV(**QUICK).fit(X, SCORE, np.arange(ROWS) % 3),
    "batches": lambda: MLPRegressorCV(**QUICK, batch_size=16).fit(X, SCORE),
    "rows held out twice, or never": lambda: MLPRegressorCV(**QUICK | {"cv": SPLITS}, n_seeds=2).fit(X, SCORE),
    "one fold": lambda: MLPRegressorCV(**QUICK | {"cv": SPLITS[:1]}).fit(X, SCORE),
    "the engine to read": lambda: MLPRegressorCV(**QUICK | {"max_iter": 9}, engine="reference").fit(X, SCORE),
    "selected inputs": lambda: MLPRegressorCV(**QUICK, select_inputs=True).fit(X, SCORE),
    "several ratios": lambda: MLPRegressorCV(**QUICK, l1_ratio=[0.1, 1.0]).fit(X, SCORE),
    "one after the other": lambda: MLPRegressorCV(**QUICK, schedule="sequential").fit(X, SCORE),
    "in double precision": lambda: MLPRegressorCV(**QUICK, dtype="float64").fit(X, SCORE),
}


@pytest.fixture(scope="module")
def fitted() -> Any:
    return {name: fit() for name, fit in CASES.items()}


def again(model: Any) -> Any:
    """Train every network once more, each in a job of its own: rows, outputs, losses and epochs of each."""
    problem, settings = model._problem, replace(model._plain_path.settings, max_iter=model.max_iter)
    starts, seeds = dense_job(problem, settings).start, problem.seeds
    network = settings.network(problem.inputs, problem.outputs)
    for k, (_, held_out) in enumerate(problem.splits):
        fold = problem.folds[k]
        used = np.flatnonzero(fold.weights)
        aside = used[order(seeds[0], k, used)][: round(0.15 * len(used))]
        weights, validation = fold.weights.copy(), np.zeros(ROWS)
        validation[aside], weights[aside] = weights[aside], 0
        for e, seed in enumerate(seeds):
            epochs = settings.max_iter + round(settings.max_iter / 3)
            job = Job(
                network=network,
                loss=problem.loss,
                penalties=settings.penalty.at(network, np.zeros(1)),  # of 0, and yet it may tie an optimizer's steps
                optimizer=Adam(settings.learning_rate),
                x=problem.x,
                target=problem.target,
                folds=(replace(fold, weights=weights, validation=validation),),
                fold=np.zeros(1, dtype=int),
                seeds=np.array([seed]),
                start=tuple(w[[k * len(seeds) + e]] for w in starts),
                epochs=epochs,
                batch_size=settings.batch_size,
                early_stopping=EarlyStopping(round(epochs / 10)),
            )
            fits = Runner(model.engine).train(job)
            output = model_of(network, problem.loss, [w[0] for w in fits.parameters], fold).output(problem.x[held_out])
            losses = problem.scored((output - fold.target_center) / fold.target_scale, fold, held_out)
            yield k, e, held_out, output, losses, int(fits.epochs[0])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_what_is_kept_is_what_such_networks_give_for_rows_that_they_never_saw(fitted: Any, name: str) -> None:
    model = fitted[name]
    stopped, weights = model.early_stopped_, model.path_.row_weights
    outputs, losses, times = np.zeros(stopped.outputs.shape), np.zeros(ROWS), np.zeros(ROWS)
    for k, e, rows, output, loss, epochs in again(model):
        outputs[rows] += output
        losses[rows] += loss
        times[rows] += 1
        assert stopped.n_iter[k, e] == epochs
        assert stopped.heldout_loss[k, e] == pytest.approx(weighted_mean(loss, model._problem.weights[rows]), rel=1e-4)
    np.testing.assert_allclose(stopped.outputs[times > 0], (outputs / times[:, None])[times > 0], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(stopped.row_loss[times > 0], (losses / times)[times > 0], rtol=1e-3, atol=1e-3)
    assert stopped.outputs.dtype == np.float32
    assert np.isnan(stopped.outputs[times == 0]).all()
    assert (stopped.row_loss[times == 0] == 0).all()
    assert ((times > 0) == (weights > 0)).all()
    assert (stopped.n_iter > 0).any()


def _stopped(model: Any) -> Any:
    return model.early_stopped_


def test_held_out_rows_teach_nothing() -> None:
    splits = [(np.flatnonzero(np.arange(ROWS) % 3 != k), np.arange(k, ROWS, 3)) for k in range(3)]
    changed = SCORE.copy()
    changed[splits[0][1]] = 5 - 3 * changed[splits[0][1]]
    one, other = (_stopped(MLPRegressorCV(**QUICK | {"cv": splits}).fit(X, y)) for y in (SCORE, changed))
    np.testing.assert_array_equal(one.outputs[splits[0][1]], other.outputs[splits[0][1]])
    assert (one.outputs[splits[1][1]] != other.outputs[splits[1][1]]).any()


@pytest.mark.parametrize("sizes", [[6] * 10, [1] * 40 + [20], [50, 5, 5]], ids=str)
def test_groups_are_set_aside_whole(fitted: Any, sizes: Any) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)[np.random.default_rng(1).permutation(ROWS)]
    job = dense_job(fitted["numbers"]._problem, fitted["numbers"].path_.settings)
    stopped = stopped_early(job, groups)
    assert stopped is not None
    for before, fold in zip(job.folds, stopped.folds, strict=True):
        assert fold.validation is not None
        aside, training = fold.validation > 0, fold.weights > 0
        np.testing.assert_array_equal(aside | training, before.weights > 0)
        assert not set(groups[aside]) & set(groups[training])
        assert aside.any()
        assert training.any()
        if max(sizes) == 6:
            assert abs(aside.sum() - 0.15 * np.count_nonzero(before.weights)) <= 3


def test_groups_of_a_fit_are_set_aside_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs, trained = [], Runner.train

    def spy(self: Any, job: Any, *share: Any) -> Any:
        jobs.append(job)
        return trained(self, job, *share)

    monkeypatch.setattr(Runner, "train", spy)
    MLPRegressorCV(**QUICK).fit(X, SCORE, groups=GROUPS)
    (job,) = [job for job in jobs if job.early_stopping]
    assert len(job.folds) == 3
    for fold in job.folds:
        assert not set(GROUPS[fold.weights > 0]) & set(GROUPS[fold.validation > 0])


@pytest.mark.parametrize("groups", [["a"] * 2, [["a"]] * ROWS])
def test_a_group_is_needed_for_each_row(groups: Any) -> None:
    with pytest.raises(ValueError, match="groups"):
        MLPRegressorCV(**QUICK).fit(X, SCORE, groups=groups)


@pytest.mark.parametrize(
    "fit",
    [
        lambda: MLPClassifierCV(**QUICK | {"hidden_layer_sizes": ()}).fit(X, YES),
        lambda: MLPRegressorCV(**QUICK | {"alphas": "qut", "max_iter": 5}).fit(X, SCORE),
        lambda: MLPRegressorCV(**QUICK | {"cv": 2}).fit(X[:2], SCORE[:2]),
        lambda: MLPRegressorCV(**QUICK | {"cv": [(np.arange(6), np.arange(6, 60))]}).fit(X, SCORE, groups=GROUPS),
    ],
    ids=["no hidden layer", "qut", "one training row", "one group"],
)
@pytest.mark.filterwarnings("ignore")
def test_where_nothing_can_be_set_aside_there_is_none(fit: Any, tmp_path: Path) -> None:
    model = fit()
    assert model.early_stopped_ is None
    assert load(save(model, tmp_path / "m")).early_stopped_ is None


@pytest.mark.filterwarnings("ignore")
def test_a_training_that_diverges_keeps_its_start_and_what_is_no_number_loses_infinitely_much() -> None:
    model = MLPRegressorCV(**QUICK | {"learning_rate_init": 1e30}).fit(X, SCORE)
    assert (_stopped(model).n_iter == 0).all()
    assert np.isfinite(_stopped(model).row_loss).all()
    far = X.copy()
    far[3] = 1e60  # beyond float32, in a row that is held out
    problem = PathProblem.of(far, SCORE[:, None], SquaredError(), [(np.arange(20, ROWS), np.arange(20))])
    found = fit_early_stopped(problem, settings_of((4,), max_iter=9), Runner())
    assert found is not None
    assert found.row_loss[3] == np.inf
    assert np.isfinite(np.delete(found.row_loss, 3)).all()


def test_a_compacted_model_holds_none(fitted: Any) -> None:
    assert not hasattr(fitted["numbers"].compact(), "early_stopped_")


def test_a_diagnosis_trains_none_where_a_fit_has_them(fitted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model, jobs, trained = fitted["numbers"], [], Runner.train

    def spy(self: Any, job: Any, *share: Any) -> Any:
        jobs.append(job)
        return trained(self, job, *share)

    monkeypatch.setattr(Runner, "train", spy)
    conditions = model.diagnose(references=False).numbers["arms"]
    assert not any(job.early_stopping for job in jobs)
    assert conditions["early stopping"] == pytest.approx(
        weighted_mean(model.early_stopped_.row_loss, model.path_.row_weights), rel=1e-12
    )


def test_a_file_of_before_holds_none(fitted: Any, tmp_path: Path) -> None:
    document, arrays = opened(save(fitted["several starts"], tmp_path / "m"))
    del document["early_stopped"]
    forged(tmp_path / "m", document, {name: each for name, each in arrays.items() if "early stopped" not in name})
    assert load(tmp_path / "m").early_stopped_ is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("n_iter", -np.ones((3, 2), dtype=int), "epochs below 0"),
        ("n_iter", np.ones((2, 3), dtype=int), "is needed"),
        ("row_loss", np.zeros(ROWS + 1), "is needed"),
        ("outputs", np.zeros((ROWS, 2), dtype=np.float32), "is needed"),
        ("heldout_loss", np.zeros((3, 2), dtype=int), "is needed"),
    ],
    ids=str,
)
def test_a_file_that_says_something_else_is_refused(
    fitted: Any, tmp_path: Path, name: str, value: Any, words: str
) -> None:
    document, arrays = opened(save(fitted["several starts"], tmp_path / "m"))
    forged(tmp_path / "m", document, {**arrays, document["early_stopped"][name]: value})
    with pytest.raises(ModelFileError, match=words):
        load(tmp_path / "m")


def test_a_table_model_is_held_against_the_view_that_loses_least() -> None:
    model: Any = TableRegressor(cv=3, random_state=0).fit(X, SCORE)
    weights = model.path_.row_weights
    each = {name: float(weighted_mean(_stopped(view).row_loss, weights)) for name, view in model.views_.items()}
    worth = {entry["than"]: entry for entry in model.worth_}["early stopping"]
    assert worth["heldout_loss"] == pytest.approx(min(each.values()))
    assert worth["difference"] == pytest.approx(model.heldout_loss_ - min(each.values()))
    assert model.early_stopped_ is model.views_[min(each, key=lambda name: each[name])].early_stopped_
    assert "early stopping" in model._repr_html_()


def test_a_network_whose_training_can_set_nothing_aside_is_no_reference(fitted: Any) -> None:
    model = fitted["numbers"]
    problem = model._problem.with_dependence(Dependence.of_groups(np.zeros(ROWS)))
    assert fit_early_stopped(problem, model.path_.settings, Runner()) is None
