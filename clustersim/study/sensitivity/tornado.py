"""One input at a time: what moving each input to either end of its range does to an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

COLUMNS = (
    "input", "low", "base", "high", "answer_low", "answer_base", "answer_high", "swing", "span", "elasticity",
)  # fmt: skip
END_COLUMNS = ("low", "high")


def tornado_table(
    ranges: Mapping[str, tuple[Any, Any, Any]], base: float | None, ends: Mapping[tuple[str, str], float | None]
) -> pd.DataFrame:
    """Return what each input does to one answer, the largest span first.

    Parameters
    ----------
    ranges : mapping of str to (low, base, high)
        By input; numbers or texts with a unit.
    base : float or None
        The answer with all inputs at their base.
    ends : mapping of (input, "low" or "high") to float or None
        The answer with one input at an end of its range, the others at their base; None where the point has no answer.

    Returns
    -------
    DataFrame
        Columns :data:`COLUMNS`. `swing` is the answer at the high end less that at the low end; null if either is.
        `span` is the largest less the smallest of the three answers, which is more than the swing where the answer has
        its least or its most within the range.
        `elasticity` is its central difference relative to the base: ``(swing / answer_base) / ((high - low) / base)``,
        for inputs that are numbers.
    """
    rows = []
    for name, (low, here, high) in ranges.items():
        below, above = (_number(ends.get((name, end))) for end in END_COLUMNS)
        swing = above - below
        answers = (below, _number(base), above)
        rows.append(
            (
                name,
                low,
                here,
                high,
                below,
                *answers[1:],
                swing,
                _span(answers),
                _elasticity(low, here, high, swing, base),
            )
        )
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    size = table["span"].fillna(-1.0)
    return table.iloc[np.argsort(-size.to_numpy(), kind="stable")].reset_index(drop=True)


def _span(answers: Sequence[float]) -> float:
    return float(np.ptp(answers))


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _elasticity(low: Any, here: Any, high: Any, swing: float, base: float | None) -> float:
    numbers = all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in (low, here, high))
    if not numbers or not base or not here or high == low:
        return np.nan
    return float((swing / base) / ((high - low) / here))
