"""How the load of a run comes through voltage dips: its stored means, and the equipment of its scenario."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from clustersim.plant import DipLoad, SiteRidden, Voltage, rated_it_part, ride_site, ups_feed
from clustersim.plant.spec import PlantModeSpec, RideThroughSpec
from clustersim.study.places.place import Place
from clustersim.study.places.survey import result_place
from clustersim.study.result import Result

DEPTHS_PU = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.88, 0.9)
"""Residual voltages of the table. [pu]"""
DURATIONS_S = (0.005, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 3.0, 10.0, 60.0)
"""Durations of the table. [s]"""
SETTLED_S = 60.0
"""Time after a dip at which what is back by itself is told. [s]"""
MW = 1e6


@dataclass(frozen=True)
class SiteLoad:
    """What a site draws in steady training, and how its equipment behaves."""

    site: str
    load: DipLoad
    equipment: RideThroughSpec

    def ridden(self, residual_pu: float, duration_s: float) -> SiteRidden:
        """Return how the site comes through one dip."""
        return ride_site(self.load, self.equipment, Voltage.dips(residual_pu, duration_s))


def site_loads(result: Result) -> tuple[SiteLoad, ...]:
    """Return the load of every site before a dip: means of the steady window, losses with what they feed."""
    place = result_place(result)
    equipment = PlantModeSpec.model_validate(result.scenario["plant"]).ride_through
    wave = result.waveforms["steady"]
    return tuple(
        SiteLoad(site, _load(result, place, site, equipment), equipment)
        for site in place.topology.electrical
        if f"{site}/it" in wave.nodes
    )


def _load(result: Result, place: Place, site: str, equipment: RideThroughSpec) -> DipLoad:
    wave = result.waveforms["steady"]
    it, cooling, losses = (float(wave.power(f"{site}/{part}").mean()) for part in ("it", "cooling", "losses"))
    network = float(wave.power(f"{site}/network").mean()) if f"{site}/network" in wave.nodes else 0.0
    rated = sum(item.count * place.power[place.kind_of(item)].supply_w for item in place.topology.site[site].fleet)
    plant = place.topology.electrical[site]
    it_part = 1.0 if equipment.cooling_on_ups else rated_it_part(plant, place.topology.cooling[site])
    share, rating = ups_feed(plant, it_part)
    factor = 1.0 + losses / (it + cooling)
    return DipLoad(it * factor, cooling * factor, max((it - network) / rated, 1e-3), share, rating)


def dip_table(result: Result) -> pd.DataFrame:
    """Return what dips of several depths and lengths do to every site.

    Returns
    -------
    DataFrame
        Columns site, residual_pu, duration_s, supplies, ups, motors (stays; transfers; transfers, locked; trips; or -
        where the site has none of them), off_mw (most that is off the grid once the voltage is back), back_mw (of the
        load, drawn again a minute after the dip), recovery_s (to 90 %; none where it does not come back by itself).
    """
    rows = []
    for site in site_loads(result):
        for residual in DEPTHS_PU:
            for duration in DURATIONS_S:
                ridden = site.ridden(residual, duration)
                recovery = ridden.recovery_s
                parts = {part.name: part_word(part.ridden) for part in ridden.parts}
                rows.append(
                    {
                        "site": site.site,
                        "residual_pu": residual,
                        "duration_s": duration,
                        **{name: parts.get(name, "-") for name in ("supplies", "ups", "motors")},
                        "off_mw": ridden.lost_w / MW,
                        "back_mw": drawn_after_w(ridden) / MW,
                        "recovery_s": recovery if recovery < float("inf") else None,
                    }
                )
    return pd.DataFrame(rows)


def part_word(ridden: object) -> str:
    """Return what a part of the load does in a dip."""
    lost, transfers, locked = (getattr(ridden, name) for name in ("lost_s", "transfers_s", "locked_s"))
    if lost:
        return "trips"
    if transfers:
        return "transfers" if locked == float("inf") else "transfers, locked"
    return "stays"


def drawn_after_w(ridden: SiteRidden, after_s: float = SETTLED_S) -> float:
    """Return what a site draws some time after a dip, at most its load before. [W]"""
    at = ridden.voltage.cleared_s + after_s
    return min(ridden.total_w, ridden.grid.integral(at, at + 1.0))
