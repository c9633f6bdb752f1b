"""What generated inputs have brought down once, each in its smallest form."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from clustersim.catalog import use_overlays
from clustersim.cli import app
from clustersim.errors import MOST_LETTERS, MOST_LINES, InputError, shortened
from clustersim.limits.spec import pack_rules
from clustersim.scenario import shipped
from clustersim.strict_yaml import strict_yaml
from tests.conftest import SMALL
from tests.limits.test_own_packs import PACK
from tests.robustness.mutations import as_text

FINITE = "{x: {value: .inf, low: 1, high: .inf, source: S, confidence: measured}}"


def refused(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 2, done.exception
    return done.stderr.rpartition("error: ")[2]


@pytest.mark.parametrize("key", ["source", "measure", "status", "comparison", "confidence", "limit"])
@pytest.mark.parametrize("value", [["a"], {"a": 1}, 3, True])
def test_a_rule_whose_words_are_none(key, value):
    tree = strict_yaml(PACK)
    tree["rules"]["contract-ramp"][key] = value
    with pytest.raises(InputError, match=rf"own\.yaml: rules\.contract-ramp: {key}"):
        pack_rules(tree, "own.yaml")


@pytest.mark.parametrize("words", [["step"], ["topology"], ["assess"], ["run"], ["sweep"], ["validate"], ["cite"]])
def test_a_name_that_is_too_long_for_a_file(words):
    assert len(refused(*words, "x" * 5000)) < 3 * MOST_LETTERS
    assert len(refused(*words, "clus1ersim:" + "x" * 5000 + ".yaml")) < 3 * MOST_LETTERS


@pytest.mark.parametrize("key", ["topology", "extends"])
def test_a_scenario_that_names_one(tmp_path, key):
    path = tmp_path / "s.yaml"
    path.write_text(f"name: s\n{key}: {'x' * 5000}\n")
    assert f"{key}: expected the name of a file" in refused("step", path)


def test_a_message_is_as_long_as_somebody_reads(tmp_path):
    assert shortened("short\nlines") == "short\nlines"
    assert shortened("\n".join("x" * 9000)).count("\n") == MOST_LINES
    assert shortened("begin" + "x" * 9000 + "end").startswith("begin")
    assert len(shortened("begin" + "x" * 9000 + "end")) < MOST_LETTERS + 10
    path = tmp_path / "s.yaml"
    path.write_text(f"name: s\ntopology: meta_24k\njob: [{', '.join(['{a: 1}'] * 9000)}]\n")
    assert len(refused("step", path)) < 3 * MOST_LETTERS


OVERLAY = """
batteries:
  sources: {S: {title: T}}
  entries:
    megapack_2xl:
      figures: {FIGURES}
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (OVERLAY.replace("{FIGURES}", "none"), r"megapack_2xl\.figures: expected a mapping, found 'none'"),
        (OVERLAY.replace("figures: {FIGURES}", "name: x"), r"megapack_2xl\.name: unknown key"),
        (OVERLAY.replace("figures: {FIGURES}", "aliases: 3"), r"aliases: expected a list"),
        ("batteries: {sources: {}, entries: {megapack_2xl: 3}}", "cannot be read"),
        (OVERLAY.replace("{FIGURES}", "{x: {value: {}, source: S, confidence: measured}}"), "expected a number"),
        (OVERLAY.replace("{FIGURES}", FINITE), "finite"),
        (OVERLAY.replace("{FIGURES}", "{x: {value: 1, source: S, confidence: [measured]}}"), "confidence: expected"),
        ("a: &a [x, x]\nb: [*a, *a]", "aliases are not supported"),
        ("a: 1\na: 2", "given twice"),
    ],
)  # fmt: skip
def test_an_overlay_that_is_none(tmp_path, text, says):
    path = tmp_path / "o.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        use_overlays([path])


def test_a_row_of_a_table_without_a_model(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("row_id,model,accelerator,n_gpus,precision\n1,,H100,8,bf16\n")
    done = CliRunner().invoke(app, ["validate", str(path)])
    assert done.exit_code == 2
    assert "model: expected a name, found none" in done.stdout


@pytest.mark.parametrize("plan", ["{tensor: 8, pipeline: 4, data: 8, micro_batches: 99999999999}", "best"])
def test_a_step_of_more_passes_than_memory_holds(tmp_path, plan):
    tree = strict_yaml(SMALL)
    tree["job"] |= {"plan": strict_yaml(plan), "tokens_per_step_max": 10**18}
    path = tmp_path / "s.yaml"
    path.write_text(as_text(tree))
    assert "job.plan: expected at most 1,000,000 passes" in refused("step", path)


@pytest.mark.parametrize("words", [["assess"], ["--catalog"]])
def test_a_device_in_place_of_a_file(tmp_path, words):
    path = tmp_path / "endless.yaml"
    path.symlink_to("/dev/zero")
    assert "endless.yaml: expected a file" in refused(*words, path, *(["catalog"] if "--catalog" in words else []))


def test_dates_that_no_clock_has(tmp_path):
    dates = pa.array([-(2**63), 0, 2**62], pa.timestamp("us"))
    parquet.write_table(pa.table({"time_s": dates, "power_w": [1.0, 2.0, 3.0]}), tmp_path / "t.parquet")
    assert "column 'time_s': expected dates from 1678 to 2261" in refused("assess", tmp_path / "t.parquet")


def test_a_window_shorter_than_the_meter(tmp_path):
    rows = "\n".join(f"{0.01 * k},{30 + k % 7}" for k in range(400))
    (tmp_path / "t.csv").write_text(f"time_s,power_mw\n{rows}\n")
    done = CliRunner().invoke(app, ["assess", str(tmp_path / "t.csv"), "--to", "0.02 s", "--json"])
    assert done.exit_code == 0, done.exception
    assert json.loads(done.stdout)["statistics"]["peak_mw"] == pytest.approx(32.0)


def test_columns_whose_names_are_no_text(tmp_path):
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"time_s": [1.0] * 9, "powXXX": [1.0] * 9}), path)
    path.write_bytes(path.read_bytes().replace(b"powXXX", b"po\xec\xec\xec\xec"))
    assert "t.parquet: cannot be read as Parquet" in refused("assess", path)


def test_text_that_is_none(tmp_path):
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"time_s": ["1XXX", "2"], "power_w": [1.0, 2.0]}), path, compression="none")
    path.write_bytes(path.read_bytes().replace(b"1XXX", b"1\xdb\xdb\xdb"))
    assert "column 'time_s': expected text" in refused("assess", path)


@pytest.mark.parametrize("key", ["start_sd", "length_sd", "period_sd"])
def test_a_load_that_varies_more_than_its_period(tmp_path, key):
    tree = strict_yaml((shipped("scenarios") / "loads" / "production_server.yaml").read_text(encoding="utf-8"))
    (tree if key in tree else tree["dips"][1])[key] = "1e201 ms"
    path = tmp_path / "t.yaml"
    path.write_text(as_text(tree))
    assert "at most the period" in refused("assess", path)


@pytest.mark.parametrize("values", ["[-.inf, 1048576]", "[{a: [.nan]}]"])
def test_an_axis_without_end(tmp_path, values):
    (tmp_path / "small.yaml").write_text(SMALL)
    path = tmp_path / "s.yaml"
    axes = f"axes: {{job.tokens_per_step_max: {{values: {values}}}}}"
    path.write_text(f"name: s\ntitle: S\nscenario: small.yaml\nevaluate: step\n{axes}\nkeys: [tokens_per_s]\n")
    told = refused("sweep", path, "--dry-run", "--json")
    assert "axes.job.tokens_per_step_max.values: expected finite numbers, found" in told


@pytest.mark.parametrize("counts", ["3,1A,-99D", "3,-99A,1D", "3,2000000000A,0D", "3,0A,0D"])
def test_a_configuration_with_odd_counts(tmp_path, counts):
    path = tmp_path / "t.cfg"
    path.write_text(f"site,rec,1999\n{counts}\n1,P,,,W,1,0,0,0,1,1,1,P\n60\n1\n10,5\n")
    assert "t.cfg: line" in refused("assess", path)
