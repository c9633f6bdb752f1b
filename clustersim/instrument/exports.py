"""Telemetry exports of a datacentre as recordings: what DCGM, IPMI and Redfish tell of power."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from clustersim.errors import InputError, nearest
from clustersim.instrument.dcgm import dcgm_recording
from clustersim.instrument.export_file import is_json, read_text
from clustersim.instrument.ipmi import INSTANT, ipmi_recording
from clustersim.instrument.recording import Recording
from clustersim.instrument.redfish import POLLED, redfish_recording

READERS: dict[str, Callable[[Path, str, float | None], Recording]] = {
    "dcgm": dcgm_recording,
    "ipmi": ipmi_recording,
    "redfish": redfish_recording,
}
KINDS: tuple[str, ...] = tuple(READERS)
"""Kinds of export that can be read."""
SWEEPS = re.compile(r"^[^\n]*#\s*Entity\b", re.MULTILINE | re.IGNORECASE)


def read_export(path: Path, kind: str | None = None, *, interval_s: float | None = None) -> Recording:
    """Return the recording in an export of telemetry.

    Parameters
    ----------
    path
        The file.
    kind
        One of :data:`KINDS`; guessed from the content where None.
    interval_s
        Time between the sweeps of ``dcgmi dmon``, which prints none, or between the readings of a BMC whose clock
        cannot be used. [s]

    Raises
    ------
    InputError
        If the kind is unknown or cannot be guessed, or the file is no such export.
    """
    if kind is not None and kind not in READERS:
        raise InputError(f"{path}: expected a kind of {', '.join(KINDS)}, found {kind!r}{nearest(kind, KINDS)}")
    text = read_text(path)
    return READERS[_guess(path, text) if kind is None else kind](path, text, interval_s)


def _guess(path: Path, text: str) -> str:
    if is_json(text):
        if '"resultType"' in text:
            return "dcgm"
        if any(f'"{key}"' in text for key in ("MetricValues", *POLLED)):
            return "redfish"
    elif f"{INSTANT}:" in text:
        return "ipmi"
    elif SWEEPS.search(text):
        return "dcgm"
    raise InputError(f"{path}: expected an export of {', '.join(KINDS)}, found none of them: name its kind")
