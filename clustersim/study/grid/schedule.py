"""When the events of the grid happen that a scenario asks for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustersim.plant.spec import GridEvent
from clustersim.scenario import Scenario
from clustersim.study.random_streams import random_stream


@dataclass(frozen=True)
class Asked:
    """One event at its time."""

    name: str
    """Kind and number among those of its kind in the file, such as ``voltage_dip_1``; names its window."""
    at_s: float
    sites: tuple[str, ...]
    event: GridEvent
    looked_at: bool
    """Whether power and plant look at it closely: each record of the file once."""


def schedule(scenario: Scenario) -> tuple[Asked, ...]:
    """Return the events of a scenario in order of time.

    Those that come at random have exponential times between them, drawn from a stream of their own for each record of
    the file; while one lasts, no other of the same record begins.
    """
    records = scenario.plant.events
    streams = random_stream(scenario, "grid_events").spawn(len(records))
    found, counted = list[Asked](), dict[str, int]()
    for record, stream in zip(records, streams, strict=True):
        counted[record.kind] = counted.get(record.kind, 0) + 1
        name = f"{record.kind}_{counted[record.kind]}"
        sites = tuple(scenario.topology.site) if record.site is None else (record.site,)
        times = list[float]() if record.at is None else [record.at]
        if record.every is not None:
            rng, now = np.random.default_rng(stream), 0.0
            while (now := now + float(rng.exponential(record.every))) < scenario.operation.horizon:
                times.append(now)
                now += record.lasts_s
        found += [Asked(name, at, sites, record, index == 0) for index, at in enumerate(times)]
    return tuple(sorted(found, key=lambda asked: (asked.at_s, asked.name)))
