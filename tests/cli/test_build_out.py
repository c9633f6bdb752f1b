"""The verb build-out: a file, its scenario, the figures it writes, wrong input."""

import json

import pytest
import yaml
from typer.testing import CliRunner

from clustersim.cli import app
from clustersim.economics.build_out import AcceleratorFacts
from clustersim.study import build_out as studied

PLAN = {
    "name": "growth",
    "scenario": "small",
    "start": "2025-01-01",
    "months": 3,
    "grid": [{"date": "2025-01-01", "power": "1 MW"}, {"date": "2025-02-15", "power": "10 MW"}],
    "accelerators": [{"date": "2025-01-01", "count": 1024}, {"date": "2025-03-01", "count": 4096}],
}


EACH = AcceleratorFacts(1500.0, 1200.0, 10.0, 30e3, 15e3, 0.8, 60 / 3.6e9, 90 / 3.6e9)


@pytest.fixture
def quick(monkeypatch):
    """Figures of an accelerator without a run: those of a run are tested with the study."""

    def made(spec, scenario, tell):
        return studied.BuildOutStudy(spec, scenario.name, EACH, studied.build_out(spec, EACH))

    monkeypatch.setattr(studied, "study_build_out", made)


@pytest.fixture
def folder(tmp_path, small_scenario):
    (tmp_path / "small.yaml").write_text(small_scenario.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "growth.yaml").write_text(yaml.safe_dump(PLAN), encoding="utf-8")
    return tmp_path


def called(*words):
    return CliRunner().invoke(app, ["build-out", *map(str, words)])


def test_months_of_a_file(folder, quick):
    out = folder / "out"
    done = called(folder / "growth.yaml", "--out", out, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    january, february, march = found["months"]
    assert (january["running"], march["running"]) == (666, 4096)
    assert 666 < february["running"] < 1024
    assert found["needed_kw_per_accelerator"] == 1.5
    assert found["totals"]["stranded_hours"] == pytest.approx((1024 - 666) * (31 + 14) * 24)
    assert len((out / "build_out.csv").read_text(encoding="utf-8").splitlines()) == 4
    assert "needed by all installed" in (out / "build_out.html").read_text(encoding="utf-8")


def test_months_as_text(folder, quick):
    done = called(folder / "growth.yaml")
    assert done.exit_code == 0
    assert "an accelerator of small needs 1.5 kW at the meter (peak)" in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines() if line.startswith("2025-")] == [
        "2025-01", "2025-02", "2025-03",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"grids": []}, "growth.yaml: grids: unknown key; did you mean 'grid'?"),
        ({"months": "three"}, "growth.yaml: months:"),
        ({"scenario": "smal"}, "smal"),
        ({"scenario": None}, "expected the name of a scenario"),
    ],
)
def test_wrong_files_are_refused(folder, change, said):
    (folder / "growth.yaml").write_text(yaml.safe_dump(PLAN | change), encoding="utf-8")
    done = called(folder / "growth.yaml", "--out", folder / "out")
    assert done.exit_code == 2
    assert said in done.output
    assert not (folder / "out").exists()


def test_wrong_names_are_refused(tmp_path):
    assert "colossus_memphis" in called("colossus_memfis").output
    assert called(tmp_path / "none.yaml").exit_code == 2
