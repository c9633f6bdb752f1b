"""The overview: verdict, headline figures, map, what is public, the gallery of presets."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from clustersim.report.headline import QUESTIONS, verdict_of
from clustersim.report.preset_gallery import PresetSize, gallery_file
from clustersim.report.words import short_answer
from clustersim.scenario import shipped_names

FACTS = Path(__file__).resolve().parents[2] / ".." / "shared" / "facts"


def shown(at):
    """Return all text of a page."""
    return " ".join(one.value for kind in ("markdown", "caption", "warning", "success", "info") for one in at.get(kind))


def unescaped(text):
    return text.replace("\\", "")


@pytest.fixture
def with_gallery(results_folder):
    """The gallery of shipped presets, as a worker process leaves it."""
    file = gallery_file(results_folder)
    sizes = {name: PresetSize(1000 + at, 1.5, 1 + at % 2) for at, name in enumerate(shipped_names("scenarios"))}
    places = (
        {"name": "here", "title": "Here <b>", "sites": [{"name": "a", "lat": 35.0, "lon": -90.0, "mw": 5.0}]},
        {"name": "nowhere", "title": "Nowhere", "sites": []},
    )
    file.parent.mkdir(exist_ok=True)
    tree = {
        "sizes": {name: asdict(size) for name, size in sizes.items()},
        "places": [p | {"fibre": []} for p in places],
    }
    file.write_text(json.dumps(tree), encoding="utf-8")
    yield sizes
    file.unlink()


def test_the_verdict_is_that_of_the_table(open_page, small_result):
    at = open_page("overview")
    said = unescaped(next(iter([*at.warning, *at.success, *at.info])).value)
    assert verdict_of(small_result).words in said
    passed = list(small_result.verdict["passed"])
    if small_result.summary["rules_failed"]:
        assert f"{small_result.summary['rules_failed']} rule" in said
        assert f"in {passed.count(False)} of {sum(one is not None for one in passed)} checks" in said
        assert said.startswith("**No")


def test_numbers_are_those_of_the_summary(open_page, small_result):
    at = open_page("overview")
    keys = [(key, label) for one in QUESTIONS for key, label in one.answers]
    wanted = [f"{label}  \n**{short_answer(key, small_result.summary.get(key))}**" for key, label in keys]
    found = [one for one in at.markdown if "  \n**" in one.value]
    assert [unescaped(one.value) for one in found] == wanted
    assert all(one.help.startswith(f"`{key}`") for one, (key, _) in zip(found, keys, strict=True))


def test_the_map_is_an_image_and_nothing_is_drawn_by_plotly(open_page):
    at = open_page("overview")
    assert len(at.image) == 1
    # each of these makes the browser load a library before it can show anything
    assert not [kind for kind in ("plotly_chart", "metric", "table", "dataframe") if at.get(kind)]
