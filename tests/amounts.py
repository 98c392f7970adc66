"""How much a test does: usually enough to fail where the code is wrong; all there is where .ci/long asks for it."""

import os

import pytest

WHOLE = "RIDGEWALK_WHOLE_TESTS" in os.environ
long = pytest.mark.skipif(not WHOLE, reason="it takes long: .ci/long runs it")


def amount(usual: int, whole: int) -> int:
    """Return how many seeds, examples or tables a test goes through."""
    return whole if WHOLE else usual


def by_turns(number: int, of: int, turn: int) -> bool:
    """Return whether a case is done at this turn: usually one in ``of`` is, another each turn."""
    return WHOLE or (number + turn) % of == 0
