"""Laws of Ctrl-C: chains end long before they are done, wherever they are, and the user's workers live on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from amounts import long
from clusters import chains_under_way, cluster, running_in, started, until, workers
from ridgewalk.cluster import shared_folder
from ridgewalk.engine import Runner
from test_cluster import assert_same, long_job
from test_engine import X, Y

pytestmark = pytest.mark.usefixtures("small_jobs_are_spread")

_DRIVER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
import joblib
from ridgewalk.engine import Runner
from test_cluster import long_job
if sys.argv[1] == "dask":
    from distributed import Client
    client = Client(sys.argv[2])
if __name__ == "__main__":
    with joblib.parallel_config(backend=sys.argv[1], n_jobs=2):
        print("begun", flush=True)
        Runner().train(long_job(epochs=10**8))
"""


def interrupted(driver: subprocess.Popen[bytes]) -> None:
    """Send Ctrl-C to a driver, which ends with it."""
    driver.send_signal(signal.SIGINT)
    assert driver.wait(60) != 0


@pytest.mark.slow
def test_ctrl_c_of_a_fit_ends_the_chains_of_its_folder(tmp_path: Path) -> None:
    pd.DataFrame(X, columns=list("abcde")).assign(y=Y[:, 0]).to_csv(tmp_path / "table.csv", index=False)
    shared = tmp_path / "shared"
    fit = ["fit", str(tmp_path / "table.csv"), "--target", "y", "--hidden", "64", "--max-iter", "100000000"]
    more = ["--out", str(tmp_path / "out"), "--workers", str(shared), "--folds", "3"]
    with workers(shared, count=1) as (worker,):
        command = [sys.executable, "-c", "import ridgewalk.cli; ridgewalk.cli.main()", *fit, *more]
        with started(command, stderr=subprocess.PIPE) as driver:
            until(lambda: running_in(shared) == 1)
            interrupted(driver)
            assert driver.stderr is not None
            assert b"Traceback" not in driver.stderr.read()
        until(lambda: running_in(shared) == 0)
        assert worker.poll() is None
        job = long_job(epochs=500)
        with shared_folder(shared):
            assert_same(Runner().train(job), Runner(spreader=None).train(job))


@long
@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # those of the cluster itself
def test_ctrl_c_of_a_driver_ends_its_chains_on_dask_and_leaves_the_cluster() -> None:
    with cluster() as client:
        processes = client.run(os.getpid)
        command = [sys.executable, "-c", _DRIVER, "dask", client.scheduler.address]
        with started(command, stderr=subprocess.DEVNULL) as driver:
            until(lambda: sum(client.run(chains_under_way).values()) == 2)
            interrupted(driver)
        until(lambda: sum(client.run(chains_under_way).values()) == 0)
        assert client.run(os.getpid) == processes
        job = long_job(epochs=500)
        assert_same(Runner().train(job), Runner(spreader=None).train(job))


@long
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_ctrl_c_of_a_driver_ends_its_processes_of_joblib(tmp_path: Path) -> None:
    file = tmp_path / "driver.py"  # loky's processes load it
    file.write_text(_DRIVER, encoding="utf-8")
    command = [sys.executable, str(file), "loky"]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True) as driver:
        assert driver.stdout is not None
        driver.stdout.readline()
        until(lambda: sum(map(_busy, _session(driver.pid))) >= 2)
        interrupted(driver)
    until(lambda: not _session(driver.pid))


def _session(leader: int) -> list[int]:
    """Return the living processes of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def _busy(process: int) -> bool:
    """Return whether a process has computed for more than three seconds, which loading alone does not take."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return int(fields[11]) > 3 * os.sysconf("SC_CLK_TCK")
