"""Metric reports of Redfish's telemetry service, and resources that were polled."""

from __future__ import annotations

import json

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.instrument.exports import read_export
from clustersim.instrument.redfish_names import AVERAGE, owner_and_quantity, quantity

NAN = np.nan
GPU = "/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU_SXM_{}/EnvironmentMetrics#/{}"


def value(path, found, second, metric=None):
    told = {"MetricProperty": path, "MetricValue": found, "Timestamp": f"2026-03-01T10:00:{second:06.3f}+00:00"}
    return told | ({} if metric is None else {"MetricId": metric})


def report(*values, **more):
    head = {"@odata.type": "#MetricReport.v1_4_2.MetricReport", "Id": "Environment", "Name": "<i>report</i>"}
    return head | {"MetricValues": list(values)} | more


def written(tmp_path, *documents, lines=False):
    path = tmp_path / "report.json"
    text = "\n".join(json.dumps(one) for one in documents) if lines else json.dumps(list(documents))
    path.write_text(text if lines or len(documents) > 1 else json.dumps(documents[0]), encoding="utf-8")
    return path


def test_each_path_of_a_report_is_a_device(tmp_path):
    found = read_export(
        written(
            tmp_path,
            report(
                value(GPU.format(1, "PowerWatts/Reading"), "701.5", 0.0),
                value(GPU.format(2, "PowerWatts/Reading"), "650", 0.1),
                value(GPU.format(1, "TemperatureCelsius/Reading"), "-4.5", 0.0),
                value(GPU.format(1, "EnergyJoules/Reading"), "1000", 0.1),
                value(GPU.format(2, "EnergykWh/Reading"), "2", 0.1),
                value(GPU.format(1, "PowerLimitWatts/SetPoint"), "700", 0.1),
                value("/redfish/v1/Chassis/1/Sensors/Fan1", "3000", 0.1, "Fan1"),
                value("/redfish/v1/Chassis/1/Thermal#/Temperatures/0/ReadingTemperature", "21", 0.1),
            ),
        )
    )
    assert found.source == "redfish"
    assert [one.name for one in found.devices] == [GPU.format(gpu, "PowerWatts/Reading") for gpu in (1, 2)]
    np.testing.assert_array_equal(found.times_s, [0.0, 0.1])
    np.testing.assert_array_equal(found.readings["power_w"], [[701.5, NAN], [NAN, 650.0]])
    np.testing.assert_array_equal(found.readings["temperature_c"], [[-4.5, NAN], [NAN, NAN]])
    np.testing.assert_array_equal(found.readings["energy_j"], [[NAN, NAN], [1000.0, 7.2e6]])
    assert found.conditions["begin"] == "2026-03-01T10:00:00Z"
    assert found.conditions["not read"].startswith("Fan1 (1)") or "Fan1 (1)" in found.conditions["not read"]
    assert found.conditions["without power"] == "/redfish/v1/Chassis/1/Thermal#/Temperatures/0"


def test_sensors_of_one_device_belong_together(tmp_path):
    base = "/redfish/v1/Chassis/HGX_GPU_0/Sensors/HGX_GPU_0_{}_0"
    found = read_export(
        written(tmp_path, report(value(base.format("TEMP"), "40.25", 1.0), value(base.format("Power"), "99", 1.0)))
    )
    assert [one.name for one in found.devices] == [base.format("Power")]
    np.testing.assert_array_equal(found.readings["temperature_c"], [[40.25]])


def test_reports_one_a_line_may_tell_a_reading_again(tmp_path):
    path = "/redfish/v1/Chassis/1/Power#/PowerControl/0/PowerConsumedWatts"
    reports = [report(*(value(path, str(100 + at), at) for at in seconds)) for seconds in ((1, 2), (2, 3), (1, 4))]
    found = read_export(written(tmp_path, *reports, lines=True))
    np.testing.assert_array_equal(found.power_w(), [101.0, 102.0, 103.0, 104.0])
    assert found.conditions["told again"] == "2 readings, passed over"
    twice = report(value(path, "1", 1), value(path, "1", 1))
    with pytest.raises(InputError, match=r"MetricValues\[1\]\.MetricValue: expected a time after .* a second time"):
        read_export(written(tmp_path, twice))
    other = report(value(path, "7", 2))
    with pytest.raises(InputError, match=r"line 2: MetricValues\[0\]\.MetricValue: expected a time after"):
        read_export(written(tmp_path, reports[0], other, lines=True))


def test_the_time_of_the_report_stands_for_values_without_one(tmp_path):
    told = {"MetricId": "SystemInputPower", "MetricValue": "512.5"}
    at = [report(told, Timestamp=f"2026-03-01T10:0{minute}:00Z", host="n<1>") for minute in (0, 5)]
    found = read_export(written(tmp_path, *at))
    np.testing.assert_array_equal(found.times_s, [0.0, 300.0])
    np.testing.assert_array_equal(found.power_w(), [512.5, 512.5])
    assert [one.name for one in found.devices] == ["SystemInputPower"]
    assert (found.conditions["metric"], found.conditions["host"]) == ("SystemInputPower", "n<1>")
    with pytest.raises(InputError, match=r"MetricValues\[0\]\.Timestamp: expected a time .*, found nothing"):
        read_export(written(tmp_path, report(told)))


def test_an_average_is_read_only_where_there_is_no_other_power(tmp_path):
    average = "/redfish/v1/Chassis/1/Power#/PowerControl/0/PowerMetrics/AverageConsumedWatts"
    alone = report(value(average, "230", 0), value(average.replace("Average", "Max"), "242", 0))
    found = read_export(written(tmp_path, alone))
    np.testing.assert_array_equal(found.power_w(), [230.0])
    assert found.conditions["averaging"] == "power is that averaged over an interval"
    now = value("/redfish/v1/Chassis/1/Power#/PowerControl/0/PowerConsumedWatts", "235", 0)
    found = read_export(written(tmp_path, report(now, value(average, "230", 0))))
    np.testing.assert_array_equal(found.readings["power_w"], [[235.0]])
    named = report(value("/redfish/v1/Chassis/1/Power#/0/PowerConsumedWatts", "94", 0, "AverageConsumedWatts"))
    assert "averaging" in read_export(written(tmp_path, named)).conditions


def test_polled_power_is_read_with_the_time_beside_it(tmp_path):
    control = {
        "@odata.id": "/redfish/v1/Chassis/1/Power#/PowerControl/0",
        "PowerConsumedWatts": 344,
        "PowerCapacityWatts": 9e3,
    }
    more = {"PowerMetrics": {"IntervalInMin": 5, "AverageConsumedWatts": 319}, "PowerLimit": {"LimitInWatts": 500}}
    first = {
        "time": "2026-03-01T10:00:00Z",
        "@odata.id": "/redfish/v1/Chassis/1/Power",
        "PowerControl": [control | more],
    }
    second = first | {
        "time": 1772359201.5,
        "PowerControl": [control | {"PowerConsumedWatts": None}, {"PowerConsumedWatts": 7.5}],
    }
    found = read_export(written(tmp_path, first, second, lines=True))
    np.testing.assert_array_equal(found.times_s, [0.0, 1.5])
    np.testing.assert_array_equal(found.readings["power_w"], [[344.0, NAN], [NAN, 7.5]])
    assert [(one.name, one.limit_w) for one in found.devices] == [
        ("/redfish/v1/Chassis/1/Power#/PowerControl/0", 500.0),
        ("/redfish/v1/Chassis/1/Power#/PowerControl/1", None),
    ]
    assert found.conditions["interval of averages"] == "5 min"


def test_polled_environment_metrics_are_read(tmp_path):
    def polled(time, host, watts, **more):
        path = "/redfish/v1/Chassis/1U/EnvironmentMetrics"
        return {"time": time, "host": host, "@odata.id": path, "PowerWatts": {"Reading": watts}} | more

    more = {
        "EnergykWh": {"Reading": 0.5},
        "TemperatureCelsius": {"Reading": 39},
        "PowerLimitWatts": {"Reading": 1, "SetPoint": 800},
    }
    found = read_export(written(tmp_path, polled(0, "a", 374.5, **more), polled(0, "b", 380), polled(1, "a", 375)))
    assert [one.name[:4] for one in found.devices] == ["a: /", "b: /"]
    np.testing.assert_array_equal(found.readings["power_w"], [[374.5, 380.0], [375.0, NAN]])
    np.testing.assert_array_equal(found.readings["energy_j"][0], [1.8e6, NAN])
    assert found.devices[0].limit_w == 800.0
    assert found.conditions["host"] == "a, b"


def test_polled_sensors_are_read_in_their_units(tmp_path):
    def sensor(name, kind, reading, **more):
        return {"time": 5, "@odata.id": f"/Sensors/{name}", "ReadingType": kind, "Reading": reading} | more

    found = read_export(
        written(
            tmp_path,
            sensor("a", "Power", 1.5, ReadingUnits="kW"),
            sensor("b", "Power", 70),
            sensor("c", "Temperature", 40, ReadingUnits="Cel"),
            sensor("d", "Rotational", 9000, ReadingUnits="RPM"),
            lines=True,
        )
    )
    assert [one.name for one in found.devices] == ["/Sensors/a", "/Sensors/b"]
    np.testing.assert_array_equal(found.readings["power_w"], [[1500.0, 70.0]])
    assert (found.conditions["without power"], found.conditions["not read"]) == ("/Sensors/c", "Rotational (1)")
    with pytest.raises(InputError, match=r"ReadingUnits: expected W or kW, of ReadingType Power, found 'hp'"):
        read_export(written(tmp_path, sensor("a", "Power", 1.5, ReadingUnits="hp")))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"PowerConsumedWatts": 3}, "expected a key 'time' beside those of the resource"),
        ({"PowerConsumedWatts": 3, "time": "soon"}, "time: expected a time as in ISO 8601 .*, found 'soon'"),
        ({"PowerConsumedWatts": -3, "time": 0}, "PowerConsumedWatts: expected power_w of at least 0, found -3"),
        ({"PowerConsumedWatts": True, "time": 0}, "PowerConsumedWatts: expected a number or null, found True"),
        ({"PowerConsumedWatts": {"a": 1}, "time": 0}, "found an object of 1"),
        ({"PowerControl": {}, "time": 0}, "PowerControl: expected an array, found an object of 0"),
        ({"PowerControl": [3], "time": 0}, r"PowerControl\[0\]: expected an object, found 3"),
        ({"PowerControl": [], "time": 0}, "expected at least one reading of power"),
        ({"PowerWatts": {"Reading": 3}, "time": 0, "host": []}, "host: expected a host, .*found an array of 0"),
        ({"PowerWatts": {"Reading": "3e999"}, "time": 0}, "PowerWatts: expected a number or null, found '3e999'"),
        ({"Voltage": 3}, "expected an object with MetricValues or one of PowerControl"),
        ([3, 4], r"\[0\]: expected a metric report or a polled resource, an object, found 3"),
        (report(3), r"MetricValues\[0\]: expected a metric value, an object, found 3"),
        (report() | {"MetricValues": "x"}, "MetricValues: expected an array of metric values, found 'x'"),
        (report(value(GPU.format(1, "PowerWatts"), "12 W", 0)), "MetricValue: expected a number or null, found '12 W'"),
        (report(value(GPU.format(1, "PowerWatts"), "nan", 0)), r"MetricValues\[0\]\.MetricValue: expected a number"),
        (report(value(GPU.format(1, "Power" + "x" * 1000), "1", 0)), "at most 1000 characters"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_path(tmp_path, document, said):
    path = tmp_path / "report.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read_export(path, "redfish")


def test_redfish_takes_no_interval(tmp_path):
    with pytest.raises(InputError, match="expected no interval"):
        read_export(written(tmp_path, report()), interval_s=1.0)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("PowerConsumedWatts", ("power_w", 1.0)),
        ("AverageConsumedWatts", (AVERAGE, 1.0)),
        ("SystemInputPower", ("power_w", 1.0)),
        ("TotalGPU_Power", ("power_w", 1.0)),
        ("CPU1Power", ("power_w", 1.0)),
        ("RackPowerkW", ("power_w", 1e3)),
        ("EnergykWh", ("energy_j", 3.6e6)),
        ("EnergyJoules", ("energy_j", 1.0)),
        ("TemperatureCelsius", ("temperature_c", 1.0)),
        ("CPU1Temp", ("temperature_c", 1.0)),
        ("PowerSupply1Fan", None),
        ("PowerFactor", None),
        ("PowerLimitWatts", None),
        ("MaxConsumedWatts", None),
        ("ApparentPower", None),
        ("Energy_0", None),
        ("", None),
        ("kWh", None),
    ],
)
def test_names_tell_quantity_and_unit(name, found):
    assert quantity(name) == found


def test_sensors_of_openbmc_begin_with_their_kind():
    owner, found = owner_and_quantity("/redfish/v1/Chassis/c/Sensors/power_PSU0_Input")
    assert (owner, found) == ("/redfish/v1/Chassis/c/Sensors/*_PSU0_Input", ("power_w", 1.0))
    assert owner_and_quantity("/redfish/v1/Chassis/c/Sensors/temperature_PSU0_Input")[0] == owner
    assert owner_and_quantity("/redfish/v1/Chassis/c/Sensors/power_PSU0_Max") is None
