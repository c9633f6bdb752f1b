from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from clustersim.cli import app

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("numpy", "pandas", "pydantic", "scipy", "numba", "networkx", "streamlit", "yaml", "plotly")
VERBS = {
    "calibrate",
    "build-out",
    "evidence",
    "exercise",
    "explain",
    "pareto",
    "sensitivity",
    "uncertainty",
    "assess",
    "catalog",
    "check",
    "cite",
    "compare",
    "dashboard",
    "fit-power",
    "nodes",
    "operate",
    "plan",
    "query",
    "record",
    "report",
    "run",
    "size",
    "step",
    "sweep",
    "topology",
    "validate",
    "waveform",
}


def call(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def program(*words: object, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "clustersim", *map(str, words)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


@pytest.fixture(scope="session")
def small_folder(small_scenario, small_result, small_page, tmp_path_factory):
    """A results folder in which the small run is done."""
    out = tmp_path_factory.mktemp("results")
    small_result.save(out / f"small-{small_result.run_id}", {"report.html": small_page})
    return out


def test_help_imports_nothing_heavy_and_lists_the_verbs():
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom clustersim.cli import app\n"
        "text = CliRunner().invoke(app, ['--help']).stdout\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\nprint(text)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded, text = done.stdout.split("\n", 1)
    assert loaded == "[]"
    assert {line.split()[0] for line in text.split("Commands:")[1].splitlines() if line.strip()} == VERBS


def test_version():
    import clustersim

    assert call("--version").stdout.strip() == clustersim.__version__


def test_run_answers_in_order_and_writes_the_folder(small_scenario, tmp_path):
    done = call("run", small_scenario, "--out", tmp_path, "--seed", 7)
    assert done.exit_code == 0, done.output
    places = [done.stdout.index(text) for text in ("HOW FAST", "ITS POWER", "SURVIVE", "DAMPING COSTS", "IT COSTS")]
    assert places == sorted(places)
    assert "drawn IT, mean" in done.stdout
    assert "provisioned IT" in done.stdout
    assert "figures that nobody published" in done.stdout
    assert max(map(len, done.stdout.split("\nresults")[0].splitlines())) <= 100
    (folder,) = tmp_path.iterdir()
    names = {path.name for path in folder.iterdir()}
    assert {"scenario.yaml", "manifest.json", "summary.json", "waveform.parquet", "verdict.csv", "report.html"} <= names
    assert json.loads((folder / "manifest.json").read_text())["seed"] == 7


def test_an_earlier_run_is_used_again(small_scenario, small_folder, small_result):
    done = call("run", small_scenario, "--out", small_folder, "--json")
    assert done.exit_code == 0
    data = json.loads(done.stdout)
    assert data["reused"] is True
    assert data["run_id"] == small_result.run_id
    assert {key: data[key] for key in small_result.summary} == small_result.summary
    assert len(data["verdict"]) == len(small_result.verdict)


def test_step_as_json_and_trace(small_scenario, tmp_path):
    file = tmp_path / "trace.json"
    done = call("step", small_scenario, "--json", "--trace", file)
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert sum(data["breakdown"].values()) == pytest.approx(data["iteration_time_s"], rel=1e-9)
    assert data["tokens_per_step"] == 64 * 8 * 4096
    assert data["tokens_per_s"] * data["iteration_time_s"] == pytest.approx(data["tokens_per_step"])
    assert data["accelerators"] == 2048
    trace = json.loads(file.read_text())
    work = [event for event in trace["traceEvents"] if event["ph"] == "X" and event["name"] in ("forward", "backward")]
    assert len(work) == trace["otherData"]["units_shown"] * 4 * 2 * 8
    by_thread: dict[tuple[int, int], list[dict]] = {}
    for event in trace["traceEvents"]:
        if event["ph"] == "X":
            by_thread.setdefault((event["pid"], event["tid"]), []).append(event)
    for events in by_thread.values():
        events.sort(key=lambda event: event["ts"])
        for before, after in itertools.pairwise(events):
            assert before["ts"] + before["dur"] <= after["ts"] + 0.01


def test_step_and_plan_in_words(small_scenario):
    assert "where the time of a step goes" in call("step", small_scenario).stdout
    done = call("plan", small_scenario, "--top", 3, "--json")
    data = json.loads(done.stdout)
    assert len(data["plans"]) == 3
    speeds = [plan["tokens_per_s"] for plan in data["plans"]]
    assert speeds == sorted(speeds, reverse=True)
    assert "fit colossus_memphis" in call("plan", small_scenario, "--top", 2).stdout


def test_plan_of_a_model_on_one_building():
    asked = ("plan", "--model", "llama3.1-405b", "--accelerators", 16384, "--sequences", 2048)
    data = json.loads(call(*asked, "--top", 40, "--json").stdout)
    assert data["tried"] > data["fit"] >= len(data["plans"]) == 40
    times = [plan["iteration_time_s"] for plan in data["plans"]]
    assert times == sorted(times)
    for plan in data["plans"]:
        assert plan["tensor"] * plan["pipeline"] * plan["context"] * plan["data"] == 16384
        assert plan["data"] * plan["micro_batch"] * plan["micro_batches"] == 2048
        assert plan["memory_gb"] <= data["usable_memory_gb"]
        assert sum(plan["parts_s"].values()) == pytest.approx(plan["iteration_time_s"], rel=1e-6)
        assert 0.0 < plan["mfu"] < 1.0
    text = call(*asked, "--top", 2).stdout
    assert "slower than the first" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "expected a scenario or --model MODEL, found neither"),
        (("iowa_nebraska", "--model", "llama3.1-8b"), "expected a scenario or --model MODEL, found both"),
        (("--model", "llama3.1-8b", "--accelerators", 8), "expected --accelerators and --sequences"),
        (("--model", "llama3.1-8", "--accelerators", 8, "--sequences", 8), "did you mean 'llama3.1-8b'"),
        (("--model", "llama3.1-405b", "--accelerators", 16, "--sequences", 16), "plans fits: the leanest needs"),
        (("--model", "llama3.1-8b", "--accelerators", 8, "--sequences", 8, "--precision", "fp9"), "found 'fp9'"),
        (("--model", "llama3.1-8b", "--accelerators", 0, "--sequences", 8), "expected 1 or more, found 0"),
    ],
)
def test_plan_of_a_wrong_job(arguments, said):
    done = call("plan", *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_topology_counts_and_graph(tmp_path):
    import networkx as nx

    data = json.loads(call("topology", "colossus_memphis", "--json").stdout)
    site = data["sites"]["memphis"]
    # a rail of leaves with 64 ports down, as many up
    assert site["leaf_switches"] == 200_000 // 64
    assert site["bisection_gbit_per_s"] == pytest.approx(200_000 * 400 / 2)
    assert sum(item["count"] for item in data["bill"] if item["item"] == "leaf switch") == site["leaf_switches"]
    small = tmp_path / "small_place.yaml"
    text = (ROOT / "topologies" / "colossus_memphis.yaml").read_text()
    text = text.replace("count: 100000", "count: 1024").replace("name: colossus_memphis", "name: small_place")
    small.write_text(text)
    file = tmp_path / "graph.graphml"
    done = call("topology", small, "--export", file)
    assert done.exit_code == 0, done.output
    assert "bill of materials" in done.stdout
    graph = nx.read_graphml(file)
    assert sum(count for _, count in graph.nodes(data="count") if _.split("/")[1].startswith("hosts")) == 2048


@pytest.fixture(scope="session")
def small_place(tmp_path_factory):
    """A topology file of one site of 2,048 accelerators; with changes, another."""
    text = (ROOT / "topologies" / "colossus_memphis.yaml").read_text()
    text = text.replace("count: 100000", "count: 1024").replace("name: colossus_memphis", "name: small_place")
    folder = tmp_path_factory.mktemp("places")

    def make(**changes):
        file = folder / f"small_place_{abs(hash(tuple(changes.items())))}.yaml"
        written = text
        for old, new in changes.values():
            assert old in written
            written = written.replace(old, new)
        file.write_text(written)
        return file

    return make


def test_topology_as_json_has_everything(small_place):
    done = call("topology", small_place(), "--json", "--without", "spine0", "--path", "0", "2047", "--size", "4 GB")
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert data["path"]["switches"] == 3
    assert len(data["path"]["links"]) == 4
    before, after = data["without"]["before"], data["without"]["after"]
    assert after["lost"] == ["spine0"]
    assert before["accelerators_cut_off"] == after["accelerators_cut_off"] == 0
    spread = after["policies"]["spread"]
    assert spread["across_slowest_gbit_per_s"] < before["policies"]["spread"]["across_slowest_gbit_per_s"]
    assert spread["all_reduce_s"] == pytest.approx(2 * 2047 / 2048 * 4 / spread["bus_gb_per_s"])
    assert [part["kind"] for part in data["failure_domains"]] == ["host-leaf link", "leaf", "spine", "core"]
    assert {"cables", "latency", "diameter_switches", "all_reduce", "fibre_routes", "warnings"} <= set(data)


def test_topology_answers_only_what_is_asked(small_place):
    done = call("topology", small_place(), "--path", "gpu0", "memphis/gpu9", "--policy", "static")
    assert done.stdout.startswith("path, policy static")
    assert "bill of materials" not in done.stdout
    done = call("topology", small_place(), "--without", "leaf0", "--without", "leaf1:spine2", "--policy", "spread")
    assert "without leaf0, leaf1:spine2" in done.stdout
    assert "64 of 2,048" in done.stdout
    assert "ecmp" not in done.stdout


@pytest.mark.parametrize("ending", ["json", "csv", "graphml"])
def test_topology_writes_files_whole(small_place, tmp_path, ending):
    page, graph = tmp_path / "new" / "place.html", tmp_path / f"graph.{ending}"
    done = call("topology", small_place(), "--html", page, "--export", graph, "--path", 0, 1)
    assert done.exit_code == 0, done.output
    assert page.read_text().count("<svg") == 3
    assert graph.stat().st_size > 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["new", graph.name])
    assert list((tmp_path / "new").iterdir()) == [page]


def test_topology_writes_all_files_or_none(small_place, tmp_path):
    graph = tmp_path / "new" / "deep" / "graph.json"
    (tmp_path / "taken.html").mkdir()
    for page in (tmp_path / "taken.html", tmp_path / "file" / "page.html"):
        (tmp_path / "file").write_text("")
        done = call("topology", small_place(), "--export", graph, "--html", page)
        assert done.exit_code == 2, done.output
        assert f"{page}: cannot be written" in done.stderr
        assert not (tmp_path / "new").exists()
        (tmp_path / "file").unlink()
    done = call("topology", small_place(), "--export", graph, "--html", graph)
    assert done.exit_code == 2
    assert "expected two files" in done.stderr


def test_reduction_in_the_switches_needs_infiniband(small_place):
    added = "hop_latency: 0.7 us\n  in_network_reduction: true"
    done = call("topology", small_place(at=("hop_latency: 0.7 us", added)))
    assert done.exit_code == 2
    assert "fabric.in_network_reduction: expected switches of the family InfiniBand" in done.stderr
    found = call("check", small_place(at=("hop_latency: 0.7 us", added)))
    assert found.exit_code == 2


NARROW = "layout: {racks_per_row: 8, rack_pitch: 0.6 m, row_pitch: %s, hall_gap: 5 m, drop: 2 m, slack: 10 %%}"
WRONG_PLACES = {
    "ending": (("--export", "graph.png"), {}, ".graphml, .json, .csv"),
    "policy": (("--path", "0", "9", "--policy", "spred"), {}, "did you mean 'spread'"),
    "accelerator": (("--path", "0", "2048"), {}, "from 0 to 2047"),
    "same accelerator": (("--path", "5", "5"), {}, "two different accelerators"),
    "no such spine": (("--without", "spine99"), {}, "spine0 to spine"),
    "no such link": (("--without", "leaf0:leaf1"), {}, "a link joins, found leaf0:leaf1"),
    "no fibre": (("--without", "fibre a-b"), {}, "there is none"),
    "size without a unit": (("--size", "4"), {}, "--size '4'"),
    "negative size": (("--size", "-4 GB"), {}, "not negative"),
    "negative length": ((), {"at": ("  hop_latency", f"  {NARROW % '-3 m'}\n  hop_latency")}, "layout.row_pitch"),
    "length without unit": ((), {"at": ("  hop_latency", f"  {NARROW % '3'}\n  hop_latency")}, "layout.row_pitch"),
    "too many accelerators": (
        (),
        {"at": ("tiers: 3", "tiers: 3"), "radix": ("radix: 128", "radix: 16")},
        "at most 1,024",
    ),
}


@pytest.mark.parametrize("case", WRONG_PLACES)
def test_wrong_questions_about_a_place(case, small_place):
    words, changes, said = WRONG_PLACES[case]
    done = call("topology", small_place(**changes), *words)
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert done.stderr.count("error:") == 1
    assert done.stdout == ""


def test_catalog():
    assert "accelerators" in call("catalog").stdout
    assert "989 TFLOP/s" in call("catalog", "accelerators", "H100").stdout
    data = json.loads(call("catalog", "accelerators", "H100", "--json").stdout)
    assert {row["figure"]: row["value"] for row in data["figures"]}["tdp"] == "700 W"
    done = call("catalog", "accelerator")
    assert done.exit_code == 2
    assert "accelerators" in done.stderr


def test_check(small_scenario, tmp_path):
    done = call("check", small_scenario, "colossus_memphis")
    assert done.exit_code == 0, done.output
    bad = tmp_path / "bad.yaml"
    bad.write_text(small_scenario.read_text().replace("seed", "sed").replace("3 d", "3 days") + "colour: red\n")
    done = call("check", bad)
    assert done.exit_code == 2
    assert "operation.horizon" in done.stderr
    assert "colour: unknown key" in done.stderr


WRONG = {
    "wrong unit": (("operation.horizon=3 MW",), "operation.horizon"),
    "no unit": (("operation.horizon=3",), "operation.horizon"),
    "unknown model": (("job.model=llama4",), "llama4"),
    "tensor does not divide heads": (("job.plan.tensor=7",), "tensor"),
    "does not fit in memory": (("job.plan.pipeline=1", "job.plan.tensor=1"), "GB"),
    "more accelerators than the site": (("job.plan.data=640",), "job.plan"),
    "negative battery energy": (("topology.electrical.memphis.battery.energy=-5 MWh",), "battery.energy"),
    "unknown key": (("job.modell=x",), "did you mean 'model'"),
    "no value": (("job.model",), "--set"),
    "negative seed": (("seed=-1",), "seed"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_one_message_and_leaves_nothing(case, small_scenario, tmp_path):
    settings, named = WRONG[case]
    out = tmp_path / "results"
    done = call("run", small_scenario, "--out", out, *(word for item in settings for word in ("--set", item)))
    assert done.exit_code == 2, done.output
    assert named in done.stderr
    assert done.stderr.count("error:") == 1
    assert "Traceback" not in done.output
    assert done.stdout == ""
    assert not out.exists()


@pytest.mark.parametrize("kind", ["missing", "cycle", "huge", "not yaml", "name"])
def test_wrong_files(kind, tmp_path):
    file = tmp_path / "wrong.yaml"
    named = "wrong.yaml"
    if kind == "cycle":
        file.write_text("extends: other\n")
        (tmp_path / "other.yaml").write_text("extends: wrong\n")
        named = "cycle"
    elif kind == "huge":
        with file.open("wb") as handle:
            handle.truncate(100_000_000)
        named = "1 MB"
    elif kind == "not yaml":
        file.write_text("a: [1\n")
    word, named = (file, named) if kind != "name" else ("colossus_20k", "did you mean 'colossus_200k'")
    done = call("run", word, "--out", tmp_path / "results")
    assert done.exit_code == 2, done.output
    assert named in done.stderr
    assert "Traceback" not in done.output
    assert not (tmp_path / "results").exists()


def test_out_that_is_a_file_is_wrong_input(small_scenario, tmp_path):
    (tmp_path / "file").write_text("")
    done = call("step", small_scenario, "--trace", tmp_path / "file" / "x.json")
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr


def test_wrong_input_exits_2_and_leaves_stdout_empty():
    """The exit path of a real process; that JSON is all that stdout holds is asked of each verb in this one."""
    bad = program("run", "nowhere.yaml", "--json")
    out, err = bad.communicate(timeout=60)
    assert (bad.returncode, out) == (2, "")
    assert err.startswith("error: nowhere.yaml")


@pytest.mark.soak
def test_json_is_all_that_a_process_writes_to_stdout():
    good = program("catalog", "accelerators", "H100", "--json")
    out, _ = good.communicate(timeout=60)
    assert good.returncode == 0
    json.loads(out)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_leaves_nothing(small_scenario, tmp_path):
    running = program("run", small_scenario, "--out", tmp_path / "results", start_new_session=True)
    assert running.stderr is not None
    assert "training step" in running.stderr.readline()
    time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    try:
        out, err = running.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        # the compiler's callbacks swallow an exception that lands in them; a user presses the keys again
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    # Python ends by the signal itself where it came in the start of an extension module; a shell says 130 of both
    assert running.returncode in (130, -signal.SIGINT), err
    assert "interrupted" in err
    assert out == ""
    assert not list((tmp_path / "results").glob("*")) if (tmp_path / "results").exists() else True


def test_check_means_scenario_and_place_of_one_name():
    from typer.testing import CliRunner

    from clustersim.cli import app

    said = CliRunner().invoke(app, ["check", "deepseek_v3"])
    assert said.exit_code == 0
    assert [Path(line.split(":")[0]).parent.name for line in said.stdout.splitlines()] == ["topologies", "scenarios"]
