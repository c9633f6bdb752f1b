"""How long a restart takes, and how often to save."""

from __future__ import annotations

import math

from clustersim import catalog
from clustersim.errors import CatalogError
from clustersim.operation.facts import Family

DEFAULT_LAW: dict[Family, str] = {"gpu": "restart-gpu", "tpu": "restart-tpu"}


def _variant(name: str, needs: str) -> catalog.Entry:
    found = catalog.entry("reliability", name)
    if not found.has(needs):
        known = [key for key, value in catalog.entries("reliability").items() if value.has(needs)]
        raise CatalogError(f"reliability entry {name!r} has no {needs}; use one of {', '.join(known)}")
    return found


def restart_time(law: str | None, family: Family, ranks: int) -> float:
    """Return the time [s] from the end of detection until every rank is ready to load the checkpoint.

    ``max(floor, base + per_rank * ranks)``: starting containers takes a constant time, building communicators and the
    rendezvous one that grows with the ranks. The coefficients are least squares fits to published cold restarts and
    start-up times (their rows are in the notes of the catalog entries ``restart-*``).

    Raises
    ------
    CatalogError
        If the law is unknown.

    Examples
    --------
    >>> round(restart_time("restart-gpu-meta", "gpu", 16384))
    200
    """
    entry = _variant(law or DEFAULT_LAW[family], "per_rank")
    return max(entry.si("floor"), entry.si("base") + entry.si("per_rank") * ranks)


def young_daly_interval(blocking_s: float, mtbf_s: float) -> float:
    """Return the training time [s] between checkpoints that loses least.

    ``sqrt(2 C M)`` with the cost `blocking_s` of one checkpoint and the mean time between failures `mtbf_s`
    (J. W. Young, Comm. ACM 17, 1974; first-order result of J. T. Daly, FGCS 22, 2006).

    Examples
    --------
    >>> young_daly_interval(40.0, 2000.0)
    400.0
    """
    return math.sqrt(2.0 * blocking_s * mtbf_s)
