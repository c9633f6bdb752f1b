"""Dummy compute: short products between short waits that keep a share of the time."""

from __future__ import annotations

from collections.abc import Callable

from clustersim.instrument.machine import Done


def keep_share(
    product: Callable[[float], Done],
    wait: Callable[[float], object],
    now: Callable[[], float],
    *,
    share: float,
    each_s: float,
    turn_s: float,
    seconds: float,
) -> Done:
    """Do products for a share of the time, and end on time within one product.

    Every turn the products catch up with ``share`` times the time that will have gone by at its end, to half a product;
    none begins that would not end in time.

    Parameters
    ----------
    product, wait : callable
        Do products, or wait, for about the seconds given. The products tell their time on the device's own clock.
    now : callable
        Time of the host's clock. [s]
    share : float
        Time in products over all time, 0 to 1.
    each_s : float
        Time of one product. [s]
    turn_s : float
        Length of a turn; longer where a product takes longer. [s]
    seconds : float
        Length of all. [s]

    Returns
    -------
    Done
        All products; their seconds over `seconds` are the share that was reached.
    """
    begin = now()
    busy, repetitions = 0.0, 0
    while (left := begin + seconds - now()) > 0.0:
        turn = min(turn_s, left)
        turn_end = now() + turn
        # a full share leaves no room for waits, and turns would only cost the host's time between them
        due = left if share >= 1.0 else share * (turn_end - begin) - busy
        if left >= each_s and due >= 0.5 * each_s:
            done = product(max(min(due, left), each_s))
            busy += done.seconds
            repetitions += done.repetitions
            each_s = done.seconds_each
        elif share >= 1.0:
            wait(left)
        if (rest := min(turn_end, begin + seconds) - now()) > 0.0 and share < 1.0:
            wait(rest)
    return Done(repetitions, busy)
