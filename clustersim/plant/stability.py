"""Whether an island can hold its frequency at all: a source that sets it, and governors whose gains are stable."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.plant import bus_kernels as b
from clustersim.plant import governor_kernels as k
from clustersim.plant.bus import Arrays, Bus, arrays, jacobian, state_name

GROWTH_PER_S = 1e-3
"""Growth of an oscillation below which it is taken as sustained: it doubles within ten minutes at most. [1/s]"""


def require_slack(bus: Bus, site: str) -> None:
    """Refuse an island whose frequency no machine sets.

    Raises
    ------
    InputError
        If nothing turns: converters that follow a grid need one, and a grid of converters alone is not modelled.
    """
    if not bus.total_inertia_ws > 0.0:
        names = ", ".join(group.name for group in bus.groups)
        raise InputError(
            f"electrical.{site}: no slack source: {names} have no inertia, and an island of converters alone is not "
            "modelled; expected a synchronous machine"
        )


def modes(bus: Bus) -> tuple[NDArray[np.complex128], NDArray[np.complex128], Arrays]:
    """Eigenvalues and right eigenvectors of the bus at rest, dead bands taken away, limits out of reach.

    Dead times of measurements are second-order Pade approximations; their states follow those of the bus.

    Parameters
    ----------
    bus : Bus
        In equilibrium.

    Returns
    -------
    values : ndarray, shape (n,)
        [1/s]
    vectors : ndarray, shape (n, n)
        One column each, states in per unit and watts.
    arrays : Arrays
        Of the bus, to name states by.
    """
    storages = tuple(replace(store, deadband=0.0) for store in bus.storages)
    a = arrays(replace(bus, storages=storages))
    a.p[:, k.BAND] = 0.0
    load = bus.mechanical_w + math.fsum(store.dispatch_w for store in storages)
    by_state, by_seen = jacobian(a, load)
    n = a.y.size
    late = [j for j, store in enumerate(storages) if store.latency_s > 0.0]
    whole = np.zeros((n + 2 * len(late), n + 2 * len(late)))
    whole[:n, :n] = by_state
    for j, store in enumerate(storages):
        whole[:n, b.SPEED] += by_seen[:, j]
        if store.latency_s > 0.0:
            here, per = n + 2 * late.index(j), 1.0 / store.latency_s
            whole[:n, here + 1] -= 12.0 * per * by_seen[:, j]
            whole[here, here + 1] = 1.0
            whole[here + 1, b.SPEED] = 1.0
            whole[here + 1, here] = -12.0 * per * per
            whole[here + 1, here + 1] = -6.0 * per
    values, vectors = np.linalg.eig(whole)
    return values, vectors, a


def instability(bus: Bus) -> str | None:
    """Return why the controls of an island would swing up by themselves, or None when they do not.

    An eigenvalue of the linearised bus then has a positive real part; the governor or storage that takes part most, by
    its participation factors, is named.
    """
    values, vectors, a = modes(bus)
    worst = int(np.argmax(values.real))
    if values[worst].real <= GROWTH_PER_S:
        return None
    # participation factors do not depend on the units of the states; the speed and dead times name no device
    left = np.linalg.solve(vectors.T, np.eye(values.size)[worst])
    part = np.abs(vectors[:, worst] * left)[b.COMMON : a.y.size]
    name = state_name(bus, a, b.COMMON + int(np.argmax(part))) if part.size else "speed"
    value = values[worst]
    return (
        f"the controls are unstable: eigenvalue {value.real:.3g} {value.imag:+.3g}j 1/s "
        f"({abs(value.imag) / (2.0 * math.pi):.3g} Hz), most in {name}"
    )


def require_stable(bus: Bus, site: str) -> None:
    """Refuse an island whose controls would swing up by themselves.

    Raises
    ------
    InputError
        With the text of :func:`instability`.
    """
    found = instability(bus)
    if found is not None:
        raise InputError(f"electrical.{site}: {found}")
