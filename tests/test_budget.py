"""A time becomes a grid: the largest that fits, what the user gave left alone; what is counted is trained."""

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from paths import settings_of
from ridgewalk.cli import budget
from ridgewalk.cli.budget import SIZES, Cost, Size, fitted_into, measured
from ridgewalk.cli.options import Columns, PathOptions
from ridgewalk.cli.training import read_problem
from ridgewalk.engine import Runner
from ridgewalk.losses import BinaryCrossEntropy
from ridgewalk.path import PathProblem, fit_path
from ridgewalk.path.input_selection import relax, select_inputs

OPTIONS = PathOptions(hidden="4", jobs=1)


def changed(**options: Any) -> PathOptions:
    return PathOptions(**{**OPTIONS.__dict__, **options})


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> Any:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.normal(size=(60, 3)), columns=list("abc"))
    frame["y"] = np.where(frame["a"] + generator.normal(size=60) > 0, "yes", "no")
    file = tmp_path_factory.mktemp("tables") / "t.csv"
    frame.to_csv(file, index=False)
    return read_problem(Path(file), Columns("y"), OPTIONS, verbose=False)


def chosen(limit: Any, problem: Any, given: Any = (), options: Any = OPTIONS) -> Any:
    found, said = fitted_into(limit, time.monotonic(), problem, options, given, verbose=False)
    return Size(int(found.alphas), found.folds, found.seeds, int(found.max_iter or 0)), said


@pytest.fixture
def cost(monkeypatch: pytest.MonkeyPatch) -> Any:
    cost = Cost(fit=0.001, epoch=0.0001)
    monkeypatch.setattr(budget, "measured", lambda *_: cost)
    return cost


def test_grids_rise(cost: Any) -> None:
    for smaller, larger in pairwise(SIZES):
        assert cost.seconds(smaller, OPTIONS) < cost.seconds(larger, OPTIONS)
    assert Size(30, 5, 1, 600) in SIZES  # what is fitted without a budget


@pytest.mark.parametrize("index", range(len(SIZES)))
def test_the_largest_affordable_grid_is_fitted(cost: Any, problem: Any, index: Any) -> None:
    enough = cost.seconds(SIZES[index], OPTIONS) / 0.85 + 0.5  # half a second, for this to run
    size, said = chosen(enough, problem)
    assert size == SIZES[index]
    assert str(size) in said
    assert ("Left out: " + str(SIZES[index + 1]) if index + 1 < len(SIZES) else "Nothing is left out") in said


@pytest.mark.usefixtures("cost")
def test_what_the_user_gave_stays(problem: Any) -> None:
    for given, options in (
        ({"folds"}, changed(folds=4)),
        ({"seeds", "max_iter"}, changed(seeds=2, max_iter=50)),
        ({"alphas"}, changed(alphas="7")),
    ):
        for limit in (20, 1e6):
            size, _ = chosen(limit, problem, given, options)
            for name in given:
                assert str(getattr(size, name)) == str(getattr(options, name))
    everything = {"folds", "seeds", "max_iter", "alphas"}
    assert "Nothing is left out" in chosen(1e6, problem, everything)[1]  # there is one grid only
    strengths = fitted_into(1e6, time.monotonic(), problem, changed(alphas="0.1,0.2"), {"alphas"}, verbose=False)[0]
    assert strengths.alphas == "0.1,0.2"


@pytest.mark.usefixtures("cost")
def test_no_more_folds_than_the_rarest_class_has_rows(problem: Any) -> None:
    rows = np.concatenate([np.flatnonzero(problem.y == "no"), np.flatnonzero(problem.y == "yes")[:4]])
    assert chosen(1e6, problem.part(rows))[0].folds == 4


@pytest.mark.parametrize("way", [fit_path, relax, select_inputs], ids=["path", "relax", "select_inputs"])
@pytest.mark.parametrize("batch", [None, 16])
def test_what_is_counted_is_what_is_trained(monkeypatch: pytest.MonkeyPatch, way: Any, batch: Any) -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(60, 3))
    y = (x[:, :1] > 0).astype(float)
    folds, rows = 3, np.arange(60)
    splits = [(rows[rows % folds != k], rows[rows % folds == k]) for k in range(folds)]
    jobs, train = [], Runner.train

    def spy(self: Any, job: Any, *share: Any) -> Any:
        jobs.append(job)
        return train(self, job, *share)

    monkeypatch.setattr(Runner, "train", spy)
    settings = settings_of((4,), max_iter=60, learning_rate=0.05, batch_size=batch)
    way(PathProblem.of(x, y, BinaryCrossEntropy(), splits, (0, 1)), settings, [1e-6, 1e-5, 1e-4, 1e-3])
    done = sum(job.work for job in jobs)
    options = changed(relax=way is relax, select_inputs=way is select_inputs, batch_size=batch)
    _, epochs = budget._work(Size(4, folds, 2, 60), options)
    counted = epochs * (folds + 1) / folds  # a job's work counts every training set alike
    assert done == pytest.approx(counted, rel=0.01 if way is fit_path else 1)
    assert done <= counted * 1.01  # supports that several strengths share are refitted once


def test_measuring_gives_a_cost_of_fits_and_of_epochs(problem: Any) -> None:
    cost = measured(problem, OPTIONS, 5.0)
    assert cost.fit >= 0
    assert cost.epoch > 0
    linear = measured(problem, changed(hidden="none"), 5.0)
    assert linear.fit > 0
    assert linear.epoch == 0  # solved, whatever the epochs


def test_a_large_table_is_measured_on_some_rows_of_every_class(problem: Any) -> None:
    rare = np.where(np.arange(60) < 3, "rare", problem.y)
    table = problem.part(np.arange(60))
    table = type(problem)(**{**table.__dict__, "y": rare})
    some = budget._some_rows(table, 10)
    assert 10 <= len(some) < 35
    assert set(rare[some]) == {"rare", "yes", "no"}
    assert len(set(some)) == len(some)
