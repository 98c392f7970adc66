"""Plain data becomes HTML: one page that needs no network, and what a notebook shows.

The page's data, its script and the plotting library are inside it.

    page.html   the frame: headline, places for the charts, a table that needs no script
    page.css    light and dark, narrow and wide, screen and paper
    page.js     data -> charts, moved by one slider
    Plotly      draws; compressed, and unpacked by the browser

Names of columns and classes are untrusted: they are escaped here, and the page's policy runs no script but the two
whose hashes it names, and loads nothing at all.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from ridgewalk.formatting import format_loss, format_number
from ridgewalk.markup import element, list_of_findings, table
from ridgewalk.report.answer import answer_html
from ridgewalk.report.schema import Page, PathSummary, Summary
from ridgewalk.report.summary import marked, sentences

if TYPE_CHECKING:
    from ridgewalk.diagnostics.verdict import DiagnosisData

_COLUMNS = (
    "strength", "held-out loss", "standard error", "training loss", "penalty", "zeros", "weights", "inputs", "units",
    "",
)  # fmt: skip


def render(data: Page) -> str:
    """Write the page.

    Parameters
    ----------
    data : Page
        Of :func:`ridgewalk.report.details.page_data`.

    Returns
    -------
    str
        HTML, about 2 MB.
    """
    library, packed = _library()
    script = _part("page.js")
    said, diagnosis = data["sentences"], data["diagnosis"]
    answer = data["summary"].get("answer")
    told = [diagnosis["headline"] if diagnosis else "", *said[1:], said[0]]
    return Template(_part("page.html")).substitute(
        policy="; ".join(
            [
                "default-src 'none'",
                f"script-src {_hash(script)} {_hash(library)}",
                "style-src 'unsafe-inline'",
                "img-src data: blob:",
            ]
        ),
        title=html.escape(data["title"]),
        answer=f'<section class="answer" aria-label="The answer">{answer_html(answer)}</section>' if answer else "",
        verdict=f'<p class="verdict">{html.escape(told[0])}</p>' if told[0] else "",
        findings=_findings(diagnosis) if diagnosis else "",
        sentences="".join(element("p", sentence) for sentence in told[1:]),
        last=len(data["summary"]["path"]) - 1,
        chosen=data["summary"]["index"],
        table=_table(data["summary"], range(len(data["summary"]["path"]))),
        made_by=html.escape(data["made_by"]),
        data=_inert(data),
        library=packed,
        style=_part("page.css"),
        script=script,
    )


def _inert(data: Page) -> str:
    """Write JSON in which nothing can end the element that holds it."""
    text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def excerpt(summary: Summary) -> str:
    """Write what a notebook shows of a path: what was found, and the strengths that matter.

    Parameters
    ----------
    summary : Summary
        Of :func:`ridgewalk.report.summary.summarize`.

    Returns
    -------
    str
        A piece of HTML without script or style.
    """
    told = sentences(summary)
    said = "".join(element("p", sentence) for sentence in [*told[1:], told[0]])
    matter = [s for s, row in enumerate(summary["path"]) if row["alpha"] == 0 or marked(summary, s)]
    answer = summary.get("answer")
    return (answer_html(answer) if answer else "") + said + _table(summary, matter)


def _findings(diagnosis: DiagnosisData) -> str:
    found = list_of_findings((each["name"], each["sentence"], each["advice"]) for each in diagnosis["findings"])
    return f"<details><summary>What was found</summary>{found}</details>"


def _table(summary: PathSummary, shown: Sequence[int]) -> str:
    """Write strengths of the path as a table, for whoever reads rather than looks, and where no script runs."""
    rows = []
    for index in shown:
        row = summary["path"][index]
        rows.append(
            (
                format_number(row["alpha"], 4), format_loss(row["heldout_loss"]),
                format_loss(row["standard_error"], "-"), format_loss(row["train_loss"], "-"),
                format_loss(row["penalty"], "-"), f"{row['zeros']:.0%}",
                f"{row['weights_kept']:,}", str(row["inputs_kept"]), str(row["units_kept"]),
                ", ".join(marked(summary, index)),
            )
        )  # fmt: skip
    return table(_COLUMNS, rows, list(shown).index(summary["index"]))


def _part(name: str) -> str:
    return files("ridgewalk.report").joinpath(name).read_text(encoding="utf-8")


@cache
def _library() -> tuple[str, str]:
    """Give Plotly's JavaScript, and the same compressed, in letters."""
    from plotly.offline import get_plotlyjs

    script: str = get_plotlyjs()
    return script, base64.b64encode(gzip.compress(script.encode(), 9, mtime=0)).decode()


def _hash(script: str) -> str:
    """Name a script to the page's policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
