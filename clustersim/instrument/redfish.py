"""Exports of Redfish: metric reports of its telemetry service, and resources that were polled with a time.

Formats: DMTF, "Redfish data model specification" (DSP0268): MetricReport, Power, EnvironmentMetrics, Sensor; reports
and resources as the manuals of Lenovo ("XCC2 REST API: GET MetricReport"), Supermicro ("Redfish reference guide:
telemetry service"), HPE ("The Redfish telemetry service") and NVIDIA ("DGX H100/H200 user guide: Redfish APIs") show.

A file holds one JSON object, an array of them, or one a line. A metric report tells its own times. A polled resource
(Power, one entry of its PowerControl, EnvironmentMetrics, Sensor) has none: it needs a key ``time`` beside its own,
text as in ISO 8601 or seconds since 1970. Either may have a key ``host``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clustersim.errors import InputError
from clustersim.instrument.export_file import Place, json_documents, mapping, moment_us, named, number, sequence
from clustersim.instrument.export_series import LIMIT, Key, Series, counted, listed
from clustersim.instrument.recording import POWER, Device, Recording
from clustersim.instrument.redfish_names import AVERAGE, Quantity, owner_and_quantity, quantity

TIME, HOST = "time", "host"
"""Keys that whoever polls a resource adds to it."""
ENVIRONMENT = ("PowerWatts", "EnergyJoules", "EnergykWh", "TemperatureCelsius")
"""Sensors that an EnvironmentMetrics has."""
SENSORS = {
    "Power": {"W": Quantity(POWER, 1.0), "kW": Quantity(POWER, 1e3)},
    "Temperature": {"Cel": Quantity("temperature_c", 1.0)},
    "EnergyJoules": {"J": Quantity("energy_j", 1.0)},
    "EnergykWh": {"kW.h": Quantity("energy_j", 3.6e6)},
}
"""ReadingType of a Sensor -> its ReadingUnits, as UCUM writes them -> what it reads."""
POLLED = ("PowerControl", "PowerConsumedWatts", "ReadingType", *ENVIRONMENT)
"""A resource that has one of these can be read."""


@dataclass
class _Reader:
    """What was read so far."""

    series: Series
    names: dict[Key, str] = field(default_factory=dict)
    metrics: set[str] = field(default_factory=set)
    """MetricIds of the power that was read."""
    intervals: set[str] = field(default_factory=set)
    unread: Counter[str] = field(default_factory=Counter)

    def add(self, key: Key, what: Quantity, time_us: int, found: Any, place: Place, since: int | None = None) -> None:
        """Add a reading; null is none."""
        value = math.nan if found is None else number(found, place, "a number or null") * what.factor
        self.series.add(key, what.name, time_us, value, place, since=since)


def redfish_recording(path: Path, text: str, interval_s: float | None = None) -> Recording:
    """Return the recording in metric reports or in polled resources; both tell their times.

    Raises
    ------
    InputError
        If a document is neither, has no time, or a reading cannot be.
    """
    if interval_s is not None:
        raise InputError(f"{path}: Redfish tells its times: expected no interval, found {interval_s:g} s")
    reader = _Reader(Series(path))
    for place, found in json_documents(path, text):
        document = mapping(found, place, "a metric report or a polled resource, an object")
        if "MetricValues" in document:
            _read_report(reader, place, document)
        elif any(key in document for key in POLLED):
            _read_polled(reader, place, document)
        else:
            raise place.wrong(f"an object with MetricValues or one of {', '.join(POLLED)}", document)
    return _finished(reader)


def _host(place: Place, document: dict[str, Any]) -> str:
    return named(document[HOST], place / HOST, "a host") if document.get(HOST) is not None else ""


def _read_report(reader: _Reader, place: Place, report: dict[str, Any]) -> None:
    host = _host(place, report)
    since: dict[tuple[Key, str], int] = {}
    at = place / "MetricValues"
    for index, one in enumerate(sequence(report["MetricValues"], at, "an array of metric values")):
        where = at / index
        told = mapping(one, where, "a metric value, an object")
        metric = _text(told, "MetricId", where)
        shown = _text(told, "MetricProperty", where) or metric
        found = _metric(shown, metric)
        if found is None:
            reader.unread[metric or shown or "a value without a name"] += 1
            continue
        owner, what = found
        key = (host, owner)
        if what.name in (POWER, AVERAGE):
            reader.names.setdefault(key, shown)
            reader.metrics |= {metric} - {""}
        stamp = told.get("Timestamp")
        time_us = moment_us(report.get("Timestamp") if stamp is None else stamp, where / "Timestamp")
        before = since.setdefault((key, what.name), reader.series.count(key, what.name))
        reader.add(key, what, time_us, told.get("MetricValue"), where / "MetricValue", before)


def _text(told: dict[str, Any], key: str, place: Place) -> str:
    return "" if told.get(key) in (None, "") else named(told[key], place / key, "a text")


def _metric(path: str, metric: str) -> tuple[str, Quantity] | None:
    """Return what a metric belongs to and what it reads: by its property, else by its own name."""
    by_path = owner_and_quantity(path) if "/" in path else None
    by_name = quantity(metric)
    if by_path is None:
        return None if by_name is None else (path, by_name)
    averaged = by_name is not None and by_name.name == AVERAGE and by_path[1].name == POWER
    return (by_path[0], Quantity(AVERAGE, by_path[1].factor)) if averaged else by_path


def _read_polled(reader: _Reader, place: Place, resource: dict[str, Any]) -> None:
    if TIME not in resource:
        raise place.wrong(f"a key '{TIME}' beside those of the resource: when it was polled", None)
    time_us = moment_us(resource[TIME], place / TIME)
    host = _host(place, resource)
    for where, part, owner in _parts(place, resource):
        key = (host, owner)
        for name in ENVIRONMENT:
            what = quantity(name)
            if name in part and what is not None:
                sensor = part[name]
                reading = sensor.get("Reading") if isinstance(sensor, dict) else sensor
                reader.add(key, what, time_us, reading, where / name)
        if "PowerConsumedWatts" in part:
            reader.add(key, Quantity(POWER, 1.0), time_us, part["PowerConsumedWatts"], where / "PowerConsumedWatts")
        if "ReadingType" in part:
            _read_sensor(reader, key, time_us, part, where)
        _read_limit(reader, key, time_us, part, where)
        _read_averaging(reader, key, time_us, part, where)
        reader.names.setdefault(key, owner)


def _parts(place: Place, resource: dict[str, Any]) -> Iterator[tuple[Place, dict[str, Any], str]]:
    """Yield the parts of a resource that have readings, each with the path that it is told at."""
    path = _text(resource, "@odata.id", place) or _text(resource, "Name", place) or "resource"
    if "PowerControl" not in resource:
        yield place, resource, path
        return
    at = place / "PowerControl"
    for index, found in enumerate(sequence(resource["PowerControl"], at, "an array")):
        control = mapping(found, at / index, "an object")
        yield at / index, control, _text(control, "@odata.id", at / index) or f"{path}#/PowerControl/{index}"


def _read_sensor(reader: _Reader, key: Key, time_us: int, part: dict[str, Any], place: Place) -> None:
    kind = _text(part, "ReadingType", place)
    known = SENSORS.get(kind)
    if known is None:
        reader.unread[kind or "a sensor without ReadingType"] += 1
        return
    unit = _text(part, "ReadingUnits", place) or next(iter(known))
    if unit not in known:
        raise (place / "ReadingUnits").wrong(f"{' or '.join(known)}, of ReadingType {kind}", unit)
    reader.add(key, known[unit], time_us, part.get("Reading"), place / "Reading")


def _read_limit(reader: _Reader, key: Key, time_us: int, part: dict[str, Any], place: Place) -> None:
    for name, inner in (("PowerLimit", "LimitInWatts"), ("PowerLimitWatts", "SetPoint")):
        limit = part.get(name)
        if isinstance(limit, dict) and limit.get(inner) is not None:
            reader.add(key, Quantity(LIMIT, 1.0), time_us, limit[inner], place / name / inner)


def _read_averaging(reader: _Reader, key: Key, time_us: int, part: dict[str, Any], place: Place) -> None:
    metrics, where = part.get("PowerMetrics"), place / "PowerMetrics"
    if not isinstance(metrics, dict):
        return
    if metrics.get("IntervalInMin") is not None:
        minutes = number(metrics["IntervalInMin"], where / "IntervalInMin", "a number of minutes")
        reader.intervals.add(f"{minutes:g} min")
    if "AverageConsumedWatts" in metrics:
        average = metrics["AverageConsumedWatts"]
        reader.add(key, Quantity(AVERAGE, 1.0), time_us, average, where / "AverageConsumedWatts")


def _finished(reader: _Reader) -> Recording:
    """Return the recording; where no power of a moment was told, that over an interval is taken."""
    series = reader.series
    averaged = not any(POWER in told for told in series.told.values())
    if averaged:
        for told in series.told.values():
            if AVERAGE in told:
                told[POWER] = told[AVERAGE]
    keys, without = series.with_power()
    hosts = sorted({host for host, _ in keys if host})
    devices: dict[Key, Device] = {}
    for at, key in enumerate(keys):
        name = reader.names.get(key, key[1])
        devices[key] = Device(index=at, name=f"{key[0]}: {name}" if len(hosts) > 1 else name, **series.limits(key))
    conditions = {"tool": "Redfish"}
    conditions |= {"averaging": "power is that averaged over an interval"} if averaged else {}
    conditions |= {"interval of averages": listed(sorted(reader.intervals))} if reader.intervals else {}
    conditions |= {"metric": listed(sorted(reader.metrics))} if reader.metrics else {}
    conditions |= {"host": listed(hosts)} if hosts else {}
    conditions |= {"without power": listed([reader.names.get(key, key[1]) for key in without])} if without else {}
    conditions |= {"not read": counted(reader.unread)} if reader.unread else {}
    return series.recording(devices, "redfish", conditions)
