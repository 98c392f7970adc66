"""Laws of the lessons in a browser: each is answered by what a reader does, says what its table says, and never stalls.

Needs Chromium from the system, and Playwright, as tests/test_browser.py does; CI skips it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from native_lessons import table
from ridgewalk.play import lessons_page
from test_browser import AXE, serious_faults
from test_play_browser import LONG, TIMED, WATCH

MINUS = "\u2212"
KEYS = list(table()["says"])
SHOWN = "id => document.getElementById(id).textContent"
FACTS = "[...document.querySelectorAll('#facts div')].map((each) => [...each.children].map((one) => one.textContent))"
# What a reader does, lesson by lesson: wrong answers, each with what begins its reply, then the right one.
Answer = tuple[dict[str, Any], str]
ANSWERS: dict[str, list[Answer]] = {
    "why": [({}, "Not yet: this is too weak"), ({"s": 10}, "Not yet: this is too strong"), ({"s": 5}, "✓")],
    "shapes": [
        ({"s": 5}, "Not with L2: 64 of 64"), ({"penalty": "l1", "s": 1}, "Not yet"), ({"s": 10}, "Too strong"),
        ({"s": 6}, "✓"),
    ],
    "zeros": [({}, "Not yet"), ({"threshold": 19}, "Too many"), ({"threshold": 12}, "✓ Yes: 47")],
    "escape": [
        ({"c": 10}, "Not yet"), ({"layers": "both", "c": 16}, "Not with both layers"),
        ({"layers": "first", "c": 16}, "✓ Yes: it is 16 times"),
    ],
    "choose": [
        ({}, "Not yet: that is weaker"), ({"s": 5}, "That is the lowest point"), ({"s": 7}, "Not yet"),
        ({"s": 9}, "Too far"), ({"s": 8}, "✓"),
    ],
    "lottery": [({}, "Proved: it helps"), ({"stop": 40}, ""), ({"stop": 60}, "✓ Both are proved")],
    "gap": [({"s": 4}, "Not yet"), ({"s": 9}, "✓")],
    "verdict": [
        ({}, "Not yet: this training does not converge"),
        ({"optimizer": "adam"}, "Not yet: this penalty can be evaded"),
        ({"layers": "both"}, "Not yet: this compares"), ({"compare": "without"}, "✓"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("lessons") / "lessons.html"
    file.write_text(lessons_page(), encoding="utf-8")
    return file


@pytest.fixture
def opened(browser: Any, file: Path) -> Iterator[Any]:
    """Return what opens a lesson; afterwards, nothing may have gone wrong and nothing have been asked for."""
    pages, faults, asked = [], [], []

    def open_page(
        lesson: str,
        width: int = 1200,
        scheme: Any = "light",
        lang: str = "en",
        motion: Any = "no-preference",
        script: str = "",
    ) -> Any:
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion=motion)
        page.set_default_timeout(LONG)
        page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        if script:
            page.add_init_script(script)
        page.goto(f"{file.as_uri()}#lesson={KEYS.index(lesson) + 1}&lang={lang}")
        pages.append(page)
        ready(page, lesson)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert faults == []
    assert {url for url in asked if not url.startswith("blob:")} <= {file.as_uri()}, asked


def ready(page: Any, lesson: str) -> None:
    """Wait until all that a lesson shows is trained, and drawn."""
    page.wait_for_function("key => document.documentElement.dataset.lesson === key", arg=lesson)
    page.wait_for_timeout(60)


def set_switch(page: Any, name: str, value: Any) -> None:
    """Set a switch by the keyboard: a slider from its lowest value on, or one of some choices."""
    if isinstance(value, str):
        page.focus(f"input[name='set-{name}']:checked")
        for _ in range(5):
            if page.is_checked(f"#set-{name}-{value}"):
                return
            page.keyboard.press("ArrowRight")
        raise AssertionError((name, value))
    page.focus(f"#set-{name}")
    page.keyboard.press("Home")
    for _ in range(value - int(page.get_attribute(f"#set-{name}", "min"))):
        page.keyboard.press("ArrowRight")


def answered(page: Any, lesson: str, switches: dict[str, Any]) -> Any:
    """Set switches, have the answer checked, and return what the page says to it."""
    for name, value in switches.items():
        set_switch(page, name, value)
    ready(page, lesson)
    page.focus("#check")
    page.keyboard.press("Enter")
    return page.evaluate(SHOWN, "reply")


@pytest.mark.parametrize("lesson", KEYS)
def test_a_lesson_is_answered_by_what_a_reader_does(opened: Any, lesson: str) -> None:
    page = opened(lesson)
    *wrong, right = ANSWERS[lesson]
    for switches, reply in [*wrong, right]:
        said = answered(page, lesson, switches)
        assert said.startswith(reply), (switches, said)
        assert said.startswith("✓") == (reply == right[1])
        assert "{" not in said
        assert page.evaluate(SHOWN, "steps").count("✓") == int(reply == right[1])
    page.focus(f"#set-{next(iter(right[0]))}, input[name='set-{next(iter(right[0]))}']:checked")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(SHOWN, "reply") == ""  # what was said is of what was set


@pytest.mark.parametrize(
    ("lesson", "switches", "shown"),
    [
        ("shapes", {}, {"links left": "links", "without a penalty": "heldout_0", "training loss": None}),
        ("zeros", {}, {"plain: exactly 0": "plain", "proximal: exactly 0": "proximal"}),
        ("escape", {}, {"|W1|": "none_w1", "|W2|": "none_w2"}),
        ("choose", {"s": 5}, {"held-out loss": "heldout_min"}),
        ("choose", {"s": 9}, {"held-out loss": "heldout_next"}),
        ("lottery", {}, {"points ahead": "best_points"}),
        ("gap", {"s": 4}, {"held-out loss": "heldout_min", "gap": "gap_min"}),
        ("gap", {"s": 0}, {"held-out loss": "heldout_0"}),
    ],
)
def test_the_figures_numbers_are_those_of_the_text(opened: Any, lesson: str, switches: Any, shown: Any) -> None:
    page = opened(lesson)
    for name, value in switches.items():
        set_switch(page, name, value)
    page.wait_for_timeout(100)
    facts = dict(page.evaluate(FACTS))
    for name, number in shown.items():
        if number is None:
            continue
        said, share = table()["says"][lesson][number], number.endswith("points")
        value = float(facts[name].split(" ")[0].replace(MINUS, "-").replace("+", ""))
        assert value == pytest.approx(100 * said if share else said, rel=5e-3 if not share else 2e-2), name


def test_a_penalty_that_escapes_is_that_of_the_norms(opened: Any) -> None:
    page, said = opened("escape"), table()["says"]["escape"]
    strength = table()["trainings"]["moons-first"]["strength"]
    for layers, norms in (("first", ["none_w1"]), ("both", ["none_w1", "none_w2"])):
        set_switch(page, "layers", layers)
        page.wait_for_timeout(100)
        penalty = strength / 2 * sum(said[norm] ** 2 for norm in norms)
        assert float(dict(page.evaluate(FACTS))["penalty"]) == pytest.approx(penalty, rel=5e-3)


def test_the_verdict_is_the_tables(opened: Any) -> None:
    page = opened("verdict")
    for name, value in (("optimizer", "adam"), ("layers", "both"), ("compare", "without")):
        set_switch(page, name, value)
        ready(page, "verdict")
    said, words = table()["says"]["verdict"], page.evaluate(SHOWN, "said")
    assert words.startswith("With the penalty")
    for number in ("gain", "low", "high"):
        assert f"{MINUS}{float(f'{said[number]:.3g}')}" in words, number
    assert page.locator("#first .marked").count() == 1


@pytest.mark.parametrize("lesson", KEYS)
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (390, "light"), (700, "light"), (1200, "dark")])
def test_every_lesson_fits_the_screen(opened: Any, lesson: str, width: int, scheme: str) -> None:
    page = opened(lesson, width, scheme, "zh" if scheme == "dark" else "en")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = "[...document.querySelectorAll('#facts *, #text *, #switches *, #ways a')].filter((each) => each.scrollWidth > each.clientWidth + 1 && each.clientWidth && !each.closest('.unseen')).map((each) => each.outerHTML)"  # noqa: E501
    assert page.evaluate(cut) == []
    assert "{" not in page.evaluate("document.querySelector('article').innerText")
    outside = "[...document.querySelectorAll('#panels svg text')].filter((each) => { const a = each.getBoundingClientRect(), b = each.closest('svg').getBoundingClientRect(); return a.left < b.left - 1 || a.right > b.right + 1 || a.bottom > b.bottom + 1; }).map((each) => each.textContent)"  # noqa: E501
    assert page.evaluate(outside) == []


def test_links_the_way_back_and_the_language_keep_their_place(opened: Any) -> None:
    page = opened("why")
    page.click("#after")
    ready(page, "shapes")
    assert page.evaluate("document.activeElement.id") == "name"
    assert page.title().startswith("2. L1 drops, L2 shrinks")
    set_switch(page, "s", 4)
    page.click("#language")
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    assert page.evaluate(SHOWN, "name").startswith("L1 剔除")
    assert page.input_value("#set-s") == "4"
    page.go_back()
    ready(page, "why")
    page.go_forward()
    ready(page, "shapes")
    assert page.input_value("#set-s") == "4"
    page.click("#steps a >> nth=7")
    ready(page, "verdict")
    assert page.evaluate("location.hash") == "#lesson=8&lang=zh"
    page.evaluate("location.hash = '#lesson=99'")
    ready(page, "why")


def test_the_keyboard_alone_reaches_everything(opened: Any) -> None:
    page = opened("escape")
    reached = []
    for _ in range(24):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('href')"))
    assert {"language", "set-layers-first", "set-c", "check", "before", "after", "#lesson=1&lang=en"} <= set(reached)


def test_where_motion_is_reduced_a_figure_comes_when_it_is_whole(opened: Any) -> None:
    watch = "window.drawn = new Set(); addEventListener('DOMContentLoaded', () => new MutationObserver(() => drawn.add(document.querySelectorAll('#first circle.fill-held').length)).observe(document.getElementById('first'), { childList: true }));"  # noqa: E501
    page = opened("gap", motion="reduce", script=watch)
    whole = len(table()["trainings"]["spiral-l2"]["strengths"])
    assert set(page.evaluate("[...drawn]")) <= {0, whole}


def test_no_lesson_stalls(opened: Any) -> None:
    page = opened("zeros", script=WATCH)
    for lesson in KEYS:
        page.evaluate(f"location.hash = '#lesson={KEYS.index(lesson) + 1}&lang=en'")
        ready(page, lesson)
    longest = max((duration for _, duration in page.evaluate("long")), default=0)
    print(f"all lessons: longest task {longest:.0f} ms, all trained after {page.evaluate('performance.now()'):.0f} ms")
    if TIMED:
        assert longest <= 200


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_hinders_a_reader(browser: Any, file: Path, scheme: Any, lang: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed")
    page = browser.new_context(bypass_csp=True, color_scheme=scheme).new_page()
    page.set_default_timeout(LONG)
    found: dict[str, Any] = {}
    for k, lesson in enumerate(KEYS):
        page.goto(f"{file.as_uri()}#lesson={k + 1}&lang={lang}")
        ready(page, lesson)
        found[lesson] = []
        for switches, reply in ANSWERS[lesson]:
            answered(page, lesson, switches)
            if reply in (ANSWERS[lesson][0][1], ANSWERS[lesson][-1][1]):
                found[lesson] += serious_faults(page)
    page.context.close()
    assert found == {lesson: [] for lesson in KEYS}
