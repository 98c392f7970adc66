"""What holds for all tests."""

import os
import shutil
import signal
from collections.abc import Iterator
from typing import Any

import pytest

# A worker has one core, on which threads of OpenMP (scikit-learn's trees) and BLAS would wait for each other in loops.
# That no fit depends on how many BLAS has, test_threads.py tests.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure() -> None:
    """Let Ctrl-C through to the tests of it: a shell starts what runs in its background with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def small_jobs_are_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send away what a driver would train itself."""
    from ridgewalk.engine.cluster import spread

    monkeypatch.setattr(spread, "SMALL", 0.0)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a Chromium of the system, driven by Playwright; skip where either is not there."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright, which drives a browser, is not installed"
    )
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()
