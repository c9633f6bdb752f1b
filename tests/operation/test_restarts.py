"""Restart and collective laws against the rows that they were fitted on, and those that they were not."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from clustersim import catalog
from clustersim.errors import CatalogError
from clustersim.operation.restarts import collective_init_time, far_from_its_rows, restart_time

REFERENCE = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "reliability.csv"
STARTUP_FIT = (
    "REL-0049", "REL-0051", *(f"REL-0{n}" for n in range(108, 114)), *(f"REL-0{n}" for n in range(116, 122)),
    "REL-0127", "REL-0129", "REL-0130", "REL-0141", "REL-0142", "REL-0143", "REL-0157", "REL-0159", "REL-0160",
)  # fmt: skip


@pytest.fixture(scope="module")
def rows():
    if not REFERENCE.is_file():
        pytest.skip("reference table is not beside the repository")
    with REFERENCE.open() as file:
        return {row["row_id"]: row for row in csv.DictReader(file)}


def errors(rows, ids, law):
    """Return predicted over measured less one, of each row."""
    return np.array([restart_time(law, "gpu", int(rows[i]["n_gpus"])) / float(rows[i]["value"]) - 1.0 for i in ids])


def test_the_start_up_law_is_the_least_squares_fit_of_its_rows(rows):
    assert {rows[i]["use"] for i in STARTUP_FIT} == {"fit"}
    found = np.log1p(errors(rows, STARTUP_FIT, "restart-gpu-startup"))
    assert abs(found.mean()) < 0.01
    assert math.sqrt(np.mean(found**2)) == pytest.approx(0.39, abs=0.005)
    ranks = np.array([float(rows[i]["n_gpus"]) for i in STARTUP_FIT])
    measured = np.log([float(rows[i]["value"]) for i in STARTUP_FIT])
    for base, slope in ((270.0, 4.1e-3), (330.0, 4.1e-3), (299.0, 3e-3), (299.0, 5e-3)):
        assert np.mean((np.log(base + slope * ranks) - measured) ** 2) > np.mean(found**2)


def test_rows_that_no_law_was_fitted_on(rows):
    """Eleven start-ups at 405B: the laws are below all of them but a few; the wider fit is nearer."""
    ids = [i for i, row in rows.items() if row["metric"] == "startup_init_time" and row["use"] == "test"]
    assert len(ids) == 11
    narrow, wide = (errors(rows, ids, law) for law in (None, "restart-gpu-startup"))
    assert np.abs(narrow).mean() == pytest.approx(0.593, abs=0.001)
    assert np.abs(wide).mean() == pytest.approx(0.356, abs=0.001)
    assert wide.mean() < 0.0


@pytest.mark.parametrize("law", ["collectives-linear", "collectives-power"])
def test_collectives_go_through_their_two_rows(law):
    assert collective_init_time(law, 16384) == pytest.approx(17.0, rel=1e-3)
    assert collective_init_time(law, 22528) == pytest.approx(30.0, rel=1e-3)


@pytest.mark.parametrize("law", ["collectives-linear", "collectives-power"])
def test_collectives_grow_and_never_take_less_than_the_floor(law):
    times = [collective_init_time(law, ranks) for ranks in (8, 512, 4096, 16384, 98304, 200_000)]
    assert times == sorted(times)
    assert times[0] == catalog.entry("recovery", law).si("floor") > 0.0


def test_the_straight_line_is_nearer_to_what_is_published_at_96k():
    """265 s, a figure that nothing is fitted on: the line is below it, the power law further above."""
    published = catalog.entry("recovery", "collectives-published").si("at_96k")
    line, power = (collective_init_time(law, 96 * 1024) for law in (None, "collectives-power"))
    assert line < published < power
    assert abs(line - published) < abs(power - published)


def test_in_job_restart_is_shorter_and_near_the_published_stalls():
    published = catalog.entry("recovery", "collectives-published")
    for ranks in (512, 16384, 98304, 200_000):
        assert restart_time("restart-in-job", "gpu", ranks) < restart_time(None, "gpu", ranks)
    in_job = restart_time("restart-in-job", "gpu", 100_000)
    assert in_job == pytest.approx(published.si("in_job_stall_100k"), rel=0.3)
    assert in_job == pytest.approx(published.si("recovery_median"), rel=0.3)
    full = restart_time("restart-gpu-startup", "gpu", 100_000)
    assert full == pytest.approx(published.si("full_stall_100k"), rel=0.3)


def test_a_law_far_beyond_its_rows_says_so():
    assert far_from_its_rows(None, "gpu", 45_056) is None
    assert "1612 s at 200,000 ranks is extrapolated from jobs of at most 22,528" in (
        far_from_its_rows(None, "gpu", 200_000) or ""
    )
    assert "restart-tpu: 2215 s" in (far_from_its_rows(None, "tpu", 13_000) or "")
    assert "full restart" not in (far_from_its_rows("restart-in-job", "gpu", 200_000) or "full restart")
    assert "collectives-power: 1472 s" in (far_from_its_rows("collectives-power", "gpu", 200_000) or "")


def test_every_law_has_its_range():
    laws = {key for kind in ("reliability", "recovery") for key, one in catalog.entries(kind).items()
            if one.has("per_rank") or one.has("growth")}  # fmt: skip
    assert laws | {"restart-in-job"} == set(catalog.entry("recovery", "fitted-ranks").figures)


def test_unknown_laws_are_told():
    with pytest.raises(CatalogError, match="did you mean 'restart-gpu'"):
        restart_time("restart-gpus", "gpu", 8)
    with pytest.raises(CatalogError, match="has no growth; use one of collectives-linear"):
        collective_init_time("restart-gpu", 8)
    with pytest.raises(CatalogError, match=r"of a tpu job .* give operation\.recovery\.reconfigure_time"):
        restart_time("restart-in-job", "tpu", 8)


def test_the_table_of_the_page_is_what_the_laws_say():
    page = (Path(__file__).resolve().parents[2] / "docs" / "models" / "checkpoints.md").read_text()
    lines = [line.strip("|\n").split("|") for line in page.splitlines()]
    head = next(cells for cells in lines if cells[0].strip() == "ranks")
    names = [cell.strip(" `") for cell in head[1:]]
    body = [cells for cells in lines if len(cells) == len(head) and cells[0].strip(" *")[0].isdigit()]
    assert len(body) == 6
    for cells in body:
        ranks = int(cells[0].strip(" *").replace(",", ""))
        for name, cell in zip(names, cells[1:], strict=True):
            law = collective_init_time if name.startswith("collectives") else None
            seconds = law(name, ranks) if law else restart_time(name, "gpu", ranks)
            assert float(cell) == pytest.approx(seconds, abs=0.51)
