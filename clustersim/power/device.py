"""Power of an accelerator by activity, and of the server around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.power.spec import ServerSpec
from clustersim.training.records import ACTIVITIES


@dataclass(frozen=True)
class DevicePower:
    """Levels of one kind of accelerator. [W]"""

    name: str
    rated_w: float
    """Rated power of the accelerator (TDP). [W]"""
    level_w: NDArray[np.float64]
    """By activity, in the order of `training.records.ACTIVITIES`; shape (5,)."""
    time_constant_s: float
    rest_w: float
    """Rest of the server per accelerator, DC side of the power supply. [W]"""
    psu_efficiency: float
    fan_share: float
    """Server fans as a share of the server's other power. [-]"""
    provisioned_w: float
    """Nameplate of the server per accelerator. [W]"""

    @property
    def idle_w(self) -> float:
        """Of an accelerator without work. [W]"""
        return float(self.level_w[ACTIVITIES.index("idle")])

    def server_w(self, accelerator_w: NDArray[np.float64] | float, count: float) -> NDArray[np.float64]:
        """Power at the input of the supplies of `count` accelerators that draw `accelerator_w` together. [W]

        ``(P + count rest) (1 + fans) / eta``
        """
        return np.asarray((accelerator_w + count * self.rest_w) * (1.0 + self.fan_share) / self.psu_efficiency)


def load_device_power(accelerator: str, servers: ServerSpec, variant: str | None = None) -> DevicePower:
    """Return the power of `accelerator`, or of the named `variant` of the catalog kind `device_power`.

    Raises
    ------
    CatalogError
        If there is no such entry.
    """
    chip = catalog.entry("accelerators", accelerator)
    entry = catalog.entry("device_power", variant or chip.name)
    common = catalog.entry("device_power", "servers")
    rated = entry.si("peak") if entry.has("peak") else chip.si("tdp")
    if entry.has("nameplate"):
        provisioned = entry.si("nameplate")
    else:
        provisioned = chip.si("server.nameplate") / chip.si("server.accelerators")
    return DevicePower(
        name=chip.name,
        rated_w=rated,
        level_w=rated * np.array([entry.si(activity) for activity in ACTIVITIES]),
        time_constant_s=entry.si("time_constant"),
        rest_w=entry.si("rest") + servers.nic_extra,
        psu_efficiency=entry.si("psu.efficiency"),
        # the pod and rack figures of a nameplate entry hold the cooling of the boards already
        fan_share=0.0 if entry.has("nameplate") else common.si(f"fans.{servers.cooling}"),
        provisioned_w=provisioned,
    )
