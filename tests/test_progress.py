"""Laws of the progress bar."""

import io
import threading

from rich.console import Console

from ridgewalk import progress as module
from ridgewalk.engine.watch import Watch
from ridgewalk.progress import progress


def test_without_showing_there_is_only_a_watch(capsys):
    with progress("Walking", show=False) as watch:
        watch.total = 10
        watch.add(5)
    assert capsys.readouterr() == ("", "")


def test_a_log_gets_a_line_at_once_per_stage_and_per_quarter_and_the_time_left(monkeypatch):
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.01)
    console, watch, ended = Console(file=io.StringIO(), width=200), Watch(), threading.Event()
    poller = threading.Thread(target=module._poll_lines, args=(console, "Walking", watch, ended))
    poller.start()

    def wait_for(lines):
        for _ in range(500):
            if console.file.getvalue().count("\n") >= lines:
                break
            ended.wait(0.01)
        assert console.file.getvalue().count("\n") <= lines

    wait_for(1)
    watch.stage = "training"
    wait_for(2)
    watch.total = 8
    for _ in range(8):
        watch.add(1)
        wait_for(2 + (watch.done * 4 // 8 if watch.done < 8 else 3))
    ended.set()
    poller.join()
    lines = console.file.getvalue().splitlines()
    assert lines[:2] == ["Walking: 0 s", "Walking, training: 0 s"]
    assert [line.split(", ")[1] for line in lines[2:]] == ["training: 25%", "training: 50%", "training: 75%"]
    assert all("s left" in line for line in lines[2:])


def test_a_log_hears_of_what_takes_long(monkeypatch):
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(module, "_LONG_SECONDS", 0.05)
    console, watch, ended = Console(file=io.StringIO(), width=200), Watch(), threading.Event()
    poller = threading.Thread(target=module._poll_lines, args=(console, "Walking", watch, ended))
    poller.start()
    for _ in range(500):
        if console.file.getvalue().count("\n") >= 3:
            break
        ended.wait(0.01)
    ended.set()
    poller.join()
    assert console.file.getvalue().count("\n") >= 3


def test_a_terminal_gets_a_bar_that_goes_away(monkeypatch):
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.01)
    console, watch, ended = Console(file=io.StringIO(), force_terminal=True, width=100), Watch(), threading.Event()
    watch.total, watch.done = 4, 3
    poller = threading.Thread(target=module._poll_bar, args=(console, "Walking", watch, ended))
    poller.start()
    for _ in range(500):
        if "75%" in console.file.getvalue():
            break
        ended.wait(0.01)
    ended.set()
    poller.join()
    assert "75%" in console.file.getvalue()
    assert "left" in console.file.getvalue()
