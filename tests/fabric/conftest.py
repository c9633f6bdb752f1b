import numpy as np
import pytest

from clustersim.fabric import SiteEndpoints, fabric_spec, max_min_rates


@pytest.fixture(scope="session")
def make_spec():
    def make(**changes):
        optics = {"host": "400G SR4", "leaf_spine": "800G 2xDR4"}
        if changes.get("tiers", 3) == 3:
            optics["spine_core"] = "800G 2xDR4"
        keys = {
            "kind": "fat_tree",
            "tiers": 3,
            "switch": "QM9700",
            "port_rate": "400 Gbit/s",
            "radix": 64,
            "goodput": "95 %",
            "optics": optics,
            "hop_latency": "0.7 us",
        }
        return fabric_spec({**keys, **changes})

    return make


@pytest.fixture(scope="session")
def make_site():
    def make(endpoints, name="here", lat=41.2, lon=-95.8, domain=8, nic=50e9):
        return SiteEndpoints(name, endpoints, lat, lon, domain, 450e9, nic)

    return make


@pytest.fixture(scope="session")
def assert_max_min():
    """Give a check that no link is overfull and that every flow has a full link on which none is faster."""

    def check(network, routes):
        rates = max_min_rates(network.capacity, routes)
        incidence = np.repeat(np.arange(len(routes)), np.diff(routes.first))
        load = np.bincount(routes.links, rates[incidence], network.capacity.size)
        assert np.all(load <= network.capacity * (1 + 1e-9))
        fastest = np.zeros(network.capacity.size)
        np.maximum.at(fastest, routes.links, rates[incidence])
        full = load >= network.capacity * (1 - 1e-9)
        bottleneck = full[routes.links] & (rates[incidence] >= fastest[routes.links] * (1 - 1e-9))
        assert np.array_equal(np.unique(incidence[bottleneck]), np.arange(len(routes)))

    return check
