"""Writes ``exercised.parquet``: the patterns of an exercise, shortened, on a virtual GPU of which everything is known.

``python -m tests.instrument.recordings``; the file is made once and kept, so that later versions must still read it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from clustersim.instrument.recording import write_recording
from clustersim.study.devices.exercise import performed
from tests.study.test_exercise_under_limits import LIMITS, Computer

FILE = Path(__file__).parent / "exercised.parquet"

if __name__ == "__main__":
    computer = Computer()
    swept = performed(["duty"], scale=0.34, kit=computer.kit).recording.sensor
    computer.poll = 0.047
    found = performed(["levels", "limits"], scale=0.5, seed=11, kit=computer.kit, permitted=LIMITS).recording
    write_recording(FILE, replace(found, name="exercised", sensor=swept))
