"""Laws of the playground in a browser: it asks for nothing, never stalls, and is whole by keyboard, on a phone and in the dark.

Needs Chromium from the system, and Playwright, as tests/test_browser.py does; CI skips it. What is timed is printed, and held to
its limits where RIDGEWALK_TIMES is set: on a machine that does nothing else.
"""  # noqa: E501

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ridgewalk.play import play_page
from test_browser import AXE, PAINTED, serious_faults

TIMED = bool(os.environ.get("RIDGEWALK_TIMES"))
LONG = 120_000  # milliseconds: other work may go on on the same machine
SMALL = "hidden=8&epochs=60&strengths=8&folds=3&rows=90"
DROP = """([name, text]) => { const given = new DataTransfer(); given.items.add(new File([text], name));
  for (const kind of ["dragenter", "dragover", "drop"]) dispatchEvent(new DragEvent(kind, { dataTransfer: given, bubbles: true, cancelable: true })); }"""  # noqa: E501
WATCH = """window.gaps = []; window.long = []; { let last = performance.now(); const next = (now) => { gaps.push(now - last); last = now; requestAnimationFrame(next); }; requestAnimationFrame(next);
  new PerformanceObserver((list) => list.getEntries().forEach((each) => long.push([each.startTime, each.duration]))).observe({ type: "longtask" }); }"""  # noqa: E501
STROKES = "Array.from(document.querySelectorAll('#path circle.fill-held')).length"
SHOWN = "id => document.getElementById(id).textContent"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("play") / "play.html"
    file.write_text(play_page(), encoding="utf-8")
    return file


@pytest.fixture
def opened(browser: Any, file: Path) -> Iterator[Any]:
    """Return what opens the page; afterwards, nothing may have gone wrong and nothing have been asked for."""
    pages, faults, asked = [], [], []

    def refuse(dialog: Any) -> None:
        faults.append(dialog.message)
        dialog.dismiss()

    def open_page(
        state: str = SMALL, width: int = 1280, scheme: Any = "light", motion: Any = "no-preference", script: str = ""
    ) -> Any:
        page = browser.new_page(viewport={"width": width, "height": 860}, color_scheme=scheme, reduced_motion=motion)
        page.set_default_timeout(LONG)
        page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", refuse)
        page.on("request", lambda request: asked.append(request.url))
        if script:
            page.add_init_script(script)
        page.goto(f"{file.as_uri()}#{state}")
        page.wait_for_selector("html[data-ready]", state="attached")
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert faults == []
    assert {url for url in asked if not url.startswith("blob:")} <= {file.as_uri()}, asked


def trained(page: Any, times: int = 1) -> None:
    page.wait_for_function("times => Number(document.documentElement.dataset.trained) >= times", arg=times)
    page.wait_for_timeout(100)


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (390, "dark"), (1280, "dark")])
def test_it_trains_a_path_and_fits_the_screen(opened: Any, width: int, scheme: str) -> None:
    page = opened(SMALL, width, scheme)
    trained(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(STROKES) == 9
    assert page.locator("#verdict.final").count() == 1
    assert page.is_checked("#view-path")
    assert not page.is_visible("#trouble")
    assert page.locator("#path .marked").count() >= 1
    for place in ("#picture canvas", "#network canvas"):
        colours = page.evaluate(
            "q => new Set(new Uint32Array(document.querySelector(q).getContext('2d').getImageData(0, 0, 200, 200).data.buffer)).size",  # noqa: E501
            place,
        )
        assert colours > 20, place


@pytest.mark.parametrize("data", ["moons", "rings", "xor", "waves"])
def test_every_kind_of_data_trains(opened: Any, data: str) -> None:
    page = opened(f"{SMALL}&data={data}&noise=0.2")
    trained(page)
    assert page.evaluate("document.getElementById('facts').textContent").count("%") == (1 if data == "waves" else 3)


def test_the_slider_moves_what_is_shown(opened: Any) -> None:
    page = opened(SMALL)
    trained(page)
    page.focus("#strength")
    shown = set()
    page.keyboard.press("Home")
    for _ in range(9):
        page.wait_for_timeout(80)
        shown.add(
            (
                page.evaluate(SHOWN, "shown"),
                page.evaluate(SHOWN, "network-now"),
                page.evaluate("document.querySelector('#picture canvas').toDataURL()"),
            )
        )
        page.keyboard.press("ArrowRight")
    assert len({strength for strength, *_ in shown}) == 9
    assert len({picture for *_, picture in shown}) >= 4
    page.click("#jump-zero")
    page.wait_for_timeout(80)
    assert page.evaluate(SHOWN, "shown") == "0"


def test_what_is_soft_goes_on_from_the_weights_and_all_else_starts_anew(opened: Any) -> None:
    page = opened(f"{SMALL}&view=live&speed=300&strength=3")
    epoch = "Number(document.querySelector('#facts dd').textContent)"
    page.wait_for_function(f"() => {epoch} > 150")
    trained(page)
    for control in ("noise", "mix", "rate"):
        before = page.evaluate(epoch)
        page.focus(f"#set-{control}")
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(100)
        assert page.locator("#path circle").count() == 0 or page.evaluate(
            "document.querySelector('#path .dashed') !== null || !document.getElementById('progress').hidden"
        )
        page.wait_for_timeout(200)
        assert page.evaluate(epoch) >= before, control
    page.focus("#strength")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(200)
    assert page.evaluate(epoch) > 150
    page.wait_for_function("() => document.querySelectorAll('#course .mark').length >= 2")
    page.focus("#set-units0")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => {epoch} < 150")
    trained(page, 2)
    assert page.locator("#path path.rest").count() == 0  # a new network has no former curve


def test_a_change_leaves_the_former_curve_dashed_and_no_point_of_it(opened: Any) -> None:
    page = opened(SMALL)
    trained(page)
    page.focus("#set-mix")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("#path path.rest.dashed", state="attached")
    trained(page, 2)
    assert page.locator("#path path.rest.dashed").count() == 1
    assert page.evaluate(STROKES) == 9


def test_a_link_restores_what_was_chosen(opened: Any) -> None:
    page = opened(f"{SMALL}&data=moons&noise=0.4&penalty=l2&lang=zh&strength=5")
    trained(page)
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    assert page.evaluate(SHOWN, "path-title").startswith("正则化路径")
    page.select_option("#set-activation", "tanh")
    page.wait_for_function("() => location.hash.includes('activation=tanh')")
    state = page.evaluate("location.hash.slice(1)")
    again = opened(state)
    trained(again)
    for control in ("noise", "activation", "penalty", "epochs"):
        assert again.input_value(f"#set-{control}") == page.input_value(f"#set-{control}")
    assert again.input_value("#strength") == "5"
    again.click("#language")
    assert again.evaluate("document.documentElement.lang") == "en"
    assert again.evaluate(SHOWN, "path-title") == "The path: every strength"


def test_the_keyboard_alone_is_enough(opened: Any) -> None:
    page = opened(SMALL)
    trained(page)
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
    wanted = {
        "link",
        "reset",
        "language",
        "data-spiral",
        "set-noise",
        "set-rows",
        "draw",
        "set-penalty",
        "set-mix",
        "set-layers",
        "set-rate",
        "strength",
        "play",
        "restart",
        "view-path",
        "speed",
        "jump-zero",
        "jump-minimum",
    }
    assert wanted <= set(reached), wanted - set(reached)
    page.focus("#data-spiral")
    page.keyboard.press("ArrowRight")
    trained(page, 2)
    assert page.is_checked("#data-moons")
    page.focus("#play")
    page.keyboard.press("Enter")
    page.wait_for_function("() => Number(document.querySelector('#facts dd').textContent) > 3")
    page.keyboard.press("Enter")
    page.focus("#view-live")
    page.keyboard.press("ArrowRight")
    assert page.is_checked("#view-path")


def test_where_motion_is_reduced_nothing_moves_unasked(opened: Any) -> None:
    page = opened(SMALL, motion="reduce")
    trained(page)
    assert page.evaluate("document.querySelectorAll('#course path.held').length") <= 1
    assert page.evaluate("document.querySelector('#course path.held').getAttribute('d')") == ""


def hostile_table(rows: int = 300) -> str:
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(2, rows))
    names = ["<img src=x onerror=alert(1)>", "__proto__", "constructor", "{rows}", "a\u202eb", "target</script>"]
    town = generator.choice(["<b>here</b>", "there", "${x}"], rows)
    lines = [",".join(names)]
    lines += [
        f"{x},{y},{t},{k % 7},{x * y},{'yes' if x + y > 0 else '<i>no</i>'}"
        for k, (x, y, t) in enumerate(zip(a, b, town, strict=True))
    ]
    return "\n".join(lines)


def test_hostile_names_stay_text(opened: Any) -> None:
    page = opened(SMALL)
    page.evaluate(DROP, ["<img src=x>.csv", hostile_table()])
    page.wait_for_selector("#inputs li")
    page.wait_for_function(
        "() => document.querySelector('#verdict.final') !== null && document.querySelectorAll('#inputs li').length > 3"
    )
    assert page.locator("main img, #inputs b, main i, main iframe").count() == 0
    said = page.evaluate(SHOWN, "inputs")
    assert "<img src=x onerror=alert(1)>" in said
    assert "__proto__" in said
    assert "<img src=x>.csv" in page.evaluate(SHOWN, "csv-said")
    assert (
        page.evaluate("[...document.getElementById('csv-target').options].map((each) => each.textContent)")[-1]
        == "target</script>"
    )
    page.select_option("#csv-target", "0")
    page.wait_for_function(
        "() => document.querySelectorAll('#inputs li').length > 3 && !document.getElementById('inputs').textContent.includes('onerror')"  # noqa: E501
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("a,b\n1,2,3\n" + "1,2\n" * 30, "Row 2 has 3 fields"),
        ("a\x00b,c\n1,2", "no text file"),
        ('a,b\n"x,2\n', "line 2"),
    ],
)
def test_a_broken_file_gets_a_sentence_and_the_page_stays(opened: Any, text: str, words: str) -> None:
    page = opened(SMALL)
    trained(page)
    page.evaluate(DROP, ["table.csv", text])
    page.wait_for_function("() => !document.getElementById('trouble').hidden")
    assert words in page.evaluate(SHOWN, "trouble")
    assert page.is_checked("#data-spiral")
    assert page.evaluate(STROKES) == 9


def test_a_table_of_5000_rows_is_read_trained_and_explained(opened: Any, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(5000, 19))
    y = np.where(x[:, 0] + x[:, 1] * x[:, 2] + 0.5 * generator.normal(size=5000) > 0, "yes", "no")
    lines = [
        ",".join([*(f"column {k}" for k in range(19)), "answer"]),
        *(",".join([*(f"{v:.4f}" for v in row), label]) for row, label in zip(x, y, strict=True)),
    ]
    table = tmp_path / "table.csv"
    table.write_text("\n".join(lines))
    page = opened(SMALL, script=WATCH)
    trained(page)
    page.evaluate("long.length = 0")
    page.set_input_files("#csv-file", table)
    page.wait_for_selector("#inputs li")
    trained(page, 2)
    said = page.evaluate(SHOWN, "inputs")
    assert said.index("column 0") < said.index("column 9")
    assert "5,000" in page.evaluate(SHOWN, "csv-said")
    assert page.evaluate(SHOWN, "verdict")
    longest = max((duration for _, duration in page.evaluate("long")), default=0)
    print(f"table of 5,000 x 20: longest task {longest:.0f} ms")
    if TIMED:
        assert longest <= 200


def test_the_spiral_is_trained_in_time_and_no_frame_is_late(opened: Any) -> None:
    page = opened("epochs=600", script=WATCH)
    began = page.evaluate("performance.now()")
    page.wait_for_function(f"() => {STROKES} >= 25", polling="raf")
    first = page.evaluate("performance.now()") - began
    trained(page)
    whole = page.evaluate("performance.now()") - began
    gaps, tasks = np.array(page.evaluate("gaps")), [duration for _, duration in page.evaluate("long")]
    late = float(np.quantile(gaps, 0.95))
    print(
        f"first curve {first:.0f} ms, path {whole:.0f} ms, 95% of frames {late:.0f} ms, longest task {max(tasks, default=0):.0f} ms"  # noqa: E501
    )
    if TIMED:
        assert first <= 1000
        assert whole <= 15_000
        assert late <= 50
        assert max(tasks, default=0) <= 200


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_nothing_hinders_a_reader(browser: Any, file: Path, scheme: Any, lang: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed")
    page = browser.new_context(bypass_csp=True, color_scheme=scheme).new_page()
    page.set_default_timeout(LONG)
    page.goto(f"{file.as_uri()}#{SMALL}&lang={lang}")
    trained(page)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.evaluate("document.getElementById('csv-part').hidden = false")
    faults = serious_faults(page)
    page.context.close()
    assert faults == []


def test_a_page_with_fewer_places_shows_what_it_has_places_for(browser: Any, tmp_path: Path) -> None:
    """A lesson has one live figure, and few or no settings."""
    page_text = play_page()
    for part in (r"<aside.*?</aside>", r'<div class="tools">.*?</div>', r'<div id="transport">.*?</fieldset>.*?</div>'):
        page_text, count = re.subn(part, "", page_text, count=1, flags=re.DOTALL)
        assert count == 1, part
    for place in ("inputs-section", "network-section"):
        page_text = re.sub(rf'<section class="card" id="{place}".*?</section>', "", page_text, flags=re.DOTALL)
    file, faults = tmp_path / "lesson.html", []
    file.write_text(page_text, encoding="utf-8")
    page = browser.new_page()
    page.set_default_timeout(LONG)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{file.as_uri()}#{SMALL}")
    trained(page)
    page.focus("#strength")
    page.keyboard.press("ArrowRight")
    page.evaluate(PAINTED)
    assert page.evaluate(STROKES) == 9
    page.close()
    assert faults == []


def loop_at(page: Any) -> tuple[str, str]:
    """Return the line that is marked, and what is said of it."""
    line, said = page.evaluate(
        "[document.querySelector('#loop-lines li.now')?.textContent ?? '', document.getElementById('loop-did').textContent]"  # noqa: E501
    )
    return line, said


def test_the_loop_runs_line_by_line_by_keyboard(opened: Any) -> None:
    page = opened(f"{SMALL}&view=loop&strength=3")
    trained(page)
    assert loop_at(page)[0] == ""
    seen = []
    page.focus("#loop-next")
    for _ in range(18):
        page.keyboard.press("Enter")
        page.evaluate(PAINTED)
        seen.append(loop_at(page))
    lines = [line for line, _ in seen]
    assert lines[0].startswith("dense1 = Layer_Dense(2, 8, weight_L1=")
    assert lines[5] == "dense1.forward(X)"
    assert "optimizer.update_param(dense1)" in lines
    assert len(set(lines)) == len(lines) == 18
    assert all(said for _, said in seen)
    assert page.evaluate("document.querySelector('#loop-lines li.now').getAttribute('aria-current')") == "step"
    assert "data loss" in page.evaluate(SHOWN, "loop-bar")
    page.click("#loop-step-on")
    page.wait_for_function("() => document.getElementById('loop-where').textContent.startsWith('1 of 60')")
    page.select_option("#loop-names", "book")
    page.wait_for_function("() => document.getElementById('loop-lines').textContent.includes('weight_regularizer_l1')")
    page.click("#loop-again")
    page.wait_for_function("() => document.querySelector('#loop-lines li.now') === null")


def test_the_loop_plays_to_its_end_and_a_link_and_a_setting_keep_its_line(opened: Any, tmp_path: Path) -> None:
    page = opened(f"{SMALL}&view=loop&strength=3&pace=fast&penalty=l1")
    trained(page)
    page.click("#loop-run")
    page.wait_for_function("() => document.getElementById('loop-where').textContent.startsWith('All 60')")
    assert page.is_disabled("#loop-next")
    page.wait_for_function("() => location.hash.includes('line=')")
    facts, state = page.evaluate(SHOWN, "facts"), page.evaluate("location.hash.slice(1)")
    assert re.search(r"zeros[1-9]\d* of 40", facts), facts
    again = opened(state)
    again.wait_for_function("words => document.getElementById('facts').textContent === words", arg=facts)
    page.focus("#strength")
    page.keyboard.press("Home")
    page.wait_for_function("() => document.getElementById('facts').textContent.includes('zeros0 of 40')")
    assert page.evaluate(SHOWN, "loop-where").startswith("All 60")
    assert "weight_L1" not in page.evaluate(SHOWN, "loop-lines")
    with page.expect_download() as saved:
        page.click("#loop-save")
    program = tmp_path / "loop.py"
    saved.value.save_as(program)
    ran = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("step 0: loss 1.0986")
    page.check("#data-waves")
    page.wait_for_function("() => document.getElementById('loop-notes').textContent.includes('for classes')")
    assert page.is_disabled("#loop-run")


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_the_loop_fits_the_screen_and_hinders_no_reader(browser: Any, file: Path, width: int, scheme: Any) -> None:
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 860})
    page = context.new_page()
    page.set_default_timeout(LONG)
    for line in (9, 19):
        page.goto("about:blank")
        page.goto(f"{file.as_uri()}#{SMALL}&view=loop&strength=3&line={line}")
        trained(page)
        page.wait_for_selector("#loop-lines li.now")
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(
            "[...document.querySelectorAll('#loop-section table, #loop-section code')].every((each) => each.getBoundingClientRect().right <= document.getElementById('loop-section').getBoundingClientRect().right)"  # noqa: E501
        )
    faults = serious_faults(page) if AXE.exists() else []
    context.close()
    assert faults == []


def test_one_input_gets_probabilities_and_many_inputs_a_list_that_says_how_many_are_left(opened: Any) -> None:
    page = opened(SMALL)
    trained(page)
    generator = np.random.default_rng(0)
    x = generator.normal(size=(200, 30))
    answers = ["yes" if value > 0 else "no" for value in x[:, 0]]
    one = ["dose,answer", *(f"{row[0]:.3f},{answer}" for row, answer in zip(x, answers, strict=True))]
    page.evaluate(DROP, ["one.csv", "\n".join(one)])
    trained(page, 2)
    assert page.is_visible("#picture-section")
    assert not page.is_visible("#inputs-section")
    assert page.evaluate(SHOWN, "picture-title") == "How probable each class is"
    assert str(page.get_attribute("#picture canvas", "aria-label")).startswith("Probabilities of the classes")
    before = page.evaluate("document.querySelector('#picture canvas').toDataURL()")
    page.click("#jump-zero")
    page.wait_for_function("before => document.querySelector('#picture canvas').toDataURL() !== before", arg=before)
    many = [",".join([*(f"column {k}" for k in range(30)), "answer"])]
    many += [",".join([*(f"{v:.3f}" for v in row), answer]) for row, answer in zip(x, answers, strict=True)]
    page.evaluate(DROP, ["many.csv", "\n".join(many)])
    trained(page, 3)
    assert not page.is_visible("#picture-section")
    assert page.locator("#inputs li").count() == 15
    assert "16 more" in page.evaluate(SHOWN, "inputs")
    left, of = re.search(r"(\d+) of (\d+) inputs are left", page.evaluate(SHOWN, "inputs-now")).groups()  # type: ignore[union-attr]
    page.evaluate("document.querySelector('#inputs-table details').open = true")
    page.wait_for_selector("#inputs-table td")
    dropped = page.evaluate(
        "[...document.querySelectorAll('#inputs-table td')].filter((each) => each.textContent === 'dropped').length"
    )
    assert (int(of), int(left)) == (30, 30 - dropped)
