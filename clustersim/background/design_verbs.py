"""What a design is asked for: what is wrong with it, how far apart the parts of its place are, the graph of them."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clustersim.errors import InputError
from clustersim.scenario import Draft, TopologySpec, located
from clustersim.study.places.place import Place, build_place

Tell = Callable[[Any], None]


def _place(topology: Mapping[str, Any]) -> Place:
    return build_place(TopologySpec.model_validate(topology), "bf16")


def check(*, name: str, tree: Mapping[str, Any] | None, settings: Mapping[str, Any], tell: Tell) -> list[str]:
    """Return every problem of a draft, as ``clustersim check`` prints it of a file that says the same."""
    from clustersim.report.check import scenario_problems

    draft = Draft(name, tree, settings)
    path = located(name, "scenarios") if draft.is_shipped else Path(name)
    tell("plan and place")
    try:
        return scenario_problems(draft.scenario(), path)
    except InputError as error:
        return str(error).splitlines()


def survey_place(*, topology: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Return what ``clustersim topology --json`` prints of a place, and the first pods of its sites as drawings."""
    from clustersim.report.place import place_data
    from clustersim.report.place_answers import read_size
    from clustersim.report.pod_picture import fabric_pictures
    from clustersim.study.places.survey import survey

    tell("place")
    place = _place(topology)
    drawn = [picture for picture in fabric_pictures(place.fabric, place.topology.title) if picture.folded]
    found = survey(place, losses=False, tell=tell)
    return {
        "data": place_data(found, read_size("1 GB")),
        "pods": [{"title": one.title, "svg": one.svg} for one in drawn],
    }


def place_graph(*, topology: Mapping[str, Any], ending: str, out: str, tell: Tell) -> dict[str, Any]:
    """Write the switch graph of a place as ``clustersim topology --export`` does, packed; return the file."""
    from clustersim.report.place_graph import export

    tell("switch graph")
    place = _place(topology)
    text = export(place, Path(f"graph{ending}"))
    tell("packing")
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{place.topology.name}{ending}.zip"
    working = Path(tempfile.mkdtemp(prefix=".working-", dir=folder))
    try:
        packed = working / file.name
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(file.name.removesuffix(".zip"), text)
        packed.replace(file)
    finally:
        shutil.rmtree(working)
    return {"file": str(file), "bytes": len(text.encode())}
