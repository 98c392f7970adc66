"""Write the playground and the lessons, and take pictures of them: desk and phone, light and dark, both languages.

    python tools/play_pictures.py FOLDER           all of them
    python tools/play_pictures.py FOLDER --docs    the small pictures of docs/play.md and docs/lessons.md, too

Needs Chromium from the system and Playwright (`pip install playwright`), as tests/test_play_browser.py does.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image  # matplotlib brings it
from sklearn.datasets import load_breast_cancer

from ridgewalk.play import LESSONS, lessons_page, play_page

DOCS = Path(__file__).resolve().parents[1] / "docs" / "page-pictures"
OF_DOCS = {"spiral": "play", "loop": "loop"}  # states whose picture docs/play.md shows
STATES = {
    "spiral": "",
    "moons": "data=moons&hidden=16-8&epochs=300&strengths=20",
    "waves": "data=waves&strengths=20&lang=zh",
    "groups": "data=xor&penalty=group_lasso&hidden=24&strengths=20",
    "live": "data=moons&hidden=16&view=live&speed=300&strengths=12",
    "loop": "hidden=16&epochs=300&strengths=20&penalty=l1&view=loop&strength=9&line=1818",
    "question": "ask=2",
    "table": "strengths=8&epochs=60",
}
WIDTHS = {"desk": 1280, "phone": 390}
LOWEST = "Math.ceil(document.querySelector('article').getBoundingClientRect().bottom + scrollY) + 14"
LESSONS_SHOWN = {2: ("shapes", [("penalty-l1", None), ("s", 6)]), 6: ("lottery", [])}
"""Lessons in the docs: what of them is set, and whether it is checked: where something is."""


def main(arguments: list[str]) -> None:
    """Write the page and its pictures."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--docs", action="store_true")
    chosen = parser.parse_args(arguments)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    file, table = chosen.folder / "play.html", chosen.folder / "cells.csv"
    file.write_text(play_page(), encoding="utf-8")
    cells = load_breast_cancer(as_frame=True)
    cells.frame.assign(target=cells.target_names[cells.target]).to_csv(table, index=False)
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, state in STATES.items():
            for place, width in WIDTHS.items():
                for scheme in ("light", "dark"):
                    page = browser.new_page(viewport={"width": width, "height": 860}, color_scheme=scheme)
                    page.goto(f"{file.resolve().as_uri()}#{state}")
                    page.wait_for_selector("html[data-trained]", state="attached", timeout=120_000)
                    if name == "table":
                        page.set_input_files("#csv-file", table)
                        trained = "() => Number(document.documentElement.dataset.trained) > 1"
                        page.wait_for_function(trained, timeout=120_000)
                    page.wait_for_timeout(500)
                    page.screenshot(path=chosen.folder / f"{name}-{place}-{scheme}.png", full_page=True)
                    if chosen.docs and name in OF_DOCS and (place, scheme) == ("desk", "light"):
                        page.set_viewport_size({"width": 1280, "height": 1130})
                        page.wait_for_timeout(300)
                        keep_small(page, OF_DOCS[name])
                    page.close()
            print(name, flush=True)
        take_lessons(browser, chosen.folder, chosen.docs)
        browser.close()


def take_lessons(browser: Any, folder: Path, docs: bool) -> None:
    """Take pictures of every lesson, as it is opened."""
    file = folder / "lessons.html"
    file.write_text(lessons_page(), encoding="utf-8")
    for number, (place, width), scheme, lang in product(
        range(1, LESSONS + 1), WIDTHS.items(), ("light", "dark"), ("en", "zh")
    ):
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        page.goto(f"{file.resolve().as_uri()}#lesson={number}&lang={lang}")
        page.wait_for_selector("html[data-lesson]:not([data-lesson=''])", state="attached", timeout=120_000)
        page.wait_for_timeout(300)
        page.screenshot(path=folder / f"lesson-{number}-{place}-{scheme}-{lang}.png", full_page=True)
        if docs and number in LESSONS_SHOWN and (place, scheme, lang) == ("desk", "light", "en"):
            name, switches = LESSONS_SHOWN[number]
            for switch, value in switches:
                page.check(f"#set-{switch}", force=True) if value is None else page.fill(f"#set-{switch}", str(value))
            if switches:
                page.click("#check")
            page.wait_for_timeout(300)
            page.set_viewport_size({"width": 1200, "height": page.evaluate(LOWEST)})
            keep_small(page, f"lessons-{name}")
        page.close()


def keep_small(page: Any, name: str) -> None:
    """Keep what a page shows as a small picture of the docs."""
    Image.open(BytesIO(page.screenshot())).quantize(96).save(DOCS / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:])
