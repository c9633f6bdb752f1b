"""So much of PyTorch as the machine uses on a GPU, with a device that works behind the host in its own streams."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from time import perf_counter, sleep
from types import SimpleNamespace

EACH_S = {"small": 2e-5, "large": 2e-3, "triad": 1e-3, "copy": 1e-3, "sleep": 5e-4}


class Stream:
    def __init__(self, device=None):
        self.end_s = 0.0
        self.work = []

    def wait_stream(self, other):
        self.end_s = max(self.end_s, other.end_s)

    def issue(self, name, seconds):
        self.work.append(name)
        self.end_s = max(self.end_s, perf_counter()) + seconds


class Event:
    def __init__(self, cuda):
        self.cuda = cuda

    def record(self):
        self.at_s = max(self.cuda.current_stream().end_s, perf_counter())

    def synchronize(self):
        sleep(max(0.0, self.at_s - perf_counter()))

    def elapsed_time(self, other):
        return (other.at_s - self.at_s) * 1e3


class Graph:
    def __init__(self, cuda):
        self.cuda, self.held = cuda, []

    def replay(self):
        for name, seconds in self.held:
            self.cuda.current_stream().issue(name, seconds)


class Cuda:
    def __init__(self, capability, memory):
        self.capability, self.memory = capability, memory
        self.default, self.here = Stream(), threading.local()
        self.streams = [self.default]
        self.capturing = None
        self.emptied = 0
        self.properties = SimpleNamespace(
            name="virtual", major=capability[0], minor=capability[1], total_memory=memory, multi_processor_count=132,
            uuid="8f1e",
        )  # fmt: skip

    def Stream(self, device=None):
        self.streams.append(Stream())
        return self.streams[-1]

    def Event(self, enable_timing):
        assert enable_timing
        return Event(self)

    def CUDAGraph(self):
        return Graph(self)

    @contextmanager
    def graph(self, graph):
        self.capturing = graph.held
        yield
        self.capturing = None

    @contextmanager
    def stream(self, stream):
        before = self.current_stream()
        self.here.stream = stream
        yield
        self.here.stream = before

    @contextmanager
    def device(self, device):
        yield

    def current_stream(self, device=None):
        return getattr(self.here, "stream", self.default)

    def issue(self, name, seconds):
        if self.capturing is not None:
            self.capturing.append((name, seconds))
        else:
            self.current_stream().issue(name, seconds)

    def _sleep(self, cycles):
        assert cycles > 0
        self.issue("sleep", EACH_S["sleep"])

    def synchronize(self, device=None):
        assert self.capturing is None
        sleep(max(0.0, max(one.end_s for one in self.streams) - perf_counter()))

    def empty_cache(self):
        self.emptied += 1

    def is_available(self):
        return self.memory > 0

    def device_count(self):
        return 2

    def set_device(self, device):
        self.chosen = device

    def mem_get_info(self, device):
        return self.memory, self.memory

    def get_device_capability(self, device):
        return self.capability

    def get_device_properties(self, device):
        return self.properties


class Tensor:
    def __init__(self, torch, *shape):
        self.torch, self.shape = torch, shape

    def t(self):
        return Tensor(self.torch, *reversed(self.shape))

    def to(self, dtype):
        return self

    def copy_(self, other):
        assert other.shape == self.shape
        self.torch.cuda.issue("copy", EACH_S["copy"])


class Torch:
    """Stands for the module."""

    __version__ = "2.13.0+cu130"
    bfloat16, float16, float32, float8_e4m3fn = "bf16", "fp16", "fp32", "fp8"

    def __init__(self, capability=(9, 0), memory=80e9, hip=None):
        self.cuda = Cuda(capability, memory)
        self.version = SimpleNamespace(cuda=None if hip else "13.0", hip=hip)
        self.how = "highest"

    def device(self, name, index=None):
        kind, _, number = name.partition(":")
        return SimpleNamespace(type=kind, index=int(number) if number else index)

    def Generator(self, device):
        return SimpleNamespace(manual_seed=lambda seed: seed)

    def get_float32_matmul_precision(self):
        return self.how

    def set_float32_matmul_precision(self, how):
        self.how = how

    def randn(self, *shape, dtype, device, generator):
        return Tensor(self, *shape)

    def ones(self, *shape, device):
        return Tensor(self, *shape)

    def empty(self, *shape, dtype, device):
        return Tensor(self, *shape)

    def _product(self, name, left, right):
        assert left.shape[1] == right.shape[0]
        size = "small" if left.shape[0] < 1024 else "large"
        self.cuda.issue(name, EACH_S[size])

    def mm(self, left, right, out):
        assert out.shape == (left.shape[0], right.shape[1])
        self._product(f"mm {self.how}", left, right)

    def _scaled_mm(self, left, right, scale_a, scale_b, out_dtype, use_fast_accum):
        assert out_dtype == "bf16"
        self._product("scaled mm", left, right)

    def add(self, first, second, alpha, out):
        self.cuda.issue("triad", EACH_S["triad"])
