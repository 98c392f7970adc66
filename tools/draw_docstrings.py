"""Print public docstrings drawn at random, to read each beside NumPy's guide: shapes, units, raises, source.

python tools/draw_docstrings.py [--seed 22] [--count 30]
"""

import argparse
import ast
import random
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "ridgewalk"


def documented(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield name and docstring of the public classes, functions and methods below a node."""
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef) and not child.name.startswith("_"):
            name = f"{prefix}.{child.name}"
            if text := ast.get_docstring(child):
                yield name, text
            if isinstance(child, ast.ClassDef):
                yield from documented(child, name)


def public() -> list[tuple[str, str]]:
    """Return name and docstring of everything public in the package, sorted by module."""
    found: list[tuple[str, str]] = []
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        if not any(part.startswith("_") for part in parts if part != "__init__"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found += documented(tree, ".".join(part for part in parts if part != "__init__"))
    return found


def main() -> None:
    """Draw, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--count", type=int, default=30)
    options = parser.parse_args()
    every = public()
    for name, text in random.Random(options.seed).sample(every, min(options.count, len(every))):
        print(f"{name}\n\n    {text.replace(chr(10), chr(10) + '    ')}\n")


if __name__ == "__main__":
    main()
