"""What accelerators and software stacks reach, as arrays beside those of a configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.catalog import Entry
from clustersim.errors import CatalogError
from clustersim.workload.capping import speed_at_limit, speed_under_cap
from clustersim.workload.configuration import PRECISIONS, Numbers

CONSTANTS = ("matrix", "matrix.low_precision", "memory", "launch", "attention")
"""Fitted constants of an accelerator generation, in the catalog kind `calibration`."""

COMMON = ("product.unaligned",)
"""Constants set on measured steps that are the same for every generation, in `efficiency`, `training`."""

ELEMENT_BYTES = {"bf16": 2.0, "fp8": 1.0, "fp8_block": 1.0, "fp4": 0.5625}
"""Bytes of one element of a product's inputs; fp4 carries an 8-bit scale for 16 elements."""


@dataclass(frozen=True)
class Hardware:
    """What n steps run on; every field is an array of shape (n,). Rates in FLOP/s and B/s, one direction."""

    low_precision: Numbers
    """1 where the products of the layers run below 16 bit, else 0."""
    peak: Numbers
    """Dense peak at the step's precision."""
    share: Numbers
    """Share of the peak that large products reach at this precision."""
    half_depth: Numbers
    """Inner dimension at which a product is half as fast as a deep one."""
    fixed: Numbers
    """Fixed time of a product. [s]"""
    element_bytes: Numbers
    plain_peak: Numbers
    """The same four in bf16, for what stays there: head, router, attention."""
    plain_share: Numbers
    plain_half_depth: Numbers
    plain_fixed: Numbers
    unaligned: Numbers
    """How much longer a product takes with a dimension that is no multiple of 64."""
    attention: Numbers
    """Share of the bf16 peak that the fused attention kernel reaches forward."""
    second_flash: Numbers
    """Rate of FlashAttention-2 over that of kernels made for the chip. [-]"""
    attention_backward: Numbers
    """Rate of the attention kernel's backward over its forward's. [-]"""
    bandwidth: Numbers
    """Memory bandwidth that streaming kernels reach."""
    launch: Numbers
    """Time in which the host launches one kernel. [s]"""
    host_backward: Numbers
    """Time in which the host launches a backward over that of its forward. [-]"""
    routing_kernels: Numbers
    """Kernels of a mixture layer beside its products. [-]"""
    capacity: Numbers
    scale_up: Numbers
    """What collectives reach in the scale-up domain, large messages."""
    domain: Numbers
    start: Numbers
    """Start of a collective in the scale-up domain. [s]"""
    step: Numbers
    """One step of a ring in the scale-up domain. [s]"""
    ramp: Numbers
    """Time scale of the slow rise of a collective's rate with its size. [s]"""
    nic: Numbers
    """What one accelerator reaches through its NIC in rings and between stages."""
    nic_scattered: Numbers
    """The same in an exchange of many small parts (experts)."""
    hop: Numbers
    """One step of a ring through the scale-out fabric. [s]"""
    rank_spread: Numbers
    """Relative spread of the speed of ranks. [-]"""
    overlap: Numbers
    """Share of an overlapped exchange that can hide behind compute. [-]"""
    exchange_share: Numbers
    """Share of the compute units that an exchange takes while it runs beside compute. [-]"""
    exchange_memory: Numbers
    """Share of the memory bandwidth that an exchange through the NIC takes while it runs. [-]"""
    reduce_share: Numbers
    """Bytes of a gradient in the reduction between replicas over those that the plan says. [-]"""
    bucket: Numbers
    """Weights that one gradient collective carries at least. [-]"""
    bucket_per_rank: Numbers
    """The same for each rank that shares the gradients, where that is more. [-]"""
    step_fixed: Numbers
    """What a step takes beside its kernels: data, norm, logging. [s]"""

    def take(self, chosen: NDArray[np.int64]) -> Hardware:
        """Return the rows that indices choose."""
        return Hardware(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def slowest(self) -> Hardware:
        """Return one row with the worst of every figure: what a fleet of several kinds reaches at least."""
        worst = {f.name: getattr(self, f.name) for f in fields(self)}
        return Hardware(
            **{
                name: np.array([values.max() if name in SLOWER_WHEN_LARGER else values.min()])
                for name, values in worst.items()
            }
        )


SLOWER_WHEN_LARGER = frozenset(
    {
        "half_depth", "fixed", "element_bytes", "plain_half_depth", "plain_fixed", "unaligned", "launch",
        "host_backward", "routing_kernels", "start", "step", "ramp", "hop", "rank_spread", "exchange_share",
        "exchange_memory", "reduce_share", "step_fixed",
    }
)  # fmt: skip
"""Figures of :class:`Hardware` of which a larger one makes a step longer."""


def generation_of(name: str) -> Entry:
    """Return the calibration of the generation that accelerator `name` belongs to.

    Raises
    ------
    CatalogError
        If no generation lists it.
    """
    for found in catalog.entries("calibration").values():
        if name in found.properties["accelerators"]:
            return found
    known = sorted(n for found in catalog.entries("calibration").values() for n in found.properties["accelerators"])
    raise CatalogError(f"accelerator {name!r} belongs to no calibrated generation; there are {', '.join(known)}")


def constant(generation: Entry, stack: Entry | None, name: str) -> float:
    """Return a fitted constant: the generation's, times what the software stack changes of it."""
    value = generation.si(name)
    return value * stack.si(name) if stack is not None and stack.has(name) else value


def _law(reached: Entry, precision: str) -> tuple[float, float, float]:
    """Return share, half depth and fixed time of the products at `precision`."""
    key = f"product.{precision}"
    if precision == "fp8_block" and not reached.has(key):
        key = "product.fp8"
    return reached.si(key), reached.si(f"{key}.half_depth"), reached.si(f"{key}.fixed")


def _peak(chip: Entry, precision: str) -> float:
    """Return the dense peak; 8-bit integers stand in where a chip has no fp8, and fp8 where it has no fp4."""
    for key in {"bf16": ("bf16",), "fp4": ("fp4",)}.get(precision, ("fp8", "int8")):
        if chip.has(f"peak.{key}"):
            return chip.si(f"peak.{key}")
    raise CatalogError(f"{chip.name} has no peak at {precision}")


def hardware_of(
    accelerators: Sequence[str],
    precisions: Sequence[str],
    stacks: Sequence[str | None],
    nics: Sequence[float | None],
) -> Hardware:
    """Return the hardware of n steps from the catalog.

    Parameters
    ----------
    accelerators : sequence of str
        Names or aliases in the catalog kind `accelerators`.
    precisions : sequence of str
        Of :data:`clustersim.workload.configuration.PRECISIONS`.
    stacks : sequence of str or None
        Names in the catalog kind `stacks`; None is the stack on which the generations are calibrated.
    nics : sequence of float or None
        Line rate of one accelerator, where it is not the chip's usual one. [B/s]

    Raises
    ------
    CatalogError
        If a name, a figure or a peak is not in the catalog.
    """
    fitted: dict[str, list[float]] = {name: [] for name in CONSTANTS}
    for name, stack_name in zip(accelerators, stacks, strict=True):
        generation = generation_of(catalog.entry("accelerators", name).name)
        stack = None if stack_name is None else catalog.entry("stacks", stack_name)
        for key, values in fitted.items():
            values.append(constant(generation, stack, key))
    bare = bare_hardware(accelerators, precisions, nics)
    return calibrated(bare, {name: np.array(values) for name, values in fitted.items()})


def bare_hardware(accelerators: Sequence[str], precisions: Sequence[str], nics: Sequence[float | None]) -> Hardware:
    """Return the hardware with every fitted constant at 1 (see :func:`calibrated`)."""
    known: dict[tuple[str, str, float | None], dict[str, float]] = {}
    keys = list(zip(accelerators, precisions, nics, strict=True))
    for key in keys:
        if key not in known:
            known[key] = _row(*key)
    rows = [known[key] for key in keys]
    return Hardware(**{field.name: np.array([row[field.name] for row in rows]) for field in fields(Hardware)})


def calibrated(bare: Hardware, constants: Mapping[str, Numbers]) -> Hardware:
    """Return `bare` hardware with the constants of :data:`CONSTANTS`, arrays of its length."""
    low = np.where(bare.low_precision > 0, constants["matrix.low_precision"], constants["matrix"])
    return replace(
        bare,
        share=bare.share * low,
        plain_share=bare.plain_share * constants["matrix"],
        bandwidth=bare.bandwidth * constants["memory"],
        launch=bare.launch * constants["launch"],
        attention=bare.attention * constants["attention"],
    )


def _row(name: str, precision: str, nic: float | None) -> dict[str, float]:
    if precision not in PRECISIONS:
        raise CatalogError(f"unknown precision {precision!r}; expected one of {', '.join(PRECISIONS)}")
    chip = catalog.entry("accelerators", name)
    reached, common = catalog.entry("efficiency", chip.name), catalog.entry("efficiency", "training")
    plain, chosen = _law(reached, "bf16"), _law(reached, precision)
    line = nic if nic is not None else chip.si("nic.bandwidth")
    # an accelerator that is sold with a lower limit than others of its kind
    speed = speed_at_limit(chip.name, chip.si("power.limit")) if chip.has("power.limit") else 1.0
    return {
        "low_precision": float(PRECISIONS[precision] > 0),
        "peak": _peak(chip, precision),
        "share": chosen[0] * speed,
        "half_depth": chosen[1],
        "fixed": chosen[2],
        "element_bytes": ELEMENT_BYTES[precision],
        "plain_peak": _peak(chip, "bf16"),
        "plain_share": plain[0] * speed,
        "plain_half_depth": plain[1],
        "plain_fixed": plain[2],
        "unaligned": common.si("product.unaligned"),
        "attention": speed,
        "second_flash": reached.si("attention.flash2") if reached.has("attention.flash2") else 1.0,
        "attention_backward": common.si("attention.backward"),
        "bandwidth": chip.si("memory.bandwidth"),
        "launch": 1.0,
        "host_backward": common.si("host.backward"),
        "routing_kernels": common.si("kernels.routing"),
        "capacity": chip.si("memory.capacity"),
        "scale_up": chip.si("scale_up.bandwidth") * reached.si("collective"),
        "domain": chip.si("scale_up.domain"),
        "start": reached.si("collective.start"),
        "step": reached.si("collective.step"),
        "ramp": reached.si("collective.ramp"),
        "nic": line * common.si("scale_out.efficiency.ring"),
        "nic_scattered": line * common.si("scale_out.efficiency.infiniband"),
        "hop": reached.si("collective.hop"),
        "rank_spread": catalog.entry("device_power", "jitter").si("rank"),
        "overlap": common.si("exchange.overlap"),
        "exchange_share": reached.si("exchange.sm_share"),
        "exchange_memory": catalog.entry("exchange_paths", "nccl").si("memory_passes")
        * line
        * common.si("scale_out.efficiency.ring")
        / chip.si("memory.bandwidth"),
        "reduce_share": 1.0,
        "bucket": common.si("gradient.bucket"),
        "bucket_per_rank": common.si("gradient.bucket_per_rank"),
        "step_fixed": common.si("step.fixed"),
    }


def capped(hardware: Hardware, accelerators: Sequence[str], limits_w: Sequence[float], levels_w: Numbers) -> Hardware:
    """Return hardware whose accelerators work under power limits.

    Products and attention slow down as matrix work, streaming kernels by their own power; exchanges draw too little to
    feel a limit that a job can work with. Bursts above the limit, which last milliseconds, are not modelled.

    Parameters
    ----------
    hardware : Hardware
        One row per accelerator.
    accelerators : sequence of str
        Names in the catalog.
    limits_w : sequence of float
        Limit of each. [W]
    levels_w : ndarray, shape (accelerators, 2)
        Power of matrix and of memory-bound work without a limit. [W]

    Raises
    ------
    CatalogError
        If there is no curve for an accelerator.
    """
    speeds = np.array(
        [
            [speed_under_cap(name, limit, float(drawn)) for drawn in levels]
            for name, limit, levels in zip(accelerators, limits_w, levels_w, strict=True)
        ]
    )
    matrix, memory = speeds.T
    return replace(
        hardware,
        share=hardware.share * matrix,
        plain_share=hardware.plain_share * matrix,
        attention=hardware.attention * matrix,
        bandwidth=hardware.bandwidth * memory,
    )


def with_exchange_path(hardware: Hardware, accelerators: Sequence[str], name: str) -> Hardware:
    """Return hardware whose exchanges run on the path `name` of the catalog kind `exchange_paths`.

    A path takes so many multiprocessors of the accelerator, and so many bytes through memory per byte that the NIC
    sends.

    Raises
    ------
    CatalogError
        If the path is unknown, or an accelerator has no multiprocessors to give.
    """
    path = catalog.entry("exchange_paths", name)
    chips = [catalog.entry("accelerators", accelerator) for accelerator in accelerators]
    for chip in chips:
        if not chip.has("sms"):
            raise CatalogError(f"exchange path {name!r}: {chip.name} has no multiprocessors; leave the path out")
    units = np.array([path.si("sms") / chip.si("sms") for chip in chips])
    memory = np.array([path.si("memory_passes") / chip.si("memory.bandwidth") for chip in chips]) * hardware.nic
    return replace(hardware, exchange_share=units, exchange_memory=memory)
