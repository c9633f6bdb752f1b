"""What the machine of PyTorch does on a GPU, on one that only keeps books."""

from __future__ import annotations

import pytest

from clustersim.errors import InputError
from clustersim.instrument import torch_device, torch_machine
from tests.instrument.fake_torch import EACH_S, Torch


@pytest.fixture
def opened(monkeypatch):
    def opened(device="cuda:0", **more):
        torch = Torch(**more)
        for module in (torch_device, torch_machine):
            monkeypatch.setattr(module, "torch_module", lambda: torch)
        return torch, torch_machine.TorchMachine(device)

    return opened


def test_short_products_come_in_graphs(opened):
    torch, machine = opened()
    assert machine.prepare_product(512, 512, 512, "bf16") >= EACH_S["small"] * 0.999
    launch = machine._ready[512, 512, 512, "bf16"]
    assert launch.pieces > 1
    assert launch.kept is not None
    before = len(torch.cuda.default.work)
    done = machine.product(512, 512, 512, "bf16", 0.05)
    assert done.repetitions % launch.pieces == 0
    assert len(torch.cuda.default.work) - before == done.repetitions
    # a product that is long enough is launched by itself
    machine.prepare_product(2048, 2048, 2048, "bf16")
    assert machine._ready[2048, 2048, 2048, "bf16"].pieces == 1


def test_products_are_timed_by_the_device(opened):
    _, machine = opened()
    machine.prepare_product(2048, 2048, 2048, "fp8")
    done = machine.product(2048, 2048, 2048, "fp8", 0.1)
    assert done.seconds_each >= EACH_S["large"] * 0.999
    assert done.seconds > 0.05


@pytest.mark.parametrize(("precision", "work"), [("tf32", "mm high"), ("fp32", "mm highest"), ("fp8", "scaled mm")])
def test_each_precision_takes_its_kernel(opened, precision, work):
    torch, machine = opened()
    machine.product(2048, 1024, 1536, precision, 0.01)
    assert set(torch.cuda.default.work) == {work}
    assert torch.how == "highest"


def test_waiting_kernels_run_in_streams_of_their_own(opened):
    torch, machine = opened()
    done = machine.spin(4, 0.1)
    own = [stream for stream in torch.cuda.streams if "sleep" in stream.work]
    assert len(own) == 4
    assert len({len(stream.work) for stream in own}) == 1
    # at the same time, not one after another
    assert EACH_S["sleep"] * 0.999 <= done.seconds_each < 3.5 * EACH_S["sleep"]


def test_a_copy_runs_beside_in_a_stream_of_its_own(opened):
    torch, machine = opened()
    both = machine.copy_beside(10**6, 2048, 2048, 2048, "bf16", 0.5, 2e-3, 0.3)
    (own,) = [stream for stream in torch.cuda.streams if stream is not torch.cuda.default and "copy" in stream.work]
    assert set(own.work) == {"copy"}
    assert both.copies.repetitions == len(own.work)
    assert both.copies.moved_bytes == both.copies.repetitions * 2e6
    assert both.products.repetitions > 10
    assert both.copies.seconds > 0.2


@pytest.mark.parametrize(
    ("more", "precisions"),
    [
        ({"capability": (9, 0)}, ("bf16", "fp16", "tf32", "fp32", "fp8")),
        ({"capability": (8, 0)}, ("bf16", "fp16", "tf32", "fp32")),
        ({"capability": (7, 5)}, ("fp16", "fp32")),
        ({"capability": (9, 4), "hip": "6.2"}, ("bf16", "fp16", "fp32")),
    ],
)
def test_precisions_follow_the_generation(opened, more, precisions):
    assert opened(**more)[1].precisions == precisions


def test_operands_have_half_of_the_memory(opened):
    _, machine = opened(memory=100e6)
    for size in (1024, 2048, 2560, 1024):
        machine.prepare_product(size, size, size, "bf16")
        assert sum(one.held_bytes for one in machine._ready.values()) <= 50e6
    with pytest.raises(InputError, match="operands of 0.101 GB, and room for 0.05 GB"):
        machine.prepare_product(4096, 4096, 4096, "bf16")
    with pytest.raises(InputError, match="multiples of 16, found 100 x 64 x 64"):
        machine.prepare_product(100, 64, 64, "fp8")


def test_it_says_what_it_is_and_frees_its_memory(opened):
    torch, machine = opened("cuda:1")
    assert torch.cuda.chosen.index == 1
    machine.idle(0.001)
    assert machine.conditions["uuid"] == "8f1e"
    assert machine.conditions["accelerator"] == "virtual"
    machine.prepare_stream(10**6)
    machine.close()
    assert not machine._ready
    assert torch.cuda.emptied


@pytest.mark.parametrize(
    ("device", "more", "said"),
    [
        ("cuda:0", {"memory": 0}, "a GPU is missing: PyTorch .* this machine shows it none"),
        ("cuda:2", {}, r"expected one of 2 GPU\(s\) from cuda:0, found cuda:2"),
    ],
)
def test_missing_devices_are_named(opened, device, more, said):
    with pytest.raises(InputError, match=said):
        opened(device, **more)
