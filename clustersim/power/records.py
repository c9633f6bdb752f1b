"""The waveform that the rooms below `power` take, simulated or measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Waveform:
    """Bin means of active and reactive power at the nodes of the electrical tree.

    Sample ``k`` of a node is the mean over ``[t0_s + k dt_s, t0_s + (k + 1) dt_s)``.
    """

    t0_s: float
    dt_s: float
    nodes: tuple[str, ...]
    parents: tuple[str | None, ...]
    """Name of each node's parent; ``None`` at the root, the meter."""
    watts: NDArray[np.float64]
    """Active power. [W], shape (nodes, samples)"""
    vars: NDArray[np.float64]
    """Reactive power, positive when absorbed. [var], shape (nodes, samples)"""

    def __post_init__(self) -> None:
        """Check the shapes and make the arrays read-only."""
        shape = (len(self.nodes), self.watts.shape[1])
        if self.watts.shape != shape or self.vars.shape != shape or len(self.parents) != len(self.nodes):
            raise ValueError(f"expected arrays of shape {shape}, got {self.watts.shape} and {self.vars.shape}")
        for array in (self.watts, self.vars):
            array.setflags(write=False)

    def power(self, node: str) -> NDArray[np.float64]:
        """Active power of `node`. [W]"""
        return np.asarray(self.watts[self.nodes.index(node)])

    def reactive(self, node: str) -> NDArray[np.float64]:
        """Reactive power of `node`. [var]"""
        return np.asarray(self.vars[self.nodes.index(node)])

    @property
    def samples(self) -> int:
        """Number of samples."""
        return int(self.watts.shape[1])

    def times_s(self) -> NDArray[np.float64]:
        """Start of each bin. [s]"""
        return np.asarray(self.t0_s + self.dt_s * np.arange(self.samples), dtype=np.float64)

    def energy_j(self, node: str) -> float:
        """Energy of `node` over the waveform. [J]"""
        return float(np.sum(self.power(node)) * self.dt_s)


def coarsen(power_w: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Return exact means over `factor` consecutive bins along the last axis; a last partial bin is dropped."""
    whole = power_w.shape[-1] // factor * factor
    return np.asarray(power_w[..., :whole].reshape(*power_w.shape[:-1], -1, factor).mean(axis=-1))
