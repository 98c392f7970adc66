"""``ridgewalk worker``: train for fits on other machines that use the same folder."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ridgewalk.cli.console import err
from ridgewalk.cli.options import TRAINING, Quiet, option, whole
from ridgewalk.cli.values import seconds
from ridgewalk.formatting import format_count

if TYPE_CHECKING:
    from ridgewalk.cluster import FolderWorker

_TOLD = 30.0  # seconds between two lines of what was done


def worker(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Shared folder, the same as in fit --workers FOLDER.")
    ],
    slots: Annotated[
        int | None,
        option(
            metavar="N",
            help="Chains to train at once, on one core each; by default all cores that this process may use.",
            panel=TRAINING,
            parser=whole(1),
        ),
    ] = None,
    idle: Annotated[
        str | None,
        option(metavar="TIME", help="Exit after this time without work (10m, 1h); by default never.", panel=TRAINING),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Train for fits that use the same folder, until Ctrl-C or SIGTERM; other workers take over unfinished work."""
    from ridgewalk.cluster import FolderWorker, allotted_cores

    count = allotted_cores() if slots is None else slots
    limit = None if idle is None else seconds(idle)

    def say(words: str) -> None:
        if not quiet:
            err.print(escape(words), soft_wrap=True)

    working = FolderWorker(folder, count, say=say)
    say(f"Working for fits in {folder}, {format_count(count, 'chain')} at once. Ctrl-C ends it.")
    with _ended_by_signals(working), _told(working, say):
        working.work(limit)
    say(f"Ended, after {format_count(working.finished, 'chain')}.")


@contextmanager
def _ended_by_signals(working: FolderWorker) -> Iterator[None]:
    """Let Ctrl-C (SIGINT) and SIGTERM end the work while the block runs."""
    before = {each: signal.signal(each, lambda *_: working.end()) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def _told(working: FolderWorker, say: Callable[[str], None]) -> Iterator[None]:
    """Print at intervals how many chains are done."""
    ended, began = threading.Event(), time.monotonic()

    def tell() -> None:
        printed = 0
        while not ended.wait(_TOLD):
            if working.finished > printed:
                printed = working.finished
                say(f"{format_count(printed, 'chain')} done in {time.monotonic() - began:.0f} s.")

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()
