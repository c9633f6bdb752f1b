"""What shares the cluster with the job, as a load of the sites: its mean, its day, how full the cluster is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from clustersim.operation.fleet_records import FleetRecord
from clustersim.power.damped import Floats
from clustersim.units import DAY_S

HOURS = 24
MW = 1e6
NO_FLEET = "the job has the cluster alone (operation.fleet is not given)"
FLEET_KEYS = ("others_mean_mw", "others_day_low_mw", "others_day_high_mw", "fleet_utilisation")
"""Keys of the summary about what shares the cluster."""


def others_w(record: FleetRecord) -> dict[str, float]:
    """Return the mean IT power of everything but the main job at each site, above that of idle servers. [W]"""
    table = record.beside
    joules = (table["t_end_s"] - table["t_start_s"]) * table["it_w"]
    return {str(site): float(part.sum()) / record.horizon_s for site, part in joules.groupby(table["site"], sort=False)}


def daily_w(record: FleetRecord) -> Floats:
    """Return the same of all sites in each hour of the day, in the mean over the days. [W], shape (24,)

    The hours are of universal time, from the beginning of the horizon. An hour that the horizon never reaches has the
    value of the first.
    """
    joules, seconds = np.zeros(HOURS), np.zeros(HOURS)
    length = DAY_S / HOURS
    edges = np.arange(0.0, record.horizon_s + length, length)
    for _, part in record.beside.groupby("site", sort=False):
        energy = _energy_j(part, np.minimum(edges, record.horizon_s))
        np.add.at(joules, np.arange(energy.size) % HOURS, energy)
    spans = np.diff(np.minimum(edges, record.horizon_s))
    np.add.at(seconds, np.arange(spans.size) % HOURS, spans)
    mean = np.divide(joules, seconds, out=np.zeros(HOURS), where=seconds > 0.0)
    return np.where(seconds > 0.0, mean, mean[0])


def _energy_j(steps: pd.DataFrame, edges: Floats) -> Floats:
    """Return the integral of a step function between edges. [J]"""
    corners = np.concatenate((steps["t_start_s"].to_numpy(), [steps["t_end_s"].iloc[-1]]))
    watts = steps["it_w"].to_numpy()
    summed = np.concatenate(([0.0], np.cumsum(watts * np.diff(corners))))
    return np.asarray(np.diff(np.interp(edges, corners, summed)))


def fleet_keys(record: FleetRecord | None, reasons: dict[str, str]) -> dict[str, Any]:
    """Return the keys about what shares the cluster; adds the reason where nothing does."""
    if record is None:
        reasons |= dict.fromkeys(FLEET_KEYS, NO_FLEET)
        return dict.fromkeys(FLEET_KEYS)
    day = daily_w(record)
    return {
        "others_mean_mw": sum(others_w(record).values()) / MW,
        "others_day_low_mw": float(day.min()) / MW,
        "others_day_high_mw": float(day.max()) / MW,
        "fleet_utilisation": record.utilisation,
    }


def fleet_warnings(record: FleetRecord) -> tuple[str, ...]:
    """Return what a reader of the result must know of the fleet."""
    day = daily_w(record) / MW
    return (
        f"operation.fleet: everything beside the job is in the power at its mean, "
        f"{sum(others_w(record).values()) / MW:.4g} MW; its day runs from {day.min():.4g} to {day.max():.4g} MW and is "
        "not in the windows",
        *(text for text in record.findings if text not in record.main.findings),
    )
