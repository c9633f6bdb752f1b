"""A scenario's waveform over a measured one: ``python -m clustersim.report.production TRACE > docs/images/NAME.svg``.

TRACE is a CSV file of a job's power with 0 for idle and 1 for its highest reading. Beside the picture, on the error
stream, goes the table of features.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.power.trace import PowerTrace, resampled
from clustersim.power.trace_files import Columns, read_trace
from clustersim.report.style import BLUE, GREEN, GREY, GRID, INK, ORANGE, PURPLE, RED, SKY, YELLOW
from clustersim.report.svg import WIDTH, bar, lines, picture, text
from clustersim.scenario import load_scenario, shipped
from clustersim.study.it_power import step_pool
from clustersim.study.measured.waveform_match import Features, Phase, dips, features, phases, server_level, table
from clustersim.study.step import study_step

Array = NDArray[np.float64]

COLOURS = {
    "host": GREY, "fill": YELLOW, "forwards": BLUE, "turn": RED, "backwards": SKY, "drain": PURPLE,
    "reduce gradients": ORANGE, "optimizer": INK, "gather weights": GREEN,
}  # fmt: skip
BEFORE_S, AFTER_S = 1.5, 23.0
"""What is shown around the start of a long dip. [s]"""
DRAWN_S = 0.1
"""Both curves are drawn as means over this time. [s]"""
LEFT, TOP, HIGH = 60.0, 70.0, 300.0
MARKS_S, MARKS = range(0, 24, 2), (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def _x(seconds: float) -> float:
    return LEFT + (seconds + BEFORE_S) / (BEFORE_S + AFTER_S) * (WIDTH - LEFT - 20.0)


def _y(level: float) -> float:
    return TOP + HIGH * (1.0 - level)


def _curve(level: Array, dt_s: float, colour: str, width: float) -> str:
    """Return one cycle of a waveform, from shortly before its second long dip on."""
    found = dips(level, dt_s)
    longest = max(dip.length_s for dip in found)
    start = [dip.start_s for dip in found if dip.length_s >= 0.5 * longest][1]
    first = round((start - BEFORE_S) / dt_s)
    cut = PowerTrace("cycle", 0.0, dt_s, level[first : first + round((BEFORE_S + AFTER_S) / dt_s)])
    drawn = resampled(cut, DRAWN_S).watts
    points = [(_x((k + 0.5) * DRAWN_S - BEFORE_S), _y(float(value))) for k, value in enumerate(drawn)]
    return lines(itertools.pairwise(points), colour, width)


def _phases(found: Iterable[tuple[float, Sequence[Phase]]]) -> Iterable[str]:
    """Return a band of the phases of steps that start at the given times."""
    for start, step in found:
        for phase in step:
            begin, until = max(phase.from_s + start, -BEFORE_S), min(phase.to_s + start, AFTER_S)
            if until > begin:
                yield bar(_x(begin), TOP + HIGH + 34.0, max(_x(until) - _x(begin), 1.0), 16.0, COLOURS[phase.name])


def overlay(simulated: Array, measured: Array, dt_s: float, steps: Iterable[tuple[float, Sequence[Phase]]]) -> str:
    """Return both waveforms over one cycle, and the phases of the simulated steps below, as SVG.

    Parameters
    ----------
    simulated, measured : array, shape (samples,)
        Power on the scale from idle to the highest reading. [-]
    dt_s : float
        Sample spacing of both. [s]
    steps : iterable of (float, sequence of Phase)
        Start of a step after the second long dip's start, and its phases. [s]
    """
    grid = [((_x(-BEFORE_S), _y(mark)), (_x(AFTER_S), _y(mark))) for mark in MARKS]
    parts = [lines(grid, GRID)]
    parts += [text(LEFT - 8.0, _y(mark) + 5.0, f"{mark:.1f}", size=12, anchor="end") for mark in MARKS]
    parts += [text(_x(mark), TOP + HIGH + 22.0, f"{mark}", size=12, anchor="middle") for mark in MARKS_S]
    parts += [
        text(LEFT, 24.0, "Power of the servers, share of the range from idle to the highest reading", bold=True),
        text(LEFT, 46.0, "published: DGX H100 racks, arXiv 2508.14318, figure 1", colour=GREY),
        text(LEFT + 400.0, 46.0, "simulated rank by rank", colour=RED),
        text(WIDTH - 20.0, 46.0, "seconds after the start of the long dip", size=12, anchor="end"),
        _curve(measured, dt_s, GREY, 3.0),
        _curve(simulated, dt_s, RED, 2.0),
        *_phases(steps),
    ]
    place = LEFT
    for name, colour in COLOURS.items():
        parts += [
            bar(place, TOP + HIGH + 66.0, 14.0, 12.0, colour),
            text(place + 20.0, TOP + HIGH + 77.0, name, size=13),
        ]
        place += 56.0 + 7.5 * len(name)
    return picture(parts, TOP + HIGH + 92.0, "Simulated and published power of a training job over one iteration")


def compared(trace: PowerTrace, scenario: Path, idle_ratio: float) -> tuple[str, Features, Features]:
    """Return the picture, and the features of the scenario's waveform and of the trace.

    Parameters
    ----------
    trace : PowerTrace
        Power of a job from idle, 0, to its highest reading, 1.
    scenario : Path
        Scenario file.
    idle_ratio : float
        Idle power of a server over its highest reading. [-]
    """
    study = study_step(load_scenario(scenario))
    pool = step_pool(study)
    level, starts = server_level(study, pool, trace.dt_s, idle_ratio)
    found = dips(level, trace.dt_s)
    longest = max(dip.length_s for dip in found)
    shown = [dip.start_s for dip in found if dip.length_s >= 0.5 * longest][1]
    lengths = np.array([step.iteration_time_s for step in pool.traces])
    near = np.flatnonzero(np.abs(starts[:-1] - shown) < 2.0 * lengths.max())
    steps = [
        (float(starts[k] - shown), phases(pool.traces[int(np.argmin(np.abs(lengths - (starts[k + 1] - starts[k]))))]))
        for k in near
    ]
    first = round(float(starts[0]) / trace.dt_s)
    job = level[first : first + trace.samples]
    picture = overlay(level, np.asarray(trace.watts), trace.dt_s, steps)
    return picture, features(job, trace.dt_s), features(trace.watts, trace.dt_s)


def main() -> None:
    """Write the picture to the output and the table to the error stream."""
    parser = argparse.ArgumentParser(prog="python -m clustersim.report.production", description=__doc__)
    parser.add_argument("trace", type=Path, help="CSV file, power from 0 (idle) to 1 (highest reading)")
    parser.add_argument("--column", default="power_norm_to_max", help="column of the power")
    parser.add_argument("--from", dest="from_s", type=float, default=7.0, help="start of the job in the trace, s")
    parser.add_argument("--to", dest="to_s", type=float, default=195.2, help="end of the job in the trace, s")
    parser.add_argument("--scenario", type=Path, default=shipped("scenarios") / "production_h100.yaml")
    parser.add_argument(
        "--idle-ratio",
        type=float,
        default=catalog.entry("traces", "idle_share").si("node.air"),
        help="idle power of a server over its highest reading; the catalog's of nodes in air when absent",
    )
    asked = parser.parse_args()
    trace = read_trace(asked.trace, Columns(power=(asked.column,), unit="pu", base_w=1.0))
    drawn, mine, theirs = compared(trace.between(asked.from_s, asked.to_s), asked.scenario, asked.idle_ratio)
    sys.stdout.write(drawn + "\n")
    sys.stderr.write(table(mine, theirs) + "\n")


if __name__ == "__main__":
    main()
