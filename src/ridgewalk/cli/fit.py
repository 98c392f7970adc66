"""``ridgewalk fit``: walk the path of a table, keep the model, the path as a table, a summary and a page."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ridgewalk.cli.budget import fitted_into
from ridgewalk.cli.console import err, out, show
from ridgewalk.cli.files import PAGE_FILE, SUMMARY_FILE, TABLE_FILE, reserved
from ridgewalk.cli.options import (
    OUTPUT,
    TRAINING,
    Activation,
    ActivationChoice,
    Alphas,
    AsJson,
    BatchSize,
    ClassWeight,
    Config,
    Drop,
    Ensemble,
    File,
    Folds,
    Force,
    Hidden,
    Jobs,
    Keep,
    L1Ratio,
    LearningRate,
    LossChoice,
    LossName,
    MaxIter,
    PenaltyChoice,
    PenaltyName,
    Quiet,
    RandomState,
    Relax,
    RowGroups,
    RuleName,
    Scorer,
    Seeds,
    SelectInputs,
    Selection,
    Target,
    Task,
    TaskChoice,
    Weights,
    option,
    switch,
)
from ridgewalk.cli.report import draw
from ridgewalk.cli.resuming import asked_of, chosen_once, finished, resumable, say_how_it_starts
from ridgewalk.cli.training import Columns, Walk, read_problem
from ridgewalk.cli.values import seconds, sizes
from ridgewalk.files import written
from ridgewalk.storage import MODEL_FILE
from ridgewalk.storage import save as save_model

if TYPE_CHECKING:
    from ridgewalk.data import Encoder


def fit(
    ctx: typer.Context,
    file: File,
    target: Target,
    task: TaskChoice = Task.auto,
    drop: Drop = None,
    keep: Keep = None,
    weights: Weights = None,
    row_groups: RowGroups = None,
    class_weight: ClassWeight = None,
    hidden: Hidden = "32",
    activation: ActivationChoice = Activation.relu,
    loss: LossChoice = LossName.auto,
    penalty: PenaltyChoice = PenaltyName.elasticnet,
    l1_ratio: L1Ratio = "0.5",
    alphas: Alphas = "30",
    select_inputs: SelectInputs = False,
    relax: Relax = False,
    selection: Selection = RuleName.min,
    scorer: Scorer = None,
    folds: Folds = 5,
    seeds: Seeds = 1,
    ensemble: Ensemble = False,
    max_iter: MaxIter = 600,
    learning_rate: LearningRate = 0.01,
    batch_size: BatchSize = None,
    random_state: RandomState = 0,
    jobs: Jobs = -1,
    budget: Annotated[
        str | None,
        option(
            metavar="TIME",
            help="60s, 2m, 1h: fit the best grid of strengths, folds, starts and epochs into it.",
            panel=TRAINING,
        ),
    ] = None,
    _config: Config = None,
    out_folder: Annotated[
        Path | None,
        option("--out", metavar="FOLDER", help="For model and table; else ridgewalk-results/NAME.", panel=OUTPUT),
    ] = None,
    force: Force = False,
    resume: Annotated[bool, switch("--resume", help="Go on with a fit that was broken off.", panel=OUTPUT)] = False,
    page: Annotated[
        bool, switch("--report/--no-report", help="Write report.html, a page to look at (2 MB).", panel=OUTPUT)
    ] = True,
    curves: Annotated[
        bool, switch("--curves", help="Show on it how the folds train: they are trained once more.", panel=OUTPUT)
    ] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Walk the path over a table's rows: every strength x fold x start; keep the chosen model."""
    began, verbose = time.monotonic(), not (quiet or as_json)
    limit = None if budget is None else seconds(budget)
    columns = Columns(target, task, drop, keep, weights, row_groups, class_weight)
    walk = Walk(
        hidden, activation, loss, penalty, l1_ratio, alphas, select_inputs, relax, selection, scorer, folds, seeds,
        ensemble, max_iter, learning_rate, batch_size, random_state, jobs,
    )  # fmt: skip
    if force and resume:
        raise ValueError("--resume goes on with what is there, --force replaces it: give one of them.")
    if curves and (not page or select_inputs or relax or not sizes(hidden)):
        raise ValueError(
            "--curves shows how a path with a hidden layer trains, on the page: leave --no-report, --select-inputs, "
            "--relax and --hidden none out, or --curves."
        )
    problem = read_problem(file, columns, walk, verbose)
    with reserved(out_folder, file, force, resume) as folder:
        asked = asked_of(asdict(columns) | walk.result | {"budget": budget}, *problem.arrays)
        summary = finished(folder, asked) if resume else None
        if summary is not None:
            if verbose:
                err.print(f"{escape(str(folder))} holds the finished result: there is nothing to resume.")
        else:
            if verbose:
                say_how_it_starts(folder, resume, out_folder is not None)
            with resumable(folder, asked, resume) as records:
                notes = list(problem.table.notes)
                if limit is not None:
                    given = _given(ctx)
                    walk, said = chosen_once(
                        records, walk, lambda: fitted_into(limit, began, problem, walk, given, verbose)
                    )
                    notes.append(said)
                model = problem.estimator(walk, verbose).set_params(checkpoint_dir=records)
                problem.fit(model)
                summary = model.summary(problem.encoder.origins)
                summary |= {"task": problem.table.task, "target": target, "notes": notes, "asked": asked}
                save(folder, model, problem.encoder, summary)
                if page:
                    draw(folder / PAGE_FILE, model, problem.encoder, target, curves=curves)
                else:
                    (folder / PAGE_FILE).unlink(missing_ok=True)  # it would show another result
    if as_json:
        print(json.dumps(summary | {"folder": str(folder)}, indent=1))
    elif not quiet:
        show(summary)
        out.print(f"\nModel, table and summary: [bold]{escape(str(folder))}[/]", soft_wrap=True)
        if page:
            out.print(f"To look at: {escape(str(folder / PAGE_FILE))}", soft_wrap=True)
        out.print(f"Predict with: ridgewalk predict {escape(str(folder))} FILE", soft_wrap=True)


def _given(ctx: typer.Context) -> set[str]:
    """Names of the parameters that the command line or a configuration gave."""
    sources = {str(option.name): ctx.get_parameter_source(str(option.name)) for option in ctx.command.params}
    return {name for name, source in sources.items() if source is not None and source.name != "DEFAULT"}


def save(folder: Path, model: Any, encoder: Encoder, summary: dict[str, Any]) -> None:
    """Write model, table and summary, each whole or not at all."""
    import pandas as pd

    rows = [row | {"marks": " ".join(row["marks"])} for row in summary["path"]]
    with written(folder / TABLE_FILE) as unfinished:
        pd.DataFrame(rows).to_csv(unfinished, index=False)
    with written(folder / SUMMARY_FILE) as unfinished:
        unfinished.write_text(json.dumps(summary, indent=1, ensure_ascii=False), encoding="utf-8")
    save_model(model, folder / MODEL_FILE, encoder=encoder, target=summary["target"])
