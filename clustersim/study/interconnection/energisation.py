"""How the load comes on: hall by hall after a stop, and in what stages it may be energised."""

from __future__ import annotations

import pandas as pd

from clustersim.operation.records import EVENT_AT_S
from clustersim.study.interconnection.load import BEFORE_S, MW, means
from clustersim.study.result import Result

STARTS = ("job_start", "restart", "restart_storm")
REACHED = 0.9
"""Share of a hall's rise from which on it counts as there. [-]"""


def halls(result: Result) -> pd.DataFrame:
    """Return how every hall comes on in the windows of a start.

    Returns
    -------
    DataFrame
        Columns window, hall, before_mw, after_mw, rise_mw, begins_s, there_s: times in the window at which a tenth and
        nine tenths of the rise are passed for the first time. IT power, supplies' input, means over a step (1 s with a
        measured load), so that the swings within a step do not count.
    """
    rows = []
    for name in (name for name in STARTS if name in result.waveforms):
        wave = result.waveforms[name]
        for hall in (node for node in wave.nodes if "/hall_" in node):
            event, last = round(EVENT_AT_S / wave.dt_s), round(BEFORE_S / wave.dt_s)
            power = wave.power(hall)
            before, after = float(power[event - last : event].mean()), float(power[-last:].mean())
            rise = after - before
            # from the event on, so that no mean has a part of both
            risen, dt = means(power[event:], wave.dt_s, result.summary.get("iteration_time_s") or 1.0)
            passed = [before + share * rise for share in (1.0 - REACHED, REACHED)]
            times = [next((k for k in range(risen.size) if risen[k] >= level), None) for level in passed]
            begins, there = (None if k is None or rise <= 0.0 else EVENT_AT_S + k * dt for k in times)
            rows.append(
                {
                    "window": name,
                    "hall": hall,
                    "before_mw": before / MW,
                    "after_mw": after / MW,
                    "rise_mw": rise / MW,
                    "begins_s": begins,
                    "there_s": there,
                }
            )
    columns = ["window", "hall", "before_mw", "after_mw", "rise_mw", "begins_s", "there_s"]
    return pd.DataFrame(rows, columns=columns)


def stages(result: Result) -> pd.DataFrame:
    """Return the load as halls are energised one after the other in the order of the file.

    What is not of a hall (network, cooling, losses) comes with the halls of its site in proportion to their IT power.

    Returns
    -------
    DataFrame
        Columns stage, hall, hall_mw, site_mw, total_mw: in steady training, means.
    """
    wave = result.waveforms["steady"]
    found = [node for node in wave.nodes if "/hall_" in node]
    rows, total = [], 0.0
    of_site: dict[str, float] = {}
    for stage, hall in enumerate(found, 1):
        site = hall.split("/", 1)[0]
        own = float(wave.power(hall).mean())
        all_halls = sum(float(wave.power(node).mean()) for node in found if node.startswith(f"{site}/"))
        added = own / all_halls * float(wave.power(site).mean())
        of_site[site] = of_site.get(site, 0.0) + added
        total += added
        rows.append(
            {
                "stage": stage,
                "hall": hall,
                "hall_mw": own / MW,
                "site_mw": of_site[site] / MW,
                "total_mw": total / MW,
            }
        )
    return pd.DataFrame(rows, columns=["stage", "hall", "hall_mw", "site_mw", "total_mw"])
