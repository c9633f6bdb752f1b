"""Which of the accelerators that NVML lists is the one that CUDA calls ``cuda:0``, ``cuda:1`` and so on."""

from __future__ import annotations

import importlib

from clustersim.errors import InputError
from clustersim.instrument.torch_device import HOW_TO_GET


def place_of_device(device: str, visible: str | None) -> int:
    """Return the place in NVML's list of a device, without asking CUDA, which would make a context.

    Parameters
    ----------
    device : str
        Such as ``cuda:0``; ``cuda`` is the first.
    visible : str, optional
        The variable CUDA_VISIBLE_DEVICES; absent where it is not set.

    Raises
    ------
    InputError
        If the device is not among the visible ones.
    """
    _, _, number = device.partition(":")
    at = int(number or 0)
    if visible is None:
        return at
    names = [one.strip() for one in visible.split(",")]
    if at >= len(names) or not names[at]:
        raise InputError(f"--device: {device} is not in CUDA_VISIBLE_DEVICES={visible}")
    return int(names[at]) if names[at].isdigit() else place_of_uuid(names[at])


def place_of_uuid(uuid: str) -> int:
    """Return the place in NVML's list of the accelerator with an identifier such as ``GPU-8f1e...``.

    Raises
    ------
    InputError
        If its package is missing, or it knows no such accelerator: an instance of one (MIG) has no power of its own.
    """
    try:
        nvml = importlib.import_module("pynvml")
    except ImportError:
        raise InputError(f"exercise: nvidia-ml-py is missing: {HOW_TO_GET}") from None
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        raise InputError(f"exercise: the NVIDIA driver is missing: {error}") from None
    try:
        return int(nvml.nvmlDeviceGetIndex(nvml.nvmlDeviceGetHandleByUUID(uuid)))
    except nvml.NVMLError as error:
        raise InputError(f"exercise: expected a whole GPU that NVML knows, found {uuid}: {error}") from None
    finally:
        nvml.nvmlShutdown()
