"""Resume an interrupted fit from the networks that were saved in its result's folder.

    FOLDER/.unfinished/asked.json    the request: options, a digest of the data, the engine
    FOLDER/.unfinished/*.npy         trained networks (ridgewalk.engine.checkpoints)

While ``asked.json`` exists, the result is incomplete. Symbolic links in place of these files are removed, not followed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

from numpy.typing import NDArray
from rich.markup import escape

from ridgewalk import __version__
from ridgewalk.cli.console import err
from ridgewalk.cli.files import LOCK_FILE, SUMMARY_FILE, plainly
from ridgewalk.cli.options import Columns, PathOptions, Reading
from ridgewalk.engine import native
from ridgewalk.engine.checkpoints import feed
from ridgewalk.engine.progress import StoppedError
from ridgewalk.files import UNFINISHED, written
from ridgewalk.report.schema import Summary

_ASKED = "asked.json"
_GRID = ("alphas", "folds", "seeds", "max_iter")


@dataclass(frozen=True)
class Asked:
    """What a result follows from: the options, the arrays of the data, version and engine."""

    columns: Columns
    reading: Reading
    options: PathOptions
    budget: str | None
    data: str
    engine: str

    @staticmethod
    def of(
        columns: Columns, reading: Reading, options: PathOptions, budget: str | None, *arrays: NDArray[Any] | None
    ) -> Asked:
        """Digest the arrays of the data, of which some may be None."""
        data = blake2b(digest_size=16)
        for array in arrays:
            feed(data, array.astype(str) if array is not None and array.dtype == object else array)
        return Asked(columns, reading, options, budget, data.hexdigest(), native.engine_name(native.load()[0]))

    @property
    def plain(self) -> dict[str, str | float | list[str] | None]:
        """Return it by the names of the options, ready for JSON."""
        context = {"budget": self.budget, "data": self.data, "version": __version__, "engine": self.engine}
        return asdict(self.columns) | asdict(self.reading) | self.options.result | context


def broken_off(folder: Path) -> bool:
    """Whether a folder holds a fit that was broken off."""
    records = folder / UNFINISHED
    return not records.is_symlink() and (records / _ASKED).is_file()


def chosen_once(
    records: Path, options: PathOptions, choose: Callable[[], tuple[PathOptions, str]]
) -> tuple[PathOptions, str]:
    """Return the grid that was chosen before the fit was broken off, or choose now: times differ from run to run."""
    file = records / "grid.json"
    match _read(file):
        case {"grid": {"alphas": str(), "folds": int(), "seeds": int(), "max_iter": int()} as grid, "said": str(text)}:
            return replace(options, **{name: grid[name] for name in _GRID}), text
    chosen, text = choose()
    with written(file) as unfinished:
        grid = {name: getattr(chosen, name) for name in _GRID}
        unfinished.write_text(json.dumps({"grid": grid, "said": text}), encoding="utf-8")
    return chosen, text


def say_how_it_starts(folder: Path, resume: bool, named: bool) -> None:
    """Print whether a fit continues or starts anew, and what it leaves beside it where no folder was named."""
    if resume:
        going_on = broken_off(folder) and any((folder / UNFINISHED).glob("*.npy"))
        err.print(
            f"Going on with the fit in {escape(str(folder))}."
            if going_on
            else f"There is nothing to resume in {escape(str(folder))}: starting at the beginning."
        )
    elif not named:
        for other in folder.parent.iterdir():
            if other != folder and broken_off(other):
                err.print(
                    f"[yellow]Note:[/] {escape(str(other))} holds a fit that was broken off, and is left as it is: "
                    f"--resume --out {escape(str(other))} goes on with it."
                )


def finished(folder: Path, asked: Asked) -> Summary | None:
    """Return the summary of the result that a folder holds, if it is complete and of the same options.

    Raises
    ------
    ValueError
        If it was asked for otherwise.
    """
    if broken_off(folder) or not (folder / SUMMARY_FILE).is_file():
        return None
    summary = _read(folder / SUMMARY_FILE)
    before = summary.get("asked")
    _compare(folder, "the finished result", before if isinstance(before, dict) else {}, asked)
    return cast(Summary, summary)


@contextmanager
def resumable(folder: Path, asked: Asked, resume: bool) -> Iterator[Path]:
    """Yield a folder for finished runs: it is removed when the block ends well, and stays where it is broken off.

    The folder is locked for this fit; files that a killed fit was writing are removed.

    Parameters
    ----------
    folder : Path
        Of the result.
    asked : Asked
        The options, the data and the engine: only a fit of the same ones can be continued.
    resume : bool
        Whether to continue the fit that is there, if there is one.

    Raises
    ------
    ValueError
        If there is something to resume and it was asked for otherwise; if a disk is full, or cannot be written.
    StoppedError
        If Ctrl-C ended the block.
    """
    records = folder / UNFINISHED
    try:
        for left in folder.glob(f"{UNFINISHED}-*"):
            if left.name != LOCK_FILE:
                _remove(left)
        if resume and broken_off(folder):
            _compare(folder, "a fit that was broken off", _read(records / _ASKED), asked)
        else:
            _clear(records)
            records.mkdir()
            with written(records / _ASKED) as file:
                file.write_text(json.dumps(asked.plain, indent=1), encoding="utf-8")
        yield records
        _clear(records)
    except OSError as error:
        raise ValueError(f"{plainly(error, folder)} {_kept(records, 'then ')}".strip()) from None
    except (KeyboardInterrupt, StoppedError):
        raise StoppedError(_kept(records, "")) from None
    finally:
        if not any(records.glob("*.npy")):
            _clear(records)  # nothing in it is worth keeping


def _kept(records: Path, then: str) -> str:
    """Describe where the finished runs are; empty where there are none."""
    if not any(records.glob("*.npy")):
        return ""
    return f"What had finished is kept in {records}: {then}the same command with --resume goes on from there."


def _read(file: Path) -> dict[str, Any]:
    """Read what was written down, or nothing where it was damaged or is no file."""
    try:
        found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _compare(folder: Path, what: str, before: dict[str, Any], asked: Asked) -> None:
    wanted = asked.plain
    for name in ("data", *sorted(wanted)):
        old, new = before.get(name), wanted[name]
        if name == "blend" and old is None:
            continue  # begun before it was written down: the other options say as much
        if old != new:
            raise ValueError(
                f"{folder} holds {what}, {_otherwise(name, old, new)}: give what it was begun with, or --out {folder} "
                "--force instead of --resume to start afresh, or another --out."
            )


def _otherwise(name: str, old: Any, new: Any) -> str:
    """Return what of a result was asked for otherwise, in words."""
    if name == "data":
        return "begun with other data"
    if name == "blend":
        of = {True: "a blend of several networks (--blend)", False: "one network (--no-blend)"}
        return f"begun as {of[bool(old)]}, not as {of[bool(new)]}"
    return f"begun with {name.replace('_', ' ')} {_written(old)}, not {_written(new)}"


def _written(value: Any) -> str:
    """Write an option's value so that its end is seen."""
    return "none" if value is None else repr(value) if isinstance(value, str) and not value.isalnum() else str(value)


def _clear(records: Path) -> None:
    """Remove the records; what was asked goes last, so that until then they count."""
    if records.is_dir() and not records.is_symlink():
        for file in sorted(records.iterdir(), key=lambda file: file.name == _ASKED):
            _remove(file)
    _remove(records)


def _remove(place: Path) -> None:
    """Remove a file, a link (not what it leads to), or a folder, if it is there."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
