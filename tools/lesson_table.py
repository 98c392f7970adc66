"""Write the numbers that the lessons say into their table: each from networks that the native engine trains.

    python tools/lesson_table.py

Needs Node, which draws the rows as a page does, and a processor with x86-64-v2, whose bits are those of a page. The
trainings of the table are typed by hand; what the lessons say of them is not. tests/test_play_lessons.py holds one to
the other.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from ridgewalk.engine import native

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))


def main() -> None:
    """Replace what is said by what is found."""
    os.environ[native.VARIABLE] = "x86-64-v2"
    from native_lessons import SAID, TABLE, said_of

    text = TABLE.read_text(encoding="utf-8")
    lines = [f'    "{lesson}": {json.dumps(said_of(lesson))}' for lesson in SAID]
    begin = text.index('  "says": {')
    TABLE.write_text(text[:begin] + '  "says": {\n' + ",\n".join(lines) + "\n  }\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
