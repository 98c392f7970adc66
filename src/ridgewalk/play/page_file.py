"""Assemble a page into one file, with the engine and a strict content security policy."""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template

from ridgewalk.report.parts import read_part, source_of

LARGEST = 500_000
"""Bytes that a page has at most."""
LESSONS = 8
"""Lessons of "Regularization, step by step"."""

_MARK = '<meta name="generator" content="ridgewalk play">'


@dataclass(frozen=True)
class _Page:
    """Where the parts of a page stand: a frame, styles and scripts in folders of ``ridgewalk.play``."""

    frame: str
    styles: tuple[str, ...]
    scripts: tuple[str, ...]
    data: tuple[str, ...] = ()  # files that the frame holds as text, each under its stem


_PLAYGROUND = _Page(
    "page/play.html",
    ("page/play.css",),
    (
        "page/words.js", "page/loop_words.js", "page/question_words.js", "page/datasets.js", "page/table.js",
        "page/state.js", "page/workers.js", "page/charts.js", "page/canvases.js", "page/controls.js", "page/loop.js",
        "page/loop_look.js", "page/loop_view.js", "page/questions.js", "page/play.js", "page/start.js", "page/begin.js",
    ),
)  # fmt: skip
_LESSONS = _Page(
    "lessons/lessons.html",
    ("page/play.css", "lessons/lessons.css"),
    (
        "page/words.js", "page/datasets.js", "page/state.js", "page/workers.js", "page/charts.js", "page/canvases.js",
        "lessons/sentences.js", "lessons/trainings.js", "lessons/figures.js", "lessons/lessons.js", "lessons/school.js",
    ),
    ("lessons/table.json",),
)  # fmt: skip


def play_page() -> str:
    """Return the playground: HTML that needs no server and makes no request.

    The policy allows its two scripts and its style by their digests, WebAssembly, and workers that it makes itself.

    Returns
    -------
    str
        HTML of at most ``LARGEST`` bytes.
    """
    return _assembled(_PLAYGROUND)


def lessons_page() -> str:
    """Return the lessons, "Regularization, step by step": a page of the same kind, under the same policy.

    Returns
    -------
    str
        HTML of at most ``LARGEST`` bytes.
    """
    return _assembled(_LESSONS)


def is_play_page(file: Path) -> bool:
    """Return whether a file is one of these pages, which another may replace."""
    with file.open("rb") as opened:
        return _MARK.encode() in opened.read(4096)


def _assembled(page: _Page) -> str:
    engine = _engine_script()
    scripts = [read_part("ridgewalk.report", "draw.js"), *map(_text, page.scripts)]
    script = '"use strict";\n{\n' + "".join(each.replace('"use strict";\n', "", 1) for each in scripts) + "}\n"
    looks = [read_part("ridgewalk.report", name) for name in ("colours.css", "page.css")]
    style = "".join([*looks, *map(_text, page.styles)])
    data = {Path(name).stem: _text(name) for name in page.data}
    if any("</script" in each for each in (engine, script, *data.values())):
        raise ValueError("No script of a page, and none of its data, may hold what ends a script: write it otherwise.")
    policy = (
        f"default-src 'none'; script-src {source_of(engine)} {source_of(script)} 'wasm-unsafe-eval'; worker-src blob:; "
        f"style-src {source_of(style)}; base-uri 'none'; form-action 'none'"
    )
    return Template(_text(page.frame)).substitute(
        policy=policy,
        style=style,
        bytes=base64.b64encode(_bytes("engine.wasm.gz")).decode(),
        engine=engine,
        script=script,
        made_by=html.escape(f"ridgewalk {version('ridgewalk')}"),
        **data,
    )


def _engine_script() -> str:
    """Return the engine's script without its export: a page and a worker take it as a classic script."""
    script, count = re.subn(r"^export \{.*\};\s*\Z", "", _text("engine.js"), flags=re.MULTILINE)
    if count != 1:
        raise ValueError("engine.js has one export statement, its last line: build it anew.")
    return script


def _text(name: str) -> str:
    return _bytes(name).decode("utf-8")


def _bytes(name: str) -> bytes:
    return files("ridgewalk.play").joinpath(*name.split("/")).read_bytes()
