"""Hourly prices from a file: what it must hold, and how a wrong one is refused."""

import pytest

from clustersim.economics.spec import read_prices
from clustersim.errors import InputError


def written(folder, text):
    path = folder / "prices.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_day(tmp_path):
    text = "hour,usd_per_mwh\n" + "".join(f"{h},{h - 3.5}\n" for h in range(24))
    assert read_prices(written(tmp_path, text)).usd_per_mwh == tuple(h - 3.5 for h in range(24))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a column usd_per_mwh, found nothing"),
        ("price\n1\n", "expected a column usd_per_mwh, found price"),
        ("usd_per_mwh\n" + "1\n" * 23, "expected 24, 168 or 8760 rows of prices, found 23"),
        ("usd_per_mwh\n" + "1\n" * 23 + "nan\n", ":25: usd_per_mwh: expected -10000 to 100000, found nan"),
        ("usd_per_mwh\n" + "1\n" * 23 + "x\n", ":25: usd_per_mwh: expected a number, found 'x'"),
        ("usd_per_mwh,b\n" + "1,2\n" * 23 + "1e9,2\n", "expected -10000 to 100000"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        read_prices(written(tmp_path, text))


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="found none"):
        read_prices(tmp_path / "prices.csv")
