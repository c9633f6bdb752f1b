"""What damping did to an assessed trace, as text and JSON data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clustersim.power.damped import Report
from clustersim.study.measured.assess import Assessment, DampedTrace
from clustersim.units import MWH_J

Rows = list[dict[str, Any]]


def damped_data(found: DampedTrace, verdict: Callable[[Any], Rows]) -> dict[str, Any]:
    """Return what is known of the damped trace, for JSON; `verdict` makes plain rows of a table of rules."""
    return {
        "statistics": found.judged.statistics,
        "record_percentiles": found.judged.record_percentiles,
        "elements": [element_data(report) for report in found.reports],
        "energy_overhead": found.overhead,
        "energy_change": found.energy_change,
        "energy_overhead_by_idle_ratio": [
            {"idle_ratio": ratio, "energy_overhead": value} for ratio, value in found.by_ratio.items()
        ],
        "rules_failed": found.judged.verdict.rules_failed,
        "rules_not_judged": len(found.judged.verdict.not_judged),
        "verdict": verdict(found.judged.verdict.table),
    }


def element_data(report: Report) -> dict[str, Any]:
    """Return the account of one element: energies in MWh, swings in MW, ramps over 1 s, wear in full cycles."""
    return {
        "name": report.name,
        "level": report.level,
        "energy_in_mwh": report.energy_in_j / MWH_J,
        "energy_out_mwh": report.energy_out_j / MWH_J,
        "burned_mwh": report.burned_j / MWH_J,
        "lost_mwh": report.loss_j / MWH_J,
        "stored_change_mwh": report.stored_change_j / MWH_J,
        "cut_mwh": report.cut_j / MWH_J,
        "missed_mwh": report.missed_j / MWH_J,
        "active_s": report.active_s,
        "swing_before_mw": report.before.peak_to_peak_w * 1e-6,
        "swing_after_mw": report.after.peak_to_peak_w * 1e-6,
        "ramp_up_before_mw_per_s": report.before.ramp_up_w_per_s * 1e-6,
        "ramp_up_after_mw_per_s": report.after.ramp_up_w_per_s * 1e-6,
        "ramp_down_before_mw_per_s": report.before.ramp_down_w_per_s * 1e-6,
        "ramp_down_after_mw_per_s": report.after.ramp_down_w_per_s * 1e-6,
        "stores": [
            {
                "name": store.name,
                "capacity_mwh": store.capacity_j / MWH_J,
                "full_cycles": store.full_cycles,
                "lowest_share": _share(float(store.stored_j.min()), store.capacity_j),
                "highest_share": _share(float(store.stored_j.max()), store.capacity_j),
            }
            for store in report.stores
        ],
    }


def _share(stored_j: float, capacity_j: float) -> float | None:
    return stored_j / capacity_j if capacity_j else None


def damping_text(found: Assessment, unit: str, per: float) -> list[str]:
    """Return the lines on damping: job before and after, each element, energy against the idle power."""
    damped = found.damped
    if damped is None:
        return []
    before, after = found.statistics, damped.judged.statistics
    lines = ["", f"DAMPING{'before':>33}{'after':>12}"]

    def line(name: str, one: float | None, two: float | None, factor: float = per) -> None:
        values = ("-" if value is None else f"{value * factor:.4g}" for value in (one, two))
        lines.append(f"  {name:26}" + "".join(f"{value:>12}" for value in values))

    for key, name in (("mean_mw", "mean"), ("peak_mw", "peak"), ("trough_mw", "trough"), ("swing_mw", "swing")):
        line(f"{name} of the job, {unit}", before[key], after[key])
    for one, two in zip(before["ramps"], after["ramps"], strict=True):
        line(f"range in {one['over_s']:g} s, {unit}", one["range_mw"], two["range_mw"])
    for one, two in zip(before["band_shares"], after["band_shares"], strict=True):
        if one["low_hz"] == 0.1 and one["high_hz"] == 20.0:  # the band of the example rule
            line("energy in 0.1-20 Hz (Hann)", one["energy_hann"], two["energy_hann"], 1.0)
    lines += ["", f"ELEMENTS (whole record, {unit}h){'burned':>9}{'lost':>9}{'cut':>9}{'missed':>9}   swing {unit}"]
    for report in damped.reports:
        energies = (report.burned_j, report.loss_j, report.cut_j, report.missed_j)
        told = "".join(f"{value / MWH_J * per:9.4g}" for value in energies)
        swing = f"{report.before.peak_to_peak_w * 1e-6 * per:.4g} to {report.after.peak_to_peak_w * 1e-6 * per:.4g}"
        lines.append(f"  {report.name + ', ' + report.level:28}{told}   {swing}")
        lines += [
            f"    {store.name}: {store.full_cycles:.4g} full cycles of {store.capacity_j / MWH_J * per:.4g} {unit}h"
            for store in report.stores
        ]
    lines.append(
        f"  burned and lost {damped.overhead:+.2%} of the undamped record; its energy {damped.energy_change:+.2%}"
    )
    if damped.by_ratio:
        told = ", ".join(f"{value:+.1%} at {ratio:.3g}" for ratio, value in damped.by_ratio.items())
        lines += [
            "  that by idle over peak of the min-max scale (0, the scale asked, the bare GPU, nodes):",
            f"    {told}",
        ]
    return lines
