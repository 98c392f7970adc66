"""Names are the field's words, and docstrings begin with what a function does.

Where an old name has to stand (a shim that still takes it, a key of an old file, the tests of both), the file is named
below. CHANGELOG.md, EXPERIMENTS.md, recorded results and decisions keep the words of their day.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = [path for name in ("src", "tests", "tools", "benchmarks", "examples") for path in (ROOT / name).rglob("*.py")]
PACKAGE = [path for path in PYTHON if path.is_relative_to(ROOT / "src")]
NATIVE = [*(ROOT / "src").rglob("*.hpp"), *(ROOT / "src").rglob("*.cpp")]
DOCS = [ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "derivations").glob("*.md")]

# Old names of classes, functions and variables, and what they are called now.
RENAMED = {
    "Walker": "fit_path", "Walk": "PathOptions", "walk": "schedule", "Route": "PathSettings", "Watch": "Progress",
    "Arm": "Candidate, ConditionScores", "Course": "TrainingCurve", "Record": "CheckpointStore", "Shelf": "ArrayStore",
    "Anything": "AnyArray", "ClassifierFace": "_ClassifierMixin", "_Face": "OutputSpec", "_hand_over": "_set_models",
    "_keep": "_set_fitted", "_go_on": "_partial_fit", "_course": "_refit_history", "_kinked": "_has_l1_kink",
    "_looks": "_HISTORY_POINTS", "Strengths": "StrengthPerLayer",
}  # fmt: skip
OF_THE_PATH = {"cells": "fold_seed_pairs"}  # a table has cells
VAGUE = dict.fromkeys(("some", "few", "way", "ways", "said", "told", "given"), "what it holds")
OF_THE_ENGINE = {
    "Bench": "Trainer", "Desk": "TileBuffer", "Crew": "ThreadPool", "Tape": "Pass", "Awake": "ActiveUnits",
    "Mover": "Updater",
}  # fmt: skip
BEGINNINGS = re.compile(r"(Give|Say|Tell|Walk|See that)\b")
METAPHORS = re.compile(
    r"\b([Ww]alk(s|ed|ing)?|divided by nothing|times in 21|(is|are) dead|asleep|shel(f|ves)|scikit-learn faces)\b"
)
RIDDLES = re.compile(  # in pages: what a reader has to decipher
    r"\b(so many (of|rows|steps|strengths|seeds|columns)|is what it takes|flatters?|as ever|no more and no less)\b"
)
SHIMS = {
    "src/ridgewalk/route.py", "src/ridgewalk/estimators/problem.py",  # take the old names until 0.2
    "src/ridgewalk/storage/records.py",  # reads files of format 3
    "src/ridgewalk/storage/path_records.py",  # the same
    "tests/test_old_names.py", "tests/test_language.py",
}  # fmt: skip
KEYS = ('"walk"', "ast.walk")  # a parameter's old name, and Python's own function


def place(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(text_of(path))))


def names(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and text of the variables, parameters, functions and classes of a Python file, attributes left out."""
    for node in nodes(path):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.keyword(arg=str(name)):
                yield node.lineno, name
            case ast.ImportFrom():
                yield from ((node.lineno, each.name) for each in node.names)


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and docstring of a module, its classes and its functions."""
    for node in nodes(path):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield node.body[0].lineno, text


def given_up(path: Path) -> dict[str, str]:
    """Return the names that a file must not use, and what to write instead."""
    package = path.relative_to(ROOT).parts[2] if path in PACKAGE else ""
    old = {} if place(path) in SHIMS else RENAMED
    vague = VAGUE if package else {}
    return old | vague | (OF_THE_PATH if package and package not in ("report", "tables") else {})


@pytest.mark.slow
def test_names_are_the_fields_words() -> None:
    found = []
    for path in PYTHON:
        old = given_up(path)
        found += [f"{place(path)}:{line}: {name} -> {old[name]}" for line, name in names(path) if name in old]
    assert not found, "\n".join(found)


def test_the_engines_names_are_the_fields_words() -> None:
    old = re.compile(rf"\b({'|'.join(OF_THE_ENGINE)})\b")
    found = [
        f"{place(path)}: {name} -> {OF_THE_ENGINE[name]}" for path in NATIVE for name in old.findall(text_of(path))
    ]
    assert not found, "\n".join(found)


def test_docstrings_begin_with_what_a_function_does() -> None:
    found = [f"{place(path)}:{line}: {text.splitlines()[0]}"
             for path in PYTHON for line, text in docstrings(path) if BEGINNINGS.match(text)]  # fmt: skip
    assert not found, "begin with Return, Describe, Check, Compute, ...:\n" + "\n".join(found)


def test_texts_have_no_metaphors() -> None:
    found = []
    for path in [*PYTHON, *NATIVE, *DOCS]:
        for number, line in enumerate(text_of(path).splitlines(), 1):
            rest = line if place(path) not in SHIMS else ""
            for key in KEYS:
                rest = rest.replace(key, "")
            if METAPHORS.search(rest):
                found.append(f"{place(path)}:{number}: {line.strip()}")
    assert not found, "\n".join(found)


def test_pages_have_no_riddles() -> None:
    found = [
        f"{place(path)}:{number}: {line.strip()}"
        for path in [ROOT / "README.md", *DOCS]
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if RIDDLES.search(line)
    ]
    assert not found, "\n".join(found)
