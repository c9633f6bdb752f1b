"""Voltage dips and the parameters of load models."""

import pytest

from clustersim.plant import DipLoad
from clustersim.plant.spec import RideThroughSpec
from clustersim.study.interconnection.load_model import COLUMNS, NOT, load_model, thresholds
from clustersim.study.interconnection.ride_through import SiteLoad, dip_table, site_loads


def site(ups_share: float, ups: str = "ups_counter") -> SiteLoad:
    load = DipLoad(it_w=90e6, cooling_w=10e6, loading=0.6, ups_share=ups_share, ups_rating_w=100e6)
    return SiteLoad("a", load, RideThroughSpec(ups=ups))


def test_a_load_behind_ups_leaves_at_its_transfer_voltage_and_comes_back():
    found = thresholds(site(1.0), 0.1)
    assert found.vd1 == pytest.approx(0.87)
    assert found.vd2 == pytest.approx(0.865)
    assert found.frcel == pytest.approx(1.0)


def test_a_dip_shorter_than_the_transfer_time_takes_nothing():
    found = thresholds(site(1.0), 0.005)
    assert (found.vd1, found.vd2, found.frcel) == (0.0, 0.0, 1.0)


def test_supplies_hold_on_down_to_their_current_limit():
    # constant power needs loading / limit = 0.6 / 1.2; its store lasts 12 ms x 70 % / 60 % without voltage
    assert thresholds(site(0.0), 10.0).vd1 == pytest.approx(0.5)
    assert thresholds(site(0.0), 0.013).vd1 == 0.0
    assert 0.0 < thresholds(site(0.0), 0.015).vd1 <= 0.45


def test_a_mixed_load_leaves_in_two_steps():
    found = thresholds(site(0.3), 0.5)
    assert found.vd1 == pytest.approx(0.87)
    assert 0.3 < found.vd2 < 0.5


def test_the_sheet_of_a_run(small_result):
    sheet = load_model(small_result)
    assert tuple(sheet.columns) == COLUMNS
    values = sheet.set_index("parameter")["value"]
    wave = small_result.waveforms["steady"]
    assert float(values["P"]) == pytest.approx(wave.power("memphis").mean() / 1e6, rel=1e-5)
    assert float(values["Fel"]) == 1.0  # motors on drives
    assert 0.9 < float(values["PFel"]) <= 1.0
    absent = sheet[sheet["value"] == NOT]
    assert (absent["basis"] != "").all()
    assert {"LDELEC", "CMPLDW", "PERC1"} <= set(sheet["model"])


def test_deeper_and_longer_dips_take_more(small_result):
    table = dip_table(small_result)
    (load,) = site_loads(small_result)
    assert load.load.total_w == pytest.approx(
        sum(small_result.waveforms["steady"].power(f"memphis/{n}").mean() for n in ("it", "cooling", "losses"))
    )
    for _, part in table.groupby("duration_s"):
        assert (part.sort_values("residual_pu")["off_mw"].diff().dropna() <= 1e-9).all()
    for _, part in table.groupby("residual_pu"):
        assert (part.sort_values("duration_s")["off_mw"].diff().dropna() >= -1e-9).all()
    shallow = table[(table["residual_pu"] == 0.9)]
    assert (shallow[["supplies", "ups", "motors"]].isin(["stays", "-"])).all(axis=None)
    deep = table[(table["residual_pu"] == 0.0) & (table["duration_s"] == 1.0)].iloc[0]
    assert deep["supplies"] == deep["motors"] == "trips"
    assert deep["off_mw"] == pytest.approx(load.load.total_w / 1e6)
