"""Measured power: judged alone, behind damping, or as the load of a site."""
