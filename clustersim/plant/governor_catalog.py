"""Governors of the catalog: the figures of an entry, by the symbols of its model, as a governor of the bus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

from clustersim.catalog import entry
from clustersim.catalog.records import Entry
from clustersim.errors import InputError, nearest
from clustersim.plant.governors import Constant, Gast, Governor, Ieeeg1, ReadGovernor, Tgov1, optional
from clustersim.plant.limited_governors import Converter, GasEngine, Ggov1
from clustersim.spec import classes_in

STEAM_PATHS = (("K1", "K2"), ("K3", "K4"), ("K5", "K6"), ("K7", "K8"))


def governor(name: str) -> Governor:
    """Return a governor of catalog kind ``governors``; ``none`` holds the power.

    Raises
    ------
    CatalogError
        If the name or one of the model's figures is not in the catalog.
    InputError
        If the entry is of a model that is not known here.
    """
    if name == "none":
        return Constant()
    found = entry("governors", name)
    model = found.properties.get("model", "")
    if model not in _MODELS:
        raise InputError(
            f"governors.{name}: expected a model of {', '.join(_MODELS)}, got {model!r}{nearest(str(model), _MODELS)}"
        )
    return _MODELS[model](found)


def _gast(found: Entry) -> Governor:
    return Gast(
        droop=found.si("R"),
        t1_s=found.si("T1"),
        t2_s=found.si("T2"),
        t3_s=found.si("T3"),
        ambient=found.si("AT"),
        kt=found.si("KT"),
        vmax=found.si("Vmax"),
        vmin=found.si("Vmin"),
        shaft=optional(found, "Dt"),
        deadband=optional(found, "deadband"),
    )


def _tgov1(found: Entry) -> Governor:
    return Tgov1(
        droop=found.si("R"),
        t1_s=found.si("T1"),
        t2_s=found.si("T2"),
        t3_s=found.si("T3"),
        vmax=found.si("Vmax"),
        vmin=found.si("Vmin"),
        shaft=optional(found, "Dt"),
        deadband=optional(found, "deadband"),
    )


def _ieeeg1(found: Entry) -> Governor:
    return Ieeeg1(
        gain=found.si("K"),
        t1_s=optional(found, "T1"),
        t2_s=optional(found, "T2"),
        t3_s=found.si("T3"),
        opening=found.si("Uo"),
        closing=found.si("Uc"),
        pmax=found.si("Pmax"),
        pmin=found.si("Pmin"),
        stages_s=(
            optional(found, "T4"),
            optional(found, "T5"),
            optional(found, "T6"),
            optional(found, "T7"),
        ),
        fractions=tuple(sum(optional(found, key) for key in pair) for pair in STEAM_PATHS),  # type: ignore[arg-type]
        deadband=optional(found, "deadband"),
    )


def _ggov1(found: Entry) -> Governor:
    if found.has("deadband"):
        raise InputError(f"governors.{found.name}: expected the dead band of GGOV1 as `db`, got `deadband`")
    given = {field.name: found.si(field.name) for field in fields(Ggov1) if field.name != "rselect"}
    return Ggov1(rselect=int(found.si("rselect")), **given)


def _engine(found: Entry) -> Governor:
    return GasEngine(
        droop=found.si("R"),
        kp=found.si("Kp"),
        ki=found.si("Ki"),
        actuator_s=found.si("actuator"),
        dead_s=found.si("dead_time"),
        accept=found.si("accept.first"),
        fall=found.si("accept.fall"),
        least=found.si("accept.least"),
        rate=found.si("build_up"),
        turbo_s=found.si("turbocharger"),
        limit=found.si("limit"),
        deadband=optional(found, "deadband"),
    )


def _converter(found: Entry) -> Governor:
    droop = optional(found, "R")
    return Converter(found.si("response_time"), 1.0 / droop if droop > 0.0 else 0.0, optional(found, "deadband"))


_OWN = classes_in("clustersim.plant.governor_models", ReadGovernor)  # type: ignore[type-abstract]
_MODELS: dict[str, Callable[[Entry], Governor]] = {
    "GAST": _gast,
    "TGOV1": _tgov1,
    "IEEEG1": _ieeeg1,
    "GGOV1": _ggov1,
    "gas_engine": _engine,
    "converter": _converter,
    **{own.model: own.read for own in _OWN},
}
