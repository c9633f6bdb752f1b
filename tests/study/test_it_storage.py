"""Storage in supplies and racks in a whole run: what it does, what it costs, and that energy is kept."""

import numpy as np
import pytest
from typer.testing import CliRunner

from clustersim.cli import app
from clustersim.errors import CatalogError, InputError
from clustersim.study.it_power import crash_window, steady_window
from clustersim.study.run import run
from clustersim.study.site.power import site_power, training_it_w
from clustersim.study.step import study_step

RACK = {
    "kind": "rack_storage",
    "energy_per_accelerator": "40 kJ",
    "power_per_accelerator": "1 kW",
    "time_constant": "30 s",
}
PSU = {"kind": "psu_storage"}


@pytest.fixture(scope="module")
def stored(scenario):
    return {
        "rack": run(scenario(damping=[RACK])),
        "psu": run(scenario(damping=[PSU])),
        "both": run(scenario(damping=[RACK, PSU, {"kind": "gpu_smoothing", "floor": "50 %"}])),
    }


def test_racks_take_the_swing_off_everything_above_them(stored, small):
    plain, rack = small.summary, stored["rack"].summary
    for key in ("it_swing_mw", "swing_mw", "max_ramp_up_mw_per_s"):
        assert rack[key] < 0.35 * plain[key], key


def test_supplies_take_the_quickest_part_only(stored, small):
    plain, psu = small.waveforms["steady"].power("meter"), stored["psu"].waveforms["steady"].power("meter")
    assert np.abs(np.diff(psu)).max() < np.abs(np.diff(plain)).max()
    assert stored["psu"].summary["it_swing_mw"] > 0.8 * small.summary["it_swing_mw"]


@pytest.mark.parametrize("which", ["rack", "psu"])
def test_storage_costs_energy_and_no_time(stored, small, which):
    summary = stored[which].summary
    assert summary["iteration_time_s"] == small.summary["iteration_time_s"]
    assert summary["throughput_loss"] == 0.0
    assert 0.0 < summary["damping_energy_share"] < 0.02
    more = summary["energy_mwh"] - small.summary["energy_mwh"]
    assert summary["damping_energy_mwh"] == pytest.approx(more, rel=0.02)
    assert summary[f"{which}_storage_cycles_per_year"] > 0.0
    assert summary["battery_cycles_per_year"] is None


def test_what_is_not_there_is_said_so(small, stored):
    for kind in ("psu", "rack"):
        assert small.summary[f"{kind}_storage_cycles_per_year"] is None
        assert "no" in small.reasons[f"{kind}_storage_missed_share"]
    assert stored["psu"].summary["rack_storage_cycles_per_year"] is None


@pytest.mark.parametrize("which", ["rack", "psu"])
def test_storage_lowers_what_it_damps(stored, small, which):
    summary = stored[which].summary
    for key in ("peak_mw", "swing_mw", "max_ramp_up_mw_per_s", "max_ramp_down_mw_per_s"):
        assert summary[f"undamped_{key}"] == pytest.approx(small.summary[key], rel=1e-3)
        # capacitors that run empty within a step raise a ramp by 0.1 %, whatever brings their charge back
        assert summary[key] <= summary[f"undamped_{key}"] * (1.002 if "ramp" in key else 1.0), key


def test_a_quick_recharge_is_refused_in_a_run(scenario):
    with pytest.raises(
        InputError, match="rack_storage.recharge: expected at least the time constant, 30 s, found 1e-06 s"
    ):
        run(scenario(damping=[{**RACK, "recharge": "1 us"}]))


def test_all_together_cost_more_than_each(stored):
    both = stored["both"].summary
    assert both["damping_energy_share"] > max(stored[k].summary["damping_energy_share"] for k in ("rack", "psu"))
    assert both["throughput_loss"] > 0.0


@pytest.mark.parametrize("which", ["rack", "psu", "both"])
def test_children_add_up_to_their_parent(stored, which):
    for wave in stored[which].waveforms.values():
        for node in set(wave.parents) - {None}:
            rows = [row for row, parent in enumerate(wave.parents) if parent == node]
            np.testing.assert_allclose(wave.watts[rows].sum(axis=0), wave.power(node), rtol=1e-9)


def test_energy_through_the_storage(scenario, small_study):
    """IT energy = that of the load + losses + change of what is stored, in every window."""
    study, pool = small_study
    damped = study_step(scenario(damping=[RACK, PSU]))
    windows = (steady_window(study, pool, 0.0), crash_window(study, pool, 0.0, "gpu", 5.0))
    before = training_it_w(site_power(study, windows[0]))
    for hall, settled in zip(windows, (None, before), strict=True):
        plain, found = site_power(study, hall, settled), site_power(damped, hall, settled)
        reports = found.it_storage["memphis"]
        assert [r.level for r in reports] == ["node", "rack"] * (len(reports) // 2)
        extra = sum(r.loss_j + r.stored_change_j for r in reports)
        assert min(r.loss_j for r in reports) > 0.0
        load, above = (w.waveform.energy_j("memphis/it") for w in (plain, found))
        assert above == pytest.approx(load + extra, rel=1e-9)
    loss = sum(r.loss_j for r in site_power(damped, windows[0]).it_storage["memphis"]) / 600.0
    assert training_it_w(site_power(damped, windows[0]))["memphis"] == pytest.approx(before["memphis"] + loss, rel=1e-9)


def test_the_order_in_the_file_does_not_matter(scenario, stored):
    turned = run(scenario(damping=[{"kind": "gpu_smoothing", "floor": "50 %"}, PSU, RACK]))
    assert turned.summary == stored["both"].summary


def test_the_close_up_of_a_rack_shows_its_storage(stored, small):
    plain, rack = small.close_up, stored["rack"].close_up
    np.testing.assert_array_equal(plain["server_w"], rack["server_w"])
    assert np.ptp(rack["rack_w"]) < 0.5 * np.ptp(plain["rack_w"])


def test_a_store_that_is_too_small_is_named(scenario, stored):
    tight = run(scenario(damping=[{**RACK, "energy_per_accelerator": "50 J"}]))
    assert any("rack_storage: its energy or power limits it" in text for text in tight.warnings)
    assert tight.summary["rack_storage_missed_share"] > 0.01
    assert not any("limits it" in text for text in stored["rack"].warnings)


def test_the_storage_is_in_the_capital_cost(stored, small):
    for kind, item in (("psu", "PSU storage: energy"), ("rack", "rack storage: power")):
        cost = stored[kind].cost
        line = cost[cost["item"] == item].iloc[0]
        assert line["group"] == "capex"
        assert line["usd"] > 0.0
        assert stored[kind].summary["capex_usd"] > small.summary["capex_usd"]


def test_the_assumed_figures_of_the_storage_are_listed(stored):
    keys = set(stored["both"].assumed["key"])
    assert "catalog.batteries.psu_capacitor.round_trip_efficiency" in keys
    assert "catalog.batteries.lithium_capacitor_shelf.round_trip_efficiency" in keys


def test_bad_storage_is_refused(scenario):
    with pytest.raises(InputError, match="energy_per_accelerator"):
        scenario(damping=[{**RACK, "energy_per_accelerator": "0 J"}])
    with pytest.raises(CatalogError, match="lead"):
        run(scenario(damping=[{**RACK, "type": "lead"}]))


def test_the_command_line_runs_it(small_scenario, tmp_path):
    path = tmp_path / "racks.yaml"
    text = small_scenario.read_text(encoding="utf-8").replace(
        "- {kind: site_battery, time_constant: 20 s}",
        "- {kind: rack_storage, energy_per_accelerator: 40 kJ, power_per_accelerator: 1 kW, time_constant: 30 s}",
    )
    path.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["run", str(path), "--json", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert '"rack_storage_cycles_per_year"' in done.stdout
    assert "rack storage" in next((tmp_path / "out").rglob("report.html")).read_text(encoding="utf-8")
