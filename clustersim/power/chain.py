"""Several elements of damping, one behind the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clustersim.errors import InputError
from clustersim.power.damped import LEVELS, Damped, Element, Floats, Report


@dataclass(frozen=True)
class ChainResult:
    """The waveform behind a chain and the account of each element, in order."""

    power_w: Floats
    steps: tuple[Damped, ...]

    @property
    def reports(self) -> tuple[Report, ...]:
        """The accounts in order."""
        return tuple(step.report for step in self.steps)

    @cached_property
    def overhead(self) -> float:
        """Energy burned and lost in all elements over the energy that came into the first. [-]"""
        if not self.steps:
            return 0.0
        spent = sum(report.burned_j + report.loss_j for report in self.reports)
        return spent / self.reports[0].energy_in_j

    @cached_property
    def cut_share(self) -> float:
        """Energy that the load asked for and did not get, over what came in. [-]"""
        if not self.steps:
            return 0.0
        return sum(report.cut_j for report in self.reports) / self.reports[0].energy_in_j


@dataclass(frozen=True)
class DampingChain:
    """Elements in the order in which power passes them: rank, node, rack, site."""

    elements: tuple[Element, ...]

    def __post_init__(self) -> None:
        """Check the order.

        Raises
        ------
        InputError
            If an element comes behind one that is nearer to the meter.
        """
        for first, second in zip(self.elements, self.elements[1:], strict=False):
            if LEVELS.index(second.level) < LEVELS.index(first.level):
                raise InputError(
                    f"damping: {second.name} acts at the {second.level}, before {first.name} at the {first.level}; "
                    f"the order is {', '.join(LEVELS)}"
                )

    def apply(self, power_w: Floats, dt_s: float) -> ChainResult:
        """Return the waveform behind all elements.

        Parameters
        ----------
        power_w : ndarray, shape (n,)
            Power at the ranks, constant over each bin. [W]
        dt_s : float
            Width of a bin. [s]

        Raises
        ------
        InputError
            If the waveform is empty, not finite or negative, or the bin has no width.

        Notes
        -----
        Every element hands on exact bin means, so that energy is kept; what a later element cannot see is how power
        moved within a bin. Its error is of the order of the bin over its own time constant.
        """
        if power_w.ndim != 1 or power_w.size == 0 or dt_s <= 0.0:
            raise InputError("damping: expected a waveform with at least one bin, of a width above 0 s")
        wrong = np.flatnonzero(~(power_w >= 0.0) | ~np.isfinite(power_w))
        if wrong.size:
            raise InputError(f"damping: expected powers of 0 W or more; row {wrong[0]} is {power_w[wrong[0]]:g} W")
        steps: list[Damped] = []
        power = power_w
        for element in self.elements:
            steps.append(element.apply(power, dt_s))
            power = steps[-1].power_w
        return ChainResult(power, tuple(steps))
