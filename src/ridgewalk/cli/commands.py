"""The commands, in the order in which ``--help`` lists them: a command is a function of its own module."""

from __future__ import annotations

from typing import Annotated

import typer

from ridgewalk import __version__
from ridgewalk.cli.bench import bench
from ridgewalk.cli.compare import compare
from ridgewalk.cli.demo import demo
from ridgewalk.cli.diagnose import diagnose
from ridgewalk.cli.export import export
from ridgewalk.cli.fit import fit
from ridgewalk.cli.predict import predict
from ridgewalk.cli.report import report


def version() -> None:
    """Print the version."""
    print(f"ridgewalk {__version__}")


def _print_version(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit


app = typer.Typer(
    context_settings={"help_option_names": ["--help", "-h"]},
    help="Walk the whole L1/L2 regularization path of a neural network, and choose the strength by cross-validation.",
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


for command in (fit, predict, diagnose, compare, report, export, demo, bench, version):
    app.command()(command)
