"""The charge of a site's battery that smooths the meter and answers frequency at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from clustersim.plant import PlantResponse
from clustersim.power.damped import Report
from clustersim.study.site.supply import STORE


def with_smoothing(response: PlantResponse, reports: Iterable[Report]) -> PlantResponse:
    """Return an answer of the plant with the charge that smoothing took of the battery or gave to it.

    Parameters
    ----------
    response : PlantResponse
        Its charge is that of the answer to frequency, from the charge before the window on; 0 where smoothing takes
        the whole battery.
    reports : iterable of Report
        Accounts of what damps at the site, over the bins of the response. Without a battery the response is as it was.
    """
    store = next((store for report in reports for store in report.stores if store.name == STORE), None)
    if store is None:
        return response
    before = np.concatenate(([store.initial_j], store.stored_j[:-1])) / store.capacity_j
    answered = response.state_of_charge
    moved = answered - answered[0] if answered.any() else 0.0
    return replace(response, state_of_charge=np.clip(before + moved, 0.0, 1.0))
