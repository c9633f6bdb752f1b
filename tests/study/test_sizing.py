"""Sizing: a trapezoid load whose least battery follows by hand, proof runs, rules apart, and wrong input."""

import csv
import json
import math
from dataclasses import replace

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from clustersim.catalog.store import use_overlays
from clustersim.cli import app
from clustersim.errors import InputError
from clustersim.limits import LimitsSpec
from clustersim.report.size import FRONT_COLUMNS, size_data, size_files, size_text
from clustersim.scenario import load_any, resolved
from clustersim.study.run import run
from clustersim.study.sizing.evaluate import evaluate, prices_of
from clustersim.study.sizing.prepared import Judged
from clustersim.study.sizing.search import Search, front
from clustersim.study.sizing.sizing import size
from clustersim.study.sizing.space import PER_DECADE, Design, preferred
from clustersim.study.sizing.tasks import prepared_in, space_in

SWING_W = 40e6
NOTCH = 10 ** (1 / PER_DECADE)
# 100 MW and 60 MW in turn, every 40 s, with 8 s from one to the other: a battery's 70 ms of delay and lag leave 0.4 MW
RECORD = {
    "kind": "measured_load",
    "name": "trapezoid",
    "source": "made by hand",
    "high": "100 MW",
    "low": "60 MW",
    "period": "40 s",
    "cycles": 10,
    "duty": "50 %",
    "dips": [{"start": "0 s", "length": "20 s", "level": "60 MW", "fall": "8 s", "rise": "8 s"}],
}
SCENARIO = {
    "name": "trapezoid",
    "title": "A load that repeats",
    "topology": "colossus_memphis",
    "load": {"kind": "measured_load", "file": "load.yaml", "site": "memphis"},
}


@pytest.fixture(scope="module", autouse=True)
def few_seeds(tmp_path_factory):
    """Two seeds in place of twenty: of a measured load only jitter and noise differ."""
    path = tmp_path_factory.mktemp("overlay") / "seeds.yaml"
    figure = {"value": 2, "source": "T", "confidence": "estimate", "note": "assumed: quick"}
    entries = {"verification": {"figures": {"seeds": figure}}}
    path.write_text(yaml.safe_dump({"sizing": {"sources": {"T": {"title": "tests"}}, "entries": entries}}))
    use_overlays([path])
    yield
    use_overlays([])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sizing")
    (folder / "load.yaml").write_text(yaml.safe_dump(RECORD))
    (folder / "trapezoid.yaml").write_text(yaml.safe_dump(SCENARIO))
    return folder


@pytest.fixture(scope="module")
def trapezoid(folder):
    def make(limit="10 MW", **more):
        rule = {"id": "within", "measure": "range", "window": "60 s", "allowed_per_hour": 1, "limit": limit}
        # no rule here looks at an island: without generators none is tried
        alone = {} if "limits" in more else {"topology.electrical.memphis.generators": []}
        return load_any(folder / "trapezoid.yaml", {"limits": {"packs": [], "rules": [rule]}, **alone, **more})

    return make


@pytest.fixture(scope="module")
def found(trapezoid):
    return size(trapezoid(), using=["site_battery"])


def test_least_battery_of_a_trapezoid_follows_by_hand(found):
    # the battery holds the meter on the mean; it may leave 10 MW of a 40 MW swing, and of what conversion adds to it
    least = (SWING_W - 10e6) / 2.0
    one = found.winner.design
    assert least < one.battery_w < least * 1.06 * NOTCH
    # the type is sold with 3.9 MWh for 1.9 MW, and 15 MW x 10 s is a thousandth of that: power decides
    assert one.battery_j == pytest.approx(one.battery_w * 3.9 / 1.9 * 3600.0)
    assert found.winner.capex_usd == pytest.approx(one.battery_j / 3.6e6 * 250.0)
    assert found.winner.usd_per_year == pytest.approx(
        found.winner.capex_usd / 20.0 + found.winner.energy_j_per_year / 3.6e6 * 0.078, rel=1e-9
    )


def test_without_proof_the_same_winner_is_found_and_nothing_is_claimed(found, trapezoid):
    unproved = size(trapezoid(), using=["site_battery"], prove=False)
    assert unproved.winner == found.winner
    assert (unproved.checks, unproved.neighbours, unproved.sturdy) == ((), (), None)
    assert unproved.robust is None
    assert "nothing was run whole" in size_text(unproved)


def test_closed_form_stands_beside_it(found):
    (bound,) = found.bounds
    assert bound.power_w == pytest.approx((SWING_W - 10e6) / 2.0, rel=0.04)
    # a cycle has a top of 12 s between two flanks of 8 s for 40 MW, of which the battery takes the upper 15 MW
    assert bound.energy_j == pytest.approx(15e6 * (12.0 + 8.0 * 15.0 / 40.0), rel=0.05)
    assert bound.power_w <= found.winner.design.battery_w


def test_winner_passes_a_whole_run_and_less_fails_one(found, trapezoid):
    space = space_in(trapezoid(), ["site_battery"])
    assert run(found.sized).summary["rules_failed"] == 0
    power, energy = found.neighbours
    assert power.what == "battery: power"
    assert power.fails.rule == "within"
    assert power.fails.margin < 0.0
    assert power.design.battery_w == pytest.approx(found.winner.design.battery_w / NOTCH, rel=7e-3)  # three digits
    assert run(space.scenario_with(power.design)).summary["rules_failed"] == 1
    assert (energy.design, energy.passed) == (None, False)  # no less energy is sold with that power


def test_every_check_is_a_whole_run_and_robust_says_all_of_them(found):
    assert [check.name for check in found.checks] == ["nominal", "inertia x 0.8", "worst of 2 seeds"]
    assert found.checks[0].passed
    assert found.robust == all(check.passed for check in found.checks)
    only_nominal = replace(found, checks=(found.checks[0], replace(found.checks[1], passed=False)))
    assert only_nominal.robust is False
    assert "PASSES ONLY AT NOMINAL" in size_text(only_nominal)


def test_search_agrees_with_a_whole_run(found):
    table = run(found.sized).verdict
    (row,) = found.winner.rows
    assert row.measured == pytest.approx(table["measured"].iloc[0], rel=1e-12)


@pytest.mark.soak
def test_a_stricter_limit_never_costs_less(found, trapezoid):
    usd = [size(trapezoid(limit), using=["site_battery"]).winner.usd_per_year for limit in ("20 MW", "5 MW")]
    assert usd[0] < found.winner.usd_per_year < usd[1]


def test_a_pack_already_met_costs_nothing(trapezoid):
    met = size(trapezoid("60 MW"))
    assert met.winner.design == Design()
    assert (met.winner.capex_usd, met.winner.usd_per_year, met.neighbours) == (0.0, 0.0, ())
    assert met.robust
    assert "nothing" in size_text(met)


def test_no_mix_passes_is_a_result(trapezoid):
    # the battery's delay and lag alone leave more than that of every flank
    none = size(trapezoid("10 kW"), using=["site_battery"])
    assert none.winner is None
    assert none.robust is None
    assert [aside.row.rule for aside in none.unmet] == ["within"]
    assert none.nearest.worst().margin > none.without.worst().margin
    assert "no mix passes" in size_text(none)
    assert size_data(none)["winner"] is None


@pytest.mark.soak
def test_a_rule_that_nothing_moves_is_set_apart(trapezoid):
    rules = [
        {"id": "within", "measure": "range", "window": "60 s", "allowed_per_hour": 1, "limit": "10 MW"},
        {"id": "heat", "measure": "rating", "ratings": ["cooling"], "limit": "10 %"},
    ]
    apart = size(trapezoid(limits={"packs": [], "rules": rules}), using=["site_battery"])
    (aside,) = apart.not_damping
    assert aside.row.rule == "heat"
    assert aside.best_margin == pytest.approx(aside.row.margin)
    assert apart.winner is not None
    assert all(check.passed for check in apart.checks[:1])
    assert "NOT A MATTER OF DAMPING" in size_text(apart)


def test_rules_that_are_not_judged_are_listed(trapezoid):
    rules = [{"id": "sway", "measure": "min_frequency", "comparison": "at_least", "limit": "59 Hz"}]
    record = trapezoid(limits={"packs": [], "rules": rules}, **{"topology.electrical.memphis.generators": None})
    assert [row.rule for row in size(record, using=["site_battery"]).not_judged] == ["sway"]


def test_files_hold_a_scenario_that_is_the_winner(found, tmp_path):
    for path, text in size_files(found, tmp_path).items():
        path.write_text(text)
    again = load_any(tmp_path / "winner.yaml")
    there, sized = resolved(again), resolved(found.sized)
    assert {key for key in sized if there[key] != sized[key]} <= {"name", "title", "load"}
    assert again.name == "trapezoid_sized"
    assert run(again).summary["rules_failed"] == 0
    data = json.loads((tmp_path / "sizing.json").read_text())
    assert data["passes"]
    assert data["winner"]["design"]["battery_w"] == found.winner.design.battery_w
    with (tmp_path / "front.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == FRONT_COLUMNS
    assert float(rows[0]["battery_mw"]) == found.winner.design.battery_w / 1e6


def _judged(*three):
    return Judged(Design(), (), *three, math.nan, math.nan)


def test_front_keeps_what_no_other_beats():
    cheap, thrifty, beaten, same = _judged(1, 9, 0), _judged(5, 1, 0), _judged(6, 2, 0), _judged(1, 9, 0)
    lossy = _judged(0, 0, 0.5)
    assert front([beaten, thrifty, same, cheap, lossy]) == (lossy, cheap, thrifty)


def test_ladders_hold_preferred_numbers(found, trapezoid):
    ladder = space_in(trapezoid(), None).ladder("battery_w")
    assert all(1.0 < b / a < NOTCH * 1.01 for a, b in zip(ladder, ladder[1:], strict=False))
    assert preferred(0, 40) == 1.0
    assert found.winner.design.battery_w in ladder


def test_search_does_not_trust_in_monotony(trapezoid, monkeypatch):
    """Where sizes between two that pass do not, the lower one is found, and it is said."""
    prepared = prepared_in(trapezoid(), ["site_battery"], Design())
    search = Search(prepared, Design(), prices_of(prepared), frozenset())
    ladder = [float(size) for size in range(132)]
    good = {50.0, *ladder[62:]}
    monkeypatch.setattr(search, "passes", lambda design: design.battery_w in good)
    least = search._least(Design(battery_w=131.0), "battery_w", ladder)
    assert least.battery_w == 50.0
    assert "passes at 50 and 62 but not at 61" in search.notes[0]


def test_what_is_not_sized_stays(trapezoid):
    bank = {"kind": "load_bank", "power": "10 MW", "floor": "70 MW"}
    record = trapezoid(damping=[bank, {"kind": "site_battery", "time_constant": "60 s"}])
    space = space_in(record, ["site_battery"])
    assert [strategy.kind for strategy in space.kept] == ["load_bank"]
    assert space.scenario_with(Design()).topology.electrical["memphis"].battery is None
    one = space.scenario_with(Design(battery_w=1e6, battery_j=1e10, battery_tau_s=30.0))
    battery = one.topology.electrical["memphis"].battery
    assert (battery.power, battery.energy) == (1e6, 1e10)
    assert battery.droop == record.topology.electrical["memphis"].battery.droop


def test_a_place_without_a_battery_gets_the_default_type(trapezoid):
    space = space_in(trapezoid(**{"topology.electrical.memphis.battery": None}), None)
    one = space.scenario_with(Design(battery_w=1e6, battery_j=1e10, battery_tau_s=30.0))
    assert one.topology.electrical["memphis"].battery.type == "megapack_2xl"


@pytest.mark.parametrize(
    ("meet", "using", "message"),
    [
        (["ercot-lell"], None, "unknown rule pack 'ercot-lell'"),
        ([], ["battery"], "unknown element 'battery'"),
        ([], ["rack_storage"], "nothing is known of a measured load"),
        ([], [], "nothing to size"),
    ],
)
def test_wrong_input_is_named(trapezoid, meet, using, message):
    with pytest.raises(InputError, match=message):
        size(trapezoid(), meet, using)


def test_no_rule_is_no_question(trapezoid):
    bare = trapezoid().model_copy(update={"limits": LimitsSpec(packs=())})
    with pytest.raises(InputError, match="no rule to meet"):
        size(bare)


@pytest.mark.soak
def test_a_condenser_is_bought_where_the_connection_is_weak(trapezoid):
    """The voltage of a steady load is no matter of storage; a condenser holds it, and a battery costs more."""
    rules = [{"id": "low", "measure": "min_voltage", "comparison": "at_least", "limit": "0.97 pu"}]
    weak = {"topology.electrical.memphis.grid.short_circuit": "600 MVA"}
    bought = size(
        trapezoid(limits={"packs": [], "rules": rules}, **weak), using=["site_battery", "synchronous_condenser"]
    )
    assert bought.without.failed()
    assert bought.winner.design.elements == ("synchronous_condenser",)
    rated = bought.winner.design.condenser_va
    (item,) = bought.bill
    assert item.usd == pytest.approx(rated / 1e3 * 45.0)
    # losses of 1.2 % all year
    assert bought.winner.energy_j_per_year == pytest.approx(0.012 * rated * 31557600.0, rel=1e-6)
    (less,) = bought.neighbours
    assert less.what == "synchronous condenser"
    assert less.fails.rule == "low"
    # on the bus: V^4 + V^2 (2 (R P + X (Q - Qc)) - 1) + ... at the largest load, as the plant has it
    assert run(bought.sized).verdict["measured"].iloc[0] == pytest.approx(bought.winner.rows[0].measured, rel=1e-9)


@pytest.mark.soak
def test_a_design_that_passes_only_at_nominal_has_the_next_that_passes_all(trapezoid):
    """With less inertia the frequency of an island falls faster: more of what holds it is needed."""
    rules = [{"id": "rocof", "measure": "rocof", "window": "0.5 s", "limit": "0.08 Hz/s", "mode": "island"}]
    record = trapezoid(limits={"packs": [], "rules": rules}, **{"topology.electrical.memphis.battery": None})
    one = size(record, using=["synchronous_condenser"])
    assert one.robust is False
    assert [check.passed for check in one.checks] == [True, False, True]
    assert one.sturdy.inertia_scale == 0.8
    assert all(check.passed for check in one.sturdy.checks)
    assert one.sturdy.judged.usd_per_year > one.winner.usd_per_year
    assert one.sturdy.judged.design.condenser_va > one.winner.design.condenser_va
    told = size_text(one)
    assert "PASSES ONLY AT NOMINAL" in told
    assert "NEXT DESIGN THAT PASSES EVERY CHECK" in told
    assert size_data(one)["sturdy"]["inertia_scale"] == 0.8


DESIGN = Design(rack_w=300.0, rack_j=1000.0, rack_tau_s=1.0, battery_w=5e5, battery_j=1e10, battery_tau_s=100.0)
"""Of the small scenario."""


def _same_as_a_run(record, design=DESIGN):
    """Hold every row of a verdict that the search comes to against that of a run from the start; return both."""
    prepared = prepared_in(record, design.elements, Design())
    judged = evaluate(prepared, design, prices_of(prepared))
    result = run(prepared.space.scenario_with(design))
    assert len(judged.rows) == len(result.verdict)
    for row, (_, whole) in zip(judged.rows, result.verdict.iterrows(), strict=True):
        assert (row.rule, row.node, row.window) == (whole["rule"], whole["node"], whole["window"])
        assert row.passed == (None if pd.isna(whole["passed"]) else whole["passed"])
        assert row.measured == pytest.approx(whole["measured"], rel=1e-9, nan_ok=True)
    return judged, result


def test_windows_made_once_answer_as_a_run_of_a_job(scenario):
    """Rack storage and battery put in behind windows that were made without them, against a run from the start."""
    packs = ["southern", "ercot-lel", "island", "equipment"]
    judged, result = _same_as_a_run(scenario(limits={"packs": packs}))
    year = 365.25 * 86400.0 / (result.summary["horizon_days"] * 86400.0)
    assert judged.energy_j_per_year / 3.6e9 == pytest.approx(result.summary["damping_energy_mwh"] * year, rel=1e-9)
    assert judged.throughput_loss == pytest.approx(result.summary["throughput_loss"])


def test_events_and_modes_of_the_grid_are_judged_as_in_a_run(scenario):
    """Dips, the loss of load, trips and an island: what they do to the job and to the load, and what a rule sees."""
    events = [
        {"kind": "voltage_dip", "at": "1 d", "residual": "0.3 pu", "duration": "50 ms"},
        {"kind": "load_loss", "at": "30 h", "share": "50 %", "duration": "10 min"},
        {"kind": "island_formation", "at": "52 h", "duration": "2 h"},
    ]
    curve = [["0.15 s", "0 pu"], ["0.5 s", "0.7 pu"]]
    rules = [
        {"id": "through", "measure": "ride_through", "comparison": "at_least", "limit": "90 %", "curve": curve},
        {"id": "back", "measure": "recovery_time", "limit": "10 s"},
        {"id": "off", "measure": "load_lost", "limit": "1 MW"},
        {"id": "slowly", "measure": "reconnection_ramp", "limit": "1 MW/min"},
        {"id": "sway", "measure": "modal_deviation", "limit": "1 mHz"},
        {"id": "sway at worst", "measure": "modal_deviation_worst", "limit": "1 mHz"},
        {"id": "apart", "measure": "resonance_margin", "comparison": "at_least", "limit": "10 %"},
        {"id": "ramp", "measure": "ramp", "lag": "1 s", "limit": "1 MW/min"},
    ]
    changes = {
        "plant__events": events,
        "plant__ride_through": {"supplies": "itic"},
        "limits": {"packs": [], "rules": rules},
    }
    judged, result = _same_as_a_run(scenario(**changes))
    assert {row.rule for row in judged.rows if row.passed is not None} == {rule["id"] for rule in rules}
    assert result.summary["load_lost_mw"] > 0.0
    assert {row.rule: row.passed for row in judged.rows}["through"] is False
    # the storage changes what swings, not what a dip takes off
    prepared = prepared_in(scenario(**changes), DESIGN.elements, Design())
    assert prepared.of_power, "none of these rules looks at what the plant answers"
    without = {row.rule: row.measured for row in evaluate(prepared, Design(), None).rows}
    with_it = {row.rule: row.measured for row in judged.rows}
    assert with_it["through"] == without["through"]
    assert with_it["sway"] < 0.9 * without["sway"]


def test_command_line(folder, tmp_path):
    out = tmp_path / "out"
    asked = ["size", str(folder / "trapezoid.yaml"), "--meet", "dominion", "--using", "site_battery", "--processes"]
    said = CliRunner().invoke(app, [*asked, "1", "--json", "--out", str(out)])
    assert said.exit_code == 0
    data = json.loads(said.stdout)
    assert data["passes"]
    assert sorted(path.name for path in out.iterdir()) == [
        "base.yaml", "front.csv", "load.yaml", "place.yaml", "sizing.json", "winner.yaml",
    ]  # fmt: skip
    wrong = CliRunner().invoke(app, [*asked, "1", "--meet", "nobody"])
    assert wrong.exit_code == 2
    assert "unknown rule pack" in wrong.stderr
