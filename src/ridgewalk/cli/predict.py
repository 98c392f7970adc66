"""``ridgewalk predict``: a kept model and a file give a table of predictions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.markup import escape

from ridgewalk.cli.console import err, noted
from ridgewalk.cli.files import free, kept, row_names_in, rows_of
from ridgewalk.cli.options import OUTPUT, TABLE_HELP, AsJson, Force, Model, Quiet, Reading, option, options
from ridgewalk.cli.training import read_rows
from ridgewalk.files import written


@options
def predict(
    model: Model,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=f"The model's columns. {TABLE_HELP}", show_default=False)
    ],
    reading: Reading,
    out_file: Annotated[
        Path | None, option("--out", metavar="FILE.csv", help="To write; else standard output.", panel=OUTPUT)
    ] = None,
    force: Force = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Predict every row of a file; classes come with their probabilities.

    The file is read as that of the fit was, where the options say nothing else.
    """
    import pandas as pd
    from sklearn.base import is_classifier

    from ridgewalk.estimators.positive import class_places
    from ridgewalk.tables.encode import column_heads

    if out_file is not None:
        free(out_file, file, force, "--out")
    estimator, encoder, target = kept(model)
    frame = read_rows(file, reading, encoder=encoder)
    x, notes = rows_of(estimator, encoder, frame), encoder.unseen(frame)
    row_names, absent = row_names_in(frame, encoder)
    notes += absent
    if not (quiet or as_json):
        noted(notes)
    classes = estimator.classes_ if is_classifier(estimator) else np.array([])
    places = class_places(getattr(estimator, "pos_label", None), classes)
    heads = column_heads(target, classes[places], list(row_names))
    columns = [estimator.predict(x), *(estimator.predict_proba(x).T[places] if len(classes) else ())]
    predictions = pd.DataFrame({**row_names, **dict(zip(heads, columns, strict=True))})
    if out_file is not None:
        with written(out_file) as unfinished:
            predictions.to_csv(unfinished, index=False)
        if not (quiet or as_json):
            err.print(f"{len(predictions)} predictions: {escape(str(out_file))}", soft_wrap=True)
    elif not as_json:
        predictions.to_csv(sys.stdout, index=False)
    if as_json:
        said = {"target": target, "rows": len(predictions), "notes": notes}
        where = {"predictions": predictions.to_dict("records")} if out_file is None else {"file": str(out_file)}
        print(json.dumps(said | where, indent=1))
