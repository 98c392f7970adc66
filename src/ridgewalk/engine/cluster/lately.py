"""The latest results of a worker process, for the driver that follows one that was killed before it fetched them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Collection
from typing import Any

from numpy.typing import NDArray

_SECONDS, _BYTES = 600.0, 32 * 2**20  # how long, and how much of it, is remembered

_finished: deque[tuple[float, dict[str, bytes]]] = deque()
_lock = threading.Lock()


def remember(rows: NDArray[Any]) -> None:
    """Remember the rows of a chain (:func:`ridgewalk.engine.checkpoints.rows_of`), and forget the oldest.

    At most 32 MiB are remembered, or the last chain alone, and nothing that was finished ten minutes before it.
    """
    now = time.monotonic()
    with _lock:
        _finished.append((now, {row["digest"].decode(): row.tobytes() for row in rows}))
        size = sum(map(_size, _finished))
        while len(_finished) > 1 and (size > _BYTES or now - _finished[0][0] > _SECONDS):
            size -= _size(_finished.popleft())


def _size(remembered: tuple[float, dict[str, bytes]]) -> int:
    return sum(map(len, remembered[1].values()))


def digests_here() -> list[str]:
    """Return the digests of the runs that this process remembers."""
    with _lock:
        return [digest for _, rows in _finished for digest in rows]


def rows_here(digests: Collection[str]) -> dict[str, bytes]:
    """Return the rows of those of some runs that this process remembers."""
    wanted = set(digests)
    with _lock:
        return {digest: row for _, rows in _finished for digest, row in rows.items() if digest in wanted}
