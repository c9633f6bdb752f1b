"""An accelerator, or the processor, driven by PyTorch.

Clocks, limits and other settings of the device stay as they are.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import perf_counter

from clustersim.errors import InputError
from clustersim.instrument.launches import Clock, HostClock, Launch, repeated, wait_until
from clustersim.instrument.machine import Beside, Done
from clustersim.instrument.torch_device import check_device, torch_module
from clustersim.instrument.torch_launches import EventClock, TorchLaunches
from clustersim.instrument.turns import keep_share
from clustersim.instrument.works import ELEMENT_BYTES

MEMORY_SHARE = 0.5
"""Of the memory that is free at the start, which operands may hold together."""
GRAPH_S = 0.0003
"""Products shorter than this go into a graph of about this length, so that launching them does not set the pace."""
GRAPH_MOST = 256
"""Products in a graph."""
TRIED_S = 0.005
"""For which a launch is tried to learn how long it takes."""


class TorchMachine:
    """A device by its name in PyTorch, such as ``cuda:0``; satisfies :class:`clustersim.instrument.machine.Machine`.

    Raises
    ------
    InputError
        As :func:`check_device`.
    """

    def __init__(self, device: str = "cuda:0", seed: int = 0) -> None:
        check_device(device)
        self._torch = torch = torch_module()
        self._device = torch.device(device)
        self._cuda = self._device.type == "cuda"
        self._clock: Clock = HostClock()
        if self._cuda:
            self._device = torch.device("cuda", self._device.index or 0)
            torch.cuda.set_device(self._device)
            self._clock = EventClock(torch)
            self._room_bytes = MEMORY_SHARE * torch.cuda.mem_get_info(self._device)[0]
        else:
            self._room_bytes = math.inf
        draws = torch.Generator(device=self._device).manual_seed(seed)
        self._make = TorchLaunches(torch, self._device, draws)
        self._ready: OrderedDict[Hashable, Launch] = OrderedDict()

    @property
    def precisions(self) -> tuple[str, ...]:
        """Of the products that it can do."""
        if not self._cuda:
            return ("bf16", "fp16", "fp32")
        if self._torch.version.hip:
            return ("bf16", "fp16", "fp32")
        capability = self._torch.cuda.get_device_capability(self._device)
        since = {"bf16": (8, 0), "fp16": (7, 0), "tf32": (8, 0), "fp32": (0, 0), "fp8": (8, 9)}
        return tuple(name for name, least in since.items() if capability >= least)

    @property
    def conditions(self) -> Mapping[str, str]:
        """Names and versions that a reader of a recording must know."""
        torch = self._torch
        found = {"torch": str(torch.__version__), "torch_device": str(self._device)}
        if not self._cuda:
            return found
        about = torch.cuda.get_device_properties(self._device)
        found |= {
            "accelerator": str(about.name),
            "compute_capability": f"{about.major}.{about.minor}",
            "memory_bytes": str(about.total_memory),
            "multiprocessors": str(about.multi_processor_count),
            "cuda": str(torch.version.cuda or torch.version.hip),
        }
        return found | ({"uuid": str(about.uuid)} if hasattr(about, "uuid") else {})

    def now(self) -> float:
        """Return the time of the host's clock. [s]"""
        return perf_counter()

    def synchronise(self) -> None:
        """Wait until the device has done all that was asked."""
        if self._cuda:
            self._torch.cuda.synchronize(self._device)

    def close(self) -> None:
        """Free the memory that it holds."""
        self._ready.clear()
        if self._cuda:
            self.synchronise()
            self._torch.cuda.empty_cache()

    def prepare_product(self, m: int, n: int, k: int, precision: str) -> float:
        """Make the operands of a product, and return how long one takes. [s]"""
        if precision not in self.precisions:
            raise InputError(f"{self._device}: no products in {precision}; it has {', '.join(self.precisions)}")
        if precision == "fp8" and (m % 16 or n % 16 or k % 16):
            raise InputError(f"{self._device}: products in fp8 need multiples of 16, found {m} x {n} x {k}")
        size = ELEMENT_BYTES[precision]
        held = size * (m * k + n * k) + max(size, 2) * m * n
        return self._prepared((m, n, k, precision), held, lambda: self._make.multiply(m, n, k, precision), precision)

    def prepare_stream(self, array_bytes: int) -> float:
        """Make the arrays of a stream, and return how long a pass takes. [s]"""
        return self._prepared(("stream", array_bytes), 3 * array_bytes, lambda: self._make.triad(array_bytes))

    def prepare_copy(self, array_bytes: int) -> float:
        """Make the arrays of a copy, and return how long one takes. [s]"""
        return self._prepared(("copy", array_bytes), 2 * array_bytes, lambda: self._make.copy(array_bytes))

    def prepare_spin(self, blocks: int) -> float:
        """Return how long the kernels wait at a time. [s]"""
        if not self._cuda:
            raise InputError(f"{self._device}: no kernels that wait; they need a GPU")
        return self._prepared(("spin", blocks), 0, lambda: self._make.spin(blocks))

    def product(self, m: int, n: int, k: int, precision: str, seconds: float) -> Done:
        """Multiply an (m, k) with a (k, n) matrix, again and again."""
        self.prepare_product(m, n, k, precision)
        with self._as_told(precision):
            return repeated(self._ready[m, n, k, precision], self._clock, seconds)

    def stream(self, array_bytes: int, seconds: float) -> Done:
        """Do ``c = a + s b`` with arrays in device memory, again and again."""
        self.prepare_stream(array_bytes)
        return repeated(self._ready["stream", array_bytes], self._clock, seconds)

    def spin(self, blocks: int, seconds: float) -> Done:
        """Let kernels of one block each wait in a loop on the device."""
        self.prepare_spin(blocks)
        return repeated(self._ready["spin", blocks], self._clock, seconds)

    def idle(self, seconds: float) -> Done:
        """Do nothing, with a context and without a kernel."""
        begin = perf_counter()
        self.synchronise()
        wait_until(begin + seconds)
        return Done(1, perf_counter() - begin)

    def copy_beside(
        self, array_bytes: int, m: int, n: int, k: int, precision: str, share: float, turn_s: float, seconds: float
    ) -> Beside:
        """Copy an array within device memory from a thread of its own, in a stream of its own, beside products."""
        each = self.prepare_product(m, n, k, precision)
        self.prepare_copy(array_bytes)
        copy, over = self._ready["copy", array_bytes], threading.Event()
        copied: list[Done] = []

        def copying() -> None:
            with self._own_stream():
                copied.append(repeated(copy, self._clock, math.inf, over.is_set))

        thread = threading.Thread(target=copying, name="copy beside")
        self.synchronise()
        thread.start()
        try:
            products = keep_share(
                lambda time_s: self.product(m, n, k, precision, time_s), self._wait, perf_counter,
                share=share, each_s=each, turn_s=turn_s, seconds=seconds,
            )  # fmt: skip
        finally:
            over.set()
            thread.join()
        if not copied:
            raise RuntimeError("the copies beside the products ended with an error")
        return Beside(products, copied[0])

    def _wait(self, seconds: float) -> None:
        """Wait without asking the device, which another stream keeps busy."""
        wait_until(perf_counter() + seconds)

    @contextmanager
    def _own_stream(self) -> Iterator[None]:
        if not self._cuda:
            yield
            return
        cuda = self._torch.cuda
        with cuda.device(self._device), cuda.stream(cuda.Stream(self._device)):
            yield

    def _prepared(self, key: Hashable, held: int, make: Callable[[], Launch], precision: str = "") -> float:
        """Keep a launch under its key, and return how long one piece of it takes; the oldest make room for it."""
        if key in self._ready:
            self._ready.move_to_end(key)
            return self._ready[key].each_s
        if held > self._room_bytes:
            raise InputError(
                f"{self._device}: operands of {held * 1e-9:.3g} GB, and room for {self._room_bytes * 1e-9:.3g} GB"
            )
        while self._ready and held + sum(one.held_bytes for one in self._ready.values()) > self._room_bytes:
            self._ready.popitem(last=False)
        with self._as_told(precision):
            launch = make()
            launch.held_bytes = held
            # the first loads kernels and chooses among them
            for _ in range(3):
                launch.issue()
            self.synchronise()
            repeated(launch, self._clock, 0.0)
            if precision and self._cuda and launch.each_s < GRAPH_S:
                self._in_graph(launch)
            repeated(launch, self._clock, TRIED_S)
        self._ready[key] = launch
        return launch.each_s

    def _in_graph(self, launch: Launch) -> None:
        """Put several pieces of a launch into a graph that is issued as one."""
        torch, issue = self._torch, launch.issue
        pieces = max(1, min(GRAPH_MOST, math.ceil(GRAPH_S / launch.each_s)))
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(pieces):
                issue()
        # operands must live as long as the graph
        launch.issue, launch.kept, launch.pieces = graph.replay, issue, pieces

    def _as_told(self, precision: str) -> AbstractContextManager[None]:
        """Let products of fp32 operands run in fp32 or in tf32, as told, and as before afterwards."""
        how = {"tf32": "high", "fp32": "highest"}.get(precision)
        return nullcontext() if how is None else self._float32(how)

    @contextmanager
    def _float32(self, how: str) -> Iterator[None]:
        before = self._torch.get_float32_matmul_precision()
        self._torch.set_float32_matmul_precision(how)
        try:
            yield
        finally:
            self._torch.set_float32_matmul_precision(before)
