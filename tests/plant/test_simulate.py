"""A site's plant beside the grid and as an island."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from clustersim.catalog import entry
from clustersim.errors import CatalogError, InputError
from clustersim.plant import (
    PlantEvent,
    SitePlantSpec,
    dispatch_shares,
    simulate_plant,
    steady_generation_w,
    units_online,
)
from clustersim.plant.dispatch import island
from clustersim.plant.load_step import largest_step

MW = 1e6
GRID = {"capacity": "150 MW", "voltage": "161 kV", "system": "eastern_interconnection", "point": "memphis_161kv"}
UNITS = {"type": "solar_titan_130_smt130", "count": 15, "governor": "GAST_openipsl", "dispatch_limit": "80 %"}
BATTERY = {
    "type": "megapack_2xl",
    "count": 168,
    "power": "150 MW",
    "energy": "655 MWh",
    "droop": "2 %",
    "deadband": "36 mHz",
}


def site(**parts) -> SitePlantSpec:
    return SitePlantSpec.model_validate({"frequency": "60 Hz", **parts})


FULL = site(grid=GRID, generators=UNITS, battery=BATTERY)
T = np.arange(3000) * 0.01
STEP = np.where(T < 5.0, 120 * MW, 150 * MW)


def run(spec, load, mode, dt=0.01, before=None, reactive=None):
    return simulate_plant(
        spec, "memphis", "w", load, 0.2 * load if reactive is None else reactive, dt, 100.0, mode, before
    )


@pytest.mark.parametrize("mode", ["grid_parallel", "island"])
def test_sources_add_up_to_the_load(mode):
    answer = run(FULL, STEP, mode, before=120 * MW)
    total = answer.grid_w + answer.generator_w + answer.battery_w
    assert total == pytest.approx(STEP, abs=1e-6)
    lengths = {a.size for a in (answer.frequency_hz, answer.voltage_pu, answer.state_of_charge, total)}
    assert lengths == {T.size}


@pytest.mark.parametrize("mode", ["grid_parallel", "island"])
def test_constant_load_changes_nothing(mode):
    answer = run(FULL, np.full(500, 120 * MW), mode)
    assert answer.frequency_hz == pytest.approx(60.0, abs=1e-12)
    assert answer.initial_rocof_hz_per_s == 0.0
    assert not answer.battery_w.any()
    assert np.ptp(answer.voltage_pu) == 0.0


@pytest.mark.parametrize("mode", ["grid_parallel", "island"])
@pytest.mark.parametrize("before", [None, 120 * MW])
@pytest.mark.parametrize("level", [120 * MW, 230 * MW])
def test_constant_load_gives_a_flat_course(mode, before, level):
    """With the battery's own share of the load where the turbines may not carry it."""
    if before is not None and level != before:
        return
    answer = run(FULL, np.full(7000, level), mode, before=before)
    for course in (answer.frequency_hz, answer.generator_w, answer.grid_w, answer.battery_w, answer.voltage_pu):
        assert np.ptp(course) <= 1e-9 * max(1.0, float(np.abs(course).max()))


@pytest.mark.parametrize("mode", ["grid_parallel", "island"])
@pytest.mark.parametrize("before", [None, 200 * MW])
def test_a_periodic_load_has_no_transient_at_its_start(mode, before):
    """A window cut out of training is in its periodic state from the first step on, at any phase of the step."""
    phase = (np.arange(9630) * 0.01 + 0.9) % 1.07
    load = np.interp(phase, [0.0, 0.05, 0.8, 0.95, 1.07], [177 * MW, 245 * MW, 249 * MW, 177 * MW, 177 * MW])
    answer = simulate_plant(FULL, "a", "w", load, 0 * load, 0.01, 0.0, mode, before, runs_in=True)
    periods = answer.frequency_hz.reshape(90, -1)
    assert np.ptp(periods[-1]) > 0.0
    # what the interconnection has left after its minute moves it by microhertz
    assert np.abs(periods[0] - periods[-1]).max() < 0.02 * np.ptp(periods[-1]) + 2e-6


def test_what_an_event_does_leads_up_to_nothing():
    """The steps after a pause are as those before it: what came before them, the pause, did not come before those."""
    t = np.arange(6000) * 0.01
    load = np.interp(t % 1.07, [0.0, 0.05, 0.8, 0.95, 1.07], [177 * MW, 245 * MW, 249 * MW, 177 * MW, 177 * MW])
    load[:1900] *= 1.0 + 3e-3 * np.sin(t[:1900])
    load[1900:2400] = 177 * MW
    # the steps after the pause begin as the window does
    load[2400:4300] = load[:1900]

    def start(**options):
        answer = simulate_plant(FULL, "a", "w", load, 0 * load, 0.01, 0.0, "island", 225 * MW, runs_in=True, **options)
        return answer.frequency_hz[:107]

    calm = simulate_plant(
        FULL, "a", "w", load[:1900], 0 * load[:1900], 0.01, 0.0, "island", 225 * MW, runs_in=True
    ).frequency_hz[:107]
    assert np.abs(start(event_s=19.0) - calm).max() < 1e-9
    assert np.abs(start() - calm).max() > 0.1 * np.ptp(calm)


def test_interconnection_settles_on_damping_and_primary_response():
    t = np.arange(12000) * 0.01
    answer = run(FULL, np.where(t < 5.0, 120 * MW, 150 * MW), "grid_parallel", before=120 * MW)
    system = entry("grids", "eastern_interconnection")
    per_hz = system.si("load_damping") * system.si("online_capacity") / 60.0 + system.si("primary_response") / 0.1
    assert answer.frequency_hz[-1] - 60.0 == pytest.approx(-30 * MW / per_hz, rel=1e-3)
    kinetic = system.si("inertia") * system.si("online_capacity")
    assert answer.initial_rocof_hz_per_s == pytest.approx(-30 * MW * 60 / (2 * kinetic))
    slope = (answer.frequency_hz[501] - answer.frequency_hz[500]) / 0.01
    assert slope == pytest.approx(answer.initial_rocof_hz_per_s, rel=1e-2)


def test_machines_beside_the_grid_add_their_inertia():
    weak = site(grid={**GRID, "capacity": "50 MW"}, generators=UNITS)
    answer = run(weak, STEP, "grid_parallel", before=120 * MW)
    assert answer.generator_w == pytest.approx(70 * MW)
    alone = run(FULL, STEP, "grid_parallel", before=120 * MW)
    assert abs(answer.initial_rocof_hz_per_s) < abs(alone.initial_rocof_hz_per_s)


def test_island_settles_on_turbines_and_battery():
    answer = run(site(generators=UNITS), STEP, "island", before=120 * MW)
    assert answer.frequency_hz[-1] - 60.0 == pytest.approx(-0.05 * 30 / 247.5 * 60, rel=1e-3)
    kinetic = 5.0 * 247.5 * MW / 0.8
    assert answer.initial_rocof_hz_per_s == pytest.approx(-30 * MW * 60 / (2 * kinetic))
    helped = run(FULL, STEP, "island", before=120 * MW)
    assert helped.frequency_hz.min() > answer.frequency_hz.min()
    assert helped.battery_w.max() > 0.0


def test_battery_carries_what_the_turbines_may_not():
    answer = run(FULL, np.full(500, 240 * MW), "island")
    assert answer.generator_w == pytest.approx(0.8 * 247.5 * MW)
    assert answer.battery_w == pytest.approx(240 * MW - 0.8 * 247.5 * MW)
    assert answer.state_of_charge[-1] < answer.state_of_charge[0]
    assert any("empty after" in text for text in answer.warnings)


def test_overload_is_said_and_the_frequency_collapses():
    answer = run(FULL, np.full(6000, 450 * MW), "island")
    assert any("cannot carry" in text for text in answer.warnings)
    assert any("frequency left the modelled range" in text for text in answer.warnings)
    assert answer.frequency_hz[0] == 60.0
    assert answer.frequency_hz[-1] <= 30.0


def test_temperature_limit_of_the_governor_is_said():
    answer = run(site(generators={**UNITS, "dispatch_limit": "100 %"}), np.full(500, 240 * MW), "island")
    assert any("exhaust temperature" in text for text in answer.warnings)
    assert answer.frequency_hz[-1] < 60.0


def test_groups_share_by_what_limit_and_governor_allow_in_every_mode():
    """GAST's exhaust temperature allows 90 % of the rating, below the dispatch limit of the one group."""
    pair = [{**UNITS, "count": 1, "dispatch_limit": "100 %"}, {**UNITS, "count": 1, "dispatch_limit": "60 %"}]
    spec = site(grid={**GRID, "capacity": "10 MW"}, generators=pair)
    assert dispatch_shares(*spec.generators) == pytest.approx((0.6, 0.4))
    plan = island(spec, "a", 20 * MW)
    assert [group.mechanical_w for group in plan.bus.groups] == pytest.approx([12 * MW, 8 * MW])
    # beside the grid no unit gives more than its temperature limit either
    assert steady_generation_w(spec, 60 * MW, "grid_parallel") == pytest.approx(1.5 * 16.5 * MW)
    assert units_online(spec.generators[0], 15.5 * MW) == 1
    four = site(generators={**UNITS, "count": 4, "dispatch_limit": "100 %"}).generators[0]
    assert units_online(four, 2.9 * 16.5 * MW) == 4


def test_load_steps_beyond_the_catalog_are_said():
    load = np.where(T < 5.0, 30 * MW, 150 * MW)
    said = run(FULL, load, "island", before=30 * MW).warnings
    assert any("15%" in text for text in said)


def test_grid_limits_are_said():
    said = run(site(grid=GRID), np.full(100, 170 * MW), "grid_parallel").warnings
    assert any("exceeds the grid's 150 MW" in text for text in said)
    assert any("above the agreed 150 MW" in text for text in said)
    weak = site(grid={**GRID, "short_circuit": "200 MVA", "x_over_r": 10.0})
    assert any("voltage collapse" in text for text in run(weak, np.full(100, 150 * MW), "grid_parallel").warnings)
    pushed = site(grid=GRID, generators={**UNITS, "grid_parallel_output": "50 MW"})
    falls = run(pushed, np.full(100, 10 * MW), "grid_parallel", before=60 * MW)
    assert any("into the grid" in text for text in falls.warnings)
    nothing_exported = run(pushed, np.full(100, 10 * MW), "grid_parallel")
    assert nothing_exported.generator_w[0] == 10 * MW


def test_modes_need_their_equipment():
    with pytest.raises(InputError, match=r"electrical\.memphis: an island needs generators"):
        run(site(grid=GRID), STEP, "island")
    with pytest.raises(InputError, match="needs `grid`"):
        run(site(generators=UNITS), STEP, "grid_parallel")
    with pytest.raises(InputError, match="runs at 60 Hz"):
        run(SitePlantSpec.model_validate({"frequency": "50 Hz", "grid": GRID}), STEP, "grid_parallel")
    with pytest.raises(InputError, match="expected a model of GAST"):
        run(site(generators={**UNITS, "governor": "load_sharing"}), STEP, "island")
    with pytest.raises(CatalogError, match="did you mean"):
        run(site(generators={**UNITS, "type": "solar_titan_131"}), STEP, "island")


def test_governor_none_holds_the_power():
    answer = run(site(generators={**UNITS, "governor": "none"}), STEP, "island", before=120 * MW)
    kinetic = 5.0 * 247.5 * MW / 0.8
    assert answer.frequency_hz[-1] - 60.0 == pytest.approx(-30 * MW * 60 / (2 * kinetic) * 24.99, rel=1e-9)


@pytest.mark.parametrize("load", [np.array([]), np.array([[1.0]]), np.array([np.nan])])
def test_bad_arrays_are_refused(load):
    with pytest.raises(ValueError, match="expected"):
        simulate_plant(FULL, "memphis", "w", load, load, 0.01, 0.0, "island")


def test_the_largest_step_has_its_sign_and_counts_the_start():
    assert largest_step(np.array([1.0, 1.0]), 0.01) == 0.0
    assert largest_step(np.array([5.0]), 0.01) == 0.0
    assert largest_step(np.array([1.0, 9.0, 8.0]), 0.1) == 8.0
    assert largest_step(np.array([1.0, 1.0]), 0.01, 20.0) == -19.0
    ramp = np.linspace(0.0, 100.0, 1001)
    assert largest_step(ramp, 0.01) == pytest.approx(1.0)


@given(
    load=st.lists(st.floats(-1e8, 1e8), min_size=1, max_size=60),
    dt=st.sampled_from([0.01, 0.02, 0.05, 0.1, 1.0]),
    initial=st.none() | st.floats(-1e8, 1e8),
)
def test_the_largest_step_is_that_between_any_two_bins_within_100_ms(load, dt, initial):
    series = ([] if initial is None else [initial]) + load
    lag = max(1, round(0.1 / dt))
    steps = [b - a for i, a in enumerate(series) for b in series[i : i + lag + 1]]
    found = largest_step(np.array(load), dt, initial)
    assert abs(found) == pytest.approx(max(abs(step) for step in steps))
    assert found in steps


def test_a_pulse_shorter_than_100_ms_counts_whole():
    """A meter behind a battery goes up until the battery has heard of the load's return, and down at the next dip."""
    load = np.full(400, 100 * MW)
    load[200:203], load[206:209] = 130 * MW, 60 * MW
    assert largest_step(load, 0.01) == -70 * MW


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"generators": {**UNITS, "count": 0}}, "greater than 0"),
        ({"battery": {**BATTERY, "power": "-1 MW"}}, "greater than 0"),
        ({"battery": {**BATTERY, "energy": "-1 MWh"}}, "greater than 0"),
        ({"battery": {**BATTERY, "energy": "655"}}, "energy with a unit"),
        ({"grid": {"capacity": "1 MW", "voltage": "1 kV", "system": "x"}}, "give `point`"),
        ({"batery": BATTERY}, "Extra inputs"),
        ({"grid": None, "generators": None}, "needs `grid`, `generators` or both"),
    ],
)
def test_wrong_specs_are_refused(change, says):
    with pytest.raises(ValidationError, match=says):
        site(**{"grid": GRID, "generators": UNITS, "battery": BATTERY, **change})


def test_a_dumped_spec_can_be_read_again():
    assert SitePlantSpec.model_validate(FULL.model_dump()) == FULL


@settings(max_examples=10, deadline=None)
@given(count=st.integers(8, 15), more=st.integers(1, 10), step=st.floats(1.0, 25.0))
def test_more_turbines_never_deepen_the_dip(count, more, step):
    load = np.where(T < 1.0, 60 * MW, (60 + step) * MW)
    dips = [
        60.0 - run(site(generators={**UNITS, "count": n}), load, "island", before=60 * MW).frequency_hz.min()
        for n in (count, count + more)
    ]
    assert dips[1] <= dips[0] + 1e-9


def test_neighbours_move_the_common_frequency():
    """A site and its twin on one interconnection: twice the step, twice the deviation."""
    alone = simulate_plant(site(grid=GRID), "a", "w", STEP, 0 * STEP, 0.01, 0.0, "grid_parallel", 120 * MW)
    both = simulate_plant(
        site(grid=GRID), "a", "w", STEP, 0 * STEP, 0.01, 0.0, "grid_parallel", 120 * MW, neighbours_w=STEP - 120 * MW
    )
    assert both.frequency_hz - 60 == pytest.approx(2 * (alone.frequency_hz - 60), rel=1e-3, abs=1e-9)
    assert both.initial_rocof_hz_per_s == pytest.approx(2 * alone.initial_rocof_hz_per_s)
    assert (both.grid_w == alone.grid_w).all()


def test_smoothing_leaves_less_battery_for_the_frequency():
    free, busy, none = (
        simulate_plant(FULL, "a", "w", STEP, 0 * STEP, 0.01, 0.0, "island", 120 * MW, reserved_w=reserved * MW)
        for reserved in (0, 145, 150)
    )
    assert busy.battery_w.max() <= 5 * MW * (1 + 1e-9)
    assert not none.battery_w.any()
    assert free.frequency_hz.min() > busy.frequency_hz.min() >= none.frequency_hz.min()


def test_the_battery_answers_frequency_after_the_plants_latency():
    answer = run(FULL, STEP, "island", before=120 * MW)
    answering = np.flatnonzero(np.abs(answer.battery_w) > 1.0)[0] * 0.01
    latency = entry("batteries", "megapack_2xl").si("response.event")
    # the dead band is left within some tens of milliseconds of the step at 5 s
    assert 5.0 + latency <= answering < 5.1 + latency


def test_a_load_rejection_is_remarked():
    answer = run(FULL, np.where(T < 5.0, 120 * MW, 60 * MW), "island", before=120 * MW)
    assert any("load rejection of 60 MW" in text for text in answer.warnings)


def test_groups_of_generators_add_up():
    """8 and 7 of the same turbine are 15 of it; one mapping in a file is one group."""
    one = site(generators=UNITS)
    two = site(generators=[{**UNITS, "count": 8}, {**UNITS, "count": 7}])
    assert len(one.generators) == 1
    assert len(two.generators) == 2
    assert isinstance(one.model_dump()["generators"], dict)
    assert SitePlantSpec.model_validate(two.model_dump()) == two
    assert site(grid=GRID).generators == ()
    answers = [run(spec, STEP, "island", before=120 * MW) for spec in (one, two)]
    assert answers[0].frequency_hz == pytest.approx(answers[1].frequency_hz, abs=1e-9)
    beside = [
        run(site(grid={**GRID, "capacity": "50 MW"}, generators=groups), STEP, "grid_parallel", before=120 * MW)
        for groups in (UNITS, [{**UNITS, "count": 8}, {**UNITS, "count": 7}])
    ]
    assert beside[0].generator_w == pytest.approx(beside[1].generator_w)


@pytest.mark.parametrize("mode", ["grid_parallel", "island"])
def test_inertia_scales(mode):
    full, light = (
        simulate_plant(FULL, "a", "w", STEP, 0 * STEP, 0.01, 0.0, mode, 120 * MW, inertia_scale=scale)
        for scale in (1.0, 0.8)
    )
    assert light.initial_rocof_hz_per_s == pytest.approx(full.initial_rocof_hz_per_s / 0.8)
    assert light.frequency_hz.min() < full.frequency_hz.min()


def test_condensers_and_flywheels_help_and_draw_their_losses():
    plain = site(generators=UNITS)
    helped = site(
        generators=UNITS,
        synchronous_condensers={"type": "synchronous_condenser_flywheel", "count": 2, "rating": "50 MVA"},
        flywheels={
            "type": "flywheel_converter", "count": 10, "power": "1 MW", "energy": "30 MJ", "droop": "1 %",
            "deadband": "0 mHz",
        },
    )  # fmt: skip
    a, c = (run(spec, STEP, "island", before=120 * MW) for spec in (plain, helped))
    assert c.machine_loss_w == pytest.approx(0.015 * 100e6 + 0.015 * 10e6)
    assert c.generator_w + c.battery_w == pytest.approx(STEP + c.machine_loss_w)
    assert c.initial_rocof_hz_per_s / a.initial_rocof_hz_per_s == pytest.approx(1546.875 / (1546.875 + 800))
    assert c.frequency_hz.min() > a.frequency_hz.min()
    assert np.sum(c.group_w, axis=0) == pytest.approx(c.generator_w, rel=1e-9)


def test_a_grid_forming_battery_is_earlier_than_a_following_one():
    follows, forms = (
        run(site(generators=UNITS, battery={**BATTERY, "deadband": "0 mHz", **more}), STEP, "island", before=120 * MW)
        for more in ({}, {"control": "grid_forming", "virtual_inertia": "2 s"})
    )
    assert forms.frequency_hz.min() > follows.frequency_hz.min()
    with pytest.raises(ValidationError, match="virtual_inertia needs control: grid_forming"):
        site(generators=UNITS, battery={**BATTERY, "virtual_inertia": "2 s"})


def test_events_of_an_island():
    spec = site(generators=UNITS)
    load = np.full(3000, 120 * MW)
    answer = simulate_plant(
        spec, "a", "w", load, 0 * load, 0.01, 100.0, "island", 120 * MW,
        events=(PlantEvent(105.0, "unit_trip", 0, 3), PlantEvent(115.0, "set_point", 0, power_w=12 * MW)),
    )  # fmt: skip
    assert answer.frequency_hz[499] == pytest.approx(60.0, abs=1e-9)
    lost = 60.0 - answer.frequency_hz[1499]
    assert lost == pytest.approx(0.05 * (120 / 198 - 120 / 247.5) * 60, rel=0.02)
    assert 60.0 - answer.frequency_hz[-1] < lost
    with pytest.raises(InputError, match="expected 1 to 15 units"):
        simulate_plant(
            spec, "a", "w", load, 0 * load, 0.01, 0.0, "island", events=(PlantEvent(1.0, "unit_trip", 0, 16),)
        )


def test_bad_islands_are_refused():
    cells = {"type": "bloom_sofc", "count": 100, "governor": "fuel_cell", "dispatch_limit": "90 %"}
    with pytest.raises(InputError, match="no slack source"):
        run(site(generators=cells), 0.2 * STEP, "island", before=24 * MW)
    large = site(generators=UNITS, battery={**BATTERY, "power": "300 MW"})
    with pytest.raises(InputError, match=r"battery: expected a power within the 247\.5 MW"):
        run(large, STEP, "island", before=120 * MW)


def test_an_island_that_is_only_tried_may_be_unstable():
    """In its own mode the gains are refused; beside the grid the same island is answered with a warning."""
    plant = SitePlantSpec.model_validate(
        {
            "frequency": "60 Hz",
            "generators": {"type": "cat_g3520k", "count": 1, "governor": "GAST_openipsl", "dispatch_limit": "80 %"},
            "battery": {"type": "megapack_2xl", "count": 1, "power": "1 MW", "droop": "2 %", "deadband": "36 mHz"},
        }
    )
    load = np.full(2000, 1e6)
    with pytest.raises(InputError, match="the controls are unstable"):
        simulate_plant(plant, "here", "steady", load, load * 0.0, 0.01, 0.0, "island")
    found = simulate_plant(plant, "here", "steady", load, load * 0.0, 0.01, 0.0, "island", trial=True)
    assert any("as an island the controls are unstable" in text for text in found.warnings)


def quiet(events=(), seconds=30.0, **units):
    """A constant load of 120 MW on an island that runs above its least load."""
    load = np.full(round(seconds * 100), 120 * MW)
    spec = site(generators={**UNITS, "count": 12, **units})
    return simulate_plant(spec, "a", "w", load, 0 * load, 0.01, 0.0, "island", 120 * MW, events=events)


def test_an_island_that_loses_its_last_machine_is_black():
    """Not the last frequency for ever: nothing turns any more, whether units are taken or trip by their curve."""
    answer = quiet((PlantEvent(10.0, "unit_trip", 0, 12),))
    assert answer.frequency_hz[:1001] == pytest.approx(60.0, abs=1e-9)
    assert not answer.frequency_hz[1001:].any()
    assert any("the island is black" in text for text in answer.warnings)
    curve = [{"frequency": "59.5 Hz", "time": "0.1 s"}]
    answer = quiet((PlantEvent(10.0, "unit_trip", 0, 4),), trips=curve)
    below = np.flatnonzero(answer.frequency_hz < 59.5)[0]
    assert answer.frequency_hz[-1] == 0.0
    assert np.flatnonzero(answer.frequency_hz == 0.0)[0] == pytest.approx(below + 10, abs=2)
    assert not any("diverged" in text for text in answer.warnings)


def test_units_that_are_gone_are_not_below_their_least_load():
    answer = quiet((PlantEvent(10.0, "unit_trip", 0, 4),))
    assert not any("at which they are stable" in text for text in answer.warnings)
    # what is left carries the whole load between them
    assert answer.group_w[0][-1] == pytest.approx(120 * MW)


def test_events_outside_of_the_window_are_refused():
    with pytest.raises(InputError, match="expected a time within the window from 0 to 30 s, got 40 s"):
        quiet((PlantEvent(40.0, "unit_trip", 0, 1),))


def test_an_island_that_nothing_governs_says_so():
    assert any("no governor answers the frequency" in text for text in quiet(governor="none").warnings)
    assert not any("no governor" in text for text in quiet().warnings)
    for more in ({"sharing": "isochronous"}, {"secondary_control": True}):
        with pytest.raises(InputError, match=r"electrical\.a\.generators\.0: .* needs a governor, got governor: none"):
            quiet(governor="none", **more)


def test_a_battery_that_swings_the_island_is_named():
    """Participation factors: watts of a battery and per unit of a valve are no measure of who takes part."""
    spec = site(generators=UNITS, battery={**BATTERY, "droop": "0.01 %", "deadband": "0 mHz"})
    with pytest.raises(InputError, match="the controls are unstable.*most in power of storage 1"):
        run(spec, STEP, "island", before=120 * MW)
