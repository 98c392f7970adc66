"""Laws of the page in a browser: it opens without a fault, asks for nothing, and every picture follows the slider.

Needs Chromium from the system, and Playwright (`pip install playwright`), which is no test dependency: CI skips it.
"""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from test_report import counts, forty_columns, numbers, refits, three_classes, two_classes

CASES = [two_classes, three_classes, numbers, counts, forty_columns, refits]
PHONE, DESK = 390, 1200
PAINTED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
INK = "getComputedStyle(document.querySelector('#inputs .ytick text')).fill"
RIGHTMOST = "Math.max(...[...document.querySelectorAll('.main-svg')].map((each) => each.getBoundingClientRect().right))"
PICTURES = (
    "[...document.querySelectorAll('.js-plotly-plot')].map((each) => each.querySelector('.svg-container').innerHTML)"
)
SHOWN = """s => [
  at("path").layout.shapes.at(-1).x0 === places[s],
  same(at("inputs").data[0].x, data.inputs.importance[s]),
  same(at("inputs").data[1].x, data.inputs.frequency[s]),
  ...data.layers.map((layer, k) => same(at(`layer-${k}`).data[0].z.flat().map(Number), layer.weights[s].flat())),
  !data.curves || same(at("curves").data[0].y, data.curves.data_loss[s]),
  !data.curves || same(at("curves").data[1].y, data.curves.penalty[s]),
  !data.curves || same(at("curves").data[2].y, data.curves.validation_loss[s]),
  same(at("calibration").data[1].y, data.rows.calibration[s].map((bin) => bin[1])),
  data.rows.kind !== "classes" || same(at("compared").data[0].text, data.rows.confusion[s]),
  data.rows.kind !== "numbers" || same(at("compared").data[0].x, data.rows.predicted[s]),
  !data.regions || same(at("regions").data[0].z, data.regions.values[s]),
  at("shown").textContent.startsWith(number(alphas[s])),
]"""  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright, which drives a browser, is not installed"
    )
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.__name__)
def report(request: pytest.FixtureRequest, browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ARG001 (nothing is fitted where there is no browser)
    """Give a fitted model and the file of its page."""
    model, x, y = request.param()
    file = tmp_path_factory.mktemp("page") / "report.html"
    return model.fit(x, y), model.report(file, x, y, curves=request.param is not refits)  # refits have none


@pytest.fixture
def opened(browser: Any, report: Any) -> Iterator[Any]:
    """Give what opens the page; afterwards, nothing may have gone wrong and nothing have been asked for."""
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
        page.evaluate("() => { globalThis.same = (a, b) => JSON.stringify([...a]) === JSON.stringify(b); }")
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
    assert file.stat().st_size < 5_000_000
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(RIGHTMOST) <= width
    assert len(page.query_selector_all(".js-plotly-plot")) >= 2 + len(model.path_.settings.hidden_layer_sizes)
    assert page.evaluate("slider.valueAsNumber") == model.index_
    assert not page.query_selector_all("a, b, img, main script")
    assert page.evaluate(INK) == {"light": "rgb(28, 35, 48)", "dark": "rgb(230, 234, 241)"}[scheme]
    told = page.evaluate("[...document.querySelectorAll('#inputs .ytick text')].map((tick) => tick.textContent)")
    names = page.evaluate("data.inputs.names.map((name) => cut(name, narrow() ? 18 : 30))")
    assert [" ".join(tick.split()) for tick in told] == [" ".join(name.split()) for name in names]


def test_the_slider_moves_every_picture_by_keys_alone(opened: Any, report: Any) -> None:
    model, _ = report
    page = opened(DESK)

    def reach(name: Any) -> None:
        for _ in range(8):
            if page.evaluate("document.activeElement.id || document.activeElement.textContent") == name:
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{name} is not reached")

    reach("strength")
    page.keyboard.press("Home")
    drawn = []
    for s in range(len(model.path_.alphas)):
        page.evaluate(PAINTED)
        assert page.evaluate("slider.valueAsNumber") == s
        shown = page.evaluate(SHOWN, s)
        assert all(shown), (s, shown)
        drawn.append(page.evaluate(PICTURES))
        page.keyboard.press("ArrowRight")
    for number, pictures in enumerate(zip(*drawn, strict=True)):
        assert len(set(pictures)) > 1, f"picture {number} stays as it is"
    reach("minimum")
    page.keyboard.press("Enter")
    assert page.evaluate("path[slider.valueAsNumber].marks.includes('min')")


def test_it_prints_in_black_on_white_with_all_numbers(opened: Any, report: Any) -> None:
    model, _ = report
    page = opened(DESK, "dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 700, "height": 1000})  # of a sheet of A4, between its margins
    page.evaluate(PAINTED)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(INK) == "rgb(0, 0, 0)"
    assert not page.is_visible("#strength")
    for _ in range(100):  # Plotly follows a little later; the page allows nobody to wait inside of it
        if page.evaluate("document.documentElement.scrollWidth") <= 700:
            break
        page.wait_for_timeout(50)
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    page.pdf(format="A4")
    assert page.is_visible("#numbers tr:last-child")
    assert page.evaluate("document.querySelector('#numbers table').getBoundingClientRect().right") <= 700
    assert page.locator("#numbers tbody tr").count() == len(model.path_.alphas)
