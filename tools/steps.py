"""Long checks go in steps, and what has passed is noted: one that was cut goes on where it was.

    python tools/steps.py           print the folder in which .ci/long keeps its notes of the files as they are

Where RIDGEWALK_STEPS names a folder, the notes of a tool are a file in it, a line for each step that has passed, with
what came of it; without, every step is done. As a plugin of pytest (``-p steps``) it leaves out tests that have passed,
by the notes that RIDGEWALK_TESTS names. .ci/long's folder is in RIDGEWALK_LONG_STATE, or .ci/long-state, by the commit
and what was changed since: notes say nothing about other code.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


class Notes:
    """What came of the steps that have passed, on disk as soon as they have.

    Parameters
    ----------
    name : str
        The file's; whatever else the outcome depends on, such as options, stands in the steps' names.
    """

    def __init__(self, name: str) -> None:
        folder = os.environ.get("RIDGEWALK_STEPS")
        self.file = Path(folder) / f"{name}.jsonl" if folder else None
        self.passed: dict[str, Any] = {}
        if self.file and self.file.exists():
            written = self.file.read_bytes()
            whole = written[: written.rfind(b"\n") + 1]  # the last line may have been cut
            if whole != written:
                self.file.write_bytes(whole)
            self.passed = dict(json.loads(line) for line in whole.splitlines())

    def note(self, step: str, found: Any = None) -> None:
        """Keep what came of a step that has passed."""
        self.passed[step] = found
        if self.file:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("a", encoding="utf-8") as file:
                file.write(json.dumps([step, found]) + "\n")


def place() -> Path:
    """Return the folder of .ci/long's notes of the files as they are."""

    def git(*words: str) -> bytes:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=True).stdout

    key = git("rev-parse", "HEAD").decode()[:12]
    if git("status", "--porcelain"):
        changed = hashlib.sha256(git("diff", "HEAD", "--binary"))
        for name in git("ls-files", "--others", "--exclude-standard", "-z").split(b"\0")[:-1]:
            changed.update(name + b"\0" + (ROOT / os.fsdecode(name)).read_bytes())
        key = f"{key}-{changed.hexdigest()[:12]}"
    return Path(os.environ.get("RIDGEWALK_LONG_STATE", ROOT / ".ci" / "long-state")).absolute() / key


class Tests:
    """Hooks of pytest: tests that have passed are left out, and the others noted as they pass."""

    def __init__(self) -> None:
        self.notes, self.failed = Notes(os.environ.get("RIDGEWALK_TESTS", "tests")), set[str]()

    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        """Leave out what has passed."""
        config.hook.pytest_deselected(items=[each for each in items if each.nodeid in self.notes.passed])
        items[:] = [each for each in items if each.nodeid not in self.notes.passed]

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note a test when its last phase has passed, as those before."""
        if report.failed:
            self.failed.add(report.nodeid)
        elif report.when == "teardown" and report.nodeid not in self.failed:
            self.notes.note(report.nodeid)

    def pytest_sessionfinish(self, session: Any, exitstatus: int) -> None:
        """Count it as success where nothing is left."""
        if exitstatus == 5 and self.notes.passed:
            session.exitstatus = 0


def pytest_configure(config: Any) -> None:
    """Add the hooks."""
    config.pluginmanager.register(Tests())


if __name__ == "__main__":
    print(place())
