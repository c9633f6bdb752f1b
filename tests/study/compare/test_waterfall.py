import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.study.compare import waterfall_table, waterfalls
from clustersim.study.compare.waterfall import factors, lines_per_hour, logarithmic_mean

POSITIVE = st.floats(1e-3, 1e3)


def by_key(a, b):
    return {one.key: one for one in waterfalls(a, b)}


def test_every_waterfall_adds_up_to_its_difference(make):
    a = make("a")
    b = make("b", count=2048, tokens_per_s=1.7e6, goodput=0.7, grid_mwh=170.0, fibre_m=3e4, mfu=0.33, mean_mw=3.1,
             it_mean_mw=2.9, it_computing_mw=3.3, it_bubble_mw=0.2, wan_fraction=0.15)  # fmt: skip
    found = by_key(a, b)
    assert len(found) == 7
    for one in found.values():
        assert math.fsum(part.change for part in one.parts) == pytest.approx(one.end - one.start, rel=1e-12, abs=1e-15)
    ends = found["usd_per_million_tokens_by_cause"]
    for one, design in ((ends.start, a), (ends.end, b)):
        assert one == pytest.approx(design.summary["usd_per_million_tokens"], rel=1e-12)
    speed = found["useful_tokens_per_s"]
    assert (speed.start, speed.end) == pytest.approx((0.9e6, 1.19e6))
    time = found["s_per_million_useful_tokens"]
    assert (time.start, time.end) == pytest.approx((1e6 / 0.9e6, 1e6 / 1.19e6))


def test_the_rows_add_up_too_and_shares_sum_to_one(make):
    table = waterfall_table(waterfalls(make("a"), make("b", tokens_per_s=2e6, goodput=0.8)))
    for _, part in table.groupby("waterfall"):
        total, rest = part[part["part"] == "total"].iloc[0], part[part["part"] != "total"]
        assert rest["change"].sum() == pytest.approx(total["change"], rel=1e-12, abs=1e-12)
        if total["change"]:
            assert rest["share_of_difference"].sum() == pytest.approx(1.0)


def test_what_did_not_change_adds_nothing(make):
    found = by_key(make("a"), make("b", goodput=0.8))
    parts = {part.name: part.change for part in found["useful_tokens_per_s"].parts}
    assert parts["goodput"] == pytest.approx(0.8e6 - 0.9e6)
    assert [name for name, change in parts.items() if change] == ["goodput"]
    causes = {part.name: part.change for part in found["usd_per_million_tokens_by_cause"].parts}
    assert [name for name, change in causes.items() if abs(change) > 1e-12] == ["goodput"]


def test_the_exchange_between_sites_is_not_counted_twice(make):
    parts = {p.name: p.start for p in by_key(make("a"), make("b"))["s_per_million_useful_tokens"].parts}
    assert parts["exchange inside a site"] == pytest.approx(0.15)
    assert parts["exchange between sites"] == pytest.approx(0.05)


def test_what_the_lines_leave_out_of_the_total_stands_by_itself(make):
    design = make("a")
    assert "not itemised" not in lines_per_hour(design)
    design.summary["tco_usd_per_h"] += 5.0
    assert lines_per_hour(design)["not itemised"] == pytest.approx(5.0)


@given(st.lists(st.tuples(POSITIVE, POSITIVE), min_size=1, max_size=5))
@settings(max_examples=30)
def test_factors_add_up_whatever_they_are(pairs):
    a = {str(i): first for i, (first, _) in enumerate(pairs)}
    b = {str(i): second for i, (_, second) in enumerate(pairs)}
    whole = math.prod(b.values()) - math.prod(a.values())
    scale = max(math.prod(a.values()), math.prod(b.values()))
    assert math.fsum(part.change for part in factors(a, b)) == pytest.approx(whole, rel=1e-6, abs=1e-9 * scale)


@given(POSITIVE, POSITIVE)
@settings(max_examples=30)
def test_the_logarithmic_mean_lies_between_the_other_two(a, b):
    mean = logarithmic_mean(a, b)
    assert math.sqrt(a * b) * (1 - 1e-9) <= mean <= 0.5 * (a + b) * (1 + 1e-9)


def test_different_factors_are_refused():
    with pytest.raises(ValueError, match="same factors"):
        factors({"x": 1.0}, {"y": 1.0})
