"""Every shipped place: its file, its sources, its counts, and that each place of the facts has one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from clustersim import catalog
from clustersim.cli import app
from clustersim.report.place import place_text, site_counts
from clustersim.report.places import places_markdown, shipped_places
from clustersim.scenario import load_topology, shipped
from clustersim.study.places.place import build_place
from clustersim.study.places.survey import survey

FACTS = Path(__file__).resolve().parents[2] / ".." / "shared" / "facts"
PATHS = sorted(shipped("topologies").glob("*.yaml"))
NAMES = [path.stem for path in PATHS]

SITES = {
    "colossus_1": {"colossus_memphis", "colossus_memphis_2025"},
    "colossus_2": {"colossus_2"},
    "abilene": {"abilene", "abilene_2026_09", "abilene_campus", "abilene_first", "abilene_interview"},
    "fairwater_wi": {"fairwater_wi", "fairwater_pair"},
    "fairwater_atl": {"fairwater_atl", "fairwater_pair"},
    "google_council_bluffs": {"google_iowa_nebraska", "google_iowa_nebraska_4"},
    "google_omaha": {"google_iowa_nebraska", "google_iowa_nebraska_4"},
    "google_papillion": {"google_iowa_nebraska", "google_iowa_nebraska_4"},
    "google_lincoln": {"google_iowa_nebraska_4"},
    "google_iowa_nebraska_cluster": {"google_iowa_nebraska", "google_iowa_nebraska_4"},
    "google_new_albany": {"google_columbus"},
    "google_columbus": {"google_columbus"},
    "google_lancaster": {"google_columbus"},
    "google_columbus_cluster": {"google_columbus"},
    "google_pryor": {"google_pryor"},
    "prometheus": {"prometheus"},
    "hyperion": {"hyperion"},
    "meta_24k": {"meta_24k", "meta_24k_infiniband"},
    "goodyear_az": {"goodyear_az", "goodyear_az_130k"},
    "rainier": {"rainier", "rainier_400k"},
    "madison_ms": {"madison_ms"},
    "denton": {"denton"},
    "osmium": {"osmium"},
    "deepseek": {"deepseek_v3", "deepseek_fleet", "fireflyer_2"},
}
SYSTEMS = {
    "GPT-4": {"gpt4_a100", "osmium"},
    "OpenAI/Microsoft Arizona": {"goodyear_az", "goodyear_az_130k"},
    "Meta 24k": {"meta_24k", "meta_24k_infiniband"},
    "Meta Llama 4 cluster": {"meta_128k"},
    "xAI Colossus": {"colossus_memphis", "colossus_memphis_2025", "colossus_2"},
    "Stargate": {"abilene"},
    "Stargate Abilene": {"abilene", "abilene_2026_09", "abilene_campus", "abilene_interview"},
    "Stargate Abilene first section": {"abilene_first"},
    "Meta Louisiana (Hyperion)": {"hyperion"},
    "Anthropic / Amazon": {"rainier", "rainier_400k"},
    "Google TPU": {"google_iowa_nebraska_4", "google_columbus", "google_pryor"},
    "Google Iowa/Nebraska": {"google_iowa_nebraska", "google_iowa_nebraska_4"},
    "xAI / Meta / OpenAI": {"colossus_memphis", "meta_128k", "goodyear_az"},
    "DeepSeek / High-Flyer": {"fireflyer_2"},
    "DeepSeek V3": {"deepseek_v3"},
    "DeepSeek": {"deepseek_fleet"},
}
NO_PLACE = {
    "A100": "a part", "H100": "a part", "H20": "a part", "Blackwell": "a part", "NVIDIA next generation": "a part",
    "H100 rental": "a price", "H100 server": "a price", "cluster cost": "a share of cost",
    "US grid": "a grid", "Virginia grid": "a grid", "industry": "a trend", "data centre": "a kind of load",
    "Meta PyTorch op": "software", "MoE": "a model", "DeepSeek MLA": "a model", "NVIDIA": "a volume",
    "China routing": "a volume", "Meta": "all GPUs of a company", "ByteDance": "all GPUs of a company",
}  # fmt: skip
FABRICS = {
    "semianalysis_100k_infiniband": "semianalysis_100k_infiniband",
    "semianalysis_100k_ethernet": "semianalysis_100k_ethernet",
    "xai_colossus": "colossus_memphis",
    "meta_roce": "meta_24k",
    "meta_dsf_prometheus": "prometheus",
    "alibaba_hpn7": "alibaba_hpn7",
    "deepseek_mpft": "deepseek_mpft_16384",
    "fireflyer2": "fireflyer_2",
    "google_ici_ocs": "google_iowa_nebraska_4",
    "fairwater": "fairwater_pair",
}
COUNTED = {
    "gpt4-gpus": "gpt4_a100",
    "oai-az": "goodyear_az",
    "meta-128k": "meta_128k",
    "xai-gpus": "colossus_memphis",
    "rainier": "rainier_400k",
    "ds-2021": "fireflyer_2",
    "ds-50k": "deepseek_fleet",
}
"""Claims that give the accelerators of a place."""


@cache
def built(name):
    return build_place(load_topology(shipped("topologies") / f"{name}.yaml"), "bf16")


def tree(path):
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def facts(name):
    path = FACTS / f"{name}.yaml"
    if not path.is_file():
        pytest.skip(f"no {path.name} beside the repository")
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_the_fabric_holds_the_fleet_and_can_be_shown(path):
    place = built(path.stem)
    fleets = {name: sum(item["count"] for item in site["fleet"]) for name, site in tree(path)["site"].items()}
    assert {one.site.name: one.site.endpoints for one in place.fabric.sites} == fleets
    assert place.accelerators == sum(fleets.values())
    for site in place.fabric.sites:
        assert site.host_links * site.sharing >= site.site.endpoints
        assert 0.0 < site.bisection <= site.site.endpoints * site.site.nic_bandwidth / 2.0 * (1 + 1e-9)
        assert sum(count for key, count in site_counts(site).items() if key.endswith("_switches")) == site.switches


@pytest.mark.soak
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_place_can_be_shown(path):
    place = built(path.stem)
    assert f"{place.accelerators:,} accelerators" in place_text(survey(place), 1e9)


def _found(whole, key):
    """Return whether a key path is there."""
    for part in key.split("."):
        if isinstance(whole, list):
            whole = whole[int(part)] if part.isdigit() and int(part) < len(whole) else None
        elif isinstance(whole, dict):
            whole = whole.get(part)
        else:
            return False
        if whole is None:
            return False
    return True


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_every_source_belongs_to_a_value(path):
    whole = tree(path)
    assert not [key for key in whole["provenance"] if not _found(whole, key)]


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_every_value_of_site_and_fabric_has_a_source(path):
    whole = tree(path)
    said = list(whole["provenance"])
    fabric = {key: value for key, value in whole["fabric"].items() if key not in {"kind", "wan"}}
    wanted = [f"site.{name}.{key}" for name, site in whole["site"].items() for key in site]
    wanted += [f"fabric.{key}" for key in fabric] + [f"fabric.wan.{key}" for key in whole["fabric"].get("wan", {})]

    def covered(key):
        return any(key == one or key.startswith(f"{one}.") or one.startswith(f"{key}.") for one in said)

    assert not [key for key in wanted if not covered(key)]


def _leaves(where, value):
    """Return the key path of every value below a record."""
    if isinstance(value, dict):
        return [leaf for key, one in value.items() for leaf in _leaves(f"{where}.{key}", one)]
    if isinstance(value, list):
        return [leaf for index, one in enumerate(value) for leaf in _leaves(f"{where}.{index}", one)]
    return [where]


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_every_value_of_plant_and_cooling_has_a_source(path):
    """The value itself, or a record that it stands in, is named: a source below a value does not count for it."""
    whole = tree(path)
    leaves = [leaf for section in ("electrical", "cooling") for leaf in _leaves(section, whole[section])]
    said = whole["provenance"]

    def sources(leaf):
        parts = leaf.split(".")
        return [key for key in (".".join(parts[:end]) for end in range(2, len(parts) + 1)) if key in said]

    assert not [leaf for leaf in leaves if not sources(leaf)]


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_what_is_assumed_or_recalled_is_marked_so(path):
    for key, entry in tree(path)["provenance"].items():
        if "assumed" in entry["source"] or "recalled" in entry["source"]:
            assert entry["confidence"] in {"estimate", "from_memory"}, key
        if entry["source"].startswith("assumed"):
            assert entry["confidence"] == "estimate", key


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_servers_and_racks_are_those_of_the_accelerator(path):
    for name, site in load_topology(path).site.items():
        for item in site.fleet:
            chip = catalog.entry("accelerators", item.accelerator)
            if chip.has("server.accelerators"):
                assert site.servers.accelerators_per_server == chip.si("server.accelerators"), name
            if chip.has("rack.accelerators"):
                rack = site.servers.accelerators_per_server * site.servers.servers_per_rack
                assert rack == chip.si("rack.accelerators"), name
                assert item.count % rack == 0, name


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_torus_consists_of_whole_cubes(path):
    scale_up = load_topology(path).fabric.scale_up
    if scale_up is None or scale_up.kind != "torus":
        return
    cube = scale_up.cube[0] * scale_up.cube[1] * scale_up.cube[2]
    for site in built(path.stem).fabric.sites:
        assert site.site.endpoints % cube == 0
        assert site.site.scale_up_domain == scale_up.pod[0] * scale_up.pod[1] * scale_up.pod[2]
        assert 6 * scale_up.link_rate == pytest.approx(site.site.scale_up_bandwidth)


def test_the_page_of_places_is_that_of_the_files():
    page = Path(__file__).resolve().parents[2] / "docs" / "places.md"
    assert page.read_text(encoding="utf-8") == places_markdown(shipped_places()), (
        "run: python -m clustersim.report.places > docs/places.md"
    )


def test_every_site_of_the_facts_has_a_place():
    assert set(facts("sites")["sites"]) == set(SITES)
    assert set().union(*SITES.values()) <= set(NAMES)


def test_every_system_of_the_claims_is_a_place_or_none():
    named = {claim["system"] for claim in facts("claims")["claims"]}
    assert named == set(SYSTEMS) | set(NO_PLACE)
    assert not set(SYSTEMS) & set(NO_PLACE)
    assert set().union(*SYSTEMS.values()) <= set(NAMES)


def test_every_system_of_the_interview_has_a_place():
    rows = facts("claims")["systems"]["rows"]
    known = {"Meta 128k H100": "meta_128k", "GPT-4 run": "gpt4_a100"}
    for row in rows:
        assert SITES[row["site"]] if row["site"] else known[row["system"]] in NAMES, row["system"]


@pytest.mark.parametrize("claim", sorted(COUNTED))
def test_counts_of_the_interview(claim):
    found = {one["id"]: one for one in facts("claims")["claims"]}[claim]
    assert built(COUNTED[claim]).accelerators == found["figure"]["value"]


def test_every_fabric_of_the_facts_has_a_place():
    without = {"neocloud_1024": "ratios of cost of a design, no count of its parts"}
    assert set(facts("networks")["fabrics"]) == set(FABRICS) | set(without)
    assert set(FABRICS.values()) <= set(NAMES)


@pytest.mark.parametrize("name", ["fairwater_wi", "abilene_2026_09", "prometheus", "google_columbus", "rainier"])
def test_positions_are_those_of_the_facts(name):
    known = [site["location"] for site in facts("sites")["sites"].values() if "location" in site]
    first = next(iter(load_topology(shipped("topologies") / f"{name}.yaml").site.values())).location
    assert (first.lat, first.lon) in [(one["lat"], one["lon"]) for one in known]


IT_MW = {
    "colossus_memphis_2025": 340, "colossus_2": 946, "abilene": 843, "abilene_campus": 843,
    "abilene_2026_09": 421, "fairwater_wi": 369,
    "fairwater_atl": 636, "google_iowa_nebraska_4": 852, "google_columbus": 773, "google_pryor": 368,
    "prometheus": 562, "hyperion": 1500, "meta_24k": 30, "goodyear_az_130k": 202, "rainier": 910, "madison_ms": 284,
    "denton": 262, "gpt4_a100": 17.5, "meta_128k": 145, "abilene_interview": 1800,
}  # fmt: skip
"""Stated IT power. [MW] Epoch AI, 2026-09-18; hyperion, meta_24k: SemiAnalysis; the last three: the interview."""


@pytest.mark.parametrize("name", sorted(IT_MW))
def test_servers_and_network_draw_what_the_site_was_said_to(name):
    """Within the factor of 1.4 that Epoch AI gives for its own figures; accelerators at 95 % of their rating."""
    place = built(name)
    watts = sum(place.network_watts.values())
    for site in place.topology.site.values():
        for item in site.fleet:
            device = place.power[place.kind_of(item)]
            watts += float(device.server_w(0.95 * device.rated_w * item.count, item.count))
    assert 1 / 1.4 < watts / 1e6 / IT_MW[name] < 1.4


def test_a_run_on_a_place_without_plant_is_refused(tmp_path):
    job = "{model: llama3.1-8b, sequence_length: 4096, tokens_per_step_max: 4194304, token_budget: 1.0e+12, "
    job += "plan: {tensor: 8, data: 256, micro_batches: 4}}"
    bare = tree(shipped("topologies") / "deepseek_v3.yaml")
    del bare["electrical"], bare["cooling"]
    (tmp_path / "bare_v3.yaml").write_text(yaml.safe_dump(bare | {"name": "bare_v3"}), encoding="utf-8")
    path = tmp_path / "bare.yaml"
    path.write_text(f"name: bare\ntitle: fabric alone\ntopology: bare_v3\njob: {job}\n", encoding="utf-8")
    refused = CliRunner().invoke(app, ["run", str(path), "--out", str(tmp_path)])
    assert refused.exit_code == 2
    assert "error: electrical: the topology file of bare_v3 has no electrical and no cooling" in refused.stderr
    for verb in ("step", "check"):
        assert CliRunner().invoke(app, [verb, str(path)]).exit_code == 0


def test_each_kind_has_the_servers_of_its_own_site():
    place = built("colossus_memphis_2025")
    hopper, _, blackwell = place.power
    assert hopper.rest_w == catalog.entry("device_power", "H100-SXM").si("rest") + 50.0
    assert blackwell.rest_w == catalog.entry("device_power", "GB200-NVL72").si("rest")


def test_sites_that_differ_are_planned_by_the_smallest_blocks():
    place = built("colossus_2")
    assert [tree.endpoints_per_leaf for tree in place.fabric.sites] == [128, 64]
    assert (place.network.leaf, place.network.pod) == (64, 8_192)
    assert built("colossus_memphis_2025").network.scale_up_domain == 8
