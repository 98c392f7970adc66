"""What MkDocs does not know of this repository: pages outside docs/, and links that lead out of it.

The files under docs/ link each other, and the rest of the repository, as files do, so that they can be read where they
are. On the site

- README.md is the front page, and PAGES beside it keep their places;
- a link to one of them, or an image of theirs, becomes a link inside the site;
- a link to any other file, such as a source, becomes its words and the file's path;
- the playground and the lessons stand there themselves, and their pages lead to them;
- a fence of ``math`` becomes MathML, which browsers set themselves: no script, and no font from elsewhere;
- search works from a folder, too: assets/iframe-worker.js stands in for a worker, which no browser starts from a file.

``tests/test_docs.py`` looks whether each link leads to a file; MkDocs, strictly, whether those inside the site do.
"""

from __future__ import annotations

import os
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

from ridgewalk.play import lessons_page, play_page

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "EXPERIMENTS.md", "benchmarks/results/*.md")
IMAGES = ("benchmarks/results/*.png", "benchmarks/results/*.svg")

LIVE = {"play.md": ("playground.html", play_page), "lessons.md": ("step-by-step.html", lessons_page)}
OPEN_IT = {"zh": "[在此打开]({page})。", "": "[Open it here]({page}), as it is."}

_LINK = re.compile(r"(?P<mark>!?)\[(?P<words>[^\]]*)\]\((?P<target>[^)#\s]*)(?P<anchor>#[^)\s]*)?\)")
_SOURCE = re.compile(r'(?P<name>\bsrc|\bsrcset)="docs/')
_QUESTION = re.compile(r"`(#ask=\d+)`")
_FENCE = re.compile(r"^(?P<fence>```+).*?^(?P=fence)`*\s*?$", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: Any) -> Files:
    """Bring in the pages beside docs/, and fill the patterns of the navigation."""
    for pattern in (*PAGES, *IMAGES):
        for path in sorted(ROOT.glob(pattern)):
            files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    for name, written in LIVE.values():
        files.append(File.generated(config, name, content=written()))
    names = sorted(file.src_uri for file in files.documentation_pages())
    config.nav = [_filled(entry, names) for entry in config.nav]
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:  # noqa: ARG001
    """Turn links between files of the repository into links between pages of the site."""
    here = _in_the_repository(page.file.src_uri)

    def turned(link: re.Match[str]) -> str:
        target, anchor = link["target"], link["anchor"] or ""
        if not target or re.match(r"[a-z]+:", target):
            return link[0]
        there = os.path.normpath(os.path.join(os.path.dirname(here), target))
        uri = there.removeprefix("docs/")
        if uri == there and files.get_file_from_path(uri) is None:
            return f"{link['words']} (`{there}`)" if link["words"].strip("`") != there else f"`{there}`"
        relative = os.path.relpath(uri, os.path.dirname(page.file.src_uri))
        return f"{link['mark']}[{link['words']}]({relative}{anchor})"

    if os.path.basename(page.file.src_uri) in LIVE:
        markdown = _with_live_page(markdown, page.file.src_uri)
    markdown = _SOURCE.sub(r'\g<name>="', markdown) if here == "README.md" else markdown
    pieces, end = [], 0
    for fence in _FENCE.finditer(markdown):
        pieces += [_LINK.sub(turned, markdown[end : fence.start()]), _set(fence)]
        end = fence.end()
    return "".join([*pieces, _LINK.sub(turned, markdown[end:])])


def on_post_page(output: str, page: Any, config: Any) -> str:  # noqa: ARG001
    """Mark a Chinese page as Chinese (browsers draw characters by it); leave out the roles of docstrings."""
    if page.file.src_uri.startswith("zh/"):
        output = output.replace('<html lang="en"', '<html lang="zh-Hans"', 1)
    return re.sub(r":(?:mod|class|func|meth):(?=<code>)", "", output)


def _set(fence: re.Match[str]) -> str:
    """Return a fence of LaTeX as MathML, and any other as it is."""
    first, *lines = fence[0].strip().split("\n")
    if first != "```math":
        return fence[0]
    return f'<div class="formula">{convert(" ".join(lines[:-1]), display="block")}</div>\n'


def _with_live_page(markdown: str, uri: str) -> str:
    """Lead from a page on the playground, or on the lessons, to it: from below its command, and from every question."""
    folder, name = os.path.split(uri)
    there = os.path.relpath(LIVE[name][0], folder)
    command = re.search(r"^ridgewalk play.*\n```\n", markdown, re.MULTILINE)
    if command is None:
        raise ValueError(f"{uri} shows the command that writes its page: add it.")
    rest = _QUESTION.sub(rf"[\1]({there}\1)", markdown[command.end() :])
    return f"{markdown[: command.end()]}\n{OPEN_IT[folder].format(page=there)}\n{rest}"


def _in_the_repository(uri: str) -> str:
    """Where a page of the site is kept."""
    return uri if any(fnmatch(uri, pattern) for pattern in PAGES) else f"docs/{uri}"


def _filled(entry: Any, names: list[str]) -> Any:
    """Put the pages of a pattern in its place."""
    (title, value), *_ = entry.items() if isinstance(entry, dict) else [(None, None)]
    return {title: [name for name in names if fnmatch(name, value)]} if "*" in str(value) and title else entry
