"""A script becomes markers that say what was done, on a machine of which everything is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.instrument.exercise import do, perform
from clustersim.instrument.patterns import PATTERNS, Asked, Permitted, known_precisions, script
from clustersim.instrument.turns import keep_share
from clustersim.instrument.works import Dummy, Idle, Part, Product, Round, Script, Spin, Stream
from tests.instrument.fake_machine import BYTES_PER_S, FLOPS, HOST_S, SLOWED, VirtualMachine, VirtualSampler

LOAD = Product(4096, 4096, 4096, "bf16")


def run(made, machine=None, **more):
    machine = machine or VirtualMachine()
    sampler = VirtualSampler(machine)
    return perform(made, machine, sampler, settings=Settings(), **more), sampler.markers, machine


def script_of(*works, seconds=0.5):
    return Script("own", tuple(Round("one", (Part("matrix", work, seconds),)) for work in works))


class Settings:
    """Remembers what was set."""

    by_hand = ""

    def __init__(self):
        self.done = []

    def apply(self, setting):
        self.done.append(setting)
        return {"limit_w": setting.value or 700.0} if setting.quantity == "limit" else {}

    def restore(self):
        self.done.append("restored")


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_every_part_becomes_a_marker_of_its_length(pattern):
    made = script(pattern, Asked(known_precisions(), 0.2, 3))
    done, markers, machine = run(made)
    assert done.whole
    assert done.parts == made.count
    inner = [one for one in markers if one.activity not in ("duty", "step")]
    assert len(inner) == made.count
    outer = [one for one in markers if one.activity in ("duty", "step")]
    assert len(outer) == sum(bool(one.activity) for one in made.rounds)
    assert all(one.words["pattern"] == pattern for one in markers)
    assert all(one.words["precision"] for one in inner if one.activity == "matrix")
    # parts follow one another without a gap on this clock, and last as long as asked to a piece and a call
    parts = [part for one in made.rounds for _ in range(one.times) for part in one.parts]
    for before, after in zip(inner, inner[1:], strict=False):
        assert after.begin_s == pytest.approx(before.end_s)
    for part, marker in zip(parts, inner, strict=True):
        piece = 0.0 if isinstance(part.work, Idle) else 0.5 * marker.figures.get("seconds_each", 2e-3)
        assert abs(marker.end_s - marker.begin_s - part.seconds) <= max(piece, 0.01 * part.seconds) + 0.03 + HOST_S
    total = sum(one.end_s - one.begin_s for one in inner)
    assert total == pytest.approx(machine.now() - 100.0)
    assert total == pytest.approx(made.seconds, rel=0.05)


def test_figures_are_those_of_the_machine():
    works = (LOAD, Stream(10**9), Spin(8), Idle())
    _, (product, stream, spin, idle), _ = run(script_of(*works))
    each = 2.0 * 4096**3 / FLOPS
    assert product.figures == pytest.approx(
        {"m": 4096, "n": 4096, "k": 4096, "repetitions": round(0.5 / each), "seconds_each": each,
         "flop_per_second": FLOPS}
    )  # fmt: skip
    assert stream.figures["bytes_per_second"] == pytest.approx(BYTES_PER_S)
    assert stream.figures["array_bytes"] == 1e9
    assert spin.figures == pytest.approx({"blocks": 8, "repetitions": 1000, "seconds_each": 5e-4})
    assert idle.figures == {}
    assert idle.end_s - idle.begin_s == pytest.approx(0.5)


# between a full share and one that leaves the host time to ask for the next turn there is none
@given(
    st.one_of(st.floats(0.0, 0.97), st.just(1.0)), st.floats(0.02, 2.0), st.sampled_from([512, 1024, 2048, 4096, 8192])
)
def test_dummy_compute_keeps_its_share_and_ends_on_time(share, seconds, size):
    machine = VirtualMachine()
    product = Product(size, size, size, "bf16")
    each = machine.prepare_product(size, size, size, "bf16")
    begin = machine.now()
    figures = do(machine, Dummy(product, share, 2e-3), seconds, each)
    spent = machine.now() - begin
    assert abs(spent - seconds) <= 0.5 * each + HOST_S + 1e-9
    assert figures["share"] == pytest.approx(machine.busy_s / spent)
    assert abs(figures["share"] - share) * spent <= 1.5 * each + HOST_S + 1e-9
    assert figures["repetitions"] == pytest.approx(machine.busy_s / each)


def test_dummy_compute_catches_up_with_products_that_slow_down():
    """Clocks fall to a half under load: the share is of time, so there are fewer products, not more of their time."""
    machine = VirtualMachine()
    slow = 2.0 * machine.prepare_product(4096, 4096, 4096, "bf16")
    done = keep_share(
        lambda time_s: machine._times(slow, time_s), machine.idle, machine.now,
        share=0.4, each_s=0.5 * slow, turn_s=2e-3, seconds=1.0,
    )  # fmt: skip
    assert done.seconds == pytest.approx(0.4, abs=2.0 * slow)
    assert machine.now() == pytest.approx(101.0, abs=slow)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_a_copy_beside_tells_how_much_it_is_slowed(share):
    machine = VirtualMachine()
    figures = do(machine, Dummy(LOAD, share, 2e-3, 10**8), 0.5, 3.4e-4)
    assert figures["bytes_per_second"] == pytest.approx(BYTES_PER_S * (1.0 - SLOWED * figures["share"]))
    assert figures["share"] == pytest.approx(share, abs=0.01)
    assert figures["copies"] == pytest.approx(figures["bytes_per_second"] * 0.5 / 2e8, rel=0.01)
    assert figures["copy_bytes"] == 1e8
    assert (figures["repetitions"] > 0.0) == ("seconds_each" in figures) == (share > 0.0)


def test_what_the_machine_cannot_do_is_said_before_anything_is_marked():
    machine = VirtualMachine(("fp32",), spins=False)
    sampler = VirtualSampler(machine)
    with pytest.raises(InputError, match="exercise own: no products in bf16; no kernels that wait$"):
        perform(script_of(Product(64, 64, 64, "fp32"), LOAD, LOAD, Spin(1)), machine, sampler)
    assert sampler.markers == []
    assert machine.asked == []


@pytest.mark.parametrize("after", [0, 1, 7, 40])
def test_a_stop_comes_after_the_running_part(after):
    made = script("step", Asked(("bf16",), 1.0))
    calls = []

    def stop():
        calls.append(None)
        return len([one for one in markers_of(sampler) if one.activity != "step"]) >= after

    def markers_of(sampler):
        return sampler.markers

    machine = VirtualMachine()
    sampler = VirtualSampler(machine)
    done = perform(made, machine, sampler, stop=stop)
    inner = [one for one in sampler.markers if one.activity != "step"]
    assert (done.parts, done.of, done.whole) == (after, made.count, False)
    assert len(inner) == after
    # what was begun around them has an end too
    assert len(sampler.markers) - len(inner) == (0 if after == 0 else 1)


def test_progress_names_every_round():
    made, told = script("step", Asked(("bf16",), 1.0)), []
    run(made, tell=told.append)
    assert told[0] == "step: preparing"
    assert told[1] == "step 1/6: 8 steps (33 s left)"
    assert len(told) == 7


def test_a_script_that_sets_something_needs_permission_and_sets_it_back():
    made = script("limits", Asked(("bf16",), 0.1, permitted=Permitted(limits_w=(450.0,))))
    machine = VirtualMachine()
    with pytest.raises(InputError, match="exercise limits: expected permission"):
        perform(made, machine, VirtualSampler(machine))
    assert not machine.asked
    sampler, settings = VirtualSampler(machine), Settings()
    done = perform(made, machine, sampler, settings=settings)
    assert done.whole
    assert settings.done == [*(one.setting for one in made.rounds), "restored"]
    # each marker says what was in force
    assert {one.figures["limit_w"] for one in sampler.markers} == {450.0, 700.0}
    assert {one.words["phase"] for one in sampler.markers} == {"settling", "steady", "pause", "burst"}
    # and a script that sets nothing asks for nothing
    plain = Settings()
    perform(script("step", Asked(("bf16",), 0.1)), machine, sampler, settings=plain)
    assert not plain.done
