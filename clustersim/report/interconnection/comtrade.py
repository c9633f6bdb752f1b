"""Waveforms as COMTRADE files (IEEE C37.111-1999, ASCII): a configuration and a data file.

The layout is that of the public readers' documentation (python-comtrade and others), whose reader the tests use.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LARGEST = 99998
"""Largest integer of a sample: the format keeps 99999 for missing ones."""
START = "01/01/2000,00:00:00.000000"
"""Date of the first sample: a run has none, so that this one is nominal."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Channel:
    """One analogue channel."""

    name: str
    unit: str
    values: Floats
    """shape (samples,)"""

    @property
    def scale(self) -> tuple[float, float]:
        """Factor and offset: a value is factor x integer + offset."""
        low, high = float(self.values.min()), float(self.values.max())
        half = (high - low) / 2.0
        return (half / LARGEST if half > 0.0 else 1.0), (high + low) / 2.0

    def integers(self) -> NDArray[np.int64]:
        """Return the samples as the data file has them."""
        factor, offset = self.scale
        return np.round((self.values - offset) / factor).astype(np.int64)


def comtrade(station: str, channels: Sequence[Channel], dt_s: float, line_hz: float) -> tuple[str, str]:
    """Return configuration and data of one record; lines end as the standard wants them.

    A value is off by at most half of the channel's factor: its range over 399,992.

    Parameters
    ----------
    station : str
        What was recorded; commas and what is not ASCII are replaced.
    channels : sequence of Channel
        All of one length.
    dt_s : float
        Clock. [s]
    line_hz : float
        Nominal frequency. [Hz]
    """
    count, samples = len(channels), channels[0].values.size
    head = [f"{_plain(station)},clustersim,1999", f"{count},{count}A,0D"]
    for number, one in enumerate(channels, 1):
        factor, offset = one.scale
        fields = f"{factor:.12E},{offset:.12E},0,{-LARGEST},{LARGEST},1,1,P"
        head.append(f"{number},{_plain(one.name)},,,{_plain(one.unit)},{fields}")
    head += [f"{line_hz:g}", "1", f"{1.0 / dt_s:.9g},{samples}", START, START, "ASCII", "1"]
    microseconds = np.round(np.arange(samples) * dt_s * 1e6).astype(np.int64)
    table = np.column_stack([np.arange(1, samples + 1), microseconds, *(one.integers() for one in channels)])
    data = "\r\n".join(",".join(map(str, row)) for row in table.tolist())
    return "\r\n".join(head) + "\r\n", data + "\r\n"


def _plain(text: str) -> str:
    return re.sub(r"[^ -+\--~]", "_", text)[:64]
