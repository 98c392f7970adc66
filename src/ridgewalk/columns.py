"""The old name of :mod:`ridgewalk.tables.encode`, to be removed in ridgewalk 0.2."""

from __future__ import annotations

from typing import Any

from ridgewalk.tables import encode, encoder
from ridgewalk.warning import warn_deprecated

warn_deprecated("ridgewalk.columns", "ridgewalk.tables")


def __getattr__(name: str) -> Any:
    return getattr(encode, name) if hasattr(encode, name) else getattr(encoder, name)
