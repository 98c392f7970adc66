"""Laws of docs/extend.md: it names every file that an addition touches, and no file that is not there."""

import re
from pathlib import Path

import pytest

from ridgewalk.cli.commands import app

ROOT = Path(__file__).parents[1]
SOURCES = [*(ROOT / "src" / "ridgewalk").rglob("*.*"), *(ROOT / "tests").glob("test_*.py"), ROOT / "pyproject.toml"]
TEXTS = {
    file.relative_to(ROOT).as_posix().removeprefix("src/ridgewalk/"): file.read_text(encoding="utf-8")
    for file in SOURCES
    if file.suffix in (".py", ".hpp", ".cpp", ".js", ".html", ".toml") and file.name != "test_extend.py"
}
PAGE = (ROOT / "docs" / "extend.md").read_text(encoding="utf-8")
COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]

PANELS = {"held_out": "held-out", **{name: name for name in ("effects", "inputs", "network", "curves", "regions")}}
MEMBERS = {  # section: what each of its members is called, as patterns of which one is enough
    "A loss": [
        "CrossEntropy|cross_entropy",
        "BinaryCrossEntropy|binary_cross_entropy",
        "SquaredError|squared_error|squared",
        "AbsoluteError|absolute_error|absolute",
        "Huber|huber",
        "Poisson|poisson",
    ],
    "An activation": ["ReLU|relu", "LeakyReLU|leaky_relu", "Tanh|tanh", "Sigmoid|logistic|sigmoid", "GELU|gelu"],
    "A penalty": ["L1", "L2", "GroupLasso", "MCP", "GroupMCP"],
    "A penalty's family": [
        "ElasticNetPath|elasticnet",
        "GroupLassoPath|group_lasso",
        "MCPPath|mcp",
        "GroupMCPPath|group_mcp",
    ],
    "A solver": ["SGD|sgd", "Adam|adam", "AdaGrad|adagrad", "RMSProp|rmsprop", "AdamW|adamw"],
    "A solver's name": ["sgd", "adam", "lbfgs"],
    "A panel of the page": [f'{key}(?=: [A-Z]|": )|{name}-section(?=")' for key, name in PANELS.items()],
    "A command": COMMANDS,
}
NOT_ALL = {  # files that name all of a kind, and need no line for one more
    "lbfgs.py",
    "tests/test_memory.py",
}


def files_of(section: str) -> set[str]:
    """Return the files that a section of the page lists."""
    found = re.search(rf"^## {re.escape(section)}\n\nFiles: (.*?)\n\n", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, section
    return set(re.findall(r"`([\w/]+\.\w+)`", found[1]))


@pytest.mark.parametrize("kind", MEMBERS)
def test_every_file_that_names_all_members_is_listed(kind: str) -> None:
    patterns = [re.compile(rf"\b(?:{member})\b" if "(?=" not in member else member) for member in MEMBERS[kind]]
    touched = {name for name, text in TEXTS.items() if all(pattern.search(text) for pattern in patterns)}
    assert touched  # or the names are not those of the code
    assert touched - NOT_ALL <= files_of(kind.partition("'")[0])


@pytest.mark.parametrize("section", sorted({kind.partition("'")[0] for kind in MEMBERS}))
def test_every_file_that_is_listed_is_there(section: str) -> None:
    listed = files_of(section)
    assert len(listed) >= 3
    for name in listed:
        assert name in TEXTS or (ROOT / name).exists(), name


def test_members_that_the_laws_know_are_members_here() -> None:
    for section, module in (("A loss", "losses.py"), ("An activation", "layers.py"), ("A penalty", "penalties.py")):
        known = "|".join(MEMBERS[section])
        classes = re.findall(r"^class (\w+)(?:\(_\w+\))?:", TEXTS[module], re.MULTILINE)
        others = {"Dense", "Dropout", "LossFacts", "ElasticNet", "Sum"}
        new = {name for name in classes if not name.startswith("_")} - others
        assert new <= set(known.split("|")), f"{new}: add them to MEMBERS here, and mend the page"
