"""The catalog as rows of text."""

from __future__ import annotations

import pytest

from clustersim import catalog, units
from clustersim.catalog.listing import rows
from clustersim.errors import CatalogError

KEYS = ["kind", "entry", "figure", "value", "low", "high", "band", "confidence", "source", "date", "note", "use"]


def test_one_row_per_figure_of_the_whole_catalog():
    found = rows()
    count = sum(len(one.figures) for kind in catalog.kinds() for one in catalog.entries(kind).values())
    assert len(found) == count
    assert len({(row["kind"], row["entry"], row["figure"]) for row in found}) == count
    assert all(list(row) == KEYS for row in found)
    assert all(isinstance(text, str) for row in found for text in row.values())


def test_rows_of_a_kind_and_of_an_alias():
    assert {row["kind"] for row in rows("optics")} == {"optics"}
    found = {row["figure"]: row for row in rows("accelerators", "H100")}
    assert {row["entry"] for row in found.values()} == {"H100-SXM"}
    assert found["peak.bf16"]["value"] == "989 TFLOP/s"
    assert found["tdp"] == {
        "kind": "accelerators",
        "entry": "H100-SXM",
        "figure": "tdp",
        "value": "700 W",
        "low": "665 W",
        "high": "735 W",
        "band": "assumed",
        "confidence": "vendor_spec",
        "source": "STAS",
        "date": "2026-08-22",
        "note": "",
        "use": "",
    }
    assert found["scale_up.domain"]["value"] == "8"


def test_a_name_alone_is_looked_up_in_every_kind():
    assert {row["kind"] for row in rows(name="SN5600")} == {"switches"}
    assert {row["kind"] for row in rows(name="hv_transformer")} >= {"electrical"}


def test_text_reads_back_to_the_si_value():
    for row in rows():
        figure = catalog.entry(row["kind"], row["entry"]).figure(row["figure"])
        for key in ("value", "low", "high"):
            dimension = units.dimension_of(figure.unit)
            read = float(row[key]) if dimension is None else units.parse(row[key], dimension)
            assert read == pytest.approx(getattr(figure, key), rel=1e-9, abs=1e-300)


def test_unknown_kind_and_name_give_the_nearest():
    with pytest.raises(CatalogError, match="unknown kind 'accelerator'; did you mean 'accelerators'"):
        rows("accelerator")
    with pytest.raises(CatalogError, match="unknown name 'H10'.*did you mean 'H"):
        rows("accelerators", "H10")
    with pytest.raises(CatalogError, match="unknown name 'SN5601' in the catalog; did you mean 'SN5600'"):
        rows(name="SN5601")
