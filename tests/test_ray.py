"""Laws of fits on a cluster of Ray's, where it is installed: two processes of this machine, with the bits of one."""

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import joblib
import pytest

from clusters import FITS, content
from ridgewalk.engine import Runner, compiled
from ridgewalk.engine.progress import StoppedError
from test_cluster import long_job

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.usefixtures("small_jobs_are_spread")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # those of the cluster itself
def test_fits_on_two_processes_of_ray_have_the_bits_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ray.util.joblib import register_ray

    def nobody(*_: Any, **__: Any) -> None:
        raise AssertionError("trained by the driver")

    paths = {"env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)}}
    ray.init(num_cpus=2, include_dashboard=False, runtime_env=paths, object_store_memory=2**27, logging_level="ERROR")
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
            stopped = time.monotonic()
            while ray.available_resources().get("CPU", 0) < 2:
                time.sleep(0.05)
            assert time.monotonic() - stopped < 2
    finally:
        ray.shutdown()
    for name, fit in FITS.items():
        assert content(fit(), tmp_path) == found[name], name
