"""Make text safe for the terminal: control characters in names cannot colour, move or ring."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for tab and end of line
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # what turns the direction of writing, or ends a line
    "\ud800-\udfff]"  # what is no text: bytes of a file's name that are not UTF-8
)


def plain(text: str) -> str:
    r"""Write characters that a terminal would obey as Python writes them: ESC as \x1b."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class Terminal(Console):
    """A console that prints text without interpreting control characters or markup in it."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Take text, before it is measured."""
        return super().render_str(plain(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Return objects as pieces of text."""
        for piece in super().render(renderable, options):
            yield piece if piece.control else Segment(plain(piece.text), piece.style)
