"""Fields of a group from one row of a table of collectives: accelerator, domain, network and allowed algorithms."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from clustersim import catalog
from clustersim.errors import CatalogError
from clustersim.fabric.library import scale_up_entry
from clustersim.fabric.nccl import ALGORITHMS
from clustersim.study.tables.row_fields import UnreadableError, number_of

NETWORKS = (
    (r"TCPXO|FasTrak", "generic_transport"),
    (r"TCPX", "tcpx"),
    (r"\bEFA\b", "efa"),
    (r"RoCE|Spectrum", "roce"),
    (r"\bIB\b|InfiniBand|\bNDR|\bHDR|\bXDR", "infiniband"),
)
"""Kind of network by what the cell says, first match first."""


TORI = frozenset({"Google", "AWS"})
"""Makers of accelerators that are wired as a torus."""


def nodes_of(row: Mapping[str, str], members: float) -> float:
    """Return the servers of a group, from their count or from the accelerators of each."""
    per_node = number_of(row, "gpus_per_node") or members
    return number_of(row, "n_nodes") or math.ceil(members / per_node)


def accelerator_of(text: str, assumed: list[str]) -> tuple[str, float]:
    """Return the name of an accelerator and the bandwidth of its scale-up links. [B/s]"""
    for word in (text, re.sub(r"\s*\(.*", "", text), *re.findall(r"(?:likely |\()(\w+)", text)):
        entry = scale_up_entry(word)
        if entry.has("bandwidth"):
            return word, entry.si("bandwidth")
        try:
            chip = catalog.entry("accelerators", word)
        except CatalogError:
            continue
        if chip.properties.get("vendor") in TORI:
            raise UnreadableError(f"accelerator {text!r}: collectives on a torus are not modelled")
        if chip.has("scale_up.bandwidth"):
            if word not in (text, text.split(" ")[0]):
                assumed.append(f"accelerator {word}")
            return chip.name, chip.si("scale_up.bandwidth")
    raise UnreadableError(f"accelerator {text!r}: its scale-up bandwidth is not in the catalog")


def place_of(row: Mapping[str, str], members: float, accelerator: str, assumed: list[str]) -> tuple[int, float, str]:
    """Return members per scale-up domain, line rate of one accelerator [B/s] and the network ('' if none is used)."""
    nodes, per_node = nodes_of(row, members), number_of(row, "gpus_per_node")
    domain = per_node or members / nodes
    text = row["inter_fabric"]
    try:
        chip = catalog.entry("accelerators", accelerator) if accelerator else None
    except CatalogError:
        chip = None
    if "IB only" not in row["intra_fabric"] and chip is not None and chip.has("scale_up.domain"):
        domain = max(domain, chip.si("scale_up.domain"))
    if members <= domain or text.lower().startswith("none"):
        return int(max(members, domain)), 1.0, ""
    rate = _line_rate(text, per_node or domain)
    if rate is None:
        if chip is None or not chip.has("nic.bandwidth"):
            raise UnreadableError(f"inter_fabric {text!r}: no rate given, and {accelerator!r} is not in the catalog")
        rate = chip.si("nic.bandwidth")
        assumed.append(f"NIC {rate * 8e-9:g} Gbit/s per accelerator, as the catalog has it")
    network = next((name for pattern, name in NETWORKS if re.search(pattern, text, re.IGNORECASE)), "generic_transport")
    if network == "generic_transport":
        assumed.append("network: generic transport")
    return int(domain), rate, network


def _line_rate(text: str, per_node: float) -> float | None:
    """Return the line rate of one accelerator that a text states, such as `8x400G` or `3200G per node`. [B/s]"""
    ports = re.search(r"(\d+)x\s*(\d+)G\b", text)
    if ports:
        return float(ports[1]) * float(ports[2]) * 0.125e9 / per_node
    node = re.search(r"(\d+)G per node", text)
    if node:
        return float(node[1]) * 0.125e9 / per_node
    if re.search(r"\bHPN\b", text):
        hpn = catalog.entry("networks", "fabric_alibaba_hpn7")
        return hpn.si("nic.ports") * hpn.si("nic.port_rate")
    one = re.search(r"(\d+)G\b|[NHX]DR-?(\d+)", text)
    return float(one[1] or one[2]) * 0.125e9 if one else None


def reduces_of(row: Mapping[str, str]) -> bool:
    """Whether the switches of the scale-out fabric reduce, by what the row says."""
    text = f"{row['inter_fabric']} {row['algo']}"
    return bool(re.search("SHARP|CollNet", text)) and "no SHARP" not in text


def algorithms_of(row: Mapping[str, str]) -> tuple[str, ...]:
    """Return the algorithms that the row leaves open: the one it names, without in-switch reduction, or all."""
    text = row["algo"]
    if re.fullmatch(r"(NCCL\s*)?NVLS[ _]?Tree", text, re.IGNORECASE):
        return ("nvls_tree",)
    if text.startswith("NVLS"):
        return ("nvls", "nvls_tree")
    if text.startswith("Tree"):
        return ("tree",)
    if re.match(r"Ring\b", text) or re.search(r"\bring\b", row["intra_fabric"]):
        return ("ring", "direct")
    return ALGORITHMS
