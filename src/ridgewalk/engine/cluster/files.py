"""Arrays in files named by their content, mapped into memory: one copy per machine."""

from __future__ import annotations

import threading
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgewalk.engine.checkpoints import feed
from ridgewalk.engine.cluster.workers import LostError
from ridgewalk.files import written

_ROWS = 2**14


class ArrayFiles:
    """A folder of arrays, each named by a digest of its content.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opened: dict[str, NDArray[Any]] = {}
        self._lock = threading.Lock()

    def put(self, name: str, array: NDArray[Any]) -> None:
        """Write an array, a few rows at a time; whole, or not at all.

        Raises
        ------
        OSError
            If the disk is full, or cannot be written.
        """
        file = self._file(name)
        if file.exists():
            return
        with written(file) as unfinished, unfinished.open("wb") as opened:
            header = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}
            np.lib.format.write_array_header_1_0(opened, header)
            for first in range(0, len(array), _ROWS):
                opened.write(np.ascontiguousarray(array[first : first + _ROWS]).data)

    def drop(self, name: str) -> None:
        """Remove an array; who has it open goes on reading it."""
        self._opened.pop(name, None)
        self._file(name).unlink(missing_ok=True)

    def has(self, name: str) -> bool:
        """Return whether an array is there."""
        return self._file(name).is_file()

    def open(self, name: str) -> NDArray[Any]:
        """Open an array for reading, mapped into memory; its content is checked once.

        Raises
        ------
        LostError
            If it is not there, or not what it is named after.
        """
        with self._lock:
            if name not in self._opened:
                try:
                    array = np.load(self._file(name), mmap_mode="r", allow_pickle=False)
                except (OSError, ValueError) as problem:
                    raise LostError(f"the array {name} cannot be read: {problem}") from None
                digest = blake2b()
                feed(digest, array)
                if digest.hexdigest()[: len(name)] != name:
                    raise LostError(f"the array {name} is damaged")
                for gone in [other for other in self._opened if not self.has(other)]:
                    del self._opened[gone]
                self._opened[name] = array
            return self._opened[name]

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.npy"
