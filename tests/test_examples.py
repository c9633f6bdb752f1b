"""Every example runs and prints what is written beside it, and the page on Python shows that.

All run in this process, so that they share imports and compiled kernels. ``make examples`` runs these tests, ``make
test`` the others; ``UPDATE_EXAMPLES=1 make examples`` writes the outputs anew, to be read before they are committed.
"""

import os
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
OF_THE_PAGE = ("plan_capacity", "size_a_battery", "one_or_three", "smoothing_floor", "assess_a_meter")
"""Examples that docs/python.md works through."""


@pytest.mark.examples
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_output(path, capsys):
    runpy.run_path(str(path), run_name="__main__")
    printed = capsys.readouterr().out
    golden = path.with_suffix(".out")
    if os.environ.get("UPDATE_EXAMPLES"):
        golden.write_text(printed, encoding="utf-8")
    assert printed == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", OF_THE_PAGE)
def test_the_page_shows_what_it_prints(name):
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    printed = (ROOT / "examples" / f"{name}.out").read_text(encoding="utf-8")
    assert f"](../examples/{name}.py)" in page
    assert f"```text\n{printed}```" in page


def test_there_are_examples():
    assert {path.stem for path in EXAMPLES} >= {*OF_THE_PAGE}
