"""Write docs/architecture.md: the layers that the import contracts hold, and every module with its first sentence.

    python tools/architecture.py            writes it
    python tools/architecture.py --check    exit code 1 where it is not what would be written

The tests check it, so it is true for as long as they pass.
"""

from __future__ import annotations

import argparse
import ast
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "ridgewalk"
PAGE = ROOT / "docs" / "architecture.md"
HEAD = """# The architecture

<!-- Written by `python tools/architecture.py` from pyproject.toml and the modules' first sentences. -->

This page lists the layers of the package and the purpose of every module.

Three classes describe the fitting of a path: a `PathProblem` is *what* is fitted (checked rows, folds, seeds),
`PathSettings` are *how* (network, penalty family, training), and a `Runner` is *where* (engine, threads, progress,
checkpoints). The rest are functions: `fit_path(problem, settings, alphas, runner) -> MLPPath`. All training goes
through one function, `train(job) -> Fits`.

## Layers

A module imports only from lines below its own, which the tests check. Modules in one line never import each other.

```
{layers}
```

Outside the package:

- `tests/`: one file per module; `test_architecture.py` runs ruff, mypy and import-linter.
- `benchmarks/`: the source of every figure in the documentation, with other libraries for comparison.
- `tools/`: checks that take longer than the tests, and scripts that write pictures, pages and wheels.
- `examples/`: tables to try the command line on; faults found in other libraries.
- `docs/`: the documentation, also as a site with the API; in Chinese: `docs/zh/`.

## Modules

{modules}
"""


def layers(contracts: list[dict[str, object]]) -> str:
    """Return the layers of the package, from the top, a line each."""
    whole = next(each for each in contracts if each.get("containers") == ["ridgewalk"])
    lines = whole["layers"]
    assert isinstance(lines, list)
    return "\n".join(str(line) for line in lines)


def first_sentence(module: Path) -> str:
    """Return the first line of a module's docstring."""
    words = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
    if not words:
        sys.exit(f"{module.relative_to(ROOT)} does not say what it is for: give it a docstring.")
    return words.split("\n\n")[0].replace("\n", " ")


def modules() -> str:
    """Return a table for the package, and one for each package inside it."""
    folders = [PACKAGE, *sorted(each.parent for each in PACKAGE.rglob("__init__.py") if each.parent != PACKAGE)]
    pieces = []
    for folder in folders:
        name = ".".join(folder.relative_to(PACKAGE.parent).parts)
        files = sorted(folder.glob("*.py"), key=lambda file: (file.name != "__init__.py", file.name))
        rows = [f"| `{file.stem.replace('__init__', name)}` | {first_sentence(file)} |" for file in files]
        pieces.append("\n".join([f"### {name}", "", "| module | |", "|---|---|", *rows]))
    return "\n\n".join(pieces)


def page() -> str:
    """Return the page as it should be."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return HEAD.format(layers=layers(project["tool"]["importlinter"]["contracts"]), modules=modules())


def main() -> None:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    if parser.parse_args().check:
        sys.exit(0 if PAGE.read_text(encoding="utf-8") == page() else f"{PAGE} is old: python tools/architecture.py")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
