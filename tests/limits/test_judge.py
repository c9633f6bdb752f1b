"""Packs and judgement."""

import math
from typing import get_args

import numpy as np
import pytest

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.limits import (
    MEASURES,
    OF_POWER_ALONE,
    VERDICT_COLUMNS,
    Evidence,
    LimitsSpec,
    Observation,
    Rating,
    Rule,
    Trace,
    judge,
    pack,
    pack_names,
    rules_of,
)
from clustersim.limits import (
    rule as shipped_rule,
)
from clustersim.limits.candidates import OF_POWER, OF_VOLTAGE, candidates
from clustersim.limits.flicker import LONG_S, OBSERVATION_S
from clustersim.limits.spec_parts.rule import BY_DEFINITION, Found, Measure
from clustersim.plant.records import PlantResponse


def square(amplitude_w, period_s=20.0, base_w=100e6, length_s=700.0, dt=0.01):
    t = np.arange(round(length_s / dt)) * dt
    return base_w - amplitude_w * ((t % period_s) > 0.8 * period_s)


def response(mode="island", f=60.0, v=1.0, n=60_000, dt=0.01, site="a"):
    flat = np.zeros(n)
    return PlantResponse(site, "steady", mode, 0.0, dt, flat, flat + f, flat + v, flat, flat, flat, flat, 0.0)


def row(verdict, rule):
    return verdict.table[verdict.table["rule"] == rule].iloc[0]


def test_every_measure_is_found_in_one_place_and_taken_from_there():
    """What a kind says of a measure, against what the judge looks at: a trace alone, or what another room observed."""
    assert set(get_args(Measure)) == set(MEASURES)
    groups = {where: {name for name, kind in MEASURES.items() if kind.found_in == where} for where in get_args(Found)}
    assert groups["power"] == set(OF_POWER_ALONE)
    assert groups["power"] | groups["strength"] == set(OF_POWER)
    assert groups["modes"] == {"modal_deviation", "modal_deviation_worst", "resonance_margin", "torsional"}
    assert groups["events"] == {"ride_through", "recovery_time", "load_lost", "reconnection_ramp"}
    assert set(OF_VOLTAGE) <= groups["plant"]
    assert {name for name, kind in MEASURES.items() if kind.observed} == groups["modes"] | groups["events"]


def test_every_pack_and_rule_of_the_catalog_is_valid():
    assert set(pack_names()) >= {
        "standard", "ercot-lel", "southern", "dominion", "choukse-example", "island", "equipment",
        "spp", "ameren", "ieee1453", "ieee1453-mv", "ieee1453-lv", "iec61000-3-7", "iec61000-3-7-stage1", "itic",
        "nerc", "nerc-eastern", "nerc-ercot", "nerc-western", "iso8528-g1", "iso8528-g2", "iso8528-g3",
        "iso8528-g1-gas", "iso8528-g2-gas", "iso8528-g3-gas",
        "ercot-large-load", "interconnection",
    }  # fmt: skip
    shipped = {name for name, e in catalog.entries("rules").items() if "measure" in e.properties}
    assert {r.id for name in pack_names() for r in pack(name)} == shipped
    for name in pack_names():
        for r in pack(name):
            assert r.limit_si > 0
            assert all((r.source, r.where, r.formula, r.confidence, r.note))
            assert r.status != "user"
            assert all(getattr(r, key) for key in MEASURES[r.measure].needs), r.id
            assert r.confidence != "estimate" or "assumed" in r.note, r.id
    assert {r.id for r in pack("standard") if r.assumed} == {"flicker-pst"}


def test_a_measured_trace_alone_is_enough():
    v = judge(pack("standard"), Evidence(traces=(Trace("meter", "steady", 0.01, square(30e6)),)))
    assert list(v.table.columns) == list(VERDICT_COLUMNS)
    # A square wave of 20 s keeps most of its energy in its first harmonic, 0.05 Hz, but not its amplitude.
    assert set(v.failed) >= {"southern-ramp", "ercot-5s-range", "choukse-band-amplitude"}
    assert v.rules_failed == len(v.failed)
    assert row(v, "southern-ramp")["measured"] == pytest.approx(30.0)
    assert row(v, "southern-ramp")["margin"] == pytest.approx(-0.5)
    assert row(v, "ercot-5s-range")["measured"] == pytest.approx(30.0)
    for rule in ("dominion-voltage", "flicker-pst", "island-rocof", "island-min-frequency", "equipment-rating"):
        assert row(v, rule)["passed"] is None
        assert row(v, rule)["reason"].startswith("not judged: ")
        assert rule in v.not_judged


def test_a_quiet_trace_passes():
    p = 100e6 + 1e6 * np.sin(2 * np.pi * 0.005 * np.arange(0, 700, 0.01))
    v = judge(pack("standard"), Evidence(traces=(Trace("meter", "steady", 0.01, p),)))
    assert v.failed == ()
    assert row(v, "ercot-5s-range")["margin"] > 0.9


def test_crash_in_an_event_window_breaks_the_ramp_rule_but_not_the_repetition_rule():
    crash = np.where(np.arange(60_000) < 30_000, 100e6, 10e6)
    steady = Trace("meter", "steady", 0.01, square(1e6))
    v = judge(pack("standard"), Evidence(traces=(steady, Trace("meter", "crash", 0.001, crash, steady=False))))
    assert row(v, "southern-ramp")["window"] == "crash"
    assert row(v, "southern-ramp")["measured"] == pytest.approx(90.0)
    assert row(v, "ercot-5s-range")["passed"] is True
    assert row(v, "ercot-5s-range")["window"] == "steady"


def test_one_excursion_in_an_hour_is_not_repetitive():
    p = np.full(36_000, 100e6)
    p[18_000:] = 60e6
    one = judge(pack("ercot-lel"), Evidence(traces=(Trace("m", "steady", 0.1, p),)))
    assert one.failed == ()
    p[27_000:] = 100e6
    two = judge(pack("ercot-lel"), Evidence(traces=(Trace("m", "steady", 0.1, p),)))
    assert two.failed == ("ercot-5s-range",)


def test_short_and_coarse_records_are_not_judged():
    short = judge(pack("choukse-example"), Evidence(traces=(Trace("m", "steady", 0.01, square(1e6, length_s=50)),)))
    assert "needs a record of 100 s, got 50 s" in row(short, "choukse-band-energy")["reason"]
    coarse = judge(pack("choukse-example"), Evidence(traces=(Trace("m", "steady", 0.1, np.ones(10_000)),)))
    assert "needs samples every 25 ms" in row(coarse, "choukse-band-energy")["reason"]


def test_island_and_voltage_rules():
    ok = Evidence(responses=(response(f=59.0), response("grid_parallel", v=1.01)))
    v = judge(pack("standard"), ok)
    assert v.failed == ()
    assert row(v, "island-min-frequency")["measured"] == 59.0
    assert row(v, "island-min-frequency")["margin"] == pytest.approx(0.2 / 58.8)
    assert row(v, "flicker-pst")["measured"] == pytest.approx(0.0, abs=1e-6)
    bad = judge(pack("island"), Evidence(responses=(response(f=59.0), response(f=56.0))))
    assert set(bad.failed) == {"island-min-frequency-trip", "island-min-frequency"}


def test_margin_is_zero_at_the_limit_and_the_limit_itself_passes():
    v = judge(pack("equipment"), Evidence(ratings=(Rating("grid_capacity", "a", 150e6, 150e6, "contract"),)))
    r = v.table.iloc[0]
    assert (r["measured"], r["limit"], r["unit"], r["margin"], r["passed"]) == (150.0, 150.0, "MW", 0.0, True)
    assert (r["node"], r["source"]) == ("a: grid_capacity", "contract")
    over = judge(pack("equipment"), Evidence(ratings=(Rating("cooling", "a", 151e6, 150e6),)))
    assert over.failed == ("equipment-rating",)


def test_scaling_the_trace_scales_the_margin():
    rules = pack("southern")
    margin = [judge(rules, Evidence(traces=(Trace("m", "steady", 0.01, square(a)),))).table["margin"].iloc[0]
              for a in (1e6, 2e6)]  # fmt: skip
    assert 1.0 - margin[1] == pytest.approx(2.0 * (1.0 - margin[0]))


def test_sites_have_a_row_each():
    traces = tuple(Trace(s, "steady", 0.01, square(30e6)) for s in ("memphis", "southaven"))
    v = judge(pack("southern"), Evidence(traces=traces))
    assert list(v.table["node"]) == ["memphis", "southaven"]
    assert v.failed == ("southern-ramp",)


def test_spec_changes_packs():
    own = {"id": "own", "measure": "range", "limit": "5 MW", "window": "10 s"}
    spec = LimitsSpec.model_validate(
        {"packs": ["southern", "choukse-example", "southern"], "overrides": {"southern-ramp": "30 MW/min"},
         "skip": ["choukse-band-energy"], "rules": [own]}
    )  # fmt: skip
    rules = rules_of(spec)
    assert [r.id for r in rules] == ["southern-ramp", "choukse-band-amplitude", "own"]
    assert math.isclose(rules[0].limit_si, 0.5e6)
    assert rules[0].source == "user"
    assert LimitsSpec.model_validate(spec.model_dump(mode="json")) == spec


def test_wrong_names_are_told():
    with pytest.raises(InputError, match="did you mean 'southern'"):
        rules_of(LimitsSpec(packs=("suthern",)))
    with pytest.raises(InputError, match=r"limits.overrides: no rule 'ramp'"):
        rules_of(LimitsSpec(overrides={"ramp": "1 MW/min"}))
    with pytest.raises(InputError, match="expected a ramp, got '3 MW'"):
        rules_of(LimitsSpec(overrides={"southern-ramp": "3 MW"}))
    with pytest.raises(InputError, match="already in a pack"):
        rules_of(LimitsSpec(rules=(Rule(id="southern-ramp", measure="ramp", lag="60 s", limit="1 MW/min"),)))
    with pytest.raises(ValueError, match="unknown unit"):
        Rule(id="x", measure="ramp", limit="1 furlong")


def test_an_event_settles_on_the_level_that_is_given():
    """A window that ends 40 s after its event says nothing of the minute unless the settled level does."""
    power = np.linspace(100e6, 90e6, 600)
    plain = judge(pack("southern"), Evidence((Trace("a", "crash", 0.1, power, steady=False),)))
    settled = Trace("a", "crash", 0.1, power, steady=False, before_w=110e6, settled_w=40e6)
    given = judge(pack("southern"), Evidence((settled,)))
    assert plain.table["measured"][0] == pytest.approx(10.0)
    assert given.table["measured"][0] == pytest.approx(60.0)


def test_the_worst_observation_of_a_site_counts():
    rules = (Rule(id="modal", measure="modal_deviation", limit="20 mHz"),)
    seen = (
        Observation("modal_deviation", "a", "steady", 0.015, "0.25 Hz"),
        Observation("modal_deviation", "a", "steady", 0.025, "0.40 Hz"),
        Observation("modal_deviation", "b", "steady", 0.005, "0.40 Hz"),
        Observation("torsional", "b", "steady", 0.5),
    )
    table = judge(rules, Evidence(observations=seen)).table
    assert list(table["node"]) == ["a", "b"]
    assert table["measured"].tolist() == pytest.approx([25.0, 5.0])
    assert table["passed"].tolist() == [False, True]
    assert table["window"][0] == "steady: 0.40 Hz"
    none = judge(rules, Evidence(observations=seen[3:])).table
    assert none["passed"][0] is None
    assert none["reason"][0].startswith("not judged: nothing was found on modal_deviation")
    with pytest.raises(InputError, match="did you mean 'torsional'"):
        Observation("torsionl", "a", "steady", 1.0)
    with pytest.raises(InputError, match="expected a number"):
        Observation("torsional", "a", "steady", math.nan)


def test_the_unit_and_the_parameters_must_suit_the_measure():
    with pytest.raises(ValueError, match=r"x: a limit on load_lost is a power \(W, kW, MW, GW\), got '5 %'"):
        Rule(id="x", measure="load_lost", limit="5 %")
    with pytest.raises(ValueError, match="x: ride_through needs curve"):
        Rule(id="x", measure="ride_through", limit="100 %")
    with pytest.raises(ValueError, match="voltage of 0 to 2 pu"):
        Rule.model_validate({"id": "x", "measure": "ride_through", "limit": "100 %", "curve": [["150 ms", "-1 pu"]]})
    curve = Rule.model_validate(
        {
            "id": "x",
            "measure": "ride_through",
            "limit": "100 %",
            "comparison": "at_least",
            "curve": [["150 ms", "0.5 pu"]],
        }
    )
    assert curve.curve == ((0.15, 0.5),)
    assert Rule.model_validate(curve.model_dump(mode="json")) == curve


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"measure": "min_frequency", "limit": "59 Hz"}, "min_frequency is a bound `comparison: at_least`"),
        (
            {"measure": "range", "limit": "9 MW", "window": "5 s", "comparison": "at_least"},
            "range is a bound `comparison: at_most`",
        ),
        ({"measure": "range", "limit": "9 MW", "window": "5 s", "lag": "60 s"}, "range does not use lag"),
        ({"measure": "ramp", "limit": "9 MW/s", "lag": "1 s", "window": "5 s"}, "ramp does not use window"),
        ({"measure": "ramp", "limit": "9 MW/s"}, "x: ramp needs lag"),
        ({"measure": "range", "limit": "9 MW"}, "x: range needs window"),
        ({"measure": "band_energy", "limit": "20 %"}, "x: band_energy needs band"),
        ({"measure": "rocof", "limit": "1 Hz/s"}, "x: rocof needs window"),
        ({"measure": "flicker", "limit": "0.8 x"}, "x: flicker needs lamp"),
        ({"measure": "band_energy", "limit": "20 %", "band": ("20 Hz", "0.1 Hz")}, "the lower first"),
        ({"measure": "band_energy", "limit": "20 %", "band": ("0 Hz", "20 Hz")}, "above 0 Hz"),
        (
            {"measure": "flicker", "limit": "0.8 x", "lamp": "120 V 60 Hz", "window": "60 s"},
            "flicker is observed over 600 s, got 60 s",
        ),
    ],
)
def test_what_would_turn_a_verdict_round_or_do_nothing_is_refused(keys, message):
    with pytest.raises(ValueError, match=message):
        Rule.model_validate({"id": "x"} | keys)


def test_the_flickermeter_observes_as_long_as_the_rules_say():
    assert BY_DEFINITION == {"flicker": OBSERVATION_S, "flicker_long": LONG_S}


def test_windows_that_fail_for_the_same_reason_share_a_line():
    seen = Evidence((Trace("a", "one", 0.1, np.ones(9000)), Trace("a", "two", 0.1, np.ones(9000))))
    reason = judge(pack("choukse-example"), seen).table["reason"][0]
    assert reason == "not judged: one, two: needs samples every 25 ms or finer, got 100 ms"


def test_a_voltage_that_trace_and_response_share_is_measured_once():
    v = np.ones(6000)
    answer = response("grid_parallel", n=6000)
    both = Evidence((Trace("a", "steady", 0.01, np.ones(6000), answer.voltage_pu),), (answer,))
    assert len(list(candidates(pack("dominion")[0], "a", both))) == 1
    other = Evidence((Trace("a", "steady", 0.01, np.ones(6000), v),), (answer,))
    assert len(list(candidates(pack("dominion")[0], "a", other))) == 2


def test_frequency_beside_the_grid_is_judged_by_rules_that_say_so():
    beside = Evidence(responses=(response("grid_parallel", f=60.55, n=6000),))
    assert judge(pack("nerc-eastern"), beside).failed == ("nerc-overfrequency-eastern",)
    assert judge(pack("nerc-western"), beside).failed == ()
    assert row(judge(pack("spp"), beside), "spp-frequency-time")["passed"] is True
    island = judge(pack("nerc-eastern"), Evidence(responses=(response(f=60.55, n=6000),)))
    assert "no response beside the grid" in row(island, "nerc-overfrequency-eastern")["reason"]


def test_limits_in_hertz_are_not_held_against_another_nominal_frequency():
    slow = Evidence(responses=(response(f=50.0, n=6000),))
    table = judge((*pack("island"), shipped_rule("spp-frequency-time")), slow).table.set_index("rule")
    assert [name for name, row in table.iterrows() if row["passed"] is not None] == ["island-rocof"]
    assert "another nominal frequency than the 50 Hz of the site" in table["reason"]["island-min-frequency"]
    own = Rule(id="x", measure="min_frequency", limit="51 Hz", comparison="at_least")
    assert judge([own], Evidence(responses=(response(f=59.9, n=6000),))).table["passed"][0] is True


def test_the_nominal_frequency_is_where_a_transient_starts():
    flat = np.ones(10_000)
    f = np.where(np.arange(10_000) < 1000, 50.0, 56.0)
    seen = PlantResponse("a", "crash", "island", 0.0, 0.01, flat, f, flat, flat, flat, flat, flat, 0.0)
    assert judge([shipped_rule("iso8528-g2-rise")], Evidence(responses=(seen,))).table["measured"][0] == pytest.approx(
        12.0
    )


def test_stage_one_of_the_flicker_standard_tells_rare_from_frequent_changes():
    """0.3 % of the short-circuit power every 10 s passes as rare changes; every 0.6 s it is too much."""

    def steps(spacing):
        power = 100e6 + 15e6 * (np.arange(60_000) // round(spacing / 0.01) % 2)
        return Evidence((Trace("a", "steady", 0.01, power),), short_circuit_va={"a": 5e9})

    assert judge(pack("iec61000-3-7-stage1"), steps(10.0)).failed == ()
    assert judge(pack("iec61000-3-7-stage1"), steps(0.6)).failed == ("iec-stage1-medium",)
    assert set(judge(pack("iec61000-3-7-stage1"), steps(0.24)).failed) == {"iec-stage1-medium", "iec-stage1-fast"}
