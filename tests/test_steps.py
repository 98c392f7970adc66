"""A long check that was cut goes on where it was; what has not passed is done again."""

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

TOOLS = Path(__file__).parents[1] / "tools"
TESTS = """
import os
import pathlib
import pytest

@pytest.mark.parametrize("number", range(4))
def test_number(number):
    with pathlib.Path("ran").open("a") as file:
        file.write(f"{number} ")
    if number == 1:
        assert pathlib.Path("mended").exists()
    if number == 2 and not pathlib.Path("mended").exists():
        os._exit(3)  # as a kill would

@pytest.fixture
def late():
    yield
    assert pathlib.Path("mended").exists()

def test_that_fails_at_its_end(late):
    pass
"""


STEPS: Any = import_module("steps")


def test_what_has_passed_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIDGEWALK_STEPS", str(tmp_path / "notes"))
    notes = STEPS.Notes("tables")
    notes.note("first", {"total": 3})
    notes.note("second")
    assert STEPS.Notes("tables").passed == notes.passed == {"first": {"total": 3}, "second": None}
    assert not STEPS.Notes("files").passed


@pytest.mark.parametrize("cut", ["[", '["third"', '["third", 4]'])
def test_a_note_that_was_cut_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Any) -> None:
    monkeypatch.setenv("RIDGEWALK_STEPS", str(tmp_path))
    STEPS.Notes("tables").note("first", 1)
    with (tmp_path / "tables.jsonl").open("a", encoding="utf-8") as file:
        file.write(cut)
    notes = STEPS.Notes("tables")
    assert notes.passed == {"first": 1}
    notes.note("second", 2)
    assert STEPS.Notes("tables").passed == {"first": 1, "second": 2}


def test_without_a_folder_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RIDGEWALK_STEPS", raising=False)
    monkeypatch.chdir(tmp_path)
    STEPS.Notes("tables").note("first")
    assert not STEPS.Notes("tables").passed
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(shutil.which("git") is None, reason="notes of a commit need git")
def test_notes_belong_to_a_commit_and_to_what_was_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*words: Any) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=b", *words], cwd=tmp_path, check=True)

    monkeypatch.setattr(STEPS, "ROOT", tmp_path)
    monkeypatch.setenv("RIDGEWALK_LONG_STATE", str(tmp_path.parent / "state"))
    (tmp_path / "code").write_text("1")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    places = [STEPS.place()]
    for name, text in (("code", "2"), ("code", "3"), ("new", "1"), ("new", "2")):
        (tmp_path / name).write_text(text)
        places.append(STEPS.place())
    git("add", ".")
    git("commit", "-qm", "two")
    places.append(STEPS.place())
    assert len(set(places)) == 6
    assert {each.parent for each in places} == {tmp_path.parent / "state"}
    git("checkout", "-q", "HEAD~1")
    assert STEPS.place() == places[0]


@pytest.mark.slow
def test_tests_that_passed_are_left_out_and_others_run_again(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    settings: dict[str, Any] = os.environ | {"RIDGEWALK_STEPS": str(tmp_path / "notes"), "PYTHONPATH": str(TOOLS)}
    settings.pop("PYTEST_ADDOPTS", None)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "steps",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
    ]
    codes = []
    for mended in (False, False, True, True):
        if mended:
            (tmp_path / "mended").touch()
        codes.append(subprocess.run(command, cwd=tmp_path, env=settings, capture_output=True, check=False).returncode)
    assert codes == [3, 3, 0, 0]
    assert (tmp_path / "ran").read_text() == "0 1 2 1 2 1 2 3 "
