"""The files of a fit: nothing is replaced without being asked, one fit per folder; and reading models back."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from itertools import count, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ridgewalk.arrays import Array
from ridgewalk.files import UNFINISHED
from ridgewalk.storage import MODEL_FILE, TABLE_ESTIMATORS, Stored, read
from ridgewalk.warning import warnings_as_notes

if TYPE_CHECKING:
    import pandas as pd

    from ridgewalk.tables import Encoder

TABLE_FILE, SUMMARY_FILE, PAGE_FILE = "path.csv", "summary.json", "report.html"
LOCK_FILE = f"{UNFINISHED}-lock"
RESULTS = Path("ridgewalk-results")
"""Where results are, unless another folder is asked for."""


@contextmanager
def reserved(wanted: Path | None, file: Path, force: bool, resume: bool = False) -> Iterator[Path]:
    """Make the folder for a result before the work begins, so that it cannot fail for want of one afterwards.

    It is the one asked for, if it is free or holds a result that may be replaced, or the first free name. If the block
    fails, folders that it made and left empty go again. Without one asked for, what is replaced is the first name, and
    what is resumed is the newest.
    While the block runs no other fit gets it.
    """
    place = wanted or RESULTS / "name"
    there = [each for each in (place, *place.parents) if each.exists()]
    stem = RESULTS / ("standard-input" if str(file) == "-" else Path(file.name.removesuffix(".gz")).stem)
    if wanted is None and not (resume or force):
        folder = next(name for name in _names(stem) if _made(name))
    else:
        newest = next(reversed(list(takewhile(Path.is_dir, _names(stem)))), stem)
        folder = wanted or (newest if resume else stem)
        if not _made(folder) and not folder.is_dir():
            raise ValueError(f"--out {folder} is a file; give a folder.")
    try:
        with _alone(folder):
            _check_content(folder, force or resume)
            yield folder
    finally:
        for made in (folder, *folder.parents):
            if made not in there and made.is_dir() and not any(made.iterdir()):
                made.rmdir()


def _check_content(folder: Path, replaced: bool) -> None:
    """Check that a folder holds nothing, or a fit's files that may be replaced."""
    held = {path.name for path in folder.iterdir()} - {LOCK_FILE}
    ours = {MODEL_FILE, TABLE_FILE, SUMMARY_FILE, PAGE_FILE}
    others = {name for name in held if not name.startswith(UNFINISHED)} - ours
    if others:
        raise ValueError(f"{folder} holds other files ({sorted(others)[0]}): give a folder of its own.")
    if held and not replaced:
        broken = UNFINISHED in held
        what = "a fit that was broken off" if broken else "a result already"
        instead = "--resume to go on with it, --force to start afresh" if broken else "--force to replace it"
        raise ValueError(f"{folder} holds {what}: give {instead}, or another --out.")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other fits out of a folder while the block runs, or until this process ends in whatever way.

    The system holds the lock, of a file that goes with it; what a killed fit left of it locks nothing. On Windows, and
    on file systems without locks, nobody is kept out.
    """
    if sys.platform == "win32" or not os.access(folder, os.W_OK):  # where nothing can be written, that is said later
        yield
        return
    import fcntl

    place = folder / LOCK_FILE
    while True:
        if place.is_symlink():
            place.unlink()
        lock = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise ValueError(
                f"Another fit works in {folder} at this moment: wait until it has ended, or give another --out."
            ) from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS):
                os.close(lock)
                raise
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), place.lstat()):
                break
        os.close(lock)  # its fit ended meanwhile, and took it away
    try:
        yield
    finally:
        place.unlink(missing_ok=True)
        os.close(lock)


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
    """Check, before the work, that a file can be written: in a folder that is there, and over no other unasked.

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


def plainly(error: OSError, place: Path | str) -> str:
    """Describe what went wrong with a file, and what to do about it."""
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


def blends(model: Any) -> bool:
    """Return whether a model is one of tables, which takes frames and predicts with a blend."""
    return type(model).__name__ in TABLE_ESTIMATORS


def rows_of(model: Any, encoder: Encoder, frame: pd.DataFrame) -> Any:
    """Return the rows of a frame as a model takes them: a model of tables as they are, any other encoded."""
    return frame if blends(model) else encoder.encoded(frame)


def row_names_in(
    frame: pd.DataFrame, encoder: Encoder, more: Sequence[str], target: str
) -> tuple[dict[str, pd.Series[Any]], list[str]]:
    """Return the columns of a frame that name its rows and some more, each once, and notes on those that it lacks.

    Raises
    ------
    ValueError
        If it lacks one of the more, or this is the target, under whose name the predictions stand.
    """
    from ridgewalk.tables.encode import DataError, offered

    for name in more:
        if name not in frame.columns:
            raise DataError(f"There is no column {name!r}. {offered(list(frame.columns), name)}")
        if name == target:
            raise DataError(f"--id names the target {target!r}, and so are predictions called: rename it in the file.")
    there = [name for name in dict.fromkeys((*encoder.row_names, *more)) if name in frame.columns]
    absent = [name for name in encoder.row_names if name not in frame.columns]
    notes = [
        f"Column {name!r}, which names the rows (--id), is not there: predictions come without." for name in absent
    ]
    return {name: frame[name].reset_index(drop=True) for name in there}, notes


def at_strength(model: Any, strength: float | str | None, notes: list[str]) -> Any:
    """Return a model at a strength of its path, or as it is where none is asked for; note where it is at another."""
    from ridgewalk.estimators.at_strength import nearest_strength

    if strength is None:
        return model
    if not hasattr(model, "at"):
        raise ValueError(f"--at takes a strength of a path, and a {type(model).__name__} has but one: leave it out.")
    warned: list[str] = []
    with warnings_as_notes(warned):
        found = model.at(strength)
    nearest = nearest_strength(found)
    notes += warned if warned or nearest is None else [nearest]  # a warning says it, too
    if blends(model):
        notes.append("At a strength the single network predicts, not the blend.")
    return found


def covered(model: Any, rows: Any, coverage: float) -> list[Array]:
    """Return the ends of intervals, low and high, or of each class whether it is in the set: columns (N,).

    Raises
    ------
    ValueError
        If the model has one strength, and so no folds.
    """
    if hasattr(model, "predict_interval"):
        return list(model.predict_interval(rows, coverage).T)
    if hasattr(model, "predict_set"):
        return list(model.predict_set(rows, coverage).T)
    raise ValueError(
        f"--coverage needs the networks of folds, and a {type(model).__name__} has one strength and no folds: keep a "
        f"{type(model).__name__}CV, or fit with ridgewalk fit."
    )


def result(place: Path) -> Stored:
    """Read what a fit saved.

    Raises
    ------
    ValueError
        If it is none; where nothing is there, the message names the result that may have been meant.
    """
    if not (place / MODEL_FILE if place.is_dir() else place).exists():
        there = {file.parent.name: file.parent for file in sorted(RESULTS.glob(f"*/{MODEL_FILE}"))}
        near = get_close_matches(place.name, there, 1, cutoff=0)
        if near:
            raise ValueError(f"There is no model {place}. Is it {there[near[0]]}?")
    return read(place)


def kept(model: Path) -> tuple[Any, Encoder, str]:
    """Read a model, what encodes its inputs, and the name of its target."""
    stored = result(model)
    if stored.encoder is None or stored.target is None:
        raise ValueError(
            f"{model} was saved without its encoder or its target, and a table needs both: in Python, "
            "ridgewalk.save(model, file, encoder=encoder, target=name)."
        )
    return stored.model, stored.encoder, stored.target
