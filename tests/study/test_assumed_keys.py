"""Sources of a file's values after the scenario has put something else in their place."""

import pytest

from clustersim.study.assumed import _value

TREE = {"units": [{"type": "a"}, {"type": "b"}], "grid": {"capacity": "1 MW"}}


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("units.1.type", "b"),
        ("grid.capacity", "1 MW"),
        ("units.type", "-"),
        ("units.2.type", "-"),
        ("grid.capacity.more", "-"),
        ("away.altogether", "-"),
    ],
)
def test_a_key_that_is_gone_is_a_dash(key, told):
    """A mapping that has become a list of groups is no crash."""
    assert _value(TREE, key) == told
