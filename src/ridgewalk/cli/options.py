"""The options that commands share: their types, their names and what ``--help`` says of them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Task(StrEnum):
    """What to predict."""

    auto = "auto"
    classification = "classification"
    regression = "regression"


class Activation(StrEnum):
    """Between the layers."""

    relu = "relu"
    leaky_relu = "leaky_relu"
    tanh = "tanh"
    logistic = "logistic"
    gelu = "gelu"
    identity = "identity"


class PenaltyName(StrEnum):
    """What grows along the path."""

    elasticnet = "elasticnet"
    group_lasso = "group_lasso"


class RuleName(StrEnum):
    """How a strength is chosen."""

    min = "min"
    one_standard_error = "1se"


File = Annotated[Path, typer.Argument(help="A CSV or Parquet file with a column per variable.", show_default=False)]
Target = Annotated[str, typer.Option("--target", "-t", help="The column to predict.", show_default=False)]
TaskChoice = Annotated[Task, typer.Option(help="auto: regression for numbers with many values, else classes.")]
Drop = Annotated[list[str] | None, typer.Option(help="A column to leave out; may be given again.")]
Hidden = Annotated[str, typer.Option(help='Units of the hidden layers, such as 64,32; "none" is linear.')]
ActivationChoice = Annotated[Activation, typer.Option()]
PenaltyChoice = Annotated[
    PenaltyName, typer.Option(help="elasticnet: L1 and L2 on all weights; group_lasso: drops whole inputs.")
]
L1Ratio = Annotated[float, typer.Option(min=0, max=1, help="1 is all L1, 0 all L2.")]
Alphas = Annotated[int, typer.Option(min=1, help="Strengths on the path, besides 0.")]
Selection = Annotated[
    RuleName, typer.Option(help="min: best held-out loss; 1se: sparsest within one standard error of it.")
]
Folds = Annotated[int, typer.Option(min=2, help="Cross-validation folds.")]
Seeds = Annotated[int, typer.Option(min=1, help="Starts of the weights.")]
MaxIter = Annotated[int, typer.Option(min=1, help="Epochs of each fit.")]
LearningRate = Annotated[float, typer.Option(help="Adam's rate at the start.")]
BatchSize = Annotated[int | None, typer.Option(min=1, help="Rows per step; all by default.")]
RandomState = Annotated[int, typer.Option(min=0, help="Draws the folds and the starts.")]
Jobs = Annotated[int, typer.Option(help="Threads; -1 is one per core.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no table.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
