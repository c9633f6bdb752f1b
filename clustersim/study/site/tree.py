"""The electrical tree from the input of a site's supplies to the meter, for a simulated load as for a measured one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.plant import CoolingResponse, heated_cooling, power_factor, reactive_power
from clustersim.power.damped import Report
from clustersim.power.records import Waveform
from clustersim.power.storage import StorageTrace
from clustersim.study.it_power import HallPower
from clustersim.study.site.chain import damp_site
from clustersim.study.site.study import SiteStudy
from clustersim.study.site.supply import losses_w, site_load

Below = tuple[str, str, NDArray[np.float64]]
"""Name of a node below the IT power of a site, name of its parent there, and its power. [W]"""


@dataclass(frozen=True)
class SitePower:
    """Power of one window at every node, with what cooling and battery did."""

    hall: HallPower
    waveform: Waveform
    cooling: dict[str, CoolingResponse]
    storage: dict[str, StorageTrace]
    """By site: what the battery did that smooths the meter."""
    it_storage: dict[str, tuple[Report, ...]]
    """By site: accounts of ceilings and of storage in supplies and racks, hall by hall."""
    site_damping: dict[str, tuple[Report, ...]]
    """By site: accounts of what acts between its equipment and its meter, in order."""
    undamped_w: NDArray[np.float64]
    """Load of all sites without what damps outside the devices: storage, ceilings, staggering, load bank. [W]"""
    before_it_w: dict[str, float]
    """IT power of each site at which everything had settled before the window; empty in the steady window. [W]"""

    @property
    def window(self) -> str:
        """Name of the window."""
        return self.hall.window


class SiteTree:
    """Electrical tree of one window, built node by node below the meter."""

    def __init__(self, samples: int) -> None:
        self.nodes: list[str] = ["meter"]
        self.parents: list[str | None] = [None]
        self.watts: list[NDArray[np.float64]] = [np.zeros(samples)]
        self.reactive: list[NDArray[np.float64]] = [np.zeros(samples)]
        self.coolings: dict[str, CoolingResponse] = {}
        self.storages: dict[str, StorageTrace] = {}
        self.at_site: dict[str, tuple[Report, ...]] = {}
        self.undamped_w = np.zeros(samples)
        self.before_it_w: dict[str, float] = {}

    def add(self, name: str, parent: str, power: NDArray[np.float64], reactive: NDArray[np.float64] | None) -> None:
        """Add a node below `parent`; without reactive power when None."""
        self.nodes.append(name)
        self.parents.append(parent)
        self.watts.append(power)
        self.reactive.append(np.zeros_like(power) if reactive is None else reactive)

    def power(self, hall: HallPower, it_storage: dict[str, tuple[Report, ...]]) -> SitePower:
        """Return the window with all that was added."""
        waveform = Waveform(
            hall.t0_s,
            hall.dt_s,
            tuple(self.nodes),
            tuple(self.parents),
            np.stack(self.watts),
            np.stack(self.reactive),
        )
        return SitePower(
            hall,
            waveform,
            self.coolings,
            self.storages,
            it_storage,
            self.at_site,
            self.undamped_w,
            self.before_it_w,
        )


def add_site(
    tree: SiteTree,
    study: SiteStudy,
    site: str,
    it: NDArray[np.float64],
    dt_s: float,
    before: float | None,
    below: Sequence[Below],
    undamped_it: NDArray[np.float64],
) -> None:
    """Add a site with its IT power, the nodes `below` that, cooling, losses, and what damps at the site.

    `undamped_it` is the IT power without what damps between the devices and the input of the racks.
    """
    plant, cooled = study.place.topology.electrical[site], study.place.topology.cooling[site]
    drawn = site_load(plant, cooled, it, dt_s, before)
    same = np.array_equal(undamped_it, it)
    tree.undamped_w += (drawn if same else site_load(plant, cooled, undamped_it, dt_s, before)).load_w
    start = None
    if before is not None:
        tree.before_it_w[site] = before
        start = settled_level_w(study, site, before)
    damped = damp_site(study, site, drawn.load_w, dt_s, start)
    tree.at_site[site] = damped.reports
    if damped.battery is not None:
        tree.storages[site] = damped.battery
    tree.coolings[site] = drawn.cooling
    supplies, motors = power_factor("psu"), power_factor("motor")
    tree.add(site, "meter", damped.meter_w, drawn.load_var)
    tree.add(f"{site}/it", site, it, reactive_power(it, supplies))
    for name, parent, watts in below:
        tree.add(f"{site}/{name}", f"{site}/{parent}", watts, reactive_power(watts, supplies))
    tree.add(f"{site}/cooling", site, drawn.cooling.power_w, reactive_power(drawn.cooling.power_w, motors))
    tree.add(f"{site}/losses", site, drawn.losses_w, drawn.losses_var)
    for name, added_w in damped.added_w.items():
        tree.add(f"{site}/{name}", site, added_w, None)
    tree.watts[0] = tree.watts[0] + damped.meter_w
    tree.reactive[0] = tree.reactive[0] + drawn.load_var


def settled_level_w(study: SiteStudy, site: str, it_w: float) -> float:
    """Return the load of a site whose IT power has long been constant, before what damps it at the meter. [W]"""
    plant, cooled = study.place.topology.electrical[site], study.place.topology.cooling[site]
    cooling_w = float(heated_cooling(plant, cooled, np.array([it_w]), 1.0)[1].power_w[0])
    return it_w + cooling_w + losses_w(plant, it_w, cooling_w)


def power_of_it(study: SiteStudy, hall: HallPower, it_w: dict[str, NDArray[np.float64]]) -> SitePower:
    """Return the power at every node from the input of the supplies on, in a steady window.

    Parameters
    ----------
    study : SiteStudy
        The place, and what damps at its sites.
    hall : HallPower
        Clock of the window; nothing is known below the supplies.
    it_w : dict of str to ndarray, shape (samples,)
        IT power of every site. [W]

    Raises
    ------
    InputError
        If the battery's charge is outside the band in which it smooths.
    """
    tree = SiteTree(hall.watts.shape[1])
    for site, watts in it_w.items():
        add_site(tree, study, site, watts, hall.dt_s, None, (), watts)
    return tree.power(hall, {})
