"""From a file and options to a fitted estimator: what the commands that train share."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.markup import escape

from ridgewalk.arrays import Array
from ridgewalk.cli.console import err, introduce
from ridgewalk.cli.files import blends
from ridgewalk.cli.options import Columns, LossName, PathOptions, Reading
from ridgewalk.cli.values import candidates, class_weights, columns_named, known, names, ratios, sizes, strengths
from ridgewalk.engine.progress import StoppedError
from ridgewalk.formatting import format_count
from ridgewalk.path.defaults import Auto, defaults

if TYPE_CHECKING:
    import pandas as pd

    from ridgewalk.estimators import MLPClassifierCV, MLPRegressorCV
    from ridgewalk.estimators.planning import TablePlan
    from ridgewalk.estimators.table import TableClassifier, TableRegressor
    from ridgewalk.tables import ColumnChoices, Encoder, Table
    from ridgewalk.tables.choices import LeftOut, Role
    from ridgewalk.tables.dates import DateOrder

    Fitted = MLPClassifierCV | MLPRegressorCV | TableClassifier | TableRegressor


_MOST_NAMED, _LONGEST_NAME = 40, 40  # columns of a table, and characters of a name, in an error
_FIRST_ROWS = 10_000  # of a table, in which its target is looked for

USUAL_READING = Reading()
"""Everything of a file is found out."""


@dataclass(frozen=True, eq=False)
class Problem:
    """A table as numbers, and how to learn from it.

    Attributes
    ----------
    x, y : arrays, shapes (N, P), (N,)
    weights, groups : arrays, shape (N,), or None
        Of rows.
    """

    table: Table
    encoder: Encoder
    columns: Columns
    x: Any
    y: Any
    weights: Array | None
    groups: Any

    def estimator(self, options: PathOptions, verbose: bool) -> MLPClassifierCV | MLPRegressorCV:
        """Make what the options ask for."""
        from ridgewalk.estimators import MLPClassifierCV, MLPRegressorCV

        classes = self.table.task == "classification"
        together = options.select_inputs or options.penalty in ("group_lasso", "group_mcp")
        ratio = ratios(options.l1_ratio)
        return (MLPClassifierCV if classes else MLPRegressorCV)(
            sizes(options.hidden),
            options.activation,
            loss=options.loss,
            alphas=strengths(options.alphas),
            l1_ratio=ratio[0] if len(ratio) == 1 else ratio,
            penalty=options.penalty,
            groups=self.encoder.groups if together else None,
            class_weight=self._class_weight,
            pieces=options.pieces,
            select_inputs=options.select_inputs,
            relax=options.relax,
            racing=options.racing,
            selection=options.selection,
            scoring=options.scorer,
            pos_label=self.pos_label,
            cv=options.folds,
            n_seeds=options.seeds,
            ensemble=options.ensemble,
            max_iter="auto" if options.max_iter is None else options.max_iter,
            learning_rate_init="auto" if options.learning_rate is None else options.learning_rate,
            batch_size=_batch(options),
            random_state=options.random_state,
            n_jobs=options.jobs,
            verbose=verbose,
        )

    def model(self, options: PathOptions, verbose: bool) -> Fitted:
        """Make what predicts: a blend, or the single network that the options ask for."""
        if not options.blends:
            return self.estimator(options, verbose)
        from ridgewalk.estimators.table import TableClassifier, TableRegressor

        return (TableClassifier if self.table.task == "classification" else TableRegressor)(
            loss=options.loss,
            class_weight=self._class_weight,
            pos_label=self.pos_label,
            cv=options.folds,
            n_seeds=options.seeds,
            random_state=options.random_state,
            n_jobs=options.jobs,
            verbose=verbose,
        )

    def sized(self, options: PathOptions) -> PathOptions:
        """Return the options with the network and the training that suit the table, where they say "auto"."""
        classes = len(np.unique(self.y)) if self.table.task == "classification" else 1
        rows = len(self.y) if self.weights is None else int(np.count_nonzero(self.weights))
        size = defaults(
            rows,
            self.x.shape[1],
            classes if classes > 2 else 1,
            hidden_layer_sizes=sizes(options.hidden),
            batch_size=_batch(options),
            selecting=options.select_inputs or options.relax,
        )
        return replace(
            options,
            hidden=",".join(map(str, size.hidden_layer_sizes)) or "none",
            max_iter=options.max_iter or size.max_iter,
            batch_size=size.batch_size or "all",
        )

    @property
    def arrays(self) -> tuple[Any, ...]:
        """What a result follows from, beside the options."""
        return self.x, self.y, np.array(self.encoder.names), self.weights, self.groups

    def planned(self, options: PathOptions) -> TablePlan:
        """Return what a fit would train, and what becomes of the table's columns."""
        from ridgewalk.estimators.access import planned_views
        from ridgewalk.estimators.planning import plan_of

        model = self.model(options, verbose=False)
        columns = self.encoder.plan()
        if blends(model):
            plan = planned_views(model, self.encoder, self.x, self.y, self.weights, self.groups, columns)
        else:
            plan = plan_of({"network": model}, self.x, self.y, self.weights, self.groups, columns)
        return replace(plan, target=self.columns.target, notes=self.table.odd)

    @property
    def _labels(self) -> dict[str, Any]:
        """Classes by their texts; a whole number is the same with ".0" and without."""
        labels = np.unique(self.y).tolist()
        whole = {str(int(each)): each for each in labels if isinstance(each, float) and each.is_integer()}
        return whole | {str(label): label for label in labels}

    @property
    def pos_label(self) -> Any:
        """The class that was named as positive, or None.

        Raises
        ------
        ValueError
            If there are no two classes, or it is none of them.
        """
        positive = self.columns.positive
        if positive is None:
            return None
        if self.table.task == "regression":
            raise ValueError("--positive is for classes, and here numbers are predicted: leave it out.")
        classes = len(np.unique(self.y))
        if classes != 2:
            raise ValueError(
                f"--positive names one of two classes, and {self.columns.target!r} has {classes} classes: leave it out."
            )
        return self._labels[known(positive, "class", list(map(str, np.unique(self.y))))]

    @property
    def _class_weight(self) -> str | dict[Any, float] | None:
        if self.columns.class_weight is None:
            return None
        if self.table.task == "regression":
            raise ValueError("--class-weight is for classes, and here numbers are predicted: leave it out.")
        weights = class_weights(self.columns.class_weight)
        if isinstance(weights, str):
            return weights
        labels = self._labels
        return {labels[known(name, "class", list(labels))]: weight for name, weight in weights.items()}

    def fit(self, model: Fitted) -> None:
        """Fit a model to all rows."""
        with stoppable():
            if blends(model):
                from ridgewalk.estimators.access import fit_encoded

                notes = self.table.notes
                fit_encoded(model, self.encoder, self.x, self.y, self.weights, self.groups, notes)
            else:
                model.fit(self.x, self.y, self.weights, groups=self.groups)

    def part(self, rows: Any) -> Problem:
        """Return the same problem with some of its rows."""
        return replace(
            self,
            x=self.x[rows],
            y=self.y[rows],
            weights=None if self.weights is None else self.weights[rows],
            groups=None if self.groups is None else self.groups[rows],
        )


def read_problem(
    file: Path, columns: Columns, options: PathOptions, verbose: bool, reading: Reading = USUAL_READING
) -> Problem:
    """Read a table, say what it is, and see that the options suit it.

    Raises
    ------
    ValueError
    """
    from ridgewalk.tables.encoder import table_encoder
    from ridgewalk.tables.read import release_memory
    from ridgewalk.tables.table import make_table

    groups_as_text = [] if columns.row_groups is None else [columns.row_groups]  # 01234 and 1234 are two groups
    codes = (*names("--categories", columns.categories), *candidates("--id", columns.ids))
    frame = read_rows(file, reading, (*codes, *groups_as_text), columns.target)
    columns = _with_names_of(columns, list(frame.columns))
    choices = _choices(columns, reading)
    apart: dict[str | None, Role] = {columns.weights: "weights", columns.row_groups: "row groups"}
    drop = (*(columns.drop or ()), *(name for name in apart if name is not None and name not in choices.ids))
    task = columns.task
    if task == "auto" and options.loss not in ("auto", "log_loss") and _numeric(frame, columns.target):
        task = "regression"  # few different numbers would be classes, but this loss is for numbers
    table = make_table(frame, columns.target, task, drop, choices=choices)
    weights, groups = _row_weights(frame, columns.weights), _row_groups(frame, columns.row_groups)
    del frame  # the table holds what is needed of it
    left_out = [_in_its_role(each, apart.get(each.column)) for each in table.left_out]
    encoder = table_encoder(table.inputs, choices, left_out)
    x, y = encoder.encoded(table.inputs), table.target.to_numpy()
    # The inputs take as much memory again as x.
    table = replace(table, inputs=table.inputs.iloc[:0].copy(), notes=(*table.notes, *encoder.notes))
    release_memory()
    problem = Problem(table, encoder, columns, x, y, weights, groups)
    _check_loss(options.loss, table.task)
    _ = problem.pos_label  # refuses what is none
    if options.scorer is not None:
        from sklearn.metrics import get_scorer_names

        known(options.scorer, "scorer of scikit-learn's,", sorted(get_scorer_names()))
    if verbose:
        introduce(table, columns.target, len(y), encoder)
    return problem


def read_rows(
    file: Path,
    reading: Reading,
    texts: Sequence[str] = (),
    target: str | None = None,
    encoder: Encoder | None = None,
    with_na: Sequence[str] = (),
) -> pd.DataFrame:
    """Read a table as the options say, and where they say nothing as a model's was."""
    from ridgewalk.tables import read_table
    from ridgewalk.tables.missing import MissingTexts

    return read_table(
        file,
        texts,
        target,
        encoder,
        encoding=reading.encoding,
        separator=reading.separator,
        decimal=reading.decimal,
        missing=MissingTexts(reading.missing_texts, (*reading.with_na, *with_na)),
    )


def targets_in(file: Path, encoding: str | None, separator: str | None, taken: Collection[str | None]) -> str:
    """Describe which columns of a file there are to predict, and which is likely meant; or why it cannot be read.

    What is likely meant (:func:`ridgewalk.tables.useful.likely_target`) is none of the columns that are ``taken`` for
    something else.
    """
    from ridgewalk.tables.encode import DataError
    from ridgewalk.tables.read import STANDARD_INPUT, first_rows
    from ridgewalk.tables.useful import likely_target

    if str(file) == STANDARD_INPUT:
        return ""
    try:
        head = first_rows(file, _FIRST_ROWS, encoding=encoding, separator=separator)
    except DataError as error:
        return str(error)
    found = list(map(str, head.columns))
    likely = likely_target(head.loc[:, [name not in taken for name in found]])
    perhaps = "" if likely is None else f", perhaps --target {shlex.quote(likely)}"
    shown = [name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…" for name in found[:_MOST_NAMED]]
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return (
        f"It names the column to predict{perhaps}. {file} has {format_count(len(found), 'column')}: "
        f"{', '.join(shown)}{more}."
    )


def _with_names_of(columns: Columns, there: list[str]) -> Columns:
    """Return the options with one name each where values are several names of a table's columns."""
    found = {label: list(columns_named(label, named, there)) for label, named in _plain(columns)}
    return replace(columns, keep=found["--keep"], ids=found["--id"], drop=found["--drop"])


def _choices(columns: Columns, reading: Reading) -> ColumnChoices:
    """Return what the options say of single columns, and check that none is named in two places."""
    from ridgewalk.tables.choices import ColumnChoices, refuse_twice
    from ridgewalk.tables.dates import ORDERS

    dates: dict[str, DateOrder | None] = {}
    for date in names("--dates", columns.dates):
        name, _, order = date.rpartition(":")
        comes_first = next((each for each in ORDERS if name and order == each), None)
        dates[name if comes_first else date] = comes_first
    kinds: dict[str, Collection[str]] = {
        "--categories": names("--categories", columns.categories),
        "--numbers": names("--numbers", columns.numbers),
        "--dates": dates,
    }
    kept, ids, drop = ({label: chosen or ()} for label, chosen in _plain(columns))
    weights = {"--weights": [] if columns.weights is None else [columns.weights]}
    groups = {"--row-groups": [] if columns.row_groups is None else [columns.row_groups]}
    for label, chosen in (kinds | kept | ids | drop | weights | groups).items():
        if columns.target in chosen:
            raise ValueError(f"{columns.target!r} is the target, and {label} names it, too: take one of them back.")
    for together in (kinds | ids | weights, kinds | drop, ids | drop, kinds | groups, kept | drop, kept | ids):
        refuse_twice(together)
    return ColumnChoices(
        categories=tuple(kinds["--categories"]),
        numbers=tuple(kinds["--numbers"]),
        dates=dates,
        missing=reading.missing_texts,
        ids=tuple(columns.ids or ()),
        keep=tuple(columns.keep or ()),
    )


def _in_its_role(column: LeftOut, role: Role | None) -> LeftOut:
    """Return a column that is no input as what it is: weights of the rows, or their groups."""
    if role is None or column.role == "id":
        return column
    reasons = {"weights": "says how much each row counts", "row groups": "says which rows stay in one fold"}
    return replace(column, role=role, reason=reasons[role])


def _plain(columns: Columns) -> tuple[tuple[str, list[str] | None], ...]:
    """Return the options whose values may be names of columns with commas in them, by what they are called."""
    return ("--keep", columns.keep), ("--id", columns.ids), ("--drop", columns.drop)


def _batch(options: PathOptions) -> int | Auto | None:
    """Return the rows of a step as an estimator takes them."""
    if options.batch_size is None:
        return "auto"
    return None if options.batch_size == "all" else int(options.batch_size)


def _numeric(frame: pd.DataFrame, name: str) -> bool:
    from pandas.api import types

    return name in frame and types.is_numeric_dtype(frame[name]) and not types.is_bool_dtype(frame[name])


def _check_loss(loss: LossName, task: str) -> None:
    """Check that a loss is one of this task's."""
    classes = task == "classification"
    if loss != "auto" and classes != (loss == "log_loss"):
        of, other = ("numbers", "log_loss") if classes else ("classes", "squared_error")
        raise ValueError(
            f"--loss {loss} is for {of}, and this is {task}: give {other}, leave it out, or give another --task."
        )


def _row_weights(frame: pd.DataFrame, name: str | None) -> Array | None:
    from pandas.api import types

    if name is None:
        return None
    column = frame[name]
    values = column.to_numpy(dtype=float, na_value=np.nan) if types.is_numeric_dtype(column) else np.array([np.nan])
    if not (np.isfinite(values).all() and (values >= 0).all() and values.any()):
        raise ValueError(
            f"--weights {name} is no column of weights: numbers of zero or more are needed, none missing; fill it in."
        )
    return np.array(values)  # of its own, so that the frame can go


def _row_groups(frame: pd.DataFrame, name: str | None) -> Any:
    if name is None:
        return None
    column = frame[name]
    if column.isna().any():
        raise ValueError(f"--row-groups {name} is missing in {int(column.isna().sum())} rows: fill it in.")
    return column.astype(str).to_numpy()


@contextmanager
def trained_by(options: PathOptions, verbose: bool) -> Iterator[None]:
    """Let workers train while the block runs, where the options name their folder.

    Raises
    ------
    StoppedError
        If Ctrl-C came while none of them had.
    """
    if options.workers is None:
        yield
        return
    from ridgewalk.cluster import shared_folder

    def say(words: str) -> None:
        if verbose:
            err.print(escape(words), soft_wrap=True)

    folder = options.workers
    with (
        stoppable(),
        shared_folder(folder, lambda: say(f"Waiting for a worker: ridgewalk worker {folder}")) as described,
    ):
        say(f"Training in {folder}: {described}.")
        yield


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn Ctrl-C into the command's own words."""
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError from None
