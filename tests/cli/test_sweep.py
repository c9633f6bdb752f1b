"""The verb sweep: what it prints, how it stops, and what it refuses."""

import json
from contextlib import AbstractContextManager

import pytest
import yaml
from typer.testing import CliRunner

from clustersim.cli import app
from clustersim.cli import sweep as cli_sweep
from clustersim.errors import InputError
from clustersim.study.sweep import work
from clustersim.study.sweep.store import Store

STUDY = {
    "name": "trial",
    "title": "A trial",
    "scenario": "small.yaml",
    "evaluate": "step",
    "axes": {"damping.0.time_constant": ["10 s", "-1 s", "30 s", "40 s"]},
    "require": ["peak_mw < 35"],
}


class Here(AbstractContextManager):
    stop_after = None

    def __exit__(self, *_):
        return None

    def outcomes(self, tasks, work):
        for number, task in enumerate(tasks):
            if number == self.stop_after:
                raise KeyboardInterrupt
            yield work(task)


@pytest.fixture
def engine(monkeypatch):
    here = Here()
    monkeypatch.setattr(cli_sweep, "engine_of", lambda *_: here)
    monkeypatch.setitem(work.LEVELS, "step", lambda s: {"peak_mw": s.damping[0].time_constant})
    return here


@pytest.fixture
def study(tmp_path, small_scenario):
    (tmp_path / "small.yaml").write_text(small_scenario.read_text(encoding="utf-8"), encoding="utf-8")
    path = tmp_path / "trial.yaml"
    path.write_text(yaml.safe_dump(STUDY, sort_keys=False), encoding="utf-8")
    return path


def swept(study, *options):
    return CliRunner().invoke(app, ["sweep", str(study), "--out", str(study.parent / "out"), *options])


def test_a_sweep_from_its_file_to_the_page_and_on_again(engine, study):
    folder = study.parent / "out" / "sweep-trial"
    dry = swept(study, "--dry-run")
    assert dry.exit_code == 0
    assert "4 points" in dry.stdout
    assert not folder.exists()

    engine.stop_after = 2
    stopped = swept(study)
    assert stopped.exit_code == 130
    assert "2 of 4 rows are in" in stopped.stderr
    assert f"clustersim sweep {study} --resume --out" in stopped.stderr

    again = swept(study)
    assert again.exit_code == 2
    assert "there are 2 rows already: --resume" in again.stderr

    engine.stop_after = None
    done = swept(study, "--resume", "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert (found["rows"], found["failed"], found["feasible"], found["judged"]) == (4, 1, 2, 3)
    assert found["answers"]["peak_mw"] == {"min": 10.0, "median": 30.0, "max": 40.0}
    assert "4 of 4 points" in done.stderr
    page = (folder / "sweep.html").read_text(encoding="utf-8")
    assert "parcoords" in page
    assert "http://" not in page.split("</script>")[-1]

    engine.stop_after = 0
    nothing = swept(study, "--resume")
    assert nothing.exit_code == 0
    assert "4 of 4 rows, 1 failed, 2 of 3 feasible" in nothing.stdout
    assert "small.yaml: damping.0." in nothing.stdout
    assert swept(study, "--force").exit_code == 130
    assert Store.open(folder, cli_header(study)).done() == frozenset()


def cli_header(study):
    from clustersim.study.sweep.study import load_study
    from clustersim.study.sweep.sweep import lay_out

    return lay_out(load_study(study)).header


def test_a_full_disk_is_told_and_what_was_written_stays(engine, study, monkeypatch):
    append = Store.append
    calls = []

    def full(self, outcomes):
        calls.append(len(outcomes))
        if len(calls) > 1:
            raise InputError(f"{self.folder}: cannot be written: No space left on device")
        append(self, outcomes)

    monkeypatch.setattr("clustersim.study.sweep.collect.MOST", 1)
    monkeypatch.setattr(Store, "append", full)
    broken = swept(study)
    assert broken.exit_code == 2
    assert "No space left on device" in broken.stderr
    monkeypatch.setattr(Store, "append", append)
    done = swept(study, "--resume", "--json")
    assert json.loads(done.stdout)["rows"] == 4
    assert "4 of 4 points" in done.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--address", "tcp://x:1"), "--address: expected with --engine dask"),
        (("--force", "--resume"), "--force: begins anew"),
        (("--set", "job.modell=x"), "did you mean 'model'"),
        (("--set", "damping.0.time_constant=1 s"), "is an axis"),
    ],
)
def test_options_that_do_not_go_together(engine, study, options, told):
    refused = swept(study, *options)
    assert refused.exit_code == 2
    assert told in refused.stderr
    assert not (study.parent / "out").exists()


def test_an_unknown_study_names_the_shipped_ones(tmp_path):
    refused = CliRunner().invoke(app, ["sweep", "smoothing_flor"])
    assert refused.exit_code == 2
    assert "smoothing_floor" in refused.stderr
