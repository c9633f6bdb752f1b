"""The page of the properties and their tests agree."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "models" / "properties.md"
NAMED = sorted(set(re.findall(r"`([a-z_]+/test_[a-z_0-9]+\.py)::(test_[a-z_0-9]+)`", PAGE.read_text(encoding="utf-8"))))


def names_in(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


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
    """Kind, property, tolerance, where it holds, test."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert len(rows) > 100
    assert {line.count(" | ") for line in rows} == {4}
