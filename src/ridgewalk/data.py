"""A file becomes a table: what to learn from, what to learn, and what was left out.

file  --read_table-->  frame  --make_table-->  Table  --Encoder (ridgewalk.columns)-->  columns of numbers
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import sys
import warnings
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pandas.api import types

from ridgewalk.columns import Category, DataError, Encoder, iso_share, kind_of, named_in_text, offered
from ridgewalk.losses import holds_classes

__all__ = ["STANDARD_INPUT", "DataError", "Encoder", "Table", "make_table", "read_table", "release_memory"]

_SEPARATED, _COLUMNAR = (".csv", ".tsv"), (".parquet", ".pq", ".arrow", ".feather")
_KINDS = (*_SEPARATED, *(f"{ending}.gz" for ending in _SEPARATED), *_COLUMNAR)
_SEPARATORS = ",;\t|"
STANDARD_INPUT = "-"
_MANY_CATEGORIES = 50
_FEWEST_NUMBERED = 20  # rows from which numbers in order are no accident
_NUMBERS_AT_ONCE = 2**18
_UNNAMED = "Unnamed: "  # how pandas begins the name of a column that has none
_MOSTLY = 0.9  # share of a column's texts that look like something


def read_table(path: Path, texts: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table: CSV or TSV, as they are or compressed by gzip; Parquet, Arrow or Feather.

    CSV and TSV are UTF-8, and their first line names the columns. In TSV a tab separates; in CSV what stands between
    the names (a comma, a semicolon, a tab or a bar). Empty fields, NA and the like are missing values. Where no comma
    separates, columns of numbers with decimal commas are numbers.

    Parameters
    ----------
    path : Path
        "-" reads CSV or TSV from standard input.
    texts : sequence of str
        Columns of CSV and TSV to take as text even where they look like numbers.

    Raises
    ------
    DataError
        If there is no such file, its kind is not known, it holds no rows, or it cannot be read.
    """
    streamed = str(path) == STANDARD_INPUT
    name = "Standard input" if streamed else str(path)
    kind = ".csv" if streamed else _kind(path)
    try:
        if kind in _COLUMNAR:
            frame = pd.read_parquet(path) if kind in (".parquet", ".pq") else _read_arrow(path)
            _refuse_doubled(name, [str(column) for column in frame.columns])
        else:
            frame = _read_separated(name, _text(path, kind, streamed), kind, texts)
    except DataError:
        raise
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not UTF-8 text ({error.reason}): save it as UTF-8.") from None
    except pd.errors.ParserWarning:
        raise DataError(f"{name} has rows with more fields than there are column names: name or remove them.") from None
    except (EOFError, zlib.error):
        raise DataError(f"{name} ends in the middle, or is damaged: copy or make it again.") from None
    except (pd.errors.ParserError, csv.Error, OSError, ValueError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise DataError(f"{name} cannot be read as {_WORDS[kind]} ({said}): is it that, and whole?") from None
    if frame.empty:
        raise DataError(f"{name} has column names but no rows: at least two rows are needed.")
    frame.columns = [str(column) for column in frame.columns]
    return frame.copy() if frame.shape[1] > len(frame) else frame  # a wide one as one piece, not one per column


_WORDS = {
    ".csv": "CSV", ".tsv": "TSV", ".csv.gz": "CSV compressed by gzip", ".tsv.gz": "TSV compressed by gzip",
    ".parquet": "Parquet", ".pq": "Parquet", ".arrow": "Arrow", ".feather": "Feather",
}  # fmt: skip


def _kind(path: Path) -> str:
    """Give the ending of a file that there is, and that can be read."""
    if not path.exists():
        raise DataError(f"There is no file {path}: look at the name, and at the folder you are in.")
    if path.is_dir():
        raise DataError(f"{path} is a folder; give a file whose name ends in {', '.join(_KINDS)}.")
    kind = "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    if kind not in _KINDS:
        raise DataError(f"{path.name} is of a kind that is not read: its name must end in {', '.join(_KINDS)}.")
    return kind


def _read_arrow(path: Path) -> pd.DataFrame:
    """Read Arrow's file format, or its stream; Feather is the first."""
    try:
        return pd.read_feather(path)
    except pa.ArrowInvalid:
        with pa.OSFile(str(path)) as file:
            frame: pd.DataFrame = pa.ipc.open_stream(file).read_all().to_pandas()
            return frame


def _text(path: Path, kind: str, streamed: bool) -> io.TextIOWrapper | io.StringIO:
    """Open CSV or TSV, at its beginning, so that it can be read twice."""
    if streamed:
        if sys.stdin.isatty():
            raise DataError("Standard input is a terminal: pipe a table into it, or give a file.")
        return io.StringIO(sys.stdin.buffer.read().decode("utf-8-sig"), newline="")
    opened: Any = gzip.GzipFile(path) if kind.endswith(".gz") else path.open("rb")
    return io.TextIOWrapper(opened, encoding="utf-8-sig", newline="")


def _read_separated(name: str, text: io.TextIOWrapper | io.StringIO, kind: str, texts: Sequence[str]) -> pd.DataFrame:
    with text:
        first = text.readline()
        if "\0" in first:
            raise DataError(f"{name} holds bytes that no text has: give CSV or TSV in UTF-8, or the right ending.")
        between = re.sub(r'"[^"]*"', "", first)  # a comma inside of a name separates nothing
        separator = "\t" if kind.startswith(".tsv") else max(_SEPARATORS, key=between.count)
        text.seek(0)
        names = next(csv.reader(text, delimiter=separator), [])
        if not names:
            raise DataError(f"{name} is empty: a line of column names and at least two rows are needed.")
        _refuse_doubled(name, names)
        text.seek(0)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            kinds = dict.fromkeys(texts, str) or None  # an empty one is looked into for every column
            frame = pd.read_csv(text, sep=separator, index_col=False, dtype=kinds, low_memory=False)
    if separator != ",":
        numeric = [types.is_numeric_dtype(kind) for kind in frame.dtypes]
        for column in frame.columns[~np.array(numeric)].difference(list(texts), sort=False):
            if (numbers := _decimal_commas(frame[column])) is not None:
                frame[column] = numbers
    return frame


def _decimal_commas(column: pd.Series[Any]) -> pd.Series[Any] | None:
    """Give the numbers of a column in which commas stand before decimals, or nothing.

    Where three digits follow every comma it may stand for thousands, and nothing is taken for granted.
    """
    if types.is_numeric_dtype(column):
        return None
    texts = column.dropna().astype(str)
    if not texts.str.fullmatch(r"\s*[+-]?\d+(,\d+)?\s*").all():
        return None
    if not texts.str.fullmatch(r"[^,]*,(\d{1,2}|\d{4,})\s*").any():
        return None
    numbers: pd.Series[Any] = pd.to_numeric(column.str.strip().str.replace(",", "."))
    return numbers


def _refuse_doubled(name: str, columns: Sequence[str]) -> None:
    doubled = next((column for column, count in Counter(columns).items() if column and count > 1), None)
    if doubled is not None:
        raise DataError(f"{name} has more than one column named {doubled!r}: rename one.")


def release_memory() -> None:
    """Give back what Arrow, which reads Parquet, holds on to after a frame has gone."""
    pa.default_memory_pool().release_unused()


@dataclass(frozen=True, eq=False)
class Table:
    """Columns to learn from, and the target.

    Attributes
    ----------
    inputs : DataFrame
    target : Series
    task : "classification" or "regression"
    notes : tuple of str
        What was left out, and why; and what looks odd.
    """

    inputs: pd.DataFrame
    target: pd.Series[Any]
    task: str
    notes: tuple[str, ...]


def make_table(
    frame: pd.DataFrame, target: str, task: str = "auto", drop: tuple[str, ...] = (), keep: tuple[str, ...] = ()
) -> Table:
    """Split a frame into inputs and target, and find out the task.

    The task is regression where the target holds numbers with fractions or more than 20 different ones, else
    classification. Columns that are constant, that number the rows, or that are as good as a different text on every
    row, are left out and named in ``notes``.

    Parameters
    ----------
    frame : DataFrame
    target : str
    task : "auto", "classification" or "regression"
    drop : tuple of str
        Columns to leave out.
    keep : tuple of str
        Columns to learn from although they look like row numbers or names of rows.

    Raises
    ------
    DataError
        If a column that is named is not there, two have one name, the target cannot be learned, or no column is left.
    """
    frame = named_in_text(frame)
    doubled = frame.columns[frame.columns.duplicated()]
    if len(doubled):
        raise DataError(f"There is more than one column named {doubled[0]!r}: rename one.")
    for name in (target, *drop, *keep):
        if name not in frame.columns:
            raise DataError(f"There is no column {name!r}. {offered(list(frame.columns), name)}")
    y = frame[target]
    missing = int(y.isna().sum())
    if missing:
        raise DataError(
            f"The target {target!r} is missing in {missing} of {len(y)} rows (NA and the like count): drop those first."
        )
    if types.infer_dtype(y) == "decimal":
        y = pd.to_numeric(y)
    numeric = types.is_numeric_dtype(y) and not types.is_bool_dtype(y)
    if numeric and not np.isfinite(y.to_numpy(dtype=float)).all():
        raise DataError(f"The target {target!r} holds infinite values: drop or correct those rows first.")
    if y.nunique() < 2:
        raise DataError(
            f"The target {target!r} has one value only ({y.iloc[0]}): there is nothing to learn; name another."
        )
    if task == "auto":
        task = "classification" if holds_classes(y.to_numpy(dtype=float if numeric else object)) else "regression"
    if task == "regression" and not numeric:
        raise DataError(
            f"Regression needs numbers, and the target {target!r} holds text such as {y.iloc[0]!r}: name another "
            "target, or the task classification."
        )
    if task == "classification" and y.nunique() == len(y):
        raise DataError(
            f"The target {target!r} has a different value in each row, so it is no set of classes: name another "
            "target, or, where it holds numbers, the task regression."
        )
    inputs = frame.drop(columns=[target, *drop])
    kept, notes = _useful(inputs, keep)
    if not kept:
        raise DataError("No column is left to learn from: " + " ".join(notes))
    inputs = inputs[kept]
    y = (y.astype(float) if task == "regression" else _labels(y)).copy()  # a view would keep the whole frame in memory
    return Table(inputs, y, task, tuple(notes))


def _labels(y: pd.Series[Any]) -> pd.Series[Any]:
    """Class labels as whole numbers where they are, as text where they are not."""
    if types.is_bool_dtype(y) or not types.is_numeric_dtype(y):
        return y.astype(str)
    values = y.to_numpy(dtype=float)
    return y.astype(int) if (values % 1 == 0).all() else y.astype(str)


def _useful(inputs: pd.DataFrame, keep: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Columns worth learning from, and a note on each of the others."""
    kept: list[str] = []
    notes = []
    plain = _plain_numbers(inputs)
    for position, name in enumerate(map(str, inputs)):
        if plain[position] and not name.startswith(_UNNAMED):
            kept.append(name)
            continue
        column = inputs.iloc[:, position]
        if hopeless := _hopeless(column):
            notes.append(f"Column {name!r} {hopeless} and was left out.")
        elif name not in keep and (odd := _odd(name, column)):
            instead = "." if _like(column) else "; name it in keep (--keep) to learn from it."
            notes.append(f"Column {name!r} {odd} and was left out{instead}")
        else:
            kept.append(name)
            if kind_of(column) == "category" and (like := _like(column)):
                notes.append(f"The values of column {name!r} were taken as categories; {like}.")
    return kept, notes


def _plain_numbers(inputs: pd.DataFrame) -> NDArray[np.bool_]:
    """Say which columns hold numbers that vary, and are no row numbers: of a wide table, all at once."""
    plain, kinds = np.zeros(inputs.shape[1], dtype=bool), inputs.dtypes
    for kind in {kind for kind in kinds if isinstance(kind, np.dtype) and kind.kind in "fiu"}:
        places, some = np.flatnonzero(kinds == kind), max(1, _NUMBERS_AT_ONCE // len(inputs))
        for first in range(0, len(places), some):
            values = inputs.iloc[:, places[first : first + some]].to_numpy()
            ordered = np.sort(values, axis=0)  # what is missing comes last
            varied, repeated = (ordered[1:] > ordered[:-1]).any(axis=0), (ordered[1:] == ordered[:-1]).any(axis=0)
            with np.errstate(invalid="ignore"):
                broken = (values % 1 != 0).any(axis=0)  # or missing, or infinite
            plain[places[first : first + some]] = varied & (repeated | broken)
    return plain


def _hopeless(column: pd.Series[Any]) -> str | None:
    """Say why nothing can be learned from a column, or nothing."""
    try:
        different = column.nunique(dropna=False)
    except (TypeError, NotImplementedError):  # lists, arrays, dictionaries: nothing that can be told apart
        return f"holds {type(_first(column)).__name__} values"
    if different <= 1:
        return "is constant"
    holds = types.infer_dtype(column, skipna=True)
    return f"holds {holds} values" if holds in ("bytes", "complex") else None


def _odd(name: str, column: pd.Series[Any]) -> str | None:
    """Say why a column seems to name or number the rows, or nothing."""
    if name.startswith(_UNNAMED):
        return "has no name in the file (row numbers?)"
    rows, different = len(column), column.nunique(dropna=False)
    if different == rows >= _FEWEST_NUMBERED and _numbered(column):
        return "is a different whole number in each row, in order or without gaps, as row numbers are,"
    if kind_of(column) != "category":
        return None
    rare = "" if different > max(_MANY_CATEGORIES, rows // 2) else ", all of them rare,"
    if rare and Category.learn(name, column).levels:
        return None
    likeness = f" ({like})" if (like := _like(column)) else ""
    return f"has {different} different values in {rows} rows{likeness}{rare}"


def _numbered(column: pd.Series[Any]) -> bool:
    """Whether values that are different in each row are whole numbers, in order or without gaps."""
    if types.infer_dtype(column) not in ("integer", "floating"):
        return False
    values = column.to_numpy(dtype=float, na_value=np.nan)
    if not np.isfinite(values).all() or (values % 1).any():
        return False
    return column.is_monotonic_increasing or column.is_monotonic_decreasing or np.ptp(values) == len(values) - 1


def _like(column: pd.Series[Any]) -> str | None:
    """Say what the texts of a column seem to be meant as, or nothing."""
    if isinstance(column.dtype, pd.CategoricalDtype):  # as somebody wanted it
        return None
    texts = column.dropna().astype(str).str.replace(",", ".").str.strip(" %$€£")
    if pd.to_numeric(texts, errors="coerce").notna().mean() > _MOSTLY:
        return f"they look like numbers, such as {_first(column)!r}: write 1.5 for 1,5 and leave out % and the like"
    if iso_share(column) > _MOSTLY:
        return "most are dates: correct the others, or leave them empty"
    dates = column.dropna().astype(str).str.fullmatch(r"\d{1,2}([./-])\d{1,2}\1\d{2,4}").mean() > _MOSTLY
    return f"they look like dates, such as {_first(column)!r}: write 2026-11-25" if dates else None


def _first(column: pd.Series[Any]) -> Any:
    return column.dropna().iloc[0]
