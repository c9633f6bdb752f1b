"""Predicted times of measured collectives, and the constants of the catalog kind `collectives` fitted on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import yaml
from numpy.typing import NDArray

from clustersim import catalog, units
from clustersim.errors import InputError
from clustersim.fabric.library import (
    SCALE_UP,
    TRANSPORT,
    Library,
    ScaleUp,
    Transport,
    nccl_library,
    provider,
    scale_up_links,
)
from clustersim.fabric.library import scale_up_entry as generation
from clustersim.fabric.library import transport as transport_of
from clustersim.fabric.nccl import Group, collective_time
from clustersim.study.tables.calibration import Constant
from clustersim.study.tables.collectives_table import CollectiveCase, read_collectives

Numbers = NDArray[np.float64]

KIND = "collectives"

LIBRARY = ("own_part",)
"""Constants of the library that are fitted; the others are NCCL's."""

SCALE = 0.05
"""Error beyond which a row counts as an outlier (soft L1)."""

CROWD = -0.25
"""Exponent of the weight of a row by the rows of its series, so that long sweeps do not decide alone."""

SECOND = 0.5
"""Weight of a row of quality B."""


@dataclass(frozen=True)
class Series:
    """Cases that differ in size only."""

    collective: str
    accelerator: str
    scale_up: float
    members: int
    domain: int
    transport: str
    nic: float
    fabric_reduces: bool
    algorithms: tuple[str, ...]


@dataclass(frozen=True)
class Prediction:
    """Seconds, algorithm and protocol of every case."""

    seconds: Numbers
    algorithm: NDArray[np.str_]
    protocol: NDArray[np.str_]


def series_of(case: CollectiveCase) -> Series:
    """Return what a case shares with the others of its sweep."""
    return Series(
        case.collective,
        case.accelerator,
        case.scale_up,
        case.members,
        case.domain,
        case.transport,
        case.nic,
        case.fabric_reduces,
        case.algorithms,
    )


class _Constants:
    """The constants with some replaced."""

    def __init__(self, changed: Mapping[tuple[str, str], float]) -> None:
        self.changed = changed
        self.library: Library = replace(nccl_library(), **self._of("nccl", LIBRARY))

    def _of(self, entry: str, names: Sequence[str]) -> dict[str, Any]:
        return {name: self.changed[entry, name] for name in names if (entry, name) in self.changed}

    def _scale_up(self, series: Series) -> ScaleUp:
        entry = generation(series.accelerator)
        found: dict[str, Any] = {}
        for name in SCALE_UP:
            source = provider(entry, name)
            if source is not None and (source.name, name) in self.changed:
                found[name] = self.changed[source.name, name]
        return replace(scale_up_links(series.accelerator, series.scale_up), **found)

    def group(self, series: Series) -> Group:
        net: Transport = transport_of(series.transport)
        return Group(
            members=series.members,
            domain=series.domain,
            scale_up=self._scale_up(series),
            transport=replace(net, **self._of(series.transport, TRANSPORT)),
            nic=series.nic,
            fabric_reduces=series.fabric_reduces,
        )


def predict(cases: Sequence[CollectiveCase], changed: Mapping[tuple[str, str], float] | None = None) -> Prediction:
    """Return what the library does in each case; `changed` replaces constants by (entry, figure)."""
    constants = _Constants(changed or {})
    seconds = np.zeros(len(cases))
    algorithm, protocol = np.full(len(cases), "", dtype="<U9"), np.full(len(cases), "", dtype="<U9")
    for series, index in _sweeps(cases).items():
        sizes = np.array([cases[i].size_bytes for i in index])
        found = collective_time(series.collective, sizes, constants.group(series), constants.library, series.algorithms)
        seconds[index], algorithm[index], protocol[index] = found.seconds, found.algorithm, found.protocol
    return Prediction(seconds, algorithm, protocol)


def _sweeps(cases: Sequence[CollectiveCase]) -> dict[Series, list[int]]:
    found: dict[Series, list[int]] = {}
    for i, case in enumerate(cases):
        found.setdefault(series_of(case), []).append(i)
    return found


def kernels_beside(table: Path) -> tuple[CollectiveCase, ...]:
    """Return the cases of the table of single collectives inside a domain that lies beside a table, if there is one."""
    path = table.with_name(f"{table.stem}_kernels.csv.gz")
    return read_collectives(path).cases if path.is_file() else ()


@dataclass(frozen=True)
class CollectivesFit:
    """Fitted constants."""

    constants: tuple[Constant, ...]
    rows: int


def fit(cases: Sequence[CollectiveCase], tell: Callable[[str], None] = lambda _: None) -> CollectivesFit:
    """Return the constants that fit the cases marked `fit` best, without those that their source calls noisy.

    Least squares of the logarithm of predicted over measured time, soft beyond 5 %, inside the range that the catalog
    gives each constant. Rows of one series weigh ``n^-0.25`` each.

    Raises
    ------
    InputError
        If there is no case to fit on.
    """
    chosen = [case for case in cases if case.use == "fit" and not case.noisy]
    if not chosen:
        raise InputError("--fit: expected at least one row marked fit that can be modelled, found none")
    free = free_constants(chosen)
    touched = [[i for i, case in enumerate(chosen) if _acts(item, case)] for item in free]
    start, low, high = (np.array([getattr(item, name) for item in free]) for name in ("value", "low", "high"))
    measured = np.log([case.measured_s for case in chosen])
    weight = _weights(chosen)
    span = high - low

    def values(x: Numbers) -> dict[tuple[str, str], float]:
        return {(item.entry, item.name): float(v) for item, v in zip(free, low + x * span, strict=True)}

    def residuals(x: Numbers) -> Numbers:
        return np.asarray((np.log(predict(chosen, values(x)).seconds) - measured) * weight)

    def slopes(x: Numbers) -> Numbers:
        base, table = residuals(x), np.zeros((len(chosen), len(free)))
        for k, rows in enumerate(touched):
            step = 1e-4 if x[k] < 0.5 else -1e-4
            moved = x.copy()
            moved[k] += step
            part = np.log(predict([chosen[i] for i in rows], values(moved)).seconds)
            table[rows, k] = ((part - measured[rows]) * weight[rows] - base[rows]) / step
        return table

    tell(f"fit of {len(free)} constants on {len(chosen)} rows")
    found = scipy.optimize.least_squares(
        residuals, np.clip((start - low) / span, 0.0, 1.0), jac=slopes, bounds=(0.0, 1.0), loss="soft_l1",
        f_scale=SCALE, x_scale=1.0, max_nfev=60,
    )  # fmt: skip
    fitted = tuple(replace(item, value=float(v)) for item, v in zip(free, low + found.x * span, strict=True))
    return CollectivesFit(fitted, len(chosen))


def free_constants(chosen: Sequence[CollectiveCase]) -> list[Constant]:
    """Return the constants of source FIT that the cases can tell something about."""
    found = []
    for entry in catalog.entries(KIND).values():
        for name, figure in entry.figures.items():
            item = Constant(KIND, entry.name, name, figure.value, figure.low, figure.high, 0)
            rows = sum(_acts(item, case) for case in chosen)
            if figure.source == "FIT" and rows:
                found.append(replace(item, rows=rows))
    return found


def _acts(item: Constant, case: CollectiveCase) -> bool:
    """Whether a constant may change the prediction of a case."""
    exchange = case.collective in {"all_to_all", "send_recv"}
    if item.entry == "nccl":
        return not exchange
    if item.entry == case.transport:
        return case.members > case.domain
    source = provider(generation(case.accelerator), item.name)
    if source is None or item.entry != source.name:
        return False
    if item.name.startswith("reduce"):
        return case.collective == "all_reduce"
    return exchange if item.name.startswith("exchange") else not (item.name == "ring_share" and exchange)


def _weights(cases: Sequence[CollectiveCase]) -> Numbers:
    keys = [f"{case.source} {case.collective} {case.accelerator} {case.members}" for case in cases]
    _, which, count = np.unique(np.array(keys), return_inverse=True, return_counts=True)
    doubt = np.where([case.quality == "B" for case in cases], SECOND, 1.0)
    return np.asarray(count[which] ** CROWD * doubt)


def overlay_text(found: CollectivesFit, title: str) -> str:
    """Return the constants as the text of a catalog overlay file."""
    entries: dict[str, Any] = {}
    for item in found.constants:
        figure = catalog.entry(KIND, item.entry).figure(item.name)
        text = {name: _text(getattr(item, name), figure.unit) for name in ("value", "low", "high")}
        figures = entries.setdefault(item.entry, {"figures": {}})["figures"]
        figures[item.name] = {**text, "source": "FIT", "confidence": "measured", "note": f"fitted on {item.rows} rows"}
    head = f"# {len(found.constants)} constants fitted on {found.rows} rows by clustersim validate --fit.\n"
    data = {KIND: {"sources": {"FIT": {"title": title}}, "entries": entries}}
    return head + yaml.safe_dump(data, sort_keys=False, width=120)


def _text(value: float, unit: str) -> str | float:
    if unit == "1":
        return float(f"{value:.4g}")
    scale = units.TABLE[str(units.dimension_of(unit))][unit]
    return f"{value / scale:.4g} {unit}"
