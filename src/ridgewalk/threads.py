"""Python threads: as many as requested or available, and ended safely with the interpreter.

A thread that still runs when the interpreter exits is terminated abruptly. Inside C++ code, of the engine or NumPy,
this crashes the process. Code that must not be terminated runs inside :func:`ends_with_interpreter`: it is stopped
and joined before the interpreter exits. From then on, such code can start only in the main thread.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

_Item = TypeVar("_Item")
_Parameters = ParamSpec("_Parameters")
_Answer = TypeVar("_Answer")
_EXIT_SECONDS = 5.0  # seconds that the interpreter waits for what has no stop


def allotted_cores() -> int:
    """Return how many cores this process may use: of the machine, of its affinity, and of its control group's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        cores = min(cores, max(1, int(int(quota) / int(period))))
    except (OSError, ValueError):  # there is none, or no limit ("max")
        pass
    return cores


def started(run: Callable[[], None]) -> threading.Thread | None:
    """Start a thread; return None if the system has none available."""
    thread = threading.Thread(target=run, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # "can't start new thread"
        return None
    return thread


def for_each(
    work: Callable[[_Item], None], items: Sequence[_Item], threads: int, stop: Callable[[], None] = lambda: None
) -> None:
    """Process all items on this number of threads, or as many as the system can start.

    Parameters
    ----------
    work : function of one item
    items : sequence
    threads : int
    stop : function, optional
        Called when some work has failed, or at Ctrl-C, so that the others leave off. The first exception is raised when
        all have; what nobody has begun is not done.
    """
    waiting, problems, lock = deque(items), list[BaseException](), threading.Lock()

    def fail(problem: BaseException) -> None:
        problems.append(problem)
        waiting.clear()
        stop()

    def serve() -> None:
        try:
            while True:
                with lock:
                    if not waiting:
                        return
                    item = waiting.popleft()
                work(item)
        except BaseException as problem:
            fail(problem)

    helpers: list[threading.Thread] = []
    try:
        while len(helpers) < min(threads, len(items)) - 1:
            helper = started(serve)
            if helper is None:
                break
            helpers.append(helper)
        serve()
        for helper in helpers:
            helper.join()
    except BaseException as problem:  # Ctrl-C while others are waited for
        fail(problem)
    for helper in helpers:
        helper.join()
    if problems:
        raise problems[0]


class _Ending:
    """What is to be stopped before the interpreter ends."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.stops: dict[object, Callable[[], None] | None] = {}
        self.begun = False

    @property
    def refuses(self) -> bool:
        """Whether this thread may begin nothing any more."""
        return self.begun and threading.current_thread() is not threading.main_thread()

    def end(self) -> None:
        """Stop everything and wait until it has ended, with a time limit for work that cannot be stopped."""
        with self.condition:
            self.begun = True
            for stop in self.stops.values():
                if stop:
                    stop()
            self.condition.wait_for(lambda: not any(self.stops.values()))
            self.condition.wait_for(lambda: not self.stops, _EXIT_SECONDS)


_ending = _Ending()


@contextmanager
def ends_with_interpreter(stop: Callable[[], None] | None) -> Iterator[None]:
    """Call ``stop`` before the interpreter ends, and let it wait until the block is left.

    Without a stop the block ends where it comes upon another, or upon :func:`look_for_end`.

    Raises
    ------
    SystemExit
        In a thread other than the main one, at the end of the interpreter: the thread ends without a word.
    """
    ending, key = _ending, object()
    with ending.condition:
        if ending.refuses:
            raise SystemExit
        ending.stops[key] = stop
    try:
        yield
    except Exception:
        if ending.refuses:
            raise SystemExit from None
        raise
    finally:
        with ending.condition:
            del ending.stops[key]
            ending.condition.notify_all()


def look_for_end() -> None:
    """End this thread, if the interpreter ends and it is not the main one."""
    if _ending.refuses:
        raise SystemExit


def ending_with_interpreter(function: Callable[_Parameters, _Answer]) -> Callable[_Parameters, _Answer]:
    """Let a function's threads end quietly with the interpreter."""

    @wraps(function)
    def run(*arguments: _Parameters.args, **named: _Parameters.kwargs) -> _Answer:
        with ends_with_interpreter(None):
            return function(*arguments, **named)

    return run


def _begin_anew() -> None:
    """Forget, in a forked process, the threads that it does not have."""
    global _ending  # noqa: PLW0603
    _ending = _Ending()


def _end() -> None:
    """End running work in this process, but not after a fork in the child."""
    _ending.end()


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
