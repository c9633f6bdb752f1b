"""The instrument on a public trace: one node of 8 H100, GPT-350M, a checkpoint every 50 steps (WILKINS of the catalog).

The trace has no markers. What its node did is read off it: the spans between the trainings, cut by three seconds on
both sides, for its sensor averages over about a second.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from clustersim import catalog
from clustersim.power.trace_files import Columns
from clustersim.study.devices.calibration import calibrate_marked
from clustersim.study.devices.overlay import overlay

CUT_S = 3.0
STALLED_W = 190.0
"""Between what stalls and what trains draw, per accelerator; the trace has nothing there but edges. [W]"""


@pytest.fixture(scope="module")
def node(reference):
    return reference / "power" / "h100x8_ckpt_every_50_steps.csv.gz"


@pytest.fixture(scope="module")
def markers(node, tmp_path_factory):
    table = pd.read_csv(node)
    times, each = table.time_seconds.to_numpy(), table.power_watts.to_numpy() / 8
    quiet, spans = ndimage.label(each < STALLED_W)
    bounds = [(times[quiet == at].min() + CUT_S, times[quiet == at].max() - CUT_S) for at in range(1, spans + 1)]
    bounds = [(begin, end) for begin, end in bounds if end > begin + 1.0]
    # before the first training: no process until 8 s, then processes with a context; after the last they end
    (_, first), *stalls, (last, end) = bounds
    rows = [(0.0, 8.0, "idle"), (13.0, min(first, 104.0), "context"), (last + 9.0, end, "idle")]
    rows += [(begin, end, "stall") for begin, end in stalls]
    path = tmp_path_factory.mktemp("markers") / "markers.csv"
    pd.DataFrame(rows, columns=["begin_s", "end_s", "activity"]).to_csv(path, index=False)
    return path


def test_levels_of_a_node_are_those_of_the_catalog(node, markers):
    columns = Columns(power=("power_watts",), sensor_s=1.0, gap=15.0)
    found = calibrate_marked(node, markers, columns, 8, "H100-SXM")
    shipped = catalog.entry("device_power", "H100-SXM")
    by_label = {one.label: one for one in found.levels}
    assert set(by_label) == {"idle", "context", "stall"}
    for label, one in by_label.items():
        figure = shipped.figure(label)
        low, high = figure.low * 700.0, figure.high * 700.0
        print(f"{label}: {one.watts.value:.1f} W ({one.watts.low:.1f} to {one.watts.high:.1f}), {one.runs} runs,"
              f" {one.how}; catalog {figure.value * 700.0:.1f} W ({low:.1f} to {high:.1f})")  # fmt: skip
        assert low <= one.watts.value <= high
    assert by_label["stall"].runs >= 10
    assert by_label["stall"].how == "between runs"
    # nothing of a sensor of one second is entered as a time constant of milliseconds
    assert "time_constant" in found.left_out
    assert np.isfinite([one.watts.high - one.watts.low for one in found.levels]).all()
    assert set(overlay(found)) == {"device_power"}
