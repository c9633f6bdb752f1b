"""Figures as axes: they act for a point only, with source and confidence of the catalog."""

import pytest

from clustersim.catalog import entry, overlays
from clustersim.errors import InputError
from clustersim.scenario import load_scenario, run_id
from clustersim.study.sweep.catalog_axes import figure_of, overlaid

TDP = "catalog.accelerators.H100.tdp"


def test_a_figure_is_changed_for_the_block_and_restored():
    before = entry("accelerators", "H100-SXM").figure("tdp")
    with overlaid({TDP: "0.9 kW", "catalog.accelerators.H100-SXM.scale_up.domain": 16}):
        inside = entry("accelerators", "H100-SXM").figure("tdp")
        assert inside.value == 900.0
        assert (inside.source, inside.confidence) == (before.source, before.confidence)
        assert inside.low <= before.low <= before.high <= inside.high
        assert entry("accelerators", "H100-SXM").si("scale_up.domain") == 16
        with pytest.raises(RuntimeError, match=r"600\.0"), overlaid({TDP: "600 W"}):
            raise RuntimeError(entry("accelerators", "H100-SXM").si("tdp"))
        assert entry("accelerators", "H100-SXM").si("tdp") == 900.0
    assert entry("accelerators", "H100-SXM").figure("tdp") == before
    assert overlays() == ()


def test_the_identity_of_a_run_holds_the_value_and_not_the_place_of_the_file(small_scenario):
    scenario = load_scenario(small_scenario)
    ids = []
    for watts in ("650 W", "650 W", "660 W"):
        with overlaid({TDP: watts}):
            ids.append(run_id(scenario))
    assert ids[0] == ids[1] != ids[2]
    assert run_id(scenario) not in ids


@pytest.mark.parametrize("value", [700, "700 s", "many W", None])
def test_a_value_of_another_kind_is_refused(value):
    with pytest.raises(InputError, match="catalog.accelerators.H100.tdp"), overlaid({TDP: value}):
        pass
    assert overlays() == ()


def test_names_with_dots_are_found():
    assert figure_of("catalog.accelerators.H100-SXM.peak.bf16") == ("accelerators", "H100-SXM", "peak.bf16")
    assert figure_of(TDP) == ("accelerators", "H100-SXM", "tdp")
