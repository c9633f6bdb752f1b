"""Times of recovery of published runs: start-up, detection, lost work, checkpoints."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from clustersim import catalog, units
from clustersim.operation.checkpoints import transfer_times
from clustersim.operation.restarts import DEFAULT_COLLECTIVES, IN_JOB, collective_init_time, restart_time
from clustersim.operation.spec_parts.checkpoint import CheckpointSpec
from clustersim.study.tables.reliability_bands import NORMAL_90
from clustersim.study.tables.reliability_causes import causes_of, fleet_of
from clustersim.study.tables.reliability_cells import time_unit
from clustersim.study.tables.reliability_counts import Prediction
from clustersim.study.tables.reliability_rows import KIND, ReliabilityRow
from clustersim.study.tables.row_fields import UnreadableError


def _unit(row: ReliabilityRow) -> float:
    unit = time_unit(row.unit)
    if unit is None:
        raise UnreadableError(f"unit: expected a unit of time, found {row.unit!r}")
    return unit


def _spread(value: float, law: str, said: str, assumed: tuple[str, ...] = ()) -> Prediction:
    """Return a prediction with the band of single runs about a law: log-normal with the residual of its fit."""
    known = catalog.entry(KIND, "residuals")
    if not known.has(law):
        return Prediction(value, None, None, said, assumed)
    width = math.exp(NORMAL_90 * known.si(law))
    return Prediction(value, value / width, value * width, said, assumed)


def start_up(row: ReliabilityRow, _: Sequence[ReliabilityRow]) -> Prediction:
    """Return the time until every rank is ready: the law for this time and family, at so many accelerators.

    A restart in place is told by the words of its row.
    """
    unit, ranks = _unit(row), round(row.accelerators())
    laws = catalog.entry(KIND, "laws").properties
    law = laws.get(row.metric, laws["restart"])[row.family]
    if re.search(laws["in_place"], f"{row.metric} {row.component}", re.IGNORECASE):
        law = IN_JOB
    return _spread(restart_time(law, row.family, ranks) / unit, law, law)


def collectives(row: ReliabilityRow, _: Sequence[ReliabilityRow]) -> Prediction:
    """Return the time in which the communicators of so many ranks are built."""
    value = collective_init_time(None, round(row.accelerators())) / _unit(row)
    return Prediction(value, None, None, DEFAULT_COLLECTIVES)


def detection(row: ReliabilityRow, _: Sequence[ReliabilityRow]) -> Prediction:
    """Return the time until a fault is noticed: of the fault that the row names, else the mean over all failures."""
    unit, fleet = _unit(row), fleet_of(row)
    for item in catalog.entry(KIND, "causes").properties["detections"]:
        if row.component and re.search(item["pattern"], row.component, re.IGNORECASE):
            value = catalog.entry("reliability", "detection").si(item["figure"]) / unit
            return Prediction(value, None, None, f"reliability/detection {item['figure']}")
    causes = causes_of(fleet, row.facts(float(row.per_server())))
    rate = math.fsum(cause.rate_per_s for cause in causes)
    seconds = math.fsum(cause.rate_per_s * cause.detection_s for cause in causes) / rate
    name = fleet.variant or f"default of {row.family}"
    return Prediction(seconds / unit, None, None, f"reliability/{name}, detection")


def lost_work(row: ReliabilityRow, _: Sequence[ReliabilityRow]) -> Prediction:
    """Return the work lost by a failure on average: half of the interval between checkpoints.

    The interval is the row's (``ckpt every 3 h`` in its notes), else the default of a scenario.
    """
    unit = _unit(row)
    match = re.search(r"(?:ckpt|checkpoint)\w* every (\d+(?:\.\d+)?)\s*([a-z]+)", row.notes, re.IGNORECASE)
    seconds = None if match is None else time_unit(match[2])
    if match is not None and seconds is not None:
        return Prediction(
            0.5 * float(match[1]) * seconds / unit, None, None, "half of the interval", ("interval: notes",)
        )
    interval = float(CheckpointSpec().interval)
    return Prediction(
        0.5 * interval / unit, None, None, "half of the interval", (f"interval {interval:g} s, the default",)
    )


def catch_up(row: ReliabilityRow, table: Sequence[ReliabilityRow]) -> Prediction:
    """Return how long a job needs from its restart until it is where it was: load, then redo what was lost."""
    unit = _unit(row)
    storage = catalog.entry("reliability", "checkpoint").si("storage_bandwidth")
    load = row.facts(row.accelerators()).checkpoint_bytes / storage
    lost = lost_work(row, table)
    said = (*lost.assumed, f"{row.parameters()[0] / 1e9:g}e9 parameters")
    return Prediction(lost.value + load / unit, None, None, "load and half of the interval", said)


def size(row: ReliabilityRow, _: Sequence[ReliabilityRow]) -> Prediction:
    """Return the bytes of a checkpoint: parameters that the row names times the bytes of weights and optimizer."""
    parameters, named = row.parameters()
    if not named:
        raise UnreadableError("parameters: the row names none")
    if row.unit not in units.TABLE["data"]:
        raise UnreadableError(f"unit: expected a unit of data, found {row.unit!r}")
    figure = catalog.entry(KIND, "job").figure("bytes_per_parameter")
    scale = parameters / units.TABLE["data"][row.unit]
    return Prediction(
        scale * figure.value, scale * figure.low, scale * figure.high, f"{KIND}/job bytes_per_parameter",
        (f"{parameters / 1e9:g}e9 parameters",),
    )  # fmt: skip


def _entry(row: ReliabilityRow, what: str) -> str | None:
    """Return the storage or the framework of the catalog that a row names."""
    words = "; ".join((row.component, row.source, row.cluster))
    found = catalog.entry(KIND, "laws").properties[what]
    return next((item["entry"] for item in found if re.search(item["pattern"], words)), None)


def blocking(row: ReliabilityRow, table: Sequence[ReliabilityRow]) -> Prediction:
    """Return for how long training waits for a checkpoint: the snapshot of an asynchronous one, else the whole save."""
    if re.search(r"\basync|in-memory|cached", row.component, re.IGNORECASE):
        figure = catalog.entry("reliability", "checkpoint").figure("blocking")
        unit = _unit(row)
        return Prediction(figure.value / unit, figure.low / unit, figure.high / unit, "reliability/checkpoint blocking")
    return transfer(row, table)


def transfer(row: ReliabilityRow, _: Sequence[ReliabilityRow]) -> Prediction:
    """Return the time to save or load a checkpoint: bytes over the rate of the framework and storage of the row.

    The time of a framework to plan a save grows with the ranks; a row that does not say how many has none.
    """
    unit, (parameters, named) = _unit(row), row.parameters()
    framework, storage = _entry(row, "frameworks"), _entry(row, "storages")
    if not named:
        raise UnreadableError("parameters: the row names none")
    if framework is None and storage is None:
        raise UnreadableError("neither storage nor software, from which the time would follow")
    loads = "load" in row.metric
    ranks, said = 0, [f"{parameters / 1e9:g}e9 parameters"]
    if row.n_gpus:
        ranks = round(row.accelerators())
    elif framework is not None and not loads:
        said.append("no time to plan")
    held = parameters * catalog.entry(KIND, "job").si("bytes_per_parameter")
    rates = (math.inf, math.inf, math.inf)
    if storage is not None:
        figure = catalog.entry("recovery", storage).figure("read" if loads else "write")
        rates = (figure.value, figure.high, figure.low)
    value, low, high = (transfer_times(framework, held, rate, rate, ranks)[int(loads)] / unit for rate in rates)
    entry = ", ".join(f"recovery/{name}" for name in (framework, storage) if name is not None)
    if low == high:
        return Prediction(value, None, None, entry, tuple(said))
    return Prediction(value, low, high, entry, tuple(said))
