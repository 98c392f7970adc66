"""The text files that pages are assembled from, and the hashes of their scripts and styles."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files


def read_part(package: str, name: str) -> str:
    """Return the text of a file in the folder ``page`` of a package."""
    return files(package).joinpath("page", name).read_text(encoding="utf-8")


def source_of(text: str) -> str:
    """Return the digest by which a Content-Security-Policy allows one script, or one style, and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
