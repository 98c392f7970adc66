"""Laws of the progress bar."""

import io
import pickle
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from sklearn.base import clone

from ridgewalk import MLPClassifierCV, MLPRegressorCV, TableClassifier, TableRegressor
from ridgewalk import progress as module
from ridgewalk.engine.progress import Progress
from ridgewalk.estimators import table_progress, whole_path
from ridgewalk.progress import progress


def test_without_showing_there_is_only_a_watch(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Fitting", show=False) as watched, watched.task(10):
        watched.add(5)
    assert capsys.readouterr() == ("", "")


def test_a_log_gets_a_line_at_once_per_stage_and_per_quarter_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.01)
    log, counted, ended = io.StringIO(), Progress(), threading.Event()
    console = Console(file=log, width=200)
    poller = threading.Thread(target=module._poll_lines, args=(console, "Fitting", counted, ended))
    poller.start()

    def wait_for(lines: Any) -> None:
        for _ in range(500):
            if log.getvalue().count("\n") >= lines:
                break
            ended.wait(0.01)
        assert log.getvalue().count("\n") <= lines

    wait_for(1)
    counted.stage = "training"
    wait_for(2)
    with counted.task(8):
        for _ in range(8):
            counted.add(1)
            wait_for(2 + (counted.done * 4 // 8 if counted.done < 8 else 3))
    ended.set()
    poller.join()
    lines = log.getvalue().splitlines()
    assert lines[:2] == ["Fitting: 0 s", "Fitting, training: 0 s"]
    assert [line.split(", ")[1] for line in lines[2:]] == ["training: 25%", "training: 50%", "training: 75%"]
    assert all("s left" in line for line in lines[2:])


@pytest.mark.parametrize("in_a_terminal", [False, True])
def test_the_share_that_is_shown_never_falls(monkeypatch: pytest.MonkeyPatch, in_a_terminal: bool) -> None:
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.01)
    log, counted, ended = io.StringIO(), Progress(), threading.Event()
    console = Console(file=log, force_terminal=in_a_terminal, width=200)
    poll = module._poll_bar if in_a_terminal else module._poll_lines
    poller = threading.Thread(target=poll, args=(console, "Fitting", counted, ended))
    poller.start()

    def wait_for(words: str) -> None:
        for _ in range(500):
            if words in log.getvalue():
                return
            ended.wait(0.01)

    with counted.task(10):
        counted.add(8)
        counted.stage = "first"
        wait_for("first")
        with counted.task(100):  # more than was expected
            assert counted.done / counted.total < 0.1
            counted.stage = "second"
            wait_for("second")
        counted.stage = "third"
        wait_for("third")
        ended.set()
    poller.join()
    shares = [int(each) for each in re.findall(r"(\d+)%", log.getvalue())]
    assert 80 in shares
    assert shares == sorted(shares)


def test_a_log_hears_of_what_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(module, "_LONG_SECONDS", 0.05)
    log, counted, ended = io.StringIO(), Progress(), threading.Event()
    console = Console(file=log, width=200)
    poller = threading.Thread(target=module._poll_lines, args=(console, "Fitting", counted, ended))
    poller.start()
    for _ in range(500):
        if log.getvalue().count("\n") >= 3:
            break
        ended.wait(0.01)
    ended.set()
    poller.join()
    assert log.getvalue().count("\n") >= 3


def test_a_terminal_gets_a_bar_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.01)
    log, counted, ended = io.StringIO(), Progress(), threading.Event()
    console = Console(file=log, force_terminal=True, width=100)
    poller = threading.Thread(target=module._poll_bar, args=(console, "Fitting", counted, ended))
    with counted.task(4):
        counted.add(3)
        poller.start()
        for _ in range(500):
            if "75%" in log.getvalue():
                break
            ended.wait(0.01)
    ended.set()
    poller.join()
    assert "75%" in log.getvalue()
    assert "left" in log.getvalue()


KINDS = {
    "a path": MLPClassifierCV((4,), alphas=4, max_iter=20),
    "several ratios": MLPClassifierCV((4,), alphas=4, l1_ratio=[0.2, 0.8], max_iter=20),
    "a linear path": MLPClassifierCV((), alphas=4),
    "one after the other": MLPClassifierCV((4,), alphas=4, schedule="sequential", max_iter=20),
    "batches": MLPClassifierCV((4,), alphas=4, batch_size=20, max_iter=20),
    "qut": MLPClassifierCV((4,), alphas="qut", max_iter=20),
    "selected inputs": MLPClassifierCV((4,), alphas=4, select_inputs=True, max_iter=20),
    "refits": MLPClassifierCV((4,), alphas=4, relax=True, max_iter=20),
    "numbers": MLPRegressorCV((4,), alphas=4, n_seeds=2, max_iter=20),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_fit_expects_is_what_it_does(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    first = []

    class Noting(Progress):
        """Notes what was expected of the whole fit."""

        def task(self, expected: Any, unit: Any = 1.0) -> Any:
            first.append(expected)
            return super().task(expected, unit)

    counted = Noting()

    @contextmanager
    def watched(*_: Any) -> Iterator[Any]:
        yield counted

    monkeypatch.setattr(whole_path, "progress", watched)
    x = np.random.default_rng(0).normal(size=(60, 3))
    clone(KINDS[kind]).set_params(cv=2, random_state=0).fit(x, (x[:, 0] > 0).astype(int))
    assert counted.done == counted.total
    assert first[0] / 2 < counted.done < first[0] * 1.1


VIEWS = {
    "two views": (TableClassifier(cv=3), 60),
    "one view": (TableClassifier(cv=3, views="encoded"), 60),
    "several starts": (TableClassifier(cv=3, n_seeds=2), 60),
    "numbers in batches": (TableRegressor(cv=3), 1_100),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", VIEWS)
def test_a_table_model_has_one_bar_and_one_time_left(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    tasks, titles, seen = [], [], []

    class Noting(Progress):
        """Notes what was expected of the whole fit, and what was shown."""

        def task(self, expected: Any, unit: Any = 1.0) -> Any:
            tasks.append(expected)
            seen.append((self.part, self.stage))
            return super().task(expected, unit)

    counted = Noting()

    @contextmanager
    def watched(title: Any, *_: Any) -> Iterator[Any]:
        titles.append(title)
        yield counted

    monkeypatch.setattr(table_progress, "progress", watched)
    monkeypatch.setattr(whole_path, "progress", watched)
    model, rows = VIEWS[kind]
    x = np.random.default_rng(0).normal(size=(rows, 3))
    y = (x[:, 0] > 0).astype(int) if isinstance(model, TableClassifier) else x[:, 0]
    fitted = clone(model).set_params(random_state=0).fit(x, y)
    assert titles == ["Fitting the table model"]
    assert counted.done == pytest.approx(counted.total)
    assert tasks[0] / 2.5 < counted.done < tasks[0] * 1.5  # in a race nobody knows how many strengths will be dropped
    own = [expected for expected, (part, stage) in zip(tasks, seen, strict=True) if part and not stage]
    assert len(own) == len(fitted.views_)
    assert tasks[0] == pytest.approx(sum(own) + tasks[-1], rel=0.02)  # each view expects what was guessed before
    assert list(dict.fromkeys(part for part, _ in seen if part)) == [f"view {name}" for name in fitted.views_]
    assert seen[-1] == ("", "blending")
    assert all(view._watched is None for view in fitted.views_.values())
    pickle.dumps(fitted)


def test_the_part_is_shown_before_the_stage() -> None:
    counted = Progress()
    assert module._doing("Fitting", counted) == "Fitting"
    counted.stage = "blending"
    assert module._doing("Fitting", counted) == "Fitting, blending"
    counted.part = "view plain"
    assert module._doing("Fitting", counted) == "Fitting, view plain, blending"


def test_what_is_known_to_come_counts_until_it_begins() -> None:
    counted = Progress()
    with counted.task(30.0):
        assert counted.seconds_left(1.0) is None
        with counted.task(10):
            assert (counted.done, counted.total) == (0, 30)
            counted.add(5)
            assert counted.seconds_left(2.0) == pytest.approx(2 * (30 / 5 - 1))
        assert (counted.done, counted.total) == (5, 25)  # five of them were not needed
        with counted.task(25):  # more than was expected
            assert (counted.done, counted.total) == (5, 30)
            with counted.task(10, unit=0.5):
                counted.add(10)
                counted.skip(10)
            assert (counted.done, counted.total) == (10, 25)
            counted.add(15)
        assert counted.seconds_left(2.0) is None
    assert (counted.done, counted.total) == (25, 25)
