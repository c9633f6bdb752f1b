"""The studies that ship: each lays out, and its first point is valid."""

import pytest

from clustersim.scenario import shipped
from clustersim.study.sweep.study import load_study
from clustersim.study.sweep.sweep import lay_out

STUDIES = sorted(shipped("studies").glob("*.yaml"))


def test_three_studies_ship():
    assert {"battery_for_a_rule", "grid_150mw", "smoothing_floor"} <= {path.stem for path in STUDIES}


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_shipped_study_lays_out_under_its_own_name(path):
    study = load_study(path)
    assert study.spec.name == path.stem
    found = lay_out(study)
    assert 4 <= found.rows <= 100
    assert len(found.places) == found.rows
