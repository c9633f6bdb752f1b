import json
import shutil
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from clustersim.cli import app
from clustersim.report.page import html


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def folder(small_scenario, small_result, tmp_path_factory):
    """A results folder with the small run, and the same run as another version wrote it with more goodput."""
    out = tmp_path_factory.mktemp("compared")
    stored = small_result.save(out / f"small-{small_result.run_id}", {"report.html": html(small_result)})
    other = replace(
        small_result, run_id="0" * 12, name="other", summary=small_result.summary | {"goodput": 0.5, "swing_mw": 9.0}
    )
    older = other.save(out / "other")
    manifest = json.loads((older / "manifest.json").read_text())
    (older / "manifest.json").write_text(json.dumps(manifest | {"clustersim": "0.0.1"}))
    return out, stored, older


def test_a_scenario_beside_a_stored_result_of_another_version(small_scenario, folder):
    out, _, older = folder
    done = call("compare", small_scenario, older, "--out", out)
    assert done.exit_code == 0, done.output
    text = done.stdout
    assert text.index("INPUTS THAT DIFFER") < text.index("HOW FAST") < text.index("WHICH LIMITS")
    assert "SECONDS PER MILLION USEFUL TOKENS" in text
    assert "BREAK-EVEN with small" in text
    assert "is of clustersim 0.0.1" in text
    assert max(map(len, text.splitlines())) <= 110
    found = out / "compare-small-other"
    names = {path.name for path in found.iterdir()}
    assert names == {
        "compare.csv", "compare.html", "differences.csv", "limits.csv", "radar.csv", "waterfall.csv", "break_even.csv"
    }  # fmt: skip
    page = (found / "compare.html").read_text()
    assert page.count("<details>") >= 12
    assert "1.0 is the best of these designs" in page
    assert "src=" not in page.split("</script>")[-1]
    head = (found / "compare.csv").read_text().splitlines()[0]
    assert head == "question,key,unit,better,small,other,ratio other,difference other,change other"


def test_json_has_all_and_the_base_can_be_chosen(folder):
    out, stored, older = folder
    done = call("compare", stored, older, "--out", out, "--json", "--base", "other")
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert data["base"] == "other"
    assert list(data["runs"]) == ["other", "small"]
    row = next(row for row in data["rows"] if row["key"] == "swing_mw")
    assert row["change small"] == "better"
    assert {"inputs", "limits", "radar", "waterfalls", "break_even", "break_even_curves", "warnings"} <= set(data)
    total = {row["waterfall"]: row["change"] for row in data["waterfalls"] if row["part"] == "total"}
    for name, whole in total.items():
        parts = [row["change"] for row in data["waterfalls"] if row["waterfall"] == name and row["part"] != "total"]
        assert sum(parts) == pytest.approx(whole, rel=1e-9, abs=1e-9)


def test_wrong_input_is_one_message(small_scenario, folder, tmp_path):
    out, stored, older = folder
    copied = shutil.copytree(stored, tmp_path / "copied")
    for words, said in (
        ((stored,), "at least two designs"),
        ((stored, copied), "two of the designs are the same run"),
        ((stored, tmp_path), "expected a result folder with manifest.json"),
        ((stored, older, "--base", "smal"), "did you mean 'small'"),
        ((stored, older, "--set", "seed=2"), "all designs are stored results"),
        ((stored, "colossus_20k"), "colossus_200k"),
    ):
        done = call("compare", *words, "--out", tmp_path / "none")
        assert done.exit_code == 2, words
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "none").exists()
