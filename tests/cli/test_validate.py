"""The verb `validate`: outputs, exit codes, a fit that later runs use."""

import csv
import json

import pytest
from typer.testing import CliRunner

from clustersim import catalog
from clustersim.cli import app

ROW = {
    "source": "us", "model": "Llama 3.1 8B", "layers": 32, "hidden": 4096, "heads": 32, "kv_heads": 8, "ffn": 14336,
    "vocab": 128256, "seq_len": 8192, "accelerator": "H100", "tp": 2, "pp": 1, "micro_batch": 1, "precision": "bf16",
}  # fmt: skip
STATISTICS = {"rows", "modelled", "mape_percent", "median_percent", "p90_percent", "bias_percent", "rank_correlation"}


@pytest.fixture(autouse=True)
def shipped_catalog():
    yield
    catalog.use_overlays([])


@pytest.fixture
def table(tmp_path):
    def write(*changes):
        path = tmp_path / "table.csv"
        rows = [
            ROW
            | {"row_id": f"X-{n}", "n_gpus": 64 * n, "global_batch_seqs": 256 * n, "iteration_time_s": 6.0 + 0.1 * n}
            for n in (1, 2, 4, 8)
        ]
        rows += [rows[0] | change for change in changes]
        names = list(dict.fromkeys(name for row in rows for name in row))
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_json_has_what_was_agreed(table):
    done = call("validate", table(), "--json")
    assert done.exit_code == 0
    data = json.loads(done.stdout)
    assert set(data["overall"]) == STATISTICS
    assert (data["overall"]["rows"], data["overall"]["modelled"]) == (4, 4)
    assert {"row_id", "predicted", "measured", "error_percent", "metric"} <= set(data["rows"][0])
    assert data["not_modelled"] == []
    assert {"use", "accelerator", "family", "source"} <= set(data["groups"])
    for row in data["rows"]:
        assert row["error_percent"] == pytest.approx(100 * (row["predicted"] / row["measured"] - 1))


def test_wrong_rows_are_named_the_rest_runs_and_the_exit_code_says_so(table):
    done = call("validate", table({"row_id": "BAD-1", "precision": "fp23"}), "--json")
    assert done.exit_code == 2
    data = json.loads(done.stdout)
    assert data["overall"]["modelled"] == 4
    assert data["not_modelled"][0]["row_id"] == "BAD-1"
    assert "precision" in data["not_modelled"][0]["reason"]


def test_an_incomplete_row_is_no_error(table):
    done = call("validate", table({"row_id": "NEW-1", "layers": ""}))
    assert done.exit_code == 0
    assert "NEW-1: layers: not given" in done.stdout


def test_text_shows_every_row_and_the_statistics(table):
    text = call("validate", table()).stdout
    assert all(f"X-{n}" in text for n in (1, 2, 4, 8))
    assert "MAPE" in text
    assert "fitted constants" in text


def test_files(table, tmp_path):
    files = [tmp_path / "out" / f"found.{kind}" for kind in ("csv", "html", "md")]
    changed = table({"row_id": "NEW-1", "layers": ""})
    done = call("validate", changed, "--csv", files[0], "--html", files[1], "--markdown", files[2])
    assert done.exit_code == 0
    rows = list(csv.DictReader(files[0].open()))
    assert [row["row_id"] for row in rows] == ["X-1", "X-2", "X-4", "X-8", "NEW-1"]
    assert rows[-1]["not_modelled"].startswith("layers")
    page = files[1].read_text(encoding="utf-8")
    assert "Plotly.newPlot" in page
    assert "X-8" in page
    assert "http://" not in page.split("<body")[1].split("<script")[0]
    assert "| all rows |" in files[2].read_text(encoding="utf-8")


def test_a_fit_is_written_and_used(table, tmp_path):
    path, fitted = table(), tmp_path / "mine.yaml"
    before = json.loads(call("validate", path, "--json").stdout)["overall"]["mape_percent"]
    assert call("validate", path, "--fit", fitted).exit_code == 0
    catalog.use_overlays([])
    done = call("--catalog", fitted, "validate", path, "--json")
    after = json.loads(done.stdout)["overall"]["mape_percent"]
    assert after < before
    assert "calibration:" in fitted.read_text(encoding="utf-8")


def test_a_missing_column_or_file_is_one_message(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("row_id,model\n1,x\n", encoding="utf-8")
    for wrong in (path, tmp_path / "none.csv"):
        done = call("validate", wrong)
        assert done.exit_code == 2
        assert done.stderr.count("error:") == 1


def test_a_missing_overlay_is_one_message(table, tmp_path):
    done = call("--catalog", tmp_path / "none.yaml", "validate", table())
    assert done.exit_code == 2
    assert "expected a file with a catalog overlay, found none" in done.stderr


def test_a_table_of_which_no_row_can_be_modelled(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("row_id,model,accelerator,n_gpus,precision\n1,x,H100,8,bf16\n", encoding="utf-8")
    done = call("validate", path, "--json", "--html", tmp_path / "page.html", "--csv", tmp_path / "rows.csv")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["overall"] == {
        "rows": 1, "modelled": 0, "mape_percent": None, "median_percent": None, "p90_percent": None,
        "bias_percent": None, "rank_correlation": None,
    }  # fmt: skip


COLLECTIVES = """\
row_id,collective,accelerator,n_gpus,gpus_per_node,inter_fabric,message_bytes,busbw_GBps,use
C-1,all_reduce,H100,64,8,8x400G IB,1073741824,350,fit
C-2,all_reduce,H100,8,8,none,1073741824,460,fit
C-3,all_gather,H100,8,8,none,1073741824,345,test
C-4,gossip,H100,8,8,none,1073741824,345,test
"""


def test_a_table_of_collectives_is_known_by_its_columns(tmp_path):
    path = tmp_path / "collectives.csv"
    path.write_text(COLLECTIVES, encoding="utf-8")
    done = call("validate", path, "--json")
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert set(data["overall"]) == STATISTICS
    assert (data["overall"]["rows"], data["overall"]["modelled"]) == (4, 3)
    assert {"use", "fabric", "collective", "size", "accelerator"} <= set(data["groups"])
    assert {"row_id", "predicted", "measured", "error_percent", "metric"} <= set(data["rows"][0])
    assert [one["row_id"] for one in data["not_modelled"]] == ["C-4"]
    outputs = {name: tmp_path / f"out.{name}" for name in ("csv", "html", "markdown")}
    done = call("validate", path, *(word for name, out in outputs.items() for word in (f"--{name}", out)))
    assert done.exit_code == 0, done.output
    assert "NOT MODELLED, 1 rows" in done.stdout
    assert all(out.stat().st_size > 300 for out in outputs.values())


def test_constants_of_collectives_can_be_fitted(tmp_path):
    path, overlay = tmp_path / "collectives.csv", tmp_path / "fitted.yaml"
    path.write_text(COLLECTIVES, encoding="utf-8")
    done = call("validate", path, "--fit", overlay)
    assert done.exit_code == 0, done.output
    assert overlay.read_text(encoding="utf-8").startswith("# ")
    catalog.use_overlays([overlay])
    assert catalog.entry("collectives", "nvlink4").figure("ring_share").note == "fitted on 2 rows"


def test_a_table_of_collectives_with_a_number_that_is_none_exits_2(tmp_path):
    path = tmp_path / "collectives.csv"
    path.write_text(COLLECTIVES.replace("350", "fast"), encoding="utf-8")
    assert call("validate", path).exit_code == 2


@pytest.mark.parametrize("others", [("--csv", "--html"), ("--markdown", "--fit")])
def test_no_file_is_written_twice(table, tmp_path, others):
    first, second = others
    done = call("validate", table(), first, tmp_path / "a", second, tmp_path / "a")
    assert done.exit_code == 2
    assert f"{first} and {second}: expected two files" in " ".join(done.stderr.split())
    assert not (tmp_path / "a").exists()
