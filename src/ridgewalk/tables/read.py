"""Read a file as a frame.

file  --read_table-->  frame  --make_table (ridgewalk.tables.table)-->  Table  --Encoder-->  columns of numbers
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import sys
import warnings
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pandas.api import types
from pyarrow import feather, parquet

from ridgewalk.tables.choices import names_of
from ridgewalk.tables.encode import (
    DECIMAL_COMMAS,
    WITH_COMMAS,
    Category,
    CommaNumber,
    DataError,
    Number,
    as_frame,
    comma_numbers,
    offered,
    refuse_doubled,
)
from ridgewalk.tables.encoder import READ_AS, READ_FROM, READ_MISSING, Encoder
from ridgewalk.tables.excel import read_excel
from ridgewalk.tables.missing import MissingTexts
from ridgewalk.tables.text_format import TextFormat
from ridgewalk.tables.useful import CODE, NO_NAME

_SEPARATED, _COLUMNAR, _EXCEL = (".csv", ".tsv"), (".parquet", ".pq", ".arrow", ".feather"), ".xlsx"
_KINDS = (*_SEPARATED, *(f"{ending}.gz" for ending in _SEPARATED), *_COLUMNAR, _EXCEL)
_SEPARATORS = ",;\t|"
STANDARD_INPUT = "-"
NOTES = "what was noticed of columns while they were read"  # in a frame's attrs: pairs of a column and a sentence
WHOLE_FILE = ""  # instead of a column, where a sentence is on the whole file
_WITH_POINTS = r"[+-]?(?:[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.\d+)?"  # 1,234.5
_GROUPED = r"\s*[+-]?[1-9]\d{0,2}(?:\.\d{3})+\s*"
_ZEROS = re.compile(r"(?:^|[\s,;|\"])[+-]?0\d", re.MULTILINE)
_WIDE_TABLE = 1_000  # columns
_LARGEST = 2**63  # of whole numbers in NumPy's int64
_BLOCK = 1 << 24  # characters that are looked through at once
_HEAD = 1 << 16  # of a file, in which its first line is looked for


def read_table(
    path: str | PathLike[str],
    texts: Sequence[str] = (),
    target: str | None = None,
    encoder: Encoder | None = None,
    *,
    encoding: str | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    missing: str | Sequence[str] | MissingTexts = (),
) -> pd.DataFrame:
    r"""Read a table from CSV or TSV (also .gz), Parquet, Arrow, Feather or Excel (.xlsx).

    CSV and TSV are UTF-8 by default, and their first line contains the column names. The separator of TSV is a tab;
    that of CSV is detected from the first line (a comma, a semicolon, a tab or a bar). Empty fields, NA and the like
    (:data:`ridgewalk.tables.missing.DEFAULT_TEXTS`) are missing values. If the separator is not a comma, columns with
    decimal commas are numbers, and if there is such a column, dots before three digits separate thousands. Columns of
    whole numbers with leading zeros (01234) are codes and remain text. Named index levels of Parquet, Arrow and Feather
    become columns. For Excel the first sheet is read, with the package openpyxl.

    Parameters
    ----------
    path : str or path
        The file; "-" reads CSV or TSV from standard input.
    texts : sequence of str
        Columns of CSV and TSV to read as text even if they look like numbers.
    target : str, optional
        A column of CSV and TSV whose values are kept as in the file: numbers only if Python writes all of them in the
        same way, otherwise text (001, true, 1.0 and 1 together, 1e20).
    encoder : Encoder, optional
        Encoder of the model that will predict these rows: by default, CSV and TSV are read like the file of the fit.
    encoding : str, optional
        Encoding of CSV and TSV by Python's name: "latin-1", "cp1252", "utf-16".
    separator : str, optional
        Field separator of CSV and TSV: one character, or "tab".
    decimal : "." or ",", optional
        Decimal separator of CSV and TSV. With ",", a dot may separate thousands.
    missing : str, sequence of str, or MissingTexts
        Texts that mean missing in any file, in addition to the default ones; numbers as they are written.
        ``MissingTexts(keep_na=("country",))`` names columns that are read as text in which NA and the like are values
        (in pandas ``keep_default_na=False``, of all columns). With an encoder, so are columns that had NA as a category
        in the fit.

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        If the file does not exist, has an unknown type, has no rows, or cannot be read; if the given format is
        contradictory, or given for a file that is not text.
    """
    path = Path(path)
    streamed = str(path) == STANDARD_INPUT
    name = "Standard input" if streamed else str(path)
    kind = ".csv" if streamed else _kind(path)
    asked = TextFormat(encoding, separator, decimal)
    if kind in (*_COLUMNAR, _EXCEL) and asked.named:
        what, verb = " and the ".join(asked.named), "is said" if len(asked.named) == 1 else "are said"
        instead = "leave it out" if len(asked.named) == 1 else "leave them out"
        raise DataError(f"The {what} {verb} of CSV and TSV, and {name} is none: {instead}.")
    gone = missing if isinstance(missing, MissingTexts) else MissingTexts(names_of(missing))
    known = _Known.of(texts, target, encoder, asked, gone)
    if kind in _COLUMNAR:
        frame = known.missing.blanked_frame(_read_columnar(name, path, kind))
    elif kind == _EXCEL:
        frame = known.missing.blanked_frame(_read_sheet(name, path, known.missing.keep_na))
    else:
        frame = _read_text(name, path, kind, known)
    if frame.empty:
        raise DataError(f"{name} has column names but no rows: write rows below the names.")
    for column in gone.keep_na:
        if column not in frame.columns:
            raise DataError(f"There is no column {column!r}. {offered(list(map(str, frame.columns)), column)}")
    frame.attrs[READ_FROM] = name
    if asked.named:
        frame.attrs[READ_AS] = {field: getattr(asked, field) for field in asked.named}
    if gone.texts:
        frame.attrs[READ_MISSING] = list(gone.texts)
    return frame.copy() if frame.shape[1] > len(frame) else frame  # a wide one as one piece, not one per column


def first_rows(
    path: str | PathLike[str], rows: int, *, encoding: str | None = None, separator: str | None = None
) -> pd.DataFrame:
    """Return the first rows of a file, to look at; they may be none. Arrow and Excel files are read whole.

    Parameters
    ----------
    path, encoding, separator
        As for :func:`read_table`; standard input is none of them, for what is read of it is gone.
    rows : int
        The most that are returned.

    Raises
    ------
    DataError
        If there is no such file, its kind is not known, or its head cannot be read.
    """
    path = Path(path)
    name, kind, form = str(path), _kind(path), TextFormat(encoding, separator)
    try:
        if kind == _EXCEL:
            return _read_sheet(name, path).head(rows)
        if kind in _COLUMNAR:
            table = _parquet_head(path, rows) if kind in (".parquet", ".pq") else _read_arrow(path).slice(0, rows)
            table.validate(full=True)
            frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
            return frame
        with _text(path, kind, form.encoding or "UTF-8") as text:
            return _text_head(text, rows, *_first_line(name, text, kind, form))
    except DataError:
        raise
    except Exception as error:  # a damaged file raises whatever its reader runs into
        raise _unreadable(name, kind, error) from None


def _parquet_head(path: Path, rows: int) -> pa.Table:
    """Return the first rows of a Parquet file."""
    file = parquet.ParquetFile(path)
    batch = next(file.iter_batches(rows), None)
    return file.schema_arrow.empty_table() if batch is None else pa.Table.from_batches([batch])


def _text_head(text: io.TextIOWrapper | io.StringIO, rows: int, names: list[str], separator: str) -> pd.DataFrame:
    """Return the first rows of CSV or TSV, without those that cannot be read; decimal commas make numbers."""
    text.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.ParserWarning)
        frame = pd.read_csv(text, sep=separator, index_col=False, nrows=rows, low_memory=False, on_bad_lines="skip")
    frame.columns = pd.Index(names)
    for k in range(frame.shape[1] if separator != "," else 0):
        column = frame.iloc[:, k]
        if holds_text(column) and column.dropna().str.strip().str.fullmatch(WITH_COMMAS).all():
            frame.isetitem(k, pd.to_numeric(comma_numbers(column)).to_numpy())
    return frame


def _read_text(name: str, path: Path, kind: str, known: _Known) -> pd.DataFrame:
    """Read CSV or TSV; errors are raised as sentences."""
    encoding = known.form.encoding or "UTF-8"
    try:
        return _read_separated(name, _text(path, kind, encoding), kind, known)
    except DataError:
        raise
    except UnicodeError as error:
        reason = getattr(error, "reason", str(error))
        raise DataError(
            f"{name} is not {encoding} text ({reason}): save it as UTF-8, or give the encoding that it has (--encoding "
            "latin-1)."
        ) from None
    except pd.errors.ParserWarning:
        raise DataError(f"{name} has rows with more fields than there are column names: name or remove them.") from None
    except (EOFError, zlib.error):
        raise DataError(f"{name} ends in the middle, or is damaged: copy or make it again.") from None
    except (pd.errors.ParserError, csv.Error, OSError, ValueError, OverflowError) as error:
        raise _unreadable(name, kind, error) from None


def _read_sheet(name: str, path: Path, with_na: Collection[str] = ()) -> pd.DataFrame:
    """Read the first sheet of an Excel file."""
    try:
        frame, notes = read_excel(path, NO_NAME, with_na)
    except DataError:
        raise
    except Exception as error:  # a damaged file raises whatever its reader runs into
        raise _unreadable(name, _EXCEL, error) from None
    refuse_doubled(name, frame.columns)
    frame.attrs[NOTES] = [(WHOLE_FILE, note) for note in notes]
    return frame


def _unreadable(name: str, kind: str, error: Exception) -> DataError:
    message = (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(".")
    return DataError(f"{name} cannot be read as {_WORDS[kind]} ({message}): is it that, and whole?")


_WORDS = {
    ".csv": "CSV", ".tsv": "TSV", ".csv.gz": "CSV compressed by gzip", ".tsv.gz": "TSV compressed by gzip",
    ".parquet": "Parquet", ".pq": "Parquet", ".arrow": "Arrow", ".feather": "Feather", ".xlsx": "Excel",
}  # fmt: skip


def is_table(path: Path) -> bool:
    """Return whether a file has the name of a table."""
    return path.name.lower().endswith(_KINDS)


def _kind(path: Path) -> str:
    """Check that a file is there and can be read, and return its ending."""
    if not path.exists():
        raise DataError(f"There is no file {path}: look at the name, and at the folder you are in.")
    if path.is_dir():
        raise DataError(f"{path} is a folder; give a file whose name ends in {', '.join(_KINDS)}.")
    kind = "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    if kind not in _KINDS:
        raise DataError(f"{path.name} is of a kind that is not read: its name must end in {', '.join(_KINDS)}.")
    return kind


def _read_columnar(name: str, path: Path, kind: str) -> pd.DataFrame:
    """Read Parquet, Arrow's file format or its stream; a named level of the index is a column."""
    try:
        table = parquet.read_table(path) if kind in (".parquet", ".pq") else _read_arrow(path)
        table.validate(full=True)  # what points beyond its buffers would end the interpreter
        frame: pd.DataFrame = table.to_pandas()
    except Exception as error:  # a damaged file raises whatever its reader runs into, MemoryError among it
        raise _unreadable(name, kind, error) from None
    levels = [level for level in frame.index.names if level is not None]
    unnamed = [level for level in frame.index.names if level is None and not isinstance(frame.index, pd.RangeIndex)]
    refuse_doubled(name, [*map(str, levels), *map(str, frame.columns)])
    if levels or unnamed:
        names = [f"{NO_NAME}{k}" if level is None else level for k, level in enumerate(frame.index.names)]
        frame = frame.reset_index(names=names)
    return as_frame(frame)


def _read_arrow(path: Path) -> pa.Table:
    """Read Arrow's file format, or its stream; Feather is the first."""
    try:
        return feather.read_table(path)
    except pa.ArrowInvalid:
        with pa.OSFile(str(path)) as file:
            return pa.ipc.open_stream(file).read_all()


def _text(path: Path, kind: str, encoding: str) -> io.TextIOWrapper | io.StringIO:
    """Open CSV or TSV so that it can be read twice."""
    codec = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    if str(path) == STANDARD_INPUT:
        if sys.stdin.isatty():
            raise DataError("Standard input is a terminal: pipe a table into it, or give a file.")
        return io.StringIO(sys.stdin.buffer.read().decode(codec), newline="")
    opened: Any = gzip.GzipFile(path) if kind.endswith(".gz") else path.open("rb")
    return io.TextIOWrapper(opened, encoding=codec, newline="")


@dataclass(frozen=True)
class _Known:
    """What is known about a file's columns before it is read.

    Attributes
    ----------
    texts : frozenset of str
        Are read as text.
    points : frozenset of str
        Hold numbers with points before decimals, as a model learned them.
    target : str or None
    form : TextFormat
        How the file is written.
    missing : MissingTexts
    """

    texts: frozenset[str]
    points: frozenset[str]
    target: str | None
    form: TextFormat
    missing: MissingTexts

    @staticmethod
    def of(
        texts: Sequence[str],
        target: str | None,
        encoder: Encoder | None,
        asked: TextFormat,
        missing: MissingTexts,
    ) -> _Known:
        if encoder is None:
            return _Known(frozenset((*texts, *missing.keep_na)), frozenset(), target, asked, missing)
        columns = encoder.columns
        learned = {column.name for column in columns if isinstance(column, Category)} | {*encoder.row_names}
        commas = {column.name for column in columns if isinstance(column, CommaNumber)}
        points = {column.name for column in columns if type(column) is Number}
        form = asked.over(encoder.read_as)
        if asked.decimal not in (None, encoder.read_as.decimal):  # then this file is written in another way
            commas, points = set(), set()
        kept = (*missing.keep_na, *encoder.na_columns)
        gone = MissingTexts(names_of((*missing.texts, *encoder.missing_texts.texts)), kept)
        return _Known(frozenset((*texts, *learned, *commas, *kept)), frozenset(points), target, form, gone)


def _read_separated(name: str, text: io.TextIOWrapper | io.StringIO, kind: str, known: _Known) -> pd.DataFrame:
    with text:
        names, separator = _first_line(name, text, kind, known.form)
        refuse_doubled(name, names)
        target, asked = known.target, {*known.texts, *([] if known.target is None else [known.target])}
        gone = sorted(known.missing.spelled)

        def read(texts: Iterable[str], columns: list[str] | None = None, more: Sequence[str] = ()) -> pd.DataFrame:
            frame = once(dict.fromkeys(texts, str), columns, [*gone, *more])
            with_na = [name for name in map(str, frame) if name in known.missing.keep_na]
            if with_na:
                frame[with_na] = once(dict.fromkeys(with_na, str), with_na, ["", *gone, *more], False)
            return frame

        def once(
            kinds: Mapping[str, type], columns: list[str] | None, gone: list[str], default: bool = True
        ) -> pd.DataFrame:
            text.seek(0)
            return pd.read_csv(  # an empty dtype would be looked into for every column
                text, sep=separator, index_col=False, dtype=kinds or None, usecols=columns, low_memory=False,
                na_values=gone or None, keep_default_na=default,
            )  # fmt: skip

        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            if asked and len(names) > _WIDE_TABLE:  # then reading twice is quicker
                frame, there = read(()), [name for name in names if name in asked]
                frame[there] = read(there, there)
            else:
                frame = read(asked)
            padded = _padded(frame, known.missing)
            if padded:
                wanted = list(padded)
                frame[wanted] = read(asked & {*wanted}, wanted, [text for each in padded.values() for text in each])
            notes, decimal = [], known.form.decimal
            if decimal == "," or (decimal is None and separator != ","):
                notes += _take_decimal_commas(frame, known, read)
            if _begins_with_zeros(text):
                kinds = zip(map(str, frame), frame.dtypes, strict=True)
                numbers = [name for name, kind in kinds if name not in asked and types.is_numeric_dtype(kind)]
                numbers = [name for name in numbers if _holds_whole(frame[name])]
                notes += _keep_codes(frame, read(numbers, numbers))
    if target in frame and holds_text(frame[target]):
        frame[target] = _as_it_stands(frame[target])
    frame.attrs[NOTES] = notes
    return frame


def _first_line(name: str, text: io.TextIOWrapper | io.StringIO, kind: str, form: TextFormat) -> tuple[list[str], str]:
    """Return the names of the columns of CSV or TSV, and what separates them."""
    start = text.read(_HEAD)
    if "\0" in re.split(r"[\r\n]", start, maxsplit=1)[0]:
        raise DataError(f"{name} holds bytes that no text has: give CSV or TSV in UTF-8, or the right ending.")
    bare = re.sub(r'"[^"]*"', "", start)  # a comma inside of a name separates nothing, and a line's end ends none
    between = re.split(r"[\r\n]", bare, maxsplit=1)[0]
    separator = form.separator or ("\t" if kind.startswith(".tsv") else max(_SEPARATORS, key=between.count))
    text.seek(0)
    names = next(csv.reader(text, delimiter=separator), [])
    if not names:
        raise DataError(f"{name} is empty: a line of column names and rows below it are needed.")
    return names, separator


def _padded(frame: pd.DataFrame, missing: MissingTexts) -> dict[str, list[str]]:
    """Return the columns with missing-value texts in spaces, which pandas does not recognize, and the texts."""
    found: dict[str, list[str]] = {}
    if missing.texts:
        for name, kind in zip(map(str, frame), frame.dtypes, strict=True):
            if not types.is_numeric_dtype(kind):
                texts = (text for text in frame[name].dropna().unique() if isinstance(text, str))
                found[name] = [text for text in texts if missing.include(text)]
    return {name: texts for name, texts in found.items() if texts}


def _take_decimal_commas(
    frame: pd.DataFrame, known: _Known, read: Callable[[Iterable[str], list[str]], pd.DataFrame]
) -> list[tuple[str, str]]:
    """Convert columns with decimal commas, in files that may have them, to numbers; return notes.

    Three digits after a comma may be thousands. So may they after a dot, which is known only where the file has a
    column whose commas stand before decimals for certain. Texts are looked at, and left as they are.
    """
    sure = known.form.decimal == ","
    decimal, thousands = set(), set()
    kinds = list(zip(map(str, frame), frame.dtypes, strict=True))
    for name in (name for name, kind in kinds if not types.is_numeric_dtype(kind) and holds_text(frame[name])):
        values = frame[name].dropna().str.strip()
        if values.str.contains(",", regex=False).any():
            decimal |= {name} if values.str.fullmatch(WITH_COMMAS).all() else set()
            thousands |= {name} if values.str.fullmatch(_WITH_POINTS).all() else set()
    certain = decimal if sure else decimal - thousands
    if not certain and not sure:
        return []
    free = [name for name, _ in kinds if name not in known.texts]
    taken = [name for name in free if name in (certain if thousands - decimal or sure else decimal)]
    for name in taken:
        frame[name] = pd.to_numeric(comma_numbers(frame[name]))
    notes, points = [], set(known.points)
    unclear = [name for name in free if name not in {*decimal, *points} and _may_hold_dots(frame[name])]
    written = read(unclear, unclear) if unclear else frame[[]]
    for name in unclear:
        values = written[name].dropna()
        dots = values[values.str.contains(".", regex=False)]
        if len(dots) and dots.str.fullmatch(_GROUPED).all():
            frame[name] = pd.to_numeric(comma_numbers(written[name]))
            sentence = f"{dots.iloc[0]} is {comma_numbers(dots).iloc[0]}: commas stand before decimals in this file."
            notes.append((name, f"The dots of column {name!r} were taken for thousands, so {sentence}"))
        elif len(dots):
            points.add(name)
    numbers = [name for name in free if _holds_numbers(frame[name])]
    frame.attrs[DECIMAL_COMMAS] = [name for name in numbers if name not in points]
    return notes


def _may_hold_dots(column: pd.Series[Any]) -> bool:
    """Whether a column has numbers with fractions, also as text."""
    if types.is_float_dtype(column):
        return True
    if not holds_text(column):
        return False
    return bool(pd.to_numeric(comma_numbers(column), errors="coerce").notna().eq(column.notna()).all())


def _holds_numbers(column: pd.Series[Any]) -> bool:
    return bool(types.is_numeric_dtype(column) and not types.is_bool_dtype(column))


def holds_text(column: pd.Series[Any]) -> bool:
    """Return whether a column holds text alone, but for what is missing."""
    return bool(types.infer_dtype(column, skipna=True) == "string")


def _begins_with_zeros(text: io.TextIOWrapper | io.StringIO) -> bool:
    """Whether a file may contain a whole number with a leading zero, as a quick test."""
    text.seek(0)
    end = ""
    for block in iter(lambda: text.read(_BLOCK), ""):
        if _ZEROS.search(end + block):
            return True
        end = block[-2:]  # a field may begin in one block and go on in the next
    return False


def _holds_whole(column: pd.Series[Any]) -> bool:
    """Whether a column has whole numbers, also as floating-point numbers."""
    if types.is_float_dtype(column):
        return bool((column.dropna() % 1 == 0).all() and column.notna().any())
    return bool(types.is_integer_dtype(column))


def _keep_codes(frame: pd.DataFrame, written: pd.DataFrame) -> list[tuple[str, str]]:
    """Keep columns of whole numbers with leading zeros as text; return notes on them."""
    notes = []
    for name, column in written.items():
        codes = column.str.strip().str.fullmatch(CODE)
        if codes.any():
            frame[name] = column
            first = column[codes.fillna(False).astype(bool)].iloc[0]
            notes.append(
                (
                    str(name),
                    f"Column {name!r} was read as text, for values such as {first!r} begin with zeros, as codes do: "
                    "leave the zeros out where they are numbers.",
                )
            )
    return notes


def _as_it_stands(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of texts, or its numbers if Python writes each of them as its text."""
    for number in (int, float):
        try:
            different = {text: number(text) for text in column.dropna().unique()}
        except ValueError:
            continue
        written_so = all(str(value) == text and abs(value) < _LARGEST for text, value in different.items())
        if written_so and len(set(different.values())) == len(different):  # -0.0 equals 0.0
            return pd.to_numeric(column.map(different))
    return column


def release_memory() -> None:
    """Release the memory that Arrow keeps after a data frame was deleted."""
    pa.default_memory_pool().release_unused()
