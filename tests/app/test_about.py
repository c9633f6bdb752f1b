"""The About page: what it is, words, references, help, packages."""

from __future__ import annotations

import pytest

import clustersim
from clustersim.report.documented import evidence
from clustersim.report.glossary import glossary


def view(at, name):
    at.segmented_control(key="about-view").set_value(name).run()
    assert not at.exception, at.exception
    return at


def said(at):
    return " ".join(str(one.value) for part in (at.markdown, at.caption) for one in part)


def test_what_this_is_and_how_it_was_held_against_something(open_page):
    at = open_page("about")
    assert clustersim.__version__ in said(at)
    assert list(at.dataframe[0].value["model"]) == [row[0] for row in evidence().modelled.rows]
    assert "harmonics of the mains" in said(at)


def test_words(open_page):
    at = view(open_page("about"), "Words")
    assert dict(at.dataframe[0].value.to_numpy().tolist()) == dict(glossary())


def test_references_of_the_run_in_hand(open_page, small_result):
    at = view(open_page("about"), "Cite")
    assert any("clustersim cite" in one.value and one.value.endswith("--bibtex") for one in at.code)
    assert any(small_result.run_id in one.value for one in at.code)


def test_references_without_a_result(open_page, tmp_path):
    at = view(open_page("about", results=tmp_path, scenario="gpt4_20k"), "Cite")
    assert "No result is shown" in said(at)


@pytest.mark.parametrize("name", ["Help and privacy", "Packages"])
def test_the_other_views(open_page, name):
    at = view(open_page("about"), name)
    assert len(at.dataframe) == 1


def test_the_view_comes_back_from_the_address(open_page, small_link):
    at = open_page("about", **{"link": small_link, "about-view": "Words"})
    at.run()
    assert at.segmented_control(key="about-view").value == "Words"


def test_packages_are_those_that_the_project_names():
    import re
    import tomllib
    from pathlib import Path

    from clustersim.report.catalog_tables import NAME, licences

    project = tomllib.loads((Path(clustersim.__file__).parents[1] / "pyproject.toml").read_text())["project"]
    known = {NAME.match(line)[0] for line in project["dependencies"]}
    found = licences()
    assert set(found["package"]) <= known
    assert all(re.search(r"\d", one) for one in found["version"])
    assert "not told" not in set(found["licence"])
