"""The verbs sensitivity, uncertainty and pareto on stores of known functions, and what they refuse."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from clustersim import catalog
from clustersim.cli import app
from clustersim.cli import sensitivity as cli_sensitivity
from clustersim.study.sensitivity import catalog_bands
from tests.study.sensitivity.stores import written


def called(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def answer(tau, batch, nothing, seed):
    return tau * batch


@pytest.mark.parametrize(
    ("combine", "samples", "word"),
    [("one_at_a_time", None, "elasticity"), ("saltelli", 32, "first order"), ("latin_hypercube", 32, "rank corr")],
)
def test_sensitivity_tells_what_the_points_allow(tmp_path, combine, samples, word):
    store = written(tmp_path / "s", answer, combine, samples=samples)
    page = tmp_path / "page.html"
    done = called("sensitivity", store, "--key", "y", "--html", page)
    assert done.exit_code == 0, done.output
    assert word in done.stdout
    assert "tau_s" in done.stdout
    assert "What moves y" in page.read_text(encoding="utf-8")
    data = json.loads(called("sensitivity", store, "--key", "y", "--json").stdout)
    assert data["combine"] == combine
    names = [row["input"] for row in data["keys"]["y"]["inputs"]]
    assert set(names[:2]) == {"tau_s", "batch"}
    assert done.stdout == called("sensitivity", store, "--key", "y").stdout


def test_pareto_shows_the_front_and_writes_it(tmp_path):
    store = written(tmp_path / "s", answer, "latin_hypercube", samples=16)
    rows = tmp_path / "front.csv"
    done = called("pareto", store, "y:min", "tau_s:max", "--csv", rows, "--html", tmp_path / "f.html", "--json")
    assert done.exit_code == 0, done.output
    front = json.loads(done.stdout)["front"]
    values = np.array([(row["y"], row["tau_s"]) for row in front])
    assert (np.diff(values[:, 0]) >= 0.0).all()
    assert (np.diff(values[:, 1]) >= 0.0).all()
    assert len(rows.read_text(encoding="utf-8").splitlines()) == len(front) + 1


@pytest.mark.parametrize(
    "words", [("sensitivity", "--key", "yy"), ("pareto", "y:min"), ("pareto", "y:min", "tau_s:most")]
)
def test_wrong_words_end_with_2_and_write_nothing(tmp_path, words):
    store = written(tmp_path / "s", answer, "latin_hypercube", samples=16)
    done = called(words[0], store, *words[1:], "--html", tmp_path / "p.html")
    assert done.exit_code != 0
    assert not (tmp_path / "p.html").exists()


def test_uncertainty_draws_the_figures_that_were_read(tmp_path, small_scenario, monkeypatch):
    name, figure = next(
        (name, figure)
        for name, entry in catalog.entries("cooling").items()
        for figure, told in entry.figures.items()
        if told.low < told.high
    )
    asked = []

    def fake_sweep(scenario, tree, folder, *_):
        asked.append(tree)
        written(folder / "store", answer, "latin_hypercube", samples=tree["samples"])

    monkeypatch.setattr(
        catalog_bands, "figures_read", lambda *_: ((catalog.Read("cooling", name, figure),), {"y": 1.0})
    )
    monkeypatch.setattr(cli_sensitivity, "own_sweep", fake_sweep)
    done = called("uncertainty", small_scenario, "--samples", 16, "--key", "y", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert "BANDS" in done.stdout
    assert list(asked[0]["axes"]) == [f"catalog.cooling.{name}.{figure}"]
    assert asked[0]["keys"] == ["y"]
