"""The list of commands, in the order of ``--help``; each command is a function in its own module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ridgewalk import __version__
from ridgewalk.cli.bench import bench
from ridgewalk.cli.columns import columns
from ridgewalk.cli.compare import compare
from ridgewalk.cli.demo import demo
from ridgewalk.cli.diagnose import diagnose
from ridgewalk.cli.export import export
from ridgewalk.cli.fit import fit
from ridgewalk.cli.play import play
from ridgewalk.cli.predict import predict
from ridgewalk.cli.report import report
from ridgewalk.cli.training import targets_in
from ridgewalk.cli.values import candidates
from ridgewalk.cli.worker import worker
from ridgewalk.terminal import plain


class Commands(TyperGroup):
    """The commands; what is wrong with a command line is said without what a terminal would obey in it."""

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        """Read what stands before the command."""
        with _said_plainly():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: Any) -> Any:
        """Read the command and what stands after it, and run it."""
        with _said_plainly():
            return super().invoke(ctx)


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if hasattr(error, "format_message"):  # one of click's, or of typer's copy of it
            error.message = plain(error.message + _targets(error) + _result_first(error))  # type: ignore[attr-defined]
        raise


def _targets(error: Any) -> str:
    """Return which columns there are to predict, where a file is named without any; else nothing."""
    missing = getattr(getattr(error, "param", None), "name", None) == "target" and not error.message
    options = error.ctx.params if missing and error.ctx is not None else {}
    if "file" not in options:
        return ""
    several = [each for name in ("drop", "ids") for each in candidates(name, options.get(name))]
    taken = {*several, options.get("weights"), options.get("row_groups")}
    return targets_in(options["file"], options.get("encoding"), options.get("separator"), taken)


def _result_first(error: Any) -> str:
    """Return that a result comes first, where a table stands in its place and nothing after it; else nothing."""
    missing = getattr(getattr(error, "param", None), "name", None) == "file" and not error.message
    model = error.ctx.params.get("model") if missing and error.ctx is not None else None
    if model is None:
        return ""
    from ridgewalk.tables.read import is_table

    return f"The result of fit comes first, then the table: RESULT {model}." if is_table(model) else ""


def version() -> None:
    """Print the version."""
    print(f"ridgewalk {__version__}")


def _print_version(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit


app = typer.Typer(
    context_settings={"help_option_names": ["--help", "-h"]},
    cls=Commands,
    help="Compute the whole L1/L2 regularization path of a neural network, and choose its strength by "
    "cross-validation.",
    epilog="TAB completes commands and options after: ridgewalk --install-completion (bash, zsh, fish, PowerShell).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback()
def ridgewalk(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Take options that stand before a command."""


for command in (fit, predict, diagnose, compare, report, columns, export, worker, demo, play, bench, version):
    app.command()(command)
