"""What the sizing found: as text, as data, and as files."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from clustersim.report.words import dollars, number, percent, wrapped
from clustersim.scenario import AnyScenario, LoadScenario, resolved
from clustersim.study.sizing.prepared import Judged, Row
from clustersim.study.sizing.proof import Check
from clustersim.study.sizing.sizing import Sizing
from clustersim.study.sizing.space import Design
from clustersim.units import MWH_J

FRONT_COLUMNS = (
    "capex_usd", "energy_mwh_per_year", "throughput_loss", "usd_per_year", "smoothing_floor", "power_cap",
    "rack_w_per_accelerator", "rack_j_per_accelerator", "rack_time_constant_s", "battery_mw", "battery_mwh",
    "battery_time_constant_s", "load_bank_mw", "load_bank_mw_per_min", "condenser_mva",
)  # fmt: skip
PLACE = "place"
"""Name of the topology file beside a winner's scenario."""


def design_text(design: Design) -> str:
    """Return what there is of a design in one line; ``nothing`` for none."""
    parts = []
    if design.floor > 0.0:
        parts.append(f"smoothing floor {percent(design.floor)}")
    if design.cap < 1.0:
        parts.append(f"power cap {percent(design.cap)}")
    if design.rack_w > 0.0:
        parts.append(
            f"rack storage {number(design.rack_w)} W and {number(design.rack_j)} J per accelerator, "
            f"{number(design.rack_tau_s)} s"
        )
    if design.battery_w > 0.0:
        parts.append(
            f"battery {number(design.battery_w / 1e6)} MW and {number(design.battery_j / MWH_J)} MWh, "
            f"{number(design.battery_tau_s)} s"
        )
    if design.bank_w > 0.0:
        parts.append(f"load bank {number(design.bank_w / 1e6)} MW at {number(design.bank_w_per_s * 60.0 / 1e6)} MW/min")
    if design.condenser_va > 0.0:
        parts.append(f"synchronous condenser {number(design.condenser_va / 1e6)} MVA")
    return ", ".join(parts) or "nothing"


def row_text(row: Row) -> str:
    """Return a rule, what it measured and its margin in one line."""
    where = f" ({row.window})" if row.window else ""
    return (
        f"{row.rule} at {row.node}: {number(row.measured)} against {number(row.limit)} {row.unit}, "
        f"margin {100.0 * row.margin:+.3g} %{where}"
    )


def _cost_line(judged: Judged) -> str:
    return (
        f"{dollars(judged.capex_usd)} to build, {number(judged.energy_j_per_year / MWH_J)} MWh a year, "
        f"{percent(judged.throughput_loss)} of the work: {dollars(judged.usd_per_year)} a year"
    )


def size_text(found: Sizing) -> str:
    """Return what was found for people to read."""
    lines = [f"SIZE OF {found.scenario.name} FOR {', '.join(found.meet)}", ""]
    if found.winner is None:
        lines.append("  no mix passes")
        lines += _entry("nearest design", design_text(found.nearest.design))
        lines += _entry("costs", _cost_line(found.nearest))
        broken = [row_text(row) for row in found.nearest.failed(found.ignored)]
        lines += _entries("breaks", broken)
    else:
        lines += _entry("least-cost design", design_text(found.winner.design))
        lines += _entry("costs", _cost_line(found.winner))
        for item in found.bill:
            told = f"{number(item.quantity)} {item.unit} x {number(item.unit_usd)} USD = {dollars(item.usd)}"
            lines += _entry(f"  {item.item}", told + (" (assumed price)" if item.assumed else ""))
        kept = [row for row in found.winner.rows if row.passed is not None and row.key not in found.ignored]
        lines += _entries("rules", [row_text(row) for row in kept])
        lines += _entry("verified", _verified(found))
        if found.checks:
            lines += ["", "WHOLE RUNS OF THE DESIGN"]
            lines += [_check_text(check) for check in found.checks]
            lines += _climbed(found)
            lines += ["", "ONE NOTCH LESS, RUN WHOLE"]
            lines += [line for one in found.neighbours for line in _neighbour(one)] or [
                "  nothing is less than nothing"
            ]
    lines += _apart(found)
    lines += ["", "FRONT: CAPITAL AGAINST ENERGY AND LOST WORK"]
    lines += [f"  {'capital':>14} {'MWh a year':>12} {'lost work':>10} {'USD a year':>14}  design"]
    lines += [_front_line(judged) for judged in found.front] or ["  no design passes"]
    if found.bounds:
        lines += ["", "CLOSED FORMS (lossless, instant, half full)"]
    for bound in found.bounds:
        told = (
            f"swing {number(bound.swing_w / 1e6)} MW: at least {number(bound.power_w / 1e6)} MW and "
            f"{number(bound.energy_j / MWH_J)} MWh ({bound.formula})"
        )
        lines += _entry(f"{bound.rule}, {bound.site}", told)
    lines += ["", "NOTES", *(wrapped(note, "  - ", "    ") for note in _notes(found))]
    return "\n".join(lines)


def _verified(found: Sizing) -> str:
    if found.robust is None:
        return "not asked for: nothing was run whole"
    return "passes every check" if found.robust else "PASSES ONLY AT NOMINAL" if _nominal(found) else "FAILS"


def _nominal(found: Sizing) -> bool:
    return bool(found.checks) and found.checks[0].passed


def _climbed(found: Sizing) -> list[str]:
    """Return the lines of the next design that passes every check, where the least-cost one does not."""
    if found.robust or not _nominal(found):
        return []
    lines = ["", "NEXT DESIGN THAT PASSES EVERY CHECK"]
    if found.sturdy is None:
        return [*lines, "  none was found"]
    one = found.sturdy
    lines += _entry("robust design", design_text(one.judged.design))
    lines += _entry("costs", _cost_line(one.judged))
    at = f"seed {one.seed}" + (f" with {one.inertia_scale:g} x the inertia" if one.inertia_scale != 1.0 else "")
    lines += _entry(
        "found", f"as the design with the least cost at {at}; the design above has the least cost at nominal"
    )
    return lines + [_check_text(check) for check in one.checks]


def _entry(name: str, text: str) -> list[str]:
    return wrapped(text, f"  {name:27}", " " * 29).split("\n")


def _entries(name: str, texts: Sequence[str]) -> list[str]:
    return [line for number_, text in enumerate(texts) for line in _entry("" if number_ else name, text)]


def _check_text(check: Check) -> str:
    worst = "nothing was judged" if check.worst is None else row_text(check.worst)
    note = f"; {check.note}" if check.note else ""
    return "\n".join(_entry(f"{'PASS' if check.passed else 'FAIL'} {check.name}", worst + note))


def _neighbour(one: Any) -> list[str]:
    if one.design is None:
        return _entry(one.what, "no less is sold with so much of the rest")
    told = "passes too" if one.fails is None else f"fails {row_text(one.fails)}"
    return _entry(one.what, f"{told}; {design_text(one.design)}")


def _apart(found: Sizing) -> list[str]:
    lines: list[str] = []
    groups = (
        ("NOT A MATTER OF DAMPING (left out)", found.not_damping),
        ("NOT MET BY THE STRONGEST DESIGNS", found.unmet),
    )
    for title, asides in groups:
        if asides:
            lines += ["", title]
        for aside in asides:
            best = f"; best margin of all designs tried {100.0 * aside.best_margin:+.3g} %"
            lines += _entry(f"{aside.row.rule}", row_text(aside.row) + best)
    if found.not_judged:
        lines += ["", "NOT JUDGED"]
        lines += [line for row in found.not_judged for line in _entry(row.rule, f"{row.node}: {row.reason}")]
    return lines


def _front_line(judged: Judged) -> str:
    energy = number(judged.energy_j_per_year / MWH_J)
    text = f"  {number(judged.capex_usd):>14} {energy:>12} {percent(judged.throughput_loss):>10} "
    head = f"{text}{number(judged.usd_per_year):>14}  "
    return wrapped(design_text(judged.design), head, " " * len(head))


def _notes(found: Sizing) -> list[str]:
    said = [
        f"{found.evaluations} designs judged; sizes are on ladders of 40 a decade and times on one of 10, so that a "
        "size is at most 6 % above the least; the cost is the least of the designs judged",
        f"a year: capital over its life, energy at {number(found.prices.energy_usd_per_j * MWH_J)} USD/MWh, and "
        f"lost work at {dollars(found.prices.work_usd_per_year)} for all of it",
    ]
    return [*said, *found.refused, *found.notes]


def size_data(found: Sizing) -> dict[str, Any]:
    """Return what was found as one JSON object."""
    data = {
        "scenario": found.scenario.name,
        "meet": list(found.meet),
        "elements": list(found.elements),
        "passes": found.winner is not None,
        "robust": found.robust,
        "winner": None if found.winner is None else _judged_data(found.winner),
        "bill": [asdict(item) for item in found.bill],
        "nearest": _judged_data(found.nearest),
        "without": _judged_data(found.without),
        "checks": [_check_data(check) for check in found.checks],
        "sturdy": None
        if found.sturdy is None
        else {
            **_judged_data(found.sturdy.judged),
            "checks": [_check_data(check) for check in found.sturdy.checks],
            "seed": found.sturdy.seed,
            "inertia_scale": found.sturdy.inertia_scale,
        },
        "neighbours": [
            {
                "what": one.what,
                "design": None if one.design is None else asdict(one.design),
                "sold": one.design is not None,
                "passes": one.passed,
                "fails": None if one.fails is None else asdict(one.fails),
            }
            for one in found.neighbours
        ],
        "not_a_matter_of_damping": [_aside_data(aside) for aside in found.not_damping],
        "not_met": [_aside_data(aside) for aside in found.unmet],
        "not_judged": [asdict(row) for row in found.not_judged],
        "front": [_judged_data(judged) for judged in found.front],
        "bounds": [asdict(bound) for bound in found.bounds],
        "prices": asdict(found.prices),
        "notes": _notes(found),
        "evaluations": found.evaluations,
        "wall_s": found.wall_s,
    }
    return dict(_plain(data))


def _aside_data(aside: Any) -> dict[str, Any]:
    return {"row": asdict(aside.row), "best_margin": aside.best_margin}


def _check_data(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "passes": check.passed,
        "note": check.note,
        "worst": check.worst and asdict(check.worst),
    }


def _judged_data(judged: Judged) -> dict[str, Any]:
    return {
        "design": asdict(judged.design),
        "text": design_text(judged.design),
        "capex_usd": judged.capex_usd,
        "energy_mwh_per_year": judged.energy_j_per_year / MWH_J,
        "throughput_loss": judged.throughput_loss,
        "usd_per_year": judged.usd_per_year,
        "rows": [asdict(row) for row in judged.rows],
    }


def _plain(value: Any) -> Any:
    """Return data without what JSON cannot say: no number is null."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def front_csv(found: Sizing) -> str:
    """Return the front as CSV, by capital."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FRONT_COLUMNS)
    for judged in found.front:
        one = judged.design
        writer.writerow(
            [
                judged.capex_usd,
                judged.energy_j_per_year / MWH_J,
                judged.throughput_loss,
                judged.usd_per_year,
                one.floor,
                one.cap,
                one.rack_w,
                one.rack_j,
                one.rack_tau_s,
                one.battery_w / 1e6,
                one.battery_j / MWH_J,
                one.battery_tau_s,
                one.bank_w / 1e6,
                one.bank_w_per_s * 60.0 / 1e6,
                one.condenser_va / 1e6,
            ]
        )
    return text.getvalue()


def size_files(found: Sizing, folder: Path) -> dict[Path, str]:
    """Return the files of a sizing: the data, the front, and scenarios that run.

    ``base.yaml`` is the scenario as judged, with its place in ``place.yaml``; ``winner.yaml`` extends it.
    """
    files = {
        folder / "sizing.json": json.dumps(size_data(found), indent=1, allow_nan=False) + "\n",
        folder / "front.csv": front_csv(found),
    }
    if found.sized is None:
        return files
    base, sized = _tree(found.scenario), _tree(found.sized)
    place = base.pop("topology")
    if isinstance(found.scenario, LoadScenario):
        record = base["load"].pop("record")
        base["load"]["file"] = "load.yaml"
        files[folder / "load.yaml"] = _yaml("The load of the scenario beside it.", record)
    changed = {
        f"topology.electrical.{site}.{key}": value
        for site, plant in sized["topology"]["electrical"].items()
        for key, value in plant.items()
        if value != place["electrical"][site].get(key)
    }
    winner = {
        "extends": "base",
        "name": f"{found.scenario.name}_sized",
        "title": f"{found.scenario.title}, sized for {', '.join(found.meet)}",
        "damping": sized["damping"],
        "set": changed,
    }
    files[folder / f"{PLACE}.yaml"] = _yaml("The place of the scenario beside it.", place)
    files[folder / "base.yaml"] = _yaml("The scenario as it was judged.", {**base, "topology": PLACE})
    files[folder / "winner.yaml"] = _yaml(design_text(found.winner.design) if found.winner else "", winner)
    return files


def _tree(scenario: AnyScenario) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(json.dumps(resolved(scenario)))
    return tree


def _yaml(comment: str, tree: dict[str, Any]) -> str:
    return f"# {comment}\n" + str(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=120))
