"""``ridgewalk diagnose``: whether regularization helped, and why or why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from rich.markup import escape

from ridgewalk.cli.console import err, out
from ridgewalk.cli.files import free
from ridgewalk.cli.options import (
    OUTPUT,
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
    strength,
    switch,
)
from ridgewalk.cli.training import Columns, Walk, read_problem, stoppable

_VERDICT = "The verdict"


def diagnose(
    file: File,
    target: Target,
    task: TaskChoice = Task.auto,
    drop: Drop = None,
    keep: Keep = None,
    weights: Weights = None,
    row_groups: RowGroups = None,
    class_weight: ClassWeight = None,
    alpha: Annotated[
        float | None,
        option(metavar="STRENGTH", help="Judge this one instead of the chosen one.", panel=_VERDICT, parser=strength),
    ] = None,
    references: Annotated[
        bool,
        switch(
            "--references/--no-references",
            help="Fit other kinds of model, to tell underfitting and noise apart.",
            panel=_VERDICT,
        ),
    ] = True,
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
    seeds: Seeds = 3,
    ensemble: Ensemble = False,
    max_iter: MaxIter = 600,
    learning_rate: LearningRate = 0.01,
    batch_size: BatchSize = None,
    random_state: RandomState = 0,
    jobs: Jobs = -1,
    _config: Config = None,
    page: Annotated[
        Path | None,
        option("--report", metavar="FILE.html", help="Write a page with the verdict on top.", panel=OUTPUT),
    ] = None,
    force: Annotated[bool, switch("--force", help="Replace the file that --report names.", panel=OUTPUT)] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Say whether regularization helps on a table, by how much, and why or why not."""
    verbose = not (quiet or as_json)
    columns = Columns(target, task, drop, keep, weights, row_groups, class_weight)
    walk = Walk(
        hidden, activation, loss, penalty, l1_ratio, alphas, select_inputs, relax, selection, scorer, folds, seeds,
        ensemble, max_iter, learning_rate, batch_size, random_state, jobs,
    )  # fmt: skip
    if page is not None:
        free(page, file, force, "--report")
    problem = read_problem(file, columns, walk, verbose)
    model = problem.estimator(walk, verbose)
    problem.fit(model)
    with stoppable():
        diagnosis = model.diagnose(alpha, references=references)
    if page is not None:
        model.report(page, diagnosis=diagnosis, origins=problem.encoder.origins, title=f"What predicts {target}")
    if as_json:
        print(json.dumps(diagnosis.to_dict() | ({} if page is None else {"report": str(page)}), indent=1))
        return
    headline, _, rest = str(diagnosis).partition("\n")
    out.print(f"\n[bold]{escape(headline)}[/]")
    if not quiet:
        out.print(escape(rest))
        if page is not None:
            err.print(f"To look at: {escape(str(page))}", soft_wrap=True)
