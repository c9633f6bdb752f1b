"""Weather files of the tests."""

from __future__ import annotations

import datetime

HEADER = """LOCATION,Testville,TN,USA,Custom,999999,35.06,-90.15,-6.0,100.0
DESIGN CONDITIONS,0
TYPICAL/EXTREME PERIODS,0
GROUND TEMPERATURES,0
HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0
COMMENTS 1,made for tests
COMMENTS 2,
DATA PERIODS,1,1,Data,Sunday, 1/ 1,12/31"""


def epw_rows(year=2001, dry=lambda k: 20.0, humidity=50, pressure=101325):
    """Rows of data of a whole year; `dry` maps the number of the hour to degC."""
    day, rows = datetime.date(year, 1, 1), []
    while day.year == year:
        for hour in range(1, 25):
            value = dry(len(rows))
            rows.append(
                f"{year},{day.month},{day.day},{hour},0,?9?9?9?9E0?9?9?9?9?9?9?9?9?9?9?9?9?9?9?9*9*9?9?9?9,"
                f"{value:.1f},{value - 10.0:.1f},{humidity},{pressure},0,0,300,0,0,0,0,0,0,0,90,2.0,0,0,16.0,77777,"
                "9,999999999,139,0.0470,0,88,0.200,0.0,1.0"
            )
        day += datetime.timedelta(days=1)
    return rows


def write_epw(path, rows=None, header=HEADER):
    """Write a weather file and return its path."""
    path.write_text("\n".join([header, *(epw_rows() if rows is None else rows)]) + "\n", encoding="utf-8")
    return path
