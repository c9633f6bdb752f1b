"""What was made of figures is made again when the figures change."""

import ast
import gc
from pathlib import Path

import pytest

import clustersim
from clustersim.catalog import catalog_cache, entry, use_overlays
from clustersim.plant.battery_cells import pack_of
from clustersim.report.preset_gallery import gallery_file
from clustersim.study.sizing import tasks
from clustersim.study.sizing.space import Design

PACKAGE = Path(clustersim.__file__).parent
OVERLAY = """
batteries:
  sources: {TEST: {title: a test}}
  entries:
    NAME: {figures: {round_trip_efficiency: {value: 90 %, source: TEST, confidence: estimate}}}
"""
CACHES = {"cache", "lru_cache"}
LOOK_UPS = {"entry", "entries", "capping_of", "catalog_digest"}


@pytest.fixture(autouse=True)
def _as_shipped():
    yield
    use_overlays(())


def test_values_made_of_figures_follow_an_overlay(tmp_path):
    shipped = pack_of("megapack_2xl")
    file = tmp_path / "over.yaml"
    file.write_text(OVERLAY.replace("NAME", entry("batteries", "megapack_2xl").name))
    use_overlays([file])
    assert pack_of("megapack_2xl") != shipped
    use_overlays(())
    assert pack_of("megapack_2xl") == shipped


def test_what_was_prepared_for_sizing_goes_with_the_overlays(monkeypatch):
    """Its key says nothing of the figures: the same file may hold others when it is laid on again."""
    monkeypatch.setitem(tasks._kept, ("{}", Design(), True), None)
    use_overlays(())
    assert not tasks._kept


def test_the_name_of_a_gallery_follows_an_overlay(tmp_path):
    shipped = gallery_file(tmp_path)
    file = tmp_path / "over.yaml"
    file.write_text(OVERLAY.replace("NAME", entry("batteries", "megapack_2xl").name))
    use_overlays([file])
    assert gallery_file(tmp_path) != shipped
    use_overlays(())
    assert gallery_file(tmp_path) == shipped


def test_a_function_is_called_once_for_the_same_arguments():
    calls = []

    @catalog_cache
    def counted(value):
        calls.append(value)
        return value

    assert [counted(1), counted(1), counted(2)] == [1, 1, 2]
    assert calls == [1, 2]


def _parsed(path):
    """Return the tree of a module.

    The parser of CPython 3.11 may not be entered twice (python/cpython#106905): where garbage of an earlier test, a
    socket left open say, is collected while it reads, pytest words the warning, and its traceback is parsed too.
    """
    gc.disable()
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    finally:
        gc.enable()


def _name(node):
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def test_no_cache_of_functools_holds_figures():
    """A function that looks figures up itself is kept by `catalog.catalog_cache`, which an overlay empties."""
    for path in PACKAGE.rglob("*.py"):
        if path == PACKAGE / "catalog" / "store.py":
            continue
        for node in ast.walk(_parsed(path)):
            if isinstance(node, ast.FunctionDef) and CACHES & {_name(one) for one in node.decorator_list}:
                called = {_name(one) for one in ast.walk(node) if isinstance(one, ast.Call)}
                assert not called & LOOK_UPS, f"{path.name}: {node.name}"
