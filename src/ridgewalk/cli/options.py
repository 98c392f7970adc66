"""The options that commands share: their types, their names and what ``--help`` says of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ridgewalk.cli.config import read_config

TABLE_HELP = "A table: CSV, TSV (either .gz too), Parquet, Arrow or Feather; - reads CSV or TSV from standard input."


class Task(StrEnum):
    """What to predict."""

    auto = "auto"
    classification = "classification"
    regression = "regression"


class LossName(StrEnum):
    """What is minimised."""

    auto = "auto"
    log_loss = "log_loss"
    squared_error = "squared_error"
    absolute_error = "absolute_error"
    huber = "huber"
    poisson = "poisson"


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


def option(
    *names: str,
    metavar: str,
    help: str,
    panel: str,
    parser: Callable[[Any], Any] | None = None,
    default: bool = True,
) -> Any:
    """Describe an option: its names, what stands for its value, its place in ``--help``, and how its text is read."""
    return typer.Option(*names, metavar=metavar, help=help, rich_help_panel=panel, parser=parser, show_default=default)


def whole(least: int, most: int | None = None) -> Callable[[Any], int]:
    """Read whole numbers of a range; what is none is said in full."""

    def read(text: Any) -> int:
        number = int(text) if re.fullmatch(r"\s*[+-]?\d+\s*", str(text)) else None
        if number is None or number < least or (most is not None and number > most):
            to = "or more" if most is None else f"to {most}"
            raise typer.BadParameter(f"a whole number of {least} {to} is expected, and {str(text)!r} came.")
        return number

    return read


def positive(text: Any) -> float:
    """Read a number above 0; what is none is said in full."""
    return _real(text, "above 0", lambda number: number > 0)


def strength(text: Any) -> float:
    """Read a number of zero or more; what is none is said in full."""
    return _real(text, "of zero or more", lambda number: number >= 0)


def _real(text: Any, what: str, suits: Callable[[float], bool]) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and suits(number)):
        raise typer.BadParameter(f"a number {what} is expected, and {str(text)!r} came.")
    return number


def switch(*names: str, help: str, panel: str) -> Any:
    """Describe an option that is there or not."""
    return typer.Option(*names, metavar="", help=help, rich_help_panel=panel)


DATA, NETWORK, PATH, CHOICE = "The table", "The network", "The path", "The choice"
TRAINING, OUTPUT = "The training", "What comes out"

File = Annotated[Path, typer.Argument(metavar="FILE", help=TABLE_HELP, show_default=False)]
Model = Annotated[
    Path,
    typer.Argument(metavar="MODEL", help="A result's folder, or the model file in it.", show_default=False),
]
Target = Annotated[str, option("--target", "-t", metavar="COLUMN", help="What to predict.", panel=DATA, default=False)]
TaskChoice = Annotated[
    Task,
    option(
        metavar="TASK",
        help="classification, regression, or auto: text, yes/no and up to 20 whole numbers are classes.",
        panel=DATA,
    ),
]
Drop = Annotated[list[str] | None, option(metavar="COLUMN", help="Leave it out; may be given again.", panel=DATA)]
Keep = Annotated[
    list[str] | None,
    option(metavar="COLUMN", help="Learn from it although it looks like row numbers or names.", panel=DATA),
]
Weights = Annotated[str | None, option(metavar="COLUMN", help="How much each row counts.", panel=DATA)]
RowGroups = Annotated[
    str | None,
    option(metavar="COLUMN", help="Rows of one value (one patient, one day) stay in one fold.", panel=DATA),
]
ClassWeight = Annotated[
    str | None, option(metavar="WEIGHTS", help="balanced, or a weight for each class: no=1,yes=5.", panel=DATA)
]
Hidden = Annotated[
    str, option(metavar="UNITS", help='Of the hidden layers, such as 64,32; "none" is linear.', panel=NETWORK)
]
ActivationChoice = Annotated[
    Activation, option(metavar="NAME", help="relu, leaky_relu, tanh, logistic, gelu or identity.", panel=NETWORK)
]
LossChoice = Annotated[
    LossName,
    option(
        metavar="NAME",
        help="log_loss for classes; squared_error, absolute_error, huber or poisson for numbers.",
        panel=NETWORK,
    ),
]
PenaltyChoice = Annotated[
    PenaltyName,
    option(metavar="NAME", help="elasticnet: L1 and L2 on all weights; group_lasso: drops whole inputs.", panel=PATH),
]
L1Ratio = Annotated[
    str, option(metavar="RATIOS", help="1 is all L1, 0 all L2; of several (0.2,0.8) the best counts.", panel=PATH)
]
Alphas = Annotated[
    str,
    option(
        metavar="STRENGTHS",
        help='How many besides 0; or themselves (0.1,0.01); or "qut": keeps nothing of pure noise, 20 times in 21.',
        panel=PATH,
    ),
]
SelectInputs = Annotated[
    bool,
    switch(
        "--select-inputs",
        help="Find the inputs that are needed: a second, adaptive path, refits, and none where none helps.",
        panel=PATH,
    ),
]
Relax = Annotated[
    bool,
    switch("--relax", help="Refit what each strength keeps, without the penalty that selected it.", panel=PATH),
]
Selection = Annotated[
    RuleName,
    option(metavar="RULE", help="min: best held-out loss; 1se: sparsest within a standard error of it.", panel=CHOICE),
]
Scorer = Annotated[
    str | None,
    option(
        metavar="NAME",
        help="Choose by this score of scikit-learn's (accuracy, roc_auc, r2, ...), not by the loss.",
        panel=CHOICE,
    ),
]
Folds = Annotated[int, option(metavar="N", help="Of the cross-validation, 2 or more.", panel=CHOICE, parser=whole(2))]
Seeds = Annotated[int, option(metavar="N", help="Starts of the weights.", panel=CHOICE, parser=whole(1))]
Ensemble = Annotated[
    bool, switch("--ensemble", help="Predict with the mean over all starts, not the best.", panel=CHOICE)
]
MaxIter = Annotated[int, option(metavar="N", help="Epochs of each fit.", panel=TRAINING, parser=whole(1))]
LearningRate = Annotated[float, option(metavar="RATE", help="Adam's, at the start.", panel=TRAINING, parser=positive)]
BatchSize = Annotated[
    int | None, option(metavar="N", help="Rows per step; all of them by default.", panel=TRAINING, parser=whole(1))
]
RandomState = Annotated[
    int, option(metavar="N", help="Draws the folds and the starts.", panel=TRAINING, parser=whole(0, 2**32 - 1))
]
Jobs = Annotated[
    int,
    option("--n-jobs", "-j", metavar="N", help="Threads; -1 is one per core. No number depends on it.", panel=TRAINING),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE.toml",
        help="Options from a file, by the same names; the command line wins.",
        callback=read_config,
        is_eager=True,
        show_default=False,
    ),
]
Force = Annotated[bool, switch("--force", help="Replace what is there.", panel=OUTPUT)]
Quiet = Annotated[bool, switch("--quiet", "-q", help="No progress, no notes, no table.", panel=OUTPUT)]
AsJson = Annotated[bool, switch("--json", help="Print JSON, and nothing else.", panel=OUTPUT)]
