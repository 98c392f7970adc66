"""``ridgewalk diagnose``: whether regularization helped, and why or why not."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from ridgewalk.cli.console import err, out
from ridgewalk.cli.options import (
    Activation,
    ActivationChoice,
    Alphas,
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
from ridgewalk.cli.training import Walk, prepared, train


def diagnose(
    file: File,
    target: Target,
    task: TaskChoice = Task.auto,
    drop: Drop = None,
    alpha: Annotated[
        float | None, typer.Option(min=0, help="Judge this strength instead of the chosen one.", show_default=False)
    ] = None,
    hidden: Hidden = "32",
    activation: ActivationChoice = Activation.relu,
    penalty: PenaltyChoice = PenaltyName.elasticnet,
    l1_ratio: L1Ratio = 0.5,
    alphas: Alphas = 30,
    selection: Selection = RuleName.min,
    folds: Folds = 5,
    seeds: Seeds = 3,
    max_iter: MaxIter = 600,
    learning_rate: LearningRate = 0.01,
    batch_size: BatchSize = None,
    random_state: RandomState = 0,
    jobs: Jobs = -1,
    references: Annotated[
        bool, typer.Option(help="Fit other kinds of model, to tell underfitting and noise apart.")
    ] = True,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the diagnosis as JSON.")] = False,
) -> None:
    """Say whether regularization helps on a table, by how much, and why or why not; nothing is written."""
    walk = Walk(hidden, activation, penalty, l1_ratio, alphas, selection, folds, seeds, max_iter, learning_rate,
                batch_size, random_state, jobs, verbose=not (quiet or as_json))  # fmt: skip
    table, encoder, model = prepared(file, target, task, drop, walk)
    train(model, encoder.transform(table.inputs), table.target.to_numpy())
    if walk.verbose:
        err.print("Diagnosing: training the arms again, probes, other models ...")
    diagnosis = model.diagnose(alpha, references=references)
    if as_json:
        print(diagnosis.to_json())
        return
    headline, _, rest = str(diagnosis).partition("\n")
    out.print(f"\n[bold]{escape(headline)}[/]")
    if not quiet:
        out.print(escape(rest))
