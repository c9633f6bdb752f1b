"""Damping that changes the exchange between replicas: more of it beside compute, or fewer bytes."""

from __future__ import annotations

from dataclasses import replace

from clustersim.power.spec import MoreOverlap, SmallerExchange
from clustersim.workload.hardware import Hardware


def changes_exchange(strategies: tuple[object, ...]) -> bool:
    """Whether any of the strategies changes the exchange."""
    return any(isinstance(strategy, (MoreOverlap, SmallerExchange)) for strategy in strategies)


def with_changed_exchange(hardware: Hardware, strategies: tuple[object, ...]) -> Hardware:
    """Return what the accelerators reach with the exchange that the strategies ask for.

    More overlap hides the share s of what could not run beside compute: ``overlap + s (1 - overlap)``. What has nothing
    to run beside, the last bucket of a step, stays exposed. A smaller exchange scales the bytes of the reduction.
    """
    for strategy in strategies:
        if isinstance(strategy, MoreOverlap):
            hardware = replace(hardware, overlap=hardware.overlap + strategy.share * (1.0 - hardware.overlap))
        elif isinstance(strategy, SmallerExchange):
            hardware = replace(hardware, reduce_share=hardware.reduce_share * strategy.factor)
    return hardware
