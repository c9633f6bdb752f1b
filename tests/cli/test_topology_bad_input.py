"""Wrong fabrics: one message that names the place in the file, exit code 2, nothing written."""

import pytest
import yaml
from typer.testing import CliRunner

from clustersim.cli import app
from clustersim.scenario import shipped

WRONG = {
    "odd radix": ("colossus_memphis", "fabric.radix", 127, "radix: a switch has an even number of ports, got 127"),
    "no uplink": (
        "colossus_memphis",
        "fabric.oversubscription",
        {"leaf": 200},
        "200 leaves no uplink on a switch of 128",
    ),
    "oversubscription below 1": ("colossus_memphis", "fabric.oversubscription", {"leaf": 0.5}, "oversubscription"),
    "disconnected sites": (
        "google_iowa_nebraska",
        "fabric.wan.links",
        [{"a": "council_bluffs", "b": "omaha", "fibre_pairs": 4, "channels": 64}],
        "no path from council_bluffs to papillion",
    ),
    "negative length": ("fairwater_pair", "fabric.wan.links.0.length", "-5 km", "fabric.wan.links.0.length"),
    "too short": ("fairwater_pair", "fabric.wan.links.0.length", "500 km", "at least the great circle of 1067"),
    "second way too short": (
        "fairwater_pair",
        "fabric.wan.links.0.protection.length",
        "500 km",
        "fabric.wan.links.0.protection.length: expected at least the great circle of 1067",
    ),
    "copper between sites": ("fairwater_pair", "fabric.wan.transceiver", "DAC", "expected a module for fibre"),
    "too many channels": ("fairwater_pair", "fabric.wan.links.0.channels", 200, "at most 152 wavelengths"),
    "rails that are not the cards": (
        "meta_24k_infiniband",
        "fabric.rails",
        4,
        "8 network cards, one per accelerator; expected 8, found 4",
    ),
    "planes that are not the cards": (
        "deepseek_v3",
        "fabric.planes",
        4,
        "8 network cards, one per accelerator; expected 8, found 4",
    ),
    "too many accelerators": ("deepseek_v3", "site.{first}.fleet.0.count", 32768, "holds at most 16,384 accelerators"),
    "too many ports for the switch": ("deepseek_v3", "fabric.radix", 128, "enough for 64 ports"),
    "unknown kind": ("deepseek_v3", "fabric.kind", "slim_fly", "fat_tree"),
    "no such switch": ("deepseek_v3", "fabric.switch", "QM970", "QM9700"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_fabrics_exit_2(case, tmp_path):
    name, path, value, message = WRONG[case]
    data = yaml.load((shipped("topologies") / f"{name}.yaml").read_text(), Loader=yaml.CSafeLoader)
    keys = path.replace("{first}", next(iter(data["site"]))).split(".")
    at = data
    for key in keys[:-1]:
        at = at[int(key)] if isinstance(at, list) else at[key]
    if isinstance(at, dict) and keys[-1] == "channels":
        at.pop("pair_capacity", None)
    at[keys[-1]] = value
    file = tmp_path / "wrong.yaml"
    file.write_text(yaml.safe_dump(data))
    page = tmp_path / "page.html"
    found = CliRunner().invoke(app, ["topology", str(file), "--html", str(page)])
    assert found.exit_code == 2, found.output
    assert message in found.output
    assert not page.exists()
