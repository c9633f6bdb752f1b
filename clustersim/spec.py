"""Base of every validated input record."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """Base of all input records: immutable, and an unknown key is an error.

    Quantities are given as text with a unit (see :mod:`clustersim.units`); attributes hold SI floats.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)
