"""The planner's questions: which summary keys answer each, and which way is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Better = Literal["lower", "higher"]

SPEED = "how fast does the job train, and what limits it"
POWER = "what does its power look like"
PLANT = "does the plant survive it"
DAMPING = "what does damping cost"
MONEY = "what does it cost"

_ASKED: Mapping[str, Mapping[str, Better | None]] = {
    SPEED: {
        "accelerators": None,
        "accelerators_used": None,
        "tokens_per_step": None,
        "iteration_time_s": None,
        "mfu": "higher",
        "tokens_per_s": "higher",
        "compute_fraction": "higher",
        "bubble_fraction": "lower",
        "exposed_comm_fraction": "lower",
        "wan_fraction": "lower",
        "memory_per_gpu_gb": None,
        "goodput": "higher",
        "interruptions": "lower",
        "mttf_h": "higher",
        "time_share_lost_work": "lower",
        "time_share_restart": "lower",
        "time_share_idle": "lower",
        "token_efficiency": "higher",
        "days_to_budget": "lower",
    },
    POWER: {
        "mean_mw": None,
        "peak_mw": None,
        "trough_mw": None,
        "swing_mw": "lower",
        "it_computing_mw": None,
        "it_mean_mw": None,
        "it_mean_low_mw": None,
        "it_mean_high_mw": None,
        "it_bubble_mw": None,
        "it_peak_mw": None,
        "it_swing_mw": "lower",
        "it_swing_low_mw": None,
        "it_swing_high_mw": None,
        "provisioned_mw": None,
        "max_ramp_up_mw_per_s": "lower",
        "max_ramp_down_mw_per_s": "lower",
        "iteration_frequency_hz": None,
        "band_energy_share": "lower",
        "band_amplitude_share": "lower",
        "energy_mwh": None,
    },
    PLANT: {
        "min_frequency_hz": "higher",
        "max_frequency_hz": "lower",
        "max_rocof_hz_per_s": "lower",
        "max_voltage_dip_pu": "lower",
        "pst": "lower",
        "modal_deviation_mhz": "lower",
        "resonance_margin": "higher",
        "torsional_pu": "lower",
        "island_min_frequency_hz": "higher",
        "island_max_frequency_hz": "lower",
        "island_max_rocof_hz_per_s": "lower",
        "grid_import_mean_mw": None,
        "generator_mean_mw": None,
        "cooling_heat_mw": None,
        "cooling_capacity_mw": None,
        "cooling_shortfall_mw": "lower",
        "pue": "lower",
        "wue_l_per_kwh": "lower",
        "rules_failed": "lower",
        "rules_not_judged": "lower",
    },
    DAMPING: {
        "damping_energy_mwh": "lower",
        "damping_energy_share": "lower",
        "throughput_loss": "lower",
        "battery_cycles_per_year": "lower",
        "rack_storage_cycles_per_year": "lower",
        "psu_storage_cycles_per_year": "lower",
        "hybrid_capacitor_cycles_per_year": "lower",
        "hybrid_battery_cycles_per_year": "lower",
        "load_bank_energy_mwh": "lower",
        "unserved_share": "lower",
    },
    MONEY: {
        "capex_usd": "lower",
        "capex_usd_per_gpu": "lower",
        "capex_usd_per_mw": "lower",
        "tco_usd_per_h": "lower",
        "tco_usd_per_gpu_hour": "lower",
        "tco_usd_per_mw_year": "lower",
        "tco_years_usd": "lower",
        "levelised_usd_per_gpu_hour": "lower",
        "energy_usd": "lower",
        "damping_usd_per_year": "lower",
        "stranded_mw": "lower",
        "stranded_usd": "lower",
        "replaced_parts_usd": "lower",
        "usd_per_million_tokens": "lower",
    },
}
"""Question -> key -> which way is better; None where more is neither better nor worse by itself."""


@dataclass(frozen=True)
class Key:
    """What is known about a summary key beside its value."""

    question: str
    """The planner's question that it answers."""
    better: Better | None
    """Which way is better, all else equal; None where that is not clear."""


KEYS: Mapping[str, Key] = {
    key: Key(question, better) for question, keys in _ASKED.items() for key, better in keys.items()
}
"""Every summary key that answers a question of the planner, in order."""

QUESTIONS: Mapping[str, tuple[str, ...]] = {question: tuple(keys) for question, keys in _ASKED.items()}
"""The planner's questions, in order, and the summary keys that answer each."""


def better_way(key: str) -> Better | None:
    """Return which way is better for a summary key; None where it is not clear, or the key answers no question."""
    known = KEYS.get(key)
    return None if known is None else known.better
