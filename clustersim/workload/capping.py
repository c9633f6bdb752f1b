"""What a power limit does to an accelerator: it lowers clocks, and kernels that would draw more take longer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.catalog import Entry
from clustersim.errors import CatalogError


def capping_of(accelerator: str) -> Entry:
    """Return the entry of the catalog kind `power_capping` for an accelerator: its own, or that of its family.

    Raises
    ------
    CatalogError
        If none lists it.
    """
    curves = catalog.entries("power_capping")
    if accelerator in curves:
        return curves[accelerator]
    for found in curves.values():
        if accelerator in found.properties["accelerators"]:
            return found
    known = sorted(name for found in curves.values() for name in found.properties["accelerators"])
    raise CatalogError(f"no curve of speed under a power limit for {accelerator!r}; there are {', '.join(known)}")


@catalog.catalog_cache
def capping_curve(accelerator: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return power and speed of matrix products under limits, both over those without one; they start at nothing."""
    entry = capping_of(accelerator)
    numbers = range(1, int(entry.properties["points"]) + 1)
    power = np.array([0.0, *(entry.si(f"power.{n}") for n in numbers)])
    speed = np.array([0.0, *(entry.si(f"speed.{n}") for n in numbers)])
    return power / power[-1], speed / speed[-1]


def speed_under_cap(accelerator: str, limit_w: float, drawn_w: float) -> float:
    """Return the speed of a kernel over that without a limit [-].

    Interpolated on the measured curve of matrix products at ``limit / drawn``; 1 where the kernel draws less anyway.

    Parameters
    ----------
    accelerator : str
        Name in the catalog.
    limit_w, drawn_w : float
        Limit, and what the kernel draws without it. [W]

    Raises
    ------
    CatalogError
        If there is no curve for the accelerator.
    """
    if drawn_w <= limit_w:
        return 1.0
    power, speed = capping_curve(accelerator)
    return float(np.interp(limit_w / drawn_w, power, speed))


def speed_at_limit(accelerator: str, limit_w: float) -> float:
    """Return the speed of matrix products under a limit over that without one [-]; as :func:`speed_under_cap`."""
    entry = capping_of(accelerator)
    return speed_under_cap(accelerator, limit_w, entry.si(f"power.{int(entry.properties['points'])}"))
