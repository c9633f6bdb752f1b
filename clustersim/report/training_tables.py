"""Tables of the training page: plans, refused plans, slow units, causes, ways between sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from clustersim.report.cross_site import NAMES
from clustersim.report.words import PLAN_KEYS, dollars, number, percent

HEADS = {
    "tensor": "tensor", "context": "context", "pipeline": "pipeline", "virtual_stages": "chunks",
    "schedule": "schedule", "expert": "expert", "data": "data", "sharding": "sharded", "micro_batches": "micro-batches",
    "recompute": "recompute", "expert_overlap": "exchange hidden",
}  # fmt: skip
"""Keys of a plan and what its column is called."""


def plans_table(plans: Sequence[Mapping[Any, Any]]) -> pd.DataFrame:
    """Return plans, the fastest first: time, MFU, memory, what binds, and the cut."""
    return pd.DataFrame(
        [
            {
                "plan": rank,
                "step [s]": _rounded(row["iteration_time_s"]),
                "MFU [%]": _rounded(100.0 * row["mfu"]) if "mfu" in row else None,
                "memory [GB]": _rounded(row["memory_gb"]),
                "million tokens/s": _rounded(row["tokens_per_s"] / 1e6),
                "what takes most from the products": row["binding"],
                **{HEADS[key]: row[key] for key in PLAN_KEYS},
                "accelerators": row["accelerators"],
            }
            for rank, row in enumerate(plans, 1)
        ]
    )


def refused_table(refused: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return plans that do not fit, the fastest first, each with the reason."""
    return pd.DataFrame(
        [
            {
                "reason": row["reason"],
                "step [s]": _rounded(row["iteration_time_s"]),
                "memory [GB]": _rounded(row["memory_gb"]),
                **{HEADS[key]: row[key] for key in PLAN_KEYS},
                "accelerators": row["accelerators"],
            }
            for row in refused
        ]
    )


def slowest_table(units: Mapping[str, Any]) -> pd.DataFrame:
    """Return the units that are through last."""
    return pd.DataFrame(
        [
            {
                "unit": row["unit"],
                "site": row["site"],
                "hall": row["hall"],
                "through after [s]": _rounded(row["end_s"], 6),
                "behind the median [ms]": _rounded(1e3 * row["behind_median_s"]),
                "its slowest stage against the typical": _rounded(row["slowness"], 5),
            }
            for row in units["slowest_units"]
        ]
    )


def stages_table(stages: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return layers, time at work and memory of every stage."""
    return pd.DataFrame(
        [
            {
                "stage": row["stage"],
                "layers": row["layers"],
                "at work [s]": _rounded(row["busy_s"], 4),
                "memory [GB]": _rounded(row["memory_gb"]),
                "weights": _rounded(row["weights_gb"]),
                "gradients": _rounded(row["gradients_gb"]),
                "optimizer": _rounded(row["optimizer_gb"]),
                "activations": _rounded(row["activations_gb"]),
                "working": _rounded(row["working_gb"]),
            }
            for row in stages
        ]
    )


def causes_table(causes: pd.DataFrame) -> pd.DataFrame:
    """Return what interrupted the job or took its time, the largest loss first."""
    return pd.DataFrame(
        [
            {
                "cause": str(row["cause"]).replace("_", " "),
                "interruptions": int(row["interruptions"]),
                "one in [h]": _rounded(row["mttf_h"]),
                "lost [h]": _rounded(row["lost_s"] / 3600.0),
            }
            for row in causes.sort_values("lost_s", ascending=False, kind="stable").to_dict("records")
        ]
    )


def ways_table(between: Mapping[str, Any]) -> pd.DataFrame:
    """Return the ways of keeping sites together: what each needs, and what a step waits with the fibre there is."""
    return pd.DataFrame(
        [
            {
                "kept together by": NAMES[way["method"]],
                "every [steps]": _rounded(way["period_steps"]),
                "bits": _rounded(way["bits"]),
                "mean [Gbit/s]": _rounded(way["mean_gbit_s"]),
                "peak [Gbit/s]": _rounded(way["peak_gbit_s"]),
                "hidden from [Gbit/s]": _rounded(way["needed_gbit_s"]),
                "a step waits [ms]": _rounded(1e3 * way["exposed_s"]),
                "compute utilisation [%]": _rounded(100.0 * way["compute_utilisation"]),
                "published change of the loss [%]": _rounded(way["published_loss_change_percent"]),
            }
            for way in between["ways"]
        ]
    )


def cuts_table(between: Mapping[str, Any]) -> pd.DataFrame:
    """Return what the loss of fibre does, the worst first."""
    return pd.DataFrame(
        [
            {
                "route": " - ".join(cut["route"]),
                "lost": percent(cut["lost_share"]),
                "what follows": "sites parted: a synchronous job stops" if cut["parted"] else _detour(cut),
                "one way [us]": _rounded(None if cut["one_way_s"] is None else 1e6 * cut["one_way_s"]),
                "left [Gbit/s]": _rounded(cut["bandwidth_gbit_s"]),
                "step [s]": _rounded(cut["step_s"], 4),
            }
            for cut in between["cuts"]
        ]
    )


def _detour(cut: Mapping[str, Any]) -> str:
    if len(cut["path"]) > 2:
        return f"by way of {', '.join(cut['path'][1:-1])}"
    return "over its second way" if cut["second_way"] else "less bandwidth"


def fibre_table(between: Mapping[str, Any]) -> pd.DataFrame:
    """Return what the fibre of every route costs."""
    return pd.DataFrame(
        [
            {
                "route": " - ".join(cost["route"]),
                "length [km]": _rounded(cost["length_km"]),
                "fibre pairs": cost["fibre_pairs"],
                "capacity [Gbit/s]": _rounded(cost["capacity_gbit_s"]),
                **{
                    title: f"{dollars(cost[key]['value'])} ({number(cost[key]['low'] / 1e6)} to "
                    f"{number(cost[key]['high'] / 1e6)} million)"
                    for key, title in (("underground_usd", "to dig"), ("transceivers_usd", "transceivers"))
                },
            }
            for cost in between["costs"]
        ]
    )


def _rounded(value: float | None, digits: int = 4) -> float | None:
    """Return a number with so many significant digits."""
    return None if value is None else float(f"{value:.{digits}g}")
