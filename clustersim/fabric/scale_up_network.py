"""The network inside a scale-up domain: checks against the site, and domains of switches (NVLink)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.fabric.site import SiteEndpoints
from clustersim.fabric.spec import SwitchedScaleUpSpec, TorusSpec
from clustersim.fabric.torus import build_pod
from clustersim.fabric.wiring import LinkTable

RATE_SLACK = 0.01
"""Relative difference between a stated bandwidth and that of the links which passes as rounding."""


@dataclass(frozen=True)
class SwitchedDomain:
    """Accelerators that all have links to every switch chip: no oversubscription, one switch between any two."""

    accelerators: int
    switches: int
    """Switch chips."""
    links_each: int
    """Links of one accelerator, spread over the switch chips; their numbers differ by at most one."""

    @property
    def links(self) -> int:
        """Links of the domain."""
        return self.accelerators * self.links_each

    @property
    def links_to(self) -> tuple[int, ...]:
        """Links of one accelerator to each switch chip; the first have one more where they do not come out even."""
        few, more = divmod(self.links_each, self.switches)
        return (few + 1,) * more + (few,) * (self.switches - more)

    @property
    def ports(self) -> int:
        """Ports that the busiest switch chip needs."""
        return self.accelerators * self.links_to[0]

    def bisection(self, bandwidth: float) -> float:
        """Return what half of the accelerators can send to the other half, one direction [B/s].

        ``N / 2`` times the bandwidth of one accelerator, one direction [B/s]: no switch chip is shared unevenly.
        """
        return self.accelerators // 2 * bandwidth

    def table(self, bandwidth: float) -> LinkTable:
        """Return the directed links: nodes are accelerators, then switch chips; parallel links are one.

        Parameters
        ----------
        bandwidth : float
            Of one accelerator, one direction. [B/s]
        """
        low = np.repeat(np.arange(self.accelerators), self.switches)
        high = self.accelerators + np.tile(np.arange(self.switches), self.accelerators)
        rate = np.tile(np.array(self.links_to) * (bandwidth / self.links_each), self.accelerators)
        return LinkTable(
            np.concatenate((low, high)).astype(np.int32),
            np.concatenate((high, low)).astype(np.int32),
            np.concatenate((rate, rate)),
            np.zeros(2 * low.size, dtype=np.int8),
            ("scale-up",),
            self.accelerators + self.switches,
        )


def build_domain(spec: SwitchedScaleUpSpec, accelerators: int) -> SwitchedDomain:
    """Return the domain of `accelerators` with the switch chips of `spec`.

    Raises
    ------
    CatalogError
        If the catalog does not know the switch chip.
    InputError
        If an accelerator has fewer links than there are switch chips, or a chip has too few ports.
    """
    if spec.links < spec.switches:
        raise InputError(
            f"fabric.scale_up.links: an accelerator needs a link to each of the {spec.switches} switches, and has "
            f"{spec.links}"
        )
    domain = SwitchedDomain(accelerators, spec.switches, spec.links)
    if spec.switch is not None:
        entry = catalog.entry("switches", spec.switch)
        if domain.ports > (ports := round(entry.si("ports"))):
            raise InputError(
                f"fabric.scale_up.switches: {accelerators} accelerators with {domain.links_to[0]} links to a switch "
                f"need {domain.ports} ports, and {entry.name} has {ports}; expected at least "
                f"{math.ceil(domain.links / ports)} switches"
            )
    return domain


def check_scale_up(spec: TorusSpec | SwitchedScaleUpSpec, site: SiteEndpoints) -> None:
    """Refuse a scale-up network that is not that of the site's accelerators.

    Raises
    ------
    CatalogError
        If the catalog does not know a switch.
    InputError
        If sizes or rates differ, or switches have too few ports.
    """
    if isinstance(spec, SwitchedScaleUpSpec):
        build_domain(spec, site.scale_up_domain)
        return
    pod = build_pod(spec)
    if pod.chips != site.scale_up_domain:
        raise InputError(
            f"fabric.scale_up.pod: {'x'.join(map(str, spec.pod))} are {pod.chips:,} accelerators, and a scale-up "
            f"domain of site {site.name} has {site.scale_up_domain:,}"
        )
    if not math.isclose(6 * spec.link_rate, site.scale_up_bandwidth, rel_tol=RATE_SLACK):
        raise InputError(
            f"fabric.scale_up.link_rate: six links of {spec.link_rate * 8e-9:g} Gbit/s are "
            f"{6e-9 * spec.link_rate:g} GB/s, and an accelerator of site {site.name} has "
            f"{site.scale_up_bandwidth * 1e-9:g} GB/s"
        )
