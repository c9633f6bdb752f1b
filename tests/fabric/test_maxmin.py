import csv
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.fabric import flow_completion_times, max_min_rates
from clustersim.fabric.maxmin import as_routes, fill
from tests.drawn import examples


def slow_max_min(capacity, routes, weights):
    """The textbook algorithm, one link at a time."""
    left, rates = [float(c) for c in capacity], {}
    while len(rates) < len(routes):
        levels = {}
        for link in range(len(capacity)):
            heavy = sum(
                w * list(r).count(link) for f, (r, w) in enumerate(zip(routes, weights, strict=True)) if f not in rates
            )
            if heavy > 0:
                levels[link] = max(left[link], 0.0) / heavy
        if not levels:
            break
        tight = min(levels, key=levels.get)
        level = levels[tight]
        for flow, route in enumerate(routes):
            if flow not in rates and tight in list(route):
                rates[flow] = level * weights[flow]
                for link in route:
                    left[link] -= rates[flow]
    return np.array([rates.get(flow, np.inf) for flow in range(len(routes))])


networks = st.integers(1, 6).flatmap(
    lambda links: st.tuples(
        st.lists(st.floats(0.5, 20.0), min_size=links, max_size=links),
        st.lists(
            st.tuples(
                st.lists(st.integers(0, links - 1), min_size=1, max_size=links, unique=True), st.floats(0.25, 4.0)
            ),
            min_size=1,
            max_size=12,
        ),
    )
)


@settings(max_examples=examples(60), deadline=None)
@given(networks)
def test_no_link_is_overfull_and_every_flow_has_a_bottleneck(network):
    capacity, flows = network
    routes, weights = [f[0] for f in flows], np.array([f[1] for f in flows])
    rates = max_min_rates(capacity, routes, weights)
    load = np.zeros(len(capacity))
    for route, rate in zip(routes, rates, strict=True):
        load[route] += rate
    assert np.all(load <= np.array(capacity) * (1 + 1e-9))
    fair = rates / weights
    for flow, route in enumerate(routes):
        assert any(
            load[link] >= capacity[link] * (1 - 1e-9)
            and fair[flow] >= max(fair[g] for g, r in enumerate(routes) if link in r) * (1 - 1e-9)
            for link in route
        )
    np.testing.assert_allclose(rates, slow_max_min(capacity, routes, weights), rtol=1e-9)


def test_dumbbell_shares_the_middle():
    # access 10 and 2, middle 6: the small one is held by its access link, the other two share what is left
    rates = max_min_rates([10, 10, 1, 6], [[0, 3], [1, 3], [2, 3]])
    np.testing.assert_allclose(rates, [2.5, 2.5, 1.0])


@pytest.mark.parametrize("hops", [1, 3, 10])
def test_parking_lot_halves_every_link(hops):
    routes = [list(range(hops)), *([hop] for hop in range(hops))]
    np.testing.assert_allclose(max_min_rates(np.full(hops, 8.0), routes), 4.0)


@pytest.mark.parametrize("senders", [1, 15, 255])
def test_incast_divides_the_receiver(senders):
    routes = [[sender, senders] for sender in range(senders)]
    np.testing.assert_allclose(max_min_rates(np.full(senders + 1, 50e9), routes), 50e9 / senders)


def test_weights_split_in_proportion():
    np.testing.assert_allclose(max_min_rates([12.0], [[0], [0], [0]], [1, 2, 3]), [2, 4, 6])


def test_edges_of_the_input():
    assert max_min_rates([1.0], []).shape == (0,)
    assert max_min_rates([1.0], [[], [0]]).tolist() == [np.inf, 1.0]
    assert max_min_rates([0.0, 3.0], [[0, 1], [1]]).tolist() == [0.0, 3.0]
    assert max_min_rates([np.inf, 3.0], [[0], [1]]).tolist() == [np.inf, 3.0]


@pytest.mark.parametrize(
    ("capacity", "routes", "weights", "match"),
    [
        ([-1.0], [[0]], None, "not negative"),
        ([1.0], [[1]], None, "link indices from 0 to 0"),
        ([1.0], [[0]], [0.0], "1 positive weights"),
        ([1.0], [[0]], [1.0, 1.0], "1 positive weights"),
    ],
)
def test_wrong_input_is_refused(capacity, routes, weights, match):
    with pytest.raises(ValueError, match=match):
        max_min_rates(capacity, routes, weights)


def load_case(reference, name):
    case = json.loads((reference / "simgrid" / "cases" / f"{name}.json").read_text())
    index = {link["id"]: number for number, link in enumerate(case["links"])}
    routes = [[index[link] for link in flow["path"]] for flow in case["flows"]]
    return case, np.array([link["bw_Bps"] for link in case["links"]]), routes


def test_initial_rates_of_the_simgrid_parking_lot(reference):
    _, capacity, routes = load_case(reference, "parking_lot3")
    np.testing.assert_allclose(max_min_rates(capacity, routes) * 8e-9, [25, 75, 75, 25])


def test_initial_rates_of_the_simgrid_incast(reference):
    case, capacity, routes = load_case(reference, "ft4_incast")
    assert len(case["flows"]) == 15
    np.testing.assert_allclose(max_min_rates(capacity, routes), capacity.min() / 15)


CASES = [
    "dumbbell_unequal",
    "parking_lot3",
    *(f"ft4_{n}" for n in ("alltoall", "hash_collision", "incast", "perm", "ring")),
]


@pytest.mark.parametrize("name", [*CASES, *(f"random{number:02}" for number in range(10))])
def test_completion_times_equal_simgrid(reference, name):
    case, capacity, routes = load_case(reference, name)
    with (reference / "simgrid" / "expected" / f"{name}.csv").open() as file:
        expected = {row["flow"]: float(row["finish_s"]) for row in csv.DictReader(file)}
    finish = flow_completion_times(
        capacity, routes, [f["size_B"] for f in case["flows"]], [f["start_s"] for f in case["flows"]]
    )
    np.testing.assert_allclose(finish, [expected[f["id"]] for f in case["flows"]], rtol=1e-6)


def slow_rates(capacity, routes, weights):
    """Fill all links together, with NumPy."""
    found = as_routes(routes)
    part = np.repeat(np.arange(len(routes)), np.diff(found.first))
    capacity = np.asarray(capacity, dtype=np.float64)
    return fill(capacity, part, found.links.astype(np.int64), np.ones(part.size), np.asarray(weights, dtype=np.float64))


def slow_completion_times(capacity, routes, sizes, starts, weights):
    """Step from event to event with the rates of `slow_rates`."""
    left, finish, now = list(sizes), [math.inf] * len(sizes), 0.0
    while True:
        active = [f for f in range(len(sizes)) if starts[f] <= now and finish[f] == math.inf]
        rates = dict(
            zip(active, slow_rates(capacity, [routes[f] for f in active], [weights[f] for f in active]), strict=True)
        )
        coming = [starts[f] for f in range(len(sizes)) if starts[f] > now]
        events = coming + [now + left[f] / rates[f] for f in active]
        if not events:
            return finish
        until = min(events)
        for f in active:
            left[f] -= rates[f] * (until - now)
            if left[f] <= 1e-9 * sizes[f]:
                finish[f] = until
        now = until


@settings(max_examples=40, deadline=None)
@given(networks, st.data())
def test_kernel_equals_its_slow_twin(network, data):
    capacity, flows = network
    routes, weights = [f[0] for f in flows], [f[1] for f in flows]
    sizes = [data.draw(st.floats(1.0, 100.0)) for _ in flows]
    starts = [data.draw(st.sampled_from([0.0, 1.0, 2.5, 7.0])) for _ in flows]
    finish = flow_completion_times(capacity, routes, sizes, starts, weights)
    np.testing.assert_allclose(finish, slow_completion_times(capacity, routes, sizes, starts, weights), rtol=1e-7)


@settings(max_examples=60, deadline=None)
@given(networks)
def test_rates_equal_their_slow_twin(network):
    capacity, flows = network
    routes, weights = [f[0] for f in flows], [f[1] for f in flows]
    found, twin = max_min_rates(capacity, routes, weights), slow_rates(capacity, routes, weights)
    np.testing.assert_allclose(found, twin, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_many_ends_and_starts_equal_the_slow_twin(seed):
    # long chains of bottlenecks: what is filled again after each end must be enough
    rng = np.random.default_rng(seed)
    routes = [rng.choice(40, rng.integers(1, 7), replace=False) for _ in range(150)]
    capacity, sizes = rng.uniform(1, 10, 40), rng.exponential(1.0, 150)
    starts = np.where(rng.random(150) < 0.5, 0.0, rng.uniform(0, 3, 150))
    weights = rng.choice([0.5, 1.0, 3.0], 150)
    finish = flow_completion_times(capacity, routes, sizes, starts, weights)
    np.testing.assert_allclose(finish, slow_completion_times(capacity, routes, sizes, starts, weights), rtol=1e-6)


def test_completion_times_by_hand():
    # 10 B over 10 B/s beside 5 B: 5 B/s each until 1 s, then 5 B at 10 B/s; a third starts alone at 3 s
    finish = flow_completion_times([10.0, 0.0], [[0], [0], [0], [], [1]], [10, 5, 20, 7, 1], [0, 0, 3, 2, 0])
    np.testing.assert_allclose(finish, [1.5, 1.0, 5.0, 2.0, np.inf])


def test_completion_times_refuse_wrong_shapes():
    with pytest.raises(ValueError, match="2 sizes"):
        flow_completion_times([1.0], [[0], [0]], [1.0], [0.0, 0.0])


def test_small_weights_beside_large_ones_keep_their_rates():
    np.testing.assert_allclose(max_min_rates([10, 1], [[0, 1], [0]], [1e9, 1e-9]), [1.0, 9.0])
    np.testing.assert_allclose(flow_completion_times([10, 1], [[0, 1], [0]], [1e16, 9.0], [0, 0], [1e16, 1]), [1e16, 1])


@settings(max_examples=60, deadline=None)
@given(networks, st.data())
def test_weights_over_many_magnitudes(network, data):
    capacity, flows = network
    routes = [f[0] for f in flows]
    weights = [10.0 ** data.draw(st.integers(-4, 4)) for _ in flows]
    found = max_min_rates(capacity, routes, weights)
    np.testing.assert_allclose(found, slow_max_min(capacity, routes, weights), rtol=1e-6, atol=1e-12)


def test_background_traffic_never_ends():
    finish = flow_completion_times([1.0], [[0], [0]], [np.inf, 1.0], [0, 0])
    assert finish.tolist() == [np.inf, 2.0]
    assert flow_completion_times([1.0], [[]], [np.inf], [3.0]).tolist() == [3.0]
