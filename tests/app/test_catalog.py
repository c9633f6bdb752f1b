"""The Catalog page: search and filters, links that are safe to open, rules and keys."""

from __future__ import annotations

import pytest
import yaml

from clustersim.catalog.listing import rows


def figures(at):
    return at.dataframe[0].value


def test_every_figure_is_there(open_page):
    at = open_page("catalog")
    known = rows()
    assert len(figures(at)) == len(known)
    assert list(figures(at)["value"]) == [row["value"] for row in known]
    assert any(f"{len(known):,} of {len(known):,} figures" in one.value for one in at.caption)


def test_words_and_filters_narrow_them_down(open_page):
    at = open_page("catalog")
    at.text_input(key="catalog-figures-search").set_value("h100 TDP").run()
    assert {"H100-SXM"} <= set(figures(at)["entry"])
    assert all("tdp" in " ".join(row).lower() for row in figures(at).fillna("").astype(str).to_numpy())
    at.selectbox(key="catalog-kind").set_value("accelerators").run()
    assert set(figures(at)["kind"]) == {"accelerators"}
    at.text_input(key="catalog-figures-search").set_value("").run()
    at.selectbox(key="catalog-confidence").set_value("measured").run()
    kept = [row for row in rows("accelerators") if row["confidence"] == "measured"]
    if kept:
        assert len(figures(at)) == len(kept)
    else:
        assert any("No figure has all of that" in one.value for one in at.markdown)


def test_a_source_is_chosen(open_page):
    at = open_page("catalog")
    title = figures(at)["title"].iloc[0]
    at.selectbox(key="catalog-source").set_value(title).run()
    assert set(figures(at)["title"]) == {title}


def test_nothing_found_is_said(open_page):
    at = open_page("catalog")
    at.text_input(key="catalog-figures-search").set_value("<script>nothing</script>").run()
    assert not at.dataframe
    assert any("No figure has all of that" in one.value for one in at.markdown)


def test_the_filters_come_back_from_the_address(open_page, small_link):
    at = open_page("catalog", **{"link": small_link, "catalog-kind": "traces"})
    at.run()
    assert at.selectbox(key="catalog-kind").value == "traces"


def test_what_the_run_in_hand_has_read(open_page, results_folder, tmp_path, small_link):
    import shutil

    shutil.copytree(results_folder, tmp_path / "results")
    folder = next((tmp_path / "results").glob("small-*"))
    first = rows()[0]
    line = f"{first['kind']},{first['entry']},{first['figure']},1,measured,X,a title,https://x.example,2020\n"
    (folder / "sources.csv").write_text((folder / "sources.csv").read_text() + line)
    at = open_page("catalog", results=tmp_path / "results", link=small_link)
    at.toggle(key="catalog-used").set_value(True).run()
    assert figures(at)[["kind", "entry", "figure"]].to_numpy().tolist() == [
        [first["kind"], first["entry"], first["figure"]]
    ]


def test_a_run_that_kept_no_sources_says_so(open_page, results_folder, tmp_path, small_link):
    import shutil

    shutil.copytree(results_folder, tmp_path / "results")
    next((tmp_path / "results").glob("small-*")).joinpath("sources.csv").unlink()
    at = open_page("catalog", results=tmp_path / "results", link=small_link)
    at.toggle(key="catalog-used").set_value(True).run()
    assert any("not known" in one.value for one in at.warning)


def test_rules_and_keys_are_searched(open_page):
    from clustersim.summary_keys import summary_keys

    at = open_page("catalog")
    at.segmented_control(key="catalog-view").set_value("Rules").run()
    everything = len(at.dataframe[0].value)
    at.selectbox(key="catalog-pack").set_value("southern").run()
    assert 0 < len(at.dataframe[0].value) < everything
    at.text_input(key="catalog-rules-search").set_value("no such rule").run()
    assert not at.dataframe
    at.segmented_control(key="catalog-view").set_value("Keys of the summary").run()
    assert list(at.dataframe[0].value["key"]) == list(summary_keys())
    at.text_input(key="catalog-keys-search").set_value("swing_mw").run()
    assert "swing_mw" in set(at.dataframe[0].value["key"])
    at.text_input(key="catalog-keys-search").set_value("no such key").run()
    assert not at.dataframe


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https://x.example/\"onclick=", "", None,
     "https://x.example/ y", "//x.example", "vbscript:x", "HTTPS:javascript"],
)  # fmt: skip
def test_addresses_that_are_not_of_the_web_are_not_opened(address):
    from clustersim.report.catalog_tables import opened

    assert opened(address) is None


def test_a_hostile_overlay_shows_as_text_and_opens_nothing(tmp_path):
    from clustersim.catalog import use_overlays
    from clustersim.report.catalog_tables import figures_table, found_in

    path = tmp_path / "over.yaml"
    figure = {"tdp": {"value": "1 W", "source": "X", "confidence": "measured"}}
    body = {
        "accelerators": {
            "sources": {"X": {"title": "<b>t</b>", "url": "javascript:alert(1)"}},
            "entries": {"<script>x</script>": {"figures": figure}},
        }
    }
    path.write_text(yaml.safe_dump(body))
    use_overlays([path])
    try:
        found = found_in(figures_table(), "<script>")
    finally:
        use_overlays([])
    assert found["link"].tolist() == [None]
    assert found["title"].tolist() == ["<b>t</b>"]


def test_all_shipped_addresses_are_of_the_web():
    from clustersim.catalog.store import kinds, sources
    from clustersim.report.catalog_tables import opened

    addresses = [one.url for kind in kinds() for one in sources(kind).values() if one.url]
    assert addresses
    assert [one for one in addresses if opened(one) != one] == []
