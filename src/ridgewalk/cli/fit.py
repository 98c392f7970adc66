"""``ridgewalk fit``: fit the path of a table, and save the model, the path, a summary and an HTML report."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ridgewalk.cli.budget import fitted_into
from ridgewalk.cli.console import err, out, show
from ridgewalk.cli.files import PAGE_FILE, SUMMARY_FILE, TABLE_FILE, blends, reserved
from ridgewalk.cli.options import (
    OUTPUT,
    TRAINING,
    Columns,
    Config,
    File,
    Output,
    PathOptions,
    Reading,
    option,
    options,
    switch,
)
from ridgewalk.cli.report import card_of, draw
from ridgewalk.cli.resuming import Asked, chosen_once, finished, resumable, say_how_it_starts
from ridgewalk.cli.training import read_problem, trained_by
from ridgewalk.cli.values import seconds, sizes
from ridgewalk.files import written
from ridgewalk.storage import MODEL_FILE
from ridgewalk.storage import save as save_model

if TYPE_CHECKING:
    from ridgewalk.report.schema import Summary
    from ridgewalk.tables import Encoder


@dataclass(frozen=True)
class FitOptions:
    """The options of a fit besides those of its path: its time, and what it writes."""

    budget: Annotated[
        str | None,
        option(
            metavar="TIME",
            help="Fit the best grid of strengths, folds, seeds and epochs within this time: 60s, 2m, 1h.",
            panel=TRAINING,
        ),
    ] = None
    plan: Annotated[
        bool,
        switch(
            "--plan", help="Show how columns would be encoded and what would be trained; train nothing.", panel=OUTPUT
        ),
    ] = False
    config: Config = None
    out_folder: Annotated[
        Path | None,
        option(
            "--out",
            metavar="FOLDER",
            help="Output folder; default ridgewalk-results/NAME, or NAME-2, NAME-3, ... where there is a result.",
            panel=OUTPUT,
        ),
    ] = None
    force: Annotated[
        bool,
        switch("--force", help="Replace the result in --out, without it in ridgewalk-results/NAME.", panel=OUTPUT),
    ] = False
    resume: Annotated[bool, switch("--resume", help="Continue an interrupted fit.", panel=OUTPUT)] = False
    page: Annotated[
        bool, switch("--report/--no-report", help="Write an HTML report, report.html (at most 3 MB).", panel=OUTPUT)
    ] = True
    curves: Annotated[
        bool, switch("--curves", help="Add training curves of the folds, which are trained again.", panel=OUTPUT)
    ] = False


@options
def fit(
    ctx: typer.Context,
    file: File,
    columns: Columns,
    reading: Reading,
    options: PathOptions,
    wanted: FitOptions,
    output: Output,
) -> None:
    """Fit the regularization path of a table (every strength, fold and seed), and save the chosen model."""
    began, verbose = time.monotonic(), output.verbose
    limit = None if wanted.budget is None else seconds(wanted.budget)
    _check(options, wanted)
    problem = read_problem(file, columns, options, verbose and not wanted.plan, reading)
    if wanted.plan:
        plan = problem.planned(options)
        print(json.dumps(plan.to_dict(), indent=1)) if output.as_json else out.print(escape(str(plan)), soft_wrap=True)
        return
    with reserved(wanted.out_folder, file, wanted.force, wanted.resume) as folder:
        asked = Asked.of(columns, reading, options, wanted.budget, *problem.arrays)
        summary = finished(folder, asked) if wanted.resume else None
        if summary is not None:
            if verbose:
                err.print(f"{escape(str(folder))} holds the finished result: there is nothing to resume.")
        else:
            if verbose:
                say_how_it_starts(folder, wanted.resume, wanted.out_folder is not None)
            with resumable(folder, asked, wanted.resume) as records, trained_by(options, verbose):
                notes = list(problem.table.notes)
                if limit is not None:
                    set_by_user = _set_by_user(ctx)
                    options, sentence = chosen_once(
                        records, options, lambda: fitted_into(limit, began, problem, options, set_by_user, verbose)
                    )
                    notes.append(sentence)
                model = problem.model(options, verbose).set_params(checkpoint_dir=records)
                problem.fit(model)
                summary = model.summary() if blends(model) else model.summary(problem.encoder.origins)
                card = card_of(model, problem.encoder, columns.target, notes)
                summary |= {"task": problem.table.task, "target": columns.target, "notes": notes, "asked": asked.plain}
                summary |= {"card": card}
                save(folder, model, problem.encoder, summary)
                if wanted.page:
                    draw(folder / PAGE_FILE, model, problem.encoder, columns.target, curves=wanted.curves, card=card)
                else:
                    (folder / PAGE_FILE).unlink(missing_ok=True)  # it would show another result
    if output.as_json:
        print(json.dumps(summary | {"folder": str(folder)}, indent=1))
    elif not output.quiet:
        show(summary)
        out.print(f"\nModel, table and summary: [bold]{escape(str(folder))}[/]", soft_wrap=True)
        if wanted.page:
            out.print(f"To look at: {escape(str(folder / PAGE_FILE))}", soft_wrap=True)
        out.print(f"Predict with: ridgewalk predict {escape(str(folder))} FILE", soft_wrap=True)


def _check(options: PathOptions, wanted: FitOptions) -> None:
    """Check that options go together.

    Raises
    ------
    ValueError
    """
    if wanted.force and wanted.resume:
        raise ValueError("--resume goes on with what is there, --force replaces it: give one of them.")
    if wanted.plan and wanted.budget is not None:
        raise ValueError("--budget measures what trainings take, and --plan trains nothing: leave one out.")
    if wanted.budget is not None and options.blend:
        raise ValueError("--budget chooses the grid of one network: leave it out, or --blend.")
    if wanted.budget is not None and options.workers is not None:
        raise ValueError(
            "--budget measures how fast this machine trains, and --workers trains elsewhere: leave one out."
        )
    if wanted.curves and (not wanted.page or options.select_inputs or options.relax or not sizes(options.hidden)):
        raise ValueError(
            "--curves shows how a path with a hidden layer trains, on the page: leave --no-report, --select-inputs, "
            "--relax and --hidden none out, or --curves."
        )


def _set_by_user(ctx: typer.Context) -> set[str]:
    """Names of the parameters that the command line or a configuration gave."""
    sources = {str(option.name): ctx.get_parameter_source(str(option.name)) for option in ctx.command.params}
    return {name for name, source in sources.items() if source is not None and source.name != "DEFAULT"}


def save(folder: Path, model: Any, encoder: Encoder, summary: Summary) -> None:
    """Write model, table and summary, each whole or not at all."""
    import pandas as pd

    rows = [{**row, "marks": " ".join(row["marks"])} for row in summary["path"]]
    with written(folder / TABLE_FILE) as unfinished:
        pd.DataFrame(rows).to_csv(unfinished, index=False)
    with written(folder / SUMMARY_FILE) as unfinished:
        unfinished.write_text(json.dumps(summary, indent=1, ensure_ascii=False), encoding="utf-8")
    save_model(model, folder / MODEL_FILE, encoder=encoder, target=summary["target"])
