"""``ridgewalk play``: write a playground for the browser, as one offline file."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ridgewalk.cli.console import err
from ridgewalk.cli.files import free
from ridgewalk.cli.options import OUTPUT, Force, Quiet, option
from ridgewalk.files import written
from ridgewalk.play import is_play_page, play_page

PLAY_FILE = "ridgewalk-play.html"


def play(
    out_file: Annotated[Path, option("--out", metavar="FILE.html", help="Output file.", panel=OUTPUT)] = Path(
        PLAY_FILE
    ),
    opens: Annotated[
        bool, typer.Option("--open/--no-open", help="Open it in the browser.", rich_help_panel=OUTPUT)
    ] = True,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Write and open a playground, in which networks train in the browser at all strengths, without a server."""
    if not (out_file.is_file() and is_play_page(out_file)):  # an older one of these pages holds nothing of anybody's
        free(out_file, None, force, "--out")
    with written(out_file) as unfinished:
        unfinished.write_text(play_page(), encoding="utf-8")
    if not quiet:
        err.print(f"To play with: {escape(str(out_file))}", soft_wrap=True)
    if opens and not webbrowser.open(out_file.resolve().as_uri()):
        err.print("[yellow]Note:[/] no browser was found here: open the file in one.")
