"""Whose the rules of a verdict are, in every place that shows it."""

import copy
import dataclasses

from clustersim.report.headline import verdict_of
from clustersim.report.issuers import foreign_rules, issuer_name, standing
from clustersim.report.sections.plant import verdict_table
from clustersim.report.text import summary_text
from clustersim.report.verdict_rows import verdict_rows

ELSEWHERE = "ERCOT, of another operator, for comparison"


def _at(result, **grid):
    """The same result at a site on another grid."""
    scenario = copy.deepcopy(result.scenario)
    for plant in scenario["topology"]["electrical"].values():
        plant["grid"] |= grid
    return dataclasses.replace(result, scenario=scenario)


def test_rules_of_other_operators_are_told_at_memphis(small_result):
    found = foreign_rules(small_result)
    assert found["ercot-5s-range"] == ELSEWHERE
    assert found["southern-ramp"].startswith("Southern Company, of another")
    assert not {"flicker-pst", "choukse-band-energy", "equipment-rating"} & set(found)


def test_a_rule_is_its_own_operators_at_home(small_result):
    texas = _at(small_result, system="texas_interconnection", point="abilene_345kv")
    assert "ercot-5s-range" not in foreign_rules(texas)
    georgia = _at(small_result, point="fayetteville_230kv")
    assert "southern-ramp" not in foreign_rules(georgia)
    nobody = _at(small_result, point="us_138kv")
    assert foreign_rules(nobody)["southern-ramp"] == "Southern Company, whether it applies here is not known"


def test_a_grid_that_the_catalog_lacks_has_no_known_operator(small_result):
    assert foreign_rules(_at(small_result, point="of an overlay"))["southern-ramp"].endswith("is not known")


def test_the_users_own_rules_are_asked_here(small_result):
    row = small_result.verdict.to_dict("records")[0] | {"status": "user"}
    assert issuer_name(row) == "the user"
    assert standing(small_result, row) == "here"


def test_every_view_says_it(small_result):
    text = " ".join(summary_text(small_result).split())
    assert f"rule of {ELSEWHERE}: ercot-5s-range" in text
    rows = verdict_rows(small_result).set_index("rule")
    assert rows.loc["ercot-5s-range", "issuer"] == "ERCOT"
    assert rows.loc["ercot-5s-range", "applies"] == "of another operator, for comparison"
    assert rows.loc["flicker-pst", "applies"] == ""
    (told,) = [
        row[-1]
        for row in verdict_table(small_result.verdict, foreign_rules(small_result)).rows
        if row[1] == "ercot-5s-range"
    ]
    assert f"Rule of {ELSEWHERE}" in told


def test_the_headline_counts_what_is_not_the_sites_own(small_result):
    only = small_result.verdict[small_result.verdict["rule"] == "ercot-5s-range"].copy()
    only["passed"] = False
    said = verdict_of(dataclasses.replace(small_result, verdict=only, summary=small_result.summary))
    assert "not the site's own operator's, for comparison" in said.words


def test_a_broken_rule_of_an_operator_counts_wherever_the_site_is(small_result):
    """What the site's own operator asks may be as strict; at a point where nobody is named it may be that rule."""
    only = small_result.verdict[small_result.verdict["rule"] == "southern-ramp"].copy()
    only["passed"] = False
    summary = {**small_result.summary, "cooling_shortfall_mw": 0.0}
    elsewhere = verdict_of(dataclasses.replace(small_result, verdict=only, summary=summary))
    assert elsewhere.in_force
    assert elsewhere.words.endswith("It is not the site's own operator's, for comparison.")
    unknown = verdict_of(dataclasses.replace(_at(small_result, point="us_138kv"), verdict=only, summary=summary))
    assert unknown.in_force
    assert unknown.words.endswith("Whether southern-ramp applies here is not known.")
    assert "for comparison" not in unknown.words
