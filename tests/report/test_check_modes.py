"""What `check` says of a place whose grid's modes a run could not answer, and of a network written into its file."""

import json

import pytest
import yaml

from clustersim.catalog.store import use_overlays
from clustersim.plant.spec_parts.network import NETWORKS
from clustersim.report.check import problems
from clustersim.scenario import shipped

WHERE = "electrical.memphis.grid"


@pytest.fixture
def place(tmp_path):
    """Write the shipped place with a network of its own, changed by a function; return the lines of `check`."""

    def told(change=None, bus="7"):
        tree = yaml.load((shipped("topologies") / "colossus_memphis.yaml").read_text(), Loader=yaml.CSafeLoader)
        if change is not None:
            # without aliases, which a file may not have
            network = json.loads(
                json.dumps(yaml.load((NETWORKS / "two_area.yaml").read_text(), Loader=yaml.CSafeLoader))
            )
            change(network)
            tree["electrical"]["memphis"]["grid"] |= {"network": network, "network_bus": bus}
        path = tmp_path / "place.yaml"
        path.write_text(yaml.safe_dump(tree))
        return [line.removeprefix(f"{path}: ") for line in problems(path)]

    return told


def test_a_sound_network_in_the_file_is_taken(place):
    assert place() == []
    assert place(lambda network: None) == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda n: n["branches"][0].update(reactance=-1.0), "network.branches.0.reactance: "),
        (lambda n: n["machines"]["G1"].pop("inertia"), "network.machines.G1.inertia: expected a value, found none"),
        (lambda n: n["loads"][0].update(bus="77"), "network: loads.0.bus: unknown bus '77'"),
    ],
)
def test_a_mistake_in_a_network_is_one_line(place, change, line):
    (found,) = place(change)
    assert found.startswith(f"{WHERE}.{line}")


def test_a_network_without_power_flow_is_named(place):
    (found,) = place(lambda n: n["loads"][0].update(active="90 GW"))
    assert found.startswith(f"{WHERE}: ")
    assert "power flow" in found


def test_a_mode_without_damping_is_named(place, tmp_path):
    said = {"source": "TEST", "confidence": "estimate", "note": "assumed: of this test"}
    figures = {"damping": {"value": "0 %", "low": "0 %", "high": "1 %", **said}}
    entries = {"ei_northwest_south": {"figures": figures}}
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(yaml.safe_dump({"modes": {"sources": {"TEST": {"title": "test"}}, "entries": entries}}))
    use_overlays([overlay])
    try:
        found = place()
    finally:
        use_overlays([])
    assert found
    assert all(
        "grid: mode ei_northwest_south: expected a damping ratio between 0 and 1, found 0" in line for line in found
    )
