"""``ridgewalk diagnose``: whether regularization helped, and why or why not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ridgewalk.cli.console import err, out
from ridgewalk.cli.files import free
from ridgewalk.cli.options import OUTPUT, Columns, Config, File, Output, Seeds, Walk, option, options, strength, switch
from ridgewalk.cli.training import read_problem, stoppable

_VERDICT = "The verdict"


@dataclass(frozen=True)
class Judged:
    """What the options say of the verdict."""

    alpha: Annotated[
        float | None,
        option(metavar="STRENGTH", help="Judge this one instead of the chosen one.", panel=_VERDICT, parser=strength),
    ] = None
    references: Annotated[
        bool,
        switch(
            "--references/--no-references",
            help="Fit other kinds of model, to tell underfitting and noise apart.",
            panel=_VERDICT,
        ),
    ] = True


@dataclass(frozen=True)
class JudgedWalk(Walk):
    """A walk to be judged: of one network, with several starts, for their luck is a part of the interval."""

    blend: Annotated[bool | None, typer.Option("--blend/--no-blend", hidden=True)] = None
    seeds: Seeds = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.blend:
            raise ValueError("diagnose judges one network's path, and --blend fits several: leave it out.")


@dataclass(frozen=True)
class DiagnoseOptions:
    """What the options say of the page."""

    config: Config = None
    page: Annotated[
        Path | None,
        option("--report", metavar="FILE.html", help="Write a page with the verdict on top.", panel=OUTPUT),
    ] = None
    force: Annotated[bool, switch("--force", help="Replace the file that --report names.", panel=OUTPUT)] = False


@options
def diagnose(
    file: File, columns: Columns, judged: Judged, walk: JudgedWalk, wanted: DiagnoseOptions, output: Output
) -> None:
    """Say whether regularization helps on a table, by how much, and why or why not."""
    if wanted.page is not None:
        free(wanted.page, file, wanted.force, "--report")
    problem = read_problem(file, columns, walk, output.verbose)
    model = problem.estimator(walk, output.verbose)
    problem.fit(model)
    with stoppable():
        diagnosis = model.diagnose(judged.alpha, references=judged.references)
    if wanted.page is not None:
        title = f"What predicts {columns.target}"
        model.report(wanted.page, diagnosis=diagnosis, origins=problem.encoder, title=title)
    if output.as_json:
        print(json.dumps(diagnosis.to_dict() | ({} if wanted.page is None else {"report": str(wanted.page)}), indent=1))
        return
    headline, _, rest = str(diagnosis).partition("\n")
    out.print(f"\n[bold]{escape(headline)}[/]")
    if not output.quiet:
        out.print(escape(rest))
        if wanted.page is not None:
            err.print(f"To look at: {escape(str(wanted.page))}", soft_wrap=True)
