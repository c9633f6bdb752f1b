"""Tori of cubes: published counts, slices, routes, cuts, collective times, bad input."""

import itertools
import math
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from scipy.optimize import linprog

from clustersim import catalog
from clustersim.errors import CapacityError, CatalogError, InputError
from clustersim.fabric import bill_of_materials, build_fabric, max_min_rates, ring_all_reduce, ring_reduce_scatter
from clustersim.fabric.maxmin import Routes
from clustersim.fabric.path_kernels import compress
from clustersim.fabric.spec import ScaleUpSpec
from clustersim.fabric.torus import Torus, build_pod
from clustersim.fabric.torus_collectives import (
    torus_all_gather,
    torus_all_reduce,
    torus_all_to_all,
    torus_reduce_scatter,
)
from clustersim.fabric.torus_links import TorusLinks
from clustersim.fabric.torus_slices import chips_of, circuits, place_slices, slice_shape, slices_of, swap_cube

RINGS, LINES = (True, True, True), (False, False, False)
RATE = 100e9


def torus_spec(pod, **changes):
    keys = {"kind": "torus", "pod": pod, "link_rate": "800 Gbit/s", "optical_switch": "Palomar", "optics": "800G 2xFR4"}
    return TypeAdapter(ScaleUpSpec).validate_python({**keys, **changes})


V4 = torus_spec((16, 16, 16), link_rate="200 Gbit/s")


def test_published_counts_of_a_v4_pod():
    # Jouppi et al., ISCA 2023: 64 cubes, 96 optical links of a cube, 48 switches of 136 ports, 128 of them in use
    table = catalog.entry("networks", "fabric_google_ici")
    pod = build_pod(V4)
    assert pod.chips == table.si("tpu_v4.pod") == 4_096
    assert (pod.cubes, pod.optical_ends_per_cube) == (64, 96)
    assert pod.optical_switches == table.si("ocs.count") == 48
    assert pod.ports == table.si("ocs.ports") == 136
    assert pod.ports_used == 128
    optical_links = pod.cubes * pod.optical_switches
    assert optical_links == 3_072
    assert pod.copper_links_per_cube == 144
    assert pod.cubes * pod.copper_links_per_cube + optical_links == pod.full.links == 3 * pod.chips
    assert pod.optical_ends_per_cube / pod.cube_chips == 1.5  # optical modules per chip, as reported for TPU7x
    # catalog kinds agree
    palomar = catalog.entry("switches", "Palomar")
    assert palomar.si("power.typical") == table.si("ocs.power")
    assert palomar.si("reconfiguration") == pytest.approx(1.2e-3)


@pytest.mark.parametrize(
    ("name", "pod", "cubes", "ports"),
    [("tpu_v5p", (16, 20, 28), 140, 280), ("tpu7x", (16, 24, 24), 144, 288)],
)
def test_larger_pods_need_larger_switches(name, pod, cubes, ports):
    assert math.prod(pod) == catalog.entry("networks", "fabric_google_ici").si(f"{name}.pod")
    with pytest.raises(InputError, match=f"{cubes} cubes need {ports} ports of each of the 48 switches, and Palomar"):
        build_pod(torus_spec(pod))
    found = build_pod(torus_spec(pod, optical_switch="OCS-288"))
    assert (found.cubes, found.ports_used, found.optical_switches) == (cubes, ports, 48)


@pytest.mark.parametrize(
    ("size", "wrapped"),
    [
        ((4, 2, 2), RINGS),
        ((4, 4, 1), RINGS),
        ((4, 4, 1), LINES),
        ((4, 4, 1), (True, False, False)),
        ((2, 2, 2), LINES),
        ((3, 2, 2), LINES),
        ((3, 2, 2), RINGS),
        ((3, 4, 1), RINGS),
        ((3, 3, 2), LINES),
        ((5, 3, 1), LINES),
        ((5, 3, 1), RINGS),
        ((3, 5, 1), (True, False, False)),
        ((7, 1, 1), LINES),
        ((8, 1, 1), RINGS),
    ],
)
def test_bisection_is_the_least_of_all_cuts(size, wrapped):
    torus = Torus(size, wrapped, 1.0)
    table = TorusLinks(torus).table
    chips = torus.chips
    halves = np.array(list(itertools.combinations(range(chips), chips // 2)))
    side = np.zeros((len(halves), chips), dtype=bool)
    np.put_along_axis(side, halves, True, axis=1)
    least = min(
        int(np.count_nonzero(block[:, table.tail] & ~block[:, table.head], axis=1).min())
        for block in np.array_split(side, max(1, len(side) // 500))
    )
    assert torus.bisection == least


@pytest.mark.parametrize("size", [(4, 4, 4), (8, 4, 4), (4, 6, 8)])
def test_bisection_is_the_largest_flow_across_the_longest_dimension(size):
    torus = Torus(size, RINGS, RATE)
    table = TorusLinks(torus).table
    graph = nx.DiGraph()
    for tail, head, rate in zip(table.tail.tolist(), table.head.tolist(), table.capacity.tolist(), strict=True):
        graph.add_edge(tail, head, capacity=rate + (graph[tail][head]["capacity"] if graph.has_edge(tail, head) else 0))
    longest = int(np.argmax(size))
    places = np.unravel_index(np.arange(torus.chips), size)[longest]
    for chip in range(torus.chips):
        ends = ("source", chip) if places[chip] < size[longest] // 2 else (chip, "sink")
        graph.add_edge(*ends, capacity=float("inf"))
    assert nx.maximum_flow_value(graph, "source", "sink") == pytest.approx(torus.bisection)
    assert torus.bisection == pytest.approx(2 * torus.chips / max(size) * RATE)


sizes = st.tuples(*[st.integers(1, 6)] * 3).filter(lambda size: math.prod(size) > 1)
ends = st.tuples(*[st.booleans()] * 3)


@settings(max_examples=60, deadline=None)
@given(size=sizes, wrapped=ends, seed=st.integers(0, 99))
def test_routes_join_their_ends_and_are_the_shortest(size, wrapped, seed):
    torus = Torus(size, wrapped, RATE)
    links = TorusLinks(torus)
    table = links.table
    assert table.size == 2 * torus.links
    graph = nx.DiGraph(zip(table.tail.tolist(), table.head.tolist(), strict=True))
    assert nx.diameter(graph) == torus.diameter
    a, b = np.random.default_rng(seed).integers(0, torus.chips, (2, 60))
    for row, start, end in zip(links.routes(a, b), a.tolist(), b.tolist(), strict=True):
        path = row[row >= 0]
        at = start
        for link in path:
            assert table.tail[link] == at
            at = int(table.head[link])
        assert at == end
        assert path.size == nx.shortest_path_length(graph, start, end)


def test_links_are_copper_inside_cubes_and_optical_between():
    pod = build_pod(torus_spec((8, 8, 12)))
    table = TorusLinks(pod.full, pod.spec.cube).table
    counts = np.bincount(table.kind)
    assert counts.tolist() == [2 * pod.cubes * pod.copper_links_per_cube, 2 * pod.cubes * pod.optical_switches]
    chip = np.stack(np.unravel_index(np.arange(pod.chips), pod.spec.pod)) // 4
    same = np.all(chip[:, table.tail] == chip[:, table.head], axis=0)
    assert np.array_equal(same, table.kind == 0)


def test_flows_go_round_failed_links():
    torus = Torus((4, 4, 4), RINGS, RATE)
    links = TorusLinks(torus)
    rng = np.random.default_rng(4)
    alive = np.ones(links.table.size, dtype=bool)
    alive[rng.choice(alive.size, 20, replace=False)] = False
    a, b = rng.integers(0, 64, (2, 500))
    paths = links.routes(a, b, alive)
    assert np.all(paths[:, 0] != -2)
    assert alive[paths[paths >= 0]].all()
    for row, start, end in zip(paths, a.tolist(), b.tolist(), strict=True):
        nodes = [start, *links.table.head[row[row >= 0]].tolist()]
        assert nodes[-1] == end
        assert np.array_equal(links.table.tail[row[row >= 0]], nodes[:-1])
    line = TorusLinks(Torus((4, 1, 1), LINES, RATE))
    cut = np.ones(line.table.size, dtype=bool)
    cut[(line.table.tail == 1) & (line.table.head == 2)] = False
    assert line.routes([0, 3], [3, 0], cut)[:, 0].tolist()[0] == -2
    assert line.routes([0, 3], [3, 0], cut)[1, 0] >= 0


@pytest.mark.parametrize("size", [(4, 4, 4), (8, 4, 4), (4, 8, 12)])
def test_all_to_all_is_what_the_busiest_link_takes(size):
    # every pair sends S / N along its route; rings of multiples of four, where ties go both ways evenly
    torus = Torus(size, RINGS, RATE)
    links = TorusLinks(torus)
    pairs = np.divmod(np.arange(torus.chips**2), torus.chips)
    load = np.bincount(compress(links.routes(*pairs))[1], minlength=links.table.size)
    sent = 1e9
    seconds = load.max() * sent / torus.chips / RATE
    assert torus_all_to_all(sent, torus, 0.0) == pytest.approx(seconds)
    assert seconds == pytest.approx(sent * torus.chips / 4 / torus.bisection)
    mesh = Torus((4, 2, 1), LINES, RATE)
    pairs = np.divmod(np.arange(64), 8)
    load = np.bincount(compress(TorusLinks(mesh).routes(*pairs))[1])
    assert torus_all_to_all(sent, mesh, 0.0) == pytest.approx(load.max() * sent / 8 / RATE)


def orders_of(torus):
    """Bytes per byte of buffer that a share loads each used dimension with, for every order of the dimensions."""
    used = [d for d in range(3) if torus.size[d] > 1]
    rows = []
    for order in itertools.permutations(used):
        left, load = 1.0, dict.fromkeys(used, 0.0)
        for dimension in order:
            load[dimension] = left * (torus.size[dimension] - 1) / torus.size[dimension]
            left /= torus.size[dimension]
        rows.append([load[d] / torus.capacity_along(d) for d in used])
    return np.array(rows)


@settings(max_examples=80, deadline=None)
@given(size=st.tuples(*[st.integers(1, 40)] * 3).filter(lambda size: math.prod(size) > 1), wrapped=ends)
def test_reduce_scatter_is_the_best_mix_of_orders(size, wrapped):
    torus = Torus(size, wrapped, 1.0)
    loads = orders_of(torus)
    # least t with sum over orders of share x load <= t on every dimension
    cost = np.append(np.zeros(len(loads)), 1.0)
    rows = np.hstack((loads.T, -np.ones((loads.shape[1], 1))))
    best = linprog(
        cost, A_ub=rows, b_ub=np.zeros(len(rows)), A_eq=[[1.0] * len(loads) + [0.0]], b_eq=[1.0], bounds=(0, None)
    )
    assert torus_reduce_scatter(1.0, torus, 0.0) == pytest.approx(best.fun, rel=1e-7)


def test_collectives_over_all_dimensions():
    torus = Torus((8, 8, 8), RINGS, RATE)
    size = 1e9
    assert torus_reduce_scatter(size, torus, 0.0) == pytest.approx(size * 511 / 512 / (6 * RATE))
    assert torus_all_reduce(size, torus, 1e-6) == pytest.approx(2 * (21e-6 + size * 511 / 512 / (6 * RATE)))
    assert torus_all_gather(size, torus, 1e-6) == torus_reduce_scatter(size, torus, 1e-6)
    ring = Torus((1, 16, 1), RINGS, RATE)
    assert torus_all_reduce(size, ring, 1e-6) == pytest.approx(ring_all_reduce(size, 16, 2 * RATE, 1e-6))
    line = Torus((1, 16, 1), LINES, RATE)
    assert torus_reduce_scatter(size, line, 1e-6) == pytest.approx(ring_reduce_scatter(size, 16, RATE, 1e-6))
    one = Torus((1, 1, 1), LINES, RATE)
    assert torus_all_reduce(size, one, 1e-6) == torus_all_to_all(size, one, 1e-6) == 0.0
    with pytest.raises(ValueError, match="not negative"):
        torus_all_reduce(-1.0, torus, 0.0)


def test_slices_of_best_bisection():
    assert [one.size for one in slices_of(V4, 512)] == [(8, 8, 8), (4, 8, 16), (4, 4, 32)]
    assert slices_of(V4, 4_096)[0].size == (16, 16, 16)
    assert slices_of(V4, 64)[0] == Torus((4, 4, 4), RINGS, 25e9)
    assert [one.size for one in slices_of(V4, 16)] == [(2, 2, 4), (1, 4, 4)]
    assert all(one.wrapped == LINES for one in slices_of(V4, 16))
    for chips in (1, 8, 32, 128, 768, 3_072):
        found = slices_of(V4, chips)
        assert all(one.chips == chips for one in found)
        assert all(one.bisection <= found[0].bisection for one in found)
    odd = torus_spec((8, 4, 4), cube=(4, 2, 2))
    assert {one.size for one in slices_of(odd, 32)} == {(8, 2, 2), (4, 4, 2), (4, 2, 4)}


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_placed_slices_share_nothing(data):
    pod = build_pod(torus_spec((8, 8, 16)))
    lost = data.draw(st.sets(st.integers(0, 15), max_size=3))
    wanted = data.draw(st.lists(st.sampled_from([4, 8, 16, 32, 64, 128, 256]), min_size=1, max_size=8))
    shapes = [data.draw(st.sampled_from(slices_of(pod.spec, chips))) for chips in wanted]
    try:
        placed = place_slices(pod, shapes, lost)
    except CapacityError:
        fewest = sum(-(-chips // 64) for chips in wanted if chips >= 64) + len({s.size for s in shapes if s.chips < 64})
        assert fewest > 16 - len(lost) or sum(chips < 64 for chips in wanted) > 1
        return
    chips = np.concatenate([chips_of(pod, one) for one in placed])
    assert np.unique(chips).size == chips.size == sum(wanted)
    assert not set((chips // 64).tolist()) & lost
    for one in placed:
        rows = circuits(pod, one)
        for dimension in range(3):
            along = rows[rows[:, 0] == dimension]
            # every cube has one that follows it and one that it follows: each face is used once
            for side in (1, 2):
                assert sorted(along[:, side].tolist()) == (sorted(one.cubes) if one.shape.chips >= 64 else [])


def test_a_failed_cube_is_swapped():
    pod = build_pod(torus_spec((8, 8, 8)))
    placed = place_slices(pod, [slices_of(pod.spec, 256)[0], slices_of(pod.spec, 128)[0]])
    assert [one.cubes for one in placed] == [(0, 1, 2, 3), (4, 5)]
    swapped = swap_cube(pod, placed, 2)
    assert [one.cubes for one in swapped] == [(0, 1, 6, 3), (4, 5)]
    assert [one.cubes for one in swap_cube(pod, swapped, 0, also_lost=[2])] == [(7, 1, 6, 3), (4, 5)]
    assert swap_cube(pod, placed, 7) == placed
    full = place_slices(pod, [pod.full])
    with pytest.raises(CapacityError, match="cube 3 has failed and none of the 8 cubes"):
        swap_cube(pod, full, 3)
    with pytest.raises(CapacityError, match="slice 1 of 4x4x4: too few"):
        place_slices(pod, [pod.full, slice_shape(pod.spec, (4, 4, 4))])


def test_circuits_make_the_torus_of_the_slice():
    # links of the slice, seen as accelerators of the pod: inside cubes as the copper is, else along a circuit
    pod = build_pod(torus_spec((8, 8, 16)))
    shape = slice_shape(pod.spec, (4, 8, 12))
    placed = place_slices(pod, [shape], lost=[0, 3])[0]
    table, chips = TorusLinks(shape, pod.spec.cube).table, chips_of(pod, placed)
    tail, head = chips[table.tail] // 64, chips[table.head] // 64
    joined = {(a, b) for _, a, b in circuits(pod, placed).tolist()}
    joined |= {(b, a) for a, b in joined}
    optical = table.kind == 1
    assert {(int(a), int(b)) for a, b in zip(tail[optical], head[optical], strict=True)} == joined
    assert np.array_equal(tail[~optical], head[~optical])


def test_rates_on_a_torus_are_max_min():
    torus = Torus((4, 4, 4), RINGS, RATE)
    links = TorusLinks(torus)
    a = np.arange(64)
    first, found = compress(links.routes(a, (a + 16) % 64))  # every accelerator to the next along the first dimension
    rates = max_min_rates(links.table.capacity, Routes(first, found, a))
    assert rates == pytest.approx(RATE)


def test_bill_of_a_pod(make_spec, make_site):
    scale_up = torus_spec((16, 24, 24), optical_switch="OCS-288").model_dump()
    site = replace(make_site(9_216, domain=9_216, nic=12.5e9), scale_up_bandwidth=600e9, server=4)
    # the model dump holds rates as numbers of B/s
    fabric = build_fabric(make_spec(scale_up={**scale_up, "link_rate": "800 Gbit/s"}), [site])
    items = {item.item: item for item in bill_of_materials(fabric)}
    assert items["optical circuit switch"].count == 48
    assert items["optical circuit switch"].usd is None
    assert items["optics cube-optical switch, cube end"].count == 9_216 * 1.5
    assert items["copper inside cubes"].count == 144 * 144
    plain = build_fabric(make_spec(), [site])
    assert len(bill_of_materials(plain)) == len(items) - 4
    wrong = [
        ({"pod": (16, 24, 28), "optical_switch": "Palomar"}, "168 cubes need 336 ports"),
        ({"pod": (16, 16, 24)}, "16x16x24 are 6,144 accelerators, and a scale-up domain of site here has 9,216"),
        ({"link_rate": "400 Gbit/s"}, "six links of 400 Gbit/s are 300 GB/s, and .* has 600 GB/s"),
    ]
    for changes, message in wrong:
        keys = {**scale_up, "link_rate": "800 Gbit/s", **changes}
        with pytest.raises(InputError, match=message):
            build_fabric(make_spec(scale_up=keys), [site])


def test_bad_input_is_named():
    with pytest.raises(ValidationError, match="whole cubes of at least 2 x 2 x 2"):
        torus_spec((16, 16, 18))
    with pytest.raises(CatalogError, match="Palomer"):
        build_pod(torus_spec((8, 8, 8), optical_switch="Palomer"))
    with pytest.raises(CatalogError, match="has no figure 'ports'"):
        build_pod(torus_spec((8, 8, 8), optical_switch="QM9700"))
    with pytest.raises(InputError, match="slice 4x4x6: expected whole cubes of 4x4x4, or a part"):
        slice_shape(V4, (4, 4, 6))
    with pytest.raises(InputError, match="slice 16x16x20: 5,120 accelerators, and the pod has 4,096"):
        slice_shape(V4, (16, 16, 20))
    with pytest.raises(InputError, match=r"no slice of 100 accelerators .* the nearest: 64 or 128"):
        slices_of(V4, 100)
    with pytest.raises(InputError, match=r"no slice of 5,000 accelerators .* the nearest: 4,096"):
        slices_of(V4, 5_000)
    with pytest.raises(ValueError, match="sizes of at least 1"):
        Torus((0, 1, 1), LINES, RATE)
