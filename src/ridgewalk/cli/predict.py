"""``ridgewalk predict``: a kept model and a file give a table of predictions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ridgewalk.cli.console import err
from ridgewalk.cli.files import free, kept, written


def predict(
    model: Annotated[Path, typer.Argument(help="A model file that fit wrote, or its folder.", show_default=False)],
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet file with the model's columns.", show_default=False)],
    out_file: Annotated[
        Path | None, typer.Option("--out", help="A CSV file to write; standard output by default.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file that --out names.")] = False,
) -> None:
    """Predict every row of a file; classes come with their probabilities."""
    import pandas as pd
    from sklearn.base import is_classifier

    from ridgewalk.data import read_table

    if out_file is not None:
        free(out_file, file, force)
    estimator, encoder, target = kept(model)
    frame = read_table(file, texts=encoder.categories)
    x = encoder.transform(frame)
    for note in encoder.unseen(frame):
        err.print(f"[yellow]Note:[/] {escape(note)}")
    predictions = pd.DataFrame({target: estimator.predict(x)})
    if is_classifier(estimator):
        for label, probability in zip(estimator.classes_, estimator.predict_proba(x).T, strict=True):
            predictions[f"probability of {label}"] = probability
    if out_file is None:
        predictions.to_csv(sys.stdout, index=False)
    else:
        with written(out_file) as unfinished:
            predictions.to_csv(unfinished, index=False)
        err.print(f"{len(predictions)} predictions: {escape(str(out_file))}")
