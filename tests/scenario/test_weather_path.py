"""Weather files named in scenarios and topologies: inside their folders only."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import yaml

from clustersim.errors import InputError
from clustersim.scenario import load_scenario, load_topology, resolved, run_id, shipped

sys.path.insert(0, str(Path(__file__).parents[1] / "plant"))
from weather_files import epw_rows, write_epw

KEY = "topology.cooling.memphis.weather"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the shipped scenario, its topology and weather files."""
    base = tmp_path_factory.mktemp("weather")
    (base / "scenarios").mkdir()
    (base / "topologies" / "years").mkdir(parents=True)
    shutil.copy(shipped("scenarios") / "colossus_200k.yaml", base / "scenarios" / "site.yaml")
    shutil.copy(shipped("topologies") / "colossus_memphis.yaml", base / "topologies" / "colossus_memphis.yaml")
    write_epw(base / "topologies" / "years" / "hot.epw", epw_rows(dry=lambda k: 38.0))
    write_epw(base / "scenarios" / "mild.epw")
    write_epw(base / "outside.epw")
    (base / "scenarios" / "link.epw").symlink_to(base / "outside.epw")
    return base


def _load(folder, name):
    return load_scenario(folder / "scenarios" / "site.yaml", {KEY: name})


def test_files_of_scenario_and_topology_are_read(folder):
    hot, mild = _load(folder, "years/hot.epw"), _load(folder, "mild.epw")
    assert set(hot.topology.cooling["memphis"].weather.dry_bulb_c) == {38.0}
    assert mild.topology.cooling["memphis"].weather.file == "mild.epw"
    assert run_id(hot) != run_id(mild)


def test_a_resolved_scenario_holds_its_weather(folder):
    hot = _load(folder, "years/hot.epw")
    again = type(hot).model_validate(
        yaml.load(yaml.dump(resolved(hot), Dumper=yaml.CSafeDumper), Loader=yaml.CSafeLoader)
    )
    assert again.topology.cooling == hot.topology.cooling


def test_a_topology_names_a_file_too(folder):
    path = folder / "topologies" / "with_weather.yaml"
    tree = yaml.load((folder / "topologies" / "colossus_memphis.yaml").read_text(), Loader=yaml.CSafeLoader)
    tree["cooling"]["memphis"]["weather"] = "years/hot.epw"
    path.write_text(yaml.safe_dump(tree))
    assert load_topology(path).cooling["memphis"].weather.file == "hot.epw"
    tree["cooling"]["memphis"]["weather"] = "years/hat.epw"
    path.write_text(yaml.safe_dump(tree))
    with pytest.raises(InputError, match=r"with_weather.yaml: cooling.memphis.weather: expected a weather file"):
        load_topology(path)


@pytest.mark.parametrize(
    "name",
    [
        "../outside.epw",
        "years/../../outside.epw",
        "/etc/passwd.epw",
        "~/x.epw",
        "..\\outside.epw",
        "link.epw",
        "./x.epw",
    ],
)
def test_a_path_must_not_leave_the_folder(folder, name):
    with pytest.raises(InputError, match=r"cooling\.memphis\.weather: expected (the path|a file inside)"):
        _load(folder, name)


def test_what_is_not_there_is_named(folder):
    with pytest.raises(InputError, match=r"expected a weather file, found none called 'milt.epw'; did you mean 'mild"):
        _load(folder, "milt.epw")
    with pytest.raises(InputError, match=r"cooling.memphis.weather: .*memphis_tn"):
        _load(folder, "memphis_tx")
    with pytest.raises(InputError, match=r"cooling.memphis.towers|kind water_chillers"):
        load_scenario(folder / "scenarios" / "site.yaml", {"topology.cooling.memphis.towers": {"count": 3}})
    changes = {"topology.cooling.memphis.cdu": {"unit": "cdo", "count": 3}}
    with pytest.raises(InputError, match=r"cooling.memphis.cdu.unit: .*did you mean 'cdu'"):
        load_scenario(folder / "scenarios" / "site.yaml", changes)


def test_a_damaged_file_is_named_with_its_row(folder):
    rows = epw_rows()
    rows[10] = rows[10].replace(",20.0,", ",99.9,")
    write_epw(folder / "scenarios" / "bad.epw", rows)
    with pytest.raises(InputError, match=r"bad.epw:19: dry-bulb temperature: the value is missing"):
        _load(folder, "bad.epw")
