"""Files of a fit: written whole or not at all, nothing replaced unasked; and the model read back."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ridgewalk.storage import MODEL_FILE, read

if TYPE_CHECKING:
    from ridgewalk.data import Encoder

TABLE_FILE, SUMMARY_FILE, PAGE_FILE = "path.csv", "summary.json", "report.html"
UNFINISHED = ".unfinished"


@contextmanager
def reserved(wanted: Path | None, file: Path, force: bool, resume: bool = False) -> Iterator[Path]:
    """Make the folder for a result before the work begins, so that it cannot fail for want of one afterwards.

    It is the one asked for, if it is free or holds a result that may be replaced, or the first free name. If the block
    fails, folders that it made and left empty go again. To resume or replace, it is the one asked for, or the newest.
    """
    place = wanted or Path("ridgewalk-results", "name")
    there = [each for each in (place, *place.parents) if each.exists()]
    stem = Path("ridgewalk-results") / (
        "standard-input" if str(file) == "-" else Path(file.name.removesuffix(".gz")).stem
    )
    if wanted is None and not (resume or force):
        folder = next(name for name in _names(stem) if _made(name))
    else:
        folder = wanted or next(reversed(list(takewhile(Path.is_dir, _names(stem)))), stem)
        if not _made(folder):
            if not folder.is_dir():
                raise ValueError(f"--out {folder} is a file; give a folder.")
            ours = {MODEL_FILE, TABLE_FILE, SUMMARY_FILE, PAGE_FILE}
            others = {path.name for path in folder.iterdir() if not path.name.startswith(UNFINISHED)} - ours
            if others:
                raise ValueError(f"{folder} holds other files ({sorted(others)[0]}): give a folder of its own.")
            if any(folder.iterdir()) and not (force or resume):
                broken = (folder / UNFINISHED).exists()
                what = "a fit that was broken off" if broken else "a result already"
                instead = "--resume to go on with it, --force to start afresh" if broken else "--force to replace it"
                raise ValueError(f"{folder} holds {what}: give {instead}, or another --out.")
    try:
        yield folder
    finally:
        for made in (folder, *folder.parents):
            if made not in there and made.is_dir() and not any(made.iterdir()):
                made.rmdir()


def _names(stem: Path) -> Iterator[Path]:
    yield stem
    yield from (stem.with_name(f"{stem.name}-{k}") for k in count(2))


def _made(folder: Path) -> bool:
    """Make a folder; whether it was not there before."""
    for above in reversed(folder.parents):
        if above.exists() and not above.is_dir():
            raise ValueError(f"--out {folder} cannot be made: {above} is a file.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def free(wanted: Path, file: Path | None, force: bool, option: str) -> None:
    """See, before the work, that a file can be written: in a folder that is there, and over no other unasked.

    The file that is read is never written over.
    """
    if not wanted.parent.is_dir():
        raise ValueError(f"{option} {wanted} cannot be made: there is no folder {wanted.parent}; make it first.")
    if wanted.is_dir():
        raise ValueError(f"{option} {wanted} is a folder; give the name of a file.")
    if not wanted.exists():
        return
    if file is not None and file.exists() and wanted.samefile(file):
        raise ValueError(f"{option} {wanted} is the file to read: give another.")
    if not force:
        raise ValueError(f"{wanted} is there already: give another {option}, or --force to replace it.")


@contextmanager
def written(file: Path) -> Iterator[Path]:
    """Give a path beside ``file``, which becomes it when the block ends well."""
    unfinished = file.with_name(f"{UNFINISHED}-{file.name}")
    try:
        yield unfinished
        os.replace(unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)


def plainly(error: OSError, place: Path | str) -> str:
    """Say what went wrong with a file, and what to do about it."""
    where = error.filename or place
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return f"The disk is full: there is no room for {where}. Make room, or give another --out."
        case errno.EROFS:
            return f"{where} cannot be written, its file system is read-only: give another --out."
        case errno.EACCES | errno.EPERM:
            return f"{where} cannot be opened, permission is denied: change that, or give another."
        case _:
            return f"{where}: {error.strerror or error}."


def kept(model: Path) -> tuple[Any, Encoder, str]:
    """Read a model, what encodes its inputs, and the name of its target."""
    stored = read(model)
    if stored.encoder is None or stored.target is None:
        raise ValueError(
            f"{model} was saved without its encoder or its target, and a table needs both: in Python, "
            "ridgewalk.save(model, file, encoder=encoder, target=name)."
        )
    return stored.model, stored.encoder, stored.target
