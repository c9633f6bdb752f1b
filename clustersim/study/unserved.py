"""Energy that damping refuses, as work that the job loses."""

from __future__ import annotations

import numpy as np

from clustersim.power.damped import Floats


def unserved_share(cut_j: float, asked_j: float, idle_j: float) -> float:
    """Return the share of the work that is lost when `cut_j` of the energy asked for is refused. [-]

    Parameters
    ----------
    cut_j : float
        Refused. [J]
    asked_j : float
        Asked for over the same time. [J]
    idle_j : float
        What the equipment draws without any work over that time. [J]

    Notes
    -----
    Power above idle is what work costs: ``cut / (asked - idle)``, within 0 to 1. A device that slows its clocks saves
    more power than work (docs/models/workload.md), so that this is the most that can be lost.
    """
    work = asked_j - idle_j
    if cut_j <= 0.0:
        return 0.0
    return min(cut_j / work, 1.0) if work > 0.0 else 1.0


def start_cut_j(
    power_w: Floats, initial_w: float, rate_w_per_s: float, limit_w: float = np.inf, longest_s: float = np.inf
) -> float:
    """Return the energy that a rising ceiling refuses at one start of a job. [J]

    The mean over all phases of the waveform in which the start may fall, with ``a = (min(x, limit) - initial)+``:
    ``mean(a^2 - ((a - R T)+)^2) / 2 R``, the integral of ``(a - R t)+`` over the time T, `longest_s`, for which the job
    draws training power before it stops again. What is above the limit is refused for ever and not counted here.
    """
    above = np.maximum(np.minimum(power_w, limit_w) - initial_w, 0.0)
    # the rise of each phase ends after a / R or with T; this form has no difference of large squares
    rising = np.minimum(above / rate_w_per_s, longest_s)
    return float(np.mean(rising * (above - 0.5 * rate_w_per_s * rising)))


def lost_seconds(cut_j: float, mean_w: float, idle_w: float) -> float:
    """Return for how long the job would have to train at `mean_w` to make up for what was refused. [s]

    ``cut / (mean - idle)``; see :func:`unserved_share`.
    """
    return cut_j / (mean_w - idle_w) if cut_j > 0.0 and mean_w > idle_w else 0.0
