"""Laws of racing: who is dropped, that who stays is as without a race, and that nothing speaks of who was dropped."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.model_selection import KFold, RepeatedKFold

from ridgewalk import MLPRegressorCV, load, save
from ridgewalk.engine import Runner
from ridgewalk.engine.checkpoints import CheckpointStore
from ridgewalk.engine.job import Fits, Job
from ridgewalk.engine.progress import Progress, StoppedError
from ridgewalk.estimators.comparing import compare
from ridgewalk.losses import SquaredError
from ridgewalk.path import PathProblem, PathSettings
from ridgewalk.path.fit import _heldout, find_strengths, fit_path, train_path
from ridgewalk.path.input_selection import relax, select_inputs
from ridgewalk.path.law import null_objectives, with_law
from ridgewalk.path.racing import Race, stages, standing
from ridgewalk.path.result import collect
from ridgewalk.plots import RegularizationPathDisplay
from ridgewalk.report.summary import sentences, summarize

STRENGTHS = 9
SETTINGS = PathSettings((5,), max_iter=80, learning_rate=0.02)
RACING = replace(SETTINGS, racing=True)


@pytest.fixture(scope="module")
def table() -> Any:
    random = np.random.default_rng(5)
    x = random.normal(size=(100, 4))
    return x, x[:, 0] - x[:, 1] + 0.3 * random.normal(size=100)


@pytest.fixture(scope="module")
def problem(table: Any) -> PathProblem:
    x, y = table
    splits = list(KFold(5, shuffle=True, random_state=0).split(x))
    weights = np.where(np.arange(100) % 7 == 0, 2.0, 1.0)
    return PathProblem.of(x, y[:, None], SquaredError(), splits, (0, 1), weights)


@pytest.fixture(scope="module")
def plain(problem: Any) -> Any:
    return fit_path(problem, SETTINGS, STRENGTHS)


@pytest.fixture(scope="module")
def raced(problem: Any) -> Any:
    return fit_path(problem, RACING, STRENGTHS)


@pytest.fixture(scope="module")
def estimator(table: Any) -> Any:
    given: dict[str, Any] = {"alphas": STRENGTHS, "max_iter": 80, "learning_rate_init": 0.02, "random_state": 0}
    return MLPRegressorCV((5,), racing=True, **given).fit(*table)


def behind(mean: float, error: float) -> Any:
    """Draw differences (400,) of this mean, whose standard error is this."""
    draws = np.random.default_rng(0).normal(size=400)
    draws = (draws - draws.mean()) / draws.std(ddof=1)
    return mean + error * np.sqrt(400) * draws


def test_whoever_is_two_paired_standard_errors_behind_is_dropped() -> None:
    best = np.random.default_rng(1).uniform(1, 9, 400)  # rows differ far more than strengths do
    table = best + np.stack([behind(9, 1), behind(9, 1), behind(1.9, 1), behind(0, 0), behind(2.1, 1), behind(1, 0.6)])
    mean, stays = standing(table, np.ones(400))
    np.testing.assert_allclose(mean, table.mean(axis=1))
    assert stays.tolist() == [True, True, True, True, False, True]


def test_rows_count_by_their_weights() -> None:
    table = np.zeros((4, 400))
    table[3] = np.where(np.arange(400) < 200, behind(4, 1), 0)
    light = np.where(np.arange(400) < 200, 0.0, 1.0)
    assert standing(table, np.ones(400))[1].tolist() == [True, True, True, False]
    assert standing(table, light)[1].all()
    twice = standing(table, np.full(400, 2.0))
    assert twice[1].tolist() == [True, True, True, False]


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_what_diverged_is_dropped_and_where_all_did_nothing_is(bad: float) -> None:
    table = np.vstack([np.zeros((2, 50)), np.full((2, 50), bad)])
    assert standing(table, np.ones(50))[1].tolist() == [True, True, False, False]
    assert standing(np.full((4, 50), bad), np.ones(50))[1].all()
    assert standing(np.zeros((1, 50)), np.ones(50))[1].tolist() == [True]


def test_the_reference_and_the_best_above_it_stay_whatever_they_lose() -> None:
    table = np.array([[0.0], [9.0], [8.0], [7.0], [8.0]]) + np.random.default_rng(0).normal(size=(5, 60)) / 100
    assert standing(table, np.ones(60))[1].tolist() == [True, True, False, True, False]


def test_a_race_drops_nobody_after_one_fold_and_counts_rows_that_are_held_out_again_once() -> None:
    rows = [np.arange(10), np.arange(10, 20), np.arange(10)]
    race = Race(np.arange(4.0), rows, np.ones(20))
    race.add(np.array([[1.0], [1.0], [1.0], [9.0]]) + np.arange(10) / 100)
    assert race.left.tolist() == [0, 1, 2, 3]
    race.add(np.array([[1.0], [1.0], [1.0], [3.0]]) + np.arange(10) / 100)
    assert race.left.tolist() == [0, 1, 2]
    race.add(np.array([[1.0], [1.0], [99.0]]) + np.arange(10) / 100)
    dropped = race.dropped
    assert race.left.tolist() == [0, 1]
    assert (dropped.alphas.tolist(), dropped.folds.tolist()) == ([2.0, 3.0], [3, 2])
    # Of 20 rows, half were held out twice, by losses of 1 and of 99; the second was seen once.
    np.testing.assert_allclose(dropped.heldout_loss, [(50 + 1) / 2 + 0.045, 6.045])


def test_every_training_set_is_in_one_stage() -> None:
    for folds in (3, 5, 10):
        assert [each for stage in stages(folds) for each in stage] == list(range(folds + 1))


def test_who_stays_is_as_without_a_race(plain: Any, raced: Any) -> None:
    assert 2 < len(raced.alphas) < len(plain.alphas)
    assert sorted([*raced.alphas, *raced.dropped.alphas]) == plain.alphas.tolist()
    places = np.searchsorted(plain.alphas, raced.alphas)
    np.testing.assert_array_equal(raced.heldout_loss, plain.heldout_loss[places])
    np.testing.assert_array_equal(raced.objective, plain.objective[places])
    for one, other in zip(raced.parameters, plain.parameters, strict=True):
        np.testing.assert_array_equal(one, other[places])
    for one, other in zip(raced.fold_networks.parameters, plain.fold_networks.parameters, strict=True):
        np.testing.assert_array_equal(one, other[places])
    assert plain.dropped.alphas.size == 0


def test_who_is_dropped_is_behind_on_the_folds_that_were_seen(plain: Any, raced: Any) -> None:
    for alpha, folds, loss in zip(raced.dropped.alphas, raced.dropped.folds, raced.dropped.heldout_loss, strict=True):
        seen, place = np.concatenate(plain.heldout_rows[:folds]), np.searchsorted(plain.alphas, alpha)
        weights, rows = plain.row_weights[seen], plain.row_loss[:, seen]
        assert loss == pytest.approx(weights @ rows[place] / weights.sum())
        left = np.isin(plain.alphas, raced.alphas)
        assert loss > (rows[left] @ weights).min() / weights.sum()


def test_who_is_dropped_is_not_trained_on(problem: Any, monkeypatch: pytest.MonkeyPatch, raced: Any) -> None:
    runs: list[int] = []
    train = Runner.train

    def counted(self: Runner, job: Job, share: float = 1.0) -> Fits:
        runs.append(job.runs)
        return train(self, job, share)

    monkeypatch.setattr(Runner, "train", counted)
    fit_path(problem, RACING, raced.alphas)
    everyone = sum(runs)
    runs.clear()
    again = fit_path(problem, RACING, STRENGTHS)
    assert sum(runs) == everyone + 2 * again.dropped.folds.sum()  # of two starts; no cell was ended early


def test_the_work_that_is_left_is_that_of_the_strengths_that_are_left(problem: Any) -> None:
    class Watched(Progress):
        def __init__(self) -> None:
            super().__init__()
            self.totals: dict[str, float] = {}

        def add(self, work: float) -> None:
            super().add(work)
            self.totals.setdefault(self.stage, self.total)

    progress = Watched()
    path = fit_path(problem, RACING, np.geomspace(0.05, 300, 30), Runner(progress=progress))
    assert len(path.dropped.alphas) > 20
    everyone, left, *_ = (total for stage, total in progress.totals.items() if stage.endswith("left"))
    assert left < 0.9 * everyone
    assert left < 1.3 * progress.done
    assert progress.done == pytest.approx(progress.total)


def test_a_race_that_was_broken_off_goes_on_to_the_same_end(problem: Any, raced: Any, tmp_path: Path) -> None:
    class Stopping(Progress):
        def add(self, work: float) -> None:
            super().add(work)
            self.stop = self.stage.startswith("training, ") and not self.stage.startswith(f"training, {STRENGTHS + 1}")

    with pytest.raises(StoppedError):
        fit_path(problem, RACING, STRENGTHS, Runner(progress=Stopping(), checkpoints=CheckpointStore(tmp_path)))
    again = fit_path(problem, RACING, STRENGTHS, Runner(checkpoints=CheckpointStore(tmp_path)))
    np.testing.assert_array_equal(again.heldout_loss, raced.heldout_loss)
    np.testing.assert_array_equal(again.dropped.heldout_loss, raced.dropped.heldout_loss)


def test_what_a_training_missed_and_its_neighbours_found_is_not_held_against_it(problem: Any) -> None:
    runner, null = Runner(), null_objectives(problem, SETTINGS, Runner())
    strengths = find_strengths(problem, SETTINGS, runner, STRENGTHS)
    fits = train_path(problem, SETTINGS, runner, null, strengths)
    fits[4] = replace(fits[4], data_loss=np.full_like(fits[4].data_loss, np.inf))
    path = collect(
        problem, SETTINGS, runner, null, strengths, with_law(problem, SETTINGS, runner, null, strengths, fits)
    )
    given = [
        losses
        for stage in stages(5)
        if stage.stop <= 5
        for losses in _heldout_of(problem, null, strengths, fits, stage)
    ]
    for found, held in zip(given, path.fold_row_loss, strict=True):
        np.testing.assert_allclose(found[1:], held[1:], rtol=1e-12)


def _heldout_of(problem: Any, null: Any, strengths: Any, fits: list[Fits], stage: range) -> Any:
    pairs = np.arange(stage.start * 2, stage.stop * 2)
    return _heldout(problem, SETTINGS, null, strengths, [fit.part(pairs) for fit in fits], stage)


def test_linear_paths_are_solved_and_never_raced(problem: Any) -> None:
    settings = replace(SETTINGS, hidden_layer_sizes=())
    one, other = fit_path(problem, settings, 4), fit_path(problem, replace(settings, racing=True), 4)
    np.testing.assert_array_equal(one.heldout_loss, other.heldout_loss)
    assert other.dropped.alphas.size == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"schedule": "sequential"}, 'take schedule="ramp", or leave racing out'),
        ({"cv": 2}, "there are 2. Leave racing out"),
        ({"scoring": "r2"}, "scoring chooses by another measure. Leave racing out"),
        ({"alphas": "qut"}, "taken whatever it loses. Leave racing out"),
        ({"relax": True}, "choose among refits, too: leave racing out"),
        ({"select_inputs": True}, "choose among refits, too: leave racing out"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_where_no_race_can_be_held_that_is_said(given: Any, words: str, table: Any) -> None:
    with pytest.raises(ValueError, match=words):
        MLPRegressorCV((3,), racing=True, max_iter=2, **{"alphas": 2, "cv": 3} | given).fit(*table)


@pytest.mark.parametrize("way", [select_inputs, relax])
def test_refits_are_chosen_among_and_so_not_raced(way: Any, problem: Any) -> None:
    with pytest.raises(ValueError, match="leave racing out"):
        way(problem, RACING, 2)


def test_repeated_folds_are_raced_over_the_rows_so_far(table: Any) -> None:
    x, y = table
    splits = list(RepeatedKFold(n_splits=3, n_repeats=2, random_state=0).split(x))
    path = fit_path(PathProblem.of(x, y[:, None], SquaredError(), splits), RACING, STRENGTHS)
    assert path.dropped.alphas.size > 0
    assert path.heldout_loss.shape[1] == 6


def test_all_that_shows_a_path_says_who_was_dropped(raced: Any) -> None:
    summary, count = summarize(raced, "min"), len(raced.dropped.alphas)
    assert [entry["alpha"] for entry in summary["dropped"]] == raced.dropped.alphas.tolist()
    assert [row["alpha"] for row in summary["path"]] == raced.alphas.tolist()
    assert any(f"The race dropped {count} strengths more after 2" in sentence for sentence in sentences(summary))
    assert f"{count} dropped by a race" in repr(raced)
    display = RegularizationPathDisplay.from_path(raced, ax=Figure().subplots())
    crosses = next(line for line in display.lines_ if line.get_label() == "dropped by the race")
    np.testing.assert_array_equal(crosses.get_xdata(), raced.dropped.alphas)
    np.testing.assert_array_equal(crosses.get_ydata(), raced.dropped.heldout_loss)


def test_without_a_race_nothing_is_said_of_one(plain: Any) -> None:
    summary = summarize(plain, "min")
    assert summary["dropped"] == []
    assert "race" not in " ".join(sentences(summary)) + repr(plain)
    display = RegularizationPathDisplay.from_path(plain, ax=Figure().subplots())
    assert "dropped by the race" not in [line.get_label() for line in display.lines_]


def test_a_raced_model_is_kept_shown_compared_and_judged(estimator: Any, table: Any, tmp_path: Path) -> None:
    assert estimator.path_.dropped.alphas.size > 0
    assert estimator.alphas_.tolist() == estimator.path_.alphas.tolist()
    assert estimator.linear_path_.dropped.alphas.size == 0
    loaded = load(save(estimator, tmp_path / "raced.safetensors"))
    for name in ("alphas", "folds", "heldout_loss"):
        np.testing.assert_array_equal(getattr(loaded.path_.dropped, name), getattr(estimator.path_.dropped, name))
    assert loaded.racing is True
    assert loaded.path_.settings.racing is True
    page = loaded.report(tmp_path / "page.html")
    assert "The race dropped" in Path(page).read_text(encoding="utf-8")
    whole = MLPRegressorCV(**estimator.get_params() | {"racing": False}).fit(*table)
    assert estimator.alpha_ == whole.alpha_
    assert estimator.gain_ == pytest.approx(whole.gain_, rel=0.2)
    assert len(compare({"raced": estimator, "whole": whole}).models) == 2


@pytest.mark.slow
def test_a_raced_model_is_diagnosed(estimator: Any) -> None:
    dropped = float(estimator.path_.dropped.alphas[-1])
    assert estimator.diagnose(references=False).verdict
    assert estimator.diagnose(alpha=min(dropped, float(estimator.alphas_[-1])), references=False).verdict
