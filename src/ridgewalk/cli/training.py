"""What ``fit`` and ``diagnose`` share: from a file and the options to a fitted estimator."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ridgewalk.cli.console import introduce
from ridgewalk.cli.options import Activation, PenaltyName, RuleName, Task
from ridgewalk.engine.job import StoppedError

if TYPE_CHECKING:
    from ridgewalk.data import Encoder, Table
    from ridgewalk.estimators import MLPClassifierCV, MLPRegressorCV


@dataclass(frozen=True)
class Walk:
    """What the options say of the walk."""

    hidden: str
    activation: Activation
    penalty: PenaltyName
    l1_ratio: float
    alphas: int
    selection: RuleName
    folds: int
    seeds: int
    max_iter: int
    learning_rate: float
    batch_size: int | None
    random_state: int
    jobs: int
    verbose: bool

    @property
    def result(self) -> dict[str, Any]:
        """Those on which the numbers depend."""
        return {name: value for name, value in asdict(self).items() if name not in ("jobs", "verbose")}


def prepared(
    file: Path, target: str, task: Task, drop: list[str] | None, walk: Walk
) -> tuple[Table, Encoder, MLPClassifierCV | MLPRegressorCV]:
    """Read a table, say what it is, and make the estimator that the options ask for."""
    from ridgewalk.data import Encoder, make_table, read_table
    from ridgewalk.estimators import MLPClassifierCV, MLPRegressorCV

    sizes = _sizes(walk.hidden)
    table = make_table(read_table(file), target, task.value, tuple(drop or ()))
    encoder = Encoder.fit(table.inputs)
    table = replace(table, notes=(*table.notes, *encoder.notes))
    kind = MLPClassifierCV if table.task == "classification" else MLPRegressorCV
    if walk.verbose:
        introduce(table.task, target, len(table.inputs), encoder, table.notes)
    model = kind(
        sizes,
        walk.activation.value,
        alphas=walk.alphas,
        l1_ratio=walk.l1_ratio,
        penalty=walk.penalty.value,
        selection=walk.selection.value,
        cv=walk.folds,
        n_seeds=walk.seeds,
        max_iter=walk.max_iter,
        learning_rate_init=walk.learning_rate,
        batch_size=walk.batch_size,
        random_state=walk.random_state,
        n_jobs=walk.jobs,
        verbose=walk.verbose,
    )
    return table, encoder, model


def train(model: MLPClassifierCV | MLPRegressorCV, x: Any, y: Any) -> None:
    """Fit; Ctrl-C is said in the command's own words."""
    try:
        model.fit(x, y)
    except KeyboardInterrupt:
        raise StoppedError from None


def _sizes(hidden: str) -> tuple[int, ...]:
    if hidden.strip().lower() in ("none", "0", ""):
        return ()
    try:
        sizes = tuple(int(part) for part in hidden.split(","))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1:
        raise ValueError(f'--hidden takes units per layer, such as 32 or 64,32, or "none"; got {hidden!r}.')
    return sizes
