"""How much the storage of a run is used, and what it could not do."""

from __future__ import annotations

from typing import Any

from clustersim.power.damped import Report
from clustersim.study.findings import Findings
from clustersim.study.site_power import storage_of

YEAR_S = 31557600.0
IT_STORAGE = ("psu_storage", "rack_storage")
MUCH = 0.01
"""Above this share of what was asked, storage that misses it is named in a warning."""


def storage_keys(found: Findings, reasons: dict[str, str]) -> dict[str, Any]:
    """Return the summary keys of storage: equivalent full cycles a year, of the most used one of each kind.

    ``cycles = throughput / 2 / usable energy`` in the steady window, times the share of the horizon in which the job
    draws training power. What storage in supplies and racks missed is the energy that it was asked for and did not
    give or take, over all that it was asked for.
    """
    keys: dict[str, Any] = {"battery_cycles_per_year": None}
    a_year = _windows_a_year(found)
    if found.steady.storage:
        cycles = [trace.throughput_j / 2.0 / _capacity_j(found, site) for site, trace in found.steady.storage.items()]
        keys["battery_cycles_per_year"] = max(cycles) * a_year
    else:
        reasons["battery_cycles_per_year"] = "no battery smooths the meter"
    for kind in IT_STORAGE:
        key, reports = f"{kind}_cycles_per_year", _reports(found, kind)
        keys[key] = max((store.full_cycles for r in reports for store in r.stores), default=0.0) * a_year
        keys[f"{kind}_missed_share"] = missed_share(found, kind)
        if not reports:
            for name in (key, f"{kind}_missed_share"):
                keys[name], reasons[name] = None, f"the scenario has no {kind}"
    return keys


def missed_share(found: Findings, kind: str) -> float:
    """Return what the storage of a kind missed in the steady window, over what it was asked for. [-]"""
    reports = _reports(found, kind)
    missed = sum(r.missed_j for r in reports)
    asked = missed + sum(store.throughput_j for r in reports for store in r.stores)
    return missed / asked if asked else 0.0


def it_storage_warnings(found: Findings) -> list[str]:
    """Return what the user must know about storage in supplies and racks."""
    said = []
    for kind in IT_STORAGE:
        if not _reports(found, kind):
            continue
        share = missed_share(found, kind)
        if share > MUCH:
            said.append(
                f"{kind}: its energy or power limits it; while training it misses {share:.0%} of what its time "
                "constant asks of it"
            )
        said.append(f"{kind}: the catalog has no price for it; it is not in the capital cost")
    return said


def _reports(found: Findings, kind: str) -> list[Report]:
    return [r for reports in found.steady.it_storage.values() for r in reports if r.name == kind]


def _windows_a_year(found: Findings) -> float:
    """Return how many steady windows of training a year has. [-]"""
    wave = found.steady.waveform
    return YEAR_S * found.busy_s / found.timeline.horizon_s / (wave.samples * wave.dt_s)


def _capacity_j(found: Findings, site: str) -> float:
    storage = storage_of(found.study, site)
    return storage.energy_j if storage is not None else float("inf")
