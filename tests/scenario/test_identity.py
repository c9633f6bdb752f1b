"""The resolved scenario can be read again, and its identity follows from what it says and nothing else."""

import copy
import time

import pytest
import yaml

import clustersim
from clustersim.scenario import Scenario, load_any, load_scenario, resolved, run_id, shipped

PATHS = sorted(shipped("scenarios").glob("*.yaml"))
MEMPHIS = shipped("scenarios") / "colossus_200k.yaml"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_resolved_round_trip(path):
    scenario = load_any(path)
    tree = resolved(scenario)
    again = type(scenario).model_validate(yaml.load(yaml.dump(tree, Dumper=yaml.CSafeDumper), Loader=yaml.CSafeLoader))
    assert again == scenario
    assert resolved(again) == tree
    assert run_id(again) == run_id(scenario)


def _reversed(tree):
    if isinstance(tree, dict):
        return {key: _reversed(tree[key]) for key in reversed(tree)}
    return [_reversed(item) for item in tree] if isinstance(tree, list) else tree


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_order_of_keys_does_not_matter(path):
    scenario = load_any(path)
    assert run_id(type(scenario).model_validate(_reversed(resolved(scenario)))) == run_id(scenario)


def test_the_spelling_of_a_quantity_does_not_matter():
    key = "topology.electrical.memphis.grid.capacity"
    spellings = ("150 MW", "150000 kW", "0.15 GW")
    identities = {run_id(load_scenario(MEMPHIS, {key: text})) for text in spellings}
    assert len(identities) == 1


def test_time_does_not_matter(monkeypatch):
    before = run_id(load_scenario(MEMPHIS))
    monkeypatch.setattr(time, "time", lambda: 0.0)
    monkeypatch.setenv("USER", "somebody-else")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert run_id(load_scenario(MEMPHIS)) == before
    assert len(before) == 12
    assert set(before) <= set("0123456789abcdef")


def _leaves(tree, path=()):
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _leaves(value, (*path, index))
    else:
        yield path, tree


def _other(value):
    """Another value of the same kind; quantities and numbers become a little larger or smaller."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 0.999 or 0.05
    number, _, unit = str(value).partition(" ")
    try:
        return f"{float(number) * 0.999 or 0.05!r} {unit}" if unit else f"{value}x"
    except ValueError:
        return f"{value}x"


def test_any_field_changes_the_identity():
    scenario = load_scenario(MEMPHIS)
    tree = resolved(scenario)
    seen, changed = {run_id(scenario)}, 0
    for path, value in _leaves(tree):
        if value is None:
            continue
        other = copy.deepcopy(tree)
        node = other
        for part in path[:-1]:
            node = node[part]
        node[path[-1]] = _other(value)
        try:
            identity = run_id(Scenario.model_validate(other))
        except ValueError:
            continue  # a name out of a fixed list, or a value that does not go with another
        assert identity not in seen, path
        seen.add(identity)
        changed += 1
    assert changed > 80


def test_catalog_and_version_are_part_of_the_identity(monkeypatch, tmp_path):
    from clustersim.scenario import load

    scenario = load_scenario(MEMPHIS)
    before = run_id(scenario)
    monkeypatch.setattr(clustersim, "__version__", "999")
    assert run_id(scenario) != before
    monkeypatch.undo()
    file = tmp_path / "accelerators.yaml"
    file.write_text("entries: {}\n")
    monkeypatch.setattr(load, "catalog_files", lambda: [file])
    assert run_id(scenario) != before
