"""Any file is an export that makes a recording, or is refused with one message."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.instrument import export_file, export_series
from clustersim.instrument.exports import KINDS, read_export
from clustersim.instrument.recording import POWER, Recording, read_recording, write_recording

DMON = "# dcgmi dmon -e 155 -d 100\n#Entity   POWER        TMPTR   \nID         W            C      \n" + "".join(
    f"GPU {gpu}     {300 + 10 * gpu + sweep}.5        4{gpu}     \n" for sweep in range(3) for gpu in range(2)
)
IPMI = "".join(
    f"    Instantaneous power reading:  {900 + at} Watts\n    IPMI timestamp:   Sun Mar  1 10:00:0{at} 2026\n"
    "    Sampling period:              00000005 Seconds.\n    Power reading state is:       activated\n\n"
    for at in range(3)
)
QUERY = {
    "status": "success",
    "data": {
        "resultType": "matrix",
        "result": [
            {
                "metric": {"__name__": "DCGM_FI_DEV_POWER_USAGE", "gpu": "0", "Hostname": host},
                "values": [[1_772_000_000 + step, "400.25"], [1_772_000_015, "401"]],
            }
            for step, host in enumerate(("a", "<script>b</script>\u202e"))
        ],
    },
}
REPORT = {
    "Id": "Power",
    "MetricValues": [
        {
            "MetricId": "PowerConsumedWatts",
            "MetricProperty": f"/redfish/v1/Chassis/{chassis}/Power#/PowerControl/0/PowerConsumedWatts",
            "MetricValue": "3000.5",
            "Timestamp": f"2026-03-01T10:00:0{chassis}Z",
        }
        for chassis in range(2)
    ],
}
POLLED = {"time": "2026-03-01T10:00:00Z", "PowerControl": [{"Name": "x", "PowerConsumedWatts": 344}]}
GOOD = {"dcgm": [DMON, json.dumps(QUERY)], "ipmi": [IPMI], "redfish": [json.dumps(REPORT), json.dumps(POLLED)]}
EACH = [(kind, text) for kind, texts in GOOD.items() for text in texts]


def written(tmp_path, content, name="export.dat"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return path


def recorded_or_refused(path, kind=None, **more):
    """Return the recording, or None where the file is refused with one line that begins with its name."""
    found = said = None
    try:
        found = read_export(path, kind, **more)
    except InputError as error:
        said = str(error)
    if said is not None:
        assert said.startswith(f"{path}: ")
        assert "\n" not in said
        return None
    assert isinstance(found, Recording)
    power = found.readings[POWER]
    assert np.isfinite(power).any()
    assert not (power < 0.0).any()
    assert not np.isinf(power).any()
    assert found.times_s[0] == 0.0
    return found


@pytest.mark.parametrize(("kind", "text"), EACH)
def test_the_kind_is_guessed(tmp_path, kind, text):
    path = written(tmp_path, text)
    found, named = read_export(path), read_export(path, kind)
    assert found.source == named.source == kind
    np.testing.assert_array_equal(found.power_w(), named.power_w())


@pytest.mark.parametrize(("kind", "text"), EACH)
def test_a_recording_of_an_export_survives_its_file(tmp_path, kind, text):
    found = read_export(written(tmp_path, text))
    write_recording(tmp_path / "kept.parquet", found)
    kept = read_recording(tmp_path / "kept.parquet")
    assert (kept.name, kept.source, kept.devices) == (found.name, found.source, found.devices)
    assert dict(kept.conditions) == dict(found.conditions)
    np.testing.assert_array_equal(kept.times_s, found.times_s)
    for name, array in found.readings.items():
        np.testing.assert_array_equal(kept.readings[name], array)


@pytest.mark.parametrize("text", ["", "\n\n", "time,power\n0,1\n", "{}", "[]", '{"data": 3}', "<html></html>"])
def test_what_is_no_export_is_refused_with_the_known_kinds(tmp_path, text):
    with pytest.raises(InputError, match=r"expected an export of dcgm, ipmi, redfish, found none of them"):
        read_export(written(tmp_path, text))


def test_other_files_are_refused(tmp_path, monkeypatch):
    assert KINDS == ("dcgm", "ipmi", "redfish")
    with pytest.raises(InputError, match="expected a kind of dcgm, ipmi, redfish, found 'dcmg'; did you mean 'dcgm'"):
        read_export(written(tmp_path, DMON), "dcmg")
    with pytest.raises(InputError, match="no such file"):
        read_export(tmp_path / "none")
    with pytest.raises(InputError, match="no such file"):
        read_export(tmp_path)
    with pytest.raises(InputError, match="expected text in UTF-8, found byte 0xff at 3"):
        read_export(written(tmp_path, b"abc\xff"))
    monkeypatch.setattr(export_file, "MOST_BYTES", 100)
    with pytest.raises(InputError, match="expected at most 100 bytes, found more"):
        read_export(written(tmp_path, DMON))


def test_a_mark_of_the_order_of_bytes_is_passed_over(tmp_path):
    assert read_export(written(tmp_path, b"\xef\xbb\xbf" + DMON.encode())).source == "dcgm"


def test_windows_ends_of_lines_are_read(tmp_path):
    for _, text in EACH:
        assert read_export(written(tmp_path, text.replace("\n", "\r\n"))).times_s.size


def test_large_tables_of_holes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(export_series, "MOST_CELLS", 11)
    with pytest.raises(InputError, match="expected at most 11 readings on 3 times, found 12"):
        read_export(written(tmp_path, json.dumps(QUERY)))
    monkeypatch.setattr(export_series, "MOST_DEVICES", 1)
    with pytest.raises(InputError, match="expected at most 1 devices, found more"):
        read_export(written(tmp_path, json.dumps(QUERY)))


def test_broken_json_is_told_with_its_line(tmp_path):
    with pytest.raises(InputError, match="line 2: expected a JSON object: .* at column"):
        read_export(written(tmp_path, f'{json.dumps(POLLED)}\n{{"time": '))
    with pytest.raises(InputError, match="line 2: expected JSON, an array of it, or an object a line"):
        read_export(written(tmp_path, '{"MetricValues":\n x}'), "redfish")
    with pytest.raises(InputError, match="expected JSON"):
        read_export(written(tmp_path, "[" * 100_000), "redfish")


QUICK = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(st.one_of(st.text(), st.binary()), st.sampled_from((None, *KINDS)))
def test_any_text_is_recorded_or_refused(tmp_path, text, kind):
    recorded_or_refused(written(tmp_path, text), kind)


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.sampled_from(("400.25", "1772000000", "2026-03-01T10:00:00Z", "matrix", "nan", "1e400", "-1", "/a/Power")),
)  # fmt: skip
KEYS = st.sampled_from(
    (
        "status", "data", "resultType", "result", "metric", "values", "__name__", "gpu", "Hostname", "MetricValues",
        "MetricId", "MetricProperty", "MetricValue", "Timestamp", "time", "host", "PowerControl", "PowerConsumedWatts",
        "PowerWatts", "Reading", "PowerMetrics", "PowerLimit", "LimitInWatts", "IntervalInMin", "@odata.id",
        "ReadingType", "ReadingUnits",
    )
)  # fmt: skip
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)


@QUICK
@given(TREES, st.sampled_from(KINDS))
def test_any_json_is_recorded_or_refused(tmp_path, tree, kind):
    recorded_or_refused(written(tmp_path, json.dumps(tree)), kind)


@st.composite
def changed(draw, tree):
    """An export with one part of it something else."""
    if isinstance(tree, dict) and tree and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(sorted(tree)))
        return tree | {key: draw(changed(tree[key]))}
    if isinstance(tree, list) and tree and draw(st.integers(0, 3)):
        at = draw(st.integers(0, len(tree) - 1))
        return [*tree[:at], draw(changed(tree[at])), *tree[at + 1 :]]
    return draw(TREES)


@QUICK
@given(st.data(), st.sampled_from((QUERY, REPORT, POLLED)))
def test_any_change_of_an_export_is_recorded_or_refused(tmp_path, data, good):
    tree = data.draw(changed(good))
    kind = "dcgm" if good is QUERY else "redfish"
    found = recorded_or_refused(written(tmp_path, json.dumps(tree)), kind)
    if found is not None:
        write_recording(tmp_path / "kept.parquet", found)
        np.testing.assert_array_equal(read_recording(tmp_path / "kept.parquet").power_w(), found.power_w())


@QUICK
@given(st.sampled_from(((DMON, "dcgm"), (IPMI, "ipmi"))), st.integers(0), st.integers(0, 9), st.text(max_size=9))
def test_any_change_of_a_text_is_recorded_or_refused(tmp_path, good, at, gone, new):
    text, kind = good
    at %= len(text)
    recorded_or_refused(written(tmp_path, text[:at] + new + text[at + gone :]), kind)
    recorded_or_refused(written(tmp_path, text[:at] + new + text[at + gone :]), kind, interval_s=0.5)
