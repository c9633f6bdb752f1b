"""One job over several sites: invariants, limits and exact cases."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.operation import ExternalEvent, OperationSpec, simulate_operation
from clustersim.operation.facts import JobFacts
from clustersim.operation.outer_steps import Meeting
from clustersim.operation.site_facts import RouteFacts, SiteFacts, SitesFacts
from clustersim.operation.site_methods import common_step_s, outer_exposed_s
from clustersim.operation.site_network import RouteOutage
from clustersim.operation.site_prices import Load
from clustersim.operation.site_savings import value_of_curtailment
from clustersim.operation.sites import simulate_sites, whole_job
from clustersim.training.cross_site import one_batch_job
from tests.operation.first_order import relative_speed

STEP_S = 10.0
ROUTES = (RouteFacts("a", "b", 2e9), RouteFacts("b", "c", 2e9), RouteFacts("a", "c", 2e9))
EFFICIENCY = {"token_efficiency": {"value": "95 %", "low": "90 %", "high": "98 %", "source": "stated"}}
ALONE = ("diloco", "streaming_diloco", "decoupled_diloco")


def there(names=("a", "b", "c"), *, bandwidth=10e9, parameters=10e9, routes=ROUTES, cv=0.0, servers=64):
    job = JobFacts(gpus=8 * servers, servers=servers, step_time_s=STEP_S, step_time_cv=cv, checkpoint_bytes=1e11)
    return SitesFacts(
        tuple(SiteFacts(name, job, 1e6) for name in names),
        one_batch_job(parameters, len(names), STEP_S, 48, 1e-3),
        bandwidth,
        routes,
    )


def run(sites, facts=None, *, seed=1, external=None, outages=(), **spec):
    if sites.get("method") in ALONE:
        sites = EFFICIENCY | sites
    base = {"horizon": "100000 s", "failure_rates": "none", "restart_time": "50 s"}
    base |= {"checkpoint": {"interval": "2000 s", "blocking": "0 s", "storage_bandwidth": "1 TB/s"}}
    asked = OperationSpec.model_validate(base | spec | {"sites": sites})
    return simulate_sites(asked, facts or there(), np.random.SeedSequence(seed), external, outages)


def stop(start, end, effect="stop", **given):
    return ExternalEvent(start, end, "grid", effect, **given)


def closes(record, horizon_s=100000.0):
    assert math.fsum(record.accounts.shares.values()) == 1.0
    for site in record.sites:
        table = site.timeline.table
        assert math.fsum(site.timeline.accounts.shares.values()) == 1.0
        assert table["t_start_s"].iloc[0] == 0.0
        assert table["t_end_s"].iloc[-1] == horizon_s
        assert (table["t_start_s"].to_numpy()[1:] == table["t_end_s"].to_numpy()[:-1]).all()
    gpus = sum(site.gpus for site in record.sites)
    mean = math.fsum(site.timeline.goodput * site.gpus for site in record.sites) / gpus
    assert record.goodput == pytest.approx(mean, abs=1e-12)


def test_synchronous_sites_are_one_job():
    facts, spec = there(), OperationSpec.model_validate({"horizon": "5 d", "sites": {}})
    record = simulate_sites(spec, facts, np.random.SeedSequence(3))
    alone = simulate_operation(spec, whole_job(spec.sites, facts), np.random.SeedSequence(3))
    assert record.accounts == alone.accounts
    assert record.tokens == pytest.approx(alone.useful_steps * 3e6)
    assert record.sites[0].timeline.table["gpus"].max() == 512
    closes(record, 5 * 86400.0)
    assert list(record.gantt()["site"].unique()) == ["a", "b", "c"]


def test_diloco_of_one_step_at_32_bits_trains_as_synchronous_does():
    whole = run({"method": "synchronous", "bits": 32})
    one = run({"method": "diloco", "inner_steps": 1, "bits": 32, "token_efficiency": EFFICIENCY["token_efficiency"]})
    # the last step or exchange of the horizon is cut
    assert one.tokens == pytest.approx(whole.tokens, rel=2.0 * STEP_S / 1e5)
    assert one.outer_steps == pytest.approx(whole.tokens / 3e6, abs=1.0)


@pytest.mark.parametrize("method", ["synchronous", *ALONE])
def test_without_failures_the_tokens_are_those_of_the_closed_form(method):
    facts = there(bandwidth=1e9)
    sites = {"method": method} | ({"quorum": 3} if method == "decoupled_diloco" else {})
    record = run(sites, facts, checkpoint={"interval": "90000 s", "blocking": "0 s"})
    speed = relative_speed(OperationSpec.model_validate({"sites": sites}).sites, facts, 1e9)
    assert record.tokens == pytest.approx(3e6 * speed * 1e5 / STEP_S, rel=0.012)
    closes(record)


def test_decoupled_with_the_quorum_of_all_is_diloco():
    facts = there(cv=0.05)
    same = {"fragments": 4, "overlap_steps": 1, "bits": 4, "inner_steps": 40}
    given = {"failure_rates": "meta-h100", "failure_scale": "300 x"}
    one = run({"method": "decoupled_diloco", "quorum": 3} | same, facts, **given)
    other = run({"method": "streaming_diloco"} | same, facts, **given)
    assert one.gantt().equals(other.gantt())
    assert sum(site.timeline.interruptions for site in one.sites) > 20


def test_sites_wait_for_the_slowest_and_the_record_names_it():
    record = run(
        {"method": "diloco", "inner_steps": 100, "speeds": {"b": "50 %"}}, there(bandwidth=1e30, parameters=1.0)
    )
    a, b, _ = record.sites
    assert a.timeline.accounts.shares["idle"] == pytest.approx(0.5, abs=0.01)
    assert a.timeline.accounts.by_cause("idle")["waits for b"] == pytest.approx(5e4, rel=0.02)
    assert b.timeline.accounts.shares["useful"] > 0.999
    closes(record)


def test_one_stop_by_hand():
    """b stops at step 25, goes back to the checkpoint of step 20 and is at the round's end, step 30, at 500.1 s."""
    facts = there(("a", "b"), bandwidth=1e30, parameters=1.0, routes=())
    facts = replace(facts, exchange=replace(facts.exchange, latency_s=0.0))
    given = {"checkpoint": {"interval": "100 s", "blocking": "0 s", "storage_bandwidth": "1 TB/s"}, "horizon": "1000 s"}
    record = run({"method": "diloco", "inner_steps": 10}, facts, external={"b": [stop(250.0, 350.0)]}, **given)
    a, b = (site.timeline for site in record.sites)
    (wait,) = a.table[a.table["state"] == "wait"].itertuples()
    assert (wait.t_start_s, wait.cause, wait.first_step) == (pytest.approx(300.0), "waits for b", 30)
    assert wait.t_end_s == pytest.approx(500.1)
    assert b.accounts.by_cause("lost_work") == {"grid": pytest.approx(50.0)}
    assert (a.useful_steps, b.useful_steps) == (pytest.approx(79.99), pytest.approx(79.99))
    assert record.outer_steps == 7


@pytest.mark.parametrize(("cv", "within"), [(0.0, 1e-4), (0.05, 5e-3)])
def test_leaping_over_rounds_changes_nothing(monkeypatch, cv, within):
    """Against every round as an event of its own."""
    facts = there(cv=cv, bandwidth=2e9)
    given = {"horizon": "5 d", "failure_rates": "meta-h100", "failure_scale": "40 x"}
    sites = {"method": "diloco", "inner_steps": 30, "speeds": {"b": "98 %"}}
    leaping = run(sites, facts, **given)
    close = Meeting._close

    def step_by_step(meeting, by):
        close(meeting, by)
        if meeting._enough:
            meeting._end_leap(by)

    monkeypatch.setattr(Meeting, "_close", step_by_step)
    stepwise = run(sites, facts, **given)
    assert len(stepwise.gantt()) > 2 * len(leaping.gantt())
    assert leaping.tokens == pytest.approx(stepwise.tokens, rel=within)
    assert leaping.outer_steps == pytest.approx(stepwise.outer_steps, rel=within, abs=2)
    assert leaping.accounts.shares["idle"] == pytest.approx(stepwise.accounts.shares["idle"], abs=5e-3)


def test_nobody_waits_for_a_late_site_when_decoupled():
    sites = {"method": "decoupled_diloco", "quorum": 2, "fragments": 1, "speeds": {"b": "50 %"}}
    record = run(sites, there(bandwidth=1e30, parameters=1.0))
    assert [round(site.tokens / 1e6) for site in record.sites] == [10000, 5000, 10000]


def test_failures_of_decoupled_sites_leave_the_others_alone():
    """A whole of M learners does what one learner of 1/M of the servers does (arXiv:2604.21428)."""
    spec = {"failure_rates": "meta-h100", "failure_scale": "200 x", "horizon": "8 d"}
    record = run({"method": "decoupled_diloco"}, there(bandwidth=1e30, parameters=1.0), **spec)
    alone = [
        run({"method": "decoupled_diloco", "quorum": 1}, there(("x", "y"), bandwidth=1e30, parameters=1.0, routes=()),
            seed=seed, **spec)
        for seed in (5, 6)
    ]  # fmt: skip
    assert record.goodput < 0.95
    assert record.goodput == pytest.approx(np.mean([found.goodput for found in alone]), abs=0.04)
    whole = run({"method": "synchronous"}, there(bandwidth=1e30, parameters=1.0), **spec)
    waiting = run({"method": "diloco"}, there(bandwidth=1e30, parameters=1.0), **spec)
    assert whole.goodput < record.goodput
    assert waiting.goodput < record.goodput


@pytest.mark.parametrize("method", ["synchronous", "diloco"])
def test_a_site_that_is_gone_takes_its_share_when_dropped_and_all_when_waited_for(method):
    lost = {"c": (stop(1.0, 99999.0, "site_lost"),)}
    facts = there(bandwidth=1e30, parameters=1.0)
    whole = run({"method": method}, facts)
    dropped = run({"method": method, "on_site_loss": "drop"}, facts, external=lost)
    waited = run({"method": method}, facts, external=lost)
    assert dropped.tokens == pytest.approx(whole.tokens * 2 / 3, rel=2e-2)
    assert waited.tokens < 0.02 * whole.tokens
    closes(dropped)
    closes(waited)
    assert dropped.accounts.shares["curtailed"] == pytest.approx(1 / 3, abs=0.01)
    if method == "diloco":
        assert any("stays open" in finding and "a, b wait for c" in finding for finding in waited.findings)


def test_a_dropped_site_comes_back():
    lost = {"c": (stop(20000.0, 50000.0, "site_lost", detection_s=30.0),)}
    record = run({"method": "diloco", "inner_steps": 100, "on_site_loss": "drop"}, external=lost)
    tokens = [site.tokens for site in record.sites]
    assert tokens[0] == tokens[1]
    assert tokens[2] == pytest.approx(tokens[0] * 0.7, rel=0.05)


def test_taking_over_the_batch_of_a_missing_site_saves_part_of_the_exchange():
    lost = {"c": (stop(10.0, 90000.0),)}
    facts = there(bandwidth=2e9)
    dropped, rescaled = (run({"on_site_loss": how}, facts, external=lost) for how in ("drop", "rescale"))
    assert dropped.tokens < rescaled.tokens < run({}, facts).tokens


def test_a_cap_of_one_site_slows_all_in_lockstep_and_one_alone():
    cap = {"b": (stop(0.0, 1e5, "cap_fraction", fraction=0.5),)}
    facts = there(bandwidth=1e30, parameters=1.0)
    assert run({}, facts, external=cap).goodput == pytest.approx(0.5, abs=1e-3)
    alone = run({"method": "decoupled_diloco"}, facts, external=cap)
    assert [round(site.timeline.goodput, 3) for site in alone.sites] == [1.0, 0.5, 1.0]


def test_a_cut_route_slows_lockstep_to_the_bandwidth_that_is_left():
    facts = there(bandwidth=10e9)
    cut = [RouteOutage("a-b", 20000.0, 60000.0)]
    record = run({}, facts, outages=cut)
    before, after = (common_step_s(OperationSpec.model_validate({"sites": {}}).sites, facts, b) for b in (10e9, 2e9))
    assert after > 1.1 * before
    tokens = 3e6 * (60000.0 / before + 40000.0 / after)
    assert record.tokens == pytest.approx(tokens, rel=1e-3)
    assert record.accounts.by_cause("idle")["route a-b cut"] == pytest.approx(
        40000.0 * (1.0 - before / after), rel=1e-3
    )


CHAIN = ROUTES[:2]


def test_parted_sites_stop_lockstep_and_train_on_alone_under_diloco():
    facts = there(routes=tuple(replace(route, bandwidth_without=0.0) for route in CHAIN))
    cut = [RouteOutage("b-c", 20000.0, 60000.0)]
    whole = run({}, facts, outages=cut)
    assert whole.accounts.by_cause("idle")["route b-c cut"] == pytest.approx(40000.0, rel=1e-6)
    alone = run({"method": "diloco", "inner_steps": 50}, facts, outages=cut)
    assert alone.goodput > 0.98
    assert alone.postponed > 3 * 70
    assert any("parted" in finding for finding in alone.findings)
    closes(alone)


@pytest.mark.parametrize("method", ["synchronous", "diloco"])
def test_sites_parted_to_the_end_are_a_finding_and_no_endless_run(method):
    facts = there(routes=CHAIN)
    facts = replace(facts, routes=tuple(replace(route, bandwidth_without=0.0) for route in CHAIN))
    record = run({"method": method}, facts, outages=[RouteOutage("b-c", 50000.0, 9e9)])
    (finding,) = [text for text in record.findings if "are parted into" in text]
    assert "a+b and c from 50000 s to the end" in finding
    trained = 1e5 if method == "diloco" else 5e4
    assert record.sites[0].tokens == pytest.approx(trained / STEP_S * 1e6, rel=0.05)
    assert record.sites[2].tokens == pytest.approx(5e4 / STEP_S * 1e6, rel=0.05)


def test_sites_that_no_route_joins():
    facts = there(routes=CHAIN[:1])
    record = run({}, replace(facts, bandwidth=0.0, routes=(replace(CHAIN[0], bandwidth_without=0.0),)))
    assert record.tokens == 0.0
    assert "a+b and c" in record.findings[0]


def priced(rule):
    hourly = ["30 USD/MWh"] * 18 + ["90 USD/MWh"] * 6
    prices = {name: {"hourly": hourly, "utc_offset": f"{-6 * place} h"} for place, name in enumerate("abc")}
    sites = EFFICIENCY | {"method": "decoupled_diloco", "prices": prices, "curtailment": rule}
    return OperationSpec.model_validate(
        {"horizon": "10 d", "failure_rates": "none", "restart_time": "50 s", "sites": sites}
    )


def test_pausing_for_prices_is_worth_what_it_saves_less_the_tokens():
    loads = dict.fromkeys("abc", Load(1e6, 0.0))
    found = value_of_curtailment(priced({"above": "50 USD/MWh"}), there(), np.random.SeedSequence(1), loads)
    closes(found.curtailed, 864000.0)
    assert found.curtailed.accounts.shares["curtailed"] == pytest.approx(0.25, abs=1e-3)
    assert found.curtailed.tokens == pytest.approx(0.75 * found.full.tokens, rel=5e-3)
    # three megawatts through the 6 dear hours of ten days, and the time to save and to start again
    assert found.saving.saved_usd == pytest.approx(3 * 10 * 6 * 90.0, rel=0.02)
    assert found.saving.tokens_lost == pytest.approx(0.25 * found.full.useful_tokens, rel=0.02)
    assert found.saving.usd_per_million_tokens > 0.0


def test_what_a_curtailment_is_worth_needs_one_and_the_loads():
    spec = priced({"hours": 3})
    with pytest.raises(InputError, match="missing b, c"):
        value_of_curtailment(spec, there(), np.random.SeedSequence(1), {"a": Load(1.0, 0.0)})
    with pytest.raises(InputError, match="expected a rule"):
        value_of_curtailment(OperationSpec(), there(), np.random.SeedSequence(1), {})


def test_all_sites_are_of_one_fleet():
    """Where rates are spread between fleets, one fleet is drawn for the job, the same for each of its sites."""
    spec = {"horizon": "20 d", "failure_scale": "20 x", "failures": {"uncertainty": "fleet"}, "restart_time": "50 s"}
    spec["sites"] = EFFICIENCY | {"method": "decoupled_diloco"}
    asked = OperationSpec.model_validate(spec)
    found = [
        simulate_sites(asked, there(), np.random.SeedSequence(4), rate_stratum=(member, 5)).sites for member in (0, 4)
    ]
    struck = [[site.timeline.interruptions for site in sites] for sites in found]
    assert max(struck[0]) < min(struck[1])


def test_records_can_be_handed_to_other_processes():
    spec = priced({"run_cheapest": 2})
    record = simulate_sites(*pickle.loads(pickle.dumps((spec, there(), np.random.SeedSequence(1)))))
    again = pickle.loads(pickle.dumps(record))
    assert again.gantt().equals(record.gantt())
    assert again.useful_tokens == record.useful_tokens


@given(
    st.sampled_from(["synchronous", *ALONE]),
    st.sampled_from(["wait", "drop"]),
    st.integers(0, 1000),
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 9e4), st.floats(1, 3e4), st.booleans()), max_size=4),
    st.lists(st.tuples(st.sampled_from(["a-b", "b-c", "a-c"]), st.floats(0, 9e4), st.floats(1, 3e4)), max_size=4),
)
@settings(max_examples=8, deadline=None)
def test_accounts_close_and_seeds_repeat_whatever_happens(method, loss, seed, events, cuts):
    external = {name: [] for name in "abc"}
    for name, start, length, lost in events:
        external[name].append(stop(start, start + length, "site_lost" if lost else "stop"))
    outages = [RouteOutage(route, start, start + length) for route, start, length in cuts]
    given = {"failure_rates": "meta-h100", "failure_scale": "200 x", "external": external, "outages": outages}
    facts = there(cv=0.02)
    record = run({"method": method, "on_site_loss": loss}, facts, seed=seed, **given)
    closes(record)
    assert record.useful_tokens <= record.tokens <= 3e6 * 1e5 / STEP_S * 1.1
    again = run({"method": method, "on_site_loss": loss}, facts, seed=seed, **given)
    assert record.gantt().equals(again.gantt())
    assert record.accounts == again.accounts


def test_bad_input():
    priced_sites = {name: {"hourly": ["30 USD/MWh"] * 24} for name in "ab"}
    with pytest.raises(ValueError, match="run_cheapest: expected fewer than the 2 sites with prices"):
        run({"prices": priced_sites, "curtailment": {"run_cheapest": 2}})
    with pytest.raises(InputError, match="events of site 'x'"):
        run({}, external={"x": ()})
    with pytest.raises(InputError, match="at most 3, one per site"):
        run({"method": "decoupled_diloco", "quorum": 4})
    with pytest.raises(ValueError, match="no route 'a-x'"):
        run({}, outages=[RouteOutage("a-x", 0.0, 1.0)])


def test_a_barrier_costs_its_exchange():
    facts = there(bandwidth=1e9)
    spec = OperationSpec.model_validate({"sites": EFFICIENCY | {"method": "diloco", "inner_steps": 100}}).sites
    record = run({"method": "diloco", "inner_steps": 100}, facts)
    waited = record.accounts.by_cause("idle")["exchange between sites"]
    assert waited == pytest.approx(record.outer_steps * outer_exposed_s(spec, facts, 1e9), rel=0.02)


@pytest.mark.parametrize("on_site_loss", ["wait", "drop"])
def test_sites_that_pause_together_save_once_and_start_once(on_site_loss):
    pauses = {name: [stop(20003.0, 30000.0, "drain")] for name in "abc"}
    record = run({"method": "synchronous", "on_site_loss": on_site_loss}, external=pauses)
    accounts = record.accounts
    # one restart of 50 s and one reload of 0.1 s; no work is lost, as all is known before
    assert accounts.shares["restart"] * 1e5 == pytest.approx(50.1, abs=0.01)
    assert accounts.shares["lost_work"] == 0.0
    assert accounts.shares["curtailed"] * 1e5 == pytest.approx(9997.0, abs=20.0)
    closes(record)


def test_pauses_that_overlap_are_one_until_the_last_is_over():
    pauses = {"a": [stop(20003.0, 30000.0, "drain")], "b": [stop(20003.0, 35000.0, "drain")]}
    record = run({"method": "synchronous"}, external=pauses)
    table = record.sites[0].timeline.table
    assert table["state"].value_counts()["restart"] == 1
    assert float(table.loc[table["state"] == "stopped", "t_end_s"].iloc[-1]) == 35000.0
    closes(record)
