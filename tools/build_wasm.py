"""Build the engine for a page, src/ridgewalk/play/engine.wasm.gz, from the sources of the native one.

    python tools/build_wasm.py             build it, and put it where the package keeps it
    python tools/build_wasm.py --check     build it elsewhere; exit code 1 where it is not the same, byte for byte

The compiler is Clang as the package ziglang brings it, in the version below: `pip install ziglang==0.17.1`. It writes
the same bytes on every machine. They are kept compressed, as a page carries them; compared are those of the engine.
"""

from __future__ import annotations

import argparse
import gzip
import re
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

VERSION = "0.17.1"
MOST_BYTES = 150 * 1000  # unpacked; it is kept compressed
ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "src/ridgewalk/engine/native"
KEPT = ROOT / "src/ridgewalk/play/engine.wasm.gz"
FLAGS = (
    "-target", "wasm32-wasi", "-mexec-model=reactor",
    "-Os",
    "-flto",
    "-s",
    "-std=c++20",
    "-msimd128",
    "-ffp-contract=off",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-vectorize",
    "-fno-slp-vectorize",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-Wl,--max-memory=2147483648",
)  # fmt: skip


def is_installed() -> bool:
    """Return whether the compiler is installed, in the version that the bytes are of."""
    try:
        return version("ziglang") == VERSION
    except PackageNotFoundError:
        return False


def constants(python: str) -> str:
    """Write the whole numbers of constants.py as a header, as CMakeLists.txt does."""
    found = re.findall(r"^([A-Z_]+) = (\d+)", python, flags=re.MULTILINE)
    lines = (f"constexpr int {name.lower()} = {number};" for name, number in found)
    return "\n".join(["#pragma once", "namespace ridgewalk::constants {", *lines, "}", ""])


def build(out: Path) -> None:
    """Compile the engine to a file.

    Raises
    ------
    subprocess.CalledProcessError
        If the compiler does not.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "constants.hpp").write_text(constants((ROOT / "src/ridgewalk/constants.py").read_text()))
        command = [
            sys.executable,
            "-m",
            "ziglang",
            "c++",
            *FLAGS,
            "-I",
            folder,
            "-I",
            ".",
            "-o",
            str(out),
            "browser.cpp",
        ]
        subprocess.run(command, cwd=SOURCES, check=True)


def main() -> None:
    """Build it, and keep or compare it."""
    parser = argparse.ArgumentParser(description="Build the engine for a page.")
    parser.add_argument("--check", action="store_true", help="compare with the file that is kept")
    arguments = parser.parse_args()
    if not is_installed():
        sys.exit(f"The compiler is missing, or another version of it: pip install ziglang=={VERSION}.")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "engine.wasm")
        build(out)
        built = out.read_bytes()
    kept = gzip.compress(built, mtime=0)
    print(f"{len(built):,} bytes, {len(kept):,} compressed")
    if len(built) > MOST_BYTES:
        sys.exit(f"The engine of a page has at most {MOST_BYTES:,} bytes: leave something out.")
    if not arguments.check:
        KEPT.write_bytes(kept)
    elif not KEPT.exists() or gzip.decompress(KEPT.read_bytes()) != built:
        sys.exit(
            f"{KEPT.relative_to(ROOT)} is not what its sources give: run python tools/build_wasm.py and commit it."
        )


if __name__ == "__main__":
    main()
