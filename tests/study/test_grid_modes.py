"""Modes and shafts in a study: which sites push together, what is told, and why something is not."""

from __future__ import annotations

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.limits import Evidence, judge, pack
from clustersim.limits.spec import Rule
from clustersim.plant.modes import mode_transfer, modes_of
from clustersim.plant.network import network_model, read_network
from clustersim.plant.network_linear import linearise, transfer
from clustersim.plant.spec import SitePlantSpec
from clustersim.study.grid.modes import COLUMNS, grid_modes, with_modes

MW = 1e6
DT = 0.01
GRID = {"capacity": "500 MW", "voltage": "161 kV", "system": "eastern_interconnection", "point": "memphis_161kv"}
TURBINES = {"type": "solar_titan_130_smt130", "count": 15, "governor": "none", "dispatch_limit": "80 %"}


def plant(**more):
    return SitePlantSpec.model_validate({"frequency": "60 Hz", "grid": GRID} | more)


def sine(f, amplitude=10 * MW, seconds=600.0):
    return 200 * MW + amplitude * np.sin(2 * np.pi * f * (np.arange(round(seconds / DT)) + 0.5) * DT)


def test_a_sine_on_a_mode_moves_it_by_the_formula():
    mode = modes_of("EI")[0]
    found = grid_modes({"a": plant()}, {"a": sine(mode.frequency_hz)}, DT, 1 / mode.frequency_hz)
    expected = 10 * MW * abs(mode_transfer(mode, mode.frequency_hz))
    assert found.keys["modal_deviation_mhz"] == pytest.approx(1e3 * expected, rel=0.01)
    assert found.keys["resonance_margin"] == pytest.approx(0.0, abs=1e-9)
    first = found.table.iloc[0]
    assert tuple(found.table.columns) == COLUMNS
    assert (first["mode"], first["order"]) == (mode.name, 1)
    assert first["amplitude_mw"] == pytest.approx(10.0, rel=0.01)
    assert first["deviation_mhz"] == pytest.approx(1e3 * expected, rel=0.01)
    # half the damping, 5 % in place of 10 %
    assert first["worst_mhz"] == pytest.approx(2e3 * expected, rel=0.01)
    assert found.keys["modal_deviation_worst_mhz"] == pytest.approx(2e3 * expected, rel=0.02)


def test_sites_of_one_interconnection_push_together():
    plants, f = {"a": plant(), "b": plant()}, 0.235
    one = grid_modes({"a": plant()}, {"a": sine(f)}, DT, 1 / f)
    both = grid_modes(plants, {"a": sine(f), "b": sine(f)}, DT, 1 / f)
    against = grid_modes(plants, {"a": sine(f), "b": sine(f, -10 * MW)}, DT, 1 / f)
    assert both.keys["modal_deviation_mhz"] == pytest.approx(2 * one.keys["modal_deviation_mhz"], rel=1e-6)
    assert against.keys["modal_deviation_mhz"] == pytest.approx(0.0, abs=1e-9)
    assert {o.site for o in both.observations if o.measure == "modal_deviation"} == {"a", "b"}


def test_less_inertia_moves_more():
    loads = {"a": sine(0.2)}
    full, light = (grid_modes({"a": plant()}, loads, DT, 5.0, inertia_scale=k) for k in (1.0, 0.8))
    assert light.keys["modal_deviation_mhz"] == pytest.approx(full.keys["modal_deviation_mhz"] / 0.8, rel=1e-6)


def test_a_network_answers_with_all_of_it():
    f = 0.5
    grid = GRID | {"network": "two_area", "network_bus": "7"}
    found = grid_modes({"a": plant(grid=grid)}, {"a": sine(f, MW)}, DT, 1 / f)
    linear = linearise(network_model(read_network("two_area"), ("7",)), "7")
    expected = MW * np.abs(transfer(linear, f)).max()
    assert found.keys["modal_deviation_mhz"] == pytest.approx(1e3 * expected, rel=0.02)
    assert set(found.table["mode"]) == {"G1 against G4", "G2 against G1", "G3 against G4"}
    assert found.table["mode_hz"].min() == pytest.approx(0.672, abs=1e-3)
    (seen,) = [o for o in found.observations if o.measure == "modal_deviation"]
    assert seen.detail == "all modes of the network together, at its worst machine"


def test_a_network_of_ones_own_is_carried_by_the_topology():
    """A mapping in place of a name: the same network written out gives the same answer, and survives writing."""
    named = plant(grid=GRID | {"network": "two_area", "network_bus": "7"})
    own = plant(grid=GRID | {"network": read_network("two_area").model_dump(), "network_bus": "7"})
    again = SitePlantSpec.model_validate(own.model_dump())
    assert again == own
    found = [grid_modes({"a": spec}, {"a": sine(0.5, MW)}, DT, 2.0).keys for spec in (named, again)]
    assert found[0]["modal_deviation_mhz"] == pytest.approx(found[1]["modal_deviation_mhz"], rel=1e-9)
    assert found[0]["resonance_margin"] == found[1]["resonance_margin"]


def test_an_island_has_shafts_and_no_modes():
    found = grid_modes({"a": plant(generators=TURBINES)}, {"a": sine(20.0, MW)}, DT, 1.0, island=True)
    assert found.keys["modal_deviation_mhz"] is None
    assert "an island has no interconnection" in found.reasons["modal_deviation_mhz"]
    assert set(found.reasons) == {"modal_deviation_mhz", "modal_deviation_worst_mhz", "resonance_margin"}
    (seen,) = found.observations
    assert (seen.measure, seen.site, seen.window) == ("torsional", "a", "steady")
    assert seen.value == pytest.approx(1 / 247.5 / np.sinc(0.2), rel=0.01)
    assert "solar_titan_130_smt130: 20 Hz in 10 to 40 Hz" in seen.detail


def test_beside_the_grid_a_generator_takes_a_share():
    loads = {"a": sine(20.0, MW)}
    island = grid_modes({"a": plant(generators=TURBINES)}, loads, DT, 1.0, island=True)
    beside = grid_modes({"a": plant(generators=TURBINES)}, loads, DT, 1.0)
    share = beside.keys["torsional_pu"] / island.keys["torsional_pu"]
    assert share == pytest.approx((1 / 5e9) / (1 / 5e9 + 0.26 / 247.5e6), rel=0.01)


def test_the_nearest_generator_is_screened():
    named = plant(grid=GRID | {"nearest_generator": "600 MW"})
    found = grid_modes({"a": named}, {"a": sine(20.0, MW)}, DT, 1.0)
    (seen,) = [o for o in found.observations if o.measure == "torsional"]
    assert seen.detail.startswith("nearest generator: 20 Hz in 7 to 40 Hz")


def test_what_cannot_be_told_has_its_reason():
    still = grid_modes({"a": plant()}, {"a": np.full(6000, 200 * MW)}, DT, 1.0)
    assert still.keys["modal_deviation_mhz"] == pytest.approx(0.0, abs=1e-9)
    assert still.reasons["resonance_margin"] == "the load does not move"
    assert still.reasons["torsional_pu"] == "no generator with a shaft is named at or near the site"
    short = grid_modes({"a": plant(generators=TURBINES)}, {"a": sine(1.0, MW, 3.0)}, DT, 2.0)
    assert "expected at least two periods" in short.reasons["modal_deviation_mhz"]
    assert "expected segments" in short.reasons["torsional_pu"]
    coarse = grid_modes({"a": plant(generators=TURBINES)}, {"a": sine(0.1)[::100]}, 1.0, 10.0)
    assert "samples of 1000 ms tell up to 0.4 Hz" in coarse.reasons["torsional_pu"]


def test_a_mode_that_is_harmless_at_its_usual_place_only_is_told():
    """A sine of 0.16 Hz, the lower end of the band of the mode at 0.19 Hz: usual place kept, worst place broken."""
    mode, f = modes_of("EI")[0], 0.16
    assert mode.low_hz == pytest.approx(f)
    worst = abs(mode_transfer(mode.worst_for(f), f))
    amplitude = 0.025 / worst
    assert amplitude * max(abs(mode_transfer(m, f)) for m in modes_of("EI")) < 0.018
    found = grid_modes({"a": plant()}, {"a": sine(f, amplitude)}, DT, 1 / f)
    table = judge(pack("nerc"), with_modes(Evidence(), found)).table.set_index("rule")
    assert table["passed"].to_dict() == {"nerc-modal-deviation": True, "nerc-modal-deviation-worst": False}
    assert table["measured"]["nerc-modal-deviation-worst"] == pytest.approx(25.0, rel=0.01)
    told = table["window"]
    assert "25 mHz at the worst place of its band; participation 1 (0.2 to 3)" in told["nerc-modal-deviation"]
    assert f"{mode.name}, anywhere in its band" in told["nerc-modal-deviation-worst"]


def test_rules_judge_what_was_found():
    mode = modes_of("EI")[0]
    found = grid_modes({"a": plant()}, {"a": sine(mode.frequency_hz)}, DT, 1 / mode.frequency_hz)
    moved = found.keys["modal_deviation_mhz"]
    for factor, passed in ((1.01, True), (0.99, False)):
        rule = Rule.model_validate(
            {"id": "m", "measure": "modal_deviation", "limit": f"{factor * moved * 1e-3:.9f} Hz", "source": "test"}
        )
        table = judge((rule,), with_modes(Evidence(), found)).table
        assert list(table["passed"]) == [passed]


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"network": "two_area"}, "give `network` and `network_bus` together"),
        ({"network": "two_arae", "network_bus": "7"}, "found 'two_arae'; did you mean 'two_area'"),
        ({"network": read_network("two_area").model_dump(), "network_bus": "17"}, "network_bus: unknown bus '17'"),
    ],
)
def test_bad_networks_of_a_site_are_named(grid, message):
    with pytest.raises(ValueError, match=message):
        plant(grid=GRID | grid)


def test_a_bus_that_the_network_lacks_is_named():
    with pytest.raises(InputError, match="unknown bus '71'"):
        grid_modes({"a": plant(grid=GRID | {"network": "two_area", "network_bus": "71"})}, {"a": sine(0.5)}, DT, 2.0)
