"""Weather files: what is read, and how each kind of damage is named."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.plant import weather_year
from clustersim.plant.spec import read_epw

sys.path.insert(0, str(Path(__file__).parent))
from weather_files import HEADER, epw_rows, write_epw

ROWS = epw_rows(dry=lambda k: 10.0 + 0.001 * k)


def test_a_year_is_read(tmp_path):
    record = read_epw(write_epw(tmp_path / "a.epw", ROWS))
    assert (record.place, record.file, record.pressure_pa) == ("Testville", "a.epw", 101325.0)
    assert len(record.dry_bulb_c) == 8760
    assert record.dry_bulb_c[8759] == pytest.approx(18.8)
    year = weather_year(record)
    assert year.source == "a.epw"
    assert (year.air.wet_bulb_c < year.air.dry_bulb_c).all()
    assert float(year.hour(24.0 * 31).dry_bulb_c) == record.dry_bulb_c[744]


def test_a_leap_year_loses_29_february(tmp_path):
    record = read_epw(write_epw(tmp_path / "a.epw", epw_rows(2004, dry=lambda k: 30.0 if 1416 <= k < 1440 else 20.0)))
    assert len(record.dry_bulb_c) == 8760
    assert set(record.dry_bulb_c) == {20.0}


def _with(row, column, text):
    rows = list(ROWS)
    cells = rows[row].split(",")
    cells[column] = text
    rows[row] = ",".join(cells)
    return rows


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ROWS[:-1], "expected 8760 or 8784 rows of data, found 8759"),
        (ROWS + ROWS[:1], "found 8761"),
        ([], "found 0"),
        (_with(100, 6, "99.9"), r":109: dry-bulb temperature: the value is missing \(code 99.9\)"),
        (_with(7, 8, "999"), r":16: relative humidity: the value is missing"),
        (_with(7, 9, "999999"), r":16: pressure: the value is missing"),
        (_with(7, 6, "nan"), r":16: dry-bulb temperature: expected -70 to 70 degC, found nan"),
        (_with(7, 6, "inf"), r":16: dry-bulb temperature: expected -70 to 70 degC, found inf"),
        (_with(7, 6, ""), r":16: dry-bulb temperature: expected a number in degC, found ''"),
        (_with(7, 8, "-1"), r":16: relative humidity: expected 0 to 110 %"),
        (_with(7, 1, "x"), r":16: expected year, month, day and hour"),
        ([*ROWS[:50], "2001,1,3,3,0,?9,20.0", *ROWS[51:]], r":59: expected 35 columns, found 7"),
    ],
)
def test_a_bad_row_is_named(tmp_path, rows, message):
    with pytest.raises(InputError, match=message):
        read_epw(write_epw(tmp_path / "a.epw", rows))


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="expected a weather file"):
        read_epw(tmp_path / "none.epw")
    with pytest.raises(InputError, match="expected a row LOCATION"):
        read_epw(write_epw(tmp_path / "a.epw", ROWS, HEADER.replace("LOCATION", "PLACE")))
    (tmp_path / "b.epw").write_bytes(b"LOCATION,\xff\xfe\x00")
    with pytest.raises(InputError, match="not a weather file"):
        read_epw(tmp_path / "b.epw")
    (tmp_path / "c.epw").write_text("")
    with pytest.raises(InputError, match="expected a row LOCATION"):
        read_epw(tmp_path / "c.epw")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_told_or_harmless(tmp_path, data):
    """Whatever is cut out or changed, the answer is a whole year of finite numbers or one message."""
    text = "\n".join([HEADER, *ROWS[:200]]) + "\n" + "\n".join(ROWS[200:])
    at = data.draw(st.integers(0, 40_000))
    gone = data.draw(st.integers(0, 3000))
    put = data.draw(st.text(alphabet=',.0159-nae?\n"\x00', max_size=20))
    path = tmp_path / "fuzz.epw"
    path.write_text(text[:at] + put + text[at + gone :], encoding="utf-8")
    try:
        record = read_epw(path)
    except InputError:
        return
    assert np.isfinite(weather_year(record).air.wet_bulb_c).all()
