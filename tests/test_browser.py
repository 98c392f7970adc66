"""Laws of the page in a browser: it opens without a fault, asks for nothing, and only what a slider moves moves.

Needs Chromium from the system, and Playwright (`pip install playwright`), which is no test dependency: CI skips it. The
check of accessibility needs axe-core (`npm install axe-core`) as well: AXE names its folder, or it is in node_modules.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from test_report import counts, forty_columns, numbers, refits, selected, three_classes, two_classes

CASES = [two_classes, three_classes, numbers, counts, forty_columns, refits, selected]
PHONE, DESK = 390, 1200
PAINTED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
INK = "getComputedStyle(document.querySelector('#path svg .strong')).fill"
RIGHTMOST = "Math.max(...[...document.querySelectorAll('svg, table, .slider *')].filter((each) => !each.closest('.wide')).map((each) => each.getBoundingClientRect().right))"  # noqa: E501
PICTURES = (
    "[...document.querySelectorAll('.chart')].filter((each) => each.checkVisibility()).map((each) => each.innerHTML)"
)
PLACES = """[...document.querySelectorAll('body *')].filter((each) => !each.closest('.chart > svg, #tip, script'))
  .map((each) => { const box = each.getBoundingClientRect(); return [each.tagName + '#' + each.id + '.' + each.className, box.left, box.top, box.width, box.height]; })"""  # noqa: E501
CODE_CUT = "[...document.querySelectorAll('pre code')].filter((each) => each.scrollWidth > each.clientWidth + 1).length"
SHOWN = """s => {
  const words = (id) => at(id).textContent, count = (id, of) => at(id).querySelectorAll(of).length;
  const rows = data.held_out, place = rows ? rows.strengths.indexOf(s) : -1;
  return {
    strength: words("shown") === number(path[s].alpha),
    facts: at("fact-0").textContent.startsWith(number(path[s].heldout_loss)) && at("fact-2").textContent == path[s].inputs_kept,
    cursor: Math.abs(at("path").querySelector(".cursor line").x1.baseVal.value - strengthScale(pathBoxes().upper.left, pathBoxes().upper.width)(path[s].alpha)) < 0.01,
    links: count("network", ".link") === data.network.at[s].weight.length,
    said: !data.network.at[s].live || words("network-now").includes(data.network.at[s].live.toLocaleString("en")),
    used: data.inputs.kept[s].filter(Boolean).length === count("inputs", ".tick.strong"),
    confusion: !rows || rows.kind !== "classes" || place < 0 || rows.confusion[place].flat().filter(Boolean).every((n) => words("held-first").includes(n)),
    outcome: !rows || place < 0 || words("held-now").includes(number(rows.loss[place])),
    dots: !rows || rows.kind !== "numbers" || place < 0 || count("held-first", "circle") === rows.predicted[place].length,
    effects: !data.effects || data.effects.inputs.every((each, k) => at(`effect-${k}`).querySelectorAll("path.thick, path.medium").length === each.mean[s].length),
  };
}"""  # noqa: E501
AXE = Path(os.environ.get("AXE", Path(__file__).parents[1] / "node_modules" / "axe-core")) / "axe.min.js"


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.__name__)
def report(request: pytest.FixtureRequest, browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ARG001 (nothing is fitted where there is no browser)
    """Return a fitted model and the file of its page."""
    model, x, y = request.param()
    file = tmp_path_factory.mktemp("page") / "report.html"
    curves = request.param not in (refits, selected)  # those have none
    return model.fit(x, y), model.report(file, x, y, curves=curves)


@pytest.fixture
def opened(browser: Any, report: Any) -> Iterator[Any]:
    """Yield what opens the page; afterwards, no error may have come and no request been sent."""
    _, file = report
    pages, faults, asked = [], [], []

    def refuse(dialog: Any) -> None:
        faults.append(dialog.message)
        dialog.dismiss()

    def open_page(width: Any, scheme: Any = "light") -> Any:
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", refuse)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-drawn]")
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert faults == []
    assert set(asked) == {file.as_uri()}


@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "light"), (DESK, "dark")])
def test_it_opens_and_fits_the_screen(opened: Any, report: Any, width: Any, scheme: Any) -> None:
    model, file = report
    page = opened(width, scheme)
    assert file.stat().st_size < 3_000_000
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(RIGHTMOST) <= width
    assert page.evaluate("current()") == model.index_
    assert page.locator("section:visible").count() >= 6
    assert not page.query_selector_all("main b, img, main script")
    assert page.evaluate(INK) == {"light": "rgb(26, 33, 48)", "dark": "rgb(231, 235, 242)"}[scheme]
    told = page.evaluate("[...document.querySelectorAll('#inputs text')].map((each) => each.textContent)")
    names = page.evaluate("data.inputs.names.map((name) => cut(name, narrow() ? 15 : 26))")
    assert told[: len(names)] == names


def test_the_slider_moves_every_chart_and_nothing_else_by_keys_alone(opened: Any, report: Any) -> None:
    model, _ = report
    page = opened(DESK)

    def reach(name: Any, key: Any = "Tab") -> None:
        for _ in range(30):
            if page.evaluate("document.activeElement.id || document.activeElement.textContent") == name:
                return
            page.keyboard.press(key)
        raise AssertionError(f"{name} is not reached")

    reach("strength")
    page.keyboard.press("Home")
    drawn, places = [], None
    entries = page.evaluate("entries()")
    assert len(entries) > 1
    for position, s in enumerate(entries):
        page.evaluate(PAINTED)
        assert page.evaluate("slider.valueAsNumber") == position
        shown = page.evaluate(SHOWN, s)
        assert all(shown.values()), (s, shown)
        drawn.append(page.evaluate(PICTURES))
        now = page.evaluate(PLACES)
        if places is not None:
            moved = [
                (old, new)
                for old, new in zip(places, now, strict=True)
                if max(abs(a - b) for a, b in zip(old[1:], new[1:], strict=True)) > 1
            ]
            assert moved == [], moved[:3]
        places = now
        page.keyboard.press("ArrowRight")
    for number, pictures in enumerate(zip(*drawn, strict=True)):
        assert len(set(pictures)) > 1, f"chart {number} stays as it is"
    reach("minimum", "Shift+Tab")
    page.keyboard.press("Enter")
    page.evaluate(PAINTED)
    assert page.evaluate("current() === data.certainty.minimum")
    assert len(model.path_.alphas) == page.evaluate("path.length")


def test_every_curve_of_a_selection_can_be_shown(opened: Any, report: Any) -> None:
    model, _ = report
    page = opened(DESK)
    fitted = page.evaluate(
        "() => data.arms.flatMap((arm, k) => (arm.entries ? arm.entries.map((s) => { go(s); return [k === state.arm, current() === s]; }) : []))"  # noqa: E501
    )
    assert len(fitted) == len(model.path_.alphas)
    assert all(all(each) for each in fitted)


def test_there_is_a_table_behind_every_chart(opened: Any) -> None:
    page = opened(DESK)
    for _ in range(2):  # a matrix, and so its table, is drawn when it is opened
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        page.wait_for_timeout(100)
    charts = page.evaluate(
        "[...document.querySelectorAll('.chart')].filter((each) => each.offsetParent).map((each) => each.id)"
    )
    assert len(charts) > 5
    for each in charts:
        assert page.locator(f"#{each} svg[role=img][aria-label]").count() == 1, each
        assert page.locator(f"#{each}-table tbody tr").count() > 0, each


QUESTIONS = ("best strength", "input changes", "leave first", "left out")


def test_five_questions_are_answered_within_two_movements(opened: Any, report: Any) -> None:
    model, _ = report
    page = opened(DESK)
    links = page.locator(".answers a")
    told = links.all_inner_texts()
    classes = hasattr(model, "classes_")
    for asked in (*QUESTIONS, "confused with which" if classes else "How far off"):
        number = next(k for k, each in enumerate(told) if asked in each)
        assert len(told[number].split("\n", 1)[1]) > 20  # the answer stands beneath the question: no movement
        page.evaluate("scrollTo(0, 0)")
        links.nth(number).click()  # and one movement shows why
        page.evaluate(PAINTED)
        section = page.evaluate(f"document.querySelectorAll('.answers a')[{number}].hash")
        box = page.locator(f"{section} h2").bounding_box()
        bar = page.locator("section.slider").bounding_box()
        assert box["y"] >= bar["y"] + bar["height"] - 1
        assert box["y"] + box["height"] <= 800
    assert page.evaluate("document.querySelector('.answers').getBoundingClientRect().bottom + scrollY") < 800


def serious_faults(page: Any) -> list[tuple[str, str, str]]:
    """Return what axe-core finds serious or critical: its rule, the first element, and what is wrong."""
    page.add_script_tag(path=AXE)
    return [
        (each["id"], each["nodes"][0]["html"][:200], each["nodes"][0]["failureSummary"])
        for each in page.evaluate("axe.run().then((found) => found.violations)")
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_hinders_a_reader(browser: Any, report: Any, scheme: Any) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed")
    _, file = report
    page = browser.new_context(bypass_csp=True, color_scheme=scheme).new_page()
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-drawn]")
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    faults = serious_faults(page)
    page.context.close()
    assert faults == []


def test_the_documentation_is_searched_and_set_from_a_folder(browser: Any, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    subprocess.run(command, cwd=Path(__file__).parents[1], env=environment, check=True)
    page, asked = browser.new_page(viewport={"width": 1280, "height": 900}), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    for file in sorted(tmp_path.rglob("*.html")):
        page.goto(file.as_uri())
        assert page.evaluate(CODE_CUT) == 0, file
    page.goto((tmp_path / "derivations" / "penalties.html").as_uri())
    assert page.locator(".formula math mfrac").count() > 2
    page.focus("input.md-search__input")
    page.keyboard.type("conformal intervals")
    page.wait_for_selector(".md-search-result__item")
    within = {"file", "data", "about", "blob"}  # the playground makes its workers of its own text
    assert {address.partition(":")[0] for address in asked} <= within


def test_it_prints_in_black_on_white_with_all_numbers(opened: Any, report: Any) -> None:
    model, _ = report
    page = opened(DESK, "dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 700, "height": 1000})  # of a sheet of A4, between its margins
    page.evaluate(PAINTED)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(INK) == "rgb(0, 0, 0)"
    assert not page.is_visible("#strength")
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    page.pdf(format="A4")
    assert page.is_visible("#numbers tr:last-child")
    assert page.evaluate("document.querySelector('#numbers table').getBoundingClientRect().right") <= 700
    assert page.locator("#numbers tbody tr").count() == len(model.path_.alphas)
