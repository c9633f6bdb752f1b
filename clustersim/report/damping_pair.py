"""One scenario with and without damping, key by key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clustersim.report.words import answer, percent
from clustersim.summary_keys import summary_keys

KEYS = (
    "mean_mw", "peak_mw", "trough_mw", "swing_mw", "max_ramp_up_mw_per_s", "max_ramp_down_mw_per_s",
    "band_energy_share", "band_amplitude_share", "harmonic_1_mw", "tokens_per_s", "iteration_time_s", "energy_mwh",
    "usd_per_million_tokens", "rules_failed",
)  # fmt: skip
COSTS = ("damping_energy_mwh", "damping_energy_share", "throughput_loss", "battery_cycles_per_year")
"""Keys that a run without damping has no use for."""
PLAN = (
    "tensor", "context", "pipeline", "virtual_stages", "schedule", "expert", "data", "sharding", "micro_batches",
    "recompute", "expert_overlap",
)  # fmt: skip
Row = tuple[str, str, str, str]


def pair_rows(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Row]:
    """Return meaning, value without and with damping, and the change of each key; then what damping costs.

    Parameters
    ----------
    before, after : mapping
        Summaries without and with damping.
    """
    rows = []
    for key in KEYS:
        one, two = before.get(key), after.get(key)
        rows.append((_meaning(key), answer(key, one), answer(key, two), _change(one, two)))
    return rows + [(_meaning(key), "-", answer(key, after.get(key)), "-") for key in COSTS]


def token_words(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return whether both runs make the same tokens in the span that is shown, and what of the pair is at equal tokens.

    Empty for a measured load, which makes none.
    """
    if before.get("tokens_per_s") is None or after.get("tokens_per_s") is None:
        return ""
    plan = "" if all(before.get(key) == after.get(key) for key in PLAN) else "The search found another plan for each. "
    if before["tokens_per_s"] == after["tokens_per_s"]:
        return f"{plan}Both make the same tokens in the same time."
    change = _change(before["tokens_per_s"], after["tokens_per_s"])
    return (
        f"{plan}Tokens in the same time change by {change}: curves and energy_mwh are at equal time, "
        "damping_energy_mwh and damping_energy_share at equal tokens."
    )


def _meaning(key: str) -> str:
    return f"{key}: {summary_keys()[key].meaning}"


def _change(before: float | None, after: float | None) -> str:
    if before is None or after is None or before == 0.0:
        return "-"
    text = percent(after / before - 1.0)
    return text if text.startswith("-") or text == "0 %" else f"+{text}"
