"""The machine of PyTorch, on the processor: it does what it says, times it, and refuses what only a GPU can do."""

from __future__ import annotations

import time

import pytest

from clustersim.errors import InputError
from clustersim.instrument.exercise import perform
from clustersim.instrument.torch_device import check_device
from clustersim.instrument.works import Dummy, Idle, Part, Product, Round, Script, Stream
from tests.instrument.fake_machine import VirtualSampler

torch = pytest.importorskip("torch")


@pytest.fixture
def machine():
    from clustersim.instrument.torch_machine import TorchMachine

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    made = TorchMachine("cpu", seed=3)
    yield made
    made.close()
    torch.set_num_threads(threads)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_products_last_as_long_as_asked(machine, precision):
    machine.prepare_product(64, 32, 48, precision)
    begin = time.perf_counter()
    done = machine.product(64, 32, 48, precision, 0.2)
    spent = time.perf_counter() - begin
    assert done.repetitions > 10
    # the processor may be taken away meanwhile: no upper bound
    assert 0.1 < done.seconds <= spent
    assert done.seconds_each == pytest.approx(done.seconds / done.repetitions)


def test_one_product_at_least(machine):
    assert machine.product(64, 64, 64, "fp32", 0.0).repetitions == 1


def test_operands_are_random_and_of_the_seed(machine):
    from clustersim.instrument.torch_machine import TorchMachine

    one, other = machine._make, TorchMachine("cpu", seed=3)._make
    drawn = one._random(100, 100, torch.float32)
    assert torch.equal(drawn, other._random(100, 100, torch.float32))
    assert abs(float(drawn.mean())) < 0.05
    assert abs(float(drawn.std()) - 1.0) < 0.05


def test_products_are_products(machine):
    launch = machine._make.multiply(8, 4, 6, "fp32")
    made = launch.issue()
    assert made.shape == (8, 4)
    assert torch.isfinite(made).all()


def test_streams_and_copies_tell_their_bytes(machine):
    done = machine.stream(400_000, 0.05)
    assert done.moved_bytes == done.repetitions * 3 * 400_000
    both = machine.copy_beside(400_000, 64, 64, 64, "fp32", 0.5, 2e-3, 0.2)
    assert both.copies.repetitions > 1
    assert both.copies.moved_bytes == both.copies.repetitions * 2 * 400_000
    assert both.products.seconds > 0.02
    assert both.copies.seconds > 0.1
    alone = machine.copy_beside(400_000, 64, 64, 64, "fp32", 0.0, 2e-3, 0.05)
    assert alone.products.repetitions == 0


def test_idle_takes_its_time(machine):
    assert machine.idle(0.02).seconds >= 0.02


def test_the_oldest_operands_make_room(machine):
    machine._room_bytes = 3 * 4 * 64 * 64 * 2
    for size in (64, 48, 32, 56, 64):
        machine.prepare_product(size, size, size, "fp32")
        assert sum(one.held_bytes for one in machine._ready.values()) <= machine._room_bytes
    with pytest.raises(InputError, match=r"cpu: operands of .* GB, and room for"):
        machine.prepare_product(640, 640, 640, "fp32")


def test_what_needs_a_gpu_is_refused(machine):
    with pytest.raises(InputError, match="cpu: no kernels that wait; they need a GPU"):
        machine.spin(1, 0.1)
    with pytest.raises(InputError, match="cpu: no products in fp8; it has bf16, fp16, fp32"):
        machine.product(64, 64, 64, "fp8", 0.1)


def test_the_precision_of_fp32_is_put_back(machine):
    torch.set_float32_matmul_precision("high")
    try:
        machine.product(64, 64, 64, "fp32", 0.0)
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_a_script_is_performed_in_its_time(machine):
    load = Product(128, 128, 128, "fp32")
    parts = (
        Part("matrix", load, 0.05), Part("memory", Stream(1_000_000), 0.05), Part("context", Idle(), 0.05),
        Part("dummy", Dummy(load, 0.5, 2e-3), 0.1), Part("dummy", Dummy(load, 0.5, 2e-3, 1_000_000), 0.1),
    )  # fmt: skip
    sampler = VirtualSampler(machine)
    done = perform(Script("own", (Round("all", parts, 2, "step"),)), machine, sampler)
    assert done.whole
    for part, marker in zip(parts * 2, sampler.markers, strict=False):
        assert marker.activity == part.activity
        assert marker.end_s - marker.begin_s > 0.5 * part.seconds
        if part.activity == "dummy":
            assert 0.1 < marker.figures["share"] <= 1.0
    assert len(sampler.markers) == 11


def test_conditions_name_versions(machine):
    assert machine.conditions == {"torch": torch.__version__, "torch_device": "cpu"}


@pytest.mark.parametrize(
    ("device", "said"),
    [("nonsense", "--device: expected such as cuda:0"), ("meta", "--device: expected cuda or cpu, found meta")],
)
def test_wrong_devices_are_named(device, said):
    with pytest.raises(InputError, match=said):
        check_device(device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_named():
    with pytest.raises(InputError, match="a GPU is missing: PyTorch .* finds none"):
        check_device("cuda:0")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_does_everything():
    """Short parts of every kind: graphs, waiting kernels, copies in a stream of their own, fp8 where there is any."""
    from clustersim.instrument.torch_machine import TorchMachine

    machine = TorchMachine("cuda:0")
    try:
        for precision in machine.precisions:
            for size in (256, 2048):
                machine.prepare_product(size, size, size, precision)
                assert machine.product(size, size, size, precision, 0.05).seconds == pytest.approx(0.05, rel=0.5)
        for blocks in (1, 8):
            machine.prepare_spin(blocks)
            assert machine.spin(blocks, 0.05).seconds == pytest.approx(0.05, rel=0.3)
        assert machine.stream(256_000_000, 0.1).moved_bytes > 0.0
        both = machine.copy_beside(256_000_000, 2048, 2048, 2048, machine.precisions[0], 0.5, 2e-3, 0.3)
        assert both.copies.moved_bytes > 0.0
        assert both.products.seconds == pytest.approx(0.15, rel=0.3)
        assert machine.conditions["accelerator"]
    finally:
        machine.close()
