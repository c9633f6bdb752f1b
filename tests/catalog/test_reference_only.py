"""Entries that nothing reads say so, and those that say so are read by nothing."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest
import yaml

from clustersim import catalog
from clustersim.catalog.listing import REFERENCE_ONLY, rows
from clustersim.report.place import catalog_text

ROOT = Path(__file__).resolve().parents[2]
READERS = {"entry", "entries", "figure", "_price", "price_of", "energy_price"}
"""Functions whose first words are a kind of the catalog and the name of an entry."""
SHIPPED = ("scenarios", "topologies", "studies", "examples")


@cache
def code():
    """Return the nodes of every module, module by module."""
    parsed = (ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "clustersim").rglob("*.py"))
    return [list(ast.walk(tree)) for tree in parsed]


@cache
def reads():
    """What code asks the catalog for: (kind, entry) where both stand as text, (kind, None) where the name is found."""
    found = set()
    for nodes in code():
        named = {
            one.targets[0].id: one.value.value
            for one in nodes[0].body
            if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant)
        }
        for call in nodes:
            if isinstance(call, ast.Call) and call.args and called(call) in READERS:
                kind, name = ([*(text(one, named) for one in call.args[:2]), None])[:2]
                found.add((kind, name))
    return found


def called(call):
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def text(node, named):
    """Text of a constant, or of a name of the module that stands for one; else None."""
    if isinstance(node, ast.Name):
        return named.get(node.id)
    return node.value if isinstance(node, ast.Constant) else None


def strings():
    """Every text that stands in code, or is a value in a shipped file or a property of the catalog."""
    for nodes in code():
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
    for folder in SHIPPED:
        for path in (ROOT / folder).rglob("*.yaml"):
            yield from leaves(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))


def leaves(tree):
    if isinstance(tree, dict):
        for value in tree.values():
            yield from leaves(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from leaves(value)
    elif isinstance(tree, str):
        yield tree


NAMED_IN_CODE = ("transients", "networks", "electrical", "generation")
"""Kinds of which no name is found: code asks for each entry by its name, or for none."""


@pytest.mark.parametrize("kind", NAMED_IN_CODE)
def test_of_a_kind_named_in_code_the_entries_that_no_code_names_are_for_reference(kind):
    assert (kind, None) not in reads()
    entries = catalog.entries(kind)
    assert {name for name, one in entries.items() if one.reference_only} == {
        name for name in entries if (kind, name) not in reads()
    }


def test_what_is_for_reference_is_named_nowhere():
    marked = [one for kind in catalog.kinds() for one in catalog.entries(kind).values() if one.reference_only]
    elsewhere = set(strings())
    named = {(one.kind, one.name) for one in marked if one.kind not in NAMED_IN_CODE and one.name in elsewhere}
    assert {one.kind for one in marked} == {*NAMED_IN_CODE, "prices"}
    assert named == set()
    # nor can a scenario name one: a price that it may choose is the figure `price`
    assert not [one.name for one in marked if one.kind == "prices" and one.has("price")]


def test_the_listing_says_it():
    use = {row["entry"]: row["use"] for row in rows("networks")}
    assert (use["fabric_fairwater"], use["fibre"]) == (REFERENCE_ONLY, "")
    told = catalog_text(rows("networks"), kinds_only=False)
    assert "fabric_fairwater  (reference only: no run reads it)\n" in told
    assert "fibre\n" in told
