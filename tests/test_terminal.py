"""Laws of the terminal: whatever a file holds, its text reaches the terminal as text."""

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ridgewalk import cli
from ridgewalk.terminal import Terminal, plain

OBEYED = [*map(chr, (*range(9), *range(11, 32), *range(127, 160))), *"\u202e\u2066\u200f\u2028\udc80"]
EVIL = "\x1b]0;x\x07\x1b[31m\x08\x9b31m\u202e[bold]"


def shown(*things: Any, **options: Any) -> Any:
    printed = io.StringIO()
    console = Terminal(file=printed, width=200, highlight=False, **options)
    for each in things:
        console.print(each)
    return printed.getvalue()


@pytest.mark.parametrize("character", OBEYED, ids=ascii)
def test_a_character_that_would_be_obeyed_is_written_out(character: Any) -> None:
    for thing in (f"a{character}b", Text(f"a{character}b")):
        assert plain(character) not in (character, "")
        assert character not in shown(thing)
    assert f"a{plain(character)}b" in shown(f"a{character}b")


def test_other_text_stays_as_it_is() -> None:
    assert plain("größe\t年 👩‍💻 نص\n") == "größe\t年 👩‍💻 نص\n"


def test_a_table_stands_straight() -> None:
    grid = Table(box=None)
    grid.add_column("x")
    grid.add_column("y")
    grid.add_row(escape(EVIL), "1")
    grid.add_row("plain", "2")
    lines = shown(grid).splitlines()
    assert plain(EVIL) in lines[1]
    assert lines[1].rindex("1") == lines[2].rindex("2")


def test_its_own_styles_are_kept() -> None:
    assert shown("[red]x[/]\x1b", force_terminal=True, color_system="standard") == "\x1b[31mx\x1b[0m\\x1b\n"


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Any:
    """Run a command in this process; give its exit code, and what it wrote to the system's streams."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: Any) -> Any:
        monkeypatch.setattr(sys, "argv", ["ridgewalk", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capfd.readouterr()

    return run


def test_no_command_lets_a_file_speak_to_the_terminal(tmp_path: Path, call: Any) -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({f"{EVIL}age": generator.normal(size=120), "town": generator.choice([EVIL, "there"], 120)})
    frame["y[/]"] = np.where(frame.iloc[:, 0] > 0, f"{EVIL}no", "yes")
    name = f"{EVIL}.csv"
    frame.to_csv(tmp_path / name, index=False)
    frame.assign(town=f"{EVIL}new").to_csv(tmp_path / "new.csv", index=False)
    frame.rename(columns={frame.columns[0]: "other"}).to_csv(tmp_path / "bad.csv", index=False)
    options = ("--target", "y[/]", "--hidden", "none", "--alphas", "3", "--folds", "2", "--n-jobs", "1")
    said: dict[str, Any] = {
        "fit": call("fit", name, *options, "--out", EVIL),
        "fit again": call("fit", name, *options, "--out", EVIL),
        "resume": call("fit", name, *options, "--out", EVIL, "--resume"),
        "target": call("fit", name, "--target", f"{EVIL}y"),
        "predict": call("predict", EVIL, "new.csv", "--out", f"{EVIL}p.csv"),
        "missing": call("predict", EVIL, "bad.csv"),
        "report": call("report", EVIL, "new.csv"),
        "export": call("export", EVIL, "--to", "numpy"),
        "diagnose": call("diagnose", name, *options, "--seeds", "1", "--no-references"),
        "compare": call("compare", EVIL, f"./{EVIL}"),
        "command": call(EVIL),
        "option": call("fit", name, f"--{EVIL}"),
        "file": call("fit", f"{EVIL}absent.csv", *options),
    }
    for command, (_, *streams) in said.items():
        assert not any(character in text for text in streams for character in OBEYED), command
        assert "Traceback" not in streams[1], command
    assert [code for code, *_ in said.values()] == [0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 2, 2, 1]
    assert f"{EVIL}no" in call("predict", EVIL, name, "-q")[1].replace('""', '"')  # data stays data
