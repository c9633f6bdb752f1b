"""What exchanges cost that run beside compute: both slow down, since they share compute units and memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustersim.workload.configuration import EXPERT_OVERLAPS, Configuration, Numbers
from clustersim.workload.hardware import Hardware

PAIRS, HALVES = EXPERT_OVERLAPS.index("pairs"), EXPERT_OVERLAPS.index("halves")


@dataclass(frozen=True)
class Contention:
    """By how much compute and an exchange are slower while they run beside each other. [-]"""

    compute: Numbers
    exchange: Numbers


def contention(hardware: Hardware, memory: Numbers, compute: Numbers) -> Contention:
    """Return what compute and an exchange take from each other.

    The exchange takes the share `exchange_share` of the compute units from all of the compute, and the share
    `exchange_memory` of the memory bandwidth from its memory-bound part, `memory` of `compute` seconds; in that part it
    gets as much less of the bandwidth itself.
    """
    part = np.clip(memory / np.where(compute > 0.0, compute, 1.0), 0.0, 1.0)
    traffic = hardware.exchange_memory * part
    return Contention(1.0 - (1.0 - hardware.exchange_share) * (1.0 - traffic), traffic)


def beside(compute: Numbers, exchange: Numbers, hidden_share: Numbers, lost: Contention) -> Numbers:
    """Return what an exchange adds to compute when `hidden_share` of it can run beside [s].

    While it does, both are slower by what they take from each other.
    """
    hidden = hidden_share * np.minimum(compute, exchange)
    return exchange - hidden * (1.0 - lost.compute) + hidden * lost.exchange / (1.0 - lost.exchange)


@dataclass(frozen=True)
class Passes:
    """Seconds of a forward and a backward with the exchange of experts in them."""

    forward: Numbers
    """The stage is busy."""
    backward: Numbers
    forward_late: Numbers
    """How much later than the stage is free the output is there."""
    backward_late: Numbers


def with_experts(
    c: Configuration,
    compute: tuple[Numbers, Numbers],
    exchange: tuple[Numbers, Numbers],
    mixtures: Numbers,
    lost: Contention,
) -> Passes:
    """Return how long a stage is busy with compute and exchange of experts, forward and backward.

    - `none`: one after the other.
    - `pairs`: the exchange of one micro-batch runs beside the compute of another, that of a forward beside a backward
      too: both passes take ``max((f + b) / (1 - u), (ef + eb) / (1 - w))``, u and w what compute and exchange lose to
      each other. The output of a pass is there only after its own compute and exchange.
    - `halves`: the halves of a micro-batch take turns; of the smaller of compute and exchange ``1 - 1 / (2 layers)`` is
      hidden, as the first half's first exchange (or the last half's last compute) has no partner.

    Parameters
    ----------
    c : Configuration
        The plan.
    compute, exchange : tuple of ndarray
        Forward and backward. [s]
    mixtures : ndarray
        Mixture layers of the stage.
    lost : Contention
        What compute and exchange take from each other (:func:`contention`).
    """
    zero = np.zeros_like(compute[0] + exchange[0])
    alone = [work + moved for work, moved in zip(compute, exchange, strict=True)]
    slow = [work / (1.0 - lost.compute) for work in compute]
    held = [moved / (1.0 - lost.exchange) for moved in exchange]
    both = np.maximum(slow[0] + slow[1], held[0] + held[1])
    sums = np.maximum(alone[0] + alone[1], 1e-300)
    paired = [both * part / sums for part in alone]
    turns = 1.0 - 0.5 / np.maximum(mixtures, 1.0)
    halved = [work + moved - turns * np.minimum(work, moved) for work, moved in zip(slow, held, strict=True)]
    spread = (c.expert > 1) & (exchange[0] + exchange[1] > 0)
    pairs, halves = spread & (c.expert_overlap == PAIRS), spread & (c.expert_overlap == HALVES)
    busy = [np.select([pairs, halves], [paired[i], halved[i]], alone[i]) for i in (0, 1)]
    late = [np.where(pairs, np.maximum(slow[i] + held[i] - paired[i], 0.0), zero) for i in (0, 1)]
    return Passes(busy[0], busy[1], late[0], late[1])
