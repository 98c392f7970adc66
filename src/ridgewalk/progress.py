"""Show the progress of an engine: a bar with time left, plain lines in a log, or a line per epoch."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from ridgewalk.engine.progress import Progress
from ridgewalk.formatting import format_duration
from ridgewalk.terminal import Terminal
from ridgewalk.threads import ends_with_interpreter, started

_POLL_SECONDS = 0.1
_LINES = 4
"""How many lines a run leaves in a log, besides one for every stage."""
_LONG_SECONDS = 10.0
"""After which a log gets a line more, and again after twice as long."""


@contextmanager
def progress(title: str, show: bool = True) -> Iterator[Progress]:
    """Show how far the engine is while the block runs; hand it the progress that this yields.

    Everything goes to standard error, so that standard output stays clean. Where the system has no thread to give, the
    work goes on unseen.
    """
    watched = Progress()
    if not show:
        yield watched
        return
    console = Terminal(file=sys.stderr)
    ended = threading.Event()
    poll = _poll_bar if console.is_terminal else _poll_lines

    def show_it() -> None:
        with ends_with_interpreter(ended.set):
            poll(console, title, watched, ended)

    poller = started(show_it)
    try:
        yield watched
    finally:
        ended.set()
        if poller:
            poller.join()


@contextmanager
def epoch_lines(show: bool = True) -> Iterator[Progress]:
    """Print a line with the losses of every epoch inside the block.

    The lines go to standard output, as scikit-learn's do. Where the system has no thread to give, all come at the end.
    """
    watched = Progress()
    if not show:
        yield watched
        return
    ended = threading.Event()
    printed: dict[tuple[int, int], int] = {}

    def follow() -> None:
        with ends_with_interpreter(ended.set):
            while not ended.wait(_POLL_SECONDS):
                _print_epochs(watched, printed)

    follower = started(follow)
    try:
        yield watched
    finally:
        ended.set()
        if follower:
            follower.join()
        _print_epochs(watched, printed)


def _print_epochs(watched: Progress, printed: dict[tuple[int, int], int]) -> None:
    """Print new epochs; an epoch is complete when the engine has written its norms."""
    runs = [(k, run) for k, history in enumerate(watched.histories) for run in range(len(history.data_loss))]
    for number, (k, run) in enumerate(runs, 1):
        history = watched.histories[k]
        there = int(np.isfinite(history.norms[run, :, -1]).sum())
        losses = {"loss": history.data_loss, "penalty": history.penalty, "validation loss": history.validation_loss}
        for at in range(printed.get((k, run), 1), there):
            values = {name: float(curve[run, at]) for name, curve in losses.items()}
            print_epoch(int(history.epochs[at]), number if len(runs) > 1 else None, values)
            printed[k, run] = at + 1


def print_epoch(number: int, start: int | None, values: Mapping[str, float]) -> None:
    """Print the line of one epoch, with ``start`` as the seed if there are several, without missing numbers."""
    losses = ", ".join(f"{name} = {value:.8f}" for name, value in values.items() if np.isfinite(value))
    print(f"Iteration {number}{'' if start is None else f' of start {start}'}, {losses}", flush=True)


def _poll_bar(console: Terminal, title: str, watched: Progress, ended: threading.Event) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Bar(*columns, console=console, transient=True, auto_refresh=False) as bar:
        task, clock, share = bar.add_task(title, total=None, left=""), Clock(watched), Share(watched)
        while not ended.wait(_POLL_SECONDS):
            done, left = share.done(), clock.left()
            bar.update(
                task,
                description=_doing(title, watched),
                total=None if done is None else 1.0,
                completed=done or 0.0,
                left="" if left is None else f"about {format_duration(left)} left",
                refresh=True,
            )


class Clock:
    """The duration of work; lookups before it begins do not count for the time left."""

    def __init__(self, watched: Progress) -> None:
        self._watched, self._before = watched, time.monotonic()

    def left(self) -> float | None:
        now = time.monotonic()
        if not self._watched.done:
            self._before = now
        return self._watched.seconds_left(now - self._before)


class Share:
    """The share of the work that is done, as it is shown: it never falls, though the work turns out to be more."""

    def __init__(self, watched: Progress) -> None:
        self._watched, self._highest = watched, 0.0

    def done(self) -> float | None:
        """Return it, from 0 to 1; None where no work is expected yet."""
        done, total = self._watched.done, self._watched.total
        if not total:
            return None
        self._highest = max(self._highest, min(1.0, done / total))
        return self._highest


def _doing(title: str, watched: Progress) -> str:
    return ", ".join(filter(None, (title, watched.part, watched.stage)))


def _poll_lines(console: Terminal, title: str, watched: Progress, ended: threading.Event) -> None:
    """Write a line at once, for every quarter and every stage, and where nothing was written for long."""
    began, stage, quarters, due = time.monotonic(), None, 0.0, _LONG_SECONDS
    clock, shown = Clock(watched), Share(watched)
    while True:
        doing, done, left = _doing(title, watched), shown.done(), clock.left()
        reached = done * _LINES // 1 if done is not None and done < 1 else quarters
        seconds = time.monotonic() - began
        if doing != stage or reached > quarters or seconds > due:
            stage, quarters, due = doing, max(quarters, reached), max(due, 2 * seconds)
            share = "" if done is None else f"{done:.0%}, "
            time_left = "" if left is None else f", about {format_duration(left)} left"
            console.print(f"{doing}: {share}{format_duration(seconds)}{time_left}")
        if ended.wait(_POLL_SECONDS):
            return
