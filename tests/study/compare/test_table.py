import math
from dataclasses import replace

import pandas as pd
import pytest

from clustersim.errors import InputError
from clustersim.study.compare import (
    Design,
    compare,
    compare_table,
    limits_matrix,
    limits_table,
    of_summary,
    radar_table,
)
from clustersim.study.questions import KEYS, QUESTIONS


def test_ratio_difference_and_direction_are_those_of_the_base(make):
    base, other = make("a"), make("b", tokens_per_s=2e6, swing_mw=1.0)
    row = compare_table([base, other]).set_index("key").loc
    assert row["tokens_per_s", "ratio b"] == 2.0
    assert row["tokens_per_s", "difference b"] == 1e6
    assert row["tokens_per_s", "change b"] == "better"
    assert row["swing_mw", "change b"] == "worse"
    assert row["goodput", "change b"] == "same"
    # more power is neither better nor worse by itself
    assert row["mean_mw", "change b"] == ""
    assert row["swing_mw", "unit"] == "MW"


def test_a_key_without_value_is_left_out_unless_one_design_has_it(make):
    assert "pst" not in set(compare_table([make("a"), make("b")])["key"])
    row = compare_table([make("a"), make("b", pst=0.3)]).set_index("key").loc["pst"]
    assert (row["change b"], row["b"]) == ("", 0.3)


def test_every_key_of_the_registry_answers_one_question():
    assert sum(len(keys) for keys in QUESTIONS.values()) == len(KEYS)


def test_the_base_is_chosen_by_name_and_comes_first(make):
    designs = [make("a"), make("b"), make("c")]
    assert compare(designs, "c").names == ["c", "a", "b"]
    with pytest.raises(InputError, match=r"--base: expected one of the designs a, b, c, found 'bb'"):
        compare(designs, "bb")


def test_fewer_than_two_and_the_same_run_are_refused(make):
    with pytest.raises(InputError, match="at least two designs, found 1"):
        compare([make("a")])
    with pytest.raises(InputError, match="two of the designs are the same run run-a"):
        compare([make("a"), replace(make("a"), name="other")])


def test_designs_of_one_name_are_told_apart_by_their_run(make):
    found = compare([make("a"), replace(make("a", mfu=0.3), run_id="other")])
    assert found.names == ["a-run-a", "a-other"]


def test_a_row_of_a_sweep_has_answers_and_nothing_else(make):
    row = of_summary("p1", "point", {"job": {"model": "x"}}, {"tokens_per_s": 5e5, "goodput": 0.9, "mfu": 0.4})
    found = compare([make("a"), row])
    assert found.table.set_index("key").loc["tokens_per_s", "ratio point"] == 0.5
    assert found.break_evens == ()
    assert "was not stored" in found.no_break_even[0]
    assert set(found.limits["design"][found.limits["verdict"] == "-"]) == {"point"}


def verdict(*rows):
    table = pd.DataFrame(rows, columns=["rule", "node", "measured", "limit", "unit", "margin", "passed", "window"])
    table = table.assign(source="s", reason="")
    table["passed"] = table["passed"].astype(object)
    return table


def test_limits_show_the_worst_place_of_each_design(make):
    first = replace(
        make("a"),
        verdict=verdict(
            ("ramp", "x", 10, 20, "MW/min", 0.5, True, "crash"), ("ramp", "y", 30, 20, "MW/min", -0.5, False, "start"),
            ("equipment-rating", "x: cooling", 5, 10, "MW", 0.5, True, "all"),
            ("pst", "x", math.nan, 1, "-", math.nan, None, ""),
        ),
    )  # fmt: skip
    second = replace(make("b"), verdict=verdict(("ramp", "z", 10, 20, "MW/min", 0.5, True, "crash")))
    table = limits_table([first, second])
    worst = table[(table["rule"] == "ramp") & (table["design"] == "a")].iloc[0]
    assert (worst["verdict"], worst["node"], worst["nodes"], worst["failed_nodes"]) == ("FAIL", "y", 2, 1)
    matrix = limits_matrix(table, ["a", "b"]).set_index("rule")
    assert matrix.index[0] == "ramp"
    assert list(matrix.loc["ramp"]) == ["FAIL -50 %, start", "PASS +50 %, crash"]
    assert list(matrix.loc["rating: cooling"]) == ["PASS +50 %, all", "-"]
    assert matrix.loc["pst", "a"] == "not judged"


def test_radar_is_one_at_the_best_and_half_at_half_or_double(make):
    table, left_out = radar_table([make("a", swing_mw=0.5), make("b", tokens_per_s=2e6, swing_mw=1.0, mfu=0.0)])
    row = table.set_index("key")
    assert (row.loc["tokens_per_s", "a"], row.loc["tokens_per_s", "b"]) == (0.5, 1.0)
    assert (row.loc["swing_mw", "a"], row.loc["swing_mw", "b"]) == (1.0, 0.5)
    assert left_out == {"mfu": "a value is not positive"}
    assert ((table[["a", "b"]] <= 1.0) & (table[["a", "b"]] > 0.0)).all().all()


def test_a_missing_value_leaves_the_axis_out(make):
    _, left_out = radar_table([make("a"), make("b", goodput=0.5, swing_mw=None)])
    assert left_out == {"swing_mw": "no value in b"}


def test_designs_are_frozen(make):
    with pytest.raises(AttributeError):
        make("a").name = "b"
    assert isinstance(make("a"), Design)
