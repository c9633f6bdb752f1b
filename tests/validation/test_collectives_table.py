"""The published collectives: errors on rows that nothing was fitted on, and the constants against their fit."""

import gzip

import numpy as np
import pytest

from clustersim import catalog
from clustersim.report.collectives import (
    collectives_csv,
    collectives_data,
    collectives_html,
    collectives_markdown,
    collectives_text,
)
from clustersim.study.tables.collectives_fit import fit, kernels_beside, overlay_text
from clustersim.study.tables.collectives_table import is_collectives_table, read_collectives
from clustersim.study.tables.collectives_validation import validate_collectives

HEAD = "row_id,source,collective,algo,accelerator,n_gpus,n_nodes,gpus_per_node,intra_fabric,inter_fabric,message_bytes"
HEAD += ",time_us,algbw_GBps,busbw_GBps,other_metric,other_value,quality,notes,use"


def table(tmp_path, *rows):
    path = tmp_path / "table.csv"
    path.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
    return read_collectives(path)


def row(
    collective="all_reduce", algo="", chip="H100", n=16, net="8x400G IB", size="1e9", time="", bus="350", notes="", **kw
):
    nodes = kw.get("nodes", max(1, n // 8))
    per_node = kw.get("per_node", 8)
    return f"R,S,{collective},{algo},{chip},{n},{nodes},{per_node},,{net},{size},{time},,{bus},,,A,{notes},test"


@pytest.fixture(scope="module")
def published(reference):
    return read_collectives(reference / "collectives.csv")


@pytest.fixture(scope="module")
def found(published):
    return validate_collectives(published)


def test_test_rows(found):
    print(collectives_text(found).split("CALIBRATION")[1].split("NOT MODELLED")[0])
    assert found.headline.modelled >= 260
    assert found.headline.median_percent <= 15.0
    assert found.groups["size"]["test, 1 GB and more"].p90_percent <= 15.0
    assert found.groups["size"]["fit, 1 GB and more"].median_percent <= 5.0
    assert found.headline.rank_correlation > 0.95


def test_every_row_is_modelled_or_has_a_reason(found):
    data = collectives_data(found)
    assert len(data["rows"]) + len(data["not_modelled"]) == found.overall.rows == 700
    assert all(one["reason"] for one in data["not_modelled"])
    assert {"overall", "groups", "rows", "not_modelled"} <= set(data)
    assert data["groups"]["use"]["test"]["modelled"] >= 290


def test_shipped_constants_are_what_the_fit_yields(published, reference):
    cases = [*published.cases, *kernels_beside(reference / "collectives.csv")]
    fitted = fit(cases)
    assert len(fitted.constants) == 34
    for item in fitted.constants:
        shipped = catalog.entry("collectives", item.entry).si(item.name)
        assert item.value == pytest.approx(shipped, rel=0.02, abs=1e-3 * (item.high - item.low)), (
            item.entry,
            item.name,
        )
    assert "nvlink4" in overlay_text(fitted, "title")


def test_reports(found):
    assert "## By fabric" in collectives_markdown(found)
    assert collectives_csv(found).startswith("row_id,use")
    assert "plotly" in collectives_html(found)


def test_time_of_a_bus_bandwidth(tmp_path):
    read = table(
        tmp_path, row(bus="350", size="1e9"), row("all_gather", bus="200"), row("alltoall", bus="", time="5000")
    )
    times = [case.measured_s for case in read.cases]
    assert times == pytest.approx([2 * 15 / 16 * 1e9 / 350e9, 15 / 16 * 1e9 / 200e9, 5e-3])
    assert [case.metric for case in read.cases] == ["busbw_GBps", "busbw_GBps", "time_us"]


@pytest.mark.parametrize(
    ("net", "kind", "gbit"),
    [
        ("8x400G NDR IB", "infiniband", 400),
        ("8x200G IB", "infiniband", 200),
        ("EFA 3200G per node (p5)", "efa", 400),
        ("EFA 4x100G per node (p4de)", "efa", 50),
        ("GPUDirect-TCPX 4x200G per node", "tcpx", 100),
        ("GPUDirect-TCPXO 8x200G per node", "generic_transport", 200),
        ("RoCEv2 8x400G (OCI RDMA)", "roce", 400),
        ("NDR400", "infiniband", 400),
        ("something", "generic_transport", 400),
    ],
)
def test_networks(tmp_path, net, kind, gbit):
    (case,) = table(tmp_path, row(net=net)).cases
    assert (case.transport, case.nic * 8e-9, case.domain) == (kind, pytest.approx(gbit), 8)


@pytest.mark.parametrize(
    ("text", "allowed"),
    [("Ring (NVLS off)", {"ring", "direct"}), ("NVLSTree", {"nvls_tree"}), ("NCCL 2.26.2 default (NVLS)", None)],
)
def test_an_algorithm_that_a_row_names(tmp_path, text, allowed):
    (case,) = table(tmp_path, row(algo=text)).cases
    assert allowed is None or set(case.algorithms) == allowed
    assert validate_collectives(table(tmp_path, row(algo=text))).overall.modelled == 1


def test_an_algorithm_that_cannot_do_it_is_left_to_the_library(tmp_path):
    (case,) = table(tmp_path, row(algo="NVLSTree", chip="A100")).cases
    assert len(case.algorithms) > 1
    assert "cannot do it" in case.assumed[-1]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (row(size=""), "message_bytes"),
        (row(chip="Gaudi7"), "not in the catalog"),
        (row(chip="TPU-v5p"), "torus"),
        (row(collective="moe_dispatch"), "not one of the collectives"),
        (row(bus=""), "none is given"),
        (row(notes="LOWER BOUND threshold"), "lower bound"),
        (row(n=1), "n_gpus"),
    ],
)
def test_rows_that_are_not_modelled(tmp_path, wrong, reason):
    (left,) = table(tmp_path, wrong).refused
    assert reason in left.reason
    assert not left.wrong


def test_a_number_that_is_none_is_wrong(tmp_path):
    (left,) = table(tmp_path, row(size="many")).refused
    assert left.wrong


def test_a_peak_without_a_size_counts_as_large(tmp_path):
    (case,) = table(tmp_path, row(size="", notes="peak (large message) of a slide")).cases
    assert case.size_bytes == 2.0**34
    assert case.assumed


def test_tables_are_known_by_their_columns(tmp_path):
    table(tmp_path, row())
    assert is_collectives_table(tmp_path / "table.csv")
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress((tmp_path / "table.csv").read_bytes()))
    assert len(read_collectives(packed).cases) == 1
    other = tmp_path / "other.csv"
    other.write_text("row_id,model\n1,x\n", encoding="utf-8")
    assert not is_collectives_table(other)
    assert not is_collectives_table(tmp_path / "none.csv")


def test_an_empty_table_has_no_statistics(tmp_path):
    found = validate_collectives(table(tmp_path))
    assert found.overall.modelled == 0
    assert collectives_text(found)
    assert np.isnan(collectives_data(found)["overall"]["median_percent"] or np.nan)
