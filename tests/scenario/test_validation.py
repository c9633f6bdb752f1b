"""Validation of a scenario: units, ranges, names, and what does not go together; all problems at once."""

import pytest
import yaml

from clustersim.errors import InputError
from clustersim.scenario import load_scenario, shipped
from clustersim.study.run import run
from clustersim.study.step import study_step

COLOSSUS = shipped("scenarios") / "colossus_200k.yaml"
IOWA = shipped("scenarios") / "iowa_nebraska.yaml"


def _message(overrides, path=COLOSSUS):
    with pytest.raises(InputError) as caught:
        load_scenario(path, overrides)
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("topology.electrical.memphis.grid.capacity", 150, ["expected a power with a unit", "got 150"]),
        ("topology.electrical.memphis.grid.capacity", "150 Mw", ["expected a power with a unit", "did you mean 'MW'?"]),
        ("topology.electrical.memphis.grid.capacity", "150 MWh", ["expected a power with a unit"]),
        ("topology.fabric.port_rate", "400 Gb/s", ["expected a data rate with a unit"]),
        ("topology.electrical.memphis.grid.capacity", "-1 MW", ["greater than 0"]),
        ("operation.horizon", "nan d", ["expected a number and a unit"]),
        ("damping.0.time_constant", 60, ["damping.0", "expected a time with a unit"]),
    ],
)
def test_units_are_required(key, value, words):
    message = _message({key: value})
    for word in (*words, str(COLOSSUS), key.split(".")[-1]):
        assert word in message, message


@pytest.mark.parametrize(
    ("key", "value", "known"),
    [
        ("failure_rates", "meta-h10", "meta-h100"),
        ("failure_rates", "lives", "components-h100"),
        ("restart_law", "restart-gpus", "restart-gpu"),
        ("recovery.collective_law", "collectives-liner", "collectives-linear"),
        ("failures.fleets", "hoper", "hopper"),
        ("checkpoint.storage", "3fx", "3fs"),
        ("checkpoint.framework", "orbix", "orbax"),
        ("repair.works", {"gpo": {"time": "3 h"}}, "gpu"),
    ],
)
def test_an_unknown_name_of_operation_is_told_with_those_there_are(key, value, known):
    message = _message({f"operation.{key}": value})
    assert f"operation.{key}: unknown name" in message
    assert known in message


def test_an_unknown_tariff_is_told_before_anything_runs():
    assert "economics.tariff: unknown name 'ercot_4pc'" in _message({"economics.tariff": "ercot_4pc"})


@pytest.mark.parametrize("law", ["restart-gpu", "restart-gpu-startup", "restart-in-job"])
def test_every_restart_law_of_the_catalog_can_be_named(law):
    assert load_scenario(COLOSSUS, {"operation.restart_law": law}).operation.restart_law == law


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("sead", "seed"),
        ("job.sequence_lenght", "sequence_length"),
        ("topology.site.memphis.hall", "halls"),
        ("topology.electrical.memphis.grid.capasity", "capacity"),
        ("topology.cooling.memphis.cont", "count"),
        ("economics.electricity_prize", "electricity_price"),
    ],
)
def test_an_unknown_key_names_the_nearest(key, nearest):
    message = _message({key: 1})
    assert f"{key}: unknown key; did you mean {nearest!r}?" in message


def test_all_problems_are_told_at_once():
    message = _message({"seed": -1, "job.precision": "int3", "operation.horizon": 30})
    for key in ("seed", "job.precision", "operation.horizon"):
        assert key in message
    assert len(message.splitlines()) == 3


@pytest.mark.parametrize("name", ["../evil", "a/b", "Colossus", "", "x y"])
def test_a_name_can_be_a_folder_name(name):
    assert "name" in _message({"name": name})


def test_each_damping_kind_once():
    twice = [{"kind": "dummy_compute", "floor": "50 %"}] * 2
    assert "dummy_compute is given 2 times" in _message({"damping": twice})


def test_an_unknown_damping_kind_lists_the_known_ones():
    message = _message({"damping": [{"kind": "flywheel"}]})
    for kind in ("dummy_compute", "gpu_smoothing", "power_cap", "site_battery"):
        assert kind in message


def test_a_site_battery_needs_a_battery_at_every_site():
    message = _message({"damping": [{"kind": "site_battery", "time_constant": "60 s"}]}, IOWA)
    assert "site_battery needs a battery at every site" in message


def test_an_island_needs_generators():
    assert "generators" in _message({"plant.mode": "island"}, IOWA)


def test_sections_name_the_same_sites():
    added = {"topology.cooling.nashville": {"kind": "chillers"}}
    assert "nashville" in _message(added)


@pytest.mark.parametrize(
    ("key", "record", "part"),
    [
        ("unit", "cdu", "air_cooled_chiller"),
        ("unit", "wet_tower", "chiller_memphis"),
        ("cdu", {"unit": "chiller_memphis", "count": 3}, "one of cdu"),
    ],
)
def test_a_cooling_unit_of_another_kind_is_named(key, record, part):
    message = _message({f"topology.cooling.memphis.{key}": record})
    assert f"cooling.memphis.{key}" in message
    assert part in message


@pytest.fixture
def bare(tmp_path):
    """A scenario on a place whose file stops at the fabric."""
    place = yaml.load(
        (shipped("topologies") / "colossus_memphis.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )
    place = {key: value for key, value in place.items() if key not in {"electrical", "cooling"}} | {"name": "bare"}
    place["site"]["memphis"]["fleet"] = [{"accelerator": "H100-SXM", "count": 64}]
    job = "{model: llama3.1-8b, sequence_length: 4096, tokens_per_step_max: 524288, token_budget: 1.0e+12, "
    job += "plan: {tensor: 8, data: 8, micro_batches: 4}}"
    for folder in ("topologies", "scenarios"):
        (tmp_path / folder).mkdir()
    (tmp_path / "topologies" / "bare.yaml").write_text(yaml.safe_dump(place), encoding="utf-8")
    path = tmp_path / "scenarios" / "bare.yaml"
    path.write_text(f"name: bare\ntitle: fabric alone\ntopology: bare\njob: {job}\n", encoding="utf-8")
    return path


def test_a_place_without_plant_can_be_stepped_and_not_run(bare):
    scenario = load_scenario(bare)
    assert study_step(scenario).quiet().iteration_time_s > 0.0
    with pytest.raises(InputError, match=r"electrical: .* bare has no electrical and no cooling section; .*topology"):
        run(scenario)


def test_half_a_plant_names_the_section_that_is_absent(bare):
    place = bare.parents[1] / "topologies" / "bare.yaml"
    whole = yaml.load(
        (shipped("topologies") / "colossus_memphis.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )
    place.write_text(place.read_text() + yaml.safe_dump({"electrical": whole["electrical"]}), encoding="utf-8")
    with pytest.raises(InputError, match="cooling: the topology file of bare has no cooling section"):
        run(load_scenario(bare))


def test_what_needs_a_plant_is_refused_without_one(bare):
    battery = {"damping": [{"kind": "site_battery", "time_constant": "60 s"}]}
    assert "electrical.memphis has none" in _message(battery, bare)
    assert "electrical.memphis has none" in _message({"plant.mode": "island"}, bare)


def test_records_cannot_be_changed():
    scenario = load_scenario(COLOSSUS)
    with pytest.raises(ValueError, match="frozen"):
        scenario.seed = 2
