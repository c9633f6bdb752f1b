"""The verbs report and cite."""

import json
import re

import pandas as pd
import pytest
from typer.testing import CliRunner

from clustersim import catalog
from clustersim.cli import app
from clustersim.study import references


def invoke(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def folder(small_result, small_page, tmp_path_factory):
    """The result folder of the small run as the command line writes it."""
    with catalog.recorded() as reads:
        catalog.entry("accelerators", "H100").si("tdp")
        catalog.entry("ride_through", "ups_counter").si("count_limit")
    extra = {"report.html": small_page, references.FILE: references.figure_sources(reads).to_csv(index=False)}
    return small_result.save(tmp_path_factory.mktemp("results") / f"small-{small_result.run_id}", extra)


def test_report_writes_the_page(folder, small_page, tmp_path):
    done = invoke("report", folder, "--to", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "report.html").read_text(encoding="utf-8") == small_page
    assert invoke("report", folder, "--for", "nobody").exit_code == 2
    assert invoke("report", folder, "--set", "seed=2").exit_code == 2


def test_a_report_reproduces_its_run(folder, small_result):
    out = folder.parent
    page = folder / "report.html"
    done = invoke("run", page, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["run_id"] == small_result.run_id
    assert told["reused"]
    link = re.search(r"clustersim:run=[^<\s]+", page.read_text(encoding="utf-8")).group().replace("&amp;", "&")
    assert json.loads(invoke("run", link, "--out", out, "--json").stdout)["run_id"] == small_result.run_id
    assert json.loads(invoke("run", folder, "--out", out, "--json").stdout)["run_id"] == small_result.run_id
    broken = invoke("run", link[:-20], "--out", out)
    assert broken.exit_code == 2
    assert "damaged" in broken.stderr


def test_cite_names_every_source_once(folder):
    text = invoke("cite", folder)
    assert text.exit_code == 0, text.output
    assert "2 figures of the catalog read" in text.stdout
    assert "accelerators/H100-SXM.tdp" in text.stdout
    assert "docs/models/plant.md" in text.stdout
    data = json.loads(invoke("cite", folder, "--json").stdout)
    assert {row["figure"] for row in data["figures"]} == {"tdp", "count_limit"}
    # a figure of two sources has two rows
    assert len([row for row in data["figures"] if row["figure"] == "count_limit"]) == 2
    assert {row["page"] for row in data["methods"]} >= {"docs/models/training.md", "docs/models/battery.md"}
    assert "docs/models/fleet.md" not in {row["page"] for row in data["methods"]}
    bibtex = invoke("cite", folder, "--bibtex").stdout
    keys = re.findall(r"@misc\{([^,]+),", bibtex)
    assert len(keys) == len(set(keys)) > 5
    assert bibtex.count("{") == bibtex.count("}")
    assert invoke("cite", folder, "--bibtex", "--json").exit_code == 2


def test_sources_of_a_damaged_table(folder, tmp_path):
    bad = tmp_path / references.FILE
    pd.DataFrame({"a": [1]}).to_csv(bad, index=False)
    with pytest.raises(references.InputError, match="expected the columns"):
        references.read_sources(bad)


def test_every_page_of_a_model_that_is_cited_is_there():
    from pathlib import Path

    root = Path(__file__).resolve().parents[2]
    known = catalog.store.sources("methods")
    for one in catalog.entries("methods").values():
        assert (root / one.properties["page"]).is_file(), one.name
        assert set(one.properties["references"]) <= set(known), one.name
    assert set(known) == {name for one in catalog.entries("methods").values() for name in one.properties["references"]}


@pytest.mark.soak
def test_a_run_reads_what_it_is_said_to_assume(small_scenario):
    """Every assumed figure of storage and governors that a run lists is one that it read."""
    from clustersim.scenario import load_scenario

    result, figures = references.run_recorded(load_scenario(small_scenario))
    read = {f"catalog.{row.kind}.{row.entry}.{row.figure}" for row in figures.itertuples()}
    assert len(read) > 200
    listed = [key for key in result.assumed["key"] if key.startswith(("catalog.governors", "catalog.batteries"))]
    assert listed
    assert set(listed) <= read
