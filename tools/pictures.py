"""Draw the pictures of docs/pictures.md: run every example, and save what it drew under the name that follows it.

python tools/pictures.py
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import pyplot as plt

PAGE = Path(__file__).resolve().parents[1] / "docs" / "pictures.md"
EXAMPLE = re.compile(r"```python\n(?P<code>.*?)```\n\n!\[[^\]]*\]\((?P<file>[^)]+)\)", re.DOTALL)


def main() -> None:
    """Draw all of them."""
    matplotlib.use("Agg")
    for example in EXAMPLE.finditer(PAGE.read_text(encoding="utf-8")):
        space: dict[str, Any] = {}
        exec(compile(example["code"], example["file"], "exec"), space)
        space["display"].figure_.savefig(PAGE.parent / example["file"], dpi=100, metadata={"Software": None})
        plt.close("all")


if __name__ == "__main__":
    main()
