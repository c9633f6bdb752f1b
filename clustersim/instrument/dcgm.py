"""Exports of NVIDIA DCGM: what ``dcgmi dmon`` printed, and range queries that Prometheus made of dcgm-exporter.

Formats: Prometheus, "HTTP API: range queries, expression query result formats"; NVIDIA, "DCGM API: field identifiers"
(units) and dcgm-exporter's ``etc/default-counters.csv`` (names, units); what dmon prints stands in
:mod:`clustersim.instrument.dcgm_monitor`.

DCGM's power is what the driver has: for most since Ampere an average over a second, where the field is not the one at
the instant. Prometheus samples it once a scrape, and a range query tells the last sample again at each step between.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clustersim.errors import InputError
from clustersim.instrument.dcgm_monitor import monitor_recording
from clustersim.instrument.export_file import (
    Place,
    is_json,
    json_documents,
    mapping,
    moment_us,
    named,
    number,
    sequence,
)
from clustersim.instrument.export_series import LIMIT, RATED, Key, Series, counted, listed
from clustersim.instrument.recording import POWER, Device, Recording

POWERS = ("DCGM_FI_DEV_POWER_USAGE_INSTANT", "DCGM_FI_DEV_POWER_USAGE")
"""The one that more devices have is read; the first where as many have both."""
METRICS = {
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": ("energy_j", 1e-3),
    "DCGM_FI_DEV_SM_CLOCK": ("sm_clock_mhz", 1.0),
    "DCGM_FI_DEV_MEM_CLOCK": ("memory_clock_mhz", 1.0),
    "DCGM_FI_DEV_GPU_TEMP": ("temperature_c", 1.0),
    "DCGM_FI_DEV_GPU_UTIL": ("utilisation_percent", 1.0),
    "DCGM_FI_DEV_ENFORCED_POWER_LIMIT": (LIMIT, 1.0),
    "DCGM_FI_DEV_POWER_MGMT_LIMIT_DEF": (RATED, 1.0),
}
"""Name of another metric -> what it reads, and the factor from its unit: energy is in mJ."""


def dcgm_recording(path: Path, text: str, interval_s: float | None = None) -> Recording:
    """Return the recording in an export of DCGM; `interval_s` is the delay between the sweeps of dmon.

    Raises
    ------
    InputError
        If the text is neither what dmon prints nor the answer to a range query, or a reading cannot be.
    """
    if not is_json(text):
        return monitor_recording(path, text, interval_s)
    if interval_s is not None:
        raise InputError(f"{path}: a range query tells its times: expected no interval, found {interval_s:g} s")
    return _query_recording(path, text)


@dataclass
class _Answer:
    """What the series of a range query tell, before it is known which power is read."""

    values: dict[tuple[Key, str], list[tuple[int, float, Place]]] = field(default_factory=dict)
    models: dict[Key, str] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)

    def having(self, metric: str) -> list[Key]:
        return [key for key, name in self.values if name == metric]


def _query_recording(path: Path, text: str) -> Recording:
    answer = _Answer()
    for place, document in json_documents(path, text):
        for at, one in _results(place, document):
            _read_series(answer, at, one)
    power = max(POWERS, key=lambda name: len(answer.having(name)))
    series = Series(path)
    for (key, metric), told in answer.values.items():
        if metric != power and metric in POWERS:
            continue
        name, factor = METRICS.get(metric, (POWER, 1.0))
        for time_us, value, at in sorted(told, key=lambda one: one[0]):
            series.add(key, name, time_us, value * factor, at)
    keys, without = (sorted(those, key=_place) for those in series.with_power())
    conditions = {"tool": "dcgm-exporter and Prometheus", "field": power}
    hosts = sorted({host for host, _ in keys if host})
    conditions |= {"host": listed(hosts)} if hosts else {}
    conditions |= {"without power": listed([_told(key) for key in without])} if without else {}
    conditions |= {"not read": counted(answer.unread)} if answer.unread else {}
    return series.recording(_devices(series, answer, keys), "dcgm", conditions)


def _results(place: Place, document: Any) -> list[tuple[Place, Any]]:
    """Return the series of an answer, each with its place."""
    answer = mapping(document, place, "an answer of Prometheus, an object")
    if answer.get("status") != "success":
        raise (place / "status").wrong("'success'", answer.get("status"))
    data = mapping(answer.get("data"), place / "data", "an object")
    if data.get("resultType") != "matrix":
        raise (place / "data" / "resultType").wrong("'matrix', of /api/v1/query_range", data.get("resultType"))
    at = place / "data" / "result"
    return [(at / index, one) for index, one in enumerate(sequence(data.get("result"), at, "an array of series"))]


def _read_series(answer: _Answer, place: Place, one: Any) -> None:
    labels = mapping(mapping(one, place, "a series").get("metric"), place / "metric", "labels")
    metric = named(labels.get("__name__"), place / "metric" / "__name__", "the name of a metric of dcgm-exporter")
    if metric not in METRICS and metric not in POWERS:
        answer.unread[metric] += 1
        return
    key = _key(labels, place / "metric")
    if labels.get("modelName"):
        answer.models[key] = named(labels["modelName"], place / "metric" / "modelName", "a name")
    at = place / "values"
    gathered = answer.values.setdefault((key, metric), [])
    before: int | None = None
    for index, pair in enumerate(sequence(one.get("values"), at, "an array of pairs of time and value")):
        try:
            time_us, value = _reading(pair, at)
        except InputError:
            time_us, value = _reading(pair, at / index)  # now with its place
        if before is not None and time_us <= before:
            raise (at / index).wrong("a time after the one before", pair[0])
        before = time_us
        gathered.append((time_us, value, at))


def _reading(pair: Any, place: Place) -> tuple[int, float]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise place.wrong("a pair of time and value", pair)
    return moment_us(pair[0], place), number(pair[1], place, "a number")


def _key(labels: dict[str, Any], place: Place) -> Key:
    """Return host and GPU of a series: the host as dcgm-exporter or else as Prometheus calls it."""
    host = next((labels[one] for one in ("Hostname", "instance") if labels.get(one)), None)
    gpu = next((labels[one] for one in ("gpu", "UUID") if labels.get(one)), None)
    return "" if host is None else named(host, place / "Hostname", "a host"), named(gpu, place / "gpu", "a GPU")


def _place(key: Key) -> tuple[str, bool, str, str]:
    """Return the place of a device among others: by host and GPU, numbers by their size."""
    host, gpu = key
    return host, not _is_number(gpu), gpu.zfill(9), gpu


def _is_number(gpu: str) -> bool:
    return gpu.isascii() and gpu.isdigit() and len(gpu) < 10


def _told(key: Key) -> str:
    return f"{key[0]} GPU {key[1]}".strip()


def _devices(series: Series, answer: _Answer, keys: list[Key]) -> dict[Key, Device]:
    """Return the devices: of one host by their number and model, of several by host, GPU and model."""
    alone = len({host for host, _ in keys}) == 1 and all(_is_number(gpu) for _, gpu in keys)
    devices: dict[Key, Device] = {}
    for at, key in enumerate(keys):
        model = answer.models.get(key)
        name = (model or _told(key)) if alone else f"{_told(key)}: {model}" if model else _told(key)
        devices[key] = Device(index=int(key[1]) if alone else at, name=name, **series.limits(key))
    return devices
