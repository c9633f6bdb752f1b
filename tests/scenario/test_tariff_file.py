"""A scenario that names a file of hourly prices."""

import pytest
import yaml

from clustersim.errors import InputError
from clustersim.scenario import load_any, shipped
from clustersim.scenario.files import load_tree


def written(folder, tariff):
    text = yaml.load((shipped("scenarios") / "colossus_200k.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    text["economics"] = {"tariff": tariff, "billing_start": "2025-07-01"}
    path = folder / "priced.yaml"
    path.write_text(yaml.safe_dump(text), encoding="utf-8")
    return path


def test_prices_of_the_file_are_in_the_tree(tmp_path):
    (tmp_path / "day.csv").write_text("usd_per_mwh\n" + "40\n" * 24, encoding="utf-8")
    scenario = load_any(written(tmp_path, {"hourly": "day.csv"}))
    assert scenario.economics.tariff.hourly.usd_per_mwh == (40.0,) * 24
    assert scenario.economics.billing_start.isoformat() == "2025-07-01"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../day.csv", "path of a .csv file from the scenario's folder"),
        ("a/../../day.csv", "inside the scenario's folder"),
        ("day.txt", "path of a .csv file"),
        ("day.csv", "found none"),
    ],
)
def test_a_wrong_file_names_its_key(tmp_path, name, said):
    with pytest.raises(InputError, match=said) as raised:
        load_tree(written(tmp_path, {"hourly": name}), {})
    assert "economics.tariff.hourly" in str(raised.value)


def test_a_bare_name_is_a_tariff_of_the_catalog(tmp_path):
    assert load_any(written(tmp_path, "tva_direct_2003")).economics.tariff.name == "tva_direct_2003"
