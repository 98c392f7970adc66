"""Laws of the progress bar."""

import io
import threading
from contextlib import contextmanager

import numpy as np
import pytest
from rich.console import Console
from sklearn.base import clone

from ridgewalk import MLPClassifierCV, MLPRegressorCV
from ridgewalk import progress as module
from ridgewalk.engine.watch import Watch
from ridgewalk.estimators import whole_path
from ridgewalk.progress import progress


def test_without_showing_there_is_only_a_watch(capsys):
    with progress("Walking", show=False) as watch:
        watch.total = 10
        watch.add(5)
    assert capsys.readouterr() == ("", "")


def test_a_log_gets_a_line_at_once_per_stage_and_per_quarter_and_the_time_left(monkeypatch):
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.01)
    console, watch, ended = Console(file=io.StringIO(), width=200), Watch(), threading.Event()
    poller = threading.Thread(target=module._poll_lines, args=(console, "Walking", watch, ended))
    poller.start()

    def wait_for(lines):
        for _ in range(500):
            if console.file.getvalue().count("\n") >= lines:
                break
            ended.wait(0.01)
        assert console.file.getvalue().count("\n") <= lines

    wait_for(1)
    watch.stage = "training"
    wait_for(2)
    watch.total = 8
    for _ in range(8):
        watch.add(1)
        wait_for(2 + (watch.done * 4 // 8 if watch.done < 8 else 3))
    ended.set()
    poller.join()
    lines = console.file.getvalue().splitlines()
    assert lines[:2] == ["Walking: 0 s", "Walking, training: 0 s"]
    assert [line.split(", ")[1] for line in lines[2:]] == ["training: 25%", "training: 50%", "training: 75%"]
    assert all("s left" in line for line in lines[2:])


def test_a_log_hears_of_what_takes_long(monkeypatch):
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(module, "_LONG_SECONDS", 0.05)
    console, watch, ended = Console(file=io.StringIO(), width=200), Watch(), threading.Event()
    poller = threading.Thread(target=module._poll_lines, args=(console, "Walking", watch, ended))
    poller.start()
    for _ in range(500):
        if console.file.getvalue().count("\n") >= 3:
            break
        ended.wait(0.01)
    ended.set()
    poller.join()
    assert console.file.getvalue().count("\n") >= 3


def test_a_terminal_gets_a_bar_that_goes_away(monkeypatch):
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.01)
    console, watch, ended = Console(file=io.StringIO(), force_terminal=True, width=100), Watch(), threading.Event()
    watch.total, watch.done = 4, 3
    poller = threading.Thread(target=module._poll_bar, args=(console, "Walking", watch, ended))
    poller.start()
    for _ in range(500):
        if "75%" in console.file.getvalue():
            break
        ended.wait(0.01)
    ended.set()
    poller.join()
    assert "75%" in console.file.getvalue()
    assert "left" in console.file.getvalue()


KINDS = {
    "a path": MLPClassifierCV((4,), alphas=4, max_iter=20),
    "several ratios": MLPClassifierCV((4,), alphas=4, l1_ratio=[0.2, 0.8], max_iter=20),
    "a linear path": MLPClassifierCV((), alphas=4),
    "one after the other": MLPClassifierCV((4,), alphas=4, walk="sequential", max_iter=20),
    "batches": MLPClassifierCV((4,), alphas=4, batch_size=20, max_iter=20),
    "qut": MLPClassifierCV((4,), alphas="qut", max_iter=20),
    "selected inputs": MLPClassifierCV((4,), alphas=4, select_inputs=True, max_iter=20),
    "refits": MLPClassifierCV((4,), alphas=4, relax=True, max_iter=20),
    "numbers": MLPRegressorCV((4,), alphas=4, n_seeds=2, max_iter=20),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_fit_expects_is_what_it_does(monkeypatch, kind):
    watches = []

    @contextmanager
    def watched(*_):
        watches.append(Watch())
        yield watches[-1]

    monkeypatch.setattr(whole_path, "progress", watched)
    x = np.random.default_rng(0).normal(size=(60, 3))
    clone(KINDS[kind]).set_params(cv=2, random_state=0).fit(x, (x[:, 0] > 0).astype(int))
    (watch,) = watches
    assert watch.done > 0
    assert watch.later <= 0.05 * watch.total
    assert watch.done == pytest.approx(watch.total, rel=0.1)


def test_what_is_known_to_come_counts_until_it_begins():
    watch = Watch()
    watch.later = 30.0
    watch.begin(10)
    assert (watch.total, watch.later) == (10, 20)
    assert watch.seconds_left(1.0) is None
    watch.add(5)
    assert watch.seconds_left(2.0) == pytest.approx(2 * (30 / 5 - 1))
    watch.begin(25)
    assert (watch.total, watch.later) == (35, 0)
    with watch.counting(0.5):
        watch.add(10)
        watch.expect(-10)
    assert (watch.done, watch.total) == (10, 30)
    watch.add(20)
    assert watch.seconds_left(2.0) is None
