"""Simulate AI training megaclusters: step time, power waveforms, plant response, rules and cost."""

__version__ = "0.1.0"
