"""Rows of a comparison: values as the terminal prints them, changes in arrows and words that agree with the table."""

import pytest

from clustersim.report.compare_rows import DOWN, SAME, UP, answer_rows, break_even_rows, radar_rows, waterfall_rows
from clustersim.report.words import answer
from clustersim.study.compare import compare, waterfalls
from tests.study.compare.conftest import made


@pytest.fixture(scope="module")
def found():
    return compare([made("a", mfu=0.4), made("b", tokens_per_s=2e6, goodput=0.8, mfu=0.5), made("c", count=2048)])


def test_every_answer_stands_with_its_value_and_the_way_it_went(found):
    rows = answer_rows(found).set_index("answer")
    assert rows.index.tolist() == found.table["key"].tolist()
    for row in found.table.to_dict("records"):
        key = row["key"]
        assert rows.loc[key, "a"] == answer(key, row["a"])
        for name in ("b", "c"):
            cell, difference = rows.loc[key, name], row[f"difference {name}"]
            assert cell.startswith(answer(key, row[name]))
            if row[f"change {name}"] in ("better", "worse"):
                assert cell.endswith(row[f"change {name}"])
                assert (UP in cell, DOWN in cell) == (difference > 0, difference < 0)
            if difference == 0:
                assert cell.endswith(SAME)


def test_a_share_that_begins_at_zero_keeps_its_unit():
    rows = answer_rows(compare([made("a", throughput_loss=0.0), made("b", throughput_loss=0.035)])).set_index("answer")
    assert rows.loc["throughput_loss", "b"] == "3.50 %  ↑ 3.50 %, worse"


def test_shares_of_the_radar_stand_beside_their_values(found):
    rows = radar_rows(found)
    assert rows["axis"].tolist() == found.radar["key"].tolist()
    assert (rows[found.names].apply(lambda column: column.str.contains("1.000")).any(axis=1)).all()


def test_the_parts_of_a_waterfall_end_with_their_sum(found):
    for one in found.waterfalls:
        rows = waterfall_rows(one)
        assert len(rows) == len(one.parts) + 1
        assert rows.iloc[-1]["part"] == "sum"
        assert float(rows.iloc[-1]["adds"]) == pytest.approx(one.end - one.start, rel=1e-3, abs=1e-12)


def test_break_evens_that_exist_come_first(found):
    never = (break_even_rows(found)["equal at"] == "never").tolist()
    assert never == sorted(never)
    assert len(never) == len(found.break_evens)


def test_capital_adds_up_by_line():
    a, b = made("a"), made("b", count=2048)
    one = next(one for one in waterfalls(a, b) if one.key == "capex_usd")
    assert sum(part.change for part in one.parts) == pytest.approx(one.end - one.start)
    assert one.end == pytest.approx(b.summary["capex_usd"] / 1e6)
