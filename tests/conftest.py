"""What holds for all tests."""

import os
import signal

# A worker has one core, on which threads of OpenMP (scikit-learn's trees) and BLAS would wait for each other in loops.
# That no fit depends on how many BLAS has, test_threads.py tests.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure() -> None:
    """Let Ctrl-C through to the tests of it: a shell starts what runs in its background with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
