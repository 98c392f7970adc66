"""Write the self-contained HTML report, and the display of results in notebooks.

The page contains its data and its script. The parts that can be read without a script are written here.

    page/page.html    the frame: answers first, places for the charts, tables
    page/colours.css  colours, light and dark
    page/page.css     layout for narrow and wide screens and for paper
    page/draw.js      elements, scales, axes, tooltips, a table for every chart
    page/path.js, outcomes.js, effects.js, inside.js    the charts
    page/page.js      the slider

Names of columns and classes are untrusted: they are escaped here and set as text by the script. The content security
policy of the page allows only the script with its hash, and no requests.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
from collections.abc import Callable, Sequence
from string import Template
from typing import TYPE_CHECKING

from ridgewalk.formatting import format_count, format_loss, format_number
from ridgewalk.markup import element, list_of_findings, table
from ridgewalk.report.answer import answer_html, answer_section
from ridgewalk.report.answers import headline
from ridgewalk.report.parts import read_part, source_of
from ridgewalk.report.schema import Card, EffectOf, Page, PathSummary, ShortAnswer, Summary
from ridgewalk.report.summary import count_ridges, count_strengths, marked, sentences

if TYPE_CHECKING:
    from ridgewalk.diagnostics.verdict import DiagnosisData

_COLUMNS = (
    "strength", "held-out loss", "standard error", "training loss", "penalty", "zeros", "weights", "inputs", "units",
    "",
)  # fmt: skip
_STYLES = ("colours.css", "page.css")
_SCRIPTS = ("draw.js", "path.js", "outcomes.js", "effects.js", "inside.js", "page.js")
_MOST_DATA = 900_000  # bytes, compressed
_TITLES = {"classes": ("Confusion", "ROC curves"), "numbers": ("Observed against predicted", "Residuals")}

_OF_SINGLE = (
    "The blend predicts. It is a mean over networks of several paths and has no path of its own, so the short answers, "
    "the slider and the charts below are of its single network."
)


def render(data: Page) -> str:
    """Write the page.

    Parameters
    ----------
    data : Page
        Of :func:`ridgewalk.report.details.page_data`.

    Returns
    -------
    str
        HTML of at most 3 MB; the page says what was left out for that.
    """
    script = "".join(read_part("ridgewalk.report", name) for name in _SCRIPTS)
    data, packed = _packed(data)
    sentences, diagnosis, summary = data["sentences"], data["diagnosis"], data["summary"]
    answer = summary.get("answer")
    verdict = diagnosis["headline"] if diagnosis else headline(summary) if answer is None else ""
    rows = data["held_out"] or data["rows"]
    first, second = _TITLES.get(rows["kind"] if rows else "", ("", ""))
    return Template(read_part("ridgewalk.report", "page.html")).substitute(
        policy=f"default-src 'none'; script-src {source_of(script)}; style-src 'unsafe-inline'",
        title=html.escape(data["title"]),
        kind=html.escape(_kind(data)),
        verdict=f'<p class="verdict">{html.escape(verdict)}</p>' if verdict else "",
        answer="" if answer is None else answer_section(answer),
        of_single="" if "blend" not in summary else f'<p class="note single">{_OF_SINGLE}</p>',
        answers=_answers(data["answers"]),
        more=_more([*sentences[1:], sentences[0]], diagnosis),
        network_title="The network" if len(data["network"]["floors"]) > 2 else "The linear model",
        first_title=first,
        second_title=second,
        last=len(summary["path"]) - 1,
        chosen=summary["index"],
        card="" if data["card"] is None else _card(data["card"]),
        table=_table(summary, range(len(summary["path"]))),
        cut="".join(html.escape(each) + "<br>" for each in data["cut"]),
        made_by=html.escape(data["made_by"]),
        data=packed,
        style="".join(read_part("ridgewalk.report", name) for name in _STYLES),
        script=script,
    )


def _packed(data: Page) -> tuple[Page, str]:
    """Return data that is small enough for the page, and the same as compressed JSON text."""
    packed = _compressed(data)
    for name, cut in _CUTS.items():
        if len(packed) <= _MOST_DATA:
            break
        data = cut(data)
        data["cut"] = [*data["cut"], f"Left out, because the page would be too large: {name}."]
        packed = _compressed(data)
    return data, base64.b64encode(packed).decode()


def _compressed(data: Page) -> bytes:
    """Return data as reproducible, compressed JSON."""
    text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return gzip.compress(text.encode(), 6, mtime=0)


def _without_lines(data: Page) -> Page:
    """Return the same data without the lines of single rows."""
    part, effects = data.copy(), data["effects"]
    if effects is not None:
        shown = effects.copy()
        shown["inputs"] = [_without_own_lines(each) for each in effects["inputs"]]
        part["effects"] = shown
    return part


def _without_own_lines(effect: EffectOf) -> EffectOf:
    bare = effect.copy()
    bare["lines"] = [[] for _ in effect["lines"]]
    return bare


def _without_effects(data: Page) -> Page:
    """Return the same data without partial dependence."""
    part = data.copy()
    part["effects"] = None
    return part


def _without_matrices(data: Page) -> Page:
    """Return the same data without weights as matrices."""
    part = data.copy()
    part["layers"] = []
    return part


_CUTS: dict[str, Callable[[Page], Page]] = {
    "single rows in the partial dependence": _without_lines,
    "weights as matrices": _without_matrices,
    "partial dependence": _without_effects,
}
"""The parts that are left out of a page that would be too large, in this order."""


def _kind(data: Page) -> str:
    """Return the line above the title, which names the kind of report."""
    summary = data["summary"]
    strengths = count_strengths(summary["path"])
    what = "a neural network" if len(data["network"]["floors"]) > 2 else "a linear model"
    return (
        f"Regularization path of {what} · {format_count(summary['rows'], 'row')} · "
        f"{format_count(strengths, 'strength')} · {format_count(summary['folds'], 'fold')}"
        + (f" · {data['card']['date']}" if data["card"] else "")
    )


def _answers(answers: Sequence[ShortAnswer]) -> str:
    """Write the short answers, each with a link to its chart."""
    items = "".join(
        f'<li><a href="#{html.escape(each["section"])}"><span class="question">{html.escape(each["question"])}</span>'
        f'<span class="reply">{html.escape(each["answer"])}</span></a></li>'
        for each in answers
    )
    return f'<nav aria-label="Short answers"><ul class="answers of{len(answers)}">{items}</ul></nav>'


def _more(sentences: Sequence[str], diagnosis: DiagnosisData | None) -> str:
    """Write the findings and the sentences of the summary, folded."""
    findings = _findings(diagnosis) if diagnosis else ""
    words = "".join(element("p", sentence) for sentence in sentences)
    return f"{findings}<details data-print><summary>How this was fitted, in sentences</summary>{words}</details>"


def _card(card: Card) -> str:
    """Write the model card."""
    lists = (
        ("Data", {name: f"{value:,}" if isinstance(value, int) else value for name, value in card["data"].items()}),
        ("Held-out losses", {name: _score(value) for name, value in card["scores"].items()}),
        ("Options that differ from the defaults", card["options"] or {"all": "as they are by default"}),
        ("Made by", {"date": card["date"], **card["versions"]}),
    )
    groups = "".join(
        f"<div>{element('h3', title)}<dl>"
        + "".join(f"{element('dt', name)}{element('dd', str(value))}" for name, value in pairs.items())
        + "</dl></div>"
        for title, pairs in lists
    )
    notes = [*card["notes"], *card["limits"]]
    items = "".join(element("li", note) for note in notes)
    columns = [
        (each["name"], each["became"], "yes" if each["used"] else f"no: {each['why']}") for each in card["columns"]
    ]
    body = table(("column", "became", "used by the model"), columns)
    classes = f" ({', '.join(card['classes'])})" if card["classes"] else ""
    head = f"{card['model']}, {card['task']} of {card['predicts']}{classes}."
    return (
        '<section id="card-section" class="card" aria-labelledby="card-title">'
        f'<h2 id="card-title">Model card: the data, and what became of it</h2>'
        f"{element('p', head)}<h3>Left out, changed, and to bear in mind</h3><ul>{items}</ul>"
        f'<div class="cardgrid">{groups}</div><details data-print><summary>Every column ({len(columns)})</summary>'
        f'<div class="wide" tabindex="0" role="region" aria-label="Every column">{body}</div></details></section>'
    )


def _score(value: float | None) -> str:
    return "-" if value is None else format_number(value, 4)


def excerpt(summary: Summary) -> str:
    """Write the notebook display of a path: performance, findings, and the most relevant strengths.

    Parameters
    ----------
    summary : Summary
        Of :func:`ridgewalk.report.summary.summarize`.

    Returns
    -------
    str
        A piece of HTML without script or style.
    """
    found = sentences(summary)
    answer = summary.get("answer")
    first = element("p", headline(summary)) if answer is None else answer_html(answer)
    paragraphs = "".join(element("p", sentence) for sentence in [*found[1:], found[0]])
    matter = [s for s, row in enumerate(summary["path"]) if row["alpha"] == 0 or marked(summary, s)]
    return first + paragraphs + _table(summary, matter)


def _findings(diagnosis: DiagnosisData) -> str:
    found = list_of_findings((each["name"], each["sentence"], each["advice"]) for each in diagnosis["findings"])
    return f"<details><summary>What was found</summary>{found}</details>"


def _table(summary: PathSummary, shown: Sequence[int]) -> str:
    """Write the strengths of the path as a table, for reading without a script."""
    rows, refits = [], count_ridges(summary["path"]) > 0
    for index in shown:
        row = summary["path"][index]
        rows.append(
            (
                format_number(row["alpha"], 4), *([format_number(row["ridge"])] if refits else []),
                format_loss(row["heldout_loss"]),
                format_loss(row["standard_error"], "-"), format_loss(row["train_loss"], "-"),
                format_loss(row["penalty"], "-"), f"{row['zeros']:.0%}",
                f"{row['weights_kept']:,}", str(row["inputs_kept"]), str(row["units_kept"]),
                ", ".join(marked(summary, index)),
            )
        )  # fmt: skip
    columns = (_COLUMNS[0], *["ridge"] * refits, *_COLUMNS[1:])
    return table(columns, rows, list(shown).index(summary["index"]))
