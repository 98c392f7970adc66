"""Laws of fits on a cluster of Ray's, where it is installed: processes of this machine, with the bits of one."""

import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import joblib
import pytest

from clusters import FITS, content, until
from ridgewalk.engine import Runner, compiled
from ridgewalk.engine.cluster import spread
from ridgewalk.engine.job import Fits
from ridgewalk.engine.progress import StoppedError
from test_cluster import assert_same, long_job

ray = pytest.importorskip("ray")
PATHS = {"env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)}}
pytestmark = pytest.mark.usefixtures("small_jobs_are_spread")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # those of the cluster itself
def test_fits_on_two_processes_of_ray_have_the_bits_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ray.util.joblib import register_ray

    def nobody(*_: Any, **__: Any) -> None:
        raise AssertionError("trained by the driver")

    ray.init(num_cpus=2, include_dashboard=False, runtime_env=PATHS, object_store_memory=2**27, logging_level="ERROR")
    try:
        register_ray()
        with joblib.parallel_config(backend="ray"):
            with monkeypatch.context() as patch:
                patch.setattr(compiled, "train", nobody)
                found = {name: content(fit(), tmp_path) for name, fit in FITS.items()}
            runner = Runner()
            threading.Timer(1.0, setattr, (runner.progress, "stop", True)).start()
            with pytest.raises(StoppedError):
                runner.train(long_job(epochs=10**7))
            until(lambda: ray.available_resources().get("CPU", 0) == 2)  # what they train would go on for an hour
    finally:
        ray.shutdown()
    for name, fit in FITS.items():
        assert content(fit(), tmp_path) == found[name], name


def _at_chains() -> list[int]:
    """Return the processes of Ray's that are at a chain."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if file.read_bytes().startswith(b"ray::_train"):
                found.append(int(file.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are looked up in /proc")
def test_a_hung_worker_of_ray_is_not_waited_for_and_a_late_machine_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    from ray.cluster_utils import Cluster
    from ray.util.joblib import register_ray

    monkeypatch.setattr(spread, "_LATE", 1.0)
    monkeypatch.setattr(spread, "_LATE_GUESSED", 2.0)
    job, came, hung = long_job(epochs=2_000), list[Fits](), list[int]()

    def begun() -> bool:
        hung.extend(_at_chains())
        return bool(hung)

    store = {"num_cpus": 1, "object_store_memory": 2**27}
    cluster = Cluster(initialize_head=True, head_node_args=store | {"include_dashboard": False})
    try:
        ray.init(address=cluster.address, runtime_env=PATHS, logging_level="ERROR")
        register_ray()
        with joblib.parallel_config(backend="ray"):
            runner = Runner()
            training = threading.Thread(target=lambda: came.append(runner.train(job)))
            training.start()
            until(begun)
            os.kill(hung[0], signal.SIGSTOP)
            cluster.add_node(**store)
            training.join(120)
    finally:
        for process in hung:
            os.kill(process, signal.SIGCONT)
        ray.shutdown()
        cluster.shutdown()
    assert_same(came[0], Runner(spreader=None).train(job))
