"""Scenarios whose load is measured: what is read, what is refused and with which words."""

import shutil

import pytest
import yaml

from clustersim.errors import InputError
from clustersim.report.check import problems
from clustersim.scenario import LoadScenario, load_any, load_scenario, resolved, run_id, shipped

SHIPPED = shipped("scenarios") / "measured_load_memphis.yaml"


@pytest.fixture
def folder(tmp_path):
    """The shipped scenario in a folder of its own, with its load record beside it."""
    shutil.copytree(SHIPPED.parent / "loads", tmp_path / "inside" / "loads")
    shutil.copy(SHIPPED, tmp_path / "inside")
    return tmp_path / "inside"


def _changed(path, change):
    tree = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    change(tree)
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def _refused(path, *words, overrides=None):
    with pytest.raises(InputError) as caught:
        load_any(path, overrides)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


def test_the_record_is_part_of_the_scenario(folder):
    scenario = load_any(folder / SHIPPED.name)
    assert isinstance(scenario, LoadScenario)
    assert scenario.load.record.period == pytest.approx(20.93)
    assert scenario.load.record.dips[1].level == 3397.0
    assert resolved(scenario)["load"]["record"]["high"] == "6714 W"
    assert "job" not in resolved(scenario)
    assert problems(folder / SHIPPED.name) == []


def test_the_identity_follows_the_content_of_the_file(folder):
    path, record = folder / SHIPPED.name, folder / "loads" / "production_server.yaml"
    before = run_id(load_any(path))
    assert before == run_id(load_any(SHIPPED))
    record.write_text(record.read_text(encoding="utf-8") + "# nothing of weight\n", encoding="utf-8")
    assert run_id(load_any(path)) == before
    _changed(record, lambda tree: tree.update(noise="334 W"))
    assert run_id(load_any(path)) != before
    assert run_id(load_any(path, {"load.record.noise": "333 W"})) == before


def test_another_record_by_set(folder):
    other = folder / "loads" / "other.yaml"
    shutil.copy(folder / "loads" / "production_server.yaml", other)
    _changed(other, lambda tree: tree.update(period="30 s"))
    found = load_any(folder / SHIPPED.name, {"load.file": "loads/other.yaml"})
    assert (found.load.file, found.load.record.period) == ("loads/other.yaml", 30.0)


OUTSIDE = ("../load.yaml", "loads/../../load.yaml", "/etc/load.yaml", "load", "", None, 3, "a\0.yaml")


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_path_out_of_the_folder_is_refused(folder, name):
    shutil.copy(folder / "loads" / "production_server.yaml", folder.parent / "load.yaml")
    _refused(folder / SHIPPED.name, "load.file", "scenario's folder", overrides={"load.file": name})


def test_a_link_out_of_the_folder_is_refused(folder):
    shutil.copy(folder / "loads" / "production_server.yaml", folder.parent / "load.yaml")
    (folder / "link.yaml").symlink_to(folder.parent / "load.yaml")
    _refused(folder / SHIPPED.name, "load.file", "inside the scenario's folder", overrides={"load.file": "link.yaml"})


def test_a_missing_or_malformed_record_is_named_with_its_file(folder):
    path, record = folder / SHIPPED.name, folder / "loads" / "production_server.yaml"
    _refused(path, "loads/none.yaml", "expected a file, found none", overrides={"load.file": "loads/none.yaml"})
    text = record.read_text(encoding="utf-8")
    record.write_text(text.replace("high: 6714 W", "high: 6714 Hz"), encoding="utf-8")
    _refused(path, "production_server.yaml: high", "Hz")
    record.write_text(text.replace("level: 3397 W, ", ""), encoding="utf-8")
    _refused(path, "production_server.yaml: dips.1.level: expected a value, found none")
    record.write_text("[", encoding="utf-8")
    _refused(path, "production_server.yaml", "not valid YAML")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("load.site", "nashville", ("load: site", "nashville", "memphis")),
        ("load.units", 0, ("load.units",)),
        ("load.coherence", "120 %", ("load.coherence",)),
        ("load.horizon", "0 s", ("load.horizon",)),
        ("load.speed", 1, ("load.speed: unknown key",)),
        ("load.kind", "measured", ("load.kind",)),
        ("operation.horizon", "3 d", ("operation: unknown key",)),
        ("job.model", "llama3.1-8b", ("expected one of the sections job and load",)),
        ("limits.packs", ["unheard"], ("limits.packs.0", "unheard")),
        ("damping", [{"kind": "psu_storage"}], ("damping: psu_storage", "site_battery")),
        ("damping", [{"kind": "gpu_smoothing", "floor": "80 %"}], ("damping: gpu_smoothing", "load_bank")),
    ],
)
def test_wrong_input_is_named(folder, key, value, words):
    _refused(folder / SHIPPED.name, *words, overrides={key: value})


def test_what_needs_a_job_refuses_it():
    with pytest.raises(InputError, match=r"measured_load_memphis.yaml: load: .* measured.*no job"):
        load_scenario(SHIPPED, {"job.plan": "best"})


def test_a_record_in_the_scenario_itself_is_refused(folder):
    path = _changed(folder / SHIPPED.name, lambda tree: tree["load"].update(record={}))
    _refused(path, "load.record", "load.file")
