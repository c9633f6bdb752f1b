"""Where the time of the job went: keys of the summary and tables of the result."""

from __future__ import annotations

from typing import Any

import pandas as pd

from clustersim.operation import Timeline
from clustersim.operation.accounts import CATEGORIES
from clustersim.units import HOUR_S

TIME_SHARES = tuple(f"time_share_{category}" for category in CATEGORIES)
"""Keys of the summary; their sum, rounded once, is 1 exactly."""
NO_INTERRUPTION = "nothing interrupted the job over the horizon"
ACCOUNT_COLUMNS = ("category", "cause", "seconds", "share")
CAUSE_COLUMNS = ("cause", "interruptions", "mttf_h", "lost_s")


def operation_keys(timeline: Timeline, reasons: dict[str, str]) -> dict[str, Any]:
    """Return the keys about the job's time; adds the reason of a key without a value to `reasons`.

    ``mttf_h`` is the mean time between two interruptions: horizon over their number, standstills included.
    """
    keys: dict[str, Any] = {
        "goodput": timeline.goodput,
        "interruptions": timeline.interruptions,
        "mttf_h": _mttf_h(timeline, timeline.interruptions),
    }
    if keys["mttf_h"] is None:
        reasons["mttf_h"] = NO_INTERRUPTION
    return keys | dict(zip(TIME_SHARES, (timeline.accounts.shares[name] for name in CATEGORIES), strict=True))


def accounts_table(timeline: Timeline) -> pd.DataFrame:
    """Return the time by category and cause: category, cause, seconds [s] and share of the horizon [-]."""
    rows = [
        (category, cause, seconds, seconds / timeline.horizon_s)
        for (category, cause), seconds in timeline.accounts.seconds.items()
    ]
    return pd.DataFrame(rows, columns=list(ACCOUNT_COLUMNS))


def causes_table(timeline: Timeline) -> pd.DataFrame:
    """Return by cause how often it interrupted the job, the mean time between [h], and the time that it cost [s].

    Causes that took time without an interruption, such as checkpoints, stand behind those that interrupted, with none.
    """
    struck = timeline.interruptions_by_cause
    names = dict.fromkeys((*struck, *timeline.lost_s))
    rows = [
        (cause, struck.get(cause, 0), _mttf_h(timeline, struck.get(cause, 0)), timeline.lost_s.get(cause, 0.0))
        for cause in names
    ]
    return pd.DataFrame(rows, columns=list(CAUSE_COLUMNS)).astype({"mttf_h": "float64", "lost_s": "float64"})


def _mttf_h(timeline: Timeline, count: int) -> float | None:
    return timeline.horizon_s / HOUR_S / count if count else None
