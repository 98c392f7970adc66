"""The twelve questions of the playground: each is a state of the page, and its answer is on the screen.

Needs Chromium from the system, and Playwright, as tests/test_play_browser.py does.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from test_play_browser import SHOWN, SMALL, file, opened, trained  # noqa: F401 (two of them are fixtures)

Found = dict[str, Any]
NUMBER = re.compile(r"[-\N{MINUS SIGN}]?\d+(?:\.\d+)?(?:e-?\d+)?")


def numbers_in(words: str) -> list[float]:
    return [float(each.replace("\N{MINUS SIGN}", "-")) for each in NUMBER.findall(words)]


def answers(page: Any) -> dict[str, Any]:
    """Return what is to be read on the screen."""
    facts = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('#facts > div')].map((each) => [each.firstChild.textContent, each.lastChild.textContent]))"  # noqa: E501
    )
    texts = "[...document.querySelectorAll('#path svg text')].map((each) => each.textContent)"
    return {
        "facts": facts,
        "held-out": numbers_in(facts.get("held-out loss", "")),
        "training": numbers_in(facts.get("training loss", "")),
        "path": page.evaluate(texts),
        **{name: page.evaluate(SHOWN, name) for name in ("verdict", "marks", "shown", "path-note", "picture-now", "network-now", "loop-did")},  # noqa: E501
    }  # fmt: skip


def table_of_path(page: Any) -> np.ndarray:
    """Return the table behind the path: strengths, held-out losses, errors, training losses."""
    page.evaluate("document.querySelector('#path-table details').open = true")
    page.wait_for_selector("#path-table td")
    rows = page.evaluate(
        "[...document.querySelectorAll('#path-table tbody tr')].map((row) => [...row.children].slice(0, 4).map((cell) => Number(cell.textContent)))"  # noqa: E501
    )
    return np.array(rows)


def answer_point(_: Any, found: Found) -> None:
    assert "246 networks" in found["path-note"]
    assert "Trained to the end on all rows" in found["picture-now"]
    assert len(found["held-out"]) == 2


def answer_choice(page: Any, found: Found) -> None:
    assert found["marks"] == "1-SE"
    assert {"minimum", "1-SE"} <= set(found["path"])
    _, loss, error, _ = table_of_path(page).T
    least, here = loss.argmin(), int(page.input_value("#strength"))
    assert here > least
    assert loss[here] <= loss[least] + error[least] < loss[here + 2]


def answer_no_penalty(_: Any, found: Found) -> None:
    assert (found["shown"], found["marks"]) == ("0", "no penalty")
    assert found["training"][0] < found["held-out"][0] / 3


def answer_training_loss(page: Any, found: Found) -> None:
    _, loss, _, training = table_of_path(page).T
    assert (np.diff(training) >= 0).all()
    assert loss.argmin() > 5
    assert found["training"][0] < found["held-out"][0] / 10


def answer_end(_: Any, found: Found) -> None:
    assert (found["facts"]["zeros"], found["facts"]["weights left"]) == ("100%", "0")
    assert found["held-out"][0] == pytest.approx(np.log(2), abs=1e-3)


def answer_l1(_: Any, found: Found) -> None:
    left, of, *_ = numbers_in(found["network-now"])
    assert (left, of) == (16, 64)


def answer_l2(_: Any, found: Found) -> None:
    assert found["network-now"].startswith("64 of 64 weights are not 0")
    assert found["marks"] == "minimum"


def answer_ceiling(page: Any, found: Found) -> None:
    (line,) = (words for words in found["path"] if words.startswith("best possible"))
    best = numbers_in(line)[0]
    right, most = numbers_in(found["facts"]["right on fresh rows"])
    assert (table_of_path(page)[:, 1] > best).all()
    assert 85 < right < most < 100


def answer_helps(_: Any, found: Found) -> None:
    assert found["verdict"].startswith("The penalty probably helps")
    mean, low, high, zero, careful_low, careful_high = numbers_in(found["verdict"])
    assert low < mean < high < 0
    assert careful_low < zero == 0 < careful_high


def answer_cannot_tell(page: Any, found: Found) -> None:
    assert found["verdict"].startswith("Too noisy to tell")
    _, low, high = numbers_in(found["verdict"])
    assert low < 0 < high
    assert table_of_path(page)[:, 1].argmin() > 5


def answer_no_difference(_: Any, found: Found) -> None:
    assert found["verdict"].startswith("The penalty makes no difference here: the held-out loss changes by")
    _, low, high, smallest = numbers_in(found["verdict"])
    assert max(abs(low), abs(high)) < smallest


def answer_zero(page: Any, found: Found) -> None:
    assert page.inner_text("#loop-lines li.now") == "optimizer.update_param(dense1)"
    assert "16 of 32 are, 1 more than before" in found["loop-did"]
    before, step, removed, after = page.evaluate(
        "[...document.querySelectorAll('.piece')].map((each) => each.querySelectorAll('tbody tr')[1].children[3].textContent)"  # noqa: E501
    )
    assert after == "0"
    assert float(before) + float(step) == pytest.approx(float(removed), abs=1e-5)
    assert float(before) != 0


ANSWERS: list[Callable[[Any, Found], None]] = [
    answer_point, answer_choice, answer_no_penalty, answer_training_loss, answer_end, answer_l1,
    answer_l2, answer_ceiling, answer_helps, answer_cannot_tell, answer_no_difference, answer_zero,
]  # fmt: skip


@pytest.mark.parametrize("number", range(1, 13))
def test_a_question_is_answered_on_the_screen(opened: Any, number: int) -> None:  # noqa: F811
    page = opened(f"ask={number}")
    trained(page)
    if number == 12:
        page.wait_for_selector("#loop-lines li.now")
        page.wait_for_timeout(300)
    assert page.evaluate(SHOWN, "ask").startswith(f"{number}. ")
    (asked,) = page.evaluate("[...document.querySelectorAll('.asked')].map((each) => each.checkVisibility())")
    assert asked
    assert not page.is_visible("#trouble")
    ANSWERS[number - 1](page, answers(page))


def test_a_question_leads_from_one_state_to_the_next_and_ends_with_a_change(opened: Any) -> None:  # noqa: F811
    page = opened(SMALL)
    trained(page)
    page.click("#questions summary")
    assert page.locator("#questions-list a").count() == 12
    page.click("#questions-list li:nth-child(9) a")
    page.wait_for_selector("#verdict.final.asked")
    page.wait_for_function("() => document.getElementById('verdict').textContent.includes('helps')")
    times = page.evaluate("document.documentElement.dataset.trained")
    page.click("#questions summary")
    page.click("#questions-list li:nth-child(3) a")
    page.wait_for_function("() => document.getElementById('shown').textContent === '0'")
    assert page.evaluate("document.documentElement.dataset.trained") == times  # the same path, at another strength
    assert page.evaluate("location.hash") == "#ask=3"
    page.focus("#set-bias")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#ask", state="hidden")
    page.wait_for_function("() => !location.hash.includes('ask=')")
    assert page.locator(".asked").count() == 0
