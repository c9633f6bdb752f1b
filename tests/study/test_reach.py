"""What a summary key is said to depend on: no kind of the catalog moves a key that does not name it."""

import pytest

from clustersim import catalog, units
from clustersim.scenario import load_scenario
from clustersim.study.sensitivity.catalog_bands import banded, figures_read
from clustersim.study.sensitivity.levers import reach
from clustersim.study.steady import steady_answer
from clustersim.study.sweep.catalog_axes import figure_of, overlaid
from clustersim.summary_keys import summary_keys


def _at_high_end(key):
    figure = catalog.entry(*figure_of(key)[:2]).figure(figure_of(key)[2])
    if figure.unit == "1":
        return figure.high
    table = next(table for table in units.TABLE.values() if figure.unit in table)
    return f"{figure.high / table[figure.unit]!r} {figure.unit}"


@pytest.mark.soak
def test_no_kind_moves_a_key_that_does_not_name_it(small_scenario):
    scenario = load_scenario(small_scenario)
    reads, before = figures_read(scenario, "steady")
    numbers = [key for key, value in before.items() if isinstance(value, float) and key in summary_keys()]
    moved_at_all = set()
    for kind in sorted({read.kind for read in reads}):
        changes = {key: _at_high_end(key) for key in banded(read for read in reads if read.kind == kind)}
        with overlaid(changes):
            after = steady_answer(scenario).summary
        moved = {key for key in numbers if after[key] is not None and after[key] != pytest.approx(before[key])}
        assert {key for key in moved if kind not in reach(key)[0]} == set(), kind
        moved_at_all |= moved
    assert {"usd_per_million_tokens", "swing_mw", "iteration_time_s"} <= moved_at_all
