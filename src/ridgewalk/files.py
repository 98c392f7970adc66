"""Write files completely or not at all.

FOLDER/.unfinished-3f9c2a...  ->  FOLDER/NAME     write under a random name, then rename in one step
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = ".unfinished"


def drawn(folder: Path, beginning: str = "", ending: str = "") -> Path:
    """Make an empty file whose name is drawn: no other is opened, and no link followed; it is read as any new file."""
    file = folder / f"{beginning}{secrets.token_hex(8)}{ending}"
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    return file


@contextmanager
def written(file: Path) -> Iterator[Path]:
    """Yield the path of a new file next to ``file``, which replaces it if the block succeeds and is removed otherwise.

    Where ``file`` is a link, the link is replaced, not what it leads to.

    Raises
    ------
    OSError
        If ``file`` is a folder, a device or a pipe, or its folder cannot be written.
    """
    if file.exists() and not file.is_file():
        raise FileExistsError(errno.EEXIST, "it is a folder, a device or a pipe; give the name of a file", str(file))
    unfinished = drawn(file.parent, f"{UNFINISHED}-", file.suffix)
    try:
        mode = unfinished.stat().st_mode
        yield unfinished
        unfinished.chmod(mode)  # some libraries make the file anew, for its owner alone
        os.replace(unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)
