"""The fuzz of tables finds nothing in the package as it is, and a fault that is planted for each kind of column."""

from importlib import import_module
from typing import Any

import pytest

from amounts import amount

FUZZ: Any = import_module("fuzz_tables")
PLANTED: Any = import_module("planted_faults")
KINDS: Any = import_module("drawn_tables").KINDS
MOST = 40  # tables until a fault has to be found


@pytest.mark.slow
def test_a_hundred_tables_have_no_finding() -> None:
    tally = FUZZ.run(amount(25, 100), 0)
    assert not tally.findings, tally.report
    assert tally.whole >= FUZZ.FEWEST_PREDICTED * tally.total, tally.report


def test_a_fault_is_planted_for_every_kind() -> None:
    assert PLANTED.PLANTS.keys() == KINDS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_fault_is_found(kind: Any) -> None:
    with PLANTED.planted(kind):
        tally = FUZZ.run(MOST, 0, kind, enough=1)
    ((seed, kinds, _),) = tally.findings
    assert kind in kinds
    assert not FUZZ.run(1, seed, kind).findings  # it is the fault that was found
