"""Activity to watts: device levels, exact waveforms over the electrical tree, damping and the site battery."""

from clustersim.power.records import Waveform, coarsen

__all__ = ["Waveform", "coarsen"]
