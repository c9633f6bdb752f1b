"""A run of a measured load: the tree adds up, the site answers as to `assess`, and what needs a job has no value."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from clustersim.cli import app
from clustersim.errors import InputError
from clustersim.power.measured_load import load_waveform
from clustersim.report.compare_page import compare_html
from clustersim.report.compare_text import compare_text
from clustersim.report.page import html
from clustersim.report.text import summary_text
from clustersim.scenario import load_any, load_topology, shipped
from clustersim.study.compare import compare, of_result
from clustersim.study.measured.assess import Columns, Drawn, Question, Setting, assess_file, place_of
from clustersim.study.measured.run import NO_JOB, OF_DEVICES, OF_OPERATION, OF_STEP, OF_WORK
from clustersim.study.measured.study import load_trace
from clustersim.study.result import FILES, Result
from clustersim.study.run import run

SHIPPED = shipped("scenarios") / "measured_load_memphis.yaml"
RECORD = SHIPPED.parent / "loads" / "production_server.yaml"
BATTERY = {"kind": "site_battery", "time_constant": "60 s"}
BANK = {"kind": "load_bank", "floor": "150 MW", "power": "30 MW"}


@pytest.fixture(scope="module")
def plain():
    return run(load_any(SHIPPED, {"damping": []}))


@pytest.fixture(scope="module")
def damped():
    return run(load_any(SHIPPED, {"damping": [BANK, BATTERY]}))


def _adds_up(wave):
    for node in set(wave.parents) - {None}:
        rows = [row for row, parent in enumerate(wave.parents) if parent == node]
        np.testing.assert_allclose(wave.watts[rows].sum(axis=0), wave.power(node), rtol=1e-12)


def test_the_tree_adds_up(plain, damped):
    assert plain.waveforms["steady"].nodes == ("meter", "memphis", "memphis/it", "memphis/cooling", "memphis/losses")
    assert damped.waveforms["steady"].nodes[-2:] == ("memphis/load_bank", "memphis/battery")
    for result in (plain, damped):
        assert list(result.waveforms) == ["steady"]
        _adds_up(result.waveforms["steady"])


def test_it_power_is_that_of_the_record(plain):
    wave = plain.waveforms["steady"]
    assert (wave.dt_s, wave.samples) == (0.01, 60_000)
    one = load_waveform(load_any(SHIPPED).load.record, 600.0, 0.01, 1).watts
    assert np.array_equal(wave.power("memphis/it"), 25_000 * one)
    assert plain.summary["it_mean_mw"] == pytest.approx(25_000 * one.mean() / 1e6)
    # the record's own levels: 25,000 servers of 3.27 kW in a dip and 6.71 kW between, with 0.33 kW of noise
    assert plain.summary["it_trough_mw"] == pytest.approx(25_000 * 3274e-6, rel=1e-3)
    assert 0.0 < plain.summary["it_swing_mw"] - 25_000 * (6714 - 3274) * 1e-6 < 3.5 * 25_000 * 333e-6


def test_coherence_shrinks_the_fluctuation_and_keeps_the_mean(plain):
    """The variance of N loads of pairwise correlation rho is ``s^2 (N + N (N - 1) rho)``."""
    part = run(load_any(SHIPPED, {"damping": [], "load.coherence": "25 %"})).waveforms["steady"].power("memphis/it")
    whole = plain.waveforms["steady"].power("memphis/it")
    assert part.mean() == pytest.approx(whole.mean())
    assert part.std() / whole.std() == pytest.approx(np.sqrt((1 + 24_999 * 0.25) / 25_000))


def test_the_site_answers_as_in_assess(plain):
    """The same record as the IT load of the same site: meter bit by bit, rules by their figures."""
    place = place_of(load_topology(shipped("topologies") / "colossus_memphis.yaml"), "memphis")
    asked = Question(packs=("standard",), units=25_000)
    found = assess_file(RECORD, Columns(dt_s=0.01), asked, setting=Setting(place=place), drawn=Drawn(600.0, 1))
    wave = plain.waveforms["steady"]
    site = found.plain.site
    assert np.array_equal(site.meter_w, wave.power("meter"))
    assert np.array_equal(site.load.load_var, wave.reactive("meter"))
    theirs = {r.mode: r for r in site.responses}
    for mine in plain.responses:
        assert np.array_equal(mine.frequency_hz, theirs[mine.mode].frequency_hz)
    rows = {(row.rule, row.node): row.measured for row in found.verdict.table.itertuples() if "choukse" not in row.rule}
    mine = {(row.rule, row.node): row.measured for row in plain.verdict.itertuples() if "choukse" not in row.rule}
    assert set(rows) == set(mine)
    assert len(rows) > 10
    for key, value in mine.items():
        assert rows[key] == pytest.approx(value, rel=1e-6), key


def test_energy_over_the_horizon(plain, damped):
    """No stops: mean power times the horizon, with what damping loses and burns."""
    for result in (plain, damped):
        s, wave = result.summary, result.waveforms["steady"]
        hours = 24.0 * s["horizon_days"]
        assert s["it_energy_mwh"] == pytest.approx(hours * s["it_mean_mw"])
        load = sum(wave.power(f"memphis/{part}").mean() for part in ("it", "cooling", "losses")) / 1e6
        assert s["energy_mwh"] - s["damping_energy_mwh"] == pytest.approx(hours * load, rel=2e-3)
        assert s["grid_import_mean_mw"] + s["generator_mean_mw"] == pytest.approx(s["mean_mw"], rel=1e-3)
    assert plain.summary["damping_energy_mwh"] == 0.0
    burned = damped.waveforms["steady"].power("memphis/load_bank").mean() / 1e6
    assert burned > 0.0
    assert damped.summary["load_bank_energy_mwh"] == pytest.approx(24.0 * 30.0 * burned, rel=1e-6)
    assert damped.summary["swing_mw"] < 0.5 * damped.summary["undamped_swing_mw"]
    assert damped.summary["undamped_swing_mw"] == pytest.approx(plain.summary["swing_mw"])


def test_the_keys_are_those_of_a_job(plain, small):
    assert set(plain.summary) == set(small.summary)
    for key, value in plain.summary.items():
        assert (value is None) == (key in plain.reasons), key
    for key in (*OF_STEP, *OF_OPERATION, *OF_DEVICES, *OF_WORK):
        assert plain.summary[key] is None
        assert plain.reasons[key] == NO_JOB
    assert plain.summary["capex_usd"] > 5e9


def test_the_same_seed_gives_the_same_files(plain, tmp_path):
    again = run(load_any(SHIPPED, {"damping": []}))
    first, second = (
        result.save(tmp_path / str(n), {"report.html": html(result)}) for n, result in enumerate((plain, again))
    )
    for name in (*FILES, "report.html"):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    other = run(load_any(SHIPPED, {"damping": [], "seed": 2}))
    assert not np.array_equal(other.waveforms["steady"].watts, plain.waveforms["steady"].watts)
    loaded = Result.load(first)
    assert (loaded.summary, loaded.reasons, loaded.measured) == (plain.summary, plain.reasons, True)
    assert np.array_equal(loaded.waveforms["steady"].watts, plain.waveforms["steady"].watts)
    assert html(loaded) == html(plain)


def test_text_and_page(damped):
    text = summary_text(damped)
    for words in ("THE LOAD, AS MEASURED", "20.93 s", "25,000 loads at memphis", "swing within a cycle"):
        assert words in text
    for words in ("tokens", "iteration", "None"):
        assert words not in text
    page = html(damped)
    assert "Three cycles" in page
    assert "Three steps" not in page
    assert "no value for mfu" in page


def test_beside_a_job(plain, small):
    found = compare([of_result(small), of_result(plain)])
    assert "it_swing_mw" in compare_text(found)
    page = compare_html(found)
    assert "A million tokens" in page
    assert "Where the time of a step goes" in page
    # a load has no tokens: what is left is power and capital, and no break-even
    assert {one.key for one in found.waterfalls} == {"capex_usd", "mean_mw"}
    assert found.break_evens == ()
    assert "a token has no cost there" in found.no_break_even[0]


def test_what_a_slow_sensor_hides_is_not_judged():
    found = run(load_any(SHIPPED, {"load.record.sensor": "1 s"}))
    rows = {row.rule: row for row in found.verdict.itertuples()}
    assert rows["choukse-band-energy"].passed is None
    assert "sensor" in rows["choukse-band-energy"].reason
    assert any("lower bounds" in text for text in found.warnings)


def test_long_periods_lengthen_the_window_or_are_refused():
    scenario = load_any(SHIPPED, {"load.record.period": "8 min"})
    assert load_trace(scenario).duration_s == 960.0
    with pytest.raises(InputError, match=r"load.record.period: expected at most 30 min, got 45 min"):
        load_trace(load_any(SHIPPED, {"load.record.period": "45 min"}))


def test_an_island_that_cannot_carry_the_load_has_no_energy():
    found = run(load_any(SHIPPED, {"damping": [], "plant.mode": "island"}))
    assert found.summary["energy_mwh"] is None
    assert "cannot carry the mean load" in found.reasons["energy_mwh"]
    assert found.reasons["usd_per_million_tokens"].startswith("the island")


def test_one_site_of_several(tmp_path):
    """The others are left out: of the tree, of the rules and of the cost."""
    (tmp_path / "load.yaml").write_text(RECORD.read_text(encoding="utf-8"), encoding="utf-8")
    path = tmp_path / "pair.yaml"
    path.write_text(
        "name: pair\ntitle: one of two\ntopology: google_iowa_nebraska\n"
        "load: {kind: measured_load, file: load.yaml, site: SITE, units: 2000}\n",
        encoding="utf-8",
    )
    topology = load_topology(shipped("topologies") / "google_iowa_nebraska.yaml")
    first, *others = topology.site
    path.write_text(path.read_text(encoding="utf-8").replace("SITE", first), encoding="utf-8")
    found = run(load_any(path))
    assert found.waveforms["steady"].nodes[:3] == ("meter", first, f"{first}/it")
    assert found.summary["accelerators"] == topology.site[first].accelerators
    assert {r.site for r in found.responses} == {first}
    assert not any(other in str(node) for other in others for node in found.verdict["node"])
    assert any("left out" in text and others[0] in text for text in found.warnings)
    assert html(found)


def test_the_command_line(tmp_path):
    def call(*words):
        return CliRunner().invoke(app, [str(word) for word in words])

    first = call("run", SHIPPED, "--out", tmp_path, "--json")
    assert first.exit_code == 0, first.output
    data = json.loads(first.stdout)
    assert data["reused"] is False
    assert data["null_keys"]["mfu"] == NO_JOB
    again = json.loads(call("run", "measured_load_memphis", "--out", tmp_path, "--json").stdout)
    assert again == {**data, "reused": True}
    assert call("check", SHIPPED).exit_code == 0
    for verb in ("step", "plan", "waveform"):
        refused = call(verb, SHIPPED)
        assert refused.exit_code == 2
        assert "the load of this scenario is measured" in refused.stderr
