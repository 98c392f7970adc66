"""A file becomes a table, a table becomes columns of numbers: pandas reads, scikit-learn encodes.

numbers       missing values filled with the column's median, and a column that says where they were
anything else one column per category; "missing" is a category, an unseen one is none of them
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import sys
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pandas.api import types
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from ridgewalk.losses import holds_classes

_SEPARATED, _COLUMNAR = (".csv", ".tsv"), (".parquet", ".pq", ".arrow", ".feather")
_KINDS = (*_SEPARATED, *(f"{ending}.gz" for ending in _SEPARATED), *_COLUMNAR)
_SEPARATORS = ",;\t|"
STANDARD_INPUT = "-"
_MANY_CATEGORIES = 50
_MISSING = "(missing)"


class DataError(ValueError):
    """Data that cannot be used, and what to do about it."""


def read_table(path: Path, texts: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table: CSV or TSV, as they are or compressed by gzip; Parquet, Arrow or Feather.

    CSV and TSV are UTF-8, and their first line names the columns. In TSV a tab separates; in CSV what stands between
    the names (a comma, a semicolon, a tab or a bar). Empty fields, NA and the like are missing values.

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
    return frame


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
            return pd.read_csv(text, sep=separator, index_col=False, dtype=dict.fromkeys(texts, str), low_memory=False)


def _refuse_doubled(name: str, columns: Sequence[str]) -> None:
    doubled = [column for column in columns if column and columns.count(column) > 1]
    if doubled:
        raise DataError(f"{name} has more than one column named {doubled[0]!r}: rename one.")


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


def make_table(frame: pd.DataFrame, target: str, task: str = "auto", drop: tuple[str, ...] = ()) -> Table:
    """Split a frame into inputs and target, and find out the task.

    The task is regression where the target holds numbers with fractions or more than 20 different ones, else
    classification. Columns that are constant, or as good as a different text on every row, are left out and named
    in ``notes``.

    Raises
    ------
    DataError
    """
    for name in (target, *drop):
        if name not in frame.columns:
            raise DataError(f"There is no column {name!r}. The columns are: {', '.join(frame.columns)}.")
    y = frame[target]
    missing = int(y.isna().sum())
    if missing:
        raise DataError(
            f"The target {target!r} is missing in {missing} of {len(y)} rows (NA and the like count): drop those first."
        )
    numeric = types.is_numeric_dtype(y) and not types.is_bool_dtype(y)
    if numeric and not np.isfinite(y.to_numpy(dtype=float)).all():
        raise DataError(f"The target {target!r} holds infinite values: drop or correct those rows first.")
    if y.nunique() < 2:
        raise DataError(f"The target {target!r} has one value only ({y.iloc[0]}): there is nothing to learn.")
    if task == "auto":
        task = "classification" if holds_classes(y.to_numpy(dtype=float if numeric else object)) else "regression"
    if task == "regression" and not numeric:
        raise DataError(f"Regression needs numbers, and the target {target!r} holds text such as {y.iloc[0]!r}.")
    if task == "classification" and y.nunique() == len(y):
        raise DataError(f"The target {target!r} has a different value in each row, so it is no set of classes.")
    inputs = frame.drop(columns=[target, *drop])
    kept, notes = _useful(inputs)
    if not kept:
        raise DataError("No column is left to learn from: " + " ".join(notes))
    inputs = inputs[kept]
    return Table(inputs, y.astype(float) if task == "regression" else _labels(y), task, tuple(notes))


def _labels(y: pd.Series[Any]) -> pd.Series[Any]:
    """Class labels as whole numbers where they are, as text where they are not."""
    if types.is_bool_dtype(y) or not types.is_numeric_dtype(y):
        return y.astype(str)
    values = y.to_numpy(dtype=float)
    return y.astype(int) if (values % 1 == 0).all() else y.astype(str)


def _useful(inputs: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Columns worth learning from, and a note on each of the others."""
    kept, notes = [], []
    for name in inputs:
        column = inputs[name]
        try:
            different = column.nunique(dropna=False)
        except TypeError:  # lists, arrays, dictionaries: nothing that can be told apart
            notes.append(f"Column {name!r} holds {type(column.iloc[0]).__name__} values and was left out.")
            continue
        if str(name).startswith("Unnamed: "):
            notes.append(f"Column {name!r} has no name in the file (row numbers?) and was left out.")
        elif different <= 1:
            notes.append(f"Column {name!r} is constant and was left out.")
        elif not types.is_numeric_dtype(column) and different > max(_MANY_CATEGORIES, len(column) // 2):
            notes.append(f"Column {name!r} has {different} different values in {len(column)} rows and was left out.")
        else:
            kept.append(str(name))
            if not types.is_numeric_dtype(column) and _like_numbers(column):
                notes.append(
                    f"Column {name!r} is text that looks like numbers (such as {column.dropna().iloc[0]!r}) and was "
                    "taken as categories: write 1.5 for 1,5 and leave out % and the like."
                )
    return kept, notes


def _like_numbers(column: pd.Series[Any]) -> bool:
    """Whether most texts of a column become numbers once commas and signs of unit are mended."""
    texts = column.dropna().astype(str).str.replace(",", ".").str.strip(" %$€£")
    return bool(pd.to_numeric(texts, errors="coerce").notna().mean() > 0.9)


class Encoder:
    """Turns a table's inputs into columns of numbers, and knows which input each column came from.

    Nothing of it looks at the target. What it learns from the rows (categories, medians) it learns from all rows that
    it is fitted on; standardizing is left to each fold.
    """

    def __init__(self) -> None:
        self.numbers: list[str] = []
        self.categories: list[str] = []

    def fit(self, inputs: pd.DataFrame) -> Encoder:
        """Learn medians and categories."""
        self.numbers = [str(name) for name in inputs if _is_number(inputs[name])]
        self.categories = [str(name) for name in inputs if not _is_number(inputs[name])]
        self._fill = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        self._one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        if self.numbers:
            self._fill.fit(self._floats(inputs))
        if self.categories:
            self._one_hot.fit(self._texts(inputs))
        return self

    @property
    def columns(self) -> list[str]:
        """Inputs that a new frame needs."""
        return [*self.numbers, *self.categories]

    @property
    def names(self) -> list[str]:
        """Name of each encoded column: "age", "age is missing", "colour = red"."""
        missing = [f"{self.numbers[k]} is missing" for k in self._indicated]
        texts = [f"{name} = {value}" for name, values in self._levels for value in values]
        return [*self.numbers, *missing, *texts]

    @property
    def origins(self) -> list[str]:
        """Input that each encoded column came from."""
        texts = [name for name, values in self._levels for _ in values]
        return [*self.numbers, *(self.numbers[k] for k in self._indicated), *texts]

    def transform(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Encode the inputs of a frame, which may have other columns too: shape (N, P).

        Raises
        ------
        DataError
            If an input is missing, or holds text where the training data had numbers.
        """
        absent = [name for name in self.columns if name not in frame.columns]
        if absent:
            more = f" and {len(absent) - 1} more that this data lacks" if len(absent) > 1 else ""
            raise DataError(
                f"The model needs column {absent[0]!r}{more}. The columns here are: {', '.join(frame.columns)}."
            )
        parts = [self._fill.transform(self._floats(frame))] if self.numbers else []
        parts += [self._one_hot.transform(self._texts(frame))] if self.categories else []
        return np.hstack(parts)

    def unseen(self, frame: pd.DataFrame) -> list[str]:
        """Say which categories of a frame the encoder has never seen; they count as none of its categories."""
        notes = []
        for column, (name, levels) in zip(self._texts(frame).T if self.categories else (), self._levels, strict=True):
            new = sorted(set(column) - set(levels))
            if new:
                rows = int(np.isin(column, new).sum())
                notes.append(f"{name!r} holds values that the model has never seen, such as {new[0]!r} ({rows} rows).")
        return notes

    @property
    def _indicated(self) -> list[int]:
        return [int(k) for k in self._fill.indicator_.features_] if self.numbers else []

    @property
    def _levels(self) -> list[tuple[str, list[str]]]:
        if not self.categories:
            return []
        return [(name, list(values)) for name, values in zip(self.categories, self._one_hot.categories_, strict=True)]

    def _floats(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        columns = []
        for name in self.numbers:
            try:
                column = pd.to_numeric(frame[name]).to_numpy(dtype=float, na_value=np.nan)
            except (ValueError, TypeError):
                raise DataError(
                    f"Column {name!r} held numbers when the model was trained, and holds text here."
                ) from None
            if np.isinf(column).any():
                raise DataError(f"Column {name!r} holds infinite values: correct them, or leave them empty (missing).")
            columns.append(column)
        return np.stack(columns, axis=1)

    def _texts(self, frame: pd.DataFrame) -> NDArray[np.object_]:
        columns = [
            frame[name].astype(object).where(frame[name].notna(), _MISSING).astype(str) for name in self.categories
        ]
        return np.stack([column.to_numpy(dtype=object) for column in columns], axis=1)


def _is_number(column: pd.Series[Any]) -> bool:
    return types.is_numeric_dtype(column) and not types.is_bool_dtype(column)
