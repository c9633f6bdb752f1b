"""Measured collectives from a CSV: each row becomes a group, a size and the measured seconds, or a reason why not."""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clustersim.errors import InputError
from clustersim.fabric.library import scale_up_links, transport
from clustersim.fabric.nccl import ALGORITHMS, Group, possible
from clustersim.study.tables.collective_fields import accelerator_of, algorithms_of, place_of, reduces_of
from clustersim.study.tables.row_fields import UnreadableError, number_of

REQUIRED = ("row_id", "collective", "n_gpus", "message_bytes", "busbw_GBps")
"""Columns by which a table of collectives is known."""

COLUMNS = (
    *REQUIRED, "source", "algo", "accelerator", "n_nodes", "gpus_per_node", "intra_fabric", "inter_fabric", "time_us",
    "algbw_GBps", "other_metric", "other_value", "notes", "use", "quality",
)  # fmt: skip
"""Columns that are read; one that a table lacks is blank."""

RING_RATIO = "ring collectives, NIC-bound"
"""Rows of SimAI: what rings reach of the rate of all NICs of a server."""

NAMES = {
    "all_reduce": "all_reduce", "allreduce": "all_reduce", "all_gather": "all_gather", "allgather": "all_gather",
    "reduce_scatter": "reduce_scatter", "reducescatter": "reduce_scatter", "alltoall": "all_to_all",
    "all_to_all": "all_to_all", "broadcast": "broadcast", "p2p": "send_recv", "sendrecv": "send_recv",
    "send_recv": "send_recv", RING_RATIO: "all_gather",
}  # fmt: skip
"""Collectives by their name in a table. A ratio of a bus bandwidth is the same for all ring collectives."""

PEAK_BYTES = 16.0 * 2.0**30
"""Size of a row that states the peak at large messages and no size. [B]"""

NO_NETWORK = "generic_transport"
"""Stands where no network is used, without effect."""

RATIO = "fraction of peak bus bandwidth"


@dataclass(frozen=True)
class CollectiveCase:
    """One measured collective, ready to be predicted."""

    row_id: str
    source: str
    use: str
    quality: str
    """A: a primary number; B: digitised, secondary or partly inferred."""
    noisy: bool
    """Whether the notes call the measurement noisy."""
    collective: str
    accelerator: str
    """Name in the catalog, or of an entry of `collectives` for one that the catalog does not have."""
    scale_up: float
    """Of one accelerator, one direction; infinite where only the NIC side was measured. [B/s]"""
    members: int
    domain: int
    transport: str
    """Entry of the catalog kind `collectives`."""
    nic: float
    """Line rate of one accelerator. [B/s]"""
    fabric: str
    """What the row calls it, for the tables."""
    fabric_reduces: bool
    algorithms: tuple[str, ...]
    size_bytes: float
    measured_s: float
    metric: str
    """Column that the seconds are from."""
    assumed: tuple[str, ...]


@dataclass(frozen=True)
class LeftOut:
    """A row that is not predicted."""

    row_id: str
    use: str
    reason: str
    wrong: bool = False
    """Whether the row contradicts itself or cannot be read, else something is not given."""


@dataclass(frozen=True)
class CollectivesTable:
    """The rows of a table."""

    cases: tuple[CollectiveCase, ...]
    refused: tuple[LeftOut, ...]


def is_collectives_table(path: Path) -> bool:
    """Whether the columns of a table are those of measured collectives; False where it cannot be read."""
    try:
        return set(REQUIRED) <= set(_rows(path)[0])
    except InputError:
        return False


def read_collectives(path: Path) -> CollectivesTable:
    """Return the rows of a CSV (also gzip-compressed) of measured collectives.

    Raises
    ------
    InputError
        If the file cannot be read or lacks a column of :data:`REQUIRED`.
    """
    head, rows = _rows(path)
    missing = [name for name in REQUIRED if name not in head]
    if missing:
        raise InputError(f"{path}: expected columns {', '.join(missing)}, found {', '.join(head)}")
    cases, refused = [], []
    for index, found in enumerate(rows, start=2):
        row = {name: (found.get(name) or "").strip() for name in COLUMNS}
        row["row_id"] = row["row_id"] or f"line {index}"
        try:
            cases.append(_case(row))
        except UnreadableError as error:
            refused.append(LeftOut(row["row_id"], row["use"], str(error), error.wrong))
    return CollectivesTable(tuple(cases), tuple(refused))


def _rows(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text), strict=True)
        return list(reader.fieldnames or ()), list(reader)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a table: {error}") from None


def bus_factor(collective: str, members: int) -> float:
    """Return bus bandwidth over bytes per second, by nccl-tests' convention.

    ``2 (n - 1) / n`` for an all-reduce, ``(n - 1) / n`` for all-gather, reduce-scatter and all-to-all, else 1.
    """
    if collective == "all_reduce":
        return 2.0 * (members - 1) / members
    return (members - 1) / members if collective in {"all_gather", "reduce_scatter", "all_to_all"} else 1.0


def _case(row: Mapping[str, str]) -> CollectiveCase:
    if row["use"] == "context":
        raise UnreadableError("context only, not scored")
    if "lower bound" in row["notes"].lower():
        raise UnreadableError("a lower bound to pass, not a measurement")
    ratio = row["other_metric"] == RATIO
    if ratio and not (row["collective"] == RING_RATIO and (number_of(row, "n_nodes") or 1.0) > 1.0):
        raise UnreadableError("a fraction of a peak that the table does not state")
    collective = NAMES.get(row["collective"])
    if collective is None:
        raise UnreadableError(f"{row['collective']!r}: not one of the collectives of a library like NCCL")
    assumed: list[str] = []
    members = number_of(row, "n_gpus", most=1e7)
    if members is None or members < 2 or members != round(members):
        raise UnreadableError(f"n_gpus: expected a whole number from 2, found {row['n_gpus']!r}")
    accelerator, bandwidth = accelerator_of(row["accelerator"], assumed)
    if ratio:
        bandwidth = math.inf
        assumed.append("a fraction of the NICs' rate, which binds")
    domain, nic, network = place_of(row, members, accelerator, assumed)
    size = _size(row, assumed)
    seconds, metric = _seconds(row, collective, int(members), size, nic * domain, ratio)
    if "MPI" in row["algo"]:
        assumed.append(f"{row['algo']} as a library like NCCL")
    algorithms = algorithms_of(row)
    group = Group(
        int(members),
        domain,
        scale_up_links(accelerator, bandwidth),
        transport(network or NO_NETWORK),
        nic,
        reduces_of(row),
    )
    if not any(possible(algorithm, collective, group) for algorithm in algorithms):
        assumed.append(f"algorithm {row['algo']}: cannot do it in this model, the library chooses")
        algorithms = ALGORITHMS
    fabric = row["inter_fabric"] if network else f"{row['intra_fabric'] or 'scale-up'} only"
    return CollectiveCase(
        row_id=row["row_id"],
        source=row["source"],
        use=row["use"],
        quality=row["quality"],
        noisy="noisy" in row["notes"],
        collective=collective,
        accelerator=accelerator,
        scale_up=bandwidth,
        members=int(members),
        domain=domain,
        transport=network or NO_NETWORK,
        nic=nic,
        fabric=fabric,
        fabric_reduces=group.fabric_reduces,
        algorithms=algorithms,
        size_bytes=size,
        measured_s=seconds,
        metric=metric,
        assumed=tuple(assumed),
    )


def _size(row: Mapping[str, str], assumed: list[str]) -> float:
    size = number_of(row, "message_bytes")
    if size is not None:
        return size
    if "peak" in row["notes"] and "large message" in row["notes"]:
        assumed.append("size 16 GiB: the row states the peak at large messages")
        return PEAK_BYTES
    raise UnreadableError("message_bytes: not given")


def _seconds(
    row: Mapping[str, str], collective: str, members: int, size: float, node_rate: float, ratio: bool
) -> tuple[float, str]:
    """Return the measured time, and the column that it is from. [s]"""
    factor = bus_factor(collective, members)
    if ratio:
        part = number_of(row, "other_value", most=1.0)
        if part is None:
            raise UnreadableError("other_value: not given")
        return factor * size / (part * node_rate), RATIO
    bus = number_of(row, "busbw_GBps")
    # nccl-tests prints two decimals: below 1 GB/s the time is the better of the two
    time = number_of(row, "time_us")
    if bus is not None and (bus >= 1.0 or time is None):
        return factor * size / (bus * 1e9), "busbw_GBps"
    if time is not None:
        return time * 1e-6, "time_us"
    rate = number_of(row, "algbw_GBps")
    if rate is not None:
        return size / (rate * 1e9), "algbw_GBps"
    raise UnreadableError("busbw_GBps, time_us, algbw_GBps: none is given")
