"""Supply and cooling of every shipped place: that they can be simulated, what they carry, and what is public."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.plant import (
    equipment_reactive,
    rated_it_part,
    settled_heat,
    simulate_plant,
    steady_cooling,
    ups_feed,
)
from clustersim.plant.spec_parts.cooling import COMPRESSORS
from clustersim.plant.spec_parts.supply import spare_units
from clustersim.plant.stages import MAIN_SHARE, stage_flows
from clustersim.report.place_power import (
    MISSES,
    SHORT,
    misses,
    place_power_markdown,
    shipped_balances,
    short_sites,
)
from clustersim.scenario import load_topology, shipped
from clustersim.study.places.place import build_place
from clustersim.study.places.power import place_balance, running_it_of
from clustersim.study.site.power import provisioned_of
from clustersim.study.site.supply import SiteWindow, site_load, site_ratings

NAMES = sorted(path.stem for path in shipped("topologies").glob("*.yaml"))
DT_S = 0.1


@cache
def built(name):
    return build_place(load_topology(shipped("topologies") / f"{name}.yaml"), "bf16")


@cache
def balances():
    return tuple(shipped_balances())


def balance(name):
    return next(one for one in balances() if one.name == name)


def public(name, key):
    return next(one for one in balance(name).comparisons if one.quantity == key)


@pytest.mark.parametrize("name", NAMES)
def test_every_site_runs_for_ten_seconds_in_every_mode_that_it_has(name):
    """At a constant load: what the site draws is fed and cooled, nothing moves, and its ratings are there."""
    place = built(name)
    for site, it_w in running_it_of(place).items():
        plant, cooling = place.topology.electrical[site], place.topology.cooling[site]
        load = site_load(plant, cooling, np.full(100, it_w), DT_S, it_w)
        assert load.load_w == pytest.approx(it_w + load.cooling.power_w + load.losses_w, rel=1e-12)
        assert (load.losses_w > 0.0).all()
        modes = ["grid_parallel"] * (plant.grid is not None) + ["island"] * bool(plant.generators)
        assert modes
        responses = [
            simulate_plant(plant, site, "steady", load.load_w, load.load_var, DT_S, 0.0, mode, float(load.load_w[0]))
            for mode in modes
        ]
        for response in responses:
            given = response.grid_w + response.generator_w + response.battery_w
            assert given == pytest.approx(load.load_w, rel=1e-9)
            assert np.isfinite(response.frequency_hz).all()
            assert np.isfinite(response.voltage_pu).all()
            if response.mode == "grid_parallel":
                assert response.frequency_hz == pytest.approx(plant.frequency, abs=1e-6)
                assert ((response.voltage_pu > 0.9) & (response.voltage_pu < 1.1)).all()
                assert not [said for said in response.warnings if "collapse" in said]
        equipment, absorbed = load.load_w - load.losses_w, load.load_var - load.losses_var
        window = SiteWindow("steady", DT_S, load.load_w, it_w * np.ones(100), equipment, absorbed)
        ratings = site_ratings(site, plant, cooling, it_w, (window,), responses[:1], responses)
        assert {"cooling", "provisioned_it"} <= {one.name for one in ratings}
        state = steady_cooling(cooling, it_w)
        assert state.capacity_low_w <= state.capacity_w <= state.capacity_high_w


def test_an_unknown_mode_of_a_site_is_refused():
    place = built("deepseek_v3")
    load = np.full(10, 1e6)
    with pytest.raises(InputError, match="island needs generators"):
        simulate_plant(place.topology.electrical["cluster"], "cluster", "steady", load, 0 * load, DT_S, 0.0, "island")


@pytest.mark.parametrize("name", NAMES)
def test_stages_and_feeds_carry_the_nameplates_with_their_spares_lost(name):
    """Every conversion stage holds its share of what the site draws at its nameplates, every feed the connection."""
    for site in balance(name).sites:
        plant = built(name).topology.electrical[site.site]
        for stage in plant.conversion:
            blocks = stage.count // stage.block_units
            firm = stage.unit_rating * (stage.count - blocks * spare_units(stage.redundancy, stage.block_units))
            assert firm >= stage.share * site.nameplate_w, (site.site, stage.stage)
        feeds = plant.grid.feeds
        if feeds is not None:
            assert feeds.capacity * (feeds.count - spare_units(feeds.redundancy, feeds.count)) >= plant.grid.capacity


def test_the_places_that_are_short_are_those_with_a_reason():
    assert set(short_sites(balances())) == set(SHORT)
    assert all(len(reason) > 40 for reason in SHORT.values())


def test_what_misses_the_public_figure_is_listed_with_its_reason():
    assert set(misses(balances())) == set(MISSES)
    assert all(len(reason) > 40 for reason in MISSES.values())


def test_most_of_what_is_public_is_met():
    """Of the facility powers that Epoch AI surveyed, all within 20 %; its own factor is 1.4."""
    surveyed = [one for place in balances() for one in place.comparisons if one.source == "EPOCH"]
    assert len(surveyed) > 30
    facility = [one for one in surveyed if one.quantity == "facility"]
    assert max(abs(one.error) for one in facility) < 0.20
    assert np.median([abs(one.error) for one in facility]) < 0.10


@pytest.mark.parametrize("entry", sorted(catalog.entries("places")))
def test_public_figures_belong_to_a_place(entry):
    assert entry in NAMES


def test_90_chillers_at_memphis_carry_the_first_hundred_thousand_gpus():
    """160 to 170 MW of heat: the 139 MW of 100,000 GPUs and the 150 MW substation, not the 278 MW of 200,000."""
    site = balance("colossus_memphis").sites[0]
    assert 157e6 < site.heat_w < 172e6
    assert site.heat_w < site.running_it_w < 278e6
    assert public("colossus_memphis", "it.chilled").inside


def test_abilene_has_the_published_gas_plant_and_connection():
    """360.5 MW in ten simple-cycle units, half of them Solar's, half GE Vernova's; 1,200 MW from the grid."""
    plant = built("abilene_campus").topology.electrical["campus"]
    units = {one.type: one.count for one in plant.generators}
    assert units == {"solar_titan_350": 5, "ge_lm2500_tm2500": 5}
    site = balance("abilene_campus").sites[0]
    assert site.generation_w == pytest.approx(360.5e6, rel=0.005)
    assert site.connection_w == 1200e6
    split = balance("abilene")
    assert split.total("connection_w") == pytest.approx(site.connection_w)
    assert split.total("generation_w") == pytest.approx(site.generation_w)
    assert split.total("battery_w") == pytest.approx(site.battery_w)
    # both files are of the same fleet; the fabric between the buildings differs
    assert split.total("nameplate_w") == pytest.approx(site.nameplate_w, rel=0.03)


def test_the_gas_plant_of_abilene_is_a_backup_and_not_an_island():
    """It carries a third of the campus: in an island the load must fall first."""
    site = balance("abilene_campus").sites[0]
    assert 0.25 < site.generation_w / site.running_w < 0.45
    assert site.connection_w > site.nameplate_w


def test_both_variants_of_abilene():
    """The interview's 2.2 and 1.8 GW and the surveyed 1.18 and 0.84 GW, each from its own fleet."""
    said, surveyed = balance("abilene_interview"), balance("abilene_campus")
    assert said.total("nameplate_it_w") == pytest.approx(1.8e9, rel=0.01)
    assert said.total("nameplate_w") == pytest.approx(2.2e9, rel=0.10)
    assert said.total("supply_w") == pytest.approx(2.2e9, rel=0.001)
    assert surveyed.total("nameplate_it_w") == pytest.approx(0.843e9, rel=0.10)
    assert surveyed.total("nameplate_w") == pytest.approx(1.18e9, rel=0.15)


def test_the_battery_of_memphis_holds_the_swing_that_it_must_absorb(colossus):
    """150 MW and 655 MWh against the swing of an iteration: power to spare, energy a matter of seconds."""
    site = balance("colossus_memphis").sites[0]
    swing = 1e6 * max(colossus.summary["swing_mw"], colossus.summary["it_swing_mw"])
    assert 20e6 < swing < 0.6 * site.battery_w
    # half a period of the whole swing is what it must take up at the most
    assert swing * colossus.summary["iteration_time_s"] / 2.0 < 1e-3 * site.battery_j
    rows = colossus.verdict[colossus.verdict["node"].str.endswith(": battery_power")]
    assert [bool(value) for value in rows["passed"]] == [True]


def test_a_lost_generator_and_a_lost_chiller_show():
    """The sums follow the file: one unit less is one unit less."""
    place = built("colossus_memphis")
    whole = place_balance(place).sites[0]
    plant, cooling = place.topology.electrical["memphis"], place.topology.cooling["memphis"]
    fewer = (plant.generators[0].model_copy(update={"count": 14}),)
    topology = place.topology.model_copy(
        update={
            "electrical": {"memphis": plant.model_copy(update={"generators": fewer})},
            "cooling": {"memphis": cooling.model_copy(update={"count": 89})},
        }
    )
    less = place_balance(replace(place, topology=topology)).sites[0]
    assert less.supply_w == pytest.approx(whole.supply_less_one_w)
    assert less.heat_w == pytest.approx(whole.heat_w * 89 / 90)


def test_the_page_is_that_of_the_files():
    page = Path(__file__).resolve().parents[2] / "docs" / "places_power.md"
    assert page.read_text(encoding="utf-8") == place_power_markdown(balances()), (
        "run: python -m clustersim.report.place_power > docs/places_power.md"
    )


@pytest.mark.parametrize("name", NAMES)
def test_what_feeds_the_racks_alone_carries_no_more_than_it(name):
    """At the provisioned load: busways and what follows them, and UPS in the way to them where compressors cool."""
    place = built(name)
    for site, it_w in provisioned_of(place).items():
        plant, cooling = place.topology.electrical[site], place.topology.cooling[site]
        cooling_w = steady_cooling(cooling, settled_heat(plant, cooling, it_w)).power_w
        for flow in stage_flows(plant, it_w + cooling_w, equipment_reactive(it_w, cooling_w)):
            order = catalog.entry("facility", flow.stage.name).properties.get("order", 0)
            if order >= 3 or (flow.stage.kind == "ups" and cooling.kind in COMPRESSORS):
                assert float(flow.out_w) <= it_w, flow.stage.name
        if cooling.kind in COMPRESSORS and any(one.stage.startswith("ups") for one in plant.conversion):
            share, _ = ups_feed(plant)
            # all computers or a small part of them, whatever the two digits of the share
            assert ups_feed(plant, rated_it_part(plant, cooling))[0] == (1.0 if share >= MAIN_SHARE else share)
