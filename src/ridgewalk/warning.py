"""Warnings that point to the caller's own line, deprecation warnings, and warnings as notes."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

REMOVED_IN = "0.2"


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called into the package, however deep the call is by now."""
    depth, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals["__name__"].startswith("ridgewalk."):
        depth, frame = depth + 1, frame.f_back
    warnings.warn(message, category, stacklevel=depth)


def warn_deprecated(old: str, new: str) -> None:
    """Warn that a name is deprecated, and what to write instead."""
    warn(f"{old} is called {new} now; the old name works until ridgewalk {REMOVED_IN}.", DeprecationWarning)


def with_new_names(names: dict[str, str], arguments: dict[str, object]) -> dict[str, object]:
    """Return keyword arguments with old names replaced by new ones.

    Parameters
    ----------
    names : dict
        Old name: new name.
    given : dict
        Keyword arguments.

    Warns
    -----
    DeprecationWarning
        For each old name.
    """
    for old in names.keys() & arguments.keys():
        warn_deprecated(f"{old}=", f"{names[old]}=")
    return {names.get(name, name): value for name, value in arguments.items()}


def renamed(names: dict[str, str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a constructor take keyword arguments by their old names, too; its signature has the new ones alone."""

    def decorate(construct: Callable[..., None]) -> Callable[..., None]:
        @wraps(construct)
        def accept(self: Any, *arguments: Any, **named: Any) -> None:
            construct(self, *arguments, **with_new_names(names, named))

        return accept

    return decorate


@contextmanager
def warnings_as_notes(notes: list[str]) -> Iterator[None]:
    """Add what is warned of while the block runs to notes, instead of printing it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    notes += [str(warning.message) for warning in caught]
