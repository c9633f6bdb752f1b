"""The shipped scenarios of one building against several sites are equal in what their names say."""

from collections import Counter

import pytest

from clustersim.scenario import load_scenario, shipped
from clustersim.study.places.one_or_many import (
    BASE,
    EQUALITIES,
    PLACES,
    TOLERANCE,
    nearest_count,
    scenario_files,
    size_of,
)

FOLDER = shipped("scenarios") / "one_or_many"


@pytest.fixture(scope="module")
def scenarios():
    return {path.stem: load_scenario(path) for path in sorted(FOLDER.glob("*.yaml"))}


def test_one_building_and_three_equalities_of_three_divisions(scenarios):
    assert set(scenarios) == {BASE, *(f"{name}_equal_{how}" for name in PLACES for how in EQUALITIES)}
    counts = Counter(len(scenario.topology.site) for scenario in scenarios.values())
    assert counts == {1: 1, 2: 3, 3: 3, 5: 3}
    assert len({(s.job, s.operation, s.economics, s.seed) for s in map(_plain, scenarios.values())}) == 1


class _plain:  # noqa: N801 (a view of a scenario that can be hashed)
    def __init__(self, scenario):
        for name in ("job", "operation", "economics"):
            setattr(self, name, getattr(scenario, name).model_dump_json())
        self.seed = scenario.seed


def test_they_are_equal_in_what_they_say(scenarios):
    base = size_of(scenarios[BASE])
    for name, scenario in scenarios.items():
        if name == BASE:
            continue
        size = size_of(scenario)
        how = name.rsplit("_", 1)[1]
        assert {sum(item.count for item in site.fleet) % 72 for site in scenario.topology.site.values()} == {0}
        if how == "gpus":
            assert size.accelerators == base.accelerators
        elif how == "megawatts":
            assert size.provisioned_w == pytest.approx(base.provisioned_w, rel=TOLERANCE)
        else:
            assert size.capex_usd == pytest.approx(base.capex_usd, rel=TOLERANCE)


def test_the_nearest_count_is_found_from_either_side():
    for start in (10, 33, 34, 80):
        assert nearest_count(100.0, lambda count: 3.0 * count, start) == 33


@pytest.mark.soak
def test_the_files_are_as_they_are_written(scenarios):
    for name, text in scenario_files(FOLDER).items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text
