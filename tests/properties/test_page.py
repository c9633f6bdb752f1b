"""The page of the properties and their tests agree."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "models" / "properties.md"
NAMED = sorted(set(re.findall(r"`([a-z_]+/test_[a-z_0-9]+\.py)::(test_[a-z_0-9]+)`", PAGE.read_text(encoding="utf-8"))))


ROWS = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]


def functions_in(path):
    """Return the tests of a module by name, and the decorators that it gives names to."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    tests = {node.name: node for node in body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}
    return tests, {
        node.targets[0].id: node.value
        for node in body
        if isinstance(node, ast.Assign) and hasattr(node.targets[0], "id")
    }


def names_in(path):
    return set(functions_in(path)[0])


def inputs_of(file, name):
    """Return what the page has to say of the inputs of a test: `cases`, `drawn`, or `drawn, N` of a fixed number."""
    tests, named = functions_in(ROOT / "tests" / file)
    calls = [named.get(one.id) if isinstance(one, ast.Name) else one for one in tests[name].decorator_list]
    calls = [one for one in calls if isinstance(one, ast.Call)]
    if not [one for one in calls if getattr(one.func, "id", "") == "given"]:
        return "cases"
    numbers = [
        key.value.value
        for one in calls if getattr(one.func, "id", "") == "settings"
        for key in one.keywords if key.arg == "max_examples" and isinstance(key.value, ast.Constant)
    ]  # fmt: skip
    return f"drawn, {numbers[0]}" if numbers else "drawn"


@pytest.mark.parametrize(("file", "name"), NAMED, ids=lambda part: part)
def test_every_test_that_the_page_names_is_there(file, name):
    assert name in names_in(ROOT / "tests" / file)


@pytest.mark.parametrize(
    "path", sorted(path for path in Path(__file__).parent.glob("test_*.py") if path.name != "test_page.py"),
    ids=lambda path: path.stem,
)  # fmt: skip
def test_the_page_names_every_property(path):
    named = {name for file, name in NAMED if file == f"properties/{path.name}"}
    assert names_in(path) == named


def test_rows_are_whole():
    """Kind, property, tolerance, where it holds, inputs, test."""
    assert len(ROWS) > 100
    assert {line.count(" | ") for line in ROWS} == {5}


def test_rows_say_which_inputs_their_tests_have():
    """Drawn inputs are drawn, and a number that no profile changes is told."""
    rows = [line.strip("| ").split(" | ") for line in ROWS if "::test_" in line]
    told = {row[-1].strip("`"): row[-2] for row in rows}
    assert told == {test: inputs_of(*test.split("::")) for test in told}
    assert set(told.values()) > {"drawn", "cases"}
