"""Measure what the package's structure is held to, and say what is beyond its limit.

    python tools/structure.py               a table: today's figure, its limit, and the goal beside it
    python tools/structure.py --list        every place behind the figures
    python tools/structure.py --check       exit code 1 where a figure is beyond its limit, or a test was lost
    python tools/structure.py --record      write the ids of today's tests to tools/test_ids.txt
    python tools/structure.py --coverage    run every test, and hold branch coverage to COVERAGE (many minutes)

Figures come from the source text of src/ridgewalk (`ast`); tests are counted by letting pytest collect them.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "ridgewalk"
IDS = ROOT / "tools" / "test_ids.txt"
LONGEST, WIDEST = 60, 8  # lines of a function's body, parameters
RATES = {"learning_rate", "learning_rate_init"}
COVERAGE = 94.2  # percent of lines and branches together, a floor: what the quick tests alone once reached
# What is measured: the most that --check lets pass, and what is wanted. A limit above its goal is that of today.
LIMITS: dict[str, tuple[int, int | str]] = {
    "functions over 60 lines": (4, 4),
    "functions with more than 8 parameters": (0, 0),
    "places of the path's learning rate": (9, 9),
    "isinstance tests against losses": (3, 0),
    "private names used across packages": (0, 0),
    "dict[str, Any] in signatures called from elsewhere": (0, 0),
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module(NamedTuple):
    """A source file."""

    path: str
    package: str  # the package under ridgewalk that it belongs to
    tree: ast.Module

    def at(self, node: ast.expr | ast.stmt | ast.arg | ast.keyword, words: str) -> str:
        """Return where a node stands, and words on it."""
        return f"{self.path}:{node.lineno} {words}"


def modules() -> list[Module]:
    """Return every source file."""
    paths = sorted(SOURCE.rglob("*.py"))
    packages = [path.relative_to(SOURCE).parts[0].removesuffix(".py") for path in paths]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    return [Module(str(path.relative_to(ROOT)), *rest) for path, *rest in zip(paths, packages, trees, strict=True)]


def functions(tree: ast.Module) -> Iterator[tuple[Function, ast.ClassDef | None]]:
    """Yield every function, and the class in whose body it stands."""
    owner = {child: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for child in node.body}
    yield from ((node, owner.get(node)) for node in ast.walk(tree) if isinstance(node, Function))


def lines(node: Function) -> int:
    """Count the lines of a function from `def` to its end, without the docstring."""
    first = node.body[0]
    docstring = first.end_lineno - first.lineno + 1 if ast.get_docstring(node) is not None else 0
    return node.end_lineno - node.lineno + 1 - docstring


def parameters(node: Function) -> list[ast.arg]:
    """Return what a function takes, without the object it is a method of."""
    given = node.args
    taken = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, [given.vararg, given.kwarg])]
    return [each for each in taken if each.arg not in ("self", "cls")]


def estimators(every: list[Module]) -> set[str]:
    """Return the names of classes that are, or descend from, scikit-learn's BaseEstimator."""
    bases = {
        node.name: {ast.unparse(base).split(".")[-1] for base in node.bases}
        for module in every
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"BaseEstimator"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return found


def rates(module: Module) -> Iterator[str]:
    """Yield the places, from the command line to the engine, where the learning rate of a path is declared or set."""
    if module.package not in ("cli", "path") and not module.path.endswith("estimators/whole_path.py"):
        return
    for node in ast.walk(module.tree):
        name = ""
        if isinstance(node, ast.arg | ast.keyword):
            name = node.arg or ""
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            name = node.attr
        if name in RATES:
            yield module.at(node, f"{type(node).__name__} {name}")


def private_names(every: list[Module]) -> Iterator[str]:
    """Yield private names that are imported from, or used of, another package than that which defines them."""
    defined: dict[str, set[str]] = {}
    for module in every:
        for node in ast.walk(module.tree):
            if isinstance(node, Function | ast.ClassDef):
                name = node.name
            elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
                name = node.id if isinstance(node, ast.Name) else node.attr
            else:
                continue
            defined.setdefault(name, set()).add(module.package)
    for module in every:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ridgewalk"):
                package = [*node.module.split("."), ""][1]
                names = [each.name for each in node.names if package and package != module.package]
            elif isinstance(node, ast.Attribute):
                names = [node.attr] if module.package not in defined.get(node.attr, {module.package}) else []
            else:
                continue
            yield from (module.at(node, name) for name in names if re.match(r"_(?!_)", name))


def loose_signatures(every: list[Module]) -> Iterator[str]:
    """Yield functions that take or return a dict[str, Any], and whose name other modules use."""
    used = [
        {node.attr for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)}
        | {each.name for node in ast.walk(module.tree) if isinstance(node, ast.ImportFrom) for each in node.names}
        for module in every
    ]
    for number, module in enumerate(every):
        for node, _ in functions(module.tree):
            said = [each.annotation for each in parameters(node)] + [node.returns]
            if node.name.startswith("_"):
                continue  # a private name that another module has, too
            if any("dict[str, Any]" in ast.unparse(each) for each in said if each) and any(
                node.name in names for other, names in enumerate(used) if other != number
            ):
                yield module.at(node, node.name)


def figures() -> dict[str, list[str]]:
    """Return every figure's name and the places behind it."""
    every = modules()
    ours, losses = estimators(every), next(each for each in every if each.path.endswith("ridgewalk/losses.py"))
    kinds = {node.name for node in losses.tree.body if isinstance(node, ast.ClassDef)}
    found: dict[str, list[str]] = {name: [] for name in LIMITS}
    long, wide, rate, tested, private, loose = found.values()
    for module in every:
        for node, owner in functions(module.tree):
            if lines(node) > LONGEST:
                long.append(module.at(node, f"{node.name}, {lines(node)} lines"))
            constructs = node.name == "__init__" and owner is not None and owner.name in ours
            if len(parameters(node)) > WIDEST and not constructs:
                wide.append(module.at(node, f"{node.name}, {len(parameters(node))} parameters"))
        rate += rates(module)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
                names = {each.id for each in ast.walk(node.args[1]) if isinstance(each, ast.Name)}
                if names & kinds:
                    tested.append(module.at(node, ast.unparse(node)))
    private += private_names(every)
    loose += loose_signatures(every)
    return found


def collected() -> list[str]:
    """Return the id of every test, as pytest collects them."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", "-m", "", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return sorted(line for line in done.stdout.splitlines() if "::" in line)


def covered() -> float:
    """Return the percentage of lines and branches that every test together runs."""
    if not all(importlib.util.find_spec(name) for name in ("coverage", "pytest_cov")):
        sys.exit("coverage is not among the test dependencies: pip install coverage pytest-cov")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        options = ["--cov=ridgewalk", "--cov-branch", f"--cov-report=json:{report}"]
        settings = os.environ | {"COVERAGE_FILE": str(Path(folder) / "data")}
        command = [sys.executable, "-m", "pytest", "-q", "-m", "", *options]
        done = subprocess.run(command, cwd=ROOT, env=settings, check=False)
        if done.returncode:
            sys.exit("tests fail, so coverage says nothing")
        return float(json.loads(report.read_text(encoding="utf-8"))["totals"]["percent_covered"])


def main() -> None:
    """Measure, print, and compare with the limits if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="name every place")
    parser.add_argument("--check", action="store_true", help="exit code 1 beyond a limit")
    parser.add_argument("--record", action="store_true", help="record the ids of today's tests")
    parser.add_argument("--coverage", action="store_true", help="run every test, and measure branch coverage")
    options = parser.parse_args()
    beyond = []
    print(f"{'':52}{'today':>7}{'limit':>7}{'goal':>7}")
    for name, places in figures().items():
        limit, goal = LIMITS[name]
        print(f"{name:52}{len(places):7}{limit:7}{goal:7}")
        beyond += [f"{name}: {len(places)}, at most {limit}"] if len(places) > limit else []
        for place in places if options.list or len(places) > limit else []:
            print(f"    {place}")
    tests = collected()
    if options.record:
        IDS.write_text("".join(f"{each}\n" for each in tests), encoding="utf-8")
    recorded = IDS.read_text(encoding="utf-8").splitlines()
    lost = sorted((Counter(recorded) - Counter(tests)).elements())
    print(f"{'tests':52}{len(tests):7}{len(recorded):7}")
    for each in lost:
        print(f"    lost: {each}")
    beyond += [f"{len(lost)} tests were lost"] if lost else []
    if options.coverage:
        percent = covered()
        print(f"{'coverage of lines and branches, percent':52}{percent:7.2f}{COVERAGE:7.2f}")
        beyond += [f"coverage: {percent:.2f}%, at least {COVERAGE}%"] if percent < COVERAGE else []
    for each in beyond:
        print(f"beyond its limit: {each}")
    sys.exit(1 if options.check and beyond else 0)


if __name__ == "__main__":
    main()
