"""A progress bar with time left, polled from an engine's watch; plain lines where the output is no terminal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ridgewalk.engine.job import Watch

_POLL_SECONDS = 0.1
_LINES = 4
"""How many lines a run leaves in a log."""


@contextmanager
def progress(title: str, show: bool = True) -> Iterator[Watch]:
    """Show how far the engine is while the block runs; hand it the watch that this yields.

    Everything goes to standard error, so that standard output stays clean.
    """
    watch = Watch()
    if not show:
        yield watch
        return
    console = Console(file=sys.stderr)
    ended = threading.Event()
    poll = _poll_bar if console.is_terminal else _poll_lines
    poller = threading.Thread(target=poll, args=(console, title, watch, ended), daemon=True)
    poller.start()
    try:
        yield watch
    finally:
        ended.set()
        poller.join()


def _poll_bar(console: Console, title: str, watch: Watch, ended: threading.Event) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None)
        while not ended.wait(_POLL_SECONDS):
            bar.update(task, total=watch.total or None, completed=watch.done)


def _poll_lines(console: Console, title: str, watch: Watch, ended: threading.Event) -> None:
    began, shown = time.monotonic(), 0
    while not ended.wait(_POLL_SECONDS):
        if watch.total and watch.done * _LINES // watch.total > shown and watch.done < watch.total:
            shown = watch.done * _LINES // watch.total
            seconds = time.monotonic() - began
            left = seconds * (watch.total / watch.done - 1)
            console.print(f"{title}: {watch.done / watch.total:.0%}, {seconds:.0f} s, about {left:.0f} s left")
