"""Write HTML in which all incoming text is escaped.

It contains no colours and no scripts; the page or notebook that shows it has its own.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

_TABLE = '<table style="border-spacing: 1em .1em">'  # where nobody else says how far apart the columns stand


def element(tag: str, text: str) -> str:
    """Write an element with text."""
    return f"<{tag}>{html.escape(text)}</{tag}>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], chosen: int | None = None) -> str:
    """Write a table; ``chosen`` is the index of a highlighted row."""
    titles = "".join(f'<th scope="col">{html.escape(title)}</th>' for title in head)
    marked = ' class="chosen" style="font-weight: bold"'
    body = "".join(
        f"<tr{marked if k == chosen else ''}>{''.join(element('td', cell) for cell in row)}</tr>"
        for k, row in enumerate(rows)
    )
    return f"{_TABLE}<thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def list_of_findings(found: Iterable[tuple[str, str, str]]) -> str:
    """Write a list of findings: name, sentence (optional) and advice of each."""
    items = "".join(
        f"<li>{element('b', name)}{html.escape(f': {sentence}' if sentence else '.')} "
        f"{element('i', f'Next: {advice}')}</li>"
        for name, sentence, advice in found
    )
    return f"<ul>{items}</ul>"
