"""From a point of a store back to a scenario that can be opened, changed and run."""

from __future__ import annotations

from pathlib import Path

from clustersim.errors import InputError
from clustersim.scenario import Draft, resolved, scenario_of_tree
from clustersim.study.sweep.asked import KEPT
from clustersim.study.sweep.catalog_axes import is_figure
from clustersim.study.sweep.points import Points
from clustersim.study.sweep.reading import read_manifest, read_tables
from clustersim.study.sweep.study import study_of_tree


def draft_of_point(folder: Path, point_id: str) -> Draft:
    """Return the scenario of a point as a draft.

    Parameters
    ----------
    folder : Path
        Of the store.
    point_id : str
        Identity of the point, as in the column `point_id`.

    Raises
    ------
    InputError
        If the store has no such point, it was made with another catalog or version, so that the point would be
        another one, or the point changes figures of the catalog, which no scenario holds.
    """
    about = read_manifest(folder)["about"]
    index = _index(folder, point_id)
    kept = folder / KEPT
    study = study_of_tree(about["study"], (kept if kept.is_dir() else folder) / f"{about['name']}.yaml")
    points = Points(study)
    if index >= points.total or points.identity(index) != point_id:
        raise InputError(
            f"{folder.name}: point {point_id}: expected the catalog, the scenario and the version that the sweep was "
            "made with, found others: the point would be another one"
        )
    settings = dict(points.at(index).settings)
    figures = [key for key in settings if is_figure(key)]
    if figures:
        raise InputError(
            f"{folder.name}: point {point_id}: {figures[0]}: a scenario cannot hold figures of the catalog; lay them "
            "over it with --catalog"
        )
    name = settings.get("scenario", study.spec.scenario)
    if isinstance(name, str) and not name.endswith((".yaml", ".yml")):
        return Draft(name, None, {key: value for key, value in settings.items() if key != "scenario"})
    task = points.task(points.at(index))
    return Draft(Path(str(name)).stem, resolved(scenario_of_tree(task.payload["tree"], task.payload["name"])))


def _index(folder: Path, point_id: str) -> int:
    for table in read_tables(folder, ["index", "point_id"]):
        found = table.to_pandas()
        places = found.loc[found["point_id"] == point_id, "index"]
        if len(places):
            return int(places.min())
    raise InputError(f"{folder.name}: point {point_id[:40]!r}: expected a point of this store, found none")
