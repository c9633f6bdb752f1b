"""Verbs on sent files, called as a worker process calls them: what the command line prints, or one message."""

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from clustersim.background.verbs import VERBS
from clustersim.errors import InputError

HOSTILE = "<img src=x onerror=alert(1)>"


def told(_):
    return None


def ask(verb, **arguments):
    return VERBS[verb](tell=told, **arguments)


@pytest.fixture
def trace(tmp_path):
    """Two minutes of a load that falls from 50 to 20 kW every four seconds."""
    times = 0.1 * np.arange(1200)
    power = np.where(times % 4.0 < 3.0, 50.0, 20.0)
    path = tmp_path / "meter.csv"
    path.write_text("time_s,power_kw\n" + "".join(f"{t:.1f},{p:g}\n" for t, p in zip(times, power, strict=True)))
    return path


def test_columns_are_offered(trace):
    found = ask("trace_columns", path=str(trace))
    assert found == {
        "names": ["time_s", "power_kw"], "time": "time_s", "power": "power_kw", "units": [None, "kW"],
        "has_clock": False,
    }  # fmt: skip


def test_a_trace_is_read_into_a_folder_of_its_own(trace, tmp_path):
    found = ask("trace_read", path=str(trace), columns={}, out=str(tmp_path))
    watts = np.load(f"{found['folder']}/{found['file']}")
    assert watts.size == found["samples"] == 1200
    assert (watts.min(), watts.max()) == (20e3, 50e3)
    assert found["dt_s"] == pytest.approx(0.1)
    # the same again gives the same folder, and nothing is left half-made
    assert ask("trace_read", path=str(trace), columns={}, out=str(tmp_path)) == found
    assert not list(tmp_path.glob(".*"))


def test_an_assessment_is_what_the_command_line_prints(trace, tmp_path):
    from clustersim.cli import app

    found = ask(
        "assess", path=str(trace), columns={}, question={"limits": ["standard"], "scale": 400, "coherence": 0.5},
        setting={}, out=str(tmp_path),
    )  # fmt: skip
    said = CliRunner().invoke(app, ["assess", str(trace), "--scale", "400", "--coherence", "0.5", "--json"])
    assert said.exit_code == 0, said.output
    assert found["data"] == json.loads(said.stdout)
    names = {path.name for path in (tmp_path / found["folder"]).iterdir()}
    assert {"assess.json", "assess.txt", "verdict.csv", "spectrum.json", "spectrogram.json", "judged.npy"} <= names


def test_damping_is_tried_on_a_trace(trace, tmp_path):
    text = "- {kind: rack_storage, energy_per_accelerator: 40 kJ, power_per_accelerator: 1 kW, time_constant: 30 s}"
    setting = {"damping": text, "accelerators": 50}
    found = ask("assess", path=str(trace), columns={}, question={}, setting=setting, out=str(tmp_path))
    before, after = (one["swing_mw"] for one in (found["data"]["statistics"], found["data"]["damped"]["statistics"]))
    assert after < 0.5 * before
    assert set(found["lines"]) == {"measured", "behind damping"}


def test_a_fit_is_what_the_command_line_prints(trace, tmp_path):
    from clustersim.cli import app

    found = ask("fit_power", path=str(trace), columns={}, question={}, out=str(tmp_path))
    assert found["data"] == json.loads(CliRunner().invoke(app, ["fit-power", str(trace), "--json"]).stdout)
    assert "kind: measured_load" in (tmp_path / found["folder"] / "load.yaml").read_text()


@pytest.mark.parametrize(
    ("columns", "question", "setting", "said"),
    [
        ({"power": [HOSTILE]}, {}, {}, "expected one of time_s, power_kw"),
        ({"base": "100 parsecs"}, {}, {}, "base: "),
        ({"step": "1 ns"}, {}, {}, "at most 10,000,000 of them"),
        ({}, {"limits": ["/etc/passwd"]}, {}, "limits: expected one of"),
        ({}, {"from": "1e400 s"}, {}, "from: "),
        ({}, {}, {"topology": "../../../etc/passwd"}, "topology: expected one of"),
        ({}, {}, {"damping": "- &a [*a, *a]"}, "aliases are not supported"),
        ({}, {}, {"damping": "x" * 20_001}, "at most 20,000 letters"),
        ({}, {}, {"damping": "- {kind: " + HOSTILE + "}"}, "damping"),
    ],
)
def test_what_is_wrong_is_said_without_the_servers_paths(trace, tmp_path, columns, question, setting, said):
    with pytest.raises(InputError) as error:
        ask("assess", path=str(trace), columns=columns, question=question, setting=setting, out=str(tmp_path))
    assert said in str(error.value)
    assert str(tmp_path) not in str(error.value)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("power", ["nan", "inf", "1e400", "-5", "", "five", HOSTILE])
def test_readings_that_are_no_power_are_refused(tmp_path, power):
    path = tmp_path / "a.csv"
    rows = [f"{k},{power if k == 20 else 5}" for k in range(40)]
    path.write_text("time_s,power_w\n" + "\n".join(rows) + "\n")
    with pytest.raises(InputError, match=r"^a\.csv: "):
        ask("trace_read", path=str(path), columns={}, out=str(tmp_path))


def test_text_packed_in_parquet_is_never_unpacked(tmp_path):
    """A dictionary of one long word over many rows has a few bytes, and would fill the memory as text."""
    path = tmp_path / "bomb.parquet"
    word = pa.DictionaryArray.from_arrays(pa.array(np.zeros(100_000, np.int32)), pa.array(["9" * 100_000]))
    numbers = np.arange(100_000.0)
    parquet.write_table(pa.table({"time_s": numbers, "power_w": numbers, "bomb": word}), path)
    found = ask("trace_columns", path=str(path))
    assert "bomb" not in found["names"]
    read = ask("trace_read", path=str(path), columns={"time": "time_s", "power": ["power_w"]}, out=str(tmp_path))
    assert read["samples"] == 100_000
    with pytest.raises(InputError, match="expected one of time_s, power_w"):
        ask("trace_read", path=str(path), columns={"time": "time_s", "power": ["bomb"]}, out=str(tmp_path))


def test_a_load_record_is_drawn(tmp_path):
    from clustersim.scenario import shipped

    path = shipped("scenarios") / "loads" / "production_server.yaml"
    assert ask("trace_columns", path=str(path))["has_clock"]
    assert ask("trace_read", path=str(path), columns={}, out=str(tmp_path))["duration_s"] == 600.0


def test_a_load_record_with_an_endless_period_is_refused(tmp_path):
    from clustersim.scenario import shipped

    text = (shipped("scenarios") / "loads" / "production_server.yaml").read_text()
    path = tmp_path / "long.yaml"
    path.write_text(text.replace("period: 20.93 s", "period: 1000000 s"))
    with pytest.raises(InputError, match="10,000,000 bins"):
        ask("trace_read", path=str(path), columns={}, out=str(tmp_path))


def test_a_folder_that_is_gone_is_said(trace, tmp_path):
    with pytest.raises(InputError, match="the file is gone"):
        ask("trace_read", path=str(trace), columns={}, out=str(tmp_path / "gone"))


def steps_table(path, rows=3):
    head = "row_id,model,accelerator,n_gpus,precision,layers,hidden,heads,ffn,vocab,seq_len,tp,pp,micro_batch,"
    head += "global_batch_seqs,recompute,iteration_time_s,source,use\n"
    body = "".join(
        f"R{k},GPT-1.7B,A100-80GB,32,fp16,24,2304,24,9216,51200,2048,1,1,16,512,full,{3.5 + 0.1 * k},{HOSTILE},fit\n"
        for k in range(rows)
    )
    path.write_text(head + body + f"bad,{HOSTILE},A100-80GB,32,fp16,,,,,,,,,,,,,,test\n")
    return path


def test_a_table_of_steps_is_predicted_as_the_command_line_does(tmp_path):
    from clustersim.cli import app

    path = steps_table(tmp_path / "steps.csv")
    found = ask("validate", path=str(path), out=str(tmp_path))
    said = json.loads(CliRunner().invoke(app, ["validate", str(path), "--json"]).stdout)
    assert found["kind"] == "training steps"
    assert (found["overall"], found["groups"], found["not_modelled"]) == (
        said["overall"], said["groups"], said["not_modelled"],
    )  # fmt: skip
    assert found["rows"] == 3
    assert len(found["not_modelled"]) == 1


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\0", b"row_id\n" + b"x" * 200_000])
def test_what_is_no_table_is_refused(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InputError) as error:
        ask("validate", path=str(tmp_path / "a.csv"), out=str(tmp_path))
    assert str(tmp_path) not in str(error.value)
