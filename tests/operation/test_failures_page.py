"""The page of the failure model says what the code gives."""

import math
import re
from pathlib import Path

import pytest

from clustersim import catalog
from clustersim.operation import JobFacts, failure_causes
from clustersim.operation.causes import rates_per_component
from clustersim.operation.rate_uncertainty import concentration_of_shares, spread_of_fleets
from clustersim.operation.spec_parts.failures import FailureSpec

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "models" / "failures.md").read_text(encoding="utf-8")
DAY, YEAR = 86400.0, 365.25 * 86400.0


def cells(start):
    """Return the cells of the table row that begins with `start`."""
    line = next(line for line in PAGE.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def job(gpus):
    return JobFacts(
        gpus=gpus,
        servers=gpus // 8,
        step_time_s=1.0,
        step_time_cv=0.0,
        checkpoint_bytes=1.0,
        links=gpus,
        leaves=max(1, gpus // 512),
        feeds=math.ceil(gpus / 8 / 750),
        cooling_units=math.ceil(gpus / 8 / 1800),
    )


def test_rates_of_components():
    entry = catalog.entry("reliability", "components-h100")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([\d.e-]+) \| (\w+), (\w+) \|", PAGE, re.MULTILINE)
    stated = {name: (per, float(rate), effect, domain) for name, per, rate, effect, domain in rows}
    causes = {cause.name: cause for cause in failure_causes("components-h100", job(16384))}
    assert list(stated) == list(causes)
    for name, rate in rates_per_component(entry).items():
        per, figure, effect, domain = stated[name]
        assert figure == pytest.approx(rate * YEAR, rel=0.005)
        assert per == entry.properties["causes"][name].get("counted", "servers")
        assert (effect, domain) == (causes[name].effect, causes[name].domain)


@pytest.mark.parametrize("variant", ["components-h100", "meta-h100", "rsc-1", "rsc-jobs"])
def test_hours_between_failures(variant):
    sizes = [int(cell.replace(",", "")) for cell in cells("GPUs")[1:]]
    for gpus, cell in zip(sizes, cells(f"`{variant}`")[1:], strict=True):
        rate = math.fsum(c.rate_per_s for c in failure_causes(variant, job(gpus)) if c.effect != "slow")
        assert float(cell.replace(",", "")) == pytest.approx(1.0 / rate / 3600.0, rel=0.006)


@pytest.mark.parametrize(("row", "early"), [("ages |", False), ("ages and early life", True)])
def test_ages(row, early):
    plain = math.fsum(c.rate_per_s for c in failure_causes("components-h100", job(16384)) if c.effect != "slow")
    for age, cell in zip(cells("age |")[1:], cells(row)[1:], strict=True):
        causes = failure_causes("components-h100", job(16384), spec=FailureSpec(age=age, early_life=early))
        found = math.fsum(c.mean_rate_per_s(28 * DAY) for c in causes if c.effect != "slow")
        assert float(cell) == pytest.approx(found / plain, abs=0.006)


@pytest.mark.parametrize("fleets", ["hopper", "all"])
def test_spread(fleets):
    spread = spread_of_fleets(fleets)
    _, number, median, sd, band, ratio, _ = cells(f"`{fleets}`")
    low, high = (float(text) for text in band.split(" to "))
    assert int(number) == spread.fleets
    assert float(median) == pytest.approx(spread.median_per_s * DAY, rel=0.005)
    assert float(sd) == pytest.approx(spread.sd, abs=6e-4)
    assert low == pytest.approx(spread.quantile_per_s(0.05) * DAY, rel=0.005)
    assert high == pytest.approx(spread.quantile_per_s(0.95) * DAY, rel=0.005)
    assert float(ratio) == pytest.approx(spread.band_ratio(), abs=0.006)
    assert f"a concentration of {concentration_of_shares():.1f}" in PAGE


def test_what_is_counted_by_server_or_feed_whatever_its_size():
    """Twice the servers, or feeds, at the same accelerators: twice the failures of what is counted by them."""

    def total(variant, name, **more):
        facts = JobFacts(1024, step_time_s=1.0, step_time_cv=0.0, checkpoint_bytes=1.0, **more)
        return math.fsum(c.rate_per_s for c in failure_causes(variant, facts) if name in ("", c.name))

    assert total("meta-h100", "", servers=256) == pytest.approx(2.0 * total("meta-h100", "", servers=128))
    feeds = [total("components-h100", "power_feed", servers=128, feeds=feeds) for feeds in (1, 2)]
    assert feeds[1] == pytest.approx(2.0 * feeds[0])
    assert "a server with four gets twice the rate per accelerator" in PAGE


def test_crashes_of_leaf_switches_beside_their_critical_errors():
    """One to two a month in a job of 15,000 GPUs: the switches that this takes, and what the model has."""
    month = 2629800.0
    job_15k = JobFacts(15000, 1875, 1.0, 0.0, 1.0, leaves=math.ceil(15000 / 512))
    (leaf,) = [cause for cause in failure_causes("components-h100", job_15k) if cause.name == "leaf_switch"]
    each = month / leaf.life.mean_s
    assert [round(crashes / each, -2) for crashes in (1, 2)] == [2000, 3900]
    assert "2,000 to 3,900 switches" in PAGE
    assert leaf.rate_per_s * month == pytest.approx(0.015, rel=0.03)
    assert (pytest.approx(65, rel=0.05), pytest.approx(135, rel=0.05)) == (1 / 0.015, 2 / 0.015)
