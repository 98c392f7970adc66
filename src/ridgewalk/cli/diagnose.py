"""``ridgewalk diagnose``: whether regularization helped a network or a blend, and why or why not."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from rich.markup import escape

from ridgewalk.cli.console import err, out
from ridgewalk.cli.files import blends, free
from ridgewalk.cli.options import (
    CHOICE,
    NETWORK,
    OUTPUT,
    Columns,
    Config,
    File,
    Output,
    PathOptions,
    Reading,
    option,
    options,
    strength,
    switch,
    whole,
)
from ridgewalk.cli.report import draw
from ridgewalk.cli.training import read_problem, stoppable, trained_by
from ridgewalk.formatting import format_count

if TYPE_CHECKING:
    from ridgewalk.diagnostics import Diagnosis

_VERDICT = "Verdict"
_SEEDS = 3  # seeds of one network, whose spread is in the interval


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
    """What is judged: what a fit with these options predicts with, a blend or one network."""

    blend: Annotated[
        bool | None,
        switch(
            "--blend/--no-blend",
            help="Judge the blend that fit predicts with, or one network. By default a blend, unless --alpha, or an "
            "option of the network, the path or its training is given.",
            panel=NETWORK,
        ),
    ] = None
    seeds: Annotated[
        int | None,
        option(
            metavar="N",
            help="Random initializations: 3 by default for one network; 1 for a blend, as in fit (the verdict trains "
            "more).",
            panel=CHOICE,
            parser=whole(1),
            default=False,
        ),
    ] = None  # type: ignore[assignment]

    def of(self, alpha: float | None) -> JudgedPathOptions:
        """Return the same with everything decided: of one network where one strength is asked for."""
        decided = replace(self, blend=False) if self.blend is None and alpha is not None else self
        return decided if decided.seeds else replace(decided, seeds=1 if decided.blends else _SEEDS)

    @property
    def described(self) -> str:
        """What is judged, and how the other is."""
        if self.blends:
            return "Judging the blend that fit predicts with; --no-blend judges one network."
        seeds = format_count(self.seeds or _SEEDS, "seed")
        other = "" if self.of_one_network else "; --blend judges the blend that fit predicts with by default"
        return f"Judging one network, with {seeds}{other}."


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
    """Diagnose whether regularization helps the model that fit uses, by how much, and why or why not."""
    if options.blend and judged.alpha is not None:
        raise ValueError(
            "--alpha judges one strength of one network, and a blend has several: leave it out, or --blend."
        )
    if wanted.page is not None:
        free(wanted.page, file, wanted.force, "--report")
    options = options.of(judged.alpha)
    problem = read_problem(file, columns, options, output.verbose, reading)
    if output.verbose:
        out.print(options.described)
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
