"""Files of a fit: written whole or not at all, nothing replaced unasked; and the model read back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ridgewalk.storage import MODEL_FILE, read

if TYPE_CHECKING:
    from ridgewalk.data import Encoder

TABLE_FILE, SUMMARY_FILE, PAGE_FILE = "path.csv", "summary.json", "report.html"


@contextmanager
def reserved(wanted: Path | None, file: Path, force: bool) -> Iterator[Path]:
    """Make the folder for a result before the work begins, so that it cannot fail for want of one afterwards.

    It is the one asked for, if it is free or holds a result that may be replaced, or the first free name. If the block
    fails, folders that it made and left empty go again.
    """
    place = wanted or Path("ridgewalk-results", "name")
    there = [each for each in (place, *place.parents) if each.exists()]
    if wanted is None:
        name = "standard-input" if str(file) == "-" else Path(file.name.removesuffix(".gz")).stem
        stem = Path("ridgewalk-results") / name
        folder = next(free for k in count(1) if _made(free := stem if k == 1 else stem.with_name(f"{stem.name}-{k}")))
    else:
        folder = wanted
        if not _made(folder):
            if not folder.is_dir():
                raise ValueError(f"--out {folder} is a file; give a folder.")
            others = {path.name for path in folder.iterdir()} - {MODEL_FILE, TABLE_FILE, SUMMARY_FILE, PAGE_FILE}
            if others:
                raise ValueError(f"{folder} holds other files ({sorted(others)[0]}): give a folder of its own.")
            if any(folder.iterdir()) and not force:
                raise ValueError(f"{folder} holds a result already: give another --out, or --force to replace it.")
    try:
        yield folder
    finally:
        for made in (folder, *folder.parents):
            if made not in there and made.is_dir() and not any(made.iterdir()):
                made.rmdir()


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
    unfinished = file.with_name(f".unfinished-{file.name}")
    try:
        yield unfinished
        os.replace(unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)


def kept(model: Path) -> tuple[Any, Encoder, str]:
    """Read a model, what encodes its inputs, and the name of its target."""
    stored = read(model)
    if stored.encoder is None or stored.target is None:
        raise ValueError(
            f"{model} was saved without its encoder or its target, and a table needs both: in Python, "
            "ridgewalk.save(model, file, encoder=encoder, target=name)."
        )
    return stored.model, stored.encoder, stored.target
