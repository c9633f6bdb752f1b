"""Who issued a rule, and whether it is asked at a site."""

import pytest

from clustersim import catalog
from clustersim.errors import CatalogError
from clustersim.limits import pack, pack_names
from clustersim.limits.issuers import Issuer, grid_of, issuer_of

TEXAS, EAST = "texas_interconnection", "eastern_interconnection"


@pytest.mark.parametrize(
    ("issuer", "system", "operators", "expected"),
    [
        (Issuer("a standard"), None, (), "here"),
        (Issuer("a standard"), EAST, ("TVA",), "here"),
        (Issuer("ERCOT", (TEXAS,)), TEXAS, (), "here"),
        (Issuer("ERCOT", (TEXAS,)), EAST, ("TVA",), "elsewhere"),
        (Issuer("ERCOT", (TEXAS,)), None, (), "elsewhere"),
        (
            Issuer("Southern Company", (EAST,), ("Southern Company",)),
            EAST,
            ("Georgia Power", "Southern Company"),
            "here",
        ),
        (Issuer("Southern Company", (EAST,), ("Southern Company",)), EAST, ("MLGW", "TVA"), "elsewhere"),
        (Issuer("Southern Company", (EAST,), ("Southern Company",)), EAST, (), "unknown"),
        (Issuer("Southern Company", (EAST,), ("Southern Company",)), TEXAS, (), "elsewhere"),
    ],
)
def test_standing(issuer, system, operators, expected):
    assert issuer.standing(system, operators) == expected


def test_every_shipped_rule_says_whose_it_is():
    for name in pack_names():
        for rule in pack(name):
            issuer = issuer_of(rule.id)
            assert issuer is not None, rule.id
            assert issuer.name
            for system in issuer.systems:
                assert catalog.entry("grids", system).name == system
    assert issuer_of("a rule of mine") is None


def test_the_grid_of_a_point():
    assert grid_of("ERCOT", "abilene_345kv") == (TEXAS, ("AEP Texas", "ERCOT"))
    assert grid_of("EI", "us_138kv") == (EAST, ())
    assert grid_of(EAST, None) == (EAST, ())
    with pytest.raises(CatalogError):
        grid_of("nowhere", None)


def test_every_operator_of_an_issuer_runs_a_grid_or_is_its_own():
    """A misspelt operator would make a rule another one's everywhere."""
    known = {one for entry in catalog.entries("grids").values() for one in entry.properties.get("operators", ())}
    issuers = {issuer_of(rule.id) for name in pack_names() for rule in pack(name)}
    for issuer in issuers:
        for operator in issuer.operators:
            assert operator in known or operator == issuer.name
