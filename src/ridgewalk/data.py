"""The old name of :mod:`ridgewalk.tables`, to be removed in ridgewalk 0.2."""

from __future__ import annotations

from typing import Any

from ridgewalk.tables import encode, read
from ridgewalk.warning import warn_deprecated

warn_deprecated("ridgewalk.data", "ridgewalk.tables")


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    public = name.removeprefix("_")
    return getattr(read, name) if hasattr(read, name) else getattr(encode, public)
