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
import re
import runpy
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter, defaultdict
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import polars as pl
import pyarrow as pa

import ridgewalk
from drawn_tables import (
    COLUMNAR_ONLY,
    DAY,
    KINDS,
    Column,
    Drawn,
    Form,
    Texts,
    columnar_form,
    draw,
    filled,
    frame_of,
    text_form,
    text_of,
    write_frame,
    written_texts,
)
from planted_faults import planted
from ridgewalk import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV, storage
from ridgewalk.export import to_numpy, to_onnx
from ridgewalk.tables import Encoder, Table, make_table, read_table
from ridgewalk.tables import encode as columns
from ridgewalk.tables.encoder import table_encoder

FEWEST_PREDICTED = 0.7  # share of tables that end in predictions
STEP = 100  # tables that are noted at once
LONGEST = 600  # characters of a sentence
NO_NAME = "An input of ONNX needs a name"


class Finding(Exception):  # noqa: N818
    """Something that must not be."""


def read_first(drawn: Drawn, folder: Path) -> pd.DataFrame:
    """Write the first file and read it."""
    path = folder / f"first{drawn.form.ending}"
    if drawn.form.text:
        texts = {name: written_texts(each, drawn.form) for name, each in drawn.everything.items()}
        path.write_bytes(text_of(texts, drawn.form, drawn.said))
    else:
        write_frame(frame_of(drawn.everything, drawn.form, drawn.said), drawn.form, path)
    said = drawn.said
    return read_table(
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


def check_columns(drawn: Drawn, table: Table, encoder: Encoder, x: np.ndarray) -> None:
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
    return Second(read_table(file, encoder=encoder), file if form.text else None, rows, form, gap)


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
        table = make_table(first, "y", choices=drawn.said.choices)
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
