"""The overview: verdict, headline figures, map, what is public, the gallery of presets."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from clustersim.background.records import State
from clustersim.errors import InputError
from clustersim.report.headline import QUESTIONS, questions, short_verdict, verdict_of
from clustersim.report.map_places import MappedFibre, MappedPlace, MappedSite
from clustersim.report.preset_gallery import PresetGallery, PresetSize, gallery_file, load_gallery, save_gallery
from clustersim.report.words import counted, short_answer
from clustersim.scenario import load_any, located, shipped_names
from clustersim.scenario.expectations import Expectation
from clustersim.study.expected import expected_table
from dashboard import preset_groups, results
from tests.scenario.test_places import SITES, SYSTEMS

WITHOUT_PRESET = {"DeepSeek / High-Flyer"}
"""Fire-Flyer 2 as of 2021: nobody published which model was trained on it."""


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
    said = unescaped(next(iter([*at.error, *at.success, *at.info])).value)
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


def test_a_design_that_keeps_all_rules_or_is_not_judged_is_told_so(small_result):
    kept, unjudged = small_result.verdict.copy(), small_result.verdict.copy()
    kept["passed"], unjudged["passed"] = True, None
    enough = small_result.summary | {"cooling_shortfall_mw": 0.0}
    short = small_result.summary | {
        "cooling_shortfall_mw": 7.0, "cooling_heat_mw": 107.0, "cooling_capacity_low_mw": 90.0,
        "cooling_capacity_high_mw": 110.0, "cooling_minutes_to_alarm": 12.0,
    }  # fmt: skip
    found = verdict_of(replace(small_result, verdict=kept, summary=enough))
    assert (found.kind, found.words) == ("kept", f"No rule is broken in {len(kept)} checks.")
    found = verdict_of(replace(small_result, verdict=unjudged, summary=enough))
    assert (found.kind, found.words) == ("unjudged", "No rule could be judged.")
    found = verdict_of(replace(small_result, verdict=kept, summary=short))
    assert found.kind == "broken"
    assert found.words.endswith(
        "Cooling is 7.00 MW short: heat 107 MW, capacity 90.0 to 110 MW, with an alarm after 12.0 min."
    )


def test_rules_that_are_not_in_force_do_not_sink_a_design(small_result):
    enough = small_result.summary | {"cooling_shortfall_mw": 0.0}
    table = small_result.verdict.copy()
    table["passed"] = True
    table.loc[table["rule"] == "choukse-band-energy", "passed"] = False
    found = verdict_of(replace(small_result, verdict=table, summary=enough))
    assert (found.kind, found.in_force) == ("broken", False)
    assert found.words.endswith("choukse-band-energy. It is illustrative or proposed, not in force.")
    table.loc[table["rule"] == "southern-ramp", "passed"] = False
    found = verdict_of(replace(small_result, verdict=table, summary=enough))
    assert found.in_force
    assert "1 of them is illustrative or proposed, not in force." in found.words
    table.loc[table["rule"] == "southern-ramp", "passed"] = True
    short = small_result.summary | {
        "cooling_shortfall_mw": 7.0, "cooling_heat_mw": 107.0, "cooling_capacity_low_mw": 90.0,
        "cooling_capacity_high_mw": 110.0,
    }  # fmt: skip
    assert verdict_of(replace(small_result, verdict=table, summary=short)).in_force


def test_the_short_verdict_agrees_with_the_long_one(small_result):
    assert short_verdict(small_result.summary).kind == verdict_of(small_result).kind
    words = short_verdict({"rules_failed": 1, "rules_not_judged": 2, "cooling_shortfall_mw": 3.0}).words
    assert words == "1 rule broken, 2 not judged, cooling 3.00 MW short"


def test_public_figures_stand_beside_the_answers_in_words(open_page, results_folder, small_result):
    one = [Expectation(**row) for row in (
        {"key": "mfu", "low": "0 %", "high": "100 %", "source": "a <b> | b", "confidence": "estimate"},
        {"key": "mean_mw", "figure": "9000 MW", "source": "c", "confidence": "reported", "used": True},
    )]  # fmt: skip
    table = expected_table(one, small_result.summary, {}, 3 * 86400.0)
    folder = results_folder / f"small-{small_result.run_id}"
    kept = (folder / "expected.parquet").read_bytes()
    table.to_parquet(folder / "expected.parquet", index=False)
    results.loaded.clear()
    try:
        at = open_page("overview")
    finally:
        (folder / "expected.parquet").write_bytes(kept)
        results.loaded.clear()
    rows = [unescaped(line) for text in at.markdown for line in text.value.split("\n") if line.startswith("| ")]
    assert any(line.startswith("| mfu |") and "| inside |" in line for line in rows)
    assert any(line.startswith("| mean_mw |") and "| OUTSIDE, used in the design |" in line for line in rows)


def test_warnings_and_what_has_no_value_are_folded_and_counted(open_page, small_result):
    at = open_page("overview")
    labels = [one.label for one in at.expander]
    assert f"{counted(len(small_result.warnings), 'warning')}" in labels
    assert f"{counted(len(small_result.reasons), 'answer')} without a value" in labels
    assert f"{counted(len(small_result.assumed), 'figure')} that nobody published" in labels
    said = unescaped(" ".join(one.value for one in at.markdown))
    assert all(key in said for key in small_result.reasons)


def test_a_preset_is_opened_and_its_run_asked_for(open_page, still_queue, with_gallery):
    at = open_page("overview", **{"scenario": "gpt4_20k", "overview-group": "Google"})
    at.button(key="open-iowa_nebraska").click().run()
    assert not at.exception
    assert at.session_state["draft"].name == "iowa_nebraska"
    assert at.query_params["scenario"] in ("iowa_nebraska", ["iowa_nebraska"])
    asked = [one.request.arguments["name"] for one in still_queue.asked.values() if one.request.verb == "run"]
    assert asked[-1] == "iowa_nebraska"
    assert at.button(key="open-iowa_nebraska").disabled


def test_every_group_shows_its_presets_with_their_size(open_page, with_gallery):
    at = open_page("overview")
    groups = at.get("button_group")[0]
    for group, names in preset_groups.GROUPS.items():
        groups.set_value(group).run()
        assert not at.exception
        opened = {one.key.removeprefix("open-") for one in at.button if (one.key or "").startswith("open-")}
        assert opened == set(names)
        captions = [one.value for one in at.caption if one.value.startswith("`")]
        for name in names:
            size = with_gallery[name]
            line = next(line for line in captions if line.startswith(f"`{name}`"))
            assert f"{size.accelerators:,} accelerators" in line
            assert "1.50 MW of IT" in line
            assert line.endswith("not run yet")
        groups = at.get("button_group")[0]


def test_without_a_gallery_it_is_asked_for_and_a_failure_is_shown(open_page, still_queue):
    at = open_page("overview")
    ticket = still_queue.only("gallery")
    still_queue.becomes(ticket.id, state=State.FAILED, error="results/gallery: cannot be written", input_error=True)
    at.run()
    assert any("cannot be written" in one.value.replace("\\", "") for one in at.error)


def test_the_map_of_all_places_is_there_for_pages_and_phones(open_page, with_gallery):
    at = open_page("overview")
    drawn = next(one.proto.body for one in at.get("html") if "only-wide" in one.proto.body and "<img" in one.proto.body)
    assert drawn.count("<img") == 2
    assert drawn.count("data:image/svg+xml;base64,") == 2
    assert "<svg" not in drawn


def test_every_preset_is_in_one_group():
    grouped = [name for names in preset_groups.GROUPS.values() for name in names]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == set(shipped_names("scenarios"))


def test_a_gallery_is_read_as_it_was_written_and_a_broken_one_is_named(tmp_path):
    site = MappedSite("a", 35.0, -90.0, None, assumed=True)
    place = MappedPlace("p", "P", (site, replace(site, name="b")), (MappedFibre("a", "b", 12.0),))
    found = PresetGallery({"one": PresetSize(8, 0.01, 2)}, (place,))
    file = gallery_file(tmp_path)
    save_gallery(found, file)
    assert load_gallery(file) == found
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    file.write_text("[1]", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read as a gallery"):
        load_gallery(file)


def test_every_site_and_system_of_the_facts_has_a_preset():
    """As `tests/scenario/test_places.py` says which place is whose; a preset stands on one of these places."""
    places = {load_any(located(name, "scenarios")).topology.name for name in shipped_names("scenarios")}
    assert {name: found for name, found in SITES.items() if not found & places} == {}
    # the phases of Stargate beyond what stands at Abilene are in the interview
    systems = SYSTEMS | {"Stargate": SYSTEMS["Stargate"] | {"abilene_interview"}}
    without = {name for name, found in systems.items() if not found & places}
    assert without == WITHOUT_PRESET


def test_the_questions_of_a_measured_load_have_rows_of_their_own():
    """Rows are told apart by their first key."""
    for measured in (False, True):
        first = [one.answers[0][0] for one in questions(measured)]
        assert len(set(first)) == len(first) == 5
    assert questions(True)[0].asked == "What is the load?"
