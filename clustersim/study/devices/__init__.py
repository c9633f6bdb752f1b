"""Accelerators at hand: exercised, recorded, calibrated."""
