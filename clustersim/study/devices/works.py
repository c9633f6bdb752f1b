"""Which markers stand for a level of the catalog, and which for a product of its efficiency curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from clustersim import catalog
from clustersim.errors import CatalogError, InputError
from clustersim.instrument.capping import is_set
from clustersim.instrument.products import ProductFit, Products, fit_products, products_of
from clustersim.instrument.recording import Marker
from clustersim.power.device import LEVELS, matrix_figure
from clustersim.workload.hardware import bare_hardware, constant, generation_of

OTHER = "other"
"""Label of what is no level, such as small products and filled gaps; what was done under a setting has a word more."""
STEADY = ("levels", "lead")
"""Patterns of an exercise whose parts are long enough to be a level."""
CURVE = "products"
"""Pattern of an exercise whose products are the curve."""
SIZES = (
    "m", "n", "k", "blocks", "array_bytes", "copy_bytes", "target_share", "limit_w", "locked_mhz", "burst_s",
)  # fmt: skip
"""Figures of a marker that name its work, and under which setting it was done."""


def work_of(marker: Marker) -> str:
    """Return what a device did, so that works of different power have different names."""
    sizes = [f"{name}={marker.figures[name]:g}" for name in SIZES if name in marker.figures]
    return " ".join([marker.activity, *(marker.words.get(name, "") for name in ("precision", "beside")), *sizes])


def level_markers(markers: Sequence[Marker]) -> frozenset[str]:
    """Return the works that stand for levels: of each level the one that loads the device most.

    Of an exercise only the patterns :data:`STEADY` count, where they are there: in short bursts clocks and temperature
    are others. What the works of a level are is told by :func:`work_of`; the largest stands for it.
    """
    steady = any(one.words.get("pattern") in STEADY for one in markers)
    best: dict[str, tuple[float, str]] = {}
    for one in markers:
        if steady and one.words.get("pattern", "") not in (*STEADY, ""):
            continue
        label = _level(one)
        if label != OTHER:
            best[label] = max(best.get(label, (-1.0, "")), (_size(one), work_of(one)))
    return frozenset(work for _, work in best.values())


def _size(marker: Marker) -> float:
    sizes = [marker.figures[name] for name in ("m", "n", "k", "blocks", "array_bytes") if name in marker.figures]
    return float(np.prod(sizes)) if sizes else 0.0


def _level(marker: Marker) -> str:
    if "target_share" in marker.figures or is_set(marker) or marker.activity not in LEVELS:
        return OTHER
    if marker.activity != "matrix":
        # what only stands for them in an exercise
        return OTHER if marker.activity in ("exchange", "stall") and "pattern" in marker.words else marker.activity
    sizes = [marker.figures[name] for name in ("m", "n", "k") if name in marker.figures]
    large = catalog.entry("instrument", "calibration").si("product.large")
    return matrix_figure(marker.words.get("precision", "bf16")) if min(sizes, default=large) >= large else OTHER


def level_label(marker: Marker, chosen: frozenset[str]) -> str:
    """Return the level of which a marker is: a name of the catalog's figures, or :data:`OTHER`.

    Parameters
    ----------
    marker : Marker
    chosen : frozenset of str
        Works that stand for levels (:func:`level_markers`).
    """
    if is_set(marker):
        # of very different power, so that each is told apart where readings hold more than one
        return f"{OTHER} {work_of(marker)}"
    level = _level(marker)
    steady = marker.words.get("pattern", STEADY[0]) in STEADY
    return level if work_of(marker) in chosen and steady else OTHER


def measured_products(chip: str, markers: Sequence[Marker], left_out: dict[str, str]) -> dict[str, ProductFit]:
    """Return the fit of the products of each precision; `left_out` is told why there is none.

    Of an exercise the pattern :data:`CURVE` counts, where it is there. Each shape counts once, with the median of its
    times. The memory's rate is the median of the largest stream, else the catalog's.
    """
    markers = [one for one in markers if not is_set(one)]
    timed = [one for one in markers if one.activity == "matrix" and "seconds_each" in one.figures]
    timed = [one for one in timed if one.words.get("pattern") == CURVE] or timed
    streams = [one for one in markers if one.activity == "memory" and "bytes_per_second" in one.figures]
    largest = max((_size(one) for one in streams), default=0.0)
    rates = [one.figures["bytes_per_second"] for one in streams if _size(one) == largest]
    found: dict[str, ProductFit] = {}
    for precision in sorted({one.words.get("precision", "bf16") for one in timed}):
        try:
            bare = bare_hardware([chip], [precision], [None])
        except CatalogError as error:
            left_out[f"product.{precision}"] = str(error)
            continue
        usual = float(bare.bandwidth[0]) * constant(generation_of(chip), None, "memory")
        hardware = replace(bare, bandwidth=np.array([float(np.median(rates)) if rates else usual]))
        own = [one.figures for one in timed if one.words.get("precision", "bf16") == precision]
        try:
            found[precision] = fit_products(hardware, by_shape(products_of(own)))
        except InputError as error:
            left_out[f"product.{precision}"] = str(error)
    return found


def by_shape(measured: Products) -> Products:
    """Return each shape once, with the median of its times."""
    times: dict[tuple[float, float, float], list[float]] = {}
    for *shape, seconds in zip(measured.rows, measured.columns, measured.depth, measured.seconds, strict=True):
        times.setdefault((shape[0], shape[1], shape[2]), []).append(float(seconds))
    table = np.array([[*shape, float(np.median(one))] for shape, one in times.items()])
    return Products(*table.T)
