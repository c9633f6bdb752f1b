"""Conversion losses and reactive power."""

from __future__ import annotations

import numpy as np
import pytest

from clustersim.catalog import entry
from clustersim.errors import CatalogError
from clustersim.plant import SitePlantSpec, electrical_losses, power_factor, reactive_power, transformer_reactive

MW = 1e6


def plant(*stages) -> SitePlantSpec:
    grid = {"capacity": "300 MW", "voltage": "161 kV", "system": "EI", "short_circuit": "5 GVA", "x_over_r": 10}
    return SitePlantSpec.model_validate({"frequency": "60 Hz", "grid": grid, "conversion": stages})


def test_without_stages_nothing_is_lost():
    assert electrical_losses(plant(), 100 * MW) == 0.0


def test_no_load_part_and_copper_loss_that_grows_with_the_square():
    spec = plant({"stage": "hv_transformer", "rating": "200 MW"})
    assert electrical_losses(spec, 0.0) == pytest.approx(0.001 * 200 * MW)
    found = electrical_losses(spec, [0.0, 100 * MW, 200 * MW], 0.0)
    assert found == pytest.approx([0.2 * MW, 0.2 * MW + 0.003 * 200 * MW / 4.0, 0.8 * MW])


def test_reactive_current_heats_too():
    spec = plant({"stage": "hv_transformer", "rating": "200 MW"})
    assert electrical_losses(spec, 120 * MW, 160 * MW) == pytest.approx(electrical_losses(spec, 200 * MW, 0.0))
    assert electrical_losses(spec, 100 * MW) == pytest.approx(
        electrical_losses(spec, 100 * MW, reactive_power(100 * MW, power_factor("psu")))
    )


def test_upper_stages_carry_the_losses_and_the_reactive_power_of_lower_ones():
    upper, lower = {"stage": "hv_transformer", "rating": "200 MW"}, {"stage": "mv_transformer", "rating": "200 MW"}
    below = float(electrical_losses(plant(lower), 150 * MW, 0.0))
    absorbed = float(transformer_reactive(plant(lower), 150 * MW, 0.0))
    above = float(electrical_losses(plant(upper), 150 * MW + below, absorbed))
    assert electrical_losses(plant(upper, lower), 150 * MW, 0.0) == pytest.approx(below + above)


def test_a_ups_is_best_between_half_and_full_load():
    spec = plant({"stage": "ups_double_conversion", "rating": "10 MW"})
    efficiency = {
        s: s / (s + float(electrical_losses(spec, s * 10 * MW)) / (10 * MW)) for s in (0.1, 0.25, 0.5, 0.75, 1.0)
    }
    assert efficiency[0.1] < efficiency[0.25] < efficiency[0.5] < efficiency[0.75]
    assert efficiency[1.0] == pytest.approx(1.0 / 1.04)
    assert efficiency[0.25] == pytest.approx(0.25 / (0.25 + 0.012 + 0.014 * 0.25 + 0.014 * 0.0625))


def test_a_shared_stage_sees_its_share():
    spec = plant({"stage": "ups_double_conversion", "rating": "10 MW", "share": "5 %"})
    assert electrical_losses(spec, 200 * MW) == pytest.approx(0.012 * 10 * MW + 0.028 * 10 * MW)


def test_power_supplies_are_not_counted_twice():
    spec = plant({"stage": "psu", "unit": "3 MW", "count": 60, "redundancy": "N+2", "block": 6})
    assert electrical_losses(spec, 100 * MW) == 0.0


@pytest.mark.parametrize("stage", ["hv_transformer", "mv_transformer"])
def test_full_load_loss_is_the_published_efficiency(stage):
    figures = entry("facility", stage)
    full = figures.si("loss.no_load") + figures.si("loss.load")
    assert full == pytest.approx(1.0 - entry("electrical", stage).si("efficiency"))


def test_full_load_loss_of_the_ups_is_the_published_one():
    figures = entry("facility", "ups_double_conversion")
    full = figures.si("loss.no_load") + figures.si("loss.load")
    assert full == pytest.approx(entry("electrical", "ups").si("loss.double_conversion"))


def test_unknown_stage_names_the_nearest():
    with pytest.raises(CatalogError, match="did you mean 'hv_transformer'"):
        electrical_losses(plant({"stage": "hv_transformr", "rating": "1 MW"}), 1.0)


def test_reactive_power():
    assert reactive_power(100 * MW, 1.0) == 0.0
    q = reactive_power(np.array([99.0]), power_factor("psu"))
    assert 99.0 / np.hypot(99.0, q[0]) == pytest.approx(0.99)
    assert reactive_power(1.0, power_factor("motor")) > reactive_power(1.0, power_factor("psu"))


def test_transformers_absorb_reactive_power():
    """At its rating a transformer takes its reactance times the rating; a stage without the figure takes none."""
    upper, ups = {"stage": "hv_transformer", "rating": "100 MW"}, {"stage": "ups", "rating": "100 MW"}
    x = entry("facility", "hv_transformer").si("reactance")
    found = transformer_reactive(plant(upper), np.array([0.0, 80e6, 100e6]), np.array([0.0, 60e6, 0.0]))
    assert found == pytest.approx([0.0, x * 100e6, x * 100e6])
    assert transformer_reactive(plant(ups), 80e6, 60e6) == 0.0
    assert transformer_reactive(plant(upper, ups), 80e6, 60e6) > found[1]
