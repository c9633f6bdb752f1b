"""The battery's rating row follows what cells and converter give at the extremes of charge."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from clustersim.plant.battery_cells import Pack
from clustersim.plant.spec import BatterySpec
from clustersim.study.site import supply
from clustersim.study.site.conversion_ratings import SiteWindow

MW = 1e6
BATTERY = BatterySpec.model_validate(
    {"type": "megapack_2xl", "count": 1, "power": "2 MW", "droop": "2 %", "deadband": "36 mHz"}
)
ZERO = np.zeros(2)


def row(charge=None, answering=(0.5, 0.5)):
    window = SiteWindow("steady", 0.01, ZERO, ZERO, ZERO, ZERO, charge=charge)
    response = SimpleNamespace(state_of_charge=np.array(answering))
    return supply._battery_rating("here", BATTERY, 1.5 * MW, (window,), [response])


def test_lithium_iron_phosphate_gives_its_rating_while_it_is_neither_empty_nor_full():
    for charge in (None, (0.05, 0.95), (0.0, 1.0)):
        assert row(charge).rating_w == pytest.approx(2 * MW)


def test_cells_whose_voltage_falls_far_give_less_when_low(monkeypatch):
    """Open circuit 0.5 + s of that at half charge, terminals from 0.6 up: at s = 0.2 the current is at most 0.1 / R."""
    pack = Pack(0.2, 0.0, 0.0, 0.0, (0.0, 1.0), (0.5, 1.5), 0.6, 2.0)
    monkeypatch.setattr(supply, "pack_of", lambda _: pack)
    most = 0.6 * (0.7 - 0.6) / 0.2
    found = row((0.2, 0.6))
    assert found.rating_w == pytest.approx(2 * MW * most, rel=5e-3)
    assert found.loading_w > found.rating_w
    assert "at 0.2 of charge" in found.source
    assert row((0.2, 0.6), answering=(0.0, 0.0)).rating_w == found.rating_w
    assert row(None, answering=(0.2, 0.5)).rating_w == found.rating_w
    assert row((0.49, 0.51)).rating_w > found.rating_w


def test_a_battery_without_a_model_of_its_cells_says_so(monkeypatch):
    def none(_):
        raise ValueError("the converter alone loses more")

    monkeypatch.setattr(supply, "pack_of", none)
    assert row().rating_w == 2 * MW
    assert "loses more" in row().source
