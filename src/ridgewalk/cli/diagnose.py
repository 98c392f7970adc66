"""``ridgewalk diagnose``: whether regularization helped a network or a blend, and why or why not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from rich.markup import escape

from ridgewalk.cli.console import err, out
from ridgewalk.cli.files import blends, free
from ridgewalk.cli.options import (
    NETWORK,
    OUTPUT,
    Columns,
    Config,
    File,
    Output,
    PathOptions,
    Reading,
    Seeds,
    option,
    options,
    strength,
    switch,
)
from ridgewalk.cli.report import draw
from ridgewalk.cli.training import read_problem, stoppable, trained_by

if TYPE_CHECKING:
    from ridgewalk.diagnostics import Diagnosis

_VERDICT = "Verdict"


@dataclass(frozen=True)
class Judged:
    """The options of the verdict."""

    alpha: Annotated[
        float | None,
        option(metavar="STRENGTH", help="Judge this strength, not the chosen one.", panel=_VERDICT, parser=strength),
    ] = None
    references: Annotated[
        bool,
        switch(
            "--references/--no-references",
            help="Also fit other kinds of model, to distinguish underfitting from noise.",
            panel=_VERDICT,
        ),
    ] = True


@dataclass(frozen=True)
class JudgedPathOptions(PathOptions):
    """A path to be judged: of one network with several seeds, whose spread is in the interval; or a blend."""

    blend: Annotated[
        bool | None,
        switch(
            "--blend/--no-blend",
            help="Judge the blend that fit uses by default, or (the default here) the path of one network.",
            panel=NETWORK,
        ),
    ] = None
    seeds: Seeds = 3

    @property
    def blends(self) -> bool:
        """Whether a blend is judged."""
        return bool(self.blend)


@dataclass(frozen=True)
class DiagnoseOptions:
    """The options of the report."""

    config: Config = None
    page: Annotated[
        Path | None,
        option(
            "--report", metavar="FILE.html", help="Write an HTML report that begins with the verdict.", panel=OUTPUT
        ),
    ] = None
    force: Annotated[bool, switch("--force", help="Replace the file that --report names.", panel=OUTPUT)] = False


@options
def diagnose(
    file: File,
    columns: Columns,
    reading: Reading,
    judged: Judged,
    options: JudgedPathOptions,
    wanted: DiagnoseOptions,
    output: Output,
) -> None:
    """Diagnose whether regularization helps on a table, by how much, and why or why not."""
    if options.blends and judged.alpha is not None:
        raise ValueError(
            "--alpha judges one strength of one network, and a blend has several: leave it out, or --blend."
        )
    if wanted.page is not None:
        free(wanted.page, file, wanted.force, "--report")
    problem = read_problem(file, columns, options, output.verbose, reading)
    model = problem.model(options, output.verbose)
    with trained_by(options, output.verbose):
        problem.fit(model)
        with stoppable():
            diagnosis = _diagnosed(model, judged)
    if wanted.page is not None:
        draw(wanted.page, model, problem.encoder, columns.target, diagnosis=diagnosis)
    if output.as_json:
        print(json.dumps(diagnosis.to_dict() | ({} if wanted.page is None else {"report": str(wanted.page)}), indent=1))
        return
    headline, _, rest = str(diagnosis).partition("\n")
    out.print(f"\n[bold]{escape(headline)}[/]")
    if not output.quiet:
        out.print(escape(rest))
        if wanted.page is not None:
            err.print(f"To look at: {escape(str(wanted.page))}", soft_wrap=True)


def _diagnosed(model: Any, judged: Judged) -> Diagnosis:
    """Judge a blend, or a network at one of its strengths."""
    found: Diagnosis
    if blends(model):
        found = model.diagnose(references=judged.references)
    else:
        found = model.diagnose(judged.alpha, references=judged.references)
    return found
