"""Conversion stages with their figures, and the power through each from the equipment up to the meter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.catalog import Entry, entry
from clustersim.plant.spec import SitePlantSpec
from clustersim.plant.spec_parts.supply import ConversionStage, spare_units

Floats = NDArray[np.float64]
BY_CURRENT = ("transformer", "bus")
"""Kinds whose rating is an apparent power; of the others it is an active power."""
MAIN_SHARE = 0.5
"""A stage that carries at least this share of the load stands in the way to the servers; one with less, of auxiliaries,
network or hosts alone, stands beside it. [-]"""


@dataclass(frozen=True)
class Stage:
    """One conversion stage: what the file says, completed from the catalog. Ratios are on the rating."""

    name: str
    kind: str
    """`transformer`, `ups`, `bus`, `shelf` (beside the load) or `psu`."""
    unit: float
    """Rating of one unit. [VA] for transformers and busways, else [W]"""
    fault_unit: float
    """The same for the fault level: the catalog's usual size where the file gives the rating of all units only."""
    spec: ConversionStage
    outlet_v: float
    """Line to line. [V]"""
    no_load: float
    load_loss: float
    """At the rating. [-]"""
    proportional: float
    """Share of the load loss that grows with the load and not with its square. [-]"""
    resistance: float
    reactance: float
    regulates: bool
    """Whether it holds the voltage at its outlet."""
    thermal_class: str | None
    cooled: bool
    """Whether it stands in a room that the site's cooling serves: its loss is heat there."""

    @property
    def rating(self) -> float:
        """Of all units together. [VA] or [W]"""
        return self.spec.whole_rating

    @property
    def firm(self) -> float:
        """Rating of what remains when the spare units of every block are lost. [VA] or [W]"""
        block = self.spec.block_units
        return self.rating * (1.0 - spare_units(self.spec.redundancy, block) / block)

    @property
    def one_out(self) -> float:
        """Rating of all units but one. [VA] or [W]"""
        return self.rating - self.unit

    @property
    def by_current(self) -> bool:
        """Whether the rating is an apparent power."""
        return self.kind in BY_CURRENT


@dataclass(frozen=True)
class StageFlow:
    """What passes through a stage; arrays of one shape."""

    stage: Stage
    out_w: Floats
    out_var: Floats
    """Leaving the stage towards the equipment."""
    loss_w: Floats
    loss_var: Floats
    """What the stage takes itself."""

    @cached_property
    def through(self) -> Floats:
        """What counts on the rating at the outlet. [VA] or [W]"""
        return np.asarray(np.hypot(self.out_w, self.out_var) if self.stage.by_current else np.abs(self.out_w))

    @cached_property
    def loading(self) -> Floats:
        """Through the stage over the rating of all its units. [-]"""
        return self.through / self.stage.rating


def stages_of(spec: SitePlantSpec) -> tuple[Stage, ...]:
    """Return the conversion stages of a site from the meter down.

    Raises
    ------
    CatalogError
        If a stage is not in catalog kind ``facility``, or lacks its loss there.
    """
    volts = spec.grid.voltage if spec.grid is not None else entry("facility", "synchronous_generator").si("voltage")
    found = []
    for record in spec.conversion:
        stage = _stage(record, entry("facility", record.stage), volts)
        found.append(stage)
        volts = stage.outlet_v
    return tuple(found)


def _stage(record: ConversionStage, figures: Entry, inlet_v: float) -> Stage:
    volts = record.voltage
    if volts is None:
        volts = min(inlet_v, figures.si("voltage")) if figures.has("voltage") else inlet_v
    kind = str(figures.properties.get("kind", "psu"))
    load_loss = figures.si("loss.load")
    series = load_loss if kind in BY_CURRENT else 0.0
    if record.resistance is not None:
        series = record.resistance
        load_loss = record.resistance if kind in BY_CURRENT else load_loss
    reactance = record.reactance
    if reactance is None:
        reactance = figures.si("reactance") if figures.has("reactance") else 0.0
    thermal = record.thermal_class or figures.properties.get("thermal_class")
    return Stage(
        name=record.stage,
        kind=kind,
        unit=record.unit_rating,
        fault_unit=_usual_unit(record, figures),
        spec=record,
        outlet_v=volts,
        no_load=figures.si("loss.no_load"),
        load_loss=load_loss,
        proportional=figures.si("loss.proportional") if figures.has("loss.proportional") else 0.0,
        resistance=series,
        reactance=reactance,
        regulates=bool(figures.properties.get("regulates", False)),
        thermal_class=None if kind != "transformer" or thermal == "none" else thermal,
        cooled=bool(figures.properties.get("cooled", False)),
    )


def _usual_unit(record: ConversionStage, figures: Entry) -> float:
    if record.unit is None and record.count == 1 and figures.has("unit"):
        return min(figures.si("unit"), record.unit_rating)
    return record.unit_rating


def stage_flows(spec: SitePlantSpec, load_w: ArrayLike, reactive_var: ArrayLike = 0.0) -> tuple[StageFlow, ...]:
    r"""Return what passes through every stage and what it loses, at nominal voltage.

    .. math:: P_{loss} = S_r (k_0 + k_1 ((1 - c) s^2 + c s)), \quad Q_{loss} = x S_r s^2

    with the loading :math:`s = \sqrt{P^2 + Q^2} / S_r` of a transformer or busway and :math:`s = P / P_r` of anything
    else, and P, Q leaving the stage: its share of the equipment's power and of what the stages below lose. Copper loss
    at rated current is :math:`k_1`; c is the part of a UPS's loss that is proportional to its load.

    Parameters
    ----------
    spec : SitePlantSpec
        Electrical plant of the site.
    load_w, reactive_var : array_like
        Active and reactive power of the equipment. [W], [var]

    Returns
    -------
    tuple of StageFlow
        From the meter down; arrays of the common shape of the inputs.

    Raises
    ------
    CatalogError
        If a stage is not in catalog kind ``facility``.
    """
    return tuple(upward_flows(stages_of(spec), load_w, reactive_var))[::-1]


def upward_flows(stages: Sequence[Stage], load_w: ArrayLike, reactive_var: ArrayLike) -> Iterator[StageFlow]:
    """Give what passes through the lowest of a site's stages, as of :func:`stage_flows`, from the equipment up.

    Parameters
    ----------
    stages : sequence of Stage
        From one stage of the site down to the last.
    load_w, reactive_var : array_like
        Active and reactive power of the equipment. [W], [var]
    """
    power, reactive = np.broadcast_arrays(np.asarray(load_w, np.float64), np.asarray(reactive_var, np.float64))
    for stage in reversed(stages):
        out_w, out_var = stage.spec.share * power, stage.spec.share * reactive
        apparent = np.hypot(out_w, out_var)
        counted = apparent if stage.by_current else np.abs(out_w)
        loading = counted / stage.rating
        loaded = (1.0 - stage.proportional) * loading**2 + stage.proportional * loading
        loss = stage.rating * (stage.no_load + stage.load_loss * loaded)
        current = apparent / stage.rating
        absorbed = stage.reactance * stage.rating * current**2
        yield StageFlow(stage, np.asarray(out_w), np.asarray(out_var), np.asarray(loss), np.asarray(absorbed))
        power, reactive = power + loss, reactive + absorbed
