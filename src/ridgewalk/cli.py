"""The command line: read, fit, report; no mathematics.

ridgewalk fit FILE --target NAME      walk the path, choose a strength, keep the model and the table
ridgewalk predict MODEL FILE          predict with a kept model
ridgewalk report MODEL [FILE]         write a page to look at, with the predictions on a file's rows
ridgewalk diagnose FILE --target NAME did regularization help, and why or why not
ridgewalk demo                        all of it on the tutorial's spiral, and the tutorial's question answered
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from ridgewalk import __version__
from ridgewalk.engine.job import StoppedError
from ridgewalk.losses import CrossEntropy
from ridgewalk.report.summary import figure, sentences, summarize
from ridgewalk.selection import mean_and_error
from ridgewalk.tutorial import spiral_data

if TYPE_CHECKING:
    from ridgewalk.data import Encoder, Table
    from ridgewalk.estimators import MLPClassifierCV, MLPRegressorCV

app = typer.Typer(
    help="Walk the whole L1/L2 regularization path of a neural network, and choose the strength by cross-validation.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
# A terminal wraps at its width, between words; a file or a pipe gets whole lines.
out = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 1000)
err = Console(stderr=True, highlight=False, emoji=False, width=None if sys.stderr.isatty() else 1000)

DEMO_EPOCHS = 1500
MODEL_FORMAT = 2
MODEL_FILE, TABLE_FILE, SUMMARY_FILE, PAGE_FILE = "model.skops", "path.csv", "summary.json", "report.html"


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


def main() -> None:
    """Run the command; a mistake ends in a sentence and a non-zero exit code, never in a traceback."""
    try:
        app()
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ValueError, OSError, MemoryError) as error:
        err.print(f"[bold red]Error:[/] {escape(str(error) or type(error).__name__)}")
        sys.exit(1)
    except StoppedError:
        err.print("Stopped; nothing was written.")
        sys.exit(130)


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


@app.command()
def fit(
    file: File,
    target: Target,
    task: TaskChoice = Task.auto,
    drop: Drop = None,
    hidden: Hidden = "32",
    activation: ActivationChoice = Activation.relu,
    penalty: PenaltyChoice = PenaltyName.elasticnet,
    l1_ratio: L1Ratio = 0.5,
    alphas: Alphas = 30,
    selection: Selection = RuleName.min,
    folds: Folds = 5,
    seeds: Seeds = 1,
    max_iter: MaxIter = 600,
    learning_rate: LearningRate = 0.01,
    batch_size: BatchSize = None,
    random_state: RandomState = 0,
    jobs: Jobs = -1,
    out_folder: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder for model and table; by default ridgewalk-results/NAME.", show_default=False
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the result that --out holds.")] = False,
    page: Annotated[
        bool, typer.Option("--report/--no-report", help="Write report.html, a page to look at (2 MB).")
    ] = True,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Walk the path over a table's rows: every strength x fold x seed; keep the chosen model."""
    walk = _Walk(hidden, activation, penalty, l1_ratio, alphas, selection, folds, seeds, max_iter, learning_rate,
                 batch_size, random_state, jobs, verbose=not (quiet or as_json))  # fmt: skip
    table, encoder, model = _prepared(file, target, task, drop, walk)
    with _reserved(out_folder, file, force) as folder:
        _fit(model, encoder.transform(table.inputs), table.target.to_numpy())
        summary = summarize(model.path_, selection.value, encoder.origins)
        summary |= {"task": table.task, "target": target, "notes": list(table.notes)}
        _save(folder, model, encoder, summary)
        if page:
            _draw(folder / PAGE_FILE, model, encoder, target)
        else:
            (folder / PAGE_FILE).unlink(missing_ok=True)  # it would show another result
    if as_json:
        print(json.dumps(summary, indent=1))
    elif not quiet:
        _show(summary)
        out.print(f"\nModel, table and summary: [bold]{escape(str(folder))}[/]", soft_wrap=True)
        if page:
            out.print(f"To look at: {escape(str(folder / PAGE_FILE))}", soft_wrap=True)
        out.print(f"Predict with: ridgewalk predict {escape(str(folder))} FILE", soft_wrap=True)


@app.command()
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
    walk = _Walk(hidden, activation, penalty, l1_ratio, alphas, selection, folds, seeds, max_iter, learning_rate,
                 batch_size, random_state, jobs, verbose=not (quiet or as_json))  # fmt: skip
    table, encoder, model = _prepared(file, target, task, drop, walk)
    _fit(model, encoder.transform(table.inputs), table.target.to_numpy())
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


@dataclass(frozen=True)
class _Walk:
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


def _prepared(
    file: Path, target: str, task: Task, drop: list[str] | None, walk: _Walk
) -> tuple[Table, Encoder, MLPClassifierCV | MLPRegressorCV]:
    """Read a table, say what it is, and make the estimator that the options ask for."""
    from ridgewalk.data import Encoder, make_table, read_table
    from ridgewalk.estimators import MLPClassifierCV, MLPRegressorCV

    sizes = _sizes(walk.hidden)
    table = make_table(read_table(file), target, task.value, tuple(drop or ()))
    encoder = Encoder().fit(table.inputs)
    kind = MLPClassifierCV if table.task == "classification" else MLPRegressorCV
    if walk.verbose:
        _introduce(table.task, target, len(table.inputs), encoder, table.notes)
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


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="A model.skops that fit wrote, or its folder.", show_default=False)],
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet file with the model's columns.", show_default=False)],
    out_file: Annotated[
        Path | None, typer.Option("--out", help="A CSV file to write; standard output by default.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file that --out names.")] = False,
) -> None:
    """Predict every row of a file; classes come with their probabilities."""
    import pandas as pd

    from ridgewalk.data import read_table

    if out_file is not None:
        _free(out_file, file, force)
    kept = load_model(model)
    estimator, encoder = kept["estimator"], kept["encoder"]
    frame = read_table(file, texts=encoder.categories)
    x = encoder.transform(frame)
    for note in encoder.unseen(frame):
        err.print(f"[yellow]Note:[/] {escape(note)}")
    predictions = pd.DataFrame({kept["target"]: estimator.predict(x)})
    if kept["task"] == "classification":
        for label, probability in zip(estimator.classes_, estimator.predict_proba(x).T, strict=True):
            predictions[f"probability of {label}"] = probability
    if out_file is None:
        predictions.to_csv(sys.stdout, index=False)
    else:
        with _written(out_file) as unfinished:
            predictions.to_csv(unfinished, index=False)
        err.print(f"{len(predictions)} predictions: {escape(str(out_file))}")


@app.command()
def report(
    model: Annotated[Path, typer.Argument(help="A model.skops that fit wrote, or its folder.", show_default=False)],
    file: Annotated[
        Path | None,
        typer.Argument(help="A CSV or Parquet file with the model's columns and its target.", show_default=False),
    ] = None,
    out_file: Annotated[Path, typer.Option("--out", help="The HTML file to write.")] = Path(PAGE_FILE),
    force: Annotated[bool, typer.Option("--force", help="Replace the file that --out names.")] = False,
) -> None:
    """Write a page to look at; given a file, with what is predicted on its rows (fresh ones say most)."""
    from ridgewalk.data import make_table, read_table

    _free(out_file, file, force)
    kept = load_model(model)
    encoder = kept["encoder"]
    rows: tuple[Any, Any] = (None, None)
    if file is not None:
        frame = read_table(file, texts=encoder.categories)
        y = make_table(frame, kept["target"], kept["task"]).target.to_numpy()
        rows = (encoder.transform(frame), y)
        for note in encoder.unseen(frame):
            err.print(f"[yellow]Note:[/] {escape(note)}")
    _draw(out_file, kept["estimator"], encoder, kept["target"], *rows)
    err.print(f"To look at: {escape(str(out_file))}", soft_wrap=True)


@app.command()
def demo(
    samples: Annotated[int, typer.Option(min=20, help="Points on each of the three arms.")] = 100,
    random_state: Annotated[int, typer.Option(min=0, help="Draws the spiral, the folds and the starts.")] = 0,
    jobs: Annotated[int, typer.Option(help="Threads; -1 is one per core.")] = -1,
) -> None:
    """Walk the path of the tutorial's spiral, and answer whether regularization helped."""
    from ridgewalk.estimators import MLPClassifierCV

    generator = np.random.default_rng(random_state)
    x, y = spiral_data(samples, 3, generator)
    fresh_x, fresh_y = spiral_data(10_000, 3, generator)
    out.print(
        f"The tutorial's spiral: {len(x)} points, 3 arms; one hidden layer of 64 units; L1 and L2 on every layer."
    )
    model = MLPClassifierCV(
        (64,),
        alphas=14,
        max_iter=DEMO_EPOCHS,
        learning_rate_init=0.03,
        random_state=random_state,
        n_jobs=jobs,
        verbose=True,
    ).fit(x, y)
    summary = summarize(model.path_, "min", ["x", "y"])
    _show(summary)
    path = model.path_
    target = CrossEntropy().encode(fresh_y)
    outputs = [path.model(index).output(fresh_x) for index in (0, model.index_)]
    before, after = (CrossEntropy().values(output, target) for output in outputs)
    hits = [float((output.argmax(axis=1) == fresh_y).mean()) for output in outputs]
    change, error = mean_and_error(after - before, np.ones(len(fresh_y)))
    out.print("\n[bold]Did regularization help?[/]")
    out.print(
        f"1. {'Yes' if change + 2 * error < 0 else 'Not here'}: on {len(fresh_y):,} fresh points the log loss goes "
        f"from {before.mean():.3f} to {after.mean():.3f} ({change:+.3f} +- {error:.3f}), the accuracy from "
        f"{hits[0]:.3f} to {hits[1]:.3f}; no classifier does better than 0.213 and 0.910."
    )
    out.print(
        "2. The tutorial saw nothing because it penalized the first layer alone: a ReLU network shrinks that layer, "
        "grows the next, and computes the same. Here every layer pays."
    )
    out.print(
        "3. And SGD at rate 1 never comes to rest under that penalty, so its last epoch is left to chance. "
        "docs/tutorial.md has the figures."
    )


@app.command()
def version() -> None:
    """Print the version."""
    print(f"ridgewalk {__version__}")


def _fit(model: MLPClassifierCV | MLPRegressorCV, x: Any, y: Any) -> None:
    """Fit; Ctrl-C is said in the command's own words."""
    try:
        model.fit(x, y)
    except KeyboardInterrupt:
        raise StoppedError from None


def load_model(path: Path) -> dict[str, Any]:
    """Read what ``fit`` kept: "estimator", "encoder", "target", "task".

    Raises
    ------
    ValueError
        If it is no such file, is damaged, or holds types that a model of ridgewalk has no use for.
    """
    import skops.io

    file = path / MODEL_FILE if path.is_dir() else path
    if not file.exists():
        raise ValueError(f"There is no model {file}.")
    try:
        unknown = sorted(set(skops.io.get_untrusted_types(file=file)) - _MODEL_TYPES)
        kept = None if unknown else skops.io.load(file, trusted=sorted(_MODEL_TYPES))
    except Exception as error:  # skops raises whatever its parts raise
        raise ValueError(f"{file} is no model of ridgewalk, or is damaged ({type(error).__name__}).") from None
    if unknown:
        raise ValueError(f"{file} holds types that no model of ridgewalk has ({unknown[0]}): it was not opened.")
    parts = {"format", "estimator", "encoder", "target", "task"}
    if not isinstance(kept, dict) or kept.get("format") != MODEL_FORMAT or kept.keys() != parts:
        raise ValueError(f"{file} is no model of ridgewalk in format {MODEL_FORMAT}: was it made by a newer version?")
    return kept


_MODEL_TYPES = {"numpy.dtype"} | {
    f"ridgewalk.{name}"
    for name in (
        "data.Encoder",
        "engine.job.Fold",
        "estimators.whole_path.MLPClassifierCV",
        "estimators.whole_path.MLPRegressorCV",
        "layers.Dense",
        "layers.GELU",
        "layers.LeakyReLU",
        "layers.ReLU",
        "layers.Sigmoid",
        "layers.Tanh",
        "losses.BinaryCrossEntropy",
        "losses.CrossEntropy",
        "losses.SquaredError",
        "model.Model",
        "network.Network",
        "path.MLPPath",
        "route.Route",
    )
}


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


@contextmanager
def _reserved(wanted: Path | None, file: Path, force: bool) -> Iterator[Path]:
    """Make the folder for a result before the work begins, so that it cannot fail for want of one afterwards.

    It is the one asked for, if it is free or holds a result that may be replaced, or the first free name. If the block
    fails, a folder that it left empty goes again.
    """
    if wanted is None:
        stem = Path("ridgewalk-results") / file.stem
        folder = next(name for k in count(1) if _made(name := stem if k == 1 else stem.with_name(f"{stem.name}-{k}")))
    else:
        folder = wanted
        if not _made(folder):
            if not folder.is_dir():
                raise ValueError(f"--out {folder} is a file; give a folder.")
            others = {path.name for path in folder.iterdir()} - {MODEL_FILE, TABLE_FILE, SUMMARY_FILE, PAGE_FILE}
            if others:
                raise ValueError(f"{folder} holds other files ({sorted(others)[0]}): give a folder of its own.")
            if any(folder.iterdir()) and not force:
                raise ValueError(f"{folder} holds a result already: give another --out, or --force to replace it.")
    try:
        yield folder
    finally:
        for empty in (folder, folder.parent if wanted is None else folder):
            if empty.is_dir() and not any(empty.iterdir()):
                empty.rmdir()


def _made(folder: Path) -> bool:
    """Make a folder; whether it was not there before."""
    for above in reversed(folder.parents):
        if above.exists() and not above.is_dir():
            raise ValueError(f"--out {folder} cannot be made: {above} is a file.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def _save(folder: Path, model: Any, encoder: Encoder, summary: dict[str, Any]) -> None:
    """Write model, table and summary, each whole or not at all."""
    import pandas as pd
    import skops.io  # it imports every estimator of scikit-learn: seconds that only a model file is worth

    kept = {
        "format": MODEL_FORMAT,
        "estimator": model,
        "encoder": encoder,
        "target": summary["target"],
        "task": summary["task"],
    }
    rows = [row | {"marks": " ".join(row["marks"])} for row in summary["path"]]
    with _written(folder / TABLE_FILE) as unfinished:
        pd.DataFrame(rows).to_csv(unfinished, index=False)
    with _written(folder / SUMMARY_FILE) as unfinished:
        unfinished.write_text(json.dumps(summary, indent=1, ensure_ascii=False), encoding="utf-8")
    with _written(folder / MODEL_FILE) as unfinished:
        skops.io.dump(kept, unfinished)


def _draw(file: Path, model: Any, encoder: Encoder, target: str, x: Any = None, y: Any = None) -> None:
    """Write the page, whole or not at all."""
    with _written(file) as unfinished:
        model.report(unfinished, x, y, origins=encoder.origins, title=f"What predicts {target}")


def _free(wanted: Path, file: Path | None, force: bool) -> None:
    """Refuse to write over the file that is read, and over any other unasked."""
    if not wanted.exists():
        return
    if file is not None and file.exists() and wanted.samefile(file):
        raise ValueError(f"--out {wanted} is the file to read: give another.")
    if not force:
        raise ValueError(f"{wanted} is there already: give another --out, or --force to replace it.")


@contextmanager
def _written(file: Path) -> Iterator[Path]:
    """Give a path beside ``file``, which becomes it when the block ends well."""
    unfinished = file.with_name(f".unfinished-{file.name}")
    try:
        yield unfinished
        os.replace(unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)


def _introduce(task: str, target: str, rows: int, encoder: Encoder, notes: tuple[str, ...]) -> None:
    columns = f"{len(encoder.columns)} inputs"
    if len(encoder.names) > len(encoder.columns):
        columns += f" ({len(encoder.names)} columns after encoding)"
    out.print(f"[bold]{task.capitalize()}[/] of {escape(target)!r}: {rows:,} rows, {columns}.")
    for note in notes:
        out.print(f"[yellow]Note:[/] {escape(note)}")


def _show(summary: dict[str, Any]) -> None:
    """Print the path as a table, and what was chosen."""
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for title in ("strength", "held-out loss", "+- s.e.", "train loss", "zeros", "inputs", "units"):
        grid.add_column(title, justify="right", no_wrap=True)
    grid.add_column("", no_wrap=True)
    for row in reversed(summary["path"]):
        chosen = row["alpha"] == summary["alpha"]
        grid.add_row(
            f"{row['alpha']:.4g}",
            figure(row["heldout_loss"]),
            figure(row["standard_error"], "-"),
            figure(row["train_loss"], "-"),
            f"{row['zeros']:.0%}",
            str(row["inputs_kept"]),
            str(row["units_kept"]),
            ", ".join(row["marks"]) + (" <-" if chosen else ""),
            style="bold green" if chosen else None,
        )
    out.print()
    out.print(grid)
    walked, chosen_strength, *rest = map(escape, sentences(summary))
    out.print(f"\n{walked}\n[bold]{chosen_strength}[/]")
    for sentence in rest:
        out.print(sentence)
