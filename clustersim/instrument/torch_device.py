"""PyTorch and its devices: whether they are there, and if not, how to get them. Nothing else imports PyTorch."""

from __future__ import annotations

from typing import Any

from clustersim.errors import InputError

HOW_TO_GET = "pip install 'clustersim[torch]'"


def torch_module() -> Any:
    """Return PyTorch.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        import torch
    except ImportError:
        raise InputError(f"exercise: PyTorch is missing: {HOW_TO_GET}") from None
    return torch


def check_device(device: str) -> None:
    """Check that a device is there, without making a context on it.

    Raises
    ------
    InputError
        If PyTorch is missing, the name is none, or there is no such device.
    """
    torch = torch_module()
    try:
        asked = torch.device(device)
    except RuntimeError:
        raise InputError(f"--device: expected such as cuda:0, found {device!r}") from None
    if asked.type not in ("cuda", "cpu"):
        raise InputError(f"--device: expected cuda or cpu, found {asked.type}")
    if asked.type == "cpu":
        return
    if not torch.cuda.is_available():
        built = torch.version.cuda or torch.version.hip
        why = (
            "this machine shows it none (driver, container, CUDA_VISIBLE_DEVICES)" if built else "it is built for CPUs"
        )
        get = "" if built else "; get a build for your GPU: https://pytorch.org/get-started"
        raise InputError(f"exercise: a GPU is missing: PyTorch {torch.__version__} finds none: {why}{get}")
    if (asked.index or 0) >= torch.cuda.device_count():
        raise InputError(f"--device: expected one of {torch.cuda.device_count()} GPU(s) from cuda:0, found {device}")
