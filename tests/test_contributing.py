"""The worked examples of CONTRIBUTING.md work, each put where it says and nowhere else."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from clustersim.limits import Evidence, LimitsSpec, Trace, judge, rules_of
from clustersim.limits.spec_parts.pack_file import pack_rules

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(?:yaml|python) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = dict(BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))

DRIVER = """
import importlib, json, sys
from pathlib import Path
import clustersim.spec

root, folders = Path(sys.argv[1]), {}
shipped = clustersim.spec.classes_in

def with_new_files(package, base):
    "Look into the folder of the examples too, as if they lay beside the shipped modules."
    importlib.import_module(package).__path__.append(str(root / package.replace(".", "/")))
    return shipped(package, base)

clustersim.spec.classes_in = with_new_files

import numpy as np
from clustersim.catalog import use_overlays
from clustersim.plant.bus import Bus, Group, run_bus
from clustersim.plant.governor_catalog import governor
from clustersim.plant.governors import Tgov1
from clustersim.fabric import SiteEndpoints, bill_of_materials, build_fabric, fabric_spec, to_networkx
from clustersim.scenario import load_scenario, shipped as files
from clustersim.study.steady import steady_answer

said = {}
use_overlays([root / "x900.yaml", root / "governor.yaml", root / "flywheel.yaml"])

def answer(driver):
    "Frequency after a load step."
    bus = Bus(60.0, (Group("machine", 200e6, 800e6, 100e6, driver),), damping_w=20e6)
    return run_bus(bus, np.where(np.arange(2000) < 100, 100e6, 110e6), 0.01).frequency_hz

new, known = answer(governor("first_order_example")), answer(Tgov1(0.05, 0.5, 1.0, 1.0, 1.0, 0.0))
said["governor"] = [float(np.abs(new - known).max()), float(new[-1])]

site = SiteEndpoints("here", 512, 41.2, -95.8, 8, 450e9, 50e9)
common = {
    "tiers": 2, "switch": "QM9700", "port_rate": "400 Gbit/s", "radix": 64, "goodput": "95 %",
    "hop_latency": "0.7 us", "optics": {"host": "400G SR4", "leaf_spine": "800G 2xDR4"},
}
built = build_fabric(fabric_spec({**common, "kind": "rail_only", "rails": 8}), [site])
same = build_fabric(fabric_spec({**common, "kind": "multi_plane", "planes": 8, "split": "rails"}), [site])
counts = lambda fabric: [fabric.sites[0].bisection, len(to_networkx(fabric)), len(bill_of_materials(fabric))]
said["family"] = [counts(built), counts(same)]

small = {
    "topology.site.memphis.fleet": [{"accelerator": "X900", "count": 512}],
    "topology.electrical.memphis.grid.capacity": "4 MW",
    "topology.electrical.memphis.generators.count": 1,
    "topology.electrical.memphis.generators.grid_parallel_output": "0.1 MW",
    "topology.electrical.memphis.conversion": [{"stage": "hv_transformer", "rating": "5 MW"}],
    "topology.electrical.memphis.battery": {
        "type": "megapack_2xl", "count": 1, "power": "1 MW", "droop": "2 %", "deadband": "36 mHz",
    },
    "topology.cooling.memphis.count": 2,
    "job.model": "llama3.1-8b", "job.sequence_length": 4096, "job.tokens_per_step_max": 5_000_000,
    "job.plan": {"tensor": 1, "pipeline": 1, "data": 512, "micro_batches": 2, "sharding": "optimizer"},
    "operation.horizon": "1 d", "limits.packs": ["my_utility.yaml"],
}
wheel = {"kind": "site_flywheel", "power": "1 MW", "energy": "20 MJ", "time_constant": "5 s"}
base = files("scenarios") / "colossus_200k.yaml"
(root / "colossus_200k.yaml").write_bytes(base.read_bytes())
keys = ("swing_mw", "it_swing_mw", "energy_mwh", "tokens_per_s", "peak_mw", "mfu", "capex_usd", "damping_usd_per_year")
known = {"topology.site.memphis.fleet": [{"accelerator": "H100-SXM", "count": 512}]}
for name, more in (("with", {"damping": [wheel]}), ("without", {"damping": []}), ("H100", {"damping": [], **known})):
    found = steady_answer(load_scenario(root / "colossus_200k.yaml", {**small, **more}))
    said[name] = {key: found.summary[key] for key in keys}
    said[name]["at_meter"] = {key: value for key, value in found.summary.items() if key.startswith("meter_")}
    said[name]["rules"] = found.verdict[["rule", "passed"]].astype(str).values.tolist()
print(json.dumps(said))
"""
GOVERNOR = """
governors:
  sources:
    HERE: {title: "A governor for this test", date: "2026"}
  entries:
    first_order_example:
      properties: {model: FIRST_ORDER, what: "one lag"}
      figures:
        R: {value: 5 %, source: HERE, confidence: estimate}
        T: {value: 0.5 s, source: HERE, confidence: estimate}
        Vmax: {value: 1, source: HERE, confidence: estimate}
        Vmin: {value: 0, source: HERE, confidence: estimate}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The examples, each at the path that it gives, and nothing else."""
    root = tmp_path_factory.mktemp("examples")
    for name, text in BLOCKS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (root / "governor.yaml").write_text(GOVERNOR, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def said(folder):
    """What a fresh process says that has the examples beside the shipped files."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_kind_of_addition_has_an_example():
    assert sorted(BLOCKS) == [
        "app/screens/tokens.py",
        "clustersim/fabric/families/rail_only.py",
        "clustersim/plant/governor_models/first_order.py",
        "clustersim/power/strategies/site_flywheel.py",
        "flywheel.yaml",
        "my_utility.yaml",
        "x900.yaml",
    ]
    assert not [name for name in BLOCKS if (ROOT / name).exists()]


def test_an_accelerator_runs_a_job(said):
    """Beside the H100 that it is like, at the same place with the same plan: 2.02 times the peak, 12/7 of the power."""
    new, known = said["without"], said["H100"]
    faster, peak = new["tokens_per_s"] / known["tokens_per_s"], 2000.0 / 989.0
    assert new["mfu"] / known["mfu"] == pytest.approx(faster / peak, rel=1e-6)
    # memory is faster by more than the peak, links and their latencies are those of the H100
    assert 0.9 * peak < faster < peak
    assert 0.4 < known["mfu"] < 0.6
    # levels are shares of the rated power; what stands around the devices differs by less: 6.4 kW of a server for 4.6
    assert new["it_swing_mw"] / known["it_swing_mw"] == pytest.approx(1200.0 / 700.0, rel=0.02)
    assert 6.4 / 4.6 < new["peak_mw"] / known["peak_mw"] < 1200.0 / 700.0


def test_a_damping_strategy_smooths_the_meter_and_costs_no_work(said):
    damped, plain = said["with"], said["without"]
    assert damped["swing_mw"] < 0.8 * plain["swing_mw"]
    assert damped["it_swing_mw"] == plain["it_swing_mw"]
    assert damped["tokens_per_s"] == plain["tokens_per_s"]
    assert damped["energy_mwh"] > plain["energy_mwh"]


def test_a_damping_strategy_costs_and_wears(said):
    """1 MW and 20 MJ at the overlay's prices; what it moves and misses is counted, and named only where it is there."""
    damped, plain = said["with"], said["without"]
    assert damped["capex_usd"] - plain["capex_usd"] == pytest.approx(1e3 * 300.0 + 20e6 / 3.6e6 * 6000.0, rel=1e-5)
    assert damped["damping_usd_per_year"] > plain["damping_usd_per_year"] == 0.0
    assert plain["at_meter"] == {}
    found = damped["at_meter"]
    assert found["meter_store_cycles_per_year"] > 100.0
    assert 0.0 < found["meter_store_cycle_depth_share"] < 1.0
    assert 0.0 <= found["meter_strategy_missed_share"] < 0.5


def test_a_governor_reduces_to_the_one_it_is_a_case_of(said):
    difference, last = said["governor"]
    assert difference == 0.0
    assert last < 60.0


def test_a_rule_pack_judges(said, folder):
    """In a scenario, and held against a step of 3 MW and one of 60 MW."""
    assert [rule for rule, _ in said["without"]["rules"]] == ["contract-ramp"]
    tree = yaml.safe_load((folder / "my_utility.yaml").read_text(encoding="utf-8"))
    rules = rules_of(LimitsSpec.model_validate({"packs": [], "rules": pack_rules(tree, "my_utility.yaml")}))
    verdicts = []
    for step_w in (3e6, 60e6):
        load = np.where(np.arange(6000) < 3000, 100e6, 100e6 + step_w)
        row = judge(rules, Evidence(traces=(Trace("meter", "steady", 0.01, load),))).table.iloc[0]
        verdicts.append((row["passed"], round(row["measured"], 6)))
    assert verdicts == [(True, 0.3), (False, 6.0)]


def test_a_family_of_topologies_is_built(said):
    new, known = said["family"]
    assert new == known
    assert new[0] > 0.0


def test_a_page_appears(folder, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "app"))
    from streamlit.testing.v1 import AppTest

    from dashboard.navigation import PAGES, entries

    screens = folder / "app" / "screens"
    shutil.copytree(PAGES, screens, dirs_exist_ok=True)
    titles = [entry.title for entry in entries(screens)["Answers"]]
    assert titles == ["Training", "Power", "Plant", "Limits", "Tokens"]
    page = AppTest.from_file(str(screens / "tokens.py"), default_timeout=60).run()
    assert not page.exception
    assert [metric.value for metric in page.metric] == ["86,400,000,000"]


def test_a_file_without_a_place_is_refused(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "app"))
    from dashboard.navigation import entries

    (tmp_path / "lost.py").write_text("PAGE = {'section': 'Nowhere', 'place': 1, 'title': 'Lost', 'icon': 'map'}\n")
    with pytest.raises(ValueError, match=r"lost\.py: expected PAGE with a section of Plan"):
        entries(tmp_path)
