"""Which accelerator of NVML is which of CUDA."""

from __future__ import annotations

import sys

import pytest

from clustersim.errors import InputError
from clustersim.instrument.nvml_place import place_of_device, place_of_uuid


class Nvml:
    """Stands for the package."""

    class NVMLError(Exception):
        """Of the driver."""

    def __init__(self, uuids, starts=True):
        self.uuids, self.starts, self.open = uuids, starts, 0

    def nvmlInit(self):
        if not self.starts:
            raise self.NVMLError("Driver Not Loaded")
        self.open += 1

    def nvmlShutdown(self):
        self.open -= 1

    def nvmlDeviceGetHandleByUUID(self, uuid):
        if uuid not in self.uuids:
            raise self.NVMLError("Not Found")
        return ("handle", uuid)

    def nvmlDeviceGetIndex(self, handle):
        return self.uuids.index(handle[1])


@pytest.mark.parametrize(
    ("device", "visible", "place"),
    [("cuda:0", None, 0), ("cuda", None, 0), ("cuda:3", None, 3), ("cuda:1", "4, 6", 6), ("cuda:0", "7", 7)],
)
def test_the_place_among_the_recorded_devices(device, visible, place):
    assert place_of_device(device, visible) == place


@pytest.mark.parametrize(("device", "visible"), [("cuda:1", "4"), ("cuda:0", "")])
def test_a_device_that_is_hidden_is_refused(device, visible):
    with pytest.raises(InputError, match="is not in CUDA_VISIBLE_DEVICES"):
        place_of_device(device, visible)


def test_an_identifier_is_looked_up(monkeypatch):
    nvml = Nvml(["GPU-1a", "GPU-2b"])
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert place_of_uuid("GPU-2b") == 1
    assert place_of_device("cuda:1", "GPU-2b,GPU-1a") == 0
    with pytest.raises(InputError, match="expected a whole GPU that NVML knows, found MIG-3c: Not Found"):
        place_of_device("cuda:0", "MIG-3c")
    assert nvml.open == 0


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", Nvml([], starts=False))
    with pytest.raises(InputError, match="the NVIDIA driver is missing: Driver Not Loaded"):
        place_of_uuid("GPU-1a")
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(InputError, match=r"nvidia-ml-py is missing: pip install 'clustersim\[torch\]'"):
        place_of_uuid("GPU-1a")
