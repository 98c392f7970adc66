"""Assemble the playground into one file, with the engine and a strict content security policy."""

from __future__ import annotations

import base64
import html
import re
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template

from ridgewalk.report.parts import read_part, source_of

LARGEST = 500_000
"""Bytes that a page has at most."""

_STYLES = (("ridgewalk.report", "colours.css"), ("ridgewalk.report", "page.css"), ("ridgewalk.play", "play.css"))
_SHARED = (("ridgewalk.report", "draw.js"),)
_SCRIPTS = (
    "words.js", "loop_words.js", "question_words.js", "datasets.js", "table.js", "state.js", "workers.js", "charts.js",
    "canvases.js", "controls.js", "loop.js", "loop_look.js", "loop_view.js", "questions.js", "play.js", "start.js",
    "begin.js",
)  # fmt: skip
_MARK = '<meta name="generator" content="ridgewalk play">'


def play_page() -> str:
    """Return the page: HTML that needs no server and makes no request.

    The policy allows its two scripts and its style by their digests, WebAssembly, and workers that it makes itself.

    Returns
    -------
    str
        HTML of at most ``LARGEST`` bytes.
    """
    engine = _engine_script()
    parts = [*_SHARED, *(("ridgewalk.play", name) for name in _SCRIPTS)]
    script = (
        '"use strict";\n{\n' + "".join(read_part(*part).replace('"use strict";\n', "", 1) for part in parts) + "}\n"
    )
    style = "".join(read_part(*part) for part in _STYLES)
    policy = (
        f"default-src 'none'; script-src {source_of(engine)} {source_of(script)} 'wasm-unsafe-eval'; worker-src blob:; "
        f"style-src {source_of(style)}; base-uri 'none'; form-action 'none'"
    )
    return Template(read_part("ridgewalk.play", "play.html")).substitute(
        policy=policy,
        style=style,
        bytes=base64.b64encode(_file("engine.wasm.gz")).decode(),
        engine=engine,
        script=script,
        made_by=html.escape(f"ridgewalk {version('ridgewalk')}"),
    )


def is_play_page(file: Path) -> bool:
    """Return whether a file is such a page, which another may replace."""
    with file.open("rb") as opened:
        return _MARK.encode() in opened.read(4096)


def _engine_script() -> str:
    """Return the engine's script without its export: a page and a worker take it as a classic script."""
    text = _file("engine.js").decode()
    script, count = re.subn(r"^export \{.*\};\s*\Z", "", text, flags=re.MULTILINE)
    if count != 1 or "</script" in script:
        raise ValueError("engine.js has one export statement, its last line, and ends no script: build it anew.")
    return script


def _file(name: str) -> bytes:
    return files("ridgewalk.play").joinpath(name).read_bytes()
