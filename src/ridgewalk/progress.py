"""A progress bar with time left, polled from an engine's watch; plain lines where the output is no terminal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ridgewalk.engine.threads import ends_with_interpreter, started
from ridgewalk.engine.watch import Watch
from ridgewalk.terminal import Terminal

_POLL_SECONDS = 0.1
_LINES = 4
"""How many lines a run leaves in a log, besides one for every stage."""
_LONG_SECONDS = 10.0
"""After which a log gets a line more, and again after twice as long."""


@contextmanager
def progress(title: str, show: bool = True) -> Iterator[Watch]:
    """Show how far the engine is while the block runs; hand it the watch that this yields.

    Everything goes to standard error, so that standard output stays clean. Where the system has no thread to give, the
    work goes on unseen.
    """
    watch = Watch()
    if not show:
        yield watch
        return
    console = Terminal(file=sys.stderr)
    ended = threading.Event()
    poll = _poll_bar if console.is_terminal else _poll_lines

    def show_it() -> None:
        with ends_with_interpreter(ended.set):
            poll(console, title, watch, ended)

    poller = started(show_it)
    try:
        yield watch
    finally:
        ended.set()
        if poller:
            poller.join()


def _poll_bar(console: Terminal, title: str, watch: Watch, ended: threading.Event) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as bar:
        task = bar.add_task(title, total=None)
        while not ended.wait(_POLL_SECONDS):
            doing = _doing(title, watch)
            bar.update(task, description=doing, total=watch.total or None, completed=watch.done, refresh=True)


def _doing(title: str, watch: Watch) -> str:
    return f"{title}, {watch.stage}" if watch.stage else title


def _poll_lines(console: Terminal, title: str, watch: Watch, ended: threading.Event) -> None:
    """Write a line at once, for every quarter and every stage, and where nothing was written for long."""
    began, stage, quarters, due = time.monotonic(), None, 0, _LONG_SECONDS
    while True:
        doing, done, total = watch.stage, watch.done, watch.total
        reached = done * _LINES // total if total and done < total else quarters
        seconds = time.monotonic() - began
        if doing != stage or reached > quarters or seconds > due:
            stage, quarters, due = doing, max(quarters, reached), max(due, 2 * seconds)
            share = f"{min(1.0, done / total):.0%}, " if total else ""
            left = f", about {seconds * (total / done - 1):.0f} s left" if 0 < done < total else ""
            console.print(f"{_doing(title, watch)}: {share}{seconds:.0f} s{left}")
        if ended.wait(_POLL_SECONDS):
            return
