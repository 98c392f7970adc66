"""What the documents say can be run, is run; what they point to is there."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ridgewalk import cli

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLES = [
    pytest.param(code, id=f"{page.name}-{number}")
    for page in PAGES
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
]


@pytest.mark.parametrize("code", EXAMPLES)
def test_examples_run_and_show_something(code, capsys):
    exec(compile(code, "example", "exec"), {})
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert target.startswith("http") or (page.parent / target).exists(), target


def test_the_readmes_tree_is_the_tree():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^ +(\w+\.py) ", readme, re.MULTILINE))
    there = {path.name for path in (ROOT / "src" / "ridgewalk").rglob("*.py")} - {"__init__.py"}
    assert told == there


def test_the_readmes_commands_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    used = set(re.findall(r"ridgewalk (\w+)", "\n".join(re.findall(r"```sh\n(.*?)```", readme, re.DOTALL))))
    assert used == {"demo", "diagnose", "fit", "predict"}
    assert used <= {command.name or command.callback.__name__ for command in cli.app.registered_commands}


def test_ci_runs_the_readmes_test_command():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "pip install '.[test]' && pytest" in readme
    assert "pip install '.[test]' && pytest" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_example_tables_are_written_and_fit(tmp_path):
    subprocess.run([sys.executable, ROOT / "examples" / "write_tables.py", tmp_path], check=True, capture_output=True)
    for name, target, task in (
        ("breast_cancer.csv", "target", "Classification"),
        ("people.parquet", "outcome", "Classification"),
        ("diabetes.csv", "target", "Regression"),
    ):
        command = [sys.executable, "-m", "ridgewalk", "fit", name, "-t", target, "--alphas", "3", "--max-iter", "30"]
        done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
        assert done.stdout.startswith(task)
        assert "Chosen strength:" in done.stdout


SHOWN = re.findall(
    r"```sh\n(?:KERAS_BACKEND=torch )?python examples/(\w+\.py)\n```\n+```text\n(.*?)```",
    (ROOT / "docs" / "check.md").read_text(encoding="utf-8"),
    re.DOTALL,
)
NEEDS = {"check_lassonet.py": ["torch", "lassonet"], "check_keras.py": ["torch", "keras"]}


@pytest.mark.parametrize(("script", "output"), SHOWN, ids=[script for script, _ in SHOWN])
def test_what_the_page_of_checks_shows_is_what_its_examples_print(script, output):
    for library in NEEDS.get(script, []):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not among the test dependencies")
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    command = [sys.executable, ROOT / "examples" / script]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    rounding = re.compile(r"\d(\.\d+)?e-(0[7-9]|1\d)|[ ]+")  # differs from machine to machine, and so do the columns
    assert rounding.sub(" ", done.stdout) == rounding.sub(" ", output)


def test_all_examples_of_checks_are_shown():
    assert {script for script, _ in SHOWN} == {path.name for path in (ROOT / "examples").glob("check_*.py")}


def test_the_tutorials_experiment_runs():
    script = ROOT / "benchmarks" / "tutorial_experiment.py"
    command = [sys.executable, script, "--seeds", "2", "--epochs", "20"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "| 3000 | SGD, rate 1, momentum 0.5 | no penalty |" in done.stdout
    assert "paired by seed, 95% interval" in done.stdout
