"""Kill ``ridgewalk fit`` at random moments, resume it until it ends, and compare the result with an unbroken run's.

python tools/kill_and_resume.py [--kills 20] [--seed 0]

Every trial is a result of its own: SIGKILL after a random share of the time that the unbroken run took, writing
included; then ``--resume`` with another number of threads, killed once more in a third of the trials, until it ends.
All files must be equal to the bit, inside of the model too. Exit code 1 where any is not.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from ridgewalk.storage import MODEL_FILE

OPTIONS = "--target sort --hidden 24,8 --alphas 12 --folds 3 --max-iter 250 --batch-size 64 --random-state 5"


def write_table(file: Path, rows: int = 1500) -> None:
    """Write a table with numbers, a category and missing values."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(rows, 8))
    frame = pd.DataFrame(x, columns=[f"x{k}" for k in range(8)])
    frame["town"] = generator.choice(["here", "there", "nowhere"], rows)
    frame["sort"] = np.digitize(x[:, 0] * x[:, 1] + (frame["town"] == "here") + generator.normal(size=rows), [-1, 1])
    frame.loc[::11, "x3"] = np.nan
    frame.to_csv(file, index=False)


def fit(table: Path, folder: Path, *more: str) -> list[str]:
    """Return the command that fits the table into a folder."""
    return [sys.executable, "-m", "ridgewalk", "fit", str(table), *OPTIONS.split(), "--out", str(folder), *more]


def killed(command: list[str], after: float) -> bool:
    """Run a command and kill it after so many seconds; whether it still ran."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.kill()
            return True
    return False


def contents(folder: Path) -> dict[str, bytes]:
    """Read a result, file by file; of a model its arrays, as it also says how many threads were asked for."""
    found = {}
    for file in sorted(folder.rglob("*")):
        if file.suffix == Path(MODEL_FILE).suffix:
            found |= {f"{file.name}: {name}": array.tobytes() for name, array in load_file(file).items()}
        else:
            found[file.name] = file.read_bytes() if file.is_file() else b""
    return found


def main() -> None:
    """Kill, resume, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as place:
        table, whole = Path(place, "table.csv"), Path(place, "whole")
        write_table(table)
        began = time.monotonic()
        subprocess.run(fit(table, whole, "-q"), check=True)
        took, expected, failed = time.monotonic() - began, contents(whole), 0
        print(f"Unbroken: {took:.1f} s, {len(expected)} files and arrays.")
        for trial in range(arguments.kills):
            folder = Path(place, f"killed-{trial}")
            # One moment in every part of the run, and a little beyond its end, so that writing is hit as well.
            after = (trial + chance.random()) / arguments.kills * 1.05 * took
            was_killed = killed(fit(table, folder, "-q"), after)
            kept = len(list(folder.glob(".unfinished/*.npy")))
            files = [each.name for each in sorted(folder.glob("[!.]*"))]
            again = trial % 3 == 0 and killed(fit(table, folder, "-q", "--resume", "--n-jobs", "1"), took / 2)
            began = time.monotonic()
            done = subprocess.run(
                fit(table, folder, "-q", "--resume", "--n-jobs", "1"), capture_output=True, text=True, check=False
            )
            found = contents(folder) if folder.exists() else {}
            other = [name for name in {*expected, *found} if expected.get(name) != found.get(name)]
            failed += done.returncode != 0 or bool(other)
            print(
                f"{trial + 1:3d}. {'killed' if was_killed else 'ended '} after {after:5.2f} s, {kept} records, "
                f"{len(files)} files written{'; killed again' if again else ''}; resumed in "
                f"{time.monotonic() - began:5.2f} s, exit code {done.returncode}: "
                f"{'DIFFERENT: ' + ', '.join(sorted(other)[:3]) if other else 'the same bits'}"
            )
    print(f"{arguments.kills - failed} of {arguments.kills} end with the bits of the unbroken run.")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
