"""The temperature of a cooling loop hour by hour."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.plant import SiteCoolingSpec, cooling_history
from clustersim.plant.cooling_course import loop_course

PLAIN = SiteCoolingSpec.model_validate(
    {
        "kind": "chillers",
        "unit": "chiller_memphis",
        "count": 10,
        "liquid_share": "80 %",
        "supply_temperature": "25 degC",
        "design_rise": "10 degC",
        "alarm_temperature": "45 degC",
    }
)
OUTDOORS = SiteCoolingSpec.model_validate(
    {**PLAIN.model_dump(mode="json", exclude_none=True), "weather": "memphis_tn", "start": "07-01 10:30"}
)


@pytest.mark.parametrize("spec", [PLAIN, OUTDOORS], ids=["rated", "outdoors"])
@settings(deadline=None, max_examples=25)
@given(
    heat=st.lists(st.floats(0.0, 25e6), min_size=1, max_size=12),
    length=st.lists(st.floats(10.0, 9000.0), min_size=12, max_size=12),
)
def test_the_course_is_that_of_the_history(spec, heat, length):
    span = length[: len(heat)]
    history = cooling_history(spec, heat, span, 5e6)
    course = loop_course(spec, heat, span, 5e6)
    assert course.start_s.size == np.ceil(sum(span) / 3600.0)
    assert course.highest_c.max() == pytest.approx(history.peak_temperature_c, abs=1e-6)
    hours = np.minimum(3600.0, sum(span) - course.start_s)
    assert course.heat_w @ hours == pytest.approx(np.dot(heat, span), rel=1e-9, abs=1.0)
    above = course.highest_c > spec.alarm_temperature
    assert above.any() == np.isfinite(history.first_alarm_s) or abs(course.highest_c.max() - 45.0) < 1e-6


def test_a_constant_heat_within_the_capacity_is_flat():
    course = loop_course(PLAIN, [8e6], [10 * 3600.0], 8e6)
    assert np.ptp(course.highest_c) < 1e-9
    assert course.lowest_c == pytest.approx(course.highest_c)
    assert np.all(course.supply_c == 25.0)
