"""Write the report page of eight kinds of result, and take pictures of each: desk and phone, light and dark.

    python tools/page_pictures.py FOLDER                 all of them
    python tools/page_pictures.py FOLDER categories      some of them
    python tools/page_pictures.py FOLDER --docs          the small pictures of docs/page.md, too

Needs Chromium from the system and Playwright (`pip install playwright`), as tests/test_browser.py does.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image  # matplotlib brings it
from sklearn.datasets import load_breast_cancer, load_diabetes, make_classification

from ridgewalk import MLPClassifierCV, MLPRegressorCV
from ridgewalk.estimators.table import TableClassifier
from ridgewalk.tables import ColumnChoices, make_table
from ridgewalk.tables.encoder import table_encoder

DOCS = Path(__file__).resolve().parents[1] / "docs" / "page-pictures"
WIDTHS = {"desk": 1200, "phone": 390}
OF_README = "two_classes"
QUICK: dict[str, Any] = {"alphas": 14, "cv": 5, "random_state": 0}


def two_classes() -> tuple[Any, dict[str, Any]]:
    """Fit thirty measurements of cells."""
    table = load_breast_cancer(as_frame=True)
    y = np.array(table.target_names)[table.target]
    return MLPClassifierCV((24,), max_iter=200, **QUICK).fit(table.data, y), {"title": "What predicts the diagnosis"}


def fifteen_classes() -> tuple[Any, dict[str, Any]]:
    """Fit fifteen classes of made-up points."""
    x, y = make_classification(
        1500, 12, n_informative=8, n_redundant=0, n_classes=15, n_clusters_per_class=1, class_sep=1.4, random_state=0
    )
    frame = pd.DataFrame(x, columns=[f"sensor {k + 1}" for k in range(12)])
    names = np.array([f"species {chr(65 + k)}" for k in range(15)])
    return MLPClassifierCV((32,), max_iter=150, **QUICK).fit(frame, names[y]), {"title": "What predicts the species"}


def regression() -> tuple[Any, dict[str, Any]]:
    """Fit ten measurements of people."""
    table = load_diabetes(as_frame=True, scaled=False)
    return MLPRegressorCV((16,), max_iter=200, **QUICK).fit(table.data, table.target), {
        "title": "What predicts the progression",
        "curves": True,
    }


def forty_columns() -> tuple[Any, dict[str, Any]]:
    """Fit forty columns, of which four matter."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(400, 40))
    y = 3 * x[:, 0] + 2 * np.sin(2 * x[:, 1]) + x[:, 2] * x[:, 3] + generator.normal(size=400)
    frame = pd.DataFrame(x, columns=[f"column {k + 1}" for k in range(40)])
    model = MLPRegressorCV((40,), penalty="group_lasso", max_iter=200, **QUICK).fit(frame, y)
    return model, {"title": "Forty columns"}


def table_of_people(rows: int = 800) -> tuple[pd.DataFrame, Any]:
    """Make a table with categories, dates and gaps."""
    generator = np.random.default_rng(0)
    age = generator.integers(18, 80, rows).astype(float)
    trade = generator.choice(["farming", "nursing", "office", "teaching", "transport"], rows)
    town = generator.choice([f"town {k}" for k in range(12)], rows)
    joined = pd.Timestamp("2018-01-01") + pd.to_timedelta(generator.integers(0, 2000, rows), "D")
    income = 20 + 0.5 * age + 8 * (trade == "office") + 5 * generator.normal(size=rows)
    logit = 0.08 * (age - 45) + 1.5 * (trade == "nursing") - 1.2 * (trade == "transport") - 0.05 * (income - 45)
    y = np.where(generator.random(rows) < 1 / (1 + np.exp(-logit)), "renews", "leaves")
    age[generator.random(rows) < 0.08] = np.nan
    frame = pd.DataFrame(
        {"age": age, "trade": trade, "town": town, "joined": joined, "income": income, "country": "CH"}
    )
    return frame, y


def categories() -> tuple[Any, dict[str, Any]]:
    """Fit one network of a table with categories."""
    frame, y = table_of_people()
    table = make_table(frame.assign(renewal=y), "renewal", "classification")
    encoder = table_encoder(table.inputs, ColumnChoices(), table.left_out)
    model = MLPClassifierCV((16,), penalty="group_lasso", groups=encoder.groups, max_iter=200, **QUICK)
    return model.fit(encoder.transform(table.inputs), y), {"title": "Who renews", "origins": encoder}


def blend() -> tuple[Any, dict[str, Any]]:
    """Fit a blend of the same table."""
    frame, y = table_of_people()
    return TableClassifier(random_state=0).fit(frame, y), {"title": "Who renews, by a blend"}


def selection() -> tuple[Any, dict[str, Any]]:
    """Select inputs."""
    generator = np.random.default_rng(1)
    x = generator.normal(size=(300, 15))
    y = 2 * x[:, 0] + x[:, 1] ** 2 + generator.normal(size=300)
    frame = pd.DataFrame(x, columns=[f"gene {k + 1}" for k in range(15)])
    model = MLPRegressorCV((12,), select_inputs=True, max_iter=150, alphas=12, random_state=0).fit(frame, y)
    return model, {"title": "Which genes count"}


def linear() -> tuple[Any, dict[str, Any]]:
    """Fit a linear model."""
    table = load_diabetes(as_frame=True, scaled=False)
    model = MLPRegressorCV((), **(QUICK | {"alphas": 25})).fit(table.data, table.target)
    return model, {"title": "A linear model"}


KINDS: dict[str, Callable[[], tuple[Any, dict[str, Any]]]] = {
    each.__name__: each
    for each in (two_classes, fifteen_classes, regression, forty_columns, categories, selection, blend, linear)
}


def main(arguments: list[str]) -> None:
    """Write pages and pictures."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []])
    parser.add_argument("--docs", action="store_true")
    parser.add_argument("--keep", action="store_true", help="take pictures of the pages that are there")
    given = parser.parse_args(arguments)
    given.folder.mkdir(parents=True, exist_ok=True)
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    first_screens: dict[tuple[str, str], Image.Image] = {}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name in given.kinds or KINDS:
            file = given.folder / f"{name}.html"
            if not (given.keep and file.exists()):
                model, options = KINDS[name]()
                model.report(file, **options)
            for place, width in WIDTHS.items():
                for scheme in ("light", "dark"):
                    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
                    page.goto(file.resolve().as_uri())
                    page.wait_for_selector("html[data-drawn]")
                    page.screenshot(path=given.folder / f"{name}-{place}-{scheme}.png", full_page=True)
                    if given.docs and name == OF_README:
                        screen = page.screenshot(clip=head_of(page, place))
                        picture = Image.open(BytesIO(screen)).quantize(64)
                        picture.save(DOCS / f"readme-{place}-{scheme}.png", optimize=True)
                    if given.docs and (place, scheme) in (("desk", "light"), ("phone", "dark")):
                        first_screens[place, name] = Image.open(BytesIO(page.screenshot()))
                    page.close()
            print(name, f"{file.stat().st_size / 1e6:.2f} MB")
        browser.close()
    if given.docs:
        save_for_docs(first_screens)


def head_of(page: Any, place: str) -> dict[str, float]:
    """Return where the head of a page is: with the short answers on a desk, without them on a phone."""
    end = page.locator(".answers" if place == "desk" else "#answer").bounding_box()
    return {"x": 0, "y": 0, "width": WIDTHS[place], "height": end["y"] + end["height"] + 12}


def save_for_docs(screens: dict[tuple[str, str], Image.Image]) -> None:
    """Save the first screen of every kind on a desk, and all of those on a phone beside each other, in few colours."""
    DOCS.mkdir(exist_ok=True)
    for (place, name), picture in screens.items():
        if place == "desk":
            picture.quantize(64).save(DOCS / f"{name}.png", optimize=True)
    phones = [picture.reduce(2) for (place, _), picture in screens.items() if place == "phone"]
    if len(phones) < len(KINDS):
        return  # a row of all of them is kept, or none
    (width, height), gap = phones[0].size, 12
    row = Image.new("RGB", (len(phones) // 2 * (width + gap) - gap, 2 * height + gap), "white")
    for k, picture in enumerate(phones):
        row.paste(picture, (k % 4 * (width + gap), k // 4 * (height + gap)))
    row.quantize(64).save(DOCS / "phones.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:])
