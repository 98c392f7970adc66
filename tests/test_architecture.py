"""pytest -m '' checks everything: style, types and the direction of every import are tests too."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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
    rooms = "import sys, ridgewalk.path.fit, ridgewalk.path.selection, ridgewalk.check, ridgewalk.tutorial;"
    faces = " sys.exit(any(name in sys.modules for name in ('sklearn', 'pandas', 'rich', 'typer')))"
    assert subprocess.run([sys.executable, "-c", rooms + faces], check=False).returncode == 0
