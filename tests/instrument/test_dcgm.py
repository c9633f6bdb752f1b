"""Exports of DCGM: the sweeps that dmon prints, and what Prometheus keeps of dcgm-exporter."""

from __future__ import annotations

import json

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.instrument.exports import read_export

NAN = np.nan
DMON = """\
# dcgmi dmon -e 155,156,100,101,150,203,164,1002 -d 500
#Entity   POWER             TOTEC                   SMCLK        MMCLK        TMPTR        GPUTL             EPLMT             SMACT
ID         W                 mJ                                                C                              W
GPU 0     101.500           5000000                 1410         2619         41           37                700.000           N/A
GPU 1     N/A               6000500                 1980         2619         44           98                650.000           0.912
GPU 0     102.250           5051000                 1415         2619         42           38                700.000           0.100
#Entity   POWER             TOTEC                   SMCLK        MMCLK        TMPTR        GPUTL             EPLMT             SMACT
ID         W                 mJ                                                C                              W
GPU 1     612.000           6300500                 1985         2619         45           99                600.000           0.913


dmon was stopped do to receiving a signal
"""  # noqa: E501


def written(tmp_path, text, name="export.txt"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_sweeps_of_dmon_are_read_with_their_units(tmp_path):
    found = read_export(written(tmp_path, DMON))
    assert (found.source, found.name, found.sensor) == ("dcgm", "export", None)
    np.testing.assert_array_equal(found.times_s, [0.0, 0.5])
    np.testing.assert_array_equal(found.readings["power_w"], [[101.5, NAN], [102.25, 612.0]])
    np.testing.assert_allclose(found.readings["energy_j"], [[5000.0, 6000.5], [5051.0, 6300.5]], rtol=1e-15)
    np.testing.assert_array_equal(found.readings["sm_clock_mhz"], [[1410.0, 1980.0], [1415.0, 1985.0]])
    np.testing.assert_array_equal(found.readings["memory_clock_mhz"], [[2619.0, 2619.0], [2619.0, 2619.0]])
    np.testing.assert_array_equal(found.readings["temperature_c"], [[41.0, 44.0], [42.0, 45.0]])
    np.testing.assert_array_equal(found.readings["utilisation_percent"], [[37.0, 98.0], [38.0, 99.0]])
    # a limit that changed is none of the whole recording
    assert [(one.index, one.name, one.limit_w) for one in found.devices] == [(0, "GPU 0", 700.0), (1, "GPU 1", None)]
    assert found.conditions["interval"] == "0.5 s"
    assert found.conditions["field"] == "POWER"
    assert found.conditions["not read"] == "SMACT"


def test_lines_may_be_filled_with_blanks_as_dmon_does(tmp_path):
    found = read_export(written(tmp_path, "\n".join(line.ljust(140) for line in DMON.split("\n"))))
    np.testing.assert_array_equal(found.readings["power_w"], [[101.5, NAN], [102.25, 612.0]])


def test_the_interval_that_is_given_goes_before_that_of_the_comment(tmp_path):
    found = read_export(written(tmp_path, DMON), interval_s=0.25)
    np.testing.assert_array_equal(found.times_s, [0.0, 0.25])


@pytest.mark.parametrize(
    ("comment", "step"),
    [
        ("# dcgmi dmon -e 155", 1.0),
        ("$ dcgmi dmon -i 0 -e 155 --delay 20", 0.02),
        ("# delay: 100 ms", 0.1),
        ("# interval = 2 s", 2.0),
    ],
)
def test_the_delay_is_taken_from_a_comment(tmp_path, comment, step):
    text = f"{comment}\n#Entity   POWER\nID         W\nGPU 3     70.5\nGPU 3     71.5\n"
    found = read_export(written(tmp_path, text))
    np.testing.assert_allclose(found.times_s, [0.0, step], rtol=1e-15)
    assert found.devices[0].index == 3


def test_without_a_delay_dmon_is_refused(tmp_path):
    path = written(tmp_path, DMON.partition("\n")[2])
    with pytest.raises(InputError, match="expected the interval between sweeps, found none"):
        read_export(path)
    assert read_export(path, "dcgm", interval_s=1.0).times_s[-1] == 1.0


def test_stamps_before_the_lines_are_the_clock(tmp_path):
    stamps = ("2026-03-01T10:00:00.000100", "2026-03-01T10:00:00.000100", *(f"2026-03-01T10:00:0{s}.5" for s in (0, 2)))
    lines = (
        "#Entity   POWINST   POWER",
        "ID         W         W",
        "GPU 0     90.0      80.0",
        "GPU 0     95.0      81.0",
    )
    found = read_export(written(tmp_path, "\n".join(f"{a} {b}" for a, b in zip(stamps, lines, strict=True))))
    np.testing.assert_array_equal(found.times_s, [0.0, 2.0])
    # the power of the instant goes before the average
    np.testing.assert_array_equal(found.power_w(), [90.0, 95.0])
    assert found.conditions["begin"] == "2026-03-01T10:00:00.500000Z"


def test_names_of_devices_may_have_blanks_and_odd_units_are_converted(tmp_path):
    text = (
        "# delay: 1 s\n"
        "#Entity   DVNAM                       POWER    \n"
        "ID                                    mW       \n"
        "GPU 0     NVIDIA H100 80GB HBM3       70500.0  \n"
        "GPU-I 0   N/A                         N/A      \n"
    )
    found = read_export(written(tmp_path, text))
    np.testing.assert_array_equal(found.power_w(), [70.5])
    assert found.conditions["without power"] == "GPU-I 0"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("GPU 1     N/A ", "GPU 2     N/A ", "line 9: expected GPU 2, as in the sweep above, found 'GPU 1'"),
        ("101.500 ", "abc     ", "line 4: expected a number or N/A of POWER, found 'abc'"),
        ("101.500 ", "-1.500  ", r"line 4: expected power_w of at least 0, found -1\.5"),
        ("101.500 ", "inf     ", "expected a number or N/A of POWER, found 'inf'"),
        ("101.500 ", "9e99    ", "expected at most"),
        ("101.500 ", "101 500 ", "line 4: expected a number or N/A of POWER, found '101 500'"),
        (" 37   ", " 3 7  ", "expected a number or N/A of GPUTL, found '3 7'"),
        ("700.000           N/A", "                     ", "line 4: expected 8 values"),
        ("GPU 0     102", "<b>GPU</b> 102", "line 6: expected a line of dmon"),
        (
            "#Entity   POWER             TOTEC                   SMCLK        MMCLK",
            "#Entity  POWER  POWER  A",
            "each once",
        ),
        (" -d 500", " -d 0", "expected an interval of 0.001 s to 100000 s, found 0 s"),
        ("  W      ", "  HP     ", "POWER: expected W or the like as its unit, found 'HP'"),
        ("  W      ", "  mJ     ", "POWER: expected W or the like as its unit, found 'mJ'"),
        ("# dcgmi dmon", "# delay: " + "9" * 5000 + " s #", "line 1: expected a time with a unit"),
        ("POWER", "P" + "W" * 5000, "fields 157 and 155, found PW"),
    ],
)
def test_what_is_wrong_with_dmon_is_told_with_its_line(tmp_path, old, new, said):
    assert old in DMON
    with pytest.raises(InputError, match=said) as told:
        read_export(written(tmp_path, DMON.replace(old, new)))
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 1000


def test_dmon_without_power_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected a column POWINST or POWER, fields 157 and 155, found SMACT"):
        read_export(written(tmp_path, "# delay: 1 s\n#Entity   SMACT\nID\nGPU 0     0.5\n"))
    with pytest.raises(InputError, match="at least one reading of power"):
        read_export(written(tmp_path, "# delay: 1 s\n#Entity   POWER\nID\nGPU 0     N/A\n"))


def labels(metric, gpu, host="node-1", **more):
    return {"__name__": f"DCGM_FI_DEV_{metric}", "gpu": str(gpu), "UUID": f"GPU-{gpu}", "Hostname": host} | more


def answer(*series):
    result = [{"metric": one, "values": values} for one, values in series]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


T0 = 1_772_000_000


def asked(tmp_path, *series):
    return read_export(written(tmp_path, json.dumps(answer(*series)), "power.json"))


def test_a_range_query_is_read_on_the_union_of_times(tmp_path):
    found = asked(
        tmp_path,
        (labels("POWER_USAGE", 10, modelName="NVIDIA H100"), [[T0, "300.5"], [T0 + 15, "301"]]),
        (labels("POWER_USAGE", 2, modelName="NVIDIA H100"), [[T0 + 15, "400"], [T0 + 30.25, "401"]]),
        (labels("TOTAL_ENERGY_CONSUMPTION", 2), [[T0 + 15, "2500"]]),
        (labels("GPU_TEMP", 10), [[T0 - 15, "40"]]),
        (labels("ENFORCED_POWER_LIMIT", 10), [[T0, "700"], [T0 + 15, "700"]]),
        (labels("POWER_MGMT_LIMIT_DEF", 10), [[T0, "720"]]),
        (labels("FB_USED", 10), [[T0, "1"]]),
        (labels("GPU_TEMP", 3), [[T0, "33"]]),
    )
    np.testing.assert_array_equal(found.times_s, [0.0, 15.0, 30.0, 45.25])
    power = [[NAN, NAN], [NAN, 300.5], [400.0, 301.0], [401.0, NAN]]
    np.testing.assert_array_equal(found.readings["power_w"], power)
    np.testing.assert_array_equal(found.readings["energy_j"], [[NAN, NAN], [NAN, NAN], [2.5, NAN], [NAN, NAN]])
    np.testing.assert_array_equal(found.readings["temperature_c"][:, 1], [40.0, NAN, NAN, NAN])
    assert set(found.readings) == {"power_w", "energy_j", "temperature_c"}
    assert [(one.index, one.name, one.limit_w, one.rated_w) for one in found.devices] == [
        (2, "NVIDIA H100", None, None),
        (10, "NVIDIA H100", 700.0, 720.0),
    ]
    assert found.conditions["host"] == "node-1"
    assert found.conditions["field"] == "DCGM_FI_DEV_POWER_USAGE"
    assert found.conditions["without power"] == "node-1 GPU 3"
    assert found.conditions["not read"] == "DCGM_FI_DEV_FB_USED (1)"


def test_each_gpu_of_each_host_is_a_device(tmp_path):
    odd = "<b>n&2</b>\u202e\x00"
    found = asked(
        tmp_path,
        (labels("POWER_USAGE", 0, odd, modelName="NVIDIA H100"), [[T0, "2"]]),
        (labels("POWER_USAGE", 0, "a"), [[T0, "1"]]),
        ({"__name__": "DCGM_FI_DEV_POWER_USAGE", "instance": "c:9400", "UUID": "GPU-x"}, [[T0, "3"]]),
    )
    assert [one.name for one in found.devices] == [f"{odd} GPU 0: NVIDIA H100", "a GPU 0", "c:9400 GPU GPU-x"]
    np.testing.assert_array_equal(found.readings["power_w"], [[2.0, 1.0, 3.0]])


def test_series_of_one_gpu_under_several_pods_are_one_device(tmp_path):
    found = asked(
        tmp_path,
        (labels("POWER_USAGE", 0, pod="b"), [[T0 + 15, "2"], [T0 + 45, "4"]]),
        (labels("POWER_USAGE", 0, pod="a"), [[T0, "1"], [T0 + 30, "3"]]),
    )
    np.testing.assert_array_equal(found.power_w(), [1.0, 2.0, 3.0, 4.0])


def test_the_power_that_more_devices_have_is_read(tmp_path):
    both = [(labels(f"POWER_USAGE{end}", gpu), [[T0, value]]) for gpu, end, value in (
        (0, "", "1"), (0, "_INSTANT", "2"), (1, "", "3"), (1, "_INSTANT", "4"),
    )]  # fmt: skip
    np.testing.assert_array_equal(asked(tmp_path, *both).readings["power_w"], [[2.0, 4.0]])
    np.testing.assert_array_equal(asked(tmp_path, *both[:3]).readings["power_w"], [[1.0, 3.0]])


def test_several_answers_may_stand_in_one_file(tmp_path):
    one, two = answer((labels("POWER_USAGE", 0), [[T0, "5"]])), answer((labels("GPU_UTIL", 0), [[T0, "50"]]))
    for text in (json.dumps([one, two]), f"{json.dumps(one)}\n\n{json.dumps(two)}\n"):
        found = read_export(written(tmp_path, text))
        np.testing.assert_array_equal(found.readings["utilisation_percent"], [[50.0]])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([[T0, "1"], [T0, "1"]], r"data\.result\[0\]\.values\[1\]: expected a time after the one before"),
        ([[T0, "1"], [T0 - 1, "1"]], r"values\[1\]: expected a time after the one before"),
        ([[T0, "NaN"]], r"values\[0\]: expected a number, found 'NaN'"),
        ([[T0, "+Inf"]], r"expected a number, found '\+Inf'"),
        ([[T0, "-3"]], "expected power_w of at least 0, found -3"),
        ([[T0 * 1000, "3"]], "expected a time as in ISO 8601 or seconds since 1970"),
        ([[T0]], "expected a pair of time and value, found an array of 1"),
        ([[True, "3"]], "expected a time as in ISO 8601"),
        ({}, r"result\[0\]\.values: expected an array of pairs of time and value, found an object of 0"),
        (None, "expected an array of pairs of time and value, found nothing"),
        ([], "expected at least one reading of power, found none"),
    ],
)
def test_what_is_wrong_with_a_series_is_told_with_its_path(tmp_path, values, said):
    with pytest.raises(InputError, match=said):
        asked(tmp_path, (labels("POWER_USAGE", 0), values))


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"status": "error", "error": "x", "resultType": 1}, r"status: expected 'success', found 'error'"),
        ({"status": "success", "data": {"resultType": "vector"}}, "expected 'matrix', of /api/v1/query_range, found"),
        ({"status": "success", "data": {"resultType": "matrix"}}, "result: expected an array of series, found nothing"),
        (answer(({"gpu": "0"}, [[T0, "1"]])), r"metric\.__name__: expected the name of a metric"),
        (answer(({"__name__": "DCGM_FI_DEV_POWER_USAGE"}, [[T0, "1"]])), r"metric\.gpu: expected a GPU"),
        (answer(({"__name__": "DCGM_FI_DEV_POWER_USAGE", "gpu": "x" * 2000}, [[T0, "1"]])), "at most 1000 characters"),
        (answer(*[(labels("POWER_USAGE", 0, pod=pod), [[T0, "1"]]) for pod in "ab"]), "found .* a second time"),
    ],
)  # fmt: skip
def test_other_answers_are_refused(tmp_path, tree, said):
    path = written(tmp_path, json.dumps(tree))
    with pytest.raises(InputError, match=said):
        read_export(path, "dcgm")


def test_a_range_query_takes_no_interval(tmp_path):
    path = written(tmp_path, json.dumps(answer((labels("POWER_USAGE", 0), [[T0, "1"]]))))
    with pytest.raises(InputError, match="expected no interval, found 2 s"):
        read_export(path, interval_s=2.0)
