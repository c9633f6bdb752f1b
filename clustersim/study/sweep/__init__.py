"""Sweeps: a study file, its points, the work that answers one point, and the store of their rows."""
