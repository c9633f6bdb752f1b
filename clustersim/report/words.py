"""Numbers as people read them: sensible digits, a unit, a fixed width of text."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from clustersim.summary_keys import unit_of

WIDTH = 98
"""Columns of the printed text."""
SHARES = ("mfu", "hfu", "goodput", "throughput_loss")
"""Summary keys that are shares without saying so in their ending."""
_EXACT_HZ = ("min_frequency_hz", "max_frequency_hz")


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with `digits` significant digits and thousands separated; ``-`` for none.

    Examples
    --------
    >>> number(232.384), number(1625), number(0.00256058), number(198144.0)
    ('232', '1,625', '0.00256', '198,144')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, int) or abs(value) >= 10.0**digits:
        return f"{value:,.0f}"
    if value == 0.0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    if decimals > 6:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{decimals}f}"


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: ``1 switch``, ``3 switches``."""
    ending = "" if count == 1 else "es" if noun.endswith(("s", "x", "ch", "sh")) else "s"
    return f"{number(count)} {noun}{ending}"


def percent(value: float | None) -> str:
    """Return a share as per cent."""
    return "-" if value is None else f"{number(100.0 * value)} %"


def dollars(value: float | None) -> str:
    """Return money with its magnitude: ``10.0 billion USD``."""
    if value is None:
        return "-"
    for size, word in ((1e9, "billion "), (1e6, "million ")):
        if abs(value) >= size:
            return f"{number(value / size)} {word}USD"
    return f"{number(value)} USD"


def answer(key: str, value: Any) -> str:
    """Return the value of a summary key as text with its unit."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if key in SHARES or key.startswith("time_share_") or key.endswith(("_share", "_fraction")):
        return percent(value)
    if key.endswith("_usd"):
        return dollars(value)
    text = f"{value:.3f}" if key.endswith(_EXACT_HZ) else number(value)
    unit = unit_of(key)
    return text if unit == "-" else f"{text} {unit}"


def short_answer(key: str, value: Any) -> str:
    """Return the same where there is little room: from a million on in millions, ``95.0 M/s``.

    Money and shares are short already.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) < 1e6 or key.endswith("_usd"):
        return answer(key, value)
    unit = unit_of(key)
    text = f"{number(value / 1e6)} M"
    if unit.startswith("1/"):
        return f"{text}{unit[1:]}"
    return text if unit == "-" else f"{text} {unit}"


def megawatts(value: float | None) -> str:
    """Return a power that is given in megawatts, with its unit."""
    return answer("mean_mw", value)


def wrapped(text: str, first: str = "  ", rest: str | None = None) -> str:
    """Return `text` in lines of at most :data:`WIDTH` columns."""
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=first if rest is None else rest)


def columns(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1, widest: int = 34) -> str:
    """Return rows as aligned text.

    Parameters
    ----------
    head : sequence of str
        Titles of the columns.
    rows : iterable of sequence of str
        Cells.
    left : int
        How many first columns are aligned to the left; the others to the right.
    widest : int
        Longer cells are cut, which an ellipsis shows.
    """
    table = [[cell if len(cell) <= widest else f"{cell[: widest - 1]}…" for cell in row] for row in (head, *rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    gap = " " * (2 if 2 + sum(widths) + 2 * len(widths) <= WIDTH else 1)
    lines = []
    for row in table:
        cells = [c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        lines.append(f"  {gap.join(cells)}".rstrip())
    return "\n".join(lines)


PLAN_KEYS = (
    "tensor", "context", "pipeline", "virtual_stages", "schedule", "expert", "data", "sharding", "micro_batches",
    "recompute", "expert_overlap",
)  # fmt: skip
"""Keys of a plan, in the order of its tables."""
