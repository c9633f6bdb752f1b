"""What a place of several sites needs between them, fibre cuts, and dollars."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from clustersim.cli import app
from clustersim.fabric import wan_ring_bandwidth
from clustersim.fabric.fibre_cost import fibre_costs
from clustersim.fabric.multi_site import after_loss
from clustersim.report.cross_site import between_sites_data
from clustersim.report.place import fibre_data
from clustersim.scenario import load_scenario, shipped
from clustersim.study.places.survey import loss, path, survey
from clustersim.study.several_sites.cross_site import _wan_seconds, between_sites, fibre_cuts, groups_of
from clustersim.study.step import study_step

PLAN = {"tensor": 8, "pipeline": 4, "data": 96, "micro_batches": 8}
SMALL = {
    "job.model": "llama3.1-70b",
    "job.plan": PLAN,
    **{
        f"topology.site.{name}.fleet": [{"accelerator": "TPU7x", "count": 1024}]
        for name in ("council_bluffs", "omaha", "papillion")
    },
    # so little fibre that it binds, not the sites' network cards
    **{f"topology.fabric.wan.links.{index}.fibre_pairs": 1 for index in range(3)},
}


@pytest.fixture(scope="module")
def study():
    return study_step(load_scenario(shipped("scenarios") / "iowa_nebraska.yaml", SMALL))


@pytest.fixture(scope="module")
def found(study):
    return between_sites(study, 2.0)


def test_a_site_exchanges_every_parameter_of_the_model(found):
    assert found.job.parameters == pytest.approx(70.55e9, rel=0.01)
    assert found.job.sites == 3


def test_the_step_spends_what_the_bytes_take_at_the_bandwidth(found):
    synchronous = found.ways[0]
    bytes_sent = synchronous.mean_rate * found.job.step_s
    least = bytes_sent / found.bandwidth + 4 * found.job.latency_s
    # the fullest stage of the pipeline takes longer than the mean
    assert least <= found.exchange_s <= 1.3 * least


def test_the_exchange_is_that_of_the_step(study, found):
    per_stage = _wan_seconds(study, study.place.network).reshape(-1, study.plan.pipeline).sum(axis=0)
    assert per_stage.max() == pytest.approx(study.timing.wan_s)
    assert 0.0 < found.exposed_s <= found.exchange_s * (1.0 + 1e-9)


def test_diloco_needs_less_the_longer_its_period(found):
    for method in ("diloco", "streaming_diloco"):
        needed = [way.needed for way in found.ways if way.sync.method == method]
        assert needed == sorted(needed, reverse=True)
        assert needed[0] < found.ways[0].needed


def test_a_cut_never_gives_bandwidth(study, found):
    fabric = study.place.fabric
    for cut in found.cuts:
        assert 0.0 < cut.bandwidth <= found.bandwidth * (1.0 + 1e-9)
        assert cut.step_s >= 2.0 - 1e-9
    for route in fabric.wan:
        gone, half = (wan_ring_bandwidth(after_loss(fabric, {route.name: left})) for left in (0.0, 0.5))
        assert gone <= half <= wan_ring_bandwidth(fabric)


def test_a_cut_of_a_triangle_goes_the_long_way(found):
    cut = next(cut for cut in found.cuts if cut.lost == 1.0 and {cut.a, cut.b} == {"omaha", "papillion"})
    assert cut.path == ("omaha", "council_bluffs", "papillion")
    assert cut.bandwidth == pytest.approx(0.5 * found.bandwidth, rel=1e-6)


def test_a_chain_is_parted_by_any_cut(study):
    chain = replace(study.place.fabric, wan=study.place.fabric.wan[:2])
    cuts = fibre_cuts(replace(study, place=replace(study.place, fabric=chain)), 2.0)
    gone = [cut for cut in cuts if cut.lost == 1.0]
    assert cuts[: len(gone)] == tuple(gone)
    for cut in gone:
        assert len(cut.parted) == 2
        assert cut.step_s is None
        assert cut.bandwidth == 0.0
    assert groups_of(chain) == (("council_bluffs", "omaha", "papillion"),)


def test_dollars_follow_the_catalog(study):
    for cost in fibre_costs(study.place.fabric):
        assert cost.underground.value / cost.length == pytest.approx(18.25 / 0.3048)
        assert cost.aerial.value / cost.length == pytest.approx(8.0 / 0.3048)
        # a pair of 25.6 Tbit/s: 64 modules of 400 Gbit/s at either end, 4,000 USD each
        assert cost.transceivers.value == pytest.approx(2 * 64 * 4000)
        for amount in (cost.underground, cost.lease, cost.built_year, cost.leased_per_gbit_s_year):
            assert amount.low <= amount.value <= amount.high
        # 780 USD per route mile and year
        per_mile = cost.lease.value / (cost.length / 1609.344)
        assert per_mile == pytest.approx(781, rel=0.01)


@pytest.fixture(scope="module")
def protected():
    """The same sites in a chain whose first route has a second way."""
    links = [
        {"a": "council_bluffs", "b": "omaha", "fibre_pairs": 4, "pair_capacity": "25.6 Tbit/s",
         "protection": {"fibre_pairs": 1, "length": "150 km"}},
        {"a": "omaha", "b": "papillion", "fibre_pairs": 4, "pair_capacity": "25.6 Tbit/s"},
    ]  # fmt: skip
    changes = {key: value for key, value in SMALL.items() if "wan" not in key}
    changes["topology.fabric.wan.links"] = links
    return study_step(load_scenario(shipped("scenarios") / "iowa_nebraska.yaml", changes))


def test_a_second_way_keeps_sites_joined_in_every_verb(protected):
    second_s = 150 * 4.9e-6
    cuts = {(cut.a, cut.b): cut for cut in fibre_cuts(protected, 2.0) if cut.lost == 1.0}
    cut = cuts["council_bluffs", "omaha"]
    assert (cut.parted, cut.path, cut.second_way) == ((), ("council_bluffs", "omaha"), True)
    assert cut.one_way_s == pytest.approx(second_s)
    assert 0.0 < cut.bandwidth <= 0.95 * 25.6e12 / 8 * (1 + 1e-9)
    assert cut.step_s >= 2.0
    assert cuts["omaha", "papillion"].parted
    after = loss(protected.place, ["fibre council_bluffs-omaha"]).after
    assert (after.cut_off, after.members) == (0, 3 * 1024)
    assert next(tier.left for tier in after.tiers if tier.site == "council_bluffs-omaha") == 0.25
    way = path(protected.place, ("council_bluffs/0", "omaha/0"), "spread", ["fibre council_bluffs-omaha"])
    assert way.fibre_s == pytest.approx(second_s)
    assert [link.length for link in way.links if link.kind == "fibre"] == [150e3]


def test_two_verbs_tell_the_same_dollars(protected):
    told = {tuple(cost["route"]): cost for cost in between_sites_data(between_sites(protected, 2.0))["costs"]}
    rows = fibre_data(survey(protected.place))
    assert len(rows) == len(told) == 2
    for row in rows:
        cost = told[row["a"], row["b"]]
        for key in ("length_km", "fibre_pairs", "amplifier_huts"):
            assert row[key] == cost[key]
        for key in ("underground_usd", "aerial_usd"):
            assert [row[key], row[f"{key}_low"], row[f"{key}_high"]] == list(cost[key].values())
        lease = "lease_usd_per_year"
        assert [row[lease], row[f"{lease}_low"], row[f"{lease}_high"]] == list(cost[lease].values())
    (first, second), cost = protected.place.fabric.wan[0].ways, told["council_bluffs", "omaha"]
    assert cost["length_km"] == pytest.approx((first.route_m + 150e3) / 1e3)
    assert cost["amplifier_huts"] == first.amplifiers + second.amplifiers == 1
    # 4 + 1 pairs of 64 modules at either end, and one regeneration site on the second way, 4,000 USD each
    assert cost["transceivers_usd"]["value"] == pytest.approx((2 * 5 * 64 + 2 * 64) * 4000)


def test_one_site_has_nothing_between_sites(small_scenario):
    study = study_step(load_scenario(small_scenario))
    assert between_sites(study, 1.0) is None
    printed = CliRunner().invoke(app, ["step", str(small_scenario), "--json"])
    assert "between_sites" not in json.loads(printed.stdout)


def test_the_verb_step_tells_it():
    plan = f"job.plan={json.dumps(PLAN)}"
    fleets = [f"topology.site.{name}.fleet=[{{accelerator: TPU7x, count: 1024}}]"
              for name in ("council_bluffs", "omaha", "papillion")]  # fmt: skip
    settings = [item for text in ("job.model=llama3.1-70b", plan, *fleets) for item in ("--set", text)]
    data = CliRunner().invoke(app, ["step", "iowa_nebraska", "--json", *settings])
    assert data.exit_code == 0, data.output
    between = json.loads(data.stdout)["between_sites"]
    assert [way["method"] for way in between["ways"]][0] == "synchronous"
    assert len(between["cuts"]) == 6
    text = CliRunner().invoke(app, ["step", "iowa_nebraska", *settings]).stdout
    assert "between sites" in text
    assert "streaming DiLoCo" in text
