"""Repeated readings of the power of a node by ipmitool."""

from __future__ import annotations

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.instrument.exports import read_export


def block(watts, time, state="activated", period="00000001 Seconds."):
    return (
        "\n"
        f"    Instantaneous power reading:              {watts:>8} Watts\n"
        "    Minimum during sampling period:                611 Watts\n"
        "    Maximum during sampling period:               5120 Watts\n"
        "    Average power reading over sample period:     3011 Watts\n"
        f"    IPMI timestamp:                           {time}\n"
        f"    Sampling period:                          {period}\n"
        f"    Power reading state is:                   {state}\n\n"
    )


def written(tmp_path, text):
    path = tmp_path / "node.log"
    path.write_text(text, encoding="utf-8")
    return path


def test_blocks_are_the_power_of_a_node(tmp_path):
    text = block(4100, "Sun Mar  1 10:00:59 2026") + block(4215, "Sun Mar  1 10:01:01 2026", period="00000003 Seconds.")
    found = read_export(written(tmp_path, text))
    assert (found.source, [one.name for one in found.devices]) == ("ipmi", ["node power, from the BMC"])
    np.testing.assert_array_equal(found.times_s, [0.0, 2.0])
    np.testing.assert_array_equal(found.power_w(), [4100.0, 4215.0])
    assert dict(found.conditions) == {
        "tool": "ipmitool dcmi power reading",
        "clock": "that of the BMC, in whole seconds",
        "begin": "Sun Mar  1 10:00:59 2026",
        "sampling period": "1 s to 3 s",
        "over the sampling period, at the end": "least 611 Watts, mean 3011 Watts, most 5120 Watts",
    }
    assert found.sensor is None


@pytest.mark.parametrize("time", ["03/01/26 10:00:0{} UTC", "03/01/2026 10:00:0{} UTC", "03/01/2026 10:00:0{}"])
def test_times_of_newer_versions_are_read(tmp_path, time):
    found = read_export(written(tmp_path, "".join(block(5, time.format(at)) for at in (1, 2, 9))))
    np.testing.assert_array_equal(found.times_s, [0.0, 1.0, 8.0])


def test_one_line_may_hold_a_reading(tmp_path):
    line = "Instantaneous power reading:           {} Watts     IPMI timestamp:          Sun Mar  1 10:00:0{} 2026\n"
    found = read_export(written(tmp_path, line.format(700, 3) + line.format(0, 4)))
    np.testing.assert_array_equal(found.power_w(), [700.0, 0.0])


def test_stamps_before_the_blocks_go_before_the_clock_of_the_bmc(tmp_path):
    text = "".join(
        f"2026-03-01T10:00:0{at},250000000+01:00\n" + block(10 * at, "Thu Jan  1 00:00:00 1970") for at in (1, 2, 4)
    )
    found = read_export(written(tmp_path, text))
    np.testing.assert_array_equal(found.times_s, [0.0, 1.0, 3.0])
    assert found.conditions["begin"] == "2026-03-01T09:00:01.250000Z"
    assert "clock" in found.conditions
    with pytest.raises(InputError, match="line 12: expected a line with the time before the reading"):
        read_export(written(tmp_path, text.replace("2026-03-01T10:00:02,250000000+01:00\n", "")))


def test_an_interval_goes_before_all(tmp_path):
    text = "".join(block(watts, "Thu Jan  1 00:00:00 1970") for watts in (1, 2, 3))
    path = written(tmp_path, text)
    with pytest.raises(InputError, match="line 11: expected a time after 1970-01-01T00:00:00Z, found .* a second time"):
        read_export(path)
    found = read_export(path, interval_s=0.5)
    np.testing.assert_array_equal(found.times_s, [0.0, 0.5, 1.0])
    assert found.conditions["interval"] == "0.5 s"
    with pytest.raises(InputError, match="expected an interval of 0.001 s to 100000 s, found 0 s"):
        read_export(path, interval_s=0.0)


def test_what_the_bmc_does_not_measure_is_absent(tmp_path):
    off = block(0, "Sun Mar  1 10:00:02 2026", "deactivated")
    text = block(41, "Sun Mar  1 10:00:01 2026") + off + block(43, "Sun Mar  1 10:00:03 2026")
    found = read_export(written(tmp_path, text))
    np.testing.assert_array_equal(found.power_w(), [41.0, np.nan, 43.0])
    assert found.conditions["deactivated"] == "1 readings, taken as absent"
    with pytest.raises(InputError, match="expected a reading whose state is activated, found 1 that are deactivated"):
        read_export(written(tmp_path, off))


def test_the_command_names_the_node_and_messages_are_counted(tmp_path):
    command = "# ipmitool -I lanplus -H bmc-<7> -U admin -P secret dcmi power reading\n"
    text = command + block(41, "Sun Mar  1 10:00:01 2026") + "Error: no response\n"
    found = read_export(written(tmp_path, text))
    assert found.conditions["host"] == "bmc-<7>"
    assert found.conditions["lines not read"] == "line 11"
    assert "secret" not in str(found.conditions)
    with pytest.raises(InputError, match="expected readings of one node, found those of bmc-8, bmc-<7>"):
        read_export(written(tmp_path, text + "# ipmitool -H bmc-8 dcmi power reading\n"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("4100 Watts", "-100 Watts", "line 2: expected power_w of at least 0, found -100"),
        ("4100 Watts", "nan Watts", "line 2: expected a number of Watts, found 'nan'"),
        ("4100 Watts", "4100 mV", "line 2: expected a number of Watts, found '4100 mV'"),
        ("10:00:59", "10:60:59", "line 6: expected a time of the BMC"),
        ("Sun Mar", "Sun Foo", "line 6: expected a time of the BMC, .* found 'Sun Foo  1 10:00:59 2026'"),
        ("Sun Mar  1 10:00:59 2026", "S+ 00:10:59", "line 6: expected a time of the BMC"),
        ("    IPMI timestamp", "    Other timestamp", "line 2: expected a time of the BMC, .* found nothing"),
        ("Mar  1 10:00:59", "Mar  2 10:00:59", "line 11: expected a time after 2026-03-02T10:00:59Z"),
        ("is:                   activated", "is:  perhaps", "expected activated or deactivated, found 'perhaps'"),
        ("    Minimum during", "    IPMI timestamp: 1\n    Minimum during", "line 7: expected 'IPMI timestamp' once"),
        (
            "    Instantaneous power reading: ",
            "    Average power reading over sample period: ",
            "line 2: expected 'Inst",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, old, new, said):
    text = block(4100, "Sun Mar  1 10:00:59 2026") + block(4215, "Sun Mar  1 10:01:01 2026")
    assert old in text
    with pytest.raises(InputError, match=said):
        read_export(written(tmp_path, text.replace(old, new, 1)), "ipmi")


def test_text_without_readings_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected blocks of 'Instantaneous power reading: ... Watts', found none"):
        read_export(written(tmp_path, "Unable to get DCMI data\n"), "ipmi")
