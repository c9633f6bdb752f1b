"""The ``fabric:`` section of a topology file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field, TypeAdapter

from clustersim.fabric.families.clos import ClosSpec, FatTreeSpec, MultiPlaneSpec, RailOptimisedSpec
from clustersim.fabric.families.dragonfly import DragonflySpec
from clustersim.fabric.spec_parts import (
    FabricBase,
    FabricOptics,
    LayoutSpec,
    Oversubscription,
    Protection,
    ScaleUpSpec,
    SwitchedScaleUpSpec,
    TierSpec,
    TorusSpec,
    WanLink,
    WanSpec,
)
from clustersim.spec import classes_in

__all__ = [
    "ClosSpec",
    "DragonflySpec",
    "FabricBase",
    "FabricOptics",
    "FabricSpec",
    "FatTreeSpec",
    "LayoutSpec",
    "MultiPlaneSpec",
    "Oversubscription",
    "Protection",
    "RailOptimisedSpec",
    "ScaleUpSpec",
    "SwitchedScaleUpSpec",
    "TierSpec",
    "TorusSpec",
    "WanLink",
    "WanSpec",
    "fabric_spec",
]


if TYPE_CHECKING:
    FabricSpec = FabricBase
else:
    # a record whose kind is any text is what others derive from
    _ALL = tuple(
        record
        for record in classes_in("clustersim.fabric.families", FabricBase)
        if record.model_fields["kind"].annotation is not str
    )
    FabricSpec = Annotated[Union[_ALL], Field(discriminator="kind")]  # noqa: UP007 (made of a tuple)
"""Any scale-out fabric, each in a module of `clustersim.fabric.families`; `kind` says which."""


def fabric_spec(data: object) -> FabricBase:
    """Return the validated ``fabric:`` section of `data`.

    Raises
    ------
    pydantic.ValidationError
        If a key is unknown, missing or out of range.
    """
    found: FabricBase = TypeAdapter(FabricSpec).validate_python(data)
    return found
