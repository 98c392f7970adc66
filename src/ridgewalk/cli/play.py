"""``ridgewalk play``: write a playground, or lessons, for the browser, as one offline file."""

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
from ridgewalk.play import LESSONS, is_play_page, lessons_page, play_page

PLAY_FILE, LESSONS_FILE = Path("ridgewalk-play.html"), Path("ridgewalk-lessons.html")


def play(
    lessons: Annotated[
        bool, typer.Option("--lessons", help="Write eight lessons instead, each with a figure and a question.")
    ] = False,
    lesson: Annotated[
        int | None,
        typer.Option("--lesson", min=1, max=LESSONS, metavar="N", help=f"Open the lessons at one: 1 to {LESSONS}."),
    ] = None,
    out_file: Annotated[
        Path | None,
        option(
            "--out",
            metavar="FILE.html",
            help=f"Output file; by default {PLAY_FILE}, or {LESSONS_FILE}.",
            panel=OUTPUT,
        ),
    ] = None,
    opens: Annotated[
        bool, typer.Option("--open/--no-open", help="Open it in the browser.", rich_help_panel=OUTPUT)
    ] = True,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Write and open a playground, in which networks train in the browser at all strengths, without a server.

    With --lessons: "Regularization, step by step", eight short lessons.
    """
    teaches = lessons or lesson is not None
    file = out_file or (LESSONS_FILE if teaches else PLAY_FILE)
    if not (file.is_file() and is_play_page(file)):  # an older one of these pages holds nothing of anybody's
        free(file, None, force, "--out")
    with written(file) as unfinished:
        unfinished.write_text(lessons_page() if teaches else play_page(), encoding="utf-8")
    if not quiet:
        err.print(f"{'To learn with' if teaches else 'To play with'}: {escape(str(file))}", soft_wrap=True)
    place = file.resolve().as_uri() + (f"#lesson={lesson}" if lesson else "")
    if opens and not webbrowser.open(place):
        err.print("[yellow]Note:[/] no browser was found here: open the file in one.")
