"""From a YAML file to a tree: what is read, what is refused, and where the message points."""

import json
import shutil

import pytest

from clustersim.errors import InputError
from clustersim.scenario import load_any, load_scenario, load_topology, located, parse_override, shipped
from clustersim.scenario.files import MOST_BYTES, load_tree, merge, read_yaml, shipped_names


@pytest.fixture
def place(tmp_path):
    """A folder as a user has it: scenarios beside topologies; `write` adds a scenario."""
    for folder in ("scenarios", "topologies"):
        shutil.copytree(shipped(folder), tmp_path / folder)

    def write(name, text):
        path = tmp_path / "scenarios" / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def _refused(path, *words, overrides=None):
    with pytest.raises(InputError) as caught:
        load_scenario(path, overrides)
    message = str(caught.value)
    for word in words:
        assert word in message, message
    return message


@pytest.mark.parametrize("path", sorted(shipped("scenarios").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_scenario_loads_and_is_named_as_its_file(path):
    assert load_any(path).name == path.stem


@pytest.mark.parametrize("path", sorted(shipped("topologies").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_topology_loads_and_is_named_as_its_file(path):
    assert load_topology(path).name == path.stem


def test_merge_goes_key_by_key_and_replaces_lists():
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 4}
    assert merge(base, {"a": {"c": [3]}}) == {"a": {"b": 1, "c": [3]}, "d": 4}
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 4}


def test_extends_changes_only_what_it_names(place):
    base = load_scenario(place("base_copy", (shipped("scenarios") / "colossus_200k.yaml").read_text()))
    child = load_scenario(place("child", "extends: colossus_200k\nname: child\njob: {sequence_length: 8192}\n"))
    assert child.job.sequence_length == 8192
    changed = child.model_dump() | {"name": base.name, "job": base.job.model_dump()}
    assert changed == base.model_dump()


def test_a_shipped_scenario_can_be_extended_from_anywhere(tmp_path):
    (tmp_path / "mine.yaml").write_text("extends: llama3_405b_54d\nname: mine\nseed: 9\n")
    (tmp_path / "llama3_405b_54d.yaml").write_text("extends: llama3_405b_54d\nname: ours\nseed: 7\n")
    shipped = load_scenario(located("llama3_405b_54d", "scenarios"))
    # what lies beside it goes first, and that one is called as what it extends
    assert load_scenario(tmp_path / "mine.yaml").seed == 9
    ours = load_scenario(tmp_path / "llama3_405b_54d.yaml")
    assert (ours.name, ours.seed) == ("ours", 7)
    assert (ours.job, ours.topology) == (shipped.job, shipped.topology)


def test_extends_over_three_files(place):
    place("one", "extends: colossus_200k\nname: one\nseed: 5\nset: {job.sequence_length: 2048, seed: 6}\n")
    path = place("two", "extends: one\nname: two\nset: {job.sequence_length: 1024}\n")
    scenario = load_scenario(path)
    assert (scenario.name, scenario.seed, scenario.job.sequence_length) == ("two", 6, 1024)


def test_a_cycle_is_named(place):
    place("first", "extends: second\n")
    _refused(place("second", "extends: first\n"), "extends", "cycle second -> first -> second")


def test_an_unknown_parent_names_the_nearest(place):
    _refused(place("lost", "extends: colossus_20k\n"), "no file called 'colossus_20k'", "did you mean 'colossus_200k'?")


@pytest.mark.parametrize(
    "name", ["../colossus_200k", "/etc/passwd", "a/../../b", "a//b", "a/", "a.yaml", "A", "", "a\\b", "1 2"]
)
def test_only_plain_names_reach_a_file(place, name):
    path = place("outside", f"name: outside\nextends: {json.dumps(name)}\n")
    _refused(path, "without ending")
    _refused(shipped("scenarios") / "colossus_200k.yaml", "without ending", overrides={"topology": name})


def test_the_scenarios_own_topologies_come_first(place, tmp_path):
    path = place("mine", "extends: colossus_200k\nname: mine\n")
    topology = tmp_path / "topologies" / "colossus_memphis.yaml"
    topology.write_text(topology.read_text().replace("halls: 4", "halls: 2"))
    assert load_scenario(path).topology.site["memphis"].halls == 2


def test_set_wins_over_the_file_and_overrides_win_over_set(place):
    path = place("sets", "extends: colossus_200k\nname: sets\nset: {seed: 7}\n")
    assert load_scenario(path).seed == 7
    assert load_scenario(path, {"seed": 8}).seed == 8


def test_set_reaches_into_topology_and_lists(place):
    path = place("deep", "extends: colossus_200k\nname: deep\n")
    changed = {
        "topology.site.memphis.fleet.1.count": 50_000,
        "damping.0.time_constant": "5 s",
        "limits.packs": ["equipment"],
    }
    scenario = load_scenario(path, changed)
    assert [item.count for item in scenario.topology.site["memphis"].fleet] == [100_000, 50_000]
    assert scenario.damping[0].time_constant == 5.0
    assert scenario.limits.packs == ("equipment",)


def test_set_replaces_the_whole_place(place):
    path = place("moved", "extends: colossus_200k\nname: moved\ndamping: []\n")
    assert load_scenario(path, {"topology": "google_iowa_nebraska"}).topology.name == "google_iowa_nebraska"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("damping.9.kind", ["damping.9", "index below 1"]),
        ("damping.first.kind", ["damping.first", "index below 1"]),
        ("seed.more", ["seed is a value, not a section"]),
        ("job..model", ["key path such as job.model"]),
        ("job.mdoel", ["job.mdoel", "unknown key", "did you mean 'model'?"]),
    ],
)
def test_a_wrong_key_path_is_named(key, words):
    _refused(shipped("scenarios") / "colossus_200k.yaml", *words, overrides={key: 1})


def test_what_is_set_is_copied():
    packs = ["equipment"]
    load_tree(shipped("scenarios") / "colossus_200k.yaml", {"limits.packs": packs})["limits"]["packs"].append("island")
    assert packs == ["equipment"]


def test_parse_override_reads_the_value_as_yaml():
    assert parse_override("job.model=deepseek-v3") == ("job.model", "deepseek-v3")
    assert parse_override("seed=3") == ("seed", 3)
    assert parse_override("damping=[{kind: gpu_smoothing, floor: 80 %}]") == (
        "damping",
        [{"kind": "gpu_smoothing", "floor": "80 %"}],
    )
    assert parse_override("title=a=b") == ("title", "a=b")


@pytest.mark.parametrize("text", ["seed", "=3", "damping=[", "a=&x 1\nb: *x", ""])
def test_parse_override_refuses(text):
    with pytest.raises(InputError, match="--set"):
        parse_override(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &x 1\nb: *x\n", [":2", "aliases are not supported"]),
        ("a: 1\nb: 2\na: 3\n", [":3", "key 'a' is given twice"]),
        ("a: {b: 1, b: 2}\n", [":1", "key 'b' is given twice"]),
        ("1: a\n", ["expected a text key"]),
        ("a: [1,\nb: 2\n", ["not valid YAML"]),
        ("a: !!python/object/apply:os.system [true]\n", ["not valid YAML"]),
        ("- a\n- b\n", ["expected a mapping of keys, found list"]),
        ("", ["expected a mapping of keys, found NoneType"]),
    ],
)
def test_files_that_are_refused(tmp_path, text, words):
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_yaml(path)
    for word in (str(path), *words):
        assert word in str(caught.value)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "file.yaml"
    path.write_bytes(b"a: \xff\xfe\n")
    with pytest.raises(InputError, match="not valid YAML"):
        read_yaml(path)


def test_depth_that_would_exhaust_the_stack_is_refused(tmp_path):
    path = tmp_path / "deep.yaml"
    path.write_text("a: " + "[" * 100_000, encoding="utf-8")
    with pytest.raises(InputError, match="not valid YAML"):
        read_yaml(path)


def test_a_file_above_the_limit_is_not_read(tmp_path):
    path = tmp_path / "large.yaml"
    path.write_text("a: 1\n#" + "x" * MOST_BYTES, encoding="utf-8")
    with pytest.raises(InputError, match="at most 1 MB"):
        read_yaml(path)


def test_a_missing_file_names_the_nearest(place, tmp_path):
    path = place("present", "name: present\n")
    with pytest.raises(InputError, match="did you mean 'present'"):
        read_yaml(path.with_name("presnt.yaml"))
    with pytest.raises(InputError, match="found none"):
        read_yaml(tmp_path / "nowhere" / "a.yaml")


def test_a_scenario_without_a_place(place):
    _refused(place("nowhere", "name: nowhere\n"), "topology", "expected the name of a topology file, found none")


def test_a_shipped_file_in_a_folder_is_named_with_it():
    path = located("one_or_many/one_building", "scenarios")
    assert path == shipped("scenarios") / "one_or_many" / "one_building.yaml"
    with pytest.raises(InputError, match="did you mean 'one_or_many/one_building'"):
        located("one_or_many/one_buildin", "scenarios")
    assert "loads/production_server" not in shipped_names("scenarios")
