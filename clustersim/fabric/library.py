"""Constants of a communication library, from the catalog kind `collectives`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from clustersim import catalog
from clustersim.catalog import Entry

PROTOCOLS = ("ll", "ll128", "simple")
"""`ll`: 4 bytes of data with 4 of flag. `ll128`: 120 of 128 bytes are data. `simple`: chunks and a barrier each."""

SCALE_UP = (
    "ring_share", "exchange_share", "exchange_own", "reduce_share", "launch", "latency", "ramp", "reduce_ramp",
)  # fmt: skip
TRANSPORT = ("share", "latency", "ramp")


@dataclass(frozen=True)
class ScaleUp:
    """What collectives reach inside a scale-up domain of one generation."""

    bandwidth: float
    """Of one accelerator, one direction, by its data sheet. [B/s]"""
    ring_share: float
    """Share of it that rings and chains reach. [-]"""
    exchange_share: float
    """Share that all-to-alls reach. [-]"""
    exchange_own: float
    """Time that a member's own part of an all-to-all takes over that of sending as much. [-]"""
    reduce_share: float
    """Share that a reducing switch reaches, 0 where the switch does not reduce. [-]"""
    launch: float
    """From the call to the first byte. [s]"""
    latency: float
    """Latency of a step over that of the library's table. [-]"""
    ramp: float
    """Time scale of the slow rise of the rate with the size: more channels, larger chunks. [s]"""
    reduce_ramp: float
    """The same where the switch reduces. [s]"""
    mesh_of: int = 0
    """Members of a full mesh without a switch, where few members use few of the links; 0: a switch. [-]"""


@dataclass(frozen=True)
class Transport:
    """What collectives reach between scale-up domains over one kind of network."""

    share: float
    """Share of the line rate. [-]"""
    latency: float
    """Of a message, beyond that of the library's table. [s]"""
    ramp: float
    """Time scale, per step of a tree, of the slow rise of the rate with the size. [s]"""


@dataclass(frozen=True)
class Library:
    """Latencies of algorithms and protocols, the same for every fabric."""

    share: Mapping[str, float]
    """Share of the bandwidth that a protocol leaves to data. [-]"""
    step_up: Mapping[tuple[str, str], float]
    """Latency of a step inside a scale-up domain by algorithm and protocol. [s]"""
    step_net: Mapping[tuple[str, str], float]
    """The same between domains. [s]"""
    post: float
    """Least time of a ring's step in a group of several domains: posting to the network. [s]"""
    ll_net: tuple[float, float]
    """Most bus bandwidth of the protocol `ll`, through host memory, in groups of two domains and of more. [B/s]"""
    own_part: float
    """Time that a ring's member takes to copy its own part over that of sending as much. [-]"""
    only_simple: frozenset[str] = field(default=frozenset({"nvls", "nvls_tree", "sharp", "direct"}))

    def protocols(self, algorithm: str) -> tuple[str, ...]:
        """Return the protocols that an algorithm has."""
        return ("simple",) if algorithm in self.only_simple else PROTOCOLS


def nccl_library() -> Library:
    """Return the tables of NCCL from the catalog."""
    entry = catalog.entry("collectives", "nccl")

    def table(where: str) -> dict[tuple[str, str], float]:
        found = {}
        for algorithm in ("ring", "tree"):
            for protocol in PROTOCOLS:
                found[algorithm, protocol] = entry.si(f"{where}.{algorithm}.{protocol}")
        for algorithm in ("nvls", "nvls_tree", "sharp", "direct"):
            found[algorithm, "simple"] = entry.si(f"{where}.{algorithm}.simple")
        return found

    return Library(
        share={protocol: entry.si(f"share.{protocol}") for protocol in PROTOCOLS},
        step_up=table("step_up"),
        step_net=table("step_net"),
        post=entry.si("post"),
        ll_net=(entry.si("ll_net.two"), entry.si("ll_net.more")),
        own_part=entry.si("own_part"),
    )


def scale_up_entry(accelerator: str) -> Entry:
    """Return the generation of an accelerator's scale-up links; `generic_scale_up` where no generation names it."""
    for entry in catalog.entries("collectives").values():
        if accelerator in entry.properties.get("accelerators", ()):
            return entry
    return catalog.entry("collectives", "generic_scale_up")


def provider(entry: Entry, figure: str) -> Entry | None:
    """Return the generation that a figure of a generation comes from: itself, or the one that it names `otherwise`.

    None where there is no such figure: the switch does not reduce.
    """
    if entry.has(figure) or entry.name == "generic_scale_up":
        return entry if entry.has(figure) else None
    other = entry.properties.get("otherwise")
    if other is None:
        return None if figure.startswith("reduce") else catalog.entry("collectives", "generic_scale_up")
    return provider(catalog.entry("collectives", other), figure)


def scale_up_links(accelerator: str, bandwidth: float) -> ScaleUp:
    """Return what collectives reach inside the scale-up domain of an accelerator of that bandwidth [B/s].

    Figures that its generation lacks are those of a similar or of the generic one; without a figure for it a switch
    does not reduce.
    """
    entry = scale_up_entry(accelerator)
    figures = {}
    for name in SCALE_UP:
        source = provider(entry, name)
        figures[name] = 0.0 if source is None else source.si(name)
    return ScaleUp(bandwidth=bandwidth, mesh_of=int(entry.properties.get("mesh_of", 0)), **figures)


def transport(name: str) -> Transport:
    """Return what collectives reach over a kind of network: an entry of the catalog such as `infiniband`."""
    entry = catalog.entry("collectives", name)
    return Transport(**{figure: entry.si(figure) for figure in TRANSPORT})
