"""``ridgewalk predict``: predict the rows of a file with a saved model."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.markup import escape

from ridgewalk.cli.console import err, noted
from ridgewalk.cli.files import at_strength, covered, free, kept, row_names_in, rows_of
from ridgewalk.cli.options import (
    DATA,
    OUTPUT,
    TABLE_HELP,
    AsJson,
    At,
    Force,
    Model,
    Quiet,
    Reading,
    option,
    options,
    share,
)
from ridgewalk.cli.training import read_rows
from ridgewalk.cli.values import candidates, columns_named
from ridgewalk.files import written
from ridgewalk.warning import warnings_as_notes

if TYPE_CHECKING:
    import pandas as pd

    from ridgewalk.tables import Encoder


@dataclass(frozen=True)
class PredictOptions:
    """The options of the predictions: at which strength, beside which columns, and with which coverage."""

    at: At = None
    ids: Annotated[
        list[str] | None,
        option(
            "--id",
            metavar="COLUMNS",
            help="Columns of the file (a,b) to add to the predictions, after those named by --id in the fit.",
            panel=DATA,
        ),
    ] = None
    coverage: Annotated[
        float | None,
        option(
            metavar="SHARE",
            help="Share of new rows, such as 0.9, whose target lies in an interval or a set of classes; adds its ends "
            "(low, high), or which classes it contains.",
            panel=OUTPUT,
            parser=share,
        ),
    ] = None


@options
def predict(
    model: Model,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=f"Rows to predict. {TABLE_HELP}", show_default=False)],
    reading: Reading,
    wanted: PredictOptions,
    out_file: Annotated[
        Path | None, option("--out", metavar="FILE.csv", help="Output file; default: standard output.", panel=OUTPUT)
    ] = None,
    force: Force = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Predict every row of a file: a number, or a class and the probabilities of all classes.

    The file is read like the file of the fit, unless other options are set.
    """
    if out_file is not None:
        free(out_file, file, force, "--out")
    notes: list[str] = []
    estimator, encoder, target = kept(model)
    estimator = at_strength(estimator, wanted.at, notes)
    inputs = {column.name for column in encoder.columns}  # are read as the model needs them
    texts = [name for name in candidates("--id", wanted.ids) if name not in inputs]
    frame = read_rows(file, reading, texts, encoder=encoder)
    row_names, absent = row_names_in(frame, encoder, columns_named("--id", wanted.ids, list(frame.columns)), target)
    predictions, noticed = _predicted(estimator, encoder, target, frame, wanted.coverage, row_names)
    notes += [*noticed, *absent]
    if not (quiet or as_json):
        noted(notes)
    if out_file is not None:
        with written(out_file) as unfinished:
            predictions.to_csv(unfinished, index=False)
        if not (quiet or as_json):
            err.print(f"{len(predictions)} predictions: {escape(str(out_file))}", soft_wrap=True)
    elif not as_json:
        predictions.to_csv(sys.stdout, index=False)
    if as_json:
        summary = {"target": target, "rows": len(predictions), "notes": notes}
        where = {"predictions": _as_json(predictions)} if out_file is None else {"file": str(out_file)}
        print(json.dumps(summary | where, indent=1, default=str))


def _as_json(predictions: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return rows as JSON has them, which knows neither what is missing nor what is infinite."""
    rows = predictions.astype(object).replace([np.inf, -np.inf], None)
    return rows.where(rows.notna(), None).to_dict("records")


def _predicted(
    estimator: Any,
    encoder: Encoder,
    target: str,
    frame: pd.DataFrame,
    coverage: float | None,
    row_names: dict[str, pd.Series[Any]],
) -> tuple[pd.DataFrame, list[str]]:
    """Return the table of predictions of a frame's rows beside what names them, and what there is to note of them."""
    import pandas as pd
    from sklearn.base import is_classifier

    from ridgewalk.estimators.positive import class_places
    from ridgewalk.tables.encode import column_heads, coverage_heads

    x, notes = rows_of(estimator, encoder, frame), encoder.unseen(frame)
    classes = estimator.classes_ if is_classifier(estimator) else np.array([])
    places = class_places(getattr(estimator, "pos_label", None), classes)
    heads = column_heads(target, classes[places], list(row_names))
    columns = [estimator.predict(x), *(estimator.predict_proba(x).T[places] if len(classes) else ())]
    if coverage is not None:
        with warnings_as_notes(notes):
            ends = covered(estimator, x, coverage)
        columns += [ends[place] for place in places] if len(classes) else ends
        heads += coverage_heads([*row_names, *heads], classes[places])
    return pd.DataFrame({**row_names, **dict(zip(heads, columns, strict=True))}), notes
