"""Laws of a folder that machines share: as many processes as there are, and what is said where there is none."""

import threading
import time
import warnings
from pathlib import Path

import pytest

from amounts import WHOLE, long
from clusters import FITS, content, until, workers
from ridgewalk.cluster import shared_folder
from ridgewalk.engine import Runner
from ridgewalk.engine.cluster import workers as workers_module
from ridgewalk.engine.cluster.folder import FolderWorkers
from ridgewalk.engine.cluster.spread import Spreader
from ridgewalk.engine.cluster.workers import Patience
from ridgewalk.engine.job import Fits
from test_cluster import assert_same, long_job, worker_here

pytestmark = pytest.mark.usefixtures("small_jobs_are_spread")


@long
@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 4])
def test_fits_on_one_and_four_processes_of_a_folder_have_the_bits_of_one(tmp_path: Path, count: int) -> None:
    names = list(FITS) if WHOLE else ["path"]
    with workers(tmp_path / "shared", count), shared_folder(tmp_path / "shared") as described:
        assert described == f"{count} worker{'s' if count > 1 else ''}, {count} chain{'s' if count > 1 else ''} at once"
        found = {name: content(FITS[name](), tmp_path) for name in names}
    for name in names:
        assert content(FITS[name](), tmp_path) == found[name], name


def test_a_warning_comes_while_there_is_no_worker_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    patience = Patience()

    def warns(seconds: float, lacking: str = "Nobody.") -> bool:
        now[0] += seconds
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            patience.look(lacking)
        assert all(str(each.message).startswith("Nobody. Waiting since ") for each in caught)
        return bool(caught)

    assert [warns(1) for _ in range(8)] == [False] * 5 + [True] + [False] * 2
    assert not warns(50)
    assert warns(10)
    assert not warns(0, "")
    assert not warns(100)  # it has begun anew
    assert warns(6)


def test_a_folder_without_workers_is_waited_for_and_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers_module, "_PATIENCE", 0.2)
    job, came, there = long_job(runs=3, epochs=500), list[Fits](), list[FolderWorkers]()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        opening = threading.Thread(target=lambda: there.append(FolderWorkers(tmp_path)))
        opening.start()
        until(lambda: bool(caught))
        with worker_here(tmp_path):
            opening.join(60)
        before = len(caught)
        runner = Runner(spreader=Spreader(there[0]))
        training = threading.Thread(target=lambda: came.append(runner.train(job)))
        training.start()  # they have all gone since
        until(lambda: len(caught) > before)
        with worker_here(tmp_path):
            training.join(60)
    there[0].close(whole=True)
    for each in caught:
        said = str(each.message)
        assert said.startswith(f"No worker looks at {tmp_path}. Start some: ridgewalk worker {tmp_path}. Waiting since")
    assert_same(came[0], Runner(spreader=None).train(job))
