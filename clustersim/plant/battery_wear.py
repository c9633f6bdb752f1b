"""How cycling shortens a battery's life."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from clustersim.catalog import entry


def cycle_damage(battery: str, depth: NDArray[np.float64], count: NDArray[np.float64], band: str = "value") -> float:
    r"""Share of a battery's life that counted cycles use up (Palmgren and Miner).

    .. math:: D = \sum_i n_i \, d_i^k / N_1

    with :math:`N_1` the cycle life at full depth and k the depth exponent of its cells.

    Parameters
    ----------
    battery : str
        Name in catalog kind ``batteries``; its figure ``cycle_life``.
    depth : ndarray, shape (n,)
        Depth of each cycle over the capacity, by rainflow. [-]
    count : ndarray, shape (n,)
        Whole cycles (1) and half cycles (0.5). [-]
    band : {"value", "low", "high"}
        Which exponent of the catalog: a low one lets shallow cycles wear more.

    Raises
    ------
    CatalogError
        If the battery or its cycle life is not in the catalog.
    """
    exponent = getattr(entry("cells", "lithium_iron_phosphate").figure("depth_exponent"), band)
    life = entry("batteries", battery).si("cycle_life")
    return math.fsum((count * np.clip(depth, 0.0, 1.0) ** exponent).tolist()) / life


def life_s(battery: str, damage_per_s: float) -> float:
    """Return the life of a battery that ages by time and by cycles: the two shares of life add up. [s]"""
    return 1.0 / (1.0 / entry("batteries", battery).si("life") + damage_per_s)
