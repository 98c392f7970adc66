"""What holds for all tests."""

import os
import signal

# A worker has one core, on which OpenMP's threads (those of scikit-learn's trees) would wait for each other in loops.
# BLAS keeps as many threads as it has elsewhere, so that what must not depend on them is tested.
os.environ.setdefault("OPENBLAS_NUM_THREADS", str(os.cpu_count()))
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure() -> None:
    """Let Ctrl-C through to the tests of it: a shell starts what runs in its background with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
