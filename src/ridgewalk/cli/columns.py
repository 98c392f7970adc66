"""``ridgewalk columns``: how every column of a saved model's table was used."""

from __future__ import annotations

import json

from rich.markup import escape

from ridgewalk.cli.console import out
from ridgewalk.cli.files import kept
from ridgewalk.cli.options import AsJson, Model


def columns(model: Model, as_json: AsJson = False) -> None:
    """Describe every column of a model's table: its role and type, how it is encoded, or why it was left out."""
    from ridgewalk.tables.plan import described_columns

    _, encoder, target = kept(model)
    found, missing = encoder.plan(), list(encoder.missing_texts.texts)
    if as_json:
        rows = found.astype(object).where(found.notna(), None).to_dict("records")
        read_as = {name: getattr(encoder.read_as, name) for name in encoder.read_as.named}
        print(json.dumps({"target": target, "columns": rows, "missing": missing, "file": read_as}, indent=1))
        return
    out.print(escape(described_columns(found)), soft_wrap=True)
    if encoder.notes:
        out.print("\n" + escape("\n".join(encoder.notes)), soft_wrap=True)
    if missing:
        out.print(f"\nTexts that mean missing: {escape(', '.join(map(repr, missing)))}.", soft_wrap=True)
