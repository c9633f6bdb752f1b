"""What overlays change of the shipped figures, as text and data."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from clustersim.catalog.differences import Difference, differences
from clustersim.catalog.listing import figure_text
from clustersim.report.words import columns

__all__ = ["diff_data", "diff_text", "differences"]
HEAD = ("figure", "shipped", "its band", "now", "its band", "change", "inside", "confidence")


def diff_text(found: Sequence[Difference]) -> str:
    """Return a table per entry, and how often the shipped band held the new value."""
    if not found:
        return "no figure differs from the shipped one"
    parts = []
    for (kind, name), group in groupby(found, key=lambda one: (one.kind, one.entry)):
        rows = [_row(one) for one in group]
        parts.append(f"{kind}: {name}\n{columns(HEAD, rows, left=1, widest=40)}")
    known = [one for one in found if one.expected is not None]
    inside = sum(bool(one.expected) for one in known)
    parts.append(
        f"{inside} of {len(known)} shipped bands hold the new value; {len(found) - len(known)} figures are new"
    )
    return "\n\n".join(parts)


def _row(one: Difference) -> tuple[str, ...]:
    old, new = one.shipped, one.laid
    was = ("-", "-") if old is None else (figure_text(old.value, old.unit), _band(old))
    change = "-" if one.change is None else f"{100 * one.change:+.1f} %"
    inside = {True: "yes", False: "no", None: "-"}[one.expected]
    return (one.figure, *was, figure_text(new.value, new.unit), _band(new), change, inside, str(new.confidence))


def _band(figure: Any) -> str:
    return f"{figure_text(figure.low, figure.unit)} .. {figure_text(figure.high, figure.unit)}"


def diff_data(found: Sequence[Difference]) -> dict[str, Any]:
    """Return the same as plain data, values in SI."""
    return {
        "differences": [
            {
                "kind": one.kind, "entry": one.entry, "figure": one.figure, "unit": one.laid.unit,
                "shipped": None if one.shipped is None else _plain(one.shipped), "now": _plain(one.laid),
                "change_percent": None if one.change is None else 100.0 * one.change, "inside": one.expected,
            }
            for one in found
        ]
    }  # fmt: skip


def _plain(figure: Any) -> dict[str, Any]:
    return {
        "value": figure.value, "low": figure.low, "high": figure.high, "confidence": str(figure.confidence),
        "source": figure.source, "note": figure.note,
    }  # fmt: skip
