"""``ridgewalk report``: a kept model becomes a page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ridgewalk.cli.console import err
from ridgewalk.cli.files import PAGE_FILE, free, kept, written

if TYPE_CHECKING:
    from ridgewalk.data import Encoder


def report(
    model: Annotated[Path, typer.Argument(help="A model file that fit wrote, or its folder.", show_default=False)],
    file: Annotated[
        Path | None,
        typer.Argument(help="A CSV or Parquet file with the model's columns and its target.", show_default=False),
    ] = None,
    out_file: Annotated[Path, typer.Option("--out", help="The HTML file to write.")] = Path(PAGE_FILE),
    force: Annotated[bool, typer.Option("--force", help="Replace the file that --out names.")] = False,
) -> None:
    """Write a page to look at; given a file, with what is predicted on its rows (fresh ones say most)."""
    from sklearn.base import is_classifier

    from ridgewalk.data import make_table, read_table

    free(out_file, file, force)
    estimator, encoder, target = kept(model)
    rows: tuple[Any, Any] = (None, None)
    if file is not None:
        frame = read_table(file, texts=encoder.categories)
        task = "classification" if is_classifier(estimator) else "regression"
        y = make_table(frame, target, task).target.to_numpy()
        rows = (encoder.transform(frame), y)
        for note in encoder.unseen(frame):
            err.print(f"[yellow]Note:[/] {escape(note)}")
    draw(out_file, estimator, encoder, target, *rows)
    err.print(f"To look at: {escape(str(out_file))}", soft_wrap=True)


def draw(file: Path, model: Any, encoder: Encoder, target: str, x: Any = None, y: Any = None) -> None:
    """Write the page, whole or not at all."""
    with written(file) as unfinished:
        model.report(unfinished, x, y, origins=encoder.origins, title=f"What predicts {target}")
