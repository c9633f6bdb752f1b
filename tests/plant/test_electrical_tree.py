"""The electrical tree: energy closure, firm capacity, voltages, fault levels, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from clustersim.catalog import entry
from clustersim.errors import InputError
from clustersim.plant import SitePlantSpec, electrical_losses, transformer_reactive
from clustersim.plant.electrical_tree import electrical_tree, firm_feeds_w, thermal_of
from clustersim.plant.spec_parts.supply import FeedsSpec, spare_units
from clustersim.plant.stages import stage_flows, stages_of
from clustersim.plant.voltage import voltage_behind
from clustersim.plant.weather import design_dry_bulb_c

MW = 1e6
GRID = {"capacity": "300 MW", "voltage": "161 kV", "system": "EI", "short_circuit": "5 GVA", "x_over_r": 10}
HV = {"stage": "hv_transformer", "unit": "100 MVA", "count": 5, "redundancy": "N+1", "voltage": "13.8 kV"}
MV = {"stage": "mv_transformer", "unit": "3 MVA", "count": 120, "voltage": "415 V"}
UPS = {"stage": "ups", "unit": "2 MW", "count": 20, "redundancy": "2N", "share": "5 %"}
BUS = {"stage": "busway", "unit": "575 kVA", "count": 720}


def plant(*stages, grid=GRID, **more) -> SitePlantSpec:
    return SitePlantSpec.model_validate({"frequency": "60 Hz", "grid": grid, "conversion": stages, **more})


@st.composite
def trees(draw):
    """Any tree of known stages in a lawful order."""
    stages = []
    for base in (HV, MV, UPS, BUS):
        if draw(st.booleans()):
            count = 6 * draw(st.integers(1, 30))
            redundancy = draw(st.sampled_from(["N", "N+1", "N+2", "2N", "3N/2"]))
            share = f"{draw(st.floats(1.0, 100.0)):.3f} %"
            stages.append({**base, "unit": "9 MW", "count": count, "redundancy": redundancy, "share": share})
    return plant(*stages)


@given(spec=trees(), load=st.floats(1.0, 400 * MW), tangent=st.floats(0.0, 0.6))
def test_what_goes_in_is_what_comes_out_and_the_losses(spec, load, tangent):
    reactive = tangent * load
    flows = stage_flows(spec, load, reactive)
    tree = electrical_tree(spec, load, reactive)
    assert tree.meter_w == pytest.approx(load + sum(level.loss_w for level in tree.levels))
    assert tree.meter_w - load == pytest.approx(float(electrical_losses(spec, load, reactive)))
    assert tree.meter_var - tree.reactive_var == pytest.approx(
        float(transformer_reactive(spec, load, reactive)), abs=1e-3
    )
    for above, below in zip(flows, flows[1:], strict=False):
        share = above.stage.spec.share
        arriving = float(below.out_w) / below.stage.spec.share + float(below.loss_w)
        assert float(above.out_w) == pytest.approx(share * arriving, abs=1e-3)


@given(spec=trees(), load=st.floats(0.0, 300 * MW), more=st.floats(0.0, 100 * MW))
def test_more_load_loses_more_and_loads_every_stage_more(spec, load, more):
    low, high = electrical_tree(spec, load), electrical_tree(spec, load + more)
    assert high.losses_w >= low.losses_w
    for a, b in zip(low.levels, high.levels, strict=True):
        assert b.through >= a.through
        assert b.stage.firm <= b.stage.rating
        assert b.firm_loading >= b.loading
        if b.hot_spot_c is not None and a.hot_spot_c is not None:
            assert b.hot_spot_firm_c >= b.hot_spot_c >= a.hot_spot_c


@given(spec=trees())
def test_at_its_limit_one_part_is_just_at_its_firm_capacity(spec):
    tree = electrical_tree(spec, 100 * MW)
    at = electrical_tree(spec, tree.limit_w)
    used = [at.meter_w / at.supply_w, *(level.firm_loading for level in at.levels)]
    if tree.limit_w > 0.0:
        assert max(used) == pytest.approx(1.0, rel=1e-6)
        names = ["supply", *(level.stage.name for level in at.levels)]
        assert used[names.index(tree.limited_by)] == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize(
    ("redundancy", "count", "firm"),
    [("N", 6, 6), ("N+1", 6, 5), ("N+2", 6, 4), ("2N", 6, 3), ("3N/2", 6, 4)],
)
def test_firm_capacity(redundancy, count, firm):
    spec = plant({**HV, "count": count, "redundancy": redundancy})
    (stage,) = stages_of(spec)
    assert stage.firm == pytest.approx(firm * 100 * MW)
    assert stage.one_out == pytest.approx(500 * MW)
    feeds = FeedsSpec.model_validate({"count": count, "capacity": "100 MW", "redundancy": redundancy})
    assert firm_feeds_w(feeds) == pytest.approx(firm * 100 * MW)


def test_blocks_have_their_spares_each():
    (stage,) = stages_of(plant({**HV, "count": 12, "redundancy": "N+1", "block": 4}))
    assert stage.firm == pytest.approx(0.75 * 1200 * MW)


def test_a_rating_of_all_units_stays_valid():
    one, many = plant({"stage": "mv_transformer", "rating": "300 MW"}), plant({**MV, "unit": "3 MVA", "count": 100})
    assert electrical_losses(one, 200 * MW) == pytest.approx(electrical_losses(many, 200 * MW))
    again = SitePlantSpec.model_validate_json(many.model_dump_json(exclude_none=True))
    assert again == many


def test_the_first_stage_that_limits():
    assert electrical_tree(plant(HV, MV), 100 * MW).limited_by == "supply"
    assert electrical_tree(plant(HV, {**MV, "count": 60}), 100 * MW).limited_by == "mv_transformer"
    weak = {**GRID, "feeds": {"count": 2, "capacity": "160 MW", "redundancy": "2N"}}
    tree = electrical_tree(plant(HV, MV, grid=weak), 100 * MW)
    assert tree.supply_w == 160 * MW
    assert tree.limit_w == pytest.approx(160 * MW - electrical_tree(plant(HV, MV), tree.limit_w).losses_w, rel=1e-6)


def test_voltage_behind_an_impedance():
    assert voltage_behind(1.0, 0.0, 0.0, 0.01, 0.1) == (1.0, True)
    assert voltage_behind(1.02, 0.8, 0.3, 0.0, 0.0)[0] == pytest.approx(1.02)
    volts, _ = voltage_behind(1.0, 0.8, 0.3, 0.01, 0.1)
    current = complex(0.8, -0.3) / volts
    assert abs(volts + complex(0.01, 0.1) * current) == pytest.approx(1.0)
    assert not voltage_behind(1.0, 6.0, 0.0, 0.0, 0.1)[1]
    # the most that a reactance carries at unity power factor: half of its short-circuit power, at 0.707 pu
    assert voltage_behind(1.0, 4.999999, 0.0, 0.0, 0.1)[0] == pytest.approx(math.sqrt(0.5), rel=1e-3)


def test_voltage_falls_down_the_tree_and_a_ups_holds_its_own():
    tree = electrical_tree(plant(HV, MV, UPS, BUS), 250 * MW)
    hv, mv, ups, bus = (level.voltage_pu for level in tree.levels)
    assert 1.0 > tree.voltage_pu > hv > mv > bus > 0.9
    assert ups == 1.0
    assert mv - bus < 0.02, "the UPS with 5 % of the load stands beside the way to the racks"


def test_no_operating_point_is_told():
    feeble = {**GRID, "short_circuit": "400 MVA"}
    tree = electrical_tree(plant(HV, grid=feeble), 250 * MW)
    assert math.isnan(tree.voltage_pu)
    assert math.isnan(tree.levels[0].voltage_pu)


def test_fault_levels_by_hand():
    """5 GVA at X/R 10; one transformer of 100 MVA, 12 % and 0.3 % resistance; one of 3 MVA, 6 % and 0.9 %."""
    tree = electrical_tree(plant(HV, MV), 100 * MW)
    assert tree.fault.power_va == pytest.approx(5e9)
    assert tree.fault.current_a == pytest.approx(5e9 / (math.sqrt(3) * 161e3))
    source = complex(1.0, 10.0) / math.hypot(1.0, 10.0) / 5000.0
    first = source + complex(0.003, 0.12) / 100.0
    second = first + complex(0.009, 0.06) / 3.0
    assert tree.levels[0].fault.power_va == pytest.approx(1e6 / abs(first))
    assert tree.levels[1].fault.power_va == pytest.approx(1e6 / abs(second))
    assert tree.levels[1].fault.current_a == pytest.approx(1e6 / abs(second) / (math.sqrt(3) * 415.0))
    both = electrical_tree(plant({**HV, "count": 4, "parallel": 2}, MV), 100 * MW)
    assert both.levels[0].fault.power_va > 1.5 * tree.levels[0].fault.power_va


def test_generators_and_batteries_feed_a_fault():
    machines = {
        "type": "titan_130",
        "count": 15,
        "governor": "none",
        "dispatch_limit": "80 %",
        "power_factor": "0.8 pu",
    }
    units = electrical_tree(plant(HV, generators=machines), 100 * MW).fault.power_va
    alone = SitePlantSpec.model_validate({"frequency": "60 Hz", "generators": machines})
    rated = 15 * 16.5 * MW / 0.8
    assert electrical_tree(alone, 100 * MW).fault.power_va == pytest.approx(rated / 0.18)
    # on the transmission bus they stand behind their own transformers of 9 %, which a file may change
    grid = 5e9 / complex(1.0, 10.0) * math.hypot(1.0, 10.0)
    for reactance, more in ((0.27, {}), (0.18, {"step_up": "0 %"}), (0.28, {"step_up": "10 %"})):
        found = electrical_tree(plant(HV, generators={**machines, **more}), 100 * MW).fault.power_va
        assert found == pytest.approx(abs(grid + rated / complex(0.0, reactance)))
    assert 5e9 < units <= 5e9 + rated / 0.27
    # at the generators' own voltage there is no transformer between
    near = plant(generators=machines, grid={**GRID, "voltage": "13.8 kV"})
    assert electrical_tree(near, 100 * MW).fault.power_va == pytest.approx(abs(grid + rated / 0.18j))
    battery = {
        "type": "megapack_2xl",
        "count": 100,
        "power": "100 MW",
        "energy": "390 MWh",
        "droop": "2 %",
        "deadband": "36 mHz",
    }
    assert electrical_tree(plant(HV, battery=battery), 100 * MW).fault.power_va == pytest.approx(5e9 + 1.2 * 100 * MW)


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ([MV, HV], "hv_transformer stands below mv_transformer"),
        ([{"stage": "psu", "rating": "300 MW"}, MV], "mv_transformer stands below psu"),
        ([{**HV, "redundancy": "N+1", "count": 1}], "redundancy N\\+1 needs at least 2 units, found 1"),
        ([{**HV, "redundancy": "2N"}], "redundancy 2N needs a multiple of 2 units, found 5"),
        ([{**HV, "redundancy": "3N/2"}], "needs a multiple of 3 units, found 5"),
        ([{**HV, "redundancy": "2"}], "'N', 'N\\+1', 'N\\+2', '2N' or '3N/2'"),
        ([{**HV, "block": 3}], "count 5 is not a multiple of block 3"),
        ([{**HV, "parallel": 2}], "count 5 is not a multiple of parallel 2"),
        ([{**HV, "unit": "-1 MVA"}], "greater than 0"),
        ([{"stage": "hv_transformer", "rating": "0 MW"}], "greater than 0"),
        ([{**HV, "rating": "400 MW"}], "rating 400 MW is not unit x count = 500 MW"),
        ([{"stage": "hv_transformer", "count": 3}], "give `rating`"),
        ([{**HV, "voltage": "345 kV"}], "the outlet of hv_transformer at 345000 V is above its inlet at 161000 V"),
        ([{**UPS, "share": "120 %"}], "less than or equal to 1"),
        ([{**UPS, "share": "60 %"}, {**UPS, "stage": "ups_eco", "share": "50 %"}], "110 % of the load behind UPS"),
        ([{**HV, "unit": "100 A"}], "expected a power"),
    ],
)  # fmt: skip
def test_what_is_refused(stages, words):
    with pytest.raises(ValidationError, match=words):
        plant(*stages)


@pytest.mark.parametrize(
    ("feeds", "words"),
    [
        ({"count": 2}, "capacity\n  Field required"),
        ({"count": 2, "capacity": "100 MW"}, "2 x 100 MW cannot carry the capacity of 300 MW"),
        ({"count": 3, "capacity": "200 MW", "redundancy": "2N"}, "needs a multiple of 2 units, found 3"),
        ({"count": 0, "capacity": "200 MW"}, "greater than 0"),
    ],
)
def test_feeds_that_are_refused(feeds, words):
    with pytest.raises(ValidationError, match=words):
        plant(HV, grid={**GRID, "feeds": feeds})


@given(count=st.integers(1, 60), redundancy=st.sampled_from(["N", "N+1", "N+2", "2N", "3N/2"]))
def test_spares_are_fewer_than_the_units(count, redundancy):
    try:
        spare = spare_units(redundancy, count)
    except ValueError:
        assert (redundancy, count) in {("N+1", 1), ("N+2", 1), ("N+2", 2)} or count % {"2N": 2, "3N/2": 3}[redundancy]
    else:
        assert 0 <= spare < count
        assert redundancy != "2N" or 2 * spare == count


def test_hot_spots_are_those_of_the_design_day_where_there_is_weather():
    air = design_dry_bulb_c("memphis_tn")
    assert air == pytest.approx(entry("weather", "memphis_tn").si("design.dry_bulb"), abs=0.1)
    plain, hot = (electrical_tree(plant(HV), 250 * MW, None, weather) for weather in (None, "memphis_tn"))
    assert hot.levels[0].hot_spot_c - plain.levels[0].hot_spot_c == pytest.approx(air - 20.0)
    own = electrical_tree(plant(HV, ambient="30 degC"), 250 * MW, None, "memphis_tn")
    assert own.levels[0].hot_spot_c - plain.levels[0].hot_spot_c == pytest.approx(10.0)


def test_a_transformer_without_no_load_loss_has_no_hot_spot_and_is_named():
    stage = replace(stages_of(plant(HV))[0], no_load=0.0)
    with pytest.raises(InputError, match="hv_transformer: loss.no_load: expected above 0 %"):
        thermal_of(stage)
    assert thermal_of(replace(stage, thermal_class=None)) is None


@pytest.mark.parametrize("key", ["reactance", "resistance"])
def test_an_impedance_above_the_rating_is_refused(key):
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        plant({**HV, key: "101 %"})
    assert plant({**HV, key: "100 %"}).conversion
