"""The catalog's bands as a study."""

import pytest
import yaml

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.scenario import load_scenario, resolved
from clustersim.study.sensitivity.catalog_bands import band_study, banded, scenario_files
from clustersim.study.sweep.axes import axes_of
from clustersim.study.sweep.spec import StudySpec


@pytest.fixture
def scenario(small_scenario):
    return load_scenario(small_scenario)


def test_only_figures_with_a_band_that_are_no_convention_are_drawn():
    with catalog.recorded() as reads:
        for kind in ("cooling", "flicker"):
            for name, entry in catalog.entries(kind).items():
                for figure in entry.figures:
                    catalog.entry(kind, name).figure(figure)
    found = banded(sorted(reads))
    assert found
    assert all(key.startswith("catalog.cooling.") for key in found)
    with_band = sum(
        figure.low < figure.high for entry in catalog.entries("cooling").values() for figure in entry.figures.values()
    )
    assert len(found) == with_band


def test_study_has_the_bands_of_the_catalog_as_axes(scenario):
    key = _banded_key()
    tree = band_study(scenario, [key], 16, "steady", ["mean_mw"], seed=3)
    spec = StudySpec.model_validate(tree)
    (axis,) = axes_of(spec, "s")
    kind, entry, name = axis.key.split(".", 3)[1:]
    figure = catalog.entry(kind, entry).figure(name)
    assert axis.drawn.low < axis.drawn.high
    assert axis.drawn.low / axis.drawn.high == pytest.approx(figure.low / figure.high)
    assert (spec.combine, spec.samples, spec.scramble_seed, spec.keys) == ("latin_hypercube", 16, 3, ("mean_mw",))


def _banded_key():
    return next(
        f"catalog.cooling.{name}.{figure}"
        for name, entry in catalog.entries("cooling").items()
        for figure, told in entry.figures.items()
        if told.low < told.high and "." not in name and "." not in figure
    )


def test_without_a_band_there_is_nothing_to_draw(scenario):
    with pytest.raises(InputError, match="figures of the catalog with a band"):
        band_study(scenario, [], 16, "steady", None)


def test_files_of_a_scenario_give_the_scenario_again(scenario, tmp_path):
    for name, tree in scenario_files(scenario).items():
        (tmp_path / name).write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    again = dict(resolved(load_scenario(tmp_path / "scenario.yaml")))
    before = dict(resolved(scenario))
    again.pop("expect", None), before.pop("expect", None)
    assert again == before
