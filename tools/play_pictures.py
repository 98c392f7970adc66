"""Write the playground, and take pictures of it: desk and phone, light and dark, both languages, a table.

    python tools/play_pictures.py FOLDER           all of them
    python tools/play_pictures.py FOLDER --docs    the small pictures of docs/play.md, too

Needs Chromium from the system and Playwright (`pip install playwright`), as tests/test_play_browser.py does.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image  # matplotlib brings it
from sklearn.datasets import load_breast_cancer

from ridgewalk.play import play_page

DOCS = Path(__file__).resolve().parents[1] / "docs" / "page-pictures"
OF_DOCS = {"spiral": "play.png", "loop": "loop.png"}  # states whose picture docs/play.md shows
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
                        picture = Image.open(BytesIO(page.screenshot()))
                        picture.quantize(96).save(DOCS / OF_DOCS[name], optimize=True)
                    page.close()
            print(name, flush=True)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
