"""The shipped catalog files: every figure is strict, sourced and equal to what its source states."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from clustersim import catalog, units
from clustersim.catalog.store import sources
from clustersim.errors import CatalogError

FACTS = Path(__file__).resolve().parents[2] / ".." / "shared" / "facts"
KINDS = catalog.kinds()
FILES = catalog.catalog_files()


def figures(kind):
    return [(one.name, key, figure) for one in catalog.entries(kind).values() for key, figure in one.figures.items()]


def test_the_kinds_that_rooms_read_are_there():
    assert {
        "accelerators",
        "models",
        "switches",
        "optics",
        "generators",
        "governors",
        "generation",
        "machines",
        "batteries",
        "cooling",
        "electrical",
        "prices",
        "networks",
        "pue",
        "transients",
    } <= set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_loads_and_holds_entries(kind):
    found = catalog.entries(kind)
    assert found
    for name, one in found.items():
        assert (one.name, one.kind) == (name, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_every_source_resolves_and_has_a_title(kind):
    known = sources(kind)
    for name, key, figure in figures(kind):
        for source in figure.source.split(", "):
            assert source in known, (name, key)
            assert known[source].title


@pytest.mark.parametrize("kind", KINDS)
def test_names_and_aliases_are_unique(kind):
    found = catalog.entries(kind)
    words = [word for one in found.values() for word in (one.name, *one.aliases)]
    assert len(words) == len(set(words)), sorted(word for word in words if words.count(word) > 1)
    for one in found.values():
        assert all(catalog.entry(kind, alias) is one for alias in one.aliases)


@pytest.mark.parametrize("kind", KINDS)
def test_figures_are_ordered_and_their_units_known(kind):
    for name, key, figure in figures(kind):
        assert figure.low <= figure.value <= figure.high, (name, key)
        assert figure.unit == "1" or units.dimension_of(figure.unit), (name, key)


@pytest.mark.parametrize("kind", KINDS)
def test_a_share_does_not_exceed_one(kind):
    """An efficiency of 96 % known from memory must not get a band up to 144 %."""
    for name, key, figure in figures(kind):
        if figure.unit == "%" and figure.value < 1.0:
            assert figure.high <= 1.0, (name, key)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_assumed_says_so(kind):
    for name, key, figure in figures(kind):
        if figure.source == "ASSUMED":
            assert figure.confidence == "estimate", (name, key)
            assert figure.note.startswith("assumed"), (name, key)


def test_no_two_files_have_the_same_name():
    """A run's manifest tells them apart by their names."""
    assert len({path.name for path in FILES}) == len(FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_key_appears_twice_in_a_file(path):
    """YAML keeps the last of two equal keys without a word."""
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    stack = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, yaml.MappingNode):
            keys = [key.value for key, _ in one.value]
            assert len(keys) == len(set(keys)), sorted(key for key in keys if keys.count(key) > 1)
            stack.extend(value for _, value in one.value)
        elif isinstance(one, yaml.SequenceNode):
            stack.extend(one.value)


@pytest.mark.parametrize(
    ("kind", "name", "figure", "expected"),
    [
        ("accelerators", "H100", "peak.bf16", 989e12),
        ("accelerators", "H100-SXM-80GB", "memory.capacity", 80e9),
        ("accelerators", "H100-SXM", "scale_up.bandwidth", 450e9),
        ("accelerators", "H100", "nic.bandwidth", 50e9),
        ("accelerators", "H100", "tdp", 700.0),
        ("accelerators", "H100", "price.accelerator", 190_000 / 8),
        ("accelerators", "H100", "server.nameplate", 10_200.0),
        ("accelerators", "H200-141GB", "memory.bandwidth", 4.8e12),
        ("accelerators", "B200", "peak.fp4", 9000e12),
        ("accelerators", "GB200", "scale_up.domain", 72.0),
        ("accelerators", "GB200", "smoothing.floor_min", 0.20),
        ("accelerators", "GB300", "smoothing.floor_max", 0.90),
        ("accelerators", "TPU7x-Ironwood", "peak.bf16", 2307e12),
        ("accelerators", "TPU7x", "pod.power", 10e6),
        ("accelerators", "TPU7x", "nic.bandwidth", 12.5e9),
        ("models", "DeepSeek-V3", "parameters.total", 671e9),
        ("models", "deepseek-v3", "parameters.active", 37e9),
        ("models", "clustersim-moe-2t", "parameters.total_computed", 2055.84e9),
        ("models", "llama3.1-405b", "training.tokens", 15.6e12),
        ("switches", "SN5600", "power.typical", 940.0),
        ("switches", "NVIDIA Spectrum-4 SN5600", "capacity", 6.4e12),
        ("optics", "800ZR", "data_rate", 100e9),
        ("optics", "800ZR", "reach", 100e3),
        ("generators", "solar_titan_130_smt130", "rating", 16.5e6),
        ("generators", "titan_130", "inertia", 5.0),
        ("generators", "titan_130", "load_step", 0.15),
        ("generators", "titan_130", "ramp", 2e6),
        ("governors", "GAST", "T3", 3.0),
        ("batteries", "megapack_2xl", "energy", 3.9e6 * 3600),
        ("batteries", "megapack_2xl", "power.4h", 0.98e6),
        ("batteries", "megapack_2xl", "round_trip_efficiency", 0.91),
        ("batteries", "megapack_2xl", "response.time_constant", 0.05),
        ("cooling", "chiller_memphis", "heat", 1.825e6),
        ("cooling", "air_cooled_chiller", "cop", 4.0),
        ("prices", "tennessee", "price", 0.0623 / 3.6e6),
        ("prices", "henry_hub", "price", 3.79 / 1.05505585e9),
        ("networks", "ethernet", "goodput", 0.95),
        ("networks", "fibre", "delay", 4.9e-9),
        ("networks", "link_reliability", "link.mttf", 5 * 31557600.0),
        ("pue", "google_campus", "pue", 1.10),
    ],
)
def test_values_of_the_sources(kind, name, figure, expected):
    assert catalog.entry(kind, name).si(figure) == pytest.approx(expected, rel=1e-12)


def test_a_range_of_the_source_becomes_low_and_high():
    heat = catalog.entry("cooling", "chiller_memphis").figure("heat")
    assert (heat.low, heat.high, heat.band) == (1.75e6, 1.9e6, "given")
    assert "midpoint" in heat.note


def test_a_band_without_a_range_follows_the_confidence():
    tdp = catalog.entry("accelerators", "H100").figure("tdp")
    assert (tdp.low, tdp.high, tdp.band) == (pytest.approx(665.0), pytest.approx(735.0), "assumed")


def test_accelerators_used_by_training_are_complete():
    needs = (
        "peak.bf16",
        "memory.capacity",
        "memory.bandwidth",
        "scale_up.domain",
        "scale_up.bandwidth",
        "nic.bandwidth",
        "tdp",
        "power.idle",
        "server.rest",
        "server.accelerators",
        "price.accelerator",
    )
    for name in ("A100", "H100", "H200", "H800", "H20", "B200", "B300", "GB200", "GB300", "MI300X", "MI355X", "TPU7x"):
        one = catalog.entry("accelerators", name)
        assert [key for key in needs if not one.has(key)] == [], name


def test_power_smoothing_is_a_property_of_blackwell():
    able = {one.name for one in catalog.entries("accelerators").values() if one.properties.get("smoothing")}
    assert able == {"B200-SXM", "B300-SXM", "GB200-NVL72", "GB300-NVL72"}
    assert all(catalog.entry("accelerators", name).has("smoothing.floor_min") for name in able)


def test_power_of_a_pod_is_the_power_of_its_chips():
    tpu = catalog.entry("accelerators", "TPU7x")
    assert tpu.si("power.per_chip") == pytest.approx(tpu.si("pod.power") / tpu.si("pod.chips"), rel=0.01)
    assert tpu.si("power.per_chip_rack") == pytest.approx(tpu.si("rack.power") / tpu.si("rack.accelerators"), rel=0.01)
    assert tpu.si("tdp") + tpu.si("server.rest") == pytest.approx(tpu.si("power.per_chip"), rel=0.01)


@pytest.mark.parametrize("name", ["H100", "H200", "B200", "A100"])
def test_rest_of_a_server_is_nameplate_less_its_accelerators(name):
    one = catalog.entry("accelerators", name)
    rest = one.si("server.nameplate") / one.si("server.accelerators") - one.si("tdp")
    assert one.si("server.rest") == pytest.approx(rest, rel=1e-9)


def test_ports_of_a_switch_fill_its_capacity():
    for one in catalog.entries("switches").values():
        if one.properties["family"] == "optical circuit":
            assert not one.has("capacity"), "mirrors carry any line rate"
            continue
        rates = [units.parse(rate, "data rate") * ports for rate, ports in one.properties["port_options"].items()]
        assert max(rates) == pytest.approx(one.si("capacity"), rel=0.005), one.name


def test_heat_rate_is_the_inverse_of_the_efficiency():
    for one in catalog.entries("generators").values():
        if one.has("heat_rate.lhv") and one.has("efficiency.lhv"):
            assert one.si("heat_rate.lhv") * one.si("efficiency.lhv") == pytest.approx(1.0, rel=0.025), one.name


def test_air_cooled_chiller_has_its_cop():
    one = catalog.entry("cooling", "air_cooled_chiller")
    assert one.si("heat") / one.si("power") == pytest.approx(one.si("cop"))


def test_generators_have_what_the_plant_and_the_economics_need():
    for one in catalog.entries("generators").values():
        assert one.has("rating"), one.name
        assert one.has("inertia"), one.name
        assert one.has("capex"), one.name


def test_gast_governors_have_all_parameters():
    for one in catalog.entries("governors").values():
        if one.properties["model"] == "GAST":
            assert set(one.figures) == {"R", "T1", "T2", "T3", "AT", "KT", "Vmax", "Vmin", "Dt"}


def test_models_have_their_architecture():
    common = {
        "kind",
        "layers",
        "hidden",
        "ffn",
        "gated_ffn",
        "attention",
        "heads",
        "kv_heads",
        "head_dim",
        "vocab",
        "context",
        "tied_embeddings",
        "arch_source",
        "arch_confidence",
    }
    expert = {"dense_layers", "ffn_expert", "experts", "shared_experts", "top_k"}
    latent = {"q_lora_rank", "kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"}
    for one in catalog.entries("models").values():
        known = set(one.properties)
        assert common <= known, one.name
        assert (one.properties["kind"] != "moe") or expert <= known, one.name
        assert (one.properties["attention"] != "mla") or latent <= known, one.name
        assert one.properties["arch_source"] in sources("models"), one.name
        assert one.si("parameters.active") <= one.si("parameters.total"), one.name


def test_computed_parameters_agree_with_the_published_ones():
    """Within 1 %; Kimi K2 publishes a rounded 1 T, the GPT-4 entry is a rumour."""
    for one in catalog.entries("models").values():
        tolerance = {"kimi-k2": 0.03, "gpt4-rumour": 0.02}.get(one.name, 0.01)
        assert one.si("parameters.total_computed") == pytest.approx(one.si("parameters.total"), rel=tolerance), one.name


def test_unknown_figure_names_the_nearest():
    with pytest.raises(CatalogError, match=r"has no figure 'peak\.bf61'; did you mean 'peak\.bf16'"):
        catalog.entry("accelerators", "H100").si("peak.bf61")


def facts(name):
    path = FACTS / f"{name}.yaml"
    if not path.is_file():
        pytest.skip(f"no {path.name} beside the repository")
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


@pytest.mark.parametrize(
    ("pack", "section", "kind"),
    [
        ("accelerators", "accelerators", "accelerators"),
        ("models", "models", "models"),
        ("plant", "generators", "generators"),
        ("networks", "switches", "switches"),
        ("networks", "transceivers", "optics"),
    ],
)
def test_every_name_of_the_facts_is_found(pack, section, kind):
    named = facts(pack)[section]
    for name in named if isinstance(named, dict) else [one["name"] for one in named]:
        assert catalog.entry(kind, name)


@pytest.mark.parametrize(
    ("fact", "figure", "factor"),
    [
        ("hbm_gb", "memory.capacity", 1e9),
        ("hbm_tb_s", "memory.bandwidth", 1e12),
        ("nic_gbit_s", "nic.bandwidth", 1.25e8),
        ("matmul_bf16", "matmul.bf16", 1e12),
        ("matmul_fp8", "matmul.fp8", 1e12),
    ],
)
def test_accelerator_figures_equal_the_facts(fact, figure, factor):
    for name, body in facts("accelerators")["accelerators"].items():
        if fact in body:
            found = catalog.entry("accelerators", name).figure(figure)
            assert found.value == pytest.approx(body[fact]["value"] * factor, rel=1e-9), name
            assert (found.source, found.confidence) == (body[fact]["src"], body[fact]["conf"]), name


@pytest.mark.parametrize(
    ("fact", "figure", "factor"),
    [
        ("mw", "rating", 1e6),
        ("efficiency_lhv_pct", "efficiency.lhv", 0.01),
        ("load_step_pct", "load_step", 0.01),
        ("ramp_mw_s", "ramp", 1e6),
        ("inertia_h_s", "inertia", 1.0),
        ("capex_usd_kw", "capex", 1e-3),
    ],
)
def test_generator_figures_equal_the_facts(fact, figure, factor):
    for name, body in facts("plant")["generators"].items():
        if fact in body:
            stated = body[fact]["value"]
            value = sum(stated) / 2 if isinstance(stated, list) else stated
            assert catalog.entry("generators", name).si(figure) == pytest.approx(value * factor, rel=1e-9), name


def test_the_price_of_storage_is_that_of_the_battery():
    price = catalog.entry("prices", "storage").figure("price")
    assert price == catalog.entry("batteries", "megapack_2xl").figure("price").model_copy(update={"note": price.note})
