"""Fit random tables, of columns of every kind and in files of every kind, and hold every way to predict to one answer.

python tools/fuzz_tables.py [--tables 2000] [--seed 0] [--plant KIND]

Each seed is a table:

    first file -> read_table -> make_table -> Encoder -> fit -> save and read, ONNX, NumPy
    second file, some of its rows in another form -> read_table(file, encoder=encoder) -> predicted in all these ways

Of some tables it is said what a user may say: the file's encoding, separator and decimal, a text that means missing,
the kinds of columns, and which one names the rows.

A column becomes what its kind is (a number, a category, a date, nothing), with the values that stand in the file;
labels come back as they stand there; a row has one prediction, whatever file it comes in; and a table that cannot be
learned ends in one sentence of ridgewalk's own. All else is a finding: it is printed with its seed; exit code 1.
``--plant`` breaks the package for a kind first: that must be found. A run that was cut goes on where it was, by
hundreds (tools/steps.py).
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import re
import runpy
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import onnxruntime
import pandas as pd
import polars as pl
import pyarrow as pa

import ridgewalk
from ridgewalk import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV, storage
from ridgewalk.export import numpy_code, recipe, to_numpy, to_onnx
from ridgewalk.tables import ColumnChoices, Encoder, useful
from ridgewalk.tables import encode as columns
from ridgewalk.tables import read as data
from ridgewalk.tables.encoder import table_encoder

Texts = list[str | None]
FEWEST_PREDICTED = 0.7  # share of tables that end in predictions
STEP = 100  # tables that are noted at once
LONGEST = 600  # characters of a sentence
NO_NAME = "An input of ONNX needs a name"
DAY = pd.Timedelta(days=1)


class Finding(Exception):  # noqa: N818
    """Something that must not be."""


@dataclass(frozen=True)
class Column:
    """A column as it stands in a file.

    Attributes
    ----------
    texts : list of text
        As a file of text has it; None is an empty field. Empty where only columnar files have the kind.
    typed : array or Series
        As columnar files have it.
    becomes : set of str
        What may be made of it: "number", "category", "date", "left out", "refused".
    meant : tuple of arrays
        Numbers, or days, one of which the column has to have if it becomes such.
    points : bool
        Whether points stand before decimals, so that the texts may be written with commas.
    same : bool
        Whether the texts and what is typed say the same to whoever does not know the file.
    name : str
        Its name; empty for that of its kind.
    """

    texts: Texts
    typed: Any
    becomes: set[str]
    meant: tuple[Any, ...] = ()
    points: bool = False
    same: bool = True
    name: str | None = None


Kind = Callable[[np.random.Generator, int], Column]


def gaps(generator: np.random.Generator, texts: Sequence[Any], share: float = 0.15) -> list[Any]:
    """Return values with gaps, and at least one of each."""
    missing = generator.random(len(texts)) < share
    missing[0], missing[1] = True, False
    return [None if gone else text for gone, text in zip(missing, texts, strict=True)]


def numbers(values: Sequence[Any], texts: Texts | None = None, points: bool = True) -> Column:
    """Return a column of numbers; None is a gap."""
    typed = pd.Series(values)
    meant = typed.astype(float).to_numpy()
    texts = [None if value is None else str(value) for value in values] if texts is None else texts
    return Column(texts, typed, {"number", "left out"}, (meant,), points)


def words(texts: Sequence[Any], *becomes: str) -> Column:
    """Return a column of text."""
    return Column(list(texts), pd.Series(list(texts), dtype=object), set(becomes or ("category", "left out")))


def floats(g: np.random.Generator, rows: int) -> Column:
    """Return numbers with fractions."""
    scale = 10.0 ** g.integers(-2, 7)
    return numbers((g.normal(size=rows) * scale).round(int(g.integers(1, 5))).tolist())


def integers(g: np.random.Generator, rows: int) -> Column:
    """Return whole numbers, sometimes with spaces around."""
    values = g.integers(-500, 5000, rows).tolist()
    return numbers(values, [f" {value}" for value in values] if g.random() < 0.2 else None)


def floats_with_gaps(g: np.random.Generator, rows: int) -> Column:
    """Return numbers with fractions, or whole, and gaps."""
    values = g.normal(100, 40, rows).round(1).tolist() if g.random() < 0.5 else g.integers(0, 90, rows).tolist()
    return numbers(gaps(g, values))


def booleans(*spelled: str) -> Kind:
    """Return the kind of truth values that are spelled so."""

    def kind(g: np.random.Generator, rows: int) -> Column:
        values = (g.random(rows) < 0.5).tolist()
        texts: Texts = [spelled[value] for value in values]
        given = gaps(g, list(range(rows))) if g.random() < 0.3 else list(range(rows))
        texts = [None if k is None else texts[k] for k in given]
        typed = pd.Series([None if k is None else values[k] for k in given])
        if spelled[0] == "no":
            return words(texts)
        # text of a columnar file is categories, and text of CSV truth values
        meant = pd.Series(
            [np.nan if value is None else float(value) for value in typed.astype(object).where(typed.notna(), None)]
        )
        return Column(texts, typed, {"number", "category", "left out"}, (meant.to_numpy(),))

    return kind


def categories(g: np.random.Generator, rows: int) -> Column:
    """Return a few words, sometimes with gaps."""
    texts = g.choice(["red", "green", "blue", " blue", "Grün"], rows).tolist()
    return words(gaps(g, texts) if g.random() < 0.4 else texts)


def rare_categories(g: np.random.Generator, rows: int) -> Column:
    """Return words most of which stand in one row."""
    return words([f"town {k}" if k > 1 else "home" for k in np.minimum(g.zipf(1.6, rows), 500)])


def whole_categories(g: np.random.Generator, rows: int) -> Column:
    """Return whole numbers, as text in a columnar file."""
    values = g.integers(1, 6, rows)
    texts = [str(value) for value in values]
    return Column(texts, pd.Series(texts), {"number", "category", "left out"}, (values.astype(float),))


def codes(g: np.random.Generator, rows: int) -> Column:
    """Return digits, of which some begin with zeros."""
    texts = g.choice(["01", "02", "007", "12", "00"], rows).tolist()
    texts[0] = "01"
    return words(gaps(g, texts)[::-1] if g.random() < 0.3 else texts)


def ids(g: np.random.Generator, rows: int) -> Column:
    """Return a different text in each row."""
    texts = [f"{letter}-{k:05d}" for k, letter in enumerate(g.choice(list("abc"), rows))]
    return words(texts, "left out") if rows > 50 else words(texts)


def row_numbers(g: np.random.Generator, rows: int) -> Column:
    """Return numbers of rows, in order or not."""
    values = np.arange(rows) + int(g.integers(0, 3))
    return Column(
        [str(value) for value in values], pd.Series(g.permutation(values) if g.random() < 0.3 else values), {"left out"}
    )


def dated(moments: pd.Series, texts: Texts) -> Column:
    """Return a column of dates, as text or typed."""
    utc = pd.to_datetime(moments, utc=True)
    days = ((utc - pd.Timestamp(0, tz="UTC")) / DAY).to_numpy()
    return Column(texts, moments, {"date", "left out"}, (days,))


def iso_dates(g: np.random.Generator, rows: int) -> Column:
    """Return dates, in a columnar file as text, as dates or as times."""
    moments = pd.Series(pd.Timestamp("2021-03-01") + pd.to_timedelta(g.integers(-20000, 1500, rows), unit="D"))
    texts = moments.dt.strftime("%Y-%m-%d").tolist()
    made = dated(moments, texts)
    typed = [moments, moments.dt.date, pd.Series(texts), moments.astype("datetime64[ns]")][g.integers(4)]
    return Column(texts, typed, made.becomes, made.meant)


def iso_times(g: np.random.Generator, rows: int) -> Column:
    """Return times with a zone."""
    seconds = g.integers(0, 10**8, rows)
    moments = pd.Series(pd.Timestamp("2020-01-01", tz="UTC") + pd.to_timedelta(seconds, unit="s"))
    zone = ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"][g.integers(4)]
    local = moments.dt.tz_convert(zone)
    return dated(local, [moment.isoformat(sep="T" if g.random() < 0.5 else " ") for moment in local])


def dates_with_gaps(g: np.random.Generator, rows: int) -> Column:
    """Return dates, some of which are missing."""
    made = iso_dates(g, rows)
    given = gaps(g, list(range(rows)))
    gone = np.array([k is None for k in given])
    texts: Texts = [None if k is None else made.texts[k] for k in given]
    return Column(texts, made.typed.where(~gone, None), made.becomes, (np.where(gone, np.nan, made.meant[0]),))


def german_dates(g: np.random.Generator, rows: int) -> Column:
    """Return dates such as 22.03.2024, which are categories."""
    moments = pd.Timestamp("2024-03-22") + pd.to_timedelta(g.integers(0, int(g.choice([5, 900])), rows), unit="D")
    return words(moments.strftime("%d.%m.%Y"))


def with_commas(values: Any, digits: int, group: bool = False) -> Column:
    """Return numbers with commas before decimals: categories where nothing in the file shows what a comma means."""
    texts = [f"{value:,.{digits}f}".translate({44: 46 if group else None, 46: 44}) for value in values]
    meant = [float(text.replace(".", "").replace(",", ".")) for text in texts]
    return Column(texts, pd.Series(meant), {"number", "category", "left out"}, (np.array(meant),), same=False)


def decimal_commas(g: np.random.Generator, rows: int) -> Column:
    """Return numbers such as 1,5 or 1.234,50."""
    return with_commas(g.normal(0, 10.0 ** g.integers(0, 5), rows), int(g.choice([1, 2, 4])), bool(g.random() < 0.5))


def three_digits(g: np.random.Generator, rows: int) -> Column:
    """Return numbers such as 1,234, of which nobody knows what the comma means."""
    return with_commas(g.uniform(0, int(g.choice([1, 900])), rows), 3)


def thousands(g: np.random.Generator, rows: int) -> Column:
    """Return numbers such as 1.234, which are fractions unless commas stand before decimals elsewhere."""
    values = g.integers(int(g.choice([1, 1000])), 900_000, rows)
    texts = [f"{value:,}".replace(",", ".") for value in values]
    fractions = pd.to_numeric(pd.Series(texts), errors="coerce").to_numpy(dtype=float)
    return Column(texts, pd.Series(values), {"number", "category", "left out"}, (values, fractions), same=False)


def three_decimals(g: np.random.Generator, rows: int) -> Column:
    """Return numbers such as 1.234, of which some are below 1, so that points stand before decimals."""
    texts: Texts = [f"{value:.3f}" for value in [0.125, *g.uniform(0.5, 9, rows - 1)]]
    return numbers([float(str(text)) for text in texts], texts, points=False)


def percentages(g: np.random.Generator, rows: int) -> Column:
    """Return numbers with a sign."""
    return words([f"{value} %" for value in g.integers(0, int(g.choice([6, 100])), rows)])


def money(g: np.random.Generator, rows: int) -> Column:
    """Return sums with a currency."""
    many = g.choice([3, 5000])
    form = ["{:,.2f} €", "${:,.2f}", "€ {:.0f}"][g.integers(3)]
    return words([form.format(value / 3) for value in g.integers(1, many + 1, rows)])


def durations(g: np.random.Generator, rows: int) -> Column:
    """Return durations, of NumPy's type or Arrow's."""
    given = pd.Series(pd.to_timedelta(g.integers(0, 10**6, rows), unit="s"))
    if g.random() < 0.4:
        given[g.random(rows) < 0.2] = pd.NaT
    meant = (given / DAY).to_numpy()
    unit = str(g.choice(["s", "ms", "us", "ns"]))
    typed = given.astype(pd.ArrowDtype(pa.duration(unit))) if g.random() < 0.5 else given.astype(f"timedelta64[{unit}]")
    return Column([], typed, {"number", "left out"}, (meant,))


def nullable(g: np.random.Generator, rows: int) -> Column:
    """Return whole numbers or truth values of pandas' types that have gaps."""
    if g.random() < 0.5:
        values, kind = g.integers(0, 100, rows).tolist(), "Int64"
    else:
        values, kind = (g.random(rows) < 0.5).tolist(), "boolean"
    made = gaps(g, values)
    typed = pd.Series(made, dtype=kind)
    texts = [None if value is None else str(value) for value in made]
    return Column(texts, typed, {"number", "category", "left out"}, (typed.to_numpy(dtype=float, na_value=np.nan),))


def constant(g: np.random.Generator, rows: int) -> Column:
    """Return one value."""
    value = ["1", "same", "2.5", "2024-01-01"][g.integers(4)]
    return words([value] * rows, "left out")


def empty(_: np.random.Generator, rows: int) -> Column:
    """Return nothing but gaps."""
    return words([None] * rows, "left out")


def huge(g: np.random.Generator, rows: int) -> Column:
    """Return numbers near the end of what a float holds, or beyond."""
    values = [f"{number:.6g}" for number in g.normal(size=rows) * 10.0 ** int(g.choice([150, 300]))]
    if g.random() < 0.3:
        values = [f"{k}{'9' * 19}" for k in g.integers(1, 99, rows)]
    if g.random() < 0.3:
        values[3] = "9" * 400
    meant = np.array([float(value) for value in values])
    becomes = {"number", "left out"} if np.isfinite(meant).all() else {"refused", "category", "left out"}
    return Column(values, pd.Series(meant), becomes, (meant,))


def tiny(g: np.random.Generator, rows: int) -> Column:
    """Return numbers near 0, some below what a float holds in full."""
    values = g.normal(size=rows) * 10.0 ** int(g.choice([-5, -150, -300, -310]))
    return Column([repr(value) for value in values.tolist()], pd.Series(values), {"number", "left out"}, (values,))


def infinite(g: np.random.Generator, rows: int) -> Column:
    """Return numbers, of which one is infinite."""
    values = g.normal(size=rows).round(3).tolist()
    values[2] = float(g.choice([np.inf, -np.inf]))
    return Column([str(value) for value in values], pd.Series(values), {"refused"})


def unknown(g: np.random.Generator, rows: int) -> Column:
    """Return numbers, and a word for those that nobody knows."""
    texts = [str(value) for value in g.integers(0, int(g.choice([4, 1000])), rows)]
    return words([text if g.random() < 0.85 else "unknown" for text in texts[:-1]] + ["unknown"])


def odd_texts(g: np.random.Generator, rows: int) -> Column:
    """Return texts that a file has to quote, and some that nobody sees."""
    known = [
        'say "so"', "a, b", "a;b", "two\nlines", "two\r\nlines", "tab\there", "bar|bar", "naïve ☃ 漢字 \U0001f600", "'",
        "\x01\x1f\x7f", "\u2028\x85\xa0", "\\n", " ", "=1+1", "e\u0301", "é", "''' + '''", '"""', "{}", "\x1b[31m",
    ]  # fmt: skip
    chosen = g.choice(len(known), int(g.integers(3, 8)), replace=False)
    return words([known[k] for k in g.choice(chosen, rows)])


NAMES = (
    "", " ", "  a", "a ", 'say "so"', "probability of a", "a, b", "a;b", "two\nlines", "tab\there", "X", "value",
    "label", "'", "\\", "{}", "漢字", "1", "1.0", "nan", "Unnamed: 9", "Sub", "center", "level_0", "True",
    "e\u0301", "|",
)  # fmt: skip


def odd_names(g: np.random.Generator, rows: int) -> Column:
    """Return numbers under a name that nobody expects."""
    return replace(floats(g, rows), name=NAMES[g.integers(len(NAMES))])


def category_types(g: np.random.Generator, rows: int) -> Column:
    """Return whole numbers or fractions of pandas' type for categories."""
    values: list[Any] = g.choice([1, 2, 30], rows).tolist() if g.random() < 0.5 else g.choice([0.5, 2.0], rows).tolist()
    values = gaps(g, values) if g.random() < 0.4 else values
    meant = pd.Series(values, dtype=float).to_numpy()
    return Column([], pd.Series(values, dtype="category"), {"category", "number", "left out"}, (meant,))  # Parquet


def lists(g: np.random.Generator, rows: int) -> Column:
    """Return lists."""
    return Column(
        [], pd.Series([list(map(int, g.integers(0, 9, g.integers(1, 3)))) for _ in range(rows)]), {"left out"}
    )


def raw_bytes(g: np.random.Generator, rows: int) -> Column:
    """Return bytes."""
    return Column([], pd.Series([g.bytes(int(g.integers(1, 3))) for _ in range(rows)], dtype=object), {"left out"})


KINDS: dict[str, Kind] = {
    "plain floats": floats, "integers": integers, "floats with gaps": floats_with_gaps,
    "true or false": booleans("false", "true"), "TRUE or FALSE": booleans("FALSE", "TRUE"),
    "yes or no": booleans("no", "yes"),
    "categories": categories, "rare categories": rare_categories, "whole categories": whole_categories, "codes": codes,
    "ids": ids, "row numbers": row_numbers, "ISO dates": iso_dates, "ISO times": iso_times,
    "dates with gaps": dates_with_gaps, "German dates": german_dates, "decimal commas": decimal_commas,
    "three digits": three_digits, "thousands": thousands, "three decimals": three_decimals,
    "percentages": percentages, "money": money,
    "durations": durations, "nullable": nullable, "constant": constant, "empty": empty, "huge": huge, "tiny": tiny,
    "infinite": infinite, "unknown": unknown, "odd texts": odd_texts, "odd names": odd_names,
    "category types": category_types, "lists": lists, "bytes": raw_bytes,
}  # fmt: skip
COLUMNAR_ONLY = ("durations", "category types", "lists", "bytes")

LABELS = (
    ["yes", "no"], ["a", "b", "c"], ["0", "1"], ["1", "2", "30"], ["01", "02", "3"], ["true", "false"],
    ["TRUE", "FALSE"],
    ["1.0", "2.0"], ["1.0", "1"], ["1.50", "2"], ["a, b", 'say "so"', "é\n"], ["-1", "+1"], [" x", "x"], ["1e5", "2"],
    ["2024-01-01", "2024-01-02"], ["inf", "1"], ["1,5", "2,5"],
)  # fmt: skip


def target(g: np.random.Generator, rows: int) -> Column:
    """Return classes or numbers to learn."""
    if g.random() < 0.6:
        labels = LABELS[g.integers(len(LABELS))]
        texts = [labels[k % len(labels)] for k in g.permutation(rows)]
        typed = pd.Series(texts)
        if all(re.fullmatch(r"[1-9]\d*|0", label) for label in labels) and g.random() < 0.5:
            typed = typed.astype(int)
        return Column(list(texts), typed, {"classes"})
    values = g.normal(size=rows) * 10.0 ** g.integers(-3, 6)
    if g.random() < 0.3:
        values = np.arange(rows) * 7 + g.integers(0, 7, rows)
    return numbers(values.tolist() if values.dtype.kind == "i" else values.round(4).tolist())


@dataclass(frozen=True)
class Form:
    """How a table comes: the end of a file's name, or "pandas" or "polars", and how its text is written."""

    ending: str
    separator: str = ","
    commas: bool = False
    index: bool = False
    typed: bool = True

    @property
    def text(self) -> bool:
        """Whether it is a file of text."""
        return "sv" in self.ending


def text_form(g: np.random.Generator, commas: bool) -> Form:
    """Draw a file of text; with commas before decimals something else separates."""
    separator = str(g.choice(list(";\t|") if commas else list(",;\t|")))
    endings = [".csv", ".csv.gz"] + ([".tsv", ".tsv.gz"] if separator == "\t" else [])
    return Form(str(g.choice(endings)), separator, commas, typed=False)


def columnar_form(g: np.random.Generator, typed: bool) -> Form:
    """Draw a columnar file."""
    return Form(str(g.choice([".parquet", ".feather", ".arrow"])), typed=typed, index=bool(g.random() < 0.3))


GAP = "?"


@dataclass(frozen=True)
class Said:
    """What is said of a table beside its file: of the file's text, of what means missing, and of single columns."""

    encoding: str | None = None
    separator: str | None = None
    decimal: str | None = None
    missing: tuple[str, ...] = ()
    choices: ColumnChoices = data.NO_CHOICES

    @property
    def gap(self) -> str | None:
        """What stands where a value is missing; nothing by itself."""
        return GAP if self.missing else None

    def written(self, text: str) -> bytes:
        """Return a file's text in its encoding."""
        return text.encode(self.encoding or "utf-8")


@dataclass(frozen=True)
class Drawn:
    """A random table: its columns by name, the kind of each, how it comes first, and what is said of it."""

    inputs: dict[str, Column]
    kinds: dict[str, str]
    target: Column
    form: Form
    rows: int
    said: Said

    @property
    def everything(self) -> dict[str, Column]:
        """All columns; the target is called "y"."""
        return {**self.inputs, "y": self.target}


def draw(g: np.random.Generator, wanted: str | None = None) -> Drawn:
    """Draw a table, with a column of a wanted kind if there is one."""
    rows = int(g.integers(20, 121))
    text = g.random() < 0.65 and wanted not in COLUMNAR_ONLY
    form = text_form(g, bool(g.random() < 0.3)) if text else columnar_form(g, bool(g.random() < 0.7))
    free = [kind for kind in KINDS if not (text and kind in COLUMNAR_ONLY)]
    if wanted:
        free = [kind for kind in free if kind not in ("infinite", "huge")]
    chosen = [str(kind) for kind in g.choice(free, int(g.integers(2, 7)))]
    if wanted:
        chosen[0] = wanted
    inputs, kinds = {}, {}
    for k, kind in enumerate(chosen):
        column = KINDS[kind](g, rows)
        name = f"{kind} {k}" if column.name is None or column.name in inputs else column.name
        inputs[name], kinds[name] = column, kind
    said, chosen_kinds = say(g, kinds, form)
    for name, column in inputs.items():
        inputs[name] = taken_as(column, chosen_kinds.get(name))
    return Drawn(inputs, kinds, target(g, rows), form, rows, said)


CHOSEN = {
    "integers": "category",
    "whole categories": "category",
    "codes": "number",
    "German dates": "date",
    "ids": "id",
}
"""What columns of a kind are said to be, where something is said of them."""


def say(g: np.random.Generator, kinds: dict[str, str], form: Form) -> tuple[Said, dict[str, str]]:
    """Draw what is said of a table, and what single columns are said to be."""
    chosen = {name: CHOSEN[kind] for name, kind in kinds.items() if kind in CHOSEN and g.random() < 0.5}
    if form.text or not form.typed:
        said = {"missing": (GAP,)} if g.random() < 0.3 else {}
    else:
        said = {}
        chosen = {name: what for name, what in chosen.items() if what != "category"}
    if form.text:
        said |= {"encoding": str(g.choice(["utf-8", "utf-16", "utf-32"]))} if g.random() < 0.3 else {}
        said |= {"separator": form.separator} if g.random() < 0.3 else {}
        said |= {"decimal": "," if form.commas else "."} if g.random() < 0.3 else {}
    names = {kind: tuple(name for name, what in chosen.items() if what == kind) for kind in CHOSEN.values()}
    choices = ColumnChoices(
        categories=names["category"],
        numbers=names["number"],
        dates=dict.fromkeys(names["date"], "dayfirst"),
        missing=said.get("missing", ()),
        ids=names["id"],
    )
    return Said(**said, choices=choices), chosen


def taken_as(column: Column, what: str | None) -> Column:
    """Return a column that becomes what it is said to be."""
    if what is None:
        return column
    if what == "id":
        return replace(column, becomes={"left out"})
    if what == "category":
        return replace(column, becomes={"category", "left out"}, points=False)
    texts = pd.Series(column.texts, dtype=object)
    if what == "number":
        return replace(column, becomes={"number", "left out"}, meant=(texts.astype(float).to_numpy(),))
    moments = pd.to_datetime(texts, format="%d.%m.%Y", utc=True)
    days = ((moments - pd.Timestamp(0, tz="UTC")) / DAY).to_numpy()
    return replace(column, becomes={"date", "left out"}, meant=(days,))


def written_texts(column: Column, form: Form) -> Texts:
    """Return the texts of a column, with commas before decimals if it is written so."""
    if not (form.commas and column.points):
        return column.texts
    return [None if text is None else text.replace(".", ",") for text in column.texts]


def frame_of(columns: dict[str, Column], form: Form, said: Said) -> pd.DataFrame:
    """Return a frame of what is typed, or of the texts where that is wanted and there are any."""
    typed = {}
    for name, column in columns.items():
        as_texts = column.texts and not form.typed
        typed[name] = pd.Series(filled(column.texts, said), dtype=object) if as_texts else column.typed
    return pd.DataFrame(typed)


def filled(texts: Texts, said: Said) -> Texts:
    """Return texts with what means missing in the gaps, if something does."""
    return [said.gap if text is None else text for text in texts]


def text_of(table: dict[str, Texts], form: Form, said: Said) -> bytes:
    """Return a file of text."""
    out = io.StringIO(newline="")
    shown = csv.QUOTE_ALL if any(set(",;\t|") & set(name) for name in table) else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=form.separator, lineterminator="\n", quoting=shown).writerow(table)
    writer = csv.writer(out, delimiter=form.separator, lineterminator="\n")
    gap = said.gap or ""
    writer.writerows([[gap if text is None else text for text in row] for row in zip(*table.values(), strict=True)])
    content = said.written(out.getvalue())
    return gzip.compress(content) if form.ending.endswith(".gz") else content


def write_frame(frame: pd.DataFrame, form: Form, path: Path) -> None:
    """Write a frame as a columnar file; with its first column as the index where that is wanted and possible."""
    frame = frame.reset_index(drop=True)
    if form.ending == ".parquet":
        first = frame.columns[0]
        plain = not isinstance(frame[first].iloc[0], list)
        (frame.set_index(first) if form.index and first and plain else frame).to_parquet(path)
    else:
        frame.to_feather(path)


def read_first(drawn: Drawn, folder: Path) -> pd.DataFrame:
    """Write the first file and read it."""
    path = folder / f"first{drawn.form.ending}"
    if drawn.form.text:
        texts = {name: written_texts(each, drawn.form) for name, each in drawn.everything.items()}
        path.write_bytes(text_of(texts, drawn.form, drawn.said))
    else:
        write_frame(frame_of(drawn.everything, drawn.form, drawn.said), drawn.form, path)
    said = drawn.said
    return data.read_table(
        path, said.choices.texts, "y", encoding=said.encoding, separator=said.separator, decimal=said.decimal,
        missing=said.missing,
    )  # fmt: skip


def label_texts(drawn: Drawn) -> set[str]:
    """Return the labels as they stand in the file."""
    texts = drawn.target.texts if drawn.form.text or not drawn.form.typed else map(str, drawn.target.typed)
    return {str(text) for text in texts}


LEARNED = {
    columns.Number: "number", columns.CommaNumber: "number",
    columns.Category: "category", columns.Date: "date", columns.OrderedDate: "date",
}  # fmt: skip


def file_name(name: str, drawn: Drawn) -> str:
    """Return the name that a column has once it is read: one without a name is called by its place in CSV."""
    return f"Unnamed: {list(drawn.everything).index('')}" if name == "" and drawn.form.text else name


def check_columns(drawn: Drawn, table: data.Table, encoder: Encoder, x: np.ndarray) -> None:
    """Check that each column has become what its kind is, with the values of the file."""
    learned = {column.name: column for column in encoder.columns}
    places = {name: [k for k, origin in enumerate(encoder.origins) if origin == name] for name in learned}
    for name, column in drawn.inputs.items():
        read = file_name(name, drawn)
        became = LEARNED[type(learned[read])] if read in learned else "left out"
        texts_only = not drawn.form.text and not drawn.form.typed and became != "number" and column.texts
        if became not in column.becomes and not texts_only:
            raise Finding(f"{name!r} became {became}, and may become {sorted(column.becomes)}")
        if became == "left out":
            if not any(each.column == read and each.reason for each in encoder.left_out):
                raise Finding(f"{name!r} was left out without a reason")
            continue
        check_values(name, column, learned[read], table.inputs[read], x[:, places[read]])


def check_values(name: str, column: Column, learned: Any, read: pd.Series, x: np.ndarray) -> None:
    """Check the numbers that a column has become."""
    if isinstance(learned, columns.Category):
        spelled = [columns.MISSING if text is None else text for text in texts_of(read)]
        if column.texts and any(a not in (None, b) for a, b in zip(column.texts, spelled, strict=True)):
            raise Finding(f"{name!r} holds other texts than the file")
        if not column.texts:  # a whole number is one category with a point and without
            spelled = [text.removesuffix(".0") for text in spelled]
        expected = np.array([[float(text == level) for level in learned.levels] for text in spelled])
        if not np.array_equal(x[:, : len(learned.levels)], expected):
            raise Finding(f"{name!r} has categories of other rows")
        return
    found = x[:, 0] + learned.center if isinstance(learned, columns.Date) else x[:, 0]
    for meant in column.meant:
        known = ~np.isnan(meant)
        if np.allclose(found[known], np.asarray(meant, dtype=float)[known], rtol=1e-9, atol=1e-300):
            return
    raise Finding(f"{name!r} has other values than the file")


def estimator(g: np.random.Generator, task: str, seed: int) -> Any:
    """Draw an estimator that is fitted at once."""
    hidden = ((3,), ())[g.integers(2)]
    settings: dict[str, Any] = {"max_iter": 5, "random_state": seed, "n_jobs": 1}
    if g.random() < 0.4:
        kind = MLPClassifierCV if task == "classification" else MLPRegressorCV
        return kind(hidden, alphas=2, cv=2, **settings)
    one = MLPClassifier if task == "classification" else MLPRegressor
    return one(hidden or (3,), **settings)


def answer(model: Any, x: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Return what a model predicts: labels as text, of numbers none, and numbers (rows, outputs)."""
    if hasattr(model, "classes_"):
        return list(map(str, model.predict(x))), model.predict_proba(x)
    return [], np.asarray(model.predict(x)).reshape(len(x), -1)


def same(way: str, found: tuple[list[str], Any], wanted: tuple[list[str], np.ndarray], tolerance: float) -> None:
    """Check that two answers are one; a label may be another where its probability is that of the next."""
    labels, values = found[0], np.asarray(found[1], dtype=float).reshape(wanted[1].shape)
    scale = 1.0 if wanted[0] else max(1.0, float(np.abs(wanted[1]).max()))
    if not np.isfinite(values).all():
        raise Finding(f"{way}: predictions that are no numbers")
    if np.abs(values - wanted[1]).max() > tolerance * scale:
        raise Finding(f"{way}: predictions differ by {np.abs(values - wanted[1]).max():.2g}")
    if wanted[0]:
        top = np.sort(wanted[1], axis=1)
        clear = top[:, -1] - top[:, -2] > 10 * tolerance
        if any(sure and a != b for sure, a, b in zip(clear, labels, wanted[0], strict=True)):
            raise Finding(f"{way}: other labels, such as {labels[0]!r} for {wanted[0][0]!r}")


@dataclass(frozen=True)
class Second:
    """New rows: what a model gets, the file of text that they stand in if they do, and which of the first they are."""

    frame: Any
    file: Path | None
    rows: np.ndarray
    form: Form
    gap: bool


def held_by_arrow(column: pd.Series) -> pd.Series:
    """Return a column of whole numbers beyond 64 bits as floats, as all but Python have them."""
    large = column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "integer"
    return column.astype(float) if large else column


def second(g: np.random.Generator, drawn: Drawn, first: pd.DataFrame, encoder: Encoder, folder: Path) -> Second:
    """Write some rows in another form, and read them as a model wants them."""
    count = int(g.choice([1, 1, 2, 3, 10]))
    rows = g.choice(drawn.rows, count, replace=False)
    commas = any(isinstance(column, columns.CommaNumber) for column in encoder.columns)
    texts = not (set(drawn.kinds.values()) & set(COLUMNAR_ONLY))
    untyped = drawn.form.text or not drawn.form.typed  # the texts are what was learned from
    from_texts = texts and (untyped or all(column.same for column in drawn.inputs.values())) and g.random() < 0.6
    gap = bool(g.random() < 0.4)
    ways = ["columnar", "pandas", "polars"]
    if texts and (from_texts or not commas):
        ways += ["text"] * 3
    way = str(g.choice(ways))
    form = {"text": text_form, "columnar": columnar_form}.get(way, lambda *_: Form(way))(g, drawn.form.commas)
    if way == "text" and drawn.said.separator is not None:
        form = replace(form, separator=drawn.said.separator, ending=form.ending.replace("tsv", "csv"))
    if from_texts:
        frame = pd.DataFrame(
            {
                name if way == "text" else file_name(name, drawn): pd.Series(
                    filled(written_texts(column, drawn.form), drawn.said), dtype=object
                )
                for name, column in drawn.inputs.items()
            }
        )
    else:
        frame = first.drop(columns="y").apply(held_by_arrow)
    frame = frame.iloc[rows].reset_index(drop=True)
    if gap:
        frame = pd.concat([frame, frame.iloc[:1]], ignore_index=True)
        frame = frame.apply(lambda column: column.where(column.index < count, None))
    file = folder / f"second{form.ending}"
    if way == "text":
        file.write_bytes(text_of({name: texts_of(frame[name]) for name in frame}, form, drawn.said))
    elif way == "columnar":
        write_frame(frame, form, file)
    elif way == "polars":
        return Second(pl.from_arrow(pa.Table.from_pandas(frame, preserve_index=False)), None, rows, form, gap)
    else:
        return Second(frame, None, rows, form, gap)
    return Second(data.read_table(file, encoder=encoder), file if form.text else None, rows, form, gap)


def feeds(content: bytes, frame: pd.DataFrame, encoder: Encoder) -> tuple[Any, dict[str, np.ndarray]]:
    """Return a session of onnxruntime and its inputs, as docs/export.md makes them."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    learned = {column.name: column for column in encoder.columns}
    given = {}
    for each in session.get_inputs():
        column = frame[each.name]
        if each.type != "tensor(string)":
            column = encoder.missing_texts.blanked(column, as_numbers=True)
        if each.type == "tensor(string)":
            values = np.array([text or "" for text in texts_of(column)], dtype=object)
        elif isinstance(learned[each.name], columns.Date):
            form = "%d.%m.%Y" if isinstance(learned[each.name], columns.OrderedDate) else "ISO8601"
            text = {"format": form} if holds_text(column) else {}
            moments = pd.to_datetime(column, utc=True, **text)
            values = ((moments - pd.Timestamp(0, tz="UTC")) / DAY).to_numpy(dtype=float)
        else:
            if isinstance(learned[each.name], columns.CommaNumber) and holds_text(column):
                column = columns.comma_numbers(column.astype(object))
            values = np.array([as_double(value) for value in column.astype(object)])
        given[each.name] = values[:, None]
    return session, given


def holds_text(column: pd.Series) -> bool:
    """Return whether a column holds text."""
    return pd.api.types.infer_dtype(column, skipna=True) == "string"


def texts_of(column: pd.Series) -> Texts:
    """Return a column's values as text, None where they are missing."""
    return [None if gone else str(value) for value, gone in zip(column.astype(object), column.isna(), strict=True)]


def as_double(value: Any) -> float:
    """Return a number, a truth value, a duration in days, or the number that a text says."""
    if value is None or value is pd.NA or value is pd.NaT:
        return np.nan
    if isinstance(value, np.timedelta64) or hasattr(value, "total_seconds"):
        return pd.Timedelta(value) / DAY
    return float({"true": 1, "false": 0}.get(value.lower(), value) if isinstance(value, str) else value)


def check_predictions(g: np.random.Generator, drawn: Drawn, first: pd.DataFrame, fitted: Any, folder: Path) -> None:
    """Check every way to predict the rows that a model was fitted on, and the same rows in other files."""
    model, encoder, x = fitted
    wanted = answer(model, x)
    if not np.isfinite(wanted[1]).all():
        raise Finding("fit: predictions that are no numbers")
    if wanted[0] and not set(map(str, model.classes_)) <= label_texts(drawn):
        raise Finding(f"labels {list(map(str, model.classes_))} stand in the file as {sorted(label_texts(drawn))}")
    new = second(g, drawn, first, encoder, folder)
    described = f"second {new.form.ending} {new.form.separator!r}, {len(new.rows)} rows{', a gap' if new.gap else ''}"
    taken = encoder.transform(new.frame)
    whole = answer(model, taken)
    if not np.isfinite(whole[1]).all():
        raise Finding(f"{described}: predictions that are no numbers")
    count = len(new.rows)
    same(
        described,
        (whole[0][:count], whole[1][:count]),
        ([wanted[0][k] for k in new.rows] if wanted[0] else [], wanted[1][new.rows]),
        1e-9,
    )
    encoder.unseen(new.frame)

    kept = storage.read(storage.save(model, folder / "model.safetensors", encoder=encoder, target="y"))
    if kept.encoder.columns != encoder.columns or kept.encoder.left_out != encoder.left_out:
        raise Finding("the loaded encoder is another")
    loaded = answer(kept.model, kept.encoder.transform(new.frame))
    if loaded[0] != whole[0] or not np.array_equal(loaded[1], whole[1]):
        raise Finding("the loaded model predicts something else")

    frame = columns.as_frame(new.frame)
    check_onnx(model, encoder, frame, whole)
    exported = to_numpy(model, encoder, target="y")
    exported.write(folder / "exported.py")
    code = runpy.run_path(str(folder / "exported.py"))
    given = {"frame": new.frame, "dict": {name: frame[name].tolist() for name in frame}}
    if new.file is not None and not new.file.name.endswith(".gz"):
        given["CSV"] = code["read_csv"](new.file)
    for way, table in given.items():
        labels = list(map(str, code["predict"](table))) if wanted[0] else []
        values = code["predict_proba"](table) if wanted[0] else code["predict"](table)
        same(f"{described}, NumPy of {way}", (labels, values), whole, 1e-9)


def check_onnx(model: Any, encoder: Encoder, frame: pd.DataFrame, wanted: Any) -> None:
    """Check that ONNX predicts the same."""
    try:
        exported = to_onnx(model, encoder, target="y")
    except ValueError as error:
        if NO_NAME in str(error):
            return
        raise
    session, given = feeds(exported.content, frame, encoder)
    out = session.run(None, given)
    same("ONNX", (list(map(str, out[0])), out[1]) if wanted[0] else ([], out[0]), wanted, 1e-6)


def sentence(error: Exception) -> str:
    """Return the sentence that a table ends in.

    Raises
    ------
    Finding
        If it is none, or not ridgewalk's.
    """
    said, where = str(error), traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(where.filename).name}:{where.lineno}"
    if not isinstance(error, ValueError):
        raise Finding(f"{type(error).__name__} at {place}: {said[:150]}") from error
    if Path(ridgewalk.__file__).parent not in Path(where.filename).parents:
        raise Finding(f"{type(error).__name__} of others at {place}: {said[:150]}") from error
    if not said.endswith((".", "?")) or len(said) > LONGEST or not said[:1].strip():
        raise Finding(f"no plain sentence at {place}: {said[:150]!r} ({len(said)} characters)") from error
    return said


def masked(said: str) -> str:
    """Return a sentence without what differs from table to table."""
    said = re.sub(r"'(?:[^'\\]|\\.)*'|\"[^\"]*\"|\([^()]*\)", "…", said)
    return re.sub(r"\S*/\S+", "FILE", re.sub(r"\d[\d.,]*", "N", said))[:110]


def run_table(seed: int, folder: Path, wanted: str | None = None) -> tuple[Drawn, str | None]:
    """Make a table and predict it in every way; return it and the sentence that it ends in, or none.

    Raises
    ------
    Finding
    """
    g = np.random.default_rng(seed)
    drawn = draw(g, wanted)
    learned = False
    try:
        first = read_first(drawn, folder)
        table = data.make_table(first, "y", choices=drawn.said.choices)
        encoder = table_encoder(table.inputs, drawn.said.choices, table.left_out)
        x = encoder.transform(table.inputs)
        check_columns(drawn, table, encoder, x)
        model = estimator(g, table.task, seed).fit(x, table.target.to_numpy())
        learned = True
        check_predictions(g, drawn, first, (model, encoder, x), folder)
    except Finding as finding:
        raise Finding(f"{finding}; {drawn.form}; {drawn.kinds}") from finding
    except Exception as error:
        try:
            said = sentence(error)
            if learned:
                raise Finding(f"rows of the fit are refused: {said[:300]}") from error
        except Finding as finding:
            raise Finding(f"{finding}; {drawn.form}; {drawn.kinds}") from error
        return drawn, said
    return drawn, None


@dataclass
class Tally:
    """What became of tables, by the kinds of their columns."""

    tables: Counter[str]
    predicted: Counter[str]
    sentences: dict[str, Counter[str]]
    findings: list[tuple[int, tuple[str, ...], str]]
    total: int = 0
    whole: int = 0

    def add(self, noted: dict[str, Any]) -> None:
        """Add what a note says of tables without findings."""
        self.tables.update(noted["tables"])
        self.predicted.update(noted["predicted"])
        for kind, said in noted["sentences"].items():
            self.sentences[kind].update(said)
        self.total += noted["total"]
        self.whole += noted["whole"]

    @property
    def report(self) -> str:
        """A line per kind, its sentences, and all findings."""
        lines = [f"{'kind':18}{'tables':>8}{'predicted':>11}{'sentences':>11}{'findings':>10}"]
        for kind in KINDS:
            said = sum(self.sentences[kind].values())
            found = sum(kind in kinds for _, kinds, _ in self.findings)
            lines.append(f"{kind:18}{self.tables[kind]:8}{self.predicted[kind]:11}{said:11}{found:10}")
        lines.append(
            f"{'all':18}{self.total:8}{self.whole:11}{sum(self.sentences['all'].values()):11}{len(self.findings):10}"
        )
        lines += [f"{count:6}  {said}" for said, count in self.sentences["all"].most_common()]
        return "\n".join(lines)


def run(tables: int, first: int, wanted: str | None = None, enough: int | None = None) -> Tally:
    """Run tables of seeds in a row, until there are enough findings."""
    tally = Tally(Counter(), Counter(), defaultdict(Counter), [])
    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(first, first + tables):
            kinds = tuple(dict.fromkeys(draw(np.random.default_rng(seed), wanted).kinds.values()))
            tally.total += 1
            tally.tables.update(kinds)
            try:
                _, said = run_table(seed, Path(place), wanted)
            except Finding as finding:
                tally.findings.append((seed, kinds, str(finding)))
                print(f"seed {seed}: {finding}", flush=True)
                if len(tally.findings) == enough:
                    break
                continue
            if said is None:
                tally.whole += 1
                tally.predicted.update(kinds)
            else:
                for kind in (*kinds, "all"):
                    tally.sentences[kind][masked(said)] += 1
    return tally


Harm = Callable[[Any, pd.Series, np.ndarray], None]


def encoding(kind: str, harm: Harm) -> list[Any]:
    """Return patches that harm what the encoder writes of columns of a kind."""

    def harmed(cls: Any) -> Any:
        write = cls.write

        def wrong(self: Any, column: pd.Series, out: np.ndarray) -> None:
            write(self, column, out)
            if self.name.startswith(kind):
                harm(self, column, out)

        return mock.patch.object(cls, "write", wrong)

    return [harmed(cls) for cls in (columns.Number, columns.Category, columns.Date)]


def plus_one(_: Any, __: pd.Series, out: np.ndarray) -> None:
    """Add 1 to a number, or a day to a date."""
    out[:, 0] += 1


def plus_one_alone(_: Any, __: pd.Series, out: np.ndarray) -> None:
    """Add 1 in few rows alone."""
    out[:, 0] += len(out) < 20


def upside_down(_: Any, __: pd.Series, out: np.ndarray) -> None:
    """Assign each row the values of another."""
    out[:] = out[::-1].copy()


def swapped(_: Any, __: pd.Series, out: np.ndarray) -> None:
    """Swap the columns of categories; 1 and 0 where there is one column."""
    out[:] = 1 - out if out.shape[1] == 1 else np.roll(out, 1, axis=1)


def no_numbers(_: Any, column: pd.Series, out: np.ndarray) -> None:
    """Leave what is missing as no number."""
    out[column.isna()] = np.nan


def single(_: Any, __: pd.Series, out: np.ndarray) -> None:
    """Keep what single precision does."""
    out[:] = out.astype(np.float32)


def no_others(self: Any, _: pd.Series, __: np.ndarray) -> None:
    """Know no rare categories."""
    if getattr(self, "others", ()):
        raise KeyError(self.others[0])


def instead(module: Any, name: str, make: Callable[[Any], Any]) -> list[Any]:
    """Return a patch that puts something, made of what is there, in its place."""
    return [mock.patch.object(module, name, make(getattr(module, name)))]


def in_code(name: str, old: str, new: str) -> list[Any]:
    """Return a patch of the code that the NumPy file has."""
    assert old in getattr(numpy_code, name)
    return instead(numpy_code, name, lambda code: code.replace(old, new))


def no_comma(kind: str) -> list[Any]:
    """Return patches that read 1,5 as 15."""

    def make(right: Any) -> Any:
        def wrong(texts: pd.Series) -> pd.Series:
            return texts.str.replace(",", "") if str(texts.name).startswith(kind) else right(texts)

        return wrong

    return instead(data, "comma_numbers", make) + instead(columns, "comma_numbers", make)


def nothing(*_: Any) -> Any:
    """Find nothing."""
    return None


PLANTS: dict[str, Callable[[], list[Any]]] = {
    "plain floats": lambda: encoding("plain floats", plus_one_alone),
    "integers": lambda: encoding("integers", upside_down),
    "floats with gaps": lambda: encoding("floats with gaps", no_numbers),
    "true or false": lambda: in_code("_NUMBER", '"true": 1', '"true": 0'),
    "TRUE or FALSE": lambda: in_code("_NUMBER", ' "TRUE": 1,', ""),
    "yes or no": lambda: encoding("yes or no", swapped),
    "categories": lambda: in_code("_AMONG", "float(text in texts)", "float(text not in texts)"),
    "rare categories": lambda: encoding("rare categories", no_others),
    "whole categories": lambda: encoding("whole categories", swapped),
    "codes": lambda: instead(data, "_keep_codes", lambda _: lambda *_: []),
    "ids": lambda: instead(useful, "_odd", lambda _: nothing),
    "row numbers": lambda: instead(useful, "_numbered", lambda _: nothing),
    "ISO dates": lambda: encoding("ISO dates", plus_one),
    "ISO times": lambda: instead(columns, "_days", lambda right: lambda *given: np.floor(right(*given))),
    "dates with gaps": lambda: encoding("dates with gaps", no_numbers),
    "German dates": lambda: encoding("German dates", swapped),
    "decimal commas": lambda: no_comma("decimal commas"),
    "three digits": lambda: no_comma("three digits"),
    "thousands": lambda: encoding("thousands", plus_one),
    "three decimals": lambda: encoding("three decimals", plus_one_alone),
    "percentages": lambda: encoding("percentages", upside_down),
    "money": lambda: encoding("money", swapped),
    "durations": lambda: instead(columns, "_SECONDS_PER_DAY", lambda seconds: seconds / 24),
    "nullable": lambda: encoding("nullable", no_numbers),
    "constant": lambda: instead(useful, "_hopeless", lambda _: nothing),
    "empty": lambda: instead(useful, "_hopeless", lambda _: nothing),
    "huge": lambda: encoding("huge", single),
    "tiny": lambda: encoding("tiny", single),
    "infinite": lambda: instead(columns.np, "isinf", lambda _: lambda values: np.zeros(np.shape(values), bool)),
    "unknown": lambda: instead(
        columns, "_texts", lambda right: lambda column: right(column).replace("unknown", columns.MISSING)
    ),
    "odd texts": lambda: instead(numpy_code, "_literal", lambda _: lambda value: f'"{value}"'),
    "odd names": lambda: instead(
        recipe, "_features", lambda right: lambda *given: (replace(f, column=f.column.upper()) for f in right(*given))
    ),
    "category types": lambda: encoding("category types", swapped),
    "lists": lambda: instead(useful, "_hopeless", lambda _: nothing),
    "bytes": lambda: instead(useful, "_hopeless", lambda _: nothing),
}


@contextmanager
def planted(kind: str) -> Iterator[None]:
    """Break the package where a kind needs it."""
    with ExitStack() as stack:
        for patch in PLANTS[kind]():
            stack.enter_context(patch)
        yield


def main() -> None:
    """Run the tables, print what became of them."""
    import steps  # beside this file, where it is run as a script

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # some library swallows one Ctrl-C, and is not the place to end in
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0, help="of the first table; the others follow")
    parser.add_argument(
        "--plant", choices=KINDS, metavar="KIND", help="break the package for a kind: " + ", ".join(KINDS)
    )
    arguments = parser.parse_args()
    tally, notes = Tally(Counter(), Counter(), defaultdict(Counter), []), steps.Notes("fuzz_tables")
    with planted(arguments.plant) if arguments.plant else nullcontext():
        end = arguments.seed + arguments.tables
        for first in range(arguments.seed, end, STEP):
            tables = min(STEP, end - first)
            step = f"{tables} from {first}, planted {arguments.plant}"
            if step not in notes.passed:
                part = run(tables, first, arguments.plant)
                tally.findings += part.findings
                tally.add(vars(part))
                if not part.findings:
                    notes.note(step, vars(part))
            else:
                tally.add(notes.passed[step])
    print(tally.report)
    if tally.findings or tally.whole < FEWEST_PREDICTED * tally.total:
        sys.exit(1)


if __name__ == "__main__":
    main()
