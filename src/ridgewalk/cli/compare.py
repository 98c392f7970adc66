"""``ridgewalk compare``: compare results or configurations on the same rows and folds, with intervals."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.markup import escape

from ridgewalk.cli.console import err, out, table
from ridgewalk.cli.files import result
from ridgewalk.cli.fit import fit
from ridgewalk.cli.options import DATA, AsJson, Columns, PathOptions, Quiet, Reading, option, read_options
from ridgewalk.cli.training import read_problem
from ridgewalk.formatting import format_loss

if TYPE_CHECKING:
    from ridgewalk.cli.training import Fitted
    from ridgewalk.diagnostics import Effect
    from ridgewalk.estimators.comparing import Comparison
    from ridgewalk.tables import Encoder

    _Run = tuple[Fitted, Encoder | None]


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...",
            help="Two or more results of fit (folders, model files), or configurations (.toml) to fit to a --table.",
            show_default=False,
        ),
    ],
    file: Annotated[
        Path | None, option("--table", metavar="FILE", help="Table that configurations are fitted to.", panel=DATA)
    ] = None,
    target: Annotated[
        str | None, option("--target", "-t", metavar="COLUMN", help="Column of the table to predict.", panel=DATA)
    ] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Compare results row by row on the same held-out rows, with an interval for each difference."""
    from ridgewalk.estimators.comparing import compare as compared

    verbose = not (quiet or as_json)
    if len({str(run) for run in runs}) < max(len(runs), 2):
        raise ValueError(f"To compare takes two different runs or more, got {', '.join(map(str, runs))}.")
    found = {str(run): _fitted(run, file, target, verbose) if _configures(run) else _kept(run) for run in runs}
    if (file is not None or target is not None) and not any(map(_configures, runs)):
        raise ValueError("--table and --target are for configurations (.toml), and there is none among the runs.")
    comparison = compared({run: model for run, (model, _) in found.items()})
    counted = (replace(model, inputs=_inputs(*found[model.name])) for model in comparison.models)
    comparison = replace(comparison, models=tuple(counted))
    if as_json:
        print(json.dumps(_plain(comparison), indent=1))
    else:
        show_comparison(comparison, quiet)


def _configures(run: Path) -> bool:
    return run.suffix == ".toml"


def _inputs(model: Fitted, encoder: Encoder | None) -> int:
    """Count the inputs that a model uses: of a table, by the names that they have there."""
    used = np.flatnonzero(model.support_)
    return len(used if encoder is None else {encoder.origins[column] for column in used})


def _kept(run: Path) -> _Run:
    stored = result(run)
    model = stored.model
    if not hasattr(model, "heldout_scores"):
        raise ValueError(f"{run} holds a {type(model).__name__}, which has no path: give results of fit.")
    return model, stored.encoder


def _fitted(run: Path, file: Path | None, target: str | None, verbose: bool) -> _Run:
    """Fit what a configuration describes, as ``fit`` would, and write nothing."""
    if file is None or str(file) == "-":
        raise ValueError(f"{run} is a configuration, so it needs a table to fit: give --table FILE.")
    alone = typer.Typer(add_completion=False)
    alone.command()(fit)
    named = [] if target is None else ["--target", target]
    command = typer.main.get_command(alone)
    params = command.make_context("ridgewalk fit", [str(file), "--config", str(run), *named]).params
    if params["budget"] is not None:
        raise ValueError(f"{run} has a budget, which chooses folds, and what is compared shares them: leave it out.")
    columns, reading, options = (
        read_options(Columns, params),
        read_options(Reading, params),
        read_options(PathOptions, params),
    )
    if verbose:
        err.print(f"{escape(str(run))}:", soft_wrap=True)
    problem = read_problem(file, columns, options, verbose, reading)
    model = problem.model(options, verbose)
    problem.fit(model)
    return model, problem.encoder


def _plain(comparison: Comparison) -> dict[str, Any]:
    """Everything as plain data, with the ends of the intervals."""
    found = asdict(comparison)
    for model, compared in zip(found["models"], comparison.models, strict=True):
        if compared.difference is not None:
            low, high = compared.difference.careful
            model["difference"] |= {"low": compared.difference.low, "high": compared.difference.high}
            model["difference"] |= {"careful_low": low, "careful_high": high}
    return found


def show_comparison(comparison: Comparison, quiet: bool) -> None:
    """Print every model beside the first, and in a sentence each whether it is better."""
    from ridgewalk.diagnostics.wording import claimed

    first, *others = comparison.models
    if not quiet:
        grid = table(["run", "held-out loss", "+- s.e.", "inputs", "difference", _INTERVALS])
        grid.columns[0].justify, grid.columns[0].overflow, grid.columns[-1].no_wrap = "left", "fold", True
        for column in grid.columns:
            column.vertical = "top"  # the first interval stands in the line of its run
        for model in comparison.models:
            change = model.difference
            grid.add_row(
                escape(model.name),
                format_loss(model.heldout_loss),
                format_loss(model.standard_error),
                str(model.inputs),
                "" if change is None else format_loss(change.mean, sign="+"),
                "" if change is None else _intervals(change),
            )
        out.print(grid)
        out.print(
            f"\n{comparison.rows:,} held-out rows in {comparison.folds} folds, the same for all; each fold at the "
            f"strength that the others choose; the constant prediction has {format_loss(comparison.null_loss)}. The "
            "first interval is for these training rows. An interval holds by itself, not all of them together."
        )
        if comparison.starts == 1:
            out.print("With one start each, no interval says what another start would change: fit with --seeds 3.")
    for model in others:
        change = model.difference
        if change is not None:
            sentence = _SENTENCES[model.verdict].format(model.name, first.name, claimed(model.verdict, change.unsure))
            out.print(f"[bold]{escape(sentence)}[/]{_how_sure(change, model.verdict)}.", soft_wrap=True)


def _how_sure(change: Effect, verdict: str) -> str:
    """Return what the interval that also allows for other training rows says of a claim."""
    from ridgewalk.diagnostics.wording import beside_the_interval

    if verdict not in ("better", "worse"):
        return ""
    return beside_the_interval(change, *(format_loss(end, sign="+") for end in change.careful))


def _intervals(change: Effect) -> str:
    """Return the interval of a difference and, in a line below, that which also allows for other training rows."""
    first, second = (
        f"{format_loss(low, sign='+')} to {format_loss(high, sign='+')}"
        for low, high in ((change.low, change.high), change.careful)
    )
    return f"{first}\n({second})" if np.isfinite(change.careful_error) else first


_INTERVALS = "95% interval\n(allowing for other\ntraining rows)"
_SENTENCES = {
    "better": "{0} is {2} than {1}",
    "worse": "{0} is {2} than {1}",
    "no difference": "{0} and {1} make no difference that matters",
    "cannot tell": "{0} and {1} cannot be told apart with these rows and starts",
}
