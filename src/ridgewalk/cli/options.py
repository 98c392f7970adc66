"""The options of the commands, declared as fields of dataclasses with type, default and help text.

    @options
    def fit(ctx: typer.Context, file: File, columns: Columns, options: PathOptions, ...)

Typer sees the fields as parameters in place of the dataclasses; the command receives the dataclasses.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_type_hints

import typer

from ridgewalk.cli.config import read_config
from ridgewalk.cli.values import names, ratios, sizes, strengths
from ridgewalk.network import Activation
from ridgewalk.path.families import PenaltyName
from ridgewalk.path.racing import FEWEST_FOLDS
from ridgewalk.path.selection import Rule

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

TABLE_HELP = (
    "A table: CSV or TSV (also .gz), Parquet, Arrow, Feather or Excel (.xlsx); - reads CSV or TSV from standard input."
)


Task = Literal["auto", "classification", "regression"]
LossName = Literal["auto", "log_loss", "squared_error", "absolute_error", "huber", "poisson"]

_Options = TypeVar("_Options", bound="DataclassInstance")


def options(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command whose options are the fields of the dataclasses that ``command`` takes."""
    taken = get_type_hints(command, include_extras=True)
    kinds = {name: kind for name, kind in taken.items() if isinstance(kind, type) and is_dataclass(kind)}
    seen: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name in kinds:
            seen += _parameters(kinds[parameter.name])
        else:
            seen.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=taken[parameter.name]))

    def run(**values: Any) -> None:
        dataclasses = {name: read_options(kind, values) for name, kind in kinds.items()}
        own = {name: value for name, value in values.items() if name in taken}
        command(**own, **dataclasses)

    run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
    run.__signature__ = inspect.Signature(seen)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in seen}
    return run


def read_options(kind: type[_Options], values: Mapping[str, Any]) -> _Options:
    """Return the dataclass whose fields are among the values of a command's options."""
    return kind(**{field.name: values[field.name] for field in fields(kind)})


def _parameters(kind: type[Any]) -> list[inspect.Parameter]:
    types = get_type_hints(kind, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=types[field.name],
        )
        for field in fields(kind)
    ]


def option(
    *names: str,
    metavar: str,
    help: str,
    panel: str,
    parser: Callable[[Any], Any] | None = None,
    default: bool = True,
) -> Any:
    """Describe an option: its names, the placeholder of its value, its panel in ``--help``, and its parser."""
    return typer.Option(*names, metavar=metavar, help=help, rich_help_panel=panel, parser=parser, show_default=default)


def whole(least: int, most: int | None = None) -> Callable[[Any], int]:
    """Return a parser of whole numbers in a range; anything else raises an error that says what is expected."""

    def read(text: Any) -> int:
        number = int(text) if re.fullmatch(r"\s*[+-]?\d+\s*", str(text)) else None
        if number is None or number < least or (most is not None and number > most):
            to = "or more" if most is None else f"to {most}"
            raise typer.BadParameter(f"a whole number of {least} {to} is expected, and {str(text)!r} came.")
        return number

    return read


def rows_per_step(text: Any) -> int | Literal["all"]:
    """Read the rows per step: a number, or "all"; anything else raises an error that says what is expected."""
    return "all" if str(text).strip().lower() == "all" else whole(1)(text)


def positive(text: Any) -> float:
    """Read a number above 0; anything else raises an error that says what is expected."""
    return _real(text, "above 0", lambda number: number > 0)


def strength(text: Any) -> float:
    """Read a number of zero or more; anything else raises an error that says what is expected."""
    return _real(text, "of zero or more", lambda number: number >= 0)


def strength_or_rule(text: Any) -> float | str:
    """Read the name of a rule, or a strength; anything else raises an error that says what is expected."""
    if text in get_args(Rule):
        return str(text)
    try:
        return strength(text)
    except typer.BadParameter:
        rules = ", ".join(get_args(Rule))
        raise typer.BadParameter(
            f"{rules} or a strength of zero or more is expected, and {str(text)!r} came."
        ) from None


def share(text: Any) -> float:
    """Read a number between 0 and 1; anything else raises an error that says what is expected."""
    return _real(text, "between 0 and 1", lambda number: 0 < number < 1)


def _real(text: Any, what: str, suits: Callable[[float], bool]) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and suits(number)):
        raise typer.BadParameter(f"a number {what} is expected, and {str(text)!r} came.")
    return number


def switch(*names: str, help: str, panel: str) -> Any:
    """Describe an option without a value."""
    return typer.Option(*names, metavar="", help=help, rich_help_panel=panel)


DATA, NETWORK, PATH, CHOICE = "Table", "Network", "Path", "Choice of the strength"
TRAINING, OUTPUT = "Training", "Output"

File = Annotated[Path, typer.Argument(metavar="FILE", help=TABLE_HELP, show_default=False)]
Model = Annotated[
    Path,
    typer.Argument(metavar="MODEL", help="A result's folder, or the model file in it.", show_default=False),
]
At = Annotated[
    Any,
    option(
        "--at",
        metavar="STRENGTH",
        help="Use another strength of the path: a number, min, 1se or simplest. For a blend, use its single network at "
        "that strength.",
        panel=CHOICE,
        parser=strength_or_rule,
    ),
]
Seeds = Annotated[int, option(metavar="N", help="Random initializations.", panel=CHOICE, parser=whole(1))]
RandomState = Annotated[
    int, option(metavar="N", help="Draws the folds and the seeds.", panel=TRAINING, parser=whole(0, 2**32 - 1))
]
Jobs = Annotated[
    int,
    option("--n-jobs", "-j", metavar="N", help="Threads; -1 is one per core. Does not change results.", panel=TRAINING),
]
Workers = Annotated[
    Path | None,
    option(
        "--workers",
        metavar="FOLDER",
        help="Train with other processes: any number of 'ridgewalk worker FOLDER', on machines that share FOLDER.",
        panel=TRAINING,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE.toml",
        help="Read options from a file, by the same names; the command line takes precedence.",
        callback=read_config,
        is_eager=True,
        show_default=False,
    ),
]
Force = Annotated[bool, switch("--force", help="Replace existing files.", panel=OUTPUT)]
Quiet = Annotated[bool, switch("--quiet", "-q", help="No progress, notes or tables.", panel=OUTPUT)]
AsJson = Annotated[bool, switch("--json", help="Print only JSON.", panel=OUTPUT)]


@dataclass(frozen=True)
class Columns:
    """The options for columns of the table: the target, column types, and columns that are not inputs."""

    target: Annotated[
        str, option("--target", "-t", metavar="COLUMN", help="Column to predict.", panel=DATA, default=False)
    ]
    task: Annotated[
        Task,
        option(
            metavar="TASK",
            help="classification, regression, or auto: text, booleans and up to 20 whole numbers are classes.",
            panel=DATA,
        ),
    ] = "auto"
    drop: Annotated[
        list[str] | None, option(metavar="COLUMNS", help="Columns (a,b) to exclude; can be repeated.", panel=DATA)
    ] = None
    keep: Annotated[
        list[str] | None,
        option(metavar="COLUMNS", help="Columns to use that look like row numbers or names of rows.", panel=DATA),
    ] = None
    categories: Annotated[
        list[str] | None, option(metavar="COLUMNS", help="Columns (a,b) that are categories.", panel=DATA)
    ] = None
    numbers: Annotated[list[str] | None, option(metavar="COLUMNS", help="Columns that are numbers.", panel=DATA)] = None
    dates: Annotated[
        list[str] | None,
        option(
            metavar="COLUMNS",
            help="Columns that are dates: ISO 8601, or a:dayfirst for 24.12.2026, a:monthfirst for 12/24/2026.",
            panel=DATA,
        ),
    ] = None
    ids: Annotated[
        list[str] | None,
        option(
            "--id",
            metavar="COLUMNS",
            help="Columns that identify rows: no inputs, but added to predictions.",
            panel=DATA,
        ),
    ] = None
    positive: Annotated[
        str | None,
        option(
            metavar="CLASS",
            help="Positive one of two classes, for f1, precision and similar scores.",
            panel=DATA,
        ),
    ] = None
    weights: Annotated[str | None, option(metavar="COLUMN", help="Weight of each row.", panel=DATA)] = None
    row_groups: Annotated[
        str | None,
        option(metavar="COLUMN", help="Keep rows with equal values (one patient, one day) in one fold.", panel=DATA),
    ] = None
    class_weight: Annotated[
        str | None, option(metavar="WEIGHTS", help="balanced, or a weight for each class: no=1,yes=5.", panel=DATA)
    ] = None


@dataclass(frozen=True)
class Reading:
    """The options for reading a file; they are saved with the model."""

    missing: Annotated[
        list[str] | None,
        option(
            metavar="TEXTS",
            help='Texts that mean missing, such as "?,unknown", in addition to empty fields, NA, N/A, NaN, null, None '
            "and the like (all are listed in docs/data.md).",
            panel=DATA,
        ),
    ] = None
    keep_na: Annotated[
        list[str] | None,
        option(
            metavar="COLUMNS",
            help="Columns (a,b) in which NA and the like are categories, not missing values.",
            panel=DATA,
        ),
    ] = None
    encoding: Annotated[
        str | None,
        option(metavar="NAME", help="Encoding of CSV and TSV: latin-1, cp1252, ...; default UTF-8.", panel=DATA),
    ] = None
    separator: Annotated[
        str | None,
        option(metavar="CHARACTER", help="Field separator of CSV, such as ; or tab; default: detected.", panel=DATA),
    ] = None
    decimal: Annotated[
        str | None,
        option(metavar="CHARACTER", help="Decimal separator of CSV: . or ,; default: detected.", panel=DATA),
    ] = None

    @property
    def with_na(self) -> tuple[str, ...]:
        """Columns in which NA and the like are values."""
        return names("--keep-na", self.keep_na)

    @property
    def missing_texts(self) -> tuple[str, ...]:
        """Texts that mean missing."""
        return names("--missing", self.missing)


_OF_ONE_NETWORK = (
    "hidden", "activation", "penalty", "l1_ratio", "alphas", "pieces", "select_inputs", "relax", "racing", "selection",
    "scorer", "ensemble", "max_iter", "learning_rate", "batch_size",
)  # fmt: skip


@dataclass(frozen=True)
class PathOptions:
    """The options of a path: the network, its penalty, its strengths, folds and training."""

    blend: Annotated[
        bool | None,
        switch(
            "--blend/--no-blend",
            help="Fit a blend of several networks, or one network. The default is a blend, unless an option of the "
            "network, the path or its training is set.",
            panel=NETWORK,
        ),
    ] = None
    hidden: Annotated[
        str,
        option(
            metavar="UNITS",
            help='Units of the hidden layers, such as 64,32; "none" is a linear model; "auto" chooses by the table.',
            panel=NETWORK,
        ),
    ] = "auto"
    activation: Annotated[
        Activation, option(metavar="NAME", help="relu, leaky_relu, tanh, logistic, gelu or identity.", panel=NETWORK)
    ] = "relu"
    loss: Annotated[
        LossName,
        option(
            metavar="NAME",
            help="log_loss (classification); squared_error, absolute_error, huber or poisson (regression).",
            panel=NETWORK,
        ),
    ] = "auto"
    penalty: Annotated[
        PenaltyName,
        option(
            metavar="NAME",
            help="elasticnet: L1 and L2 on all weights; group_lasso: drops whole inputs; mcp, group_mcp: shrink "
            "large weights less.",
            panel=PATH,
        ),
    ] = "elasticnet"
    l1_ratio: Annotated[
        str, option(metavar="RATIOS", help="1 is L1, 0 is L2; of several (0.2,0.8), the best is used.", panel=PATH)
    ] = "0.5"
    alphas: Annotated[
        str,
        option(
            metavar="STRENGTHS",
            help='Number of strengths besides 0, or the strengths (0.1,0.01), or "qut", which keeps no input of pure '
            'noise, with probability 20/21. "auto" is 30; fewer for large tables and in a blend.',
            panel=PATH,
        ),
    ] = "auto"
    pieces: Annotated[
        int,
        option(
            metavar="N",
            help="Bins of a piecewise-linear encoding of numeric columns (4 or 8); 0 is no encoding. With "
            "--select-inputs, inputs are selected without it and refitted with it.",
            panel=NETWORK,
            parser=whole(0),
        ),
    ] = 0
    select_inputs: Annotated[
        bool,
        switch(
            "--select-inputs",
            help="Select the inputs that matter, with a second, adaptive path and refits; none if none helps.",
            panel=PATH,
        ),
    ] = False
    relax: Annotated[
        bool,
        switch("--relax", help="Refit the inputs of each strength without the selecting penalty.", panel=PATH),
    ] = False
    racing: Annotated[
        bool,
        switch(
            "--racing/--no-racing",
            help="Drop strengths that are clearly worse after two folds or more. A blend always does.",
            panel=PATH,
        ),
    ] = False
    selection: Annotated[
        Rule,
        option(
            metavar="RULE",
            help="min: lowest held-out loss; 1se: strongest within one paired standard error; simplest: sparsest in "
            "the 95% confidence set. With --select-inputs, min: of the refits within one standard error of the lowest "
            "loss, the one whose inputs the folds agree on; 1se: the refits' lowest loss.",
            panel=CHOICE,
        ),
    ] = "min"
    scorer: Annotated[
        str | None,
        option(
            metavar="NAME",
            help="Choose by a scikit-learn score (accuracy, roc_auc, r2, ...) instead of the loss.",
            panel=CHOICE,
        ),
    ] = None
    folds: Annotated[
        int, option(metavar="N", help="Cross-validation folds, 2 or more.", panel=CHOICE, parser=whole(2))
    ] = 5
    seeds: Seeds = 1
    ensemble: Annotated[bool, switch("--ensemble", help="Average the predictions of all seeds.", panel=CHOICE)] = False
    max_iter: Annotated[
        int | None,
        option(
            metavar="N", help="Epochs of each fit; by default chosen by the table.", panel=TRAINING, parser=whole(1)
        ),
    ] = None
    learning_rate: Annotated[
        float | None,
        option(metavar="RATE", help="Initial learning rate of Adam; default 0.01.", panel=TRAINING, parser=positive),
    ] = None
    batch_size: Annotated[
        Any,
        option(
            metavar="N",
            help='Rows per step, or "all"; by default all up to 1,000 rows, otherwise 256.',
            panel=TRAINING,
            parser=rows_per_step,
        ),
    ] = None
    random_state: RandomState = 0
    jobs: Jobs = -1
    workers: Workers = None

    @property
    def of_one_network(self) -> list[str]:
        """The options set that apply to one network and its path, not to a blend."""
        usual = {field.name: field.default for field in fields(self)}
        return [name for name in _OF_ONE_NETWORK if getattr(self, name) != usual[name]]

    @property
    def blends(self) -> bool:
        """Whether a blend is fitted."""
        return not self.of_one_network if self.blend is None else self.blend

    def __post_init__(self) -> None:
        if self.blend and self.of_one_network:
            named = ", ".join(f"--{name.replace('_', '-')}" for name in self.of_one_network)
            raise ValueError(f"--blend fits several networks, and {named} is of one: leave it out, or --blend.")
        layers, alphas = sizes(self.hidden), strengths(self.alphas)
        ratios(self.l1_ratio)
        for met, sentence in (
            (self.select_inputs and self.relax, "--select-inputs refits already: leave --relax out."),
            (
                self.select_inputs and not layers,
                "--select-inputs needs a hidden layer: with --hidden none L1 selects, so give --l1-ratio 1 instead.",
            ),
            (
                (self.select_inputs or self.relax) and self.scorer is not None,
                "--scorer chooses on a path, --select-inputs and --relax choose by the loss: leave one out.",
            ),
            (
                (self.select_inputs or self.relax) and alphas == "qut",
                "--alphas qut is one strength without a choice: leave --select-inputs and --relax out.",
            ),
            (
                self.racing and (self.select_inputs or self.relax or self.scorer is not None),
                "--racing drops strengths by their held-out loss alone: leave it out, or --select-inputs, --relax and "
                "--scorer.",
            ),
            (
                self.racing and (alphas == "qut" or self.folds < FEWEST_FOLDS),
                f"--racing needs several --alphas to choose from, and --folds {FEWEST_FOLDS} or more: leave it out.",
            ),
            (self.ensemble and self.seeds == 1, "--ensemble is the mean over starts: give --seeds 3 or more."),
            (
                self.jobs == 0,
                "--n-jobs is 1 or more threads, or -1 for one per core, -2 for all but one; got 0.",
            ),
        ):
            if met:
                raise ValueError(sentence)

    @property
    def result(self) -> dict[str, str | float | None]:
        """The options on which the numbers depend, and whether a blend is fitted."""
        options = {name: value for name, value in asdict(self).items() if name not in ("jobs", "workers")}
        return options | {"blend": self.blends}


@dataclass(frozen=True)
class Output:
    """The options for what a command prints."""

    quiet: Quiet = False
    as_json: AsJson = False

    @property
    def verbose(self) -> bool:
        """Whether progress and notes are shown."""
        return not (self.quiet or self.as_json)
