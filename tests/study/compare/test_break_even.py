import math

import pytest

from clustersim.economics import estimate_cost
from clustersim.study.compare import break_even_table, break_evens
from clustersim.study.compare.break_even import usd_per_million_tokens


def found(a, b):
    lines, why = break_evens(a, b)
    assert why == ""
    return {(one.input.name, one.varied): one for one in lines}


def at(design, one, value):
    return usd_per_million_tokens(one.input.change(design.economics(), design.facts, value))


def test_the_closed_form_is_where_both_cost_the_same(make):
    # the second draws more and trains more: dear energy turns the answer
    a, b = make("a", grid_mwh=40.0), make("b", grid_mwh=400.0, tokens_per_s=1.3e6)
    one = found(a, b)["electricity price", "both"]
    assert one.method == "closed form"
    assert at(a, one, one.value) == pytest.approx(at(b, one, one.value), rel=1e-9)
    assert (one.below, one.above) == ("b", "a")
    assert at(b, one, 0.9 * one.value) < at(a, one, 0.9 * one.value)
    assert at(b, one, 1.1 * one.value) > at(a, one, 1.1 * one.value)
    # by hand: running cost without energy, and megawatt-hours, over tokens
    costs = [estimate_cost(d.economics(), d.facts) for d in (a, b)]
    fixed = [(c.depreciation_usd + c.operations_usd) / t for c, t in zip(costs, (1.0, 1.3), strict=True)]
    assert one.value == pytest.approx((fixed[0] - fixed[1]) / (400.0 / 1.3 - 40.0), rel=1e-9)


def test_goodput_alone_is_exact(make):
    a, b = make("a", goodput=0.8), make("b", goodput=0.9)
    one = found(a, b)["goodput", "b"]
    assert (one.method, one.now) == ("closed form", (0.8, 0.9))
    # equal but for goodput: equal at equal goodput
    assert one.value == pytest.approx(0.8, rel=1e-12)


def test_goodput_above_one_is_no_break_even(make):
    one = found(make("a"), make("b", tokens_per_s=0.5e6))["goodput", "b"]
    assert one.value is None
    assert "only above 1, at 1.8" in one.reason
    assert one.above == "a"


def test_a_life_is_searched_and_both_cost_the_same_there(make):
    # dearer servers that train faster: worth it only when they are kept for long
    a, b = make("a", grid_mwh=600.0), make("b", count=2048, tokens_per_s=1.5e6, grid_mwh=600.0)
    one = found(a, b)["accelerator life", "both"]
    assert one.method == "brentq"
    assert at(a, one, one.value) == pytest.approx(at(b, one, one.value), rel=1e-8)
    assert (one.below, one.above) == ("a", "b")


def test_the_fibre_price_scales_its_line(make):
    a, b = make("a"), make("b", fibre_m=5e4, tokens_per_s=1.02e6)
    one = found(a, b)["fibre price", "both"]
    assert at(a, one, one.value) == pytest.approx(at(b, one, one.value), rel=1e-9)
    assert at(b, one, 60.0) == pytest.approx(b.summary["usd_per_million_tokens"], rel=1e-12)


def test_a_price_that_moves_both_alike_or_never_turns_says_so(make):
    same = found(make("a"), make("b", goodput=0.9))["electricity price", "both"]
    assert (same.value, same.method) == (None, "none")
    cheaper = found(make("a"), make("b", tokens_per_s=2e6))["building price", "both"]
    assert cheaper.value is None
    assert cheaper.below == cheaper.above == "b"
    assert math.isnan(break_even_table([cheaper])["break_even"][0])


def test_servers_of_two_kinds_are_varied_each_in_its_design(make):
    lines = found(make("a"), make("b", kind="H200-SXM"))
    assert {key for key in lines if "server" in key[0]} == {
        ("price of a server with H100-SXM", "a"), ("price of a server with H200-SXM", "b")
    }  # fmt: skip
    one = lines["price of a server with H200-SXM", "b"]
    assert one.value == pytest.approx(lines["price of a server with H100-SXM", "a"].now[0], rel=1e-9)
    assert one.curve["base_usd"].nunique() == 1


def test_a_design_without_facts_or_tokens_has_none_and_says_why(make):
    from dataclasses import replace

    lines, why = break_evens(make("a"), replace(make("b"), facts=None))
    assert (lines, why) == ((), "b: what its cost depends on was not stored; run it again with this version")
    lines, why = break_evens(make("a", usd_per_million_tokens=None), make("b"))
    assert lines == ()
    assert "a: a token has no cost" in why


def test_the_quick_cost_of_a_token_is_that_of_the_whole_table(make):
    for design in (make("a"), make("b", fibre_m=3e4, economics={"case": "h100_neocloud"})):
        whole = estimate_cost(design.economics(), design.facts).usd_per_million_tokens
        assert usd_per_million_tokens((design.economics(), design.facts)) == whole
