"""Designs side by side: every answer of every design, and what they differ in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from clustersim.errors import InputError
from clustersim.study.result import Result

QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "how fast does the job train, and what limits it": (
        "accelerators",
        "accelerators_used",
        "tokens_per_step",
        "iteration_time_s",
        "mfu",
        "tokens_per_s",
        "compute_fraction",
        "bubble_fraction",
        "exposed_comm_fraction",
        "wan_fraction",
        "memory_per_gpu_gb",
        "goodput",
        "interruptions",
        "mttf_h",
        "time_share_lost_work",
        "time_share_restart",
        "time_share_idle",
        "days_to_budget",
    ),
    "what does its power look like": (
        "mean_mw",
        "peak_mw",
        "trough_mw",
        "swing_mw",
        "it_computing_mw",
        "it_mean_mw",
        "it_mean_low_mw",
        "it_mean_high_mw",
        "it_bubble_mw",
        "it_peak_mw",
        "it_swing_mw",
        "it_swing_low_mw",
        "it_swing_high_mw",
        "provisioned_mw",
        "max_ramp_up_mw_per_s",
        "max_ramp_down_mw_per_s",
        "iteration_frequency_hz",
        "band_energy_share",
        "band_amplitude_share",
        "energy_mwh",
    ),
    "does the plant survive it": (
        "min_frequency_hz",
        "max_frequency_hz",
        "max_rocof_hz_per_s",
        "max_voltage_dip_pu",
        "pst",
        "modal_deviation_mhz",
        "resonance_margin",
        "torsional_pu",
        "island_min_frequency_hz",
        "island_max_frequency_hz",
        "island_max_rocof_hz_per_s",
        "grid_import_mean_mw",
        "generator_mean_mw",
        "cooling_heat_mw",
        "cooling_capacity_mw",
        "cooling_shortfall_mw",
        "pue",
        "rules_failed",
        "rules_not_judged",
    ),
    "what does damping cost": (
        "damping_energy_mwh",
        "damping_energy_share",
        "throughput_loss",
        "battery_cycles_per_year",
        "rack_storage_cycles_per_year",
        "psu_storage_cycles_per_year",
        "hybrid_capacitor_cycles_per_year",
        "hybrid_battery_cycles_per_year",
        "load_bank_energy_mwh",
        "unserved_share",
    ),
    "what does it cost": ("capex_usd", "tco_usd_per_h", "energy_usd", "usd_per_million_tokens"),
}
"""The planner's questions, in order, and the summary keys that answer each."""

UNITS: Mapping[str, str] = {
    "_mw_per_s": "MW/s",
    "_hz_per_s": "Hz/s",
    "_mwh": "MWh",
    "_mw": "MW",
    "_mhz": "mHz",
    "_hz": "Hz",
    "_pu": "pu",
    "_usd_per_h": "USD/h",
    "_usd": "USD",
    "usd_per_million_tokens": "USD",
    "_gb": "GB",
    "tokens_per_s": "1/s",
    "_days": "d",
    "days_to_budget": "d",
    "_per_year": "1/yr",
    "_time_s": "s",
}
"""Ending of a summary key -> unit; keys without one are dimensionless."""


def unit_of(key: str) -> str:
    """Return the unit of a summary key, from its ending; ``-`` when dimensionless."""
    return next((unit for ending, unit in UNITS.items() if key.endswith(ending)), "-")


def column_names(results: Sequence[Result]) -> list[str]:
    """Return one column name per result: its name, with the run's identity where two have the same name."""
    names = [result.name for result in results]
    return [n if names.count(n) == 1 else f"{n}-{r.run_id}" for n, r in zip(names, results, strict=True)]


def compare_table(results: Sequence[Result]) -> pd.DataFrame:
    """Return the answers of all designs.

    Parameters
    ----------
    results : sequence of Result
        Two or more; the first is what the others are compared with.

    Returns
    -------
    DataFrame
        Columns question, key, unit, one per design, and ``ratio``: last over first, where both are numbers.

    Raises
    ------
    InputError
        If there are fewer than two designs, or two are the same run.
    """
    if len(results) < 2:
        raise InputError(f"compare: expected at least two scenarios, found {len(results)}")
    if len({result.run_id for result in results}) < len(results):
        raise InputError("compare: two of the scenarios are the same run")
    names = column_names(results)
    rows = []
    for question, keys in QUESTIONS.items():
        for key in keys:
            if not any(key in result.summary for result in results):
                continue
            values = [result.summary.get(key) for result in results]
            row = {"question": question, "key": key, "unit": unit_of(key), **dict(zip(names, values, strict=True))}
            rows.append(row | {"ratio": _ratio(values[0], values[-1])})
    return pd.DataFrame(rows)


def _ratio(first: Any, last: Any) -> float | None:
    numbers = isinstance(first, (int, float)) and isinstance(last, (int, float))
    return last / first if numbers and first else None


def input_differences(results: Sequence[Result]) -> pd.DataFrame:
    """Return the inputs in which the designs differ.

    Returns
    -------
    DataFrame
        Columns key and one per design; provenance texts are left out.
    """
    names = column_names(results)
    flat = [_flatten(result.scenario) for result in results]
    keys = [key for key in dict.fromkeys(k for tree in flat for k in tree) if "provenance" not in key]
    rows = [
        {"key": key, **{name: tree.get(key, "-") for name, tree in zip(names, flat, strict=True)}}
        for key in keys
        if len({str(tree.get(key)) for tree in flat}) > 1
    ]
    return pd.DataFrame(rows, columns=["key", *names])


def _flatten(tree: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(tree, dict):
        return {k: v for key, value in tree.items() for k, v in _flatten(value, f"{prefix}{key}.").items()}
    if isinstance(tree, list):
        return {k: v for i, value in enumerate(tree) for k, v in _flatten(value, f"{prefix}{i}.").items()}
    return {prefix.rstrip("."): tree}
