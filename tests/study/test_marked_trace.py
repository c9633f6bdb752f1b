"""Traces of others with a table of what was done when; wrong rows are named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from clustersim.cli import app
from clustersim.errors import InputError
from clustersim.power.trace_files import Columns
from clustersim.study.devices.marked_trace import read_marked_trace, read_markers

TRACE = "time_s,power_w\n" + "".join(
    f"{0.5 * at},{8 * (600 if at % 40 >= 20 else 100 + at % 3)}\n" for at in range(160)
)
MARKERS = "begin_s,end_s,activity,precision,m\n" + "".join(
    f"{20 * at},{20 * at + 9},context,,\n{20 * at + 10.5},{20 * at + 19.5},matrix,bf16,8192\n" for at in range(4)
)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "trace.csv").write_text(TRACE)
    (tmp_path / "markers.csv").write_text(MARKERS)
    return tmp_path / "trace.csv", tmp_path / "markers.csv"


def test_a_trace_of_several_stands_for_their_mean(files):
    made = read_marked_trace(*files, Columns(), 8, "H100-SXM")
    assert made.power_w().max() == 600.0
    assert [one.activity for one in made.markers[:2]] == ["context", "matrix"]
    assert made.markers[1].words == {"precision": "bf16"}
    assert made.markers[1].figures == {"m": 8192.0}
    assert made.markers[0].words == {}
    assert made.sensor is None
    stated = read_marked_trace(*files, Columns(sensor_s=1.0), 8, "H100-SXM").sensor
    assert stated is not None
    assert stated.window_s.value == 1.0


def test_on_the_command_line(files, tmp_path):
    arguments = ["calibrate", str(files[0]), "--markers", str(files[1]), "--accelerator", "H100", "--count", "8"]
    told = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "measured.yaml")])
    assert told.exit_code == 0, told.output
    assert "600.0" in told.stdout
    assert (tmp_path / "measured.yaml").is_file()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("begin_s,end_s\n0,1\n", "expected a column activity"),
        ("begin_s,end_s,activity\n", "expected 1 to 100,000 markers, found 0"),
        ("begin_s,end_s,activity\n0,1,idle\n1,2,matrx\n", r"row 2: activity: .* did you mean 'matrix'"),
        ("begin_s,end_s,activity\n2,1,idle\n", "row 1: expected times with begin_s before end_s"),
        ("begin_s,end_s,activity\nx,1,idle\n", "row 1: expected times"),
        ("begin_s,end_s,activity\n,1,idle\n", "row 1: expected times"),
        ("", "cannot be read as a table of markers"),
    ],
)
def test_wrong_markers_are_named(tmp_path, text, said):
    (tmp_path / "markers.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        read_markers(tmp_path / "markers.csv")


@given(st.binary(max_size=200))
def test_any_bytes_are_markers_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("markers") / "markers.csv"
    path.write_bytes(b"begin_s,end_s,activity\n" + content)
    told = ""
    try:
        found = read_markers(path)
    except InputError as error:
        found, told = (), str(error)
    assert found or "markers.csv" in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--count", "8"], "--count: expected with --markers"),
        (["--sensor", "1 s"], "--sensor: expected with --markers"),
        (["--markers", "none.csv"], "--accelerator NAME"),
    ],
)
def test_options_that_need_each_other(files, arguments, said):
    told = CliRunner().invoke(app, ["calibrate", str(files[0]), *arguments])
    assert said in f"{told.output}{told.exception}"
