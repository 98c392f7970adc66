"""What the head of a page says of competitors: their held-out metrics, paired differences, and advice, as HTML.

It takes whatever a summary holds under "answer", and writes what it knows of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ridgewalk.formatting import format_loss
from ridgewalk.markup import element, table


def contest(answer: Mapping[str, Any]) -> str:
    """Write the competitors as a table, the differences beside them, and the advice as a list.

    Parameters
    ----------
    answer : mapping
        Of a summary: "competitors", "differences" and "advice", each optional.

    Returns
    -------
    str
        A piece of HTML without script or style.
    """
    return _competitors(answer) + _advice(answer)


def _competitors(answer: Mapping[str, Any]) -> str:
    """Write a row for each competitor, the model first."""
    rows = answer.get("competitors") or []
    if not rows:
        return ""
    metrics = list(dict.fromkeys(name for row in rows for name in row.get("metrics", {})))
    than = {each["than"]: each for each in answer.get("differences") or []}
    body = [
        (
            str(row["name"]),
            _estimate(row.get("loss")),
            *(_estimate(row.get("metrics", {}).get(name)) for name in metrics),
            _estimate(than[row["name"]].get("loss"), "+") if row["name"] in than else "",
            str(than[row["name"]].get("verdict") or "") if row["name"] in than else "",
        )
        for row in rows
    ]
    first = rows[0]["name"]
    return table(("held-out rows", "loss", *metrics, f"{first} less it", f"{first} is"), body, 0)


def _estimate(estimate: Mapping[str, Any] | None, sign: str = "") -> str:
    """Write a number and its standard error."""
    if not estimate or estimate.get("value") is None:
        return "-"
    error = estimate.get("standard_error")
    return format_loss(estimate["value"], sign=sign) + ("" if error is None else f" ± {format_loss(error)}")


def _advice(answer: Mapping[str, Any]) -> str:
    """Write what to do now."""
    advice = answer.get("advice") or []
    items = "".join(element("li", str(each["sentence"])) for each in advice)
    return f"<ul>{items}</ul>" if items else ""
