"""Power supplies: their input against their output, with the load that redundancy leaves on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.errors import InputError

Bound = Literal["value", "low", "high"]
PREFIX = "at_"
"""Names of the catalog's points: ``at_50`` is the efficiency at 50 % load."""
BEYOND = 10.0
"""Load to which the last line goes on; no design comes near it. [-]"""


@dataclass(frozen=True)
class SupplyCurve:
    """Input against output, both as shares of the rated output; lines between points."""

    output: NDArray[np.float64]
    """Load, rising from 0; shape (points,). [-]"""
    input: NDArray[np.float64]
    """Power at the input at each load; shape (points,). [-]"""

    def __post_init__(self) -> None:
        """Check that input rises with output and is never below it.

        Raises
        ------
        InputError
            If it is not so.
        """
        if self.output[0] != 0.0 or (np.diff(self.output) <= 0.0).any():
            raise InputError(f"power supply: expected loads that rise from 0, found {self.output.tolist()}")
        if (np.diff(self.input) <= 0.0).any() or (self.input < self.output).any():
            raise InputError(
                "power supply: expected an input that rises with the output and is not below it, found "
                f"{np.round(self.input, 4).tolist()} at loads {self.output.tolist()}"
            )

    def input_w(
        self, output_w: NDArray[np.float64] | float, capacity_w: NDArray[np.float64] | float
    ) -> NDArray[np.float64]:
        """Return the input of supplies that give `output_w` together. [W]

        Parameters
        ----------
        output_w : float or ndarray
            Power behind the supplies. [W]
        capacity_w : float or ndarray
            Rated output of those that carry it, evenly. [W]
        """
        return np.asarray(capacity_w * np.interp(np.asarray(output_w) / capacity_w, self.output, self.input))

    def efficiency(self, load: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Output over input at a load above 0, a share of the rated output. [-]"""
        return np.asarray(load / np.interp(load, self.output, self.input))


def supply_curve(name: str, bound: Bound = "value") -> SupplyCurve:
    """Return the curve of an entry of the catalog kind `device_power`.

    Parameters
    ----------
    name : str
        Such as ``supply_titanium``.
    bound : {"value", "low", "high"}
        Efficiency as stated, or the low or high end of each point's band.

    Raises
    ------
    CatalogError
        If there is no such entry.
    InputError
        If its points make no supply.

    Notes
    -----
    Losses are taken as linear in load between the published points, ``P_in = x / eta(x)`` at each; the first line goes
    on to no load, where it leaves the fixed loss, and the last one beyond full load.
    """
    points = catalog.entry("device_power", name)
    at = sorted((float(key.removeprefix(PREFIX)) / 100.0, getattr(points.figure(key), bound)) for key in points.figures)
    if len(at) < 2:
        raise InputError(f"power supply {name}: expected two points of the curve or more, found {len(at)}")
    load = np.array([x for x, _ in at])
    drawn = load / np.array([efficiency for _, efficiency in at])
    slope = np.diff(drawn) / np.diff(load)
    fixed = drawn[0] - slope[0] * load[0]
    far = drawn[-1] + slope[-1] * (BEYOND - load[-1])
    return SupplyCurve(np.concatenate(([0.0], load, [BEYOND])), np.concatenate(([fixed], drawn, [far])))


def together(curves: Sequence[SupplyCurve], capacity_w: NDArray[np.float64]) -> SupplyCurve:
    """Return the curve of supplies of several kinds that are all loaded alike.

    Parameters
    ----------
    curves : sequence of SupplyCurve
        One for each kind.
    capacity_w : ndarray, shape (kinds,)
        Rated output of each kind. [W]
    """
    output = np.unique(np.concatenate([curve.output for curve in curves]))
    shares = capacity_w / capacity_w.sum()
    return SupplyCurve(
        output,
        sum((s * np.interp(output, c.output, c.input) for s, c in zip(shares, curves, strict=True)), 0.0 * output),
    )
