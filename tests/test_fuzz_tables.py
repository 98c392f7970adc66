"""The fuzz of tables finds nothing in the package as it is, and a fault that is planted for each kind of column."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from amounts import amount


def tool() -> Any:
    """Import the tool by its path."""
    place = Path(__file__).parents[1] / "tools" / "fuzz_tables.py"
    found = importlib.util.spec_from_file_location("fuzz_tables", place)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules["fuzz_tables"] = module  # dataclasses look there for what their fields are
    found.loader.exec_module(module)
    return module


FUZZ = tool()
MOST = 40  # tables until a fault has to be found


@pytest.mark.slow
def test_a_hundred_tables_have_no_finding() -> None:
    tally = FUZZ.run(amount(25, 100), 0)
    assert not tally.findings, tally.report
    assert tally.whole >= FUZZ.FEWEST_PREDICTED * tally.total, tally.report


def test_a_fault_is_planted_for_every_kind() -> None:
    assert FUZZ.PLANTS.keys() == FUZZ.KINDS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("kind", FUZZ.KINDS)
def test_a_planted_fault_is_found(kind: Any) -> None:
    with FUZZ.planted(kind):
        tally = FUZZ.run(MOST, 0, kind, enough=1)
    ((seed, kinds, _),) = tally.findings
    assert kind in kinds
    assert not FUZZ.run(1, seed, kind).findings  # it is the fault that was found
