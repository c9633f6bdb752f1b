"""The shipped packs as text, data and Markdown."""

from pathlib import Path

import pytest

from clustersim.errors import InputError
from clustersim.limits import pack, pack_names
from clustersim.report.rules import packs_data, packs_text, parameters, rules_markdown

PAGE = Path(__file__).resolve().parents[2] / "docs" / "models" / "limits.md"


def test_every_pack_is_listed_with_its_status():
    text = packs_text()
    assert all(name in text for name in pack_names())
    assert "utility practice" in text
    data = packs_data()["packs"]
    assert [one["pack"] for one in data] == list(pack_names())
    assert all(rule["source"] and rule["status"] for one in data for rule in one["rules"])


def test_a_pack_shows_its_rules_with_parameters_and_source():
    text = packs_text("choukse_example")
    assert "choukse-band-energy: band energy <= 20 % (0.1 Hz to 20 Hz)" in text
    assert "illustrative, reported. Choukse et al." in text
    assert [parameters(rule) for rule in pack("itic")][0] == "0 pu for 20 ms, 0.7 pu for 0.5 s, 0.8 pu for 10 s"
    with pytest.raises(InputError, match="did you mean 'spp'"):
        packs_data("sp")


def test_the_page_on_limits_holds_the_table():
    """After a change of a rule: python -m clustersim.report.rules."""
    if not PAGE.is_file():
        pytest.skip("the pages are not beside the package")
    assert rules_markdown() in PAGE.read_text(encoding="utf-8")
