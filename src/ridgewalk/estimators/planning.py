"""The plan of a fit: how a table would be encoded and what would be trained, as text or plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypedDict, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import is_classifier

from ridgewalk.arrays import Array
from ridgewalk.engine.job import thread_count
from ridgewalk.estimators.positive import class_places
from ridgewalk.formatting import format_count, format_duration, format_table
from ridgewalk.tables.plan import described_columns


@dataclass(frozen=True)
class PlannedPath:
    """A path that a fit would train.

    Attributes
    ----------
    view : str
        "plain" or "encoded" for a view of a blend, "network" for a single network.
    hidden_layer_sizes : tuple of int
        Units of each hidden layer.
    inputs : int
        Number of encoded columns.
    strengths : int
        Number of strengths, including 0.
    folds, seeds : int
        Numbers of folds and of random initializations.
    epochs : int
        Epochs of each fit after its dense fit.
    batch_size : int or None
        Rows per step; None is all rows.
    networks : int
        Number of networks for all strengths, folds (and all rows) and seeds; racing trains fewer.
    seconds : float
        Estimated time on one core of a typical machine.
    """

    view: str
    hidden_layer_sizes: tuple[int, ...]
    inputs: int
    strengths: int
    folds: int
    seeds: int
    epochs: int
    batch_size: int | None
    networks: int
    seconds: float


class PlannedColumn(TypedDict):
    """What becomes of a column, as plain data."""

    column: str
    role: str
    kind: str | None
    encoded: int
    missing: int
    rare: int
    reason: str


class PlanData(TypedDict):
    """A :class:`TablePlan` as plain data; ``paths`` has the fields of a :class:`PlannedPath`."""

    task: str
    target: str
    classes: dict[str, int] | None
    positive: str | float | None
    rows: int
    rows_left_out: int
    columns: list[PlannedColumn]
    paths: list[dict[str, str | float | tuple[int, ...] | None]]
    threads: int
    seconds: float
    notes: list[str]


@dataclass(frozen=True, eq=False)
class TablePlan:
    """The plan of a fit: how a table would be encoded and what would be trained. Print it to read it.

    Attributes
    ----------
    task : "classification" or "regression"
    classes : dict of label to int, or None
        Number of rows of each class, in the order of ``classes_``.
    pos_label : label, or None
        The class declared as positive.
    rows, rows_left_out : int
        Number of rows used, and of rows with weight 0, which are ignored.
    columns : DataFrame
        One row per column, those left out first: "column", "role", "kind", "encoded", "missing", "rare" and "reason"
        (:func:`ridgewalk.tables.plan.columns_frame`).
    paths : tuple of PlannedPath
        The paths that would be trained.
    threads : int
        Number of threads that would train them.
    notes : tuple of str
        Suspicious properties of the table.
    target : str
        Name of the target.
    """

    task: str
    classes: Mapping[Any, int] | None
    pos_label: Any
    rows: int
    rows_left_out: int
    columns: pd.DataFrame
    paths: tuple[PlannedPath, ...]
    threads: int
    notes: tuple[str, ...] = ()
    target: str = "y"

    @property
    def seconds(self) -> float:
        """Estimate the seconds of training on this number of threads."""
        return sum(path.seconds for path in self.paths) / self.threads

    def to_dict(self) -> PlanData:
        """Return everything as plain data, ready for JSON."""
        columns = self.columns.astype(object).where(self.columns.notna(), None)
        class_counts = None if self.classes is None else {str(label): rows for label, rows in self.classes.items()}
        positive = self.pos_label.item() if isinstance(self.pos_label, np.generic) else self.pos_label
        return {
            "task": self.task,
            "target": self.target,
            "classes": class_counts,
            "positive": positive,
            "rows": self.rows,
            "rows_left_out": self.rows_left_out,
            "columns": cast("list[PlannedColumn]", columns.to_dict("records")),
            "paths": [asdict(path) for path in self.paths],
            "threads": self.threads,
            "seconds": self.seconds,
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        inputs = self.columns[self.columns["role"] == "input"]
        sections = [self._heading(len(inputs), int(inputs["encoded"].sum())), described_columns(self.columns)]
        if self.notes:
            sections.append("\n".join(self.notes))
        heads = ["to train", "layers", "strengths", "folds", "starts", "epochs", "batch", "networks"]
        trained = [_row(path) for path in self.paths]
        sections.append(format_table(heads, trained, "<<>>>>>>"))
        sections.append(
            f"About {format_duration(self.seconds, tenths=True)} on {format_count(self.threads, 'thread')}, a guess. "
            "Nothing was trained."
        )
        return "\n\n".join(sections)

    def _heading(self, inputs: int, encoded: int) -> str:
        """Describe task, rows and columns in a sentence or two."""
        heading = f"{self.task.capitalize()} of {self.target!r}: {format_count(self.rows, 'row')}"
        heading += f" ({self.rows_left_out:,} more have weight 0)" if self.rows_left_out else ""
        heading += f", {format_count(inputs, 'input')}, {format_count(encoded, 'encoded column')}."
        if self.classes is not None:
            each = [
                f"{label} {rows:,}{' (positive)' if self.pos_label is not None and label == self.pos_label else ''}"
                for label, rows in self.classes.items()
            ]
            heading += f"\nClasses: {', '.join(each)}."
        return heading


def plan_of(
    models: Mapping[str, Any],
    x: Any,
    y: Array,
    sample_weight: ArrayLike | None,
    groups: ArrayLike | None,
    columns: pd.DataFrame,
) -> TablePlan:
    """Return what path estimators would train on a table.

    Parameters
    ----------
    models : mapping of str to MLPClassifierCV or MLPRegressorCV
        By the name of the view; the linear models of the first count for all.
    x, y : arrays, shapes (N, P), (N,)
        Encoded columns and the target.
    sample_weight, groups : array_like, shape (N,), optional
    columns : DataFrame
        What became of the table's columns.
    """
    first = next(iter(models.values()))
    paths = tuple(model._planned(name, x, y, sample_weight, groups, model is first) for name, model in models.items())
    used = np.ones(len(y), dtype=bool) if sample_weight is None else np.asarray(sample_weight) > 0
    classes = None
    if is_classifier(first):
        labels, counts = np.unique(np.asarray(y)[used], return_counts=True)
        order = class_places(first.pos_label, labels)
        classes = {labels[k]: int(counts[k]) for k in order}
    return TablePlan(
        task="regression" if classes is None else "classification",
        classes=classes,
        pos_label=first.pos_label,
        rows=int(used.sum()),
        rows_left_out=int(len(y) - used.sum()),
        columns=columns,
        paths=paths,
        threads=thread_count(1 if first.n_jobs is None else first.n_jobs),
    )


def _row(path: PlannedPath) -> list[Any]:
    """Return the row of a path in the plan."""
    layers = ",".join(map(str, path.hidden_layer_sizes)) or "none"
    batch = path.batch_size or "all"
    shown = [path.strengths, path.folds, path.seeds, path.epochs, batch, f"{path.networks:,}"]
    return [path.view, layers, *shown]
