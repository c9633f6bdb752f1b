"""Published figures of training across sites: what is claimed about them."""

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from clustersim import catalog
from clustersim.cli import app
from clustersim.errors import InputError
from clustersim.study.tables.multisite_table import is_multisite, points_by, validate_multisite
from clustersim.training.cross_site import (
    PipelineCut,
    bandwidth_for,
    diloco,
    mean_rate,
    one_batch_job,
    overlapped_outer,
    pipeline_exposed_s,
    streaming_diloco,
    synchronous,
    utilisation,
)

GRID_STEP = 10 ** (4 / 49)
"""Bandwidths of the simulated tables: 50 from 0.1 to 1,000 Gbit/s, each 1.207 times the one before."""

LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)

TABLE_4 = {
    (1e9, 24, 0.1): {
        "data-parallel": (86.8, 152.6, 184.2, 222.3, 569.0),
        "DiLoCo": (1.4, 6.2, 13.3, 23.3, 86.8),
        "streaming": (1.4, 5.2, 9.1, 16.0, 28.1),
        "overlapped": (1.4, 4.3, 6.2, 9.1, 11.0),
        "overlapped FP4": (0.4, 0.9, 1.7, 2.0, 3.0),
    },
    (1e10, 48, 0.8): {
        "data-parallel": (104.8, 222.3, 222.3, 268.3, 471.5),
        "DiLoCo": (1.7, 7.5, 16.0, 33.9, 104.8),
        "streaming": (1.7, 5.2, 9.1, 13.3, 19.3),
        "overlapped": (1.7, 3.6, 5.2, 6.2, 7.5),
        "overlapped FP4": (0.4, 0.9, 1.4, 1.4, 1.7),
    },
    (1e11, 108, 4.9): {
        "data-parallel": (184.2, 323.8, 390.7, 390.7, 471.5),
        "DiLoCo": (3.0, 11.0, 23.3, 49.4, 184.2),
        "streaming": (2.4, 6.2, 9.1, 11.0, 19.3),
        "overlapped": (1.7, 3.6, 4.3, 5.2, 5.2),
        "overlapped FP4": (0.5, 0.9, 1.1, 1.1, 1.4),
    },
}
"""Gbit/s for each level at (parameters, layers, step [s]), H = 100: Douillard et al., arXiv:2501.18512, table 4."""


def _sync(method, layers):
    fragments = layers // 3
    return {
        "data-parallel": synchronous(16),
        "DiLoCo": diloco(100, 16),
        "streaming": streaming_diloco(100, 16, fragments),
        "overlapped": streaming_diloco(100, 16, fragments, 1),
        "overlapped FP4": streaming_diloco(100, 4, fragments, 1),
    }[method]


def test_the_whole_table_of_the_streaming_paper():
    """75 simulated bandwidths, 45 of them not in the reference table."""
    ratios = np.array(
        [
            bandwidth_for(one_batch_job(n, 2, step_s, layers), _sync(method, layers), level) * 8e-9 / published
            for (n, layers, step_s), rows in TABLE_4.items()
            for method, row in rows.items()
            for level, published in zip(LEVELS, row, strict=True)
        ]
    )
    error = ratios - 1.0
    print(f"{ratios.size} rows, MAPE {100 * np.abs(error).mean():.1f} %, bias {100 * error.mean():+.1f} %")
    assert ratios.size == 75
    assert np.abs(error).mean() <= 0.09
    assert np.abs(np.log(ratios)).max() <= np.log(1.22)
    assert (np.abs(np.log(ratios)) <= np.log(GRID_STEP)).sum() >= 73


@pytest.fixture(scope="module")
def found(reference):
    return validate_multisite(reference / "multisite.csv")


def test_every_row_is_predicted_or_refused_with_a_reason(found):
    assert found.overall.rows == len(found.rows) + len(found.refused)
    assert not any(refusal.wrong for refusal in found.refused)
    assert all(refusal.reason for refusal in found.refused)


def test_published_bandwidths_lie_on_a_grid(found):
    rows = found.rows[found.rows["metric"].str.startswith("bandwidth_for") & (found.rows["measured"] > 10.0)]
    steps = np.log(rows["measured"] / 0.1) / np.log(GRID_STEP)
    assert np.abs(steps - steps.round()).max() < 0.02


@pytest.mark.parametrize(
    ("method", "mape"),
    [("Data-parallel", 12.0), ("Streaming DiLoCo", 8.0), ("Streaming DiLoCo inner-comm overlap FP4 H=100", 10.0)],
)
def test_simulated_bandwidths_of_the_published_schedule_within_a_grid_step(found, method, mape):
    s = found.groups["method"][method]
    rows = found.rows[found.rows["method"] == method]
    assert s.modelled == s.rows == 10
    assert s.mape_percent <= mape
    assert np.exp(np.abs(np.log(rows["predicted"] / rows["measured"]))).max() <= GRID_STEP


def test_rows_whose_schedule_is_not_the_one_named_are_off_and_said_so(found):
    """No bound on these is claimed that the model does not meet; see docs/models/cross_site.md."""
    for method, mape in (
        ("Streaming DiLoCo inner-comm overlap FP4 H=30", 40.0),
        ("overlapped outer-comm H=30", 30.0),
        ("overlapped outer-comm H=100", 95.0),
    ):
        assert found.groups["method"][method].mape_percent <= mape


def test_rows_named_h30_follow_from_a_fragment_in_each_step_and_in_every_second(found):
    """A diagnosis, not a prediction: with these periods in place of 30 every row is within a grid step."""
    bits = catalog.entry("networks", "cross_site_training").si("outer.bits.fp4")
    for model, parameters, step_s, layers in (("1B", 1e9, 0.1, 24), ("10B", 1e10, 0.8, 48)):
        job, fragments = one_batch_job(parameters, 2, step_s, layers), layers // 3
        for method, sync in (
            ("Streaming DiLoCo inner-comm overlap FP4 H=30", streaming_diloco(fragments, bits, fragments, 1)),
            ("overlapped outer-comm H=30", overlapped_outer(2 * fragments, bits, fragments)),
        ):
            rows = found.rows[(found.rows["method"] == method) & (found.rows["model"] == model)]
            predicted = np.array([bandwidth_for(job, sync, level) * 8e-9 for level in LEVELS])
            # the table rounds to a tenth
            assert np.all(predicted <= GRID_STEP * (rows["measured"].to_numpy() + 0.06))
            assert np.all(predicted >= (rows["measured"].to_numpy() - 0.06))


TABLE_5_100B = {
    "Streaming DiLoCo inner-comm overlap FP4 H=30": (0.9, 1.7, 2.0, 2.0, 2.0),
    "overlapped outer-comm H=30": (0.5, 0.8, 0.9, 0.9, 0.9),
}
"""Gbit/s of the 100B model: Kale et al., arXiv:2502.12996, table 5; not in the reference table."""


def test_the_same_holds_for_a_model_that_took_no_part_in_the_diagnosis():
    bits = catalog.entry("networks", "cross_site_training").si("outer.bits.fp4")
    job, fragments = one_batch_job(1e11, 2, 4.9, 108), 36
    for method, sync in (
        ("Streaming DiLoCo inner-comm overlap FP4 H=30", streaming_diloco(fragments, bits, fragments, 1)),
        ("overlapped outer-comm H=30", overlapped_outer(2 * fragments, bits, fragments)),
    ):
        printed = np.array(TABLE_5_100B[method])
        predicted = np.array([bandwidth_for(job, sync, level) * 8e-9 for level in LEVELS])
        assert np.all(predicted <= GRID_STEP * (printed + 0.06))
        assert np.all(predicted >= printed - 0.06)
        # below what H = 30 sends on average: no schedule of that period reaches 99 % there
        assert printed[-1] < mean_rate(job, streaming_diloco(30, bits, fragments)) * 8e-9


def test_rows_named_outer_h100_lie_below_the_mean_rate(found):
    """At 99 % utilisation a site must send the model once in 100 steps; the published links carry half of that."""
    rows = found.rows[(found.rows["method"] == "overlapped outer-comm H=100")]
    last = rows[rows["metric"] == "bandwidth_for_CU_99"].set_index("model")["measured"]
    for model, gbit, step_s in (("1B", 4.0, 0.1), ("10B", 40.0, 0.8)):
        assert last[model] < 0.7 * gbit / (100 * step_s)


WITHIN = {
    "Data-parallel": (6, 10),
    "Streaming DiLoCo": (10, 10),
    "Streaming DiLoCo inner-comm overlap FP4 H=100": (8, 8),
    "Streaming DiLoCo inner-comm overlap FP4 H=30": (2, 10),
    "overlapped outer-comm H=30": (1, 10),
    "overlapped outer-comm H=100": (0, 0),
}
"""Rows within 5 points of utilisation, and rows of 0.5 Gbit/s or more."""


def test_utilisation_at_the_published_bandwidth(found):
    """The aim is 5 points. What misses it is said: steep data-parallel rows, and rows whose period is not the named."""
    rows = found.rows[found.rows["metric"].str.startswith("bandwidth_for") & found.rows["scored_points"]]
    assert (rows["measured"] >= 0.5).all()
    for method, (within, scored) in WITHIN.items():
        points = rows[rows["method"] == method]["utilisation_points"].abs()
        print(f"{method}: {(points <= 5.0).sum()} of {len(points)}, worst {points.max():.1f}")
        assert len(points) == scored
        assert (points <= 5.0).sum() >= within
    named = rows["method"].isin(["Data-parallel", "Streaming DiLoCo", "Streaming DiLoCo inner-comm overlap FP4 H=100"])
    assert rows[named]["utilisation_points"].abs().max() <= 10.1


def test_a_published_level_is_reached_between_its_grid_point_and_the_next(found):
    """Data parallelism is so steep there that one step of the paper's grid is up to 15 points."""
    for model, parameters, step_s, layers in (("1B", 1e9, 0.1, 24), ("10B", 1e10, 0.8, 48)):
        job = one_batch_job(parameters, 2, step_s, layers)
        rows = found.rows[(found.rows["method"] == "Data-parallel") & (found.rows["model"] == model)]
        for level, printed in zip(LEVELS, rows["measured"], strict=True):
            # the table rounds to a tenth
            assert utilisation(job, synchronous(16), (printed - 0.06) * 0.125e9) <= level + 1e-3
            assert utilisation(job, synchronous(16), (printed + 0.06) * GRID_STEP * 0.125e9) >= level


def test_utilisation_over_the_step_of_the_published_grid(found):
    """A published bandwidth is the grid's last below the one needed: what it stands for reaches up to the next."""
    step = catalog.entry("networks", "cross_site_training").si("grid.step")
    assert step == pytest.approx(GRID_STEP, rel=1e-4)
    inside = [
        float(utilisation(job, sync, printed * 0.125e9)) - 2e-3
        <= level
        <= float(utilisation(job, sync, printed * step * 0.125e9)) + 2e-3
        for job, sync, level, printed in (
            (one_batch_job(n, 2, step_s, layers), _sync(method, layers), level, printed)
            for (n, layers, step_s), rows in TABLE_4.items()
            for method, row in rows.items()
            for level, printed in zip(LEVELS, row, strict=True)
            # the cells of the paper that are not in the reference table
            if n == 1e11 or method in ("DiLoCo", "overlapped")
        )
    ]
    print(f"{sum(inside)} of {len(inside)} cells outside the reference table")
    assert len(inside) == 45
    assert sum(inside) >= 41
    over = {name: (rows, grid) for name, rows, _, grid, _ in points_by(found, "method")}
    assert over["Data-parallel"] == (10, 10)
    assert over["Streaming DiLoCo"] == (10, 10)
    assert over["Streaming DiLoCo inner-comm overlap FP4 H=100"] == (8, 8)
    assert over["overlapped outer-comm H=30"][1] >= 5


def test_efficiency_rows_within_five_points(found):
    rows = found.rows[found.rows["unit"].str.startswith("fraction")]
    assert len(rows) == 20
    assert rows["scored_points"].all()
    assert rows["utilisation_points"].abs().max() <= 2.0


def test_a_pipeline_over_120_km_whatever_the_plan_that_is_not_published(found):
    """What crossing adds is a few round trips and messages: any plan in the catalog's bands is within 5 points."""
    row = found.rows[found.rows["row_id"] == "MUL-0105"].iloc[0]
    assert row["predicted"] == pytest.approx(0.9987, abs=1e-4)
    known = catalog.entry("networks", "cross_site_pipeline")
    for batches, step_s in ((16, known.figure("step").low), (192, known.figure("step").high)):
        for link in (known.figure("link").low, known.figure("link").high):
            added = pipeline_exposed_s(PipelineCut(16 * known.si("activation"), batches), step_s, link, 0.6e-3)
            assert abs(step_s / (step_s + added) - row["measured"]) <= 0.006


def test_intellect_1_from_the_time_of_its_outer_all_reduce(found):
    s = found.groups["source"]["INTELLECT-1"]
    assert (s.modelled, s.rows) == (5, 8)
    assert s.mape_percent <= 0.1


def test_slices_joined_by_the_datacentre_network(found):
    rows = found.rows[found.rows["source"] == "MaxText multislice"]
    assert rows["error_percent"].abs().max() <= 3.0
    test = rows[rows["use"] == "test"]["error_percent"].abs()
    assert len(test) == 4
    assert test.mean() <= 1.5


def test_the_fitted_constant_is_the_best_on_its_fit_rows(found):
    rows = found.rows[(found.rows["source"] == "MaxText multislice") & (found.rows["use"] == "fit")]
    figure = catalog.entry("networks", "cross_site_training").figure("multislice.exposed")
    assert len(rows) == 10
    assert abs((rows["predicted"] / rows["measured"] - 1.0).mean()) < 2e-3
    assert figure.low < figure.value < figure.high


def test_the_verb_validate_knows_the_table(reference, tmp_path):
    table = reference / "multisite.csv"
    printed = CliRunner().invoke(app, ["validate", str(table), "--json", "--csv", str(tmp_path / "out.csv")])
    assert printed.exit_code == 0, printed.output
    data = json.loads(printed.stdout)
    assert set(data) == {"overall", "groups", "rows", "not_modelled"}
    assert set(data["groups"]) == {"use", "method", "source", "metric"}
    assert {"row_id", "predicted", "measured", "error_percent", "metric"} <= set(data["rows"][0])
    with (tmp_path / "out.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == data["overall"]["rows"]
    assert "NOT MODELLED" in CliRunner().invoke(app, ["validate", str(table)]).stdout


def test_a_table_is_known_by_its_columns(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("row_id,model,metric,value\n", encoding="utf-8")
    assert not is_multisite(path)
    path.write_text("row_id,experiment,method,metric,value,inner_steps\n", encoding="utf-8")
    assert is_multisite(path)
    with pytest.raises(InputError, match="missing source"):
        validate_multisite(path)
