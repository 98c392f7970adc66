"""Laws of a fit that is broken off: it goes on from what had finished, to the same bits; a disk's no is a sentence."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ridgewalk import MLPRegressorCV, cli
from ridgewalk.cli import fit as fit_module
from ridgewalk.engine import compiled

COMMAND = ["fit", "table.csv", "--target", "y", "--hidden", "8", "--alphas", "5", "--max-iter", "60", "--folds", "3"]
RESULT = ("summary.json", "path.csv", "report.html")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command in a folder that holds table.csv; give its exit code and errors."""
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).normal(size=(120, 4))
    pd.DataFrame(x, columns=list("abcd")).assign(y=np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2]).to_csv("table.csv")

    def call(*arguments: Any) -> Any:
        monkeypatch.setattr(sys, "argv", ["ridgewalk", *map(str, arguments)])
        try:
            cli.main()
            code: Any = 0
        except SystemExit as end:
            code = end.code or 0
        return code, capsys.readouterr().err

    return call


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Numbers of runs that each job was really trained for."""
    counts: list[int] = []
    whole = compiled.train

    def spy(job: Any, *rest: Any) -> Any:
        counts.append(job.runs)
        return whole(job, *rest)

    monkeypatch.setattr(compiled, "train", spy)
    return counts


def raising(error: Any) -> Any:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


def full() -> Any:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def break_off(run: Any, monkeypatch: pytest.MonkeyPatch, name: Any = "draw", error: Any = None) -> Any:
    """Break a fit off where all is trained and part of it written."""
    with monkeypatch.context() as patch:
        patch.setattr(fit_module, name, raising(error or full()))
        return run(*COMMAND, "--out", "broken")


def assert_whole(tmp_path: Path, run: Any) -> None:
    """Compare with an unbroken run."""
    assert run(*COMMAND, "--out", "whole")[0] == 0
    names = [{file.name for file in (tmp_path / folder).iterdir()} for folder in ("broken", "whole")]
    assert names[0] == names[1]
    for name in RESULT:
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.slow
def test_killed_while_it_trains(run: Any, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ridgewalk", *COMMAND, "--out", "broken"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while len(list(tmp_path.glob("broken/.unfinished/*.npy"))) < 2 and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    code, err = run(*COMMAND, "--out", "broken", "--resume", "--n-jobs", "1")
    assert code == 0
    assert "Going on with the fit in broken." in err
    assert_whole(tmp_path, run)


@pytest.mark.slow
def test_a_full_disk_while_it_writes_loses_nothing_that_was_trained(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: Any
) -> None:
    code, err = break_off(run, monkeypatch)
    assert code == 1
    assert "The disk is full: there is no room for broken. Make room" in err
    assert "kept in broken/.unfinished" in err
    assert "--resume" in err
    assert "Traceback" not in err
    before = len(trained)
    assert before > 1
    code, err = run(*COMMAND, "--out", "broken", "--resume")
    assert code == 0
    assert "Going on with the fit in broken.\n" in err
    assert len(trained) == before
    assert_whole(tmp_path, run)


def test_a_full_disk_before_it_trains(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np.lib.format, "write_array", raising(full()))
    code, err = run(*COMMAND, "--out", "broken")
    assert code == 1
    assert "The disk is full" in err
    assert "kept" not in err
    assert not (tmp_path / "broken").exists()


@pytest.mark.slow
def test_a_disk_that_is_too_small(run: Any, tmp_path: Path) -> None:
    disk = tmp_path / "broken"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=192k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk takes rights that this user lacks")
    try:
        code, err = run(*COMMAND, "--out", "broken")
        assert code == 1
        assert "The disk is full" in err
        names = {file.name for file in disk.iterdir()}
        assert ".unfinished" in names
        assert "report.html" not in names
        assert not any(name.startswith(".unfinished-") for name in names)
        subprocess.run(["mount", "-o", "remount,size=32m", disk], check=True)
        assert run(*COMMAND, "--out", "broken", "--resume")[0] == 0
        assert_whole(tmp_path, run)
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize(
    ("number", "words"), [(errno.EROFS, "its file system is read-only"), (errno.EACCES, "permission is denied")]
)
def test_a_folder_that_takes_nothing(
    number: Any, words: Any, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pathlib.Path.mkdir", raising(OSError(number, os.strerror(number), "broken")))
    code, err = run(*COMMAND, "--out", "broken")
    assert code == 1
    assert err.startswith("Error: broken cannot be ")
    assert words in err
    assert not (tmp_path / "broken").exists()


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, err = break_off(run, monkeypatch, "save", KeyboardInterrupt())
    assert code == 130
    assert err.endswith(
        "Stopped. What had finished is kept in broken/.unfinished: the same command with --resume goes on from there.\n"
    )
    assert run(*COMMAND, "--out", "broken", "--resume")[0] == 0
    assert_whole(tmp_path, run)


def test_ctrl_c_before_anything_has_finished(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "train", raising(KeyboardInterrupt()))
    code, err = run(*COMMAND, "--out", "broken")
    assert code == 130
    assert err.endswith("Stopped; nothing was written.\n")
    assert not (tmp_path / "broken").exists()


@pytest.mark.slow
def test_what_was_broken_off_is_resumed_alike_or_not_at_all(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_off(run, monkeypatch)
    kept = {file.name: file.read_bytes() for file in (tmp_path / "broken" / ".unfinished").iterdir()}
    code, err = run(*COMMAND, "--out", "broken")
    assert code == 1
    assert "broken holds a fit that was broken off: give --resume to go on with it, --force to start afresh" in err
    code, err = run(*COMMAND, "--out", "broken", "--resume", "--seeds", "2")
    assert code == 1
    assert "broken holds a fit that was broken off, begun with seeds 1, not 2: give what it was begun with" in err
    assert "or --out broken --force instead of --resume to start afresh" in err
    code, err = run(*COMMAND, "--out", "broken", "--resume", "--hidden", "64,")
    assert code == 1
    assert ", not '64,': give" in err
    with (tmp_path / "table.csv").open("a") as table:
        table.write("120,1,1,1,1,1\n")
    code, err = run(*COMMAND, "--out", "broken", "--resume")
    assert code == 1
    assert "broken holds a fit that was broken off, begun with other data: " in err
    assert {file.name: file.read_bytes() for file in (tmp_path / "broken" / ".unfinished").iterdir()} == kept
    assert run(*COMMAND, "--out", "broken", "--resume", "--force") == (
        1, "Error: --resume goes on with what is there, --force replaces it: give one of them.\n",
    )  # fmt: skip
    assert run(*COMMAND, "--out", "broken", "--force")[0] == 0
    assert_whole(tmp_path, run)


def test_what_a_budget_chose_is_kept(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: Any) -> None:
    chosen: list[Any] = []

    def choose(_limit: Any, _began: Any, _problem: Any, options: Any, *_: Any) -> Any:
        chosen.append(replace(options, alphas="3", max_iter=30 + len(chosen)))
        return chosen[-1], "It was chosen."

    monkeypatch.setattr(fit_module, "fitted_into", choose)
    command = [*COMMAND, "--budget", "9s", "--out", "broken"]
    with monkeypatch.context() as patch:
        patch.setattr(fit_module, "draw", raising(full()))
        assert run(*command)[0] == 1
    before = len(trained)
    assert run(*command, "--resume", "--quiet") == (0, "")
    assert len(trained) == before
    assert len(chosen) == 1
    assert "It was chosen." in json.loads((tmp_path / "broken" / "summary.json").read_text())["notes"]


def test_a_finished_result_is_not_fitted_again(run: Any, trained: Any) -> None:
    code, err = run(*COMMAND, "--resume")
    assert code == 0
    assert "There is nothing to resume in ridgewalk-results/table: starting at the beginning.\n" in err
    before = len(trained)
    assert run(*COMMAND, "--resume") == (
        0, "ridgewalk-results/table holds the finished result: there is nothing to resume.\n",
    )  # fmt: skip
    assert len(trained) == before
    code, err = run(*COMMAND, "--resume", "--selection", "1se")
    assert code == 1
    assert "holds the finished result, begun with selection min, not 1se" in err


@pytest.mark.slow
def test_without_a_folder_the_newest_is_resumed_and_a_new_fit_says_what_it_leaves(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(fit_module, "draw", raising(full()))
        run(*COMMAND)
    code, err = run(*COMMAND)
    assert code == 0
    assert "Note: ridgewalk-results/table holds a fit that was broken off, and is left as it is" in err
    assert (tmp_path / "ridgewalk-results" / "table-2" / "summary.json").exists()
    (tmp_path / "ridgewalk-results" / "table-2" / "summary.json").write_text("{")
    code, err = run(*COMMAND, "--resume")
    assert code == 1
    assert "ridgewalk-results/table-2 holds the finished result, begun with other data" in err
    code, err = run(*COMMAND, "--resume", "--out", "ridgewalk-results/table")
    assert code == 0
    assert "Going on with the fit in ridgewalk-results/table.\n" in err


def test_a_memory_goes_on_with_a_fit(tmp_path: Path, trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(size=(80, 3))
    y = x[:, 0] * x[:, 1]

    def model(**changes: Any) -> Any:
        settings: dict[str, Any] = {
            "alphas": [0.001, 0.002],
            "cv": 3,
            "max_iter": 40,
            "random_state": 0,
            "checkpoint_dir": tmp_path / "runs",
        }
        return MLPRegressorCV((6,), **(settings | changes))

    with monkeypatch.context() as patch:
        patch.setattr("ridgewalk.path.fit.collect", raising(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            model().fit(x, y)
    whole, before = model(checkpoint_dir=None).fit(x, y), len(trained)
    resumed = model(n_jobs=2).fit(x, y)
    # What was broken off lacked the linear path, which is solved in no time, and what is stopped early.
    assert len(trained) == before + 1
    again = model().fit(x, y)
    assert len(trained) == before + 1
    for each in (resumed, again):
        np.testing.assert_array_equal(each.early_stopped_.outputs, whole.early_stopped_.outputs)
    for a, b in zip(whole.coefs_, resumed.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(whole.path_.heldout_loss, resumed.path_.heldout_loss)
    with pytest.raises(ValueError, match="give random_state a whole number"):
        model(random_state=None).fit(x, y)


@pytest.mark.slow
def test_force_and_resume_follow_no_link(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    for name in ("thesis.txt", "asked.json", "x.npy"):
        (precious / name).write_text("{}")
    for name, option in (("one", "--force"), ("two", "--resume")):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".unfinished").symlink_to(precious)
        (tmp_path / name / ".unfinished-summary.json").symlink_to(precious / "thesis.txt")
        (tmp_path / name / "path.csv").symlink_to(precious / "thesis.txt")
        assert run(*COMMAND, "--out", name, option)[0] == 0
        assert {file.name for file in (tmp_path / name).iterdir()} == {*RESULT, "model.safetensors"}
        assert not (tmp_path / name / "path.csv").is_symlink()
    assert {file.name: file.read_text() for file in precious.iterdir()} == dict.fromkeys(
        ("thesis.txt", "asked.json", "x.npy"), "{}"
    )
    break_off(run, monkeypatch)
    for name in ("grid.json", "x.npy"):
        (tmp_path / "broken" / ".unfinished" / name).mkdir()
    (tmp_path / "broken" / ".unfinished" / "y.npy").symlink_to(precious)
    assert run(*COMMAND, "--out", "broken", "--resume")[0] == 0
    assert len(list(precious.iterdir())) == 3


@pytest.mark.slow
def test_a_damaged_choice_of_a_budget_is_made_again(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_module, "fitted_into", lambda *given: (replace(given[3], alphas="3"), "It was chosen."))
    command = [*COMMAND, "--budget", "9s", "--out", "broken"]
    for damage in ("{", "[" * 10**5, '{"grid": {"alphas": 3}, "said": 1}', '{"grid": [1]}'):
        with monkeypatch.context() as patch:
            patch.setattr(fit_module, "draw", raising(full()))
            assert run(*command, "--force")[0] == 1
        (tmp_path / "broken" / ".unfinished" / "grid.json").write_text(damage)
        assert run(*command, "--resume", "--quiet") == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--resume", "--force", "--no-report"])
def test_one_fit_at_a_time_works_in_a_folder(option: Any, run: Any, tmp_path: Path) -> None:
    table = ["fit", "table.csv", "--target", "y", "--hidden", "64", "--alphas", "30", "--max-iter", "9000"]
    with subprocess.Popen([sys.executable, "-m", "ridgewalk", *table, "--out", "broken", "-q"]) as process:
        while not list(tmp_path.glob("broken/.unfinished/asked.json")) and process.poll() is None:
            time.sleep(0.001)
        code, err = run(*COMMAND, "--out", "broken", option)
        process.send_signal(signal.SIGKILL)
    assert code == 1
    assert "Error: Another fit works in broken at this moment: wait until it has ended, or give another --out." in err
    assert run(*COMMAND, "--out", "broken", "--force")[0] == 0  # a kill leaves no lock
    assert_whole(tmp_path, run)


def test_what_was_asked_is_written_into_the_summary(run: Any, tmp_path: Path) -> None:
    run(*COMMAND, "--out", "one")
    asked = json.loads((tmp_path / "one" / "summary.json").read_text())["asked"]
    assert asked["target"] == "y"
    assert asked["max_iter"] == 60
    assert len(asked["data"]) == 32
