"""What holds for all tests."""

import signal


def pytest_configure() -> None:
    """Let Ctrl-C through to the tests of it: a shell starts what runs in its background with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
