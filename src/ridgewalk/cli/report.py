"""``ridgewalk report``: a kept model becomes a page to look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ridgewalk.cli.console import err, noted
from ridgewalk.cli.files import PAGE_FILE, free, kept, written
from ridgewalk.cli.options import OUTPUT, TABLE_HELP, AsJson, Force, Model, Quiet, option

if TYPE_CHECKING:
    from ridgewalk.data import Encoder


def report(
    model: Model,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help=f"Rows to predict: the model's columns and its target. {TABLE_HELP}",
            show_default=False,
        ),
    ] = None,
    out_file: Annotated[Path, option("--out", metavar="FILE.html", help="To write.", panel=OUTPUT)] = Path(PAGE_FILE),
    force: Force = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Write a page to look at; given a file, with what is predicted on its rows (fresh ones say most)."""
    from sklearn.base import is_classifier

    from ridgewalk.data import make_table, read_table

    free(out_file, file, force, "--out")
    estimator, encoder, target = kept(model)
    rows: tuple[Any, Any] = (None, None)
    notes: list[str] = []
    if file is not None:
        frame = read_table(file, texts=encoder.categories)
        y = make_table(frame, target, "classification" if is_classifier(estimator) else "regression").target.to_numpy()
        rows = (encoder.transform(frame), y)
        notes = encoder.unseen(frame)
    draw(out_file, estimator, encoder, target, *rows)
    if as_json:
        print(json.dumps({"file": str(out_file), "notes": notes}, indent=1))
    elif not quiet:
        noted(notes)
        err.print(f"To look at: {escape(str(out_file))}", soft_wrap=True)


def draw(
    file: Path, model: Any, encoder: Encoder, target: str, x: Any = None, y: Any = None, curves: bool = False
) -> None:
    """Write the page, whole or not at all."""
    with written(file) as unfinished:
        model.report(unfinished, x, y, origins=encoder.origins, curves=curves, title=f"What predicts {target}")
