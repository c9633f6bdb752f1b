"""Counts that several pages give agree with one another and with what is counted."""

import csv
import re
from pathlib import Path

from tests.plant import test_bus, test_governors

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def number(page, words):
    """Return the number that stands for ``(\\S+)`` in the words of a page, where they stand once."""
    (found,) = re.findall(words, (ROOT / page).read_text(encoding="utf-8"))
    return NUMBERS.index(found) if found in NUMBERS else int(found.replace(",", ""))


def test_figures_of_public_systems():
    for words in (r"(\d+) figures of \d+ scenarios", r"\d+ figures of (\d+) scenarios"):
        counted = number("docs/expectations.md", words)
        assert number("CHANGELOG.md", words) == counted
    assert number("docs/roadmap.md", r"(\d+) scenarios, \d+ figures;") == counted
    assert number("docs/roadmap.md", r"scenarios, (\d+) figures;") == number(
        "docs/expectations.md", r"(\d+) figures of \d+ scenarios"
    )


def test_cases_of_the_lumped_bus():
    """Those of a classical machine, those in which flux decay does not count, and the governors'; a battery apart."""
    cases = sum(
        len(mark.args[1])
        for test in (
            test_bus.test_classical_machine_equals_andes,
            test_bus.test_flux_decay_does_not_move_the_frequency_of_a_constant_power_load,
            test_governors.test_steam_turbine_equals_andes,
        )
        for mark in test.pytestmark
        if mark.name == "parametrize"
    )
    assert number("docs/roadmap.md", r"(\S+) cases of the lumped bus") == cases
    assert number("README.md", r"(\S+) cases of ANDES and one beside a battery") == cases


def test_figures_of_reliability():
    """Every page that says how many are predicted says of how many."""
    scored = number("docs/validation_reliability.md", r"\| all rows \| (\d+) \|")
    assert number("docs/roadmap.md", r"of all (\d+) scored rows") == scored
    assert number("docs/roadmap.md", r"\d+ of (\d+) published figures of reliability") == scored
    assert number("docs/models/reliability_validation.md", r"(\d+) rows that are scored") == scored


def test_rows_of_the_table_of_reliability(reference):
    with (reference / "reliability.csv").open(encoding="utf-8", newline="") as file:
        assert number("docs/errors.md", r"(\d+) figures of reliability") == len(list(csv.DictReader(file)))
