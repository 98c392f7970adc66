"""pytest -m '' checks everything: style, types and the direction of every import are tests too."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ridgewalk

ROOT = Path(__file__).parents[1]

COMMANDS = {
    "ruff check": [sys.executable, "-m", "ruff", "check", "."],
    "ruff format": [sys.executable, "-m", "ruff", "format", "--check", "."],
    "mypy": [sys.executable, "-m", "mypy"],
    "import-linter": ["lint-imports", "--no-cache"],
}


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, id=name, marks=pytest.mark.slow if name == "mypy" else ())
        for name, command in COMMANDS.items()
    ],
)
def test_check(command: Any) -> None:
    if command[0] == "lint-imports":
        command = [str(Path(sys.executable).with_name(command[0])), *command[1:]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_ridgewalk_waits_for_no_face() -> None:
    slow = "import sys, ridgewalk; sys.exit(any(name in sys.modules for name in ('sklearn', 'pandas', 'rich')))"
    assert subprocess.run([sys.executable, "-c", slow], check=False).returncode == 0


def test_the_mathematics_waits_for_no_face() -> None:
    modules = "import sys, ridgewalk.path.fit, ridgewalk.path.selection, ridgewalk.check, ridgewalk.tutorial;"
    check = " sys.exit(any(name in sys.modules for name in ('sklearn', 'pandas', 'rich', 'typer')))"
    assert subprocess.run([sys.executable, "-c", modules + check], check=False).returncode == 0


def test_the_reference_engine_and_the_tutorial_need_no_compiled_module(tmp_path: Path) -> None:
    package = Path(ridgewalk.__file__).parent
    shutil.copytree(package, tmp_path / "ridgewalk", ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
    code = """
import numpy as np
import ridgewalk.tutorial
from ridgewalk import mlp_path
from ridgewalk.path import PathSettings

x = np.random.default_rng(0).normal(size=(40, 2))
given = {"alphas": 2, "cv": 2, "settings": PathSettings((3,), max_iter=3)}
print(mlp_path(x, x[:, 0], engine="reference", **given).engine)
try:
    mlp_path(x, x[:, 0], **given)
except ImportError as error:
    print(error)
"""
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "reference"
    assert "compiled engine is missing: install the package again" in done.stdout
