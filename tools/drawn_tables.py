"""Random tables: columns of every kind, in files of every kind, with what may be said of them.

:func:`draw` draws one; :func:`text_of` and :func:`write_frame` write it.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ridgewalk.tables import ColumnChoices
from ridgewalk.tables.choices import NO_CHOICES

Texts = list[str | None]
DAY = pd.Timedelta(days=1)


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
    choices: ColumnChoices = NO_CHOICES

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
