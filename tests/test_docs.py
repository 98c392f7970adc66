"""What the documents say can be run, is run; what they point to is there."""

import doctest
import importlib.util
import inspect
import io
import os
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import ridgewalk
from ridgewalk import plots
from ridgewalk.cli import main
from ridgewalk.cli.bench import Task
from ridgewalk.cli.budget import SIZES, Size
from ridgewalk.cli.commands import app
from ridgewalk.play import lessons_page, play_page

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CHINESE = sorted((ROOT / "docs" / "zh").glob("*.md"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS: Any = app.registered_commands  # each of which has its function


def blocks(page: Any, language: Any) -> Any:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


EXAMPLES = [
    pytest.param(code, id=f"{page.name}-{number}")
    for page in PAGES
    if page not in CHINESE  # theirs are the same, and another test holds that
    for number, code in enumerate(blocks(page, "python"))
]


@pytest.mark.docs
@pytest.mark.parametrize("code", EXAMPLES)
def test_examples_run_and_show_something(code: Any, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(code, "example", "exec"), {})
    assert capsys.readouterr().out.strip()


@pytest.mark.docs
@pytest.mark.parametrize("name", [name for name in ridgewalk.__all__ if not name.startswith("__")])
def test_examples_of_docstrings_print_what_they_show(name: str) -> None:
    member = getattr(ridgewalk, name)
    tests = doctest.DocTestFinder(recurse=False).find(member, name, globs={})
    assert name in ("load", "save") or any(each.examples for each in tests)
    assert not sum(doctest.DocTestRunner().run(each).failed for each in tests)


def test_no_docstring_of_an_estimator_or_display_sends_its_reader_elsewhere() -> None:
    owners = [
        *(getattr(ridgewalk, name) for name in ridgewalk.__all__),
        *(getattr(plots, name) for name in plots.__all__),
    ]
    classes = [owner for owner in owners if inspect.isclass(owner)]
    assert ridgewalk.TableClassifier in classes
    own = [member for owner in classes for name, member in inspect.getmembers(owner) if not name.startswith("_")]
    for text in map(inspect.getdoc, [*classes, *own]):
        assert not re.search(r"^\s*As (for|of|from) [:`]", text or "", re.MULTILINE), text


def loose(text: str) -> tuple[list[str], list[float]]:
    """Return the words of a printed text, wherever its lines break, and its numbers."""
    number = r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?"
    return re.sub(number, "0", text).split(), [float(each.replace(",", "")) for each in re.findall(number, text)]


@pytest.mark.docs
def test_the_readmes_example_prints_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    ((code, shown),) = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert loose(printed)[0] == loose(shown)[0]
    assert loose(printed)[1] == pytest.approx(loose(shown)[1], rel=0.1, abs=0.01)  # by another instruction set


def test_the_readme_is_short_and_its_pictures_are_there() -> None:
    assert len(README.splitlines()) <= 130
    for page in (ROOT / "README.md", ROOT / "docs" / "zh" / "README.md"):
        pictures = re.findall(r'(?:src|srcset)="([^"]+)"', page.read_text(encoding="utf-8"))
        assert len(pictures) == 4
        assert all((page.parent / each).exists() for each in pictures)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Any) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert target.startswith("http") or (page.parent / target).exists(), target


def english(page: Any) -> Any:
    """Return the page that a Chinese page translates."""
    return ROOT / page.name if page.name == "README.md" else ROOT / "docs" / page.name


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: page.name)
@pytest.mark.parametrize("language", ["python", "sh"])
def test_chinese_pages_show_the_same_code(page: Any, language: Any) -> None:
    assert blocks(page, language) == blocks(english(page), language)


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: page.name)
def test_chinese_pages_hold_the_same_numbers(page: Any) -> None:
    def table(text: Any) -> Any:
        rows = re.findall(r"^\|.*\|$", text, re.MULTILINE)
        return [re.findall(r"[-+]?\d+(?:[.,]\d+)*(?:e-?\d+)?", row) for row in rows]

    def prose(text: Any) -> Any:  # in any order, for sentences turn round
        return sorted(re.findall(r"\d+[.,]\d+(?:[.,]\d+)*", text))

    ours, theirs = (each.read_text(encoding="utf-8") for each in (page, english(page)))
    assert table(ours) == table(theirs)
    assert prose(ours) == prose(theirs)


def test_every_picture_of_the_path_is_drawn_by_the_example_above_it() -> None:
    pictures: Any = import_module("pictures")
    page = pictures.PAGE.read_text(encoding="utf-8")
    drawn = [example["file"] for example in pictures.EXAMPLE.finditer(page)]
    assert drawn == re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page)
    assert {pictures.PAGE.parent / name for name in drawn} == set((pictures.PAGE.parent / "pictures").iterdir())
    assert all("display = " in example["code"] for example in pictures.EXAMPLE.finditer(page))


@pytest.mark.docs
def test_the_site_builds_strictly_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # Material's advertisement
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {
        path.relative_to(tmp_path).as_posix(): path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")
    }
    assert {
        "index.html",
        "start.html",
        "api.html",
        "zh/index.html",
        "decisions/0001-the-objective.html",
    } <= pages.keys()
    for name, page in pages.items():
        loaded = re.findall(r"<(?:script|img|iframe|source)[^>]+src=\"?([^\" >]+)", page)
        loaded += re.findall(r"<link[^>]+rel=\"?(?:stylesheet|preconnect|preload|icon)[^>]+href=\"?([^\" >]+)", page)
        assert not [address for address in loaded if re.match(r"(?:https?:)?//", address)], name
    for style in tmp_path.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", style.read_text(encoding="utf-8")), style
    assert pages["playground.html"] == play_page()
    assert pages["step-by-step.html"] == lessons_page()
    assert 'href="step-by-step.html"' in pages["lessons.html"]
    assert 'href="../step-by-step.html"' in pages["zh/lessons.html"]
    assert pages["play.html"].count('href="playground.html#ask=') == 12
    assert 'href="../playground.html"' in pages["zh/play.html"]
    assert "n_seeds" in pages["api.html"]  # the docstrings, put together as they are when imported
    assert "__dict__" not in pages["api.html"]
    assert (tmp_path / "search" / "search_index.js").exists()  # for search from a folder, with a stand-in for a worker
    pictures = re.findall(r'(?:src|srcset)="(page-pictures/[\w-]+\.png)"', pages["index.html"])
    assert len(pictures) == 4
    assert all((tmp_path / each).exists() for each in pictures)
    assert pages["start.html"].index("iframe-worker.js") < pages["start.html"].index("bundle")
    formulas = sum(page.read_text(encoding="utf-8").count("\n```math\n") for page in (ROOT / "docs").rglob("*.md"))
    assert sum(page.count('<div class="formula"><math') for page in pages.values()) == formulas > 10


def test_the_readmes_tree_is_the_tree() -> None:
    """The architecture page that the README links to is generated, and up to date."""
    command = [sys.executable, str(ROOT / "tools" / "architecture.py"), "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "docs/architecture.md" in (ROOT / "README.md").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    there = {path.stem for path in (ROOT / "src" / "ridgewalk").rglob("*.py")} - {"__init__"}
    assert there <= set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))


def test_the_readmes_commands_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    used = set(re.findall(r"ridgewalk (\w+)", "\n".join(re.findall(r"```sh\n(.*?)```", readme, re.DOTALL))))
    assert used == {"compare", "demo", "diagnose", "export", "fit", "predict"}
    assert used <= {command.name or command.callback.__name__ for command in COMMANDS}


def test_ci_runs_the_readmes_test_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^pip install '\.\[test\]' && .*?(?=  +#)", readme, re.MULTILINE)
    assert command == "pip install '.[test]' && pytest -m ''"  # '' so that no marker leaves a test out
    assert command == (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1]


@pytest.mark.docs
def test_the_commands_of_their_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ridgewalk.cli.demo.DEMO_EPOCHS", 100)
    monkeypatch.setattr("webbrowser.open", lambda _: True)
    monkeypatch.setattr("ridgewalk.cli.bench.TASKS", (Task("tiny", 40, 3, (4,), 3, 2),))
    subprocess.run([sys.executable, ROOT / "examples" / "write_tables.py"], check=True, capture_output=True)
    page = ROOT / "docs" / "command-line.md"
    for text in blocks(page, "toml"):
        named = re.match(r"# (\S+)", text)
        assert named is not None
        Path(named.group(1)).write_text(text, encoding="utf-8")
    run = set()
    for line in "".join(blocks(page, "sh")).splitlines():
        command, _, given = line.partition(" < ")
        monkeypatch.setattr(sys, "argv", shlex.split(command))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(given or os.devnull).read_bytes())))
        with pytest.raises(SystemExit) as ended:
            main()
        said, err = capsys.readouterr()
        assert not ended.value.code, f"{line}\n{err}"
        assert said or err, line
        run.add(sys.argv[1])
    assert run == {command.callback.__name__ for command in COMMANDS}


def test_the_grids_of_a_budget_are_those_of_their_page() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    assert [Size(*map(int, row)) for row in rows] == list(SIZES)


@pytest.mark.docs
def test_the_example_tables_are_written_and_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, ROOT / "examples" / "write_tables.py", tmp_path], check=True, capture_output=True)
    for name, target, task in (
        ("breast_cancer.csv", "target", "Classification"),
        ("people.parquet", "outcome", "Classification"),
        ("diabetes.csv", "target", "Regression"),
    ):
        command = ["ridgewalk", "fit", name, "-t", target, "--alphas", "3", "--max-iter", "30"]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr().out
        assert not ended.value.code
        assert said.startswith(task)
        assert "Chosen strength:" in said


SHOWN = re.findall(
    r"```sh\n(?:KERAS_BACKEND=torch )?python examples/(\w+\.py)\n```\n+```text\n(.*?)```",
    (ROOT / "docs" / "check.md").read_text(encoding="utf-8"),
    re.DOTALL,
)
NEEDS = {"check_lassonet.py": ["torch", "lassonet"], "check_keras.py": ["torch", "keras"]}


@pytest.mark.docs
@pytest.mark.parametrize(("script", "output"), SHOWN, ids=[script for script, _ in SHOWN])
def test_what_the_page_of_checks_shows_is_what_its_examples_print(script: Any, output: Any) -> None:
    for library in NEEDS.get(script, []):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not among the test dependencies")
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    command = [sys.executable, ROOT / "examples" / script]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    rounding = re.compile(r"\d(\.\d+)?e-(0[7-9]|1\d)|[ ]+")  # differs from machine to machine, and so do the columns
    assert rounding.sub(" ", done.stdout) == rounding.sub(" ", output)


def test_all_examples_of_checks_are_shown() -> None:
    assert {script for script, _ in SHOWN} == {path.name for path in (ROOT / "examples").glob("check_*.py")}


@pytest.mark.docs
def test_the_tutorials_experiment_runs() -> None:
    script = ROOT / "benchmarks" / "tutorial_experiment.py"
    command = [sys.executable, str(script), "--seeds", "2", "--epochs", "20"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "| 3000 | SGD, rate 1, momentum 0.5 | no penalty |" in done.stdout
    assert "paired by seed, 95% interval" in done.stdout
