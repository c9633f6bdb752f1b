import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from clustersim.errors import CapacityError, CatalogError, InputError
from clustersim.fabric import build_clos, build_fabric, tree_shape


@pytest.mark.parametrize("radix", [4, 16, 64, 128])
def test_full_three_tier_tree_equals_closed_form(make_spec, make_site, radix):
    tree = build_clos(make_spec(radix=radix), make_site(radix**3 // 4))
    assert tree.switches == 5 * radix**2 // 4
    assert tree.core_switches == radix**2 // 4
    assert tree.switch_links == radix**3 // 2
    assert tree.pods == radix


def test_published_counts(make_spec, make_site):
    # arXiv 2505.09343, table of topologies: three tiers and two tiers of 64-port switches
    large = build_clos(make_spec(), make_site(65_536))
    assert (large.switches, large.switch_links) == (5_120, 131_072)
    small = build_clos(make_spec(tiers=2), make_site(2_048))
    assert (small.switches, small.switch_links) == (96, 2_048)


@pytest.mark.parametrize("radix", [4, 64, 512])
def test_full_two_tier_tree_equals_closed_form(make_spec, make_site, radix):
    tree = build_clos(make_spec(tiers=2, radix=radix), make_site(radix**2 // 2))
    assert tree.switches == 3 * radix // 2
    assert tree.count("core") == 0


@pytest.mark.parametrize(
    ("tiers", "radix", "most"), [(3, 64, 65_536), (3, 128, 524_288), (2, 64, 2_048), (2, 512, 131_072)]
)
def test_too_many_endpoints_names_the_most(make_spec, make_site, tiers, radix, most):
    with pytest.raises(CapacityError, match=f"holds at most {most:,} accelerators"):
        build_clos(make_spec(tiers=tiers, radix=radix), make_site(most + 1))


def test_partial_tree_of_200_000(make_spec, make_site):
    tree = build_clos(make_spec(radix=128), make_site(200_000))
    assert tree.leaf_switches == 3_125
    assert tree.pods == 49
    assert tree.spine_switches == 48 * 64 + 53
    assert tree.core_switches == -(-3_125 * 64 // 128)
    assert sum(tree.leaves_in(pod) for pod in range(tree.pods)) == tree.leaf_switches
    assert sum(tree.spines_in(pod) for pod in range(tree.pods)) == tree.spine_switches


@pytest.mark.parametrize(("leaf", "ports"), [(1, (32, 32)), (3, (48, 16)), (7, (56, 8)), (2, (42, 21))])
def test_oversubscription_splits_the_ports(make_spec, leaf, ports):
    shape = tree_shape(make_spec(oversubscription={"leaf": leaf}))
    assert (shape.leaf_down, shape.leaf_up) == ports


@settings(max_examples=60, deadline=None)
@given(
    endpoints=st.integers(1, 60_000),
    radix=st.sampled_from([48, 64, 128]),
    leaf=st.floats(1, 8),
    spine=st.floats(1, 8),
)
def test_ports_are_never_overbooked(make_spec, make_site, endpoints, radix, leaf, spine):
    spec = make_spec(radix=radix, oversubscription={"leaf": leaf, "spine": spine})
    shape = tree_shape(spec)
    endpoints = min(endpoints, shape.leaf_down * shape.leaves)
    tree = build_clos(spec, make_site(endpoints))
    assert shape.leaf_down + shape.leaf_up <= radix
    assert shape.leaf_down <= leaf * shape.leaf_up * (1 + 1e-9)
    assert shape.spine_down <= spine * shape.spine_up * (1 + 1e-9)
    assert tree.host_links <= tree.leaf_switches * shape.leaf_down
    assert tree.link_count("leaf-spine") <= tree.spine_switches * shape.spine_down
    assert tree.link_count("spine-core") <= tree.core_switches * radix
    assert tree.pods <= shape.pods
    assert endpoints > (tree.leaf_switches - 1) * tree.endpoints_per_leaf


def test_a_fast_nic_takes_several_ports_and_slow_ones_share_one(make_spec, make_site):
    fast = build_clos(make_spec(), make_site(1_000, nic=100e9))
    assert (fast.endpoints_per_leaf, fast.host_links) == (16, 2_000)
    slow = build_clos(make_spec(), make_site(1_000, nic=50e9 / 8))
    assert (slow.endpoints_per_leaf, slow.host_links) == (256, 125)


def test_wrong_sites_are_refused(make_spec, make_site):
    with pytest.raises(InputError, match="accelerators"):
        build_clos(make_spec(), make_site(0))
    with pytest.raises(InputError, match="more ports than the 2 of a leaf"):
        build_clos(make_spec(radix=4), make_site(4, nic=200e9))
    with pytest.raises(InputError, match="leaves no uplink"):
        build_clos(make_spec(radix=4, oversubscription={"leaf": 7}), make_site(4))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"tiers": 2, "optics": {"host": "a", "leaf_spine": "b", "spine_core": "c"}}, "no core"),
        ({"optics": {"host": "a", "leaf_spine": "b"}}, "spine_core"),
        ({"tiers": 2, "oversubscription": {"spine": 2}}, "top of a two-tier tree"),
        ({"tiers": 4}, "tiers"),
        ({"colour": "red"}, "colour"),
        ({"port_rate": 400}, "data rate with a unit"),
        ({"goodput": "195 %"}, "goodput"),
        ({"oversubscription": {"leaf": 0.5}}, "oversubscription.leaf"),
    ],
)
def test_wrong_specs_are_refused(make_spec, changes, match):
    with pytest.raises(ValidationError, match=match):
        make_spec(**changes)


def test_spec_survives_its_own_text(make_spec):
    spec = make_spec(oversubscription={"leaf": 2})
    assert type(spec).model_validate(spec.model_dump()) == spec


def test_switch_must_have_the_ports(make_spec, make_site):
    with pytest.raises(InputError, match="enough for 64 ports of 400 Gbit/s, got 128"):
        build_fabric(make_spec(radix=128), [make_site(64)])
    with pytest.raises(CatalogError, match="SN5600"):
        build_fabric(make_spec(switch="SN5601"), [make_site(64)])
