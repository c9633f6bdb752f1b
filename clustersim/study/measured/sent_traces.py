"""Traces as they are sent to a server: files that are looked at first, questions as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from clustersim import units
from clustersim.errors import InputError, nearest
from clustersim.limits import pack_names
from clustersim.power.measured_load import read_load
from clustersim.power.trace import PowerTrace
from clustersim.power.trace_files import Columns, kind_of, read_trace
from clustersim.power.trace_guard import Most, refuse_large
from clustersim.power.trace_offered import Offered, offered
from clustersim.scenario import load_topology, located, shipped_names
from clustersim.study.measured.damping import Devices
from clustersim.study.measured.question import Drawn, Question, Setting, drawn_trace, setting_of
from clustersim.study.measured.site import place_of

RECORDS = (".yaml", ".yml")
"""Endings of load records, of which a waveform is made."""
MOST_TEXT = 20_000
"""Letters of a damping list."""
NAMED = ("time", "power", "unit", "base", "zero", "sensor", "step", "between")


@dataclass(frozen=True)
class Sent:
    """What was asked with a trace, as text: every field is called as the option of ``clustersim assess``."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    """Of :data:`NAMED`; ``power`` is a list, the others text."""
    question: Mapping[str, Any] = field(default_factory=dict)
    """``limits`` (a list), ``scale``, ``coherence``, ``mean``, ``from``, ``to``, ``averaged``."""
    setting: Mapping[str, Any] = field(default_factory=dict)
    """``topology``, ``site``, ``damping`` (YAML), ``accelerators``, ``accelerator``, ``tmp``, ``idle``, ``rest``."""

    def read_columns(self) -> Columns:
        """Return the columns.

        Raises
        ------
        InputError
            If a quantity is not one.
        """
        asked = self.columns
        return Columns(
            time=asked.get("time"),
            power=tuple(asked.get("power") or ()),
            unit=asked.get("unit"),
            base_w=_quantity(asked, "base", "power"),
            zero_w=_quantity(asked, "zero", "power") or 0.0,
            dt_s=_quantity(asked, "step", "time"),
            between="hold" if asked.get("between") == "hold" else "line",
            sensor_s=_quantity(asked, "sensor", "time") or 0.0,
        )

    def read_question(self) -> Question:
        """Return the question.

        Raises
        ------
        InputError
            If a quantity is not one.
        """
        asked = self.question
        coherence = asked.get("coherence")
        return Question(
            packs=tuple(_known("limits", str(name), pack_names()) for name in asked.get("limits") or ("standard",)),
            units=int(asked.get("scale") or 1),
            coherence=1.0 if coherence is None else float(coherence),
            from_s=_quantity(asked, "from", "time"),
            to_s=_quantity(asked, "to", "time"),
            averaged_s=_quantity(asked, "averaged", "time"),
            mean_w=_quantity(asked, "mean", "power"),
        )

    def read_setting(self) -> Setting:
        """Return what the trace is put into; places and damping by name and text, never by a path of the server.

        Raises
        ------
        InputError
            If the place is none that ships, or the damping is wrong.
        """
        asked, place = self.setting, None
        if asked.get("topology"):
            name = _known("topology", str(asked["topology"]), shipped_names("topologies"))
            place = place_of(load_topology(located(name, "topologies")), asked.get("site") or None)
        devices = Devices(
            asked.get("accelerators") or None,
            asked.get("accelerator") or None,
            _quantity(asked, "tmp", "power"),
            _quantity(asked, "idle", "power"),
            _quantity(asked, "rest", "power") or 0.0,
        )
        text = str(asked.get("damping") or "").strip()
        if not text:
            return setting_of(self.read_columns(), None, devices, place)
        if len(text) > MOST_TEXT:
            raise InputError(f"damping: expected at most {MOST_TEXT:,} letters, found {len(text):,}")
        with TemporaryDirectory(prefix="clustersim-damping-") as folder:
            file = Path(folder) / "damping.yaml"
            file.write_text(text, encoding="utf-8")
            try:
                return setting_of(self.read_columns(), file, devices, place)
            except InputError as error:
                raise InputError(str(error).replace(f"{folder}/", "")) from None


def _known(what: str, name: str, names: Sequence[str]) -> str:
    """Return a name that ships; what is none could be a path of the server."""
    if name not in names:
        raise InputError(f"{what}: expected one of {', '.join(names)}, got {name!r}{nearest(name, names)}")
    return name


def _quantity(asked: Mapping[str, Any], name: str, dimension: str) -> float | None:
    text = asked.get(name)
    if text is None or not str(text).strip():
        return None
    return units.parse_named(name, str(text).strip(), dimension)


def looked_at(path: Path, most: Most | None = None) -> Offered:
    """Return what a file has to choose from, once it is known to be no larger than allowed.

    Raises
    ------
    InputError
        If it is too large, cannot be read, or is nothing that holds a trace.
    """
    refuse_large(path, most)
    kind = kind_of(path)
    if kind in RECORDS:
        read_load(path)
        return Offered((), None, None, (), has_clock=True)
    if kind not in (".csv", ".csv.gz", ".txt", ".parquet", ".pq", ".cfg"):
        raise InputError(
            f"{path}: expected .csv, .csv.gz, .parquet, COMTRADE's .cfg or a load record (.yaml), found "
            f"{kind or 'no ending'}"
        )
    return offered(path)


def sent_trace(path: Path, sent: Sent, most: Most | None = None) -> PowerTrace:
    """Return the trace in a file, or a waveform of the load record in it, within what is allowed.

    Raises
    ------
    InputError
        As of :func:`looked_at`; if a column is not one of those offered; if it cannot be read.
    """
    allowed = (most or Most()).samples
    found, asked = looked_at(path, most), replace(sent.read_columns(), most_bins=allowed)
    if kind_of(path) in RECORDS:
        return drawn_trace(path, asked, Drawn())
    named = [*asked.power, *([asked.time] if asked.time else [])]
    unknown = next((name for name in named if name not in found.names), None)
    if unknown is not None:
        raise InputError(f"{path}: column {unknown!r}: expected one of {', '.join(found.names)}")
    if not found.names:
        raise InputError(f"{path}: expected a column of numbers, found none")
    if kind_of(path) in (".parquet", ".pq"):
        # nothing but the columns that are meant is unpacked
        asked = replace(asked, **_chosen(path, asked, found))
    return read_trace(path, asked)


def _chosen(path: Path, asked: Columns, found: Offered) -> dict[str, Any]:
    time = asked.time or found.time
    power = asked.power or ((found.power,) if found.power else ())
    if time is None or not power:
        what = "time" if time is None else "power"
        raise InputError(f"{path}: no column for {what}; name one of {', '.join(found.names)}")
    return {"time": time, "power": power}
