"""What a row of the verdict rests on: the record of the window that decides it, and where in it the rule is decided."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustersim import units
from clustersim.errors import InputError, nearest
from clustersim.limits import LimitsSpec, Rule, Trace, rules_of
from clustersim.limits.candidates import OF_POWER, OF_VOLTAGE
from clustersim.limits.deciding import Deciding, deciding_frequency, deciding_power, deciding_voltage
from clustersim.limits.definitions import meter_means
from clustersim.limits.errors import NotJudgedError
from clustersim.limits.spec import MEASURES
from clustersim.plant import PlantResponse, short_circuit_va
from clustersim.plant.spec import SitePlantSpec
from clustersim.report.verdict import verdict_word
from clustersim.report.words import number, wrapped
from clustersim.study.it_power import STARTS
from clustersim.study.judging import SETTLED_S
from clustersim.study.result import Result

SAME = 1e-6
"""Relative difference up to which two measurements are the same. [-]"""
SHOWN_IN = {"power": ("MW", 1e-6), "voltage": ("pu", 1.0), "frequency": ("Hz", 1.0)}
"""Quantity of a record -> the unit in which it is told, and the factor from SI to it."""
FINE = ("step_change", "band_energy", "band_amplitude", "band_range")
"""Measures that look at the samples themselves; the others look at means of 100 ms."""
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Record:
    """What a rule looked at: samples on a fixed clock, from the beginning of the window."""

    quantity: str
    """`power` [W], `voltage` [pu] or `frequency` [Hz]."""
    dt_s: float
    values: Array


@dataclass(frozen=True)
class Evidence:
    """A row of the verdict with what it rests on."""

    rule: Rule
    row: Mapping[str, Any]
    record: Record | None = None
    """None for what is found without a record in time: ratings, modes, curves of dips."""
    deciding: Deciding | None = None
    note: str = ""
    """Why the record does not show the value that the verdict tells; empty where it does."""

    @property
    def shown(self) -> bool:
        """Whether the record shows the very value that the verdict tells."""
        return self.deciding is not None and not self.note


def rules_of_run(result: Result) -> dict[str, Rule]:
    """Return the rules that judged a run, by id."""
    return {rule.id: rule for rule in rules_of(LimitsSpec.model_validate(result.scenario["limits"]))}


def evidence_of(result: Result, rule: str, node: str) -> Evidence:
    """Return what the verdict of a rule at a site, or on a piece of equipment, rests on.

    Raises
    ------
    InputError
        If the verdict has no such row.
    """
    table = result.verdict
    known = list(dict.fromkeys(table["rule"]))
    if rule not in known:
        raise InputError(f"rule: expected one of {', '.join(known)}, found {rule!r}{nearest(rule, known)}")
    nodes = list(table.loc[table["rule"] == rule, "node"])
    if node not in nodes:
        raise InputError(f"node: expected one of {', '.join(nodes)}, found {node!r}{nearest(node, nodes)}")
    found_row = table[(table["rule"] == rule) & (table["node"] == node)].iloc[0]
    row: dict[str, Any] = {name: found_row[name] for name in table.columns}
    asked = rules_of_run(result)[rule]
    if row["passed"] is None or asked.measure == "rating" or MEASURES[asked.measure].observed:
        return Evidence(asked, row)
    for record, deciding in _records(result, asked, row):
        # the same window may have been judged beside the grid and as an island
        if math.isclose(_told(deciding.value, row), row["measured"], rel_tol=SAME, abs_tol=1e-12):
            return Evidence(asked, row, record, deciding)
    found = _records(result, asked, row)
    if not found:
        return Evidence(asked, row, note="the record of this window is not in the result")
    record, deciding = found[0]
    told = f"{number(_told(deciding.value, row))} {row['unit']}"
    note = f"the window itself shows {told}; the rest comes after its end, while the site settles"
    return Evidence(asked, row, record, deciding, note)


def _told(value: float, row: Mapping[str, Any]) -> float:
    unit = str(row["unit"])
    return value / units.TABLE[units.dimension_of(unit) or ""][unit]


def _records(result: Result, rule: Rule, row: Mapping[str, Any]) -> list[tuple[Record, Deciding]]:
    """Return the stored records that a rule may have looked at in the window of a row, and where each decides."""
    site, window = str(row["node"]), str(row["window"])
    found = []
    if rule.measure in OF_POWER:
        wave = result.waveforms.get(window)
        if wave is None or site not in wave.nodes:
            return []
        strength = _strength(result, site)
        for trace in _traces(result, site, window):
            power, dt = (trace.power_w, trace.dt_s) if rule.measure in FINE else meter_means(trace.power_w, trace.dt_s)
            try:
                found.append((Record("power", dt, power), deciding_power(rule, trace, strength)))
            except (InputError, NotJudgedError):
                continue  # not judged in this window
        return found
    for response in result.responses:
        if (response.site, response.window) != (site, window):
            continue
        try:
            found.append(_answered(rule, response))
        except (InputError, NotJudgedError):
            continue  # judged on the other mode of supply
    return found


def _answered(rule: Rule, response: PlantResponse) -> tuple[Record, Deciding]:
    if rule.measure in OF_VOLTAGE:
        voltage = Record("voltage", response.dt_s, response.voltage_pu)
        return voltage, deciding_voltage(rule, response.voltage_pu, response.dt_s)
    quantity = "voltage" if rule.measure == "voltage_recovery_time" else "frequency"
    values = response.voltage_pu if quantity == "voltage" else response.frequency_hz
    return Record(quantity, response.dt_s, values), deciding_frequency(rule, response)


def _traces(result: Result, site: str, window: str) -> list[Trace]:
    """Return the meter of a site in a window as it may have been judged.

    The result does not hold on which power the site settles after a window: on that at its end, in training, or before
    a start. The verdict tells which.
    """
    wave, steady = result.waveforms[window], result.waveforms["steady"]
    power, training = wave.power(site), float(steady.power(site).mean())
    before = float(power[0]) if window in STARTS else training
    settled = [float(power[-round(SETTLED_S / wave.dt_s) :].mean()), training]
    settled += [float(result.waveforms[name].power(site)[0]) for name in STARTS if name in result.waveforms]
    return [
        Trace(site, window, wave.dt_s, power, steady=window == "steady", before_w=before, settled_w=after)
        for after in (settled if window != "steady" else settled[:1])
    ]


def _strength(result: Result, site: str) -> float | None:
    plants = {
        name: SitePlantSpec.model_validate(plant)
        for name, plant in result.scenario["topology"]["electrical"].items()
    }  # fmt: skip
    return short_circuit_va(plants).get(site)


def rule_evidence(result: Result, rule: str, node: str | None = None) -> list[Evidence]:
    """Return the evidence of a rule at one node, or at all that it looks at.

    Raises
    ------
    InputError
        If the verdict has no such row.
    """
    rows = result.verdict[result.verdict["rule"] == rule]
    nodes = [node] if node is not None else [str(one) for one in rows["node"]] or [""]
    return [evidence_of(result, rule, one) for one in nodes]


def evidence_text(found: Sequence[Evidence]) -> str:
    """Return where and when rows of a verdict are decided, for people to read."""
    lines = []
    for one in found:
        lines.append(f"{verdict_word(one.row['passed'])}  {one.rule.id} at {one.row['node']}")
        lines.append(wrapped(evidence_words(one)))
        if one.record is not None and one.deciding is not None:
            unit, factor = SHOWN_IN[one.record.quantity]
            for name, levels in (("measured", one.deciding.levels), ("limit", one.deciding.allowed)):
                if levels:
                    told = " and ".join(f"{level * factor:.6g} {unit}" for level in levels)
                    lines.append(f"  {one.record.quantity}, {name}: {told}")
    return "\n".join(lines)


def evidence_data(found: Evidence) -> dict[str, Any]:
    """Return the evidence as one JSON object: the row, and where in the window it is decided."""
    where = found.deciding
    return {
        "rule": found.rule.id,
        "node": str(found.row["node"]),
        "window": str(found.row["window"]),
        "measured": _finite(found.row["measured"]),
        "limit": _finite(found.row["limit"]),
        "unit": str(found.row["unit"]),
        "margin": _finite(found.row["margin"]),
        "passed": found.row["passed"],
        "from_s": None if where is None else where.from_s,
        "until_s": None if where is None else where.until_s,
        "quantity": None if found.record is None else found.record.quantity,
        "levels": [] if where is None else list(where.levels),
        "allowed": [] if where is None else list(where.allowed),
        "note": found.note,
    }


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def evidence_words(found: Evidence) -> str:
    """Return in a sentence where and when a row of the verdict is decided."""
    row, where = found.row, found.deciding
    if row["passed"] is None:
        return str(row["reason"])
    unit = str(row["unit"])
    sign = "at most" if found.rule.comparison == "at_most" else "at least"
    told = f"{number(row['measured'], 4)} {unit} against {sign} {number(row['limit'], 4)} {unit}"
    if where is None:
        at = "" if row["window"] in ("", "all") else f" ({row['window']})"
        return f"{row['node']}: {told}{at}"
    return f"{row['node']}: {told}, {_when(found, where)} of window {row['window']}" + (
        f"; {found.note}" if found.note else ""
    )


def _when(found: Evidence, where: Deciding) -> str:
    record = found.record
    length = 0.0 if record is None else record.values.size * record.dt_s
    if where.from_s <= 0.0 and where.until_s >= length:
        return "over the whole"
    if where.until_s - where.from_s < (0.0 if record is None else record.dt_s) / 2.0:
        return f"at {where.from_s:.3f} s"
    return f"from {where.from_s:.3f} to {where.until_s:.3f} s"
