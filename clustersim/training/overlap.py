"""What exchanges cost that run beside compute: both slow down, since communication kernels take compute units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustersim.workload.configuration import EXPERT_OVERLAPS, Configuration, Numbers
from clustersim.workload.hardware import Hardware

PAIRS, HALVES = EXPERT_OVERLAPS.index("pairs"), EXPERT_OVERLAPS.index("halves")


def beside(compute: Numbers, exchange: Numbers, hidden_share: Numbers, units: Numbers) -> Numbers:
    """Return what an exchange adds to compute when `hidden_share` of it can run beside [s].

    While it does, it takes the share `units` of the compute units, so that the compute beside it is slower by as much.
    """
    hidden = hidden_share * np.minimum(compute, exchange)
    return exchange - hidden * (1.0 - units)


def taken(hw: Hardware, memory: Numbers, compute: Numbers) -> Numbers:
    """Return by how much compute is slower while an exchange runs beside it [-].

    The exchange takes the share `exchange_share` of the compute units from all of it, and the share `exchange_memory`
    of the memory bandwidth from its memory-bound part, `memory` of `compute` seconds.
    """
    part = np.clip(memory / np.where(compute > 0.0, compute, 1.0), 0.0, 1.0)
    return 1.0 - (1.0 - hw.exchange_share) * (1.0 - hw.exchange_memory * part)


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
    units: Numbers,
) -> Passes:
    """Return how long a stage is busy with compute and exchange of experts, forward and backward.

    - `none`: one after the other.
    - `pairs`: the exchange of one micro-batch runs beside the compute of another, that of a forward beside a backward
      too: both passes take ``max((f + b) / (1 - u), ef + eb)``, u the compute units that the exchange takes. The output
      of a pass is there only after its own compute and exchange.
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
    units : ndarray
        What the exchange takes from compute beside it (:func:`taken`). [-]
    """
    left = 1.0 - units
    zero = np.zeros_like(compute[0] + exchange[0])
    alone = [work + moved for work, moved in zip(compute, exchange, strict=True)]
    slow = [work / left for work in compute]
    both = np.maximum(slow[0] + slow[1], exchange[0] + exchange[1])
    sums = np.maximum(alone[0] + alone[1], 1e-300)
    paired = [both * part / sums for part in alone]
    turns = 1.0 - 0.5 / np.maximum(mixtures, 1.0)
    halved = [work + moved - turns * np.minimum(work, moved) for work, moved in zip(slow, exchange, strict=True)]
    spread = (c.expert > 1) & (exchange[0] + exchange[1] > 0)
    pairs, halves = spread & (c.expert_overlap == PAIRS), spread & (c.expert_overlap == HALVES)
    busy = [np.select([pairs, halves], [paired[i], halved[i]], alone[i]) for i in (0, 1)]
    late = [np.where(pairs, np.maximum(slow[i] + exchange[i] - paired[i], 0.0), zero) for i in (0, 1)]
    return Passes(busy[0], busy[1], late[0], late[1])
