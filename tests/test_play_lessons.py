"""Laws of the lessons: every number that they say is the native engine's, and so is every training; their file, their words."""  # noqa: E501

import re
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from in_node import PLAY, needs_node
from native_lessons import SAID, native_course, native_path, native_plain, right_share, run_lessons, said_of, table
from ridgewalk.engine import native
from ridgewalk.play import LARGEST, LESSONS, is_play_page, lessons_page, play_page
from test_play_engine import EXACT
from test_play_page import leads_elsewhere, policy_of, ridgewalk, sentences_of, wanted_policy

__all__ = ["ridgewalk"]
FOLDER = PLAY / "lessons"
TRAININGS: dict[str, Any] = table()["trainings"]
TRAIN_LONG = ("zeros", "lottery", "gap", "verdict")
slow = pytest.mark.slow


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train natively with vectors as long as a page's."""
    if EXACT not in native.levels():
        pytest.skip(f"this processor has no {EXACT}")
    monkeypatch.setenv(native.VARIABLE, EXACT)


@pytest.fixture(scope="module")
def page() -> str:
    return lessons_page()


@pytest.fixture(scope="module")
def in_page() -> dict[str, Any]:
    """Return every training as a page does it."""
    found: dict[str, Any] = run_lessons(
        "const found = {}; for (const name of Object.keys(table.trainings)) { const { data, problem, setup, networks, "
        "...rest } = await trained(pools, table, name); found[name] = rest; } return found;"
    )
    return found


@needs_node
@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("lesson", [pytest.param(name, marks=slow) if name in TRAIN_LONG else name for name in SAID])
def test_every_number_that_a_lesson_says_is_the_native_engines(lesson: str) -> None:
    assert table()["says"][lesson] == said_of(lesson)


def test_every_lesson_has_its_numbers() -> None:
    assert list(table()["says"]) == list(SAID)
    assert len(SAID) == LESSONS
    assert re.findall(r'^    key: "(\w+)"', (FOLDER / "lessons.js").read_text(encoding="utf-8"), re.MULTILINE) == list(
        SAID
    )


@slow
@needs_node
@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_in_a_page_is_the_native_engines(in_page: dict[str, Any], name: str) -> None:
    found = in_page[name]
    if TRAININGS[name]["kind"] == "path":
        _, path = native_path(name)
        of, choice = path.strength_table, path.choose()
        for theirs, ours in (
            ("heldoutLoss", of.heldout_loss), ("standardError", of.standard_error), ("trainLoss", of.train_loss),
            ("zeros", of.zeros),
        ):  # fmt: skip
            np.testing.assert_allclose(found[theirs], ours, atol=1e-6, err_msg=theirs)
        assert (found["minimum"], found["oneStandardError"]) == (choice.minimum, choice.one_standard_error)
        return
    if TRAININGS[name]["kind"] == "plain":
        weights = native_plain(name)
    else:
        course = native_course(name)
        weights = course.weights
        for theirs, ours in (("dataLoss", course.data_loss), ("penalty", course.penalty)):
            assert [report[theirs] for report in found["reports"]] == ours.tolist(), theirs
        if "fold" in TRAININGS[name]:
            assert found["reports"][-1]["right"] == right_share(name)
    for theirs, ours in zip(found["weights"], weights, strict=True):
        assert np.array_equal(np.array(theirs["values"], dtype=np.float32), ours.ravel())


def test_the_file_is_small_and_the_same_every_time(page: str) -> None:
    assert len(page.encode()) <= LARGEST
    assert lessons_page() == page
    assert page != play_page()


def test_its_policy_is_no_wider_than_the_playgrounds(page: str) -> None:
    assert policy_of(page) == wanted_policy(page)


def test_nothing_in_it_leads_elsewhere_or_runs_a_text(page: str) -> None:
    assert leads_elsewhere(page) == []


def test_no_chart_and_no_engine_stands_twice(page: str) -> None:
    names = re.findall(r"^(?:async )?function (\w+)", page, re.MULTILINE)
    names += re.findall(r"^const (\w+) =", page, re.MULTILINE)
    assert sorted(names) == sorted(set(names))


def test_every_sentence_has_both_languages_and_knows_its_numbers() -> None:
    english, chinese = sentences_of(FOLDER / "sentences.js")
    script = "".join((FOLDER / name).read_text(encoding="utf-8") for name in ("lessons.js", "school.js"))
    assert english.keys() == chinese.keys()
    own = dict(re.findall(r'key: "(\w+)".*?numbers: \{ (\w+):', script))
    for key, sentence in english.items():
        numbers, lesson = set(re.findall(r"\{(\w+)\}", sentence)), key.split("-")[0]
        assert numbers == set(re.findall(r"\{(\w+)\}", chinese[key])), key
        if lesson in SAID and "-is-" not in key and key != "verdict-answer":
            assert numbers <= {*table()["says"][lesson], own.get(lesson)}, key
    spoken = {number for sentence in english.values() for number in re.findall(r"\{(\w+)\}", sentence)}
    assert {number for said in table()["says"].values() for number in said} <= spoken  # none is written for nothing
    words = sentences_of(PLAY / "page" / "words.js")[0].keys() | english.keys()
    asked = set(re.findall(r"\bsay\(\"([\w-]+)\"", script + (FOLDER / "figures.js").read_text(encoding="utf-8")))
    asked |= set(re.findall(r'data-(?:say|label)="([\w-]+)"', (FOLDER / "lessons.html").read_text(encoding="utf-8")))
    assert asked <= words, asked - words
    for lesson in SAID:
        assert {f"{lesson}-{part}" for part in ("name", "short", "text", "ask", "first", "is-right")} <= words


def test_a_sentence_holds_no_number_that_it_could_have_asked_for() -> None:
    """Digits in a sentence name a thing (L1, layer 1, rate 1, lesson 6), and never a result."""
    allowed = r"\{\w+\}|L[12]|\|W[12]\||[12]-SE|1-SE|[Ll]ayer 1|rate 1|lesson \d|第 \d 课|学习率[为 ]*1|\+1|\u22121|0"
    for sentences in sentences_of(FOLDER / "sentences.js"):
        for key, sentence in sentences.items():
            assert not re.search(r"\d", re.sub(allowed, "", sentence)), key


def test_the_command_writes_them_and_opens_one(
    ridgewalk: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
) -> None:
    opened: list[str] = []

    def open_url(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", open_url)
    file = tmp_path / "ridgewalk-lessons.html"
    code, out, err = ridgewalk("play", "--lessons", "--no-open")
    assert (code, out) == (0, "")
    assert "To learn with: ridgewalk-lessons.html" in err
    assert file.read_text(encoding="utf-8") == page
    assert is_play_page(file)
    assert ridgewalk("play", "--lessons")[0] == 0
    assert ridgewalk("play", "--lesson", "3", "--out", "mine.html")[0] == 0
    assert opened == [file.as_uri(), (tmp_path / "mine.html").as_uri() + "#lesson=3"]
    code, _, err = ridgewalk("play", "--lesson", "9")
    assert code != 0
    assert "--lesson" in err
