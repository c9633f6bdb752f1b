"""All that was asked about a place, put together as text or data."""

from __future__ import annotations

from typing import Any

from clustersim import units
from clustersim.errors import InputError
from clustersim.fabric.path_query import PathAnswer
from clustersim.report.place import place_data, place_text
from clustersim.report.place_queries import loss_data, loss_text, path_data, path_text
from clustersim.report.place_traffic import traffic_data, traffic_text
from clustersim.study.places.survey import Loss, PlaceSurvey
from clustersim.study.places.traffic import PlaceTraffic


def read_size(text: str) -> float:
    """Return the size of an all-reduce, given with its unit [B].

    Raises
    ------
    InputError
        If there is no unit of data, or the size is negative.
    """
    try:
        size = units.parse(text, "data")
    except InputError as error:
        raise InputError(f"--size {text!r}: {error}") from None
    if size < 0.0:
        raise InputError(f"--size {text!r}: expected a size that is not negative")
    return size


def answers_data(
    whole: PlaceSurvey,
    size_bytes: float,
    found_path: PathAnswer | None,
    found_loss: Loss | None,
    moved: PlaceTraffic | None,
) -> dict[str, Any]:
    """Return the survey of a place and the answers to what was asked as plain data for JSON."""
    data = place_data(whole, size_bytes)
    data |= {} if found_path is None else {"path": path_data(found_path)}
    data |= {} if moved is None else traffic_data(moved)
    return data if found_loss is None else data | {"without": loss_data(found_loss, size_bytes)}


def answers_text(
    whole: PlaceSurvey | None,
    size_bytes: float,
    found_path: PathAnswer | None,
    found_loss: Loss | None,
    moved: PlaceTraffic | None,
) -> str:
    """Return the answers to what was asked as text; the survey where nothing was."""
    texts = [path_text(found_path)] if found_path else []
    texts += [loss_text(found_loss, size_bytes)] if found_loss else []
    texts += [traffic_text(moved)] if moved else []
    texts += [place_text(whole, size_bytes)] if whole is not None and not texts else []
    return "\n\n".join(texts)
