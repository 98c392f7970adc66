"""``ridgewalk fit``: walk the path of a table, keep the model, the path as a table, a summary and a page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.markup import escape

from ridgewalk.cli.console import err, out, show
from ridgewalk.cli.files import PAGE_FILE, SUMMARY_FILE, TABLE_FILE, reserved, written
from ridgewalk.cli.options import (
    Activation,
    ActivationChoice,
    Alphas,
    AsJson,
    BatchSize,
    Drop,
    File,
    Folds,
    Hidden,
    Jobs,
    L1Ratio,
    LearningRate,
    MaxIter,
    PenaltyChoice,
    PenaltyName,
    Quiet,
    RandomState,
    RuleName,
    Seeds,
    Selection,
    Target,
    Task,
    TaskChoice,
)
from ridgewalk.cli.report import draw
from ridgewalk.cli.resuming import asked_of, finished, resumable, say_how_it_starts
from ridgewalk.cli.training import Walk, prepared, train
from ridgewalk.report.summary import summarize
from ridgewalk.storage import MODEL_FILE
from ridgewalk.storage import save as save_model

if TYPE_CHECKING:
    from ridgewalk.data import Encoder


def fit(
    file: File,
    target: Target,
    task: TaskChoice = Task.auto,
    drop: Drop = None,
    hidden: Hidden = "32",
    activation: ActivationChoice = Activation.relu,
    penalty: PenaltyChoice = PenaltyName.elasticnet,
    l1_ratio: L1Ratio = 0.5,
    alphas: Alphas = 30,
    selection: Selection = RuleName.min,
    folds: Folds = 5,
    seeds: Seeds = 1,
    max_iter: MaxIter = 600,
    learning_rate: LearningRate = 0.01,
    batch_size: BatchSize = None,
    random_state: RandomState = 0,
    jobs: Jobs = -1,
    out_folder: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder for model and table; by default ridgewalk-results/NAME.", show_default=False
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the result that --out holds.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a fit that was broken off.")] = False,
    page: Annotated[
        bool, typer.Option("--report/--no-report", help="Write report.html, a page to look at (2 MB).")
    ] = True,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Walk the path over a table's rows: every strength x fold x seed; keep the chosen model."""
    from ridgewalk.data import release_memory

    walk = Walk(hidden, activation, penalty, l1_ratio, alphas, selection, folds, seeds, max_iter, learning_rate,
                batch_size, random_state, jobs, verbose=not (quiet or as_json))  # fmt: skip
    if force and resume:
        raise ValueError("--resume goes on with what is there, --force replaces it: give one of them.")
    table, encoder, model = prepared(file, target, task, drop, walk)
    x, y = encoder.transform(table.inputs), table.target.to_numpy()
    table = replace(table, inputs=table.inputs.iloc[:0].copy())  # they take as much memory again as x
    release_memory()
    asked = asked_of({"target": target, **walk.result}, x, y, np.array(encoder.names))
    with reserved(out_folder, file, force, resume) as folder:
        summary = finished(folder, asked) if resume else None
        if summary is not None:
            err.print(f"{escape(str(folder))} holds the finished result: there is nothing to resume.")
        else:
            say_how_it_starts(folder, resume, out_folder is not None)
            with resumable(folder, asked, resume) as records:
                train(model.set_params(memory=records), x, y)
                summary = summarize(model.path_, selection.value, encoder.origins)
                summary |= {"task": table.task, "target": target, "notes": list(table.notes), "asked": asked}
                save(folder, model, encoder, summary)
                if page:
                    draw(folder / PAGE_FILE, model, encoder, target)
                else:
                    (folder / PAGE_FILE).unlink(missing_ok=True)  # it would show another result
    if as_json:
        print(json.dumps(summary, indent=1))
    elif not quiet:
        show(summary)
        out.print(f"\nModel, table and summary: [bold]{escape(str(folder))}[/]", soft_wrap=True)
        if page:
            out.print(f"To look at: {escape(str(folder / PAGE_FILE))}", soft_wrap=True)
        out.print(f"Predict with: ridgewalk predict {escape(str(folder))} FILE", soft_wrap=True)


def save(folder: Path, model: Any, encoder: Encoder, summary: dict[str, Any]) -> None:
    """Write model, table and summary, each whole or not at all."""
    import pandas as pd

    rows = [row | {"marks": " ".join(row["marks"])} for row in summary["path"]]
    with written(folder / TABLE_FILE) as unfinished:
        pd.DataFrame(rows).to_csv(unfinished, index=False)
    with written(folder / SUMMARY_FILE) as unfinished:
        unfinished.write_text(json.dumps(summary, indent=1, ensure_ascii=False), encoding="utf-8")
    save_model(model, folder / MODEL_FILE, encoder=encoder, target=summary["target"])
