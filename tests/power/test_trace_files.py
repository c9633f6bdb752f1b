"""Traces from and to files; what is wrong is named with its row."""

import gzip

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from clustersim.errors import InputError
from clustersim.power import comtrade
from clustersim.power.trace import PowerTrace
from clustersim.power.trace_export import write_trace
from clustersim.power.trace_files import Columns, read_trace

TIMES = 0.5 * np.arange(40)
FORMS = ("ASCII", "BINARY", "BINARY32", "FLOAT32")


def example(samples=200, dt=0.01, reactive=True, t0=12.5):
    rng = np.random.default_rng(0)
    watts = 5e7 + 4e7 * rng.random(samples)
    return PowerTrace("load", t0, dt, watts, 0.2 * watts if reactive else None)


def csv(path, rows, header="time_s,power_mw"):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def rows(count=30, dt=0.5):
    return [f"{k * dt},{10 + k % 3}" for k in range(count)]


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_tables_round_trip_exactly(tmp_path, name):
    trace = example()
    write_trace(tmp_path / name, trace)
    back = read_trace(tmp_path / name, Columns(power=("power_w",), reactive="reactive_var"))
    assert back.watts == pytest.approx(trace.watts, rel=1e-15)
    assert back.vars == pytest.approx(trace.vars, rel=1e-15)
    assert (back.t0_s, back.dt_s) == pytest.approx((12.5, 0.01))
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("form", FORMS)
def test_comtrade_round_trips_within_its_quantisation(tmp_path, form):
    trace = example()
    write_trace(tmp_path / "a.cfg", trace, form)
    back = read_trace(tmp_path / "a.cfg", Columns(reactive="Q"))
    assert (back.t0_s, back.dt_s, back.samples) == pytest.approx((12.5, 0.01, 200))
    most = {"ASCII": 99998, "BINARY": 32767, "BINARY32": 2147483647}
    for mine, theirs in ((trace.watts, back.watts), (trace.vars, back.vars)):
        half = 2.0**-24 * mine.max() if form == "FLOAT32" else np.ptp(mine) / 2 / most[form] / 2
        assert np.abs(mine - theirs).max() <= half * (1 + 1e-6) + 1e-6


@pytest.mark.parametrize("form", FORMS)
def test_the_public_reader_reads_what_we_write(tmp_path, form):
    peer = pytest.importorskip("comtrade", reason="the package comtrade (dev extra) is not installed")
    trace = example()
    write_trace(tmp_path / "a.cfg", trace, form)
    record = peer.load(str(tmp_path / "a.cfg"), str(tmp_path / "a.dat"))
    back = read_trace(tmp_path / "a.cfg", Columns(reactive="Q"))
    assert record.rev_year == "2013"
    assert record.analog_channel_ids == ["P", "Q"]
    assert record.cfg.analog_channels[0].uu == "MW"
    assert np.array(record.analog[0]) * 1e6 == pytest.approx(back.watts, rel=3e-7)
    assert np.array(record.analog[1]) * 1e6 == pytest.approx(back.vars, rel=3e-7)
    assert np.diff(record.time) == pytest.approx(0.01, abs=1e-6)  # its times are single precision
    assert (record.start_timestamp - record.trigger_timestamp).total_seconds() == pytest.approx(12.5)


def test_a_record_of_another_maker(tmp_path):
    """1999, several channels, a secondary side, digital channels, time stamps in place of a rate."""
    head = [
        "station,dev,1999", "3,2A,1D", "1,VA,A,,kV,0.1,0,0,-32767,32767,1,1,P", "2,P3,,,kW,2,100,0,0,99999,10,1,S",
        "1,trip,,,0", "50", "0", "0,20", "01/02/2026,10:00:00.000000", "01/02/2026,10:00:00.100000", "ASCII", "1000",
    ]  # fmt: skip
    (tmp_path / "r.cfg").write_text("\r\n".join(head) + "\r\n")
    (tmp_path / "r.dat").write_text("".join(f"{k + 1},{k * 20},7,{k},1\r\n" for k in range(20)))
    trace = read_trace(tmp_path / "r.cfg")
    assert trace.watts == pytest.approx((100 + 2 * np.arange(20)) * 10 * 1e3)
    assert trace.dt_s == pytest.approx(0.02)
    assert trace.t0_s == pytest.approx(-0.1)
    with pytest.raises(InputError, match="did you mean 'P3'"):
        read_trace(tmp_path / "r.cfg", Columns(power=("P",)))
    with pytest.raises(InputError, match=r"expected power in .* got 'kV'"):
        read_trace(tmp_path / "r.cfg", Columns(power=("VA",)))


def test_long_records_keep_their_clock(tmp_path):
    trace = PowerTrace("long", 0.0, 60.0, np.linspace(1e6, 2e6, 2000))
    write_trace(tmp_path / "a.cfg", trace)
    assert read_trace(tmp_path / "a.cfg").dt_s == pytest.approx(60.0)
    text, _ = comtrade.encode(trace)
    assert int(text.split("\r\n")[-4]) > 1


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda head, data: (head.replace("FLOAT32", "FLOAT64"), data), "FLOAT32, found 'FLOAT64'"),
        (lambda head, data: (head, data[:-3]), "row 200: cut off"),
        (lambda head, data: (head, data[:-16]), "expected 200 rows, found 199"),
        (lambda head, data: (head, b""), "empty"),
        (lambda head, data: ("\r\n".join(head.split("\r\n")[:3]), data), "line 4: not a COMTRADE configuration"),
    ],
)
def test_a_broken_comtrade_record_is_named(tmp_path, spoil, told):
    text, data = comtrade.encode(example())
    head, body = spoil(text, data)
    (tmp_path / "a.cfg").write_text(head)
    (tmp_path / "a.dat").write_bytes(body)
    with pytest.raises(InputError, match=told):
        read_trace(tmp_path / "a.cfg")


def test_missing_values_and_files_of_comtrade(tmp_path):
    text, data = comtrade.encode(example(reactive=False), "BINARY")
    (tmp_path / "a.cfg").write_text(text)
    with pytest.raises(InputError, match=r"a\.dat: no such file"):
        read_trace(tmp_path / "a.cfg")
    spoiled = bytearray(data)
    spoiled[10 * 4 + 8 : 10 * 4 + 10] = (-32768).to_bytes(2, "little", signed=True)
    (tmp_path / "a.dat").write_bytes(spoiled)
    with pytest.raises(InputError, match="row 5: power is not a number"):
        read_trace(tmp_path / "a.cfg")


def test_units_columns_and_bases(tmp_path):
    path = csv(tmp_path / "a.csv", rows(), "when,P total")
    asked = {"time": "when", "power": ("P total",)}
    assert read_trace(path, Columns(**asked, unit="kW")).watts[0] == 10e3
    pu = read_trace(path, Columns(**asked, unit="pu", base_w=5e6, zero_w=1e6))
    assert pu.watts[1] == pytest.approx(1e6 + 11 * 4e6)
    with pytest.raises(InputError, match="does not tell its unit"):
        read_trace(path, Columns(**asked))
    with pytest.raises(InputError, match=r"got 'mw'; did you mean 'MW'|got 'mw'"):
        read_trace(path, Columns(**asked, unit="mw"))
    with pytest.raises(InputError, match="needs the power at a reading of 1"):
        read_trace(path, Columns(**asked, unit="pu"))
    with pytest.raises(InputError, match="no column for time"):
        read_trace(path, Columns(power=("P total",), unit="W"))
    with pytest.raises(InputError, match="no column 'P totl' for power; did you mean 'P total'"):
        read_trace(path, Columns(time="when", power=("P totl",), unit="W"))


def test_columns_add_up_and_files_may_be_packed(tmp_path):
    text = "t_s,a_kw,b_kw\n" + "".join(f"{k},1,{k}\n" for k in range(20))
    with gzip.open(tmp_path / "a.csv.gz", "wt") as file:
        file.write(text)
    trace = read_trace(tmp_path / "a.csv.gz", Columns(power=("a_kw", "b_kw")))
    assert trace.watts == pytest.approx(1e3 * (1 + np.arange(20.0)))
    assert trace.name == "a"


def test_dates_count_from_the_first(tmp_path):
    lines = [f"2026-01-01 00:00:{k / 2:06.3f},{k}" for k in range(40)]
    trace = read_trace(csv(tmp_path / "a.csv", lines, "time,power_kw"))
    assert (trace.t0_s, trace.dt_s) == pytest.approx((0.0, 0.5))


def test_uneven_times_are_resampled_by_area(tmp_path):
    times = np.cumsum([0.0, *np.tile([0.4, 0.6, 0.5], 20)])
    path = csv(tmp_path / "a.csv", [f"{t:.3f},{10 + t:.4f}" for t in times])
    trace = read_trace(path)
    assert trace.dt_s == pytest.approx(0.5)
    assert trace.clock.endswith("line")
    assert trace.watts == pytest.approx(1e6 * (10 + trace.times_s() + 0.25))
    assert "hold" in read_trace(path, Columns(between="hold")).clock
    assert read_trace(path, Columns(dt_s=1.0)).dt_s == 1.0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: r[:4] + [r[3]] + r[4:], r"row 5: time 1.5 s does not come after 1.5 s"),
        (lambda r: r[:10] + r[18:], "row 11: gap of 4.5 s before it, more than 5 times the usual 0.5 s"),
        (lambda r: [*r[:6], "3.0,nan", *r[7:]], "row 7: power is not a number"),
        (lambda r: [*r[:6], "3.0,", *r[7:]], "row 7: power is not a number"),
        (lambda r: [*r[:6], "3.0,off", *r[7:]], "row 7: column 'power_mw': expected a number, found 'off'"),
        (lambda r: [*r[:6], "3.0,-0.5", *r[7:]], "row 7: negative power -0.5 MW"),
        (lambda r: [*r[:6], ",4", *r[7:]], "row 7: time is not a number"),
        (lambda r: r[:5], "expected at least 16 samples, found 5"),
        (lambda r: [], "expected at least 16 samples, found 0"),
        (lambda r: [*r, "1,2,3"], "cannot be read as CSV"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_row(tmp_path, change, told):
    path = csv(tmp_path / "a.csv", change(rows()))
    with pytest.raises(InputError, match=told):
        read_trace(path)


def test_files_that_are_none(tmp_path):
    (tmp_path / "a.csv").write_text("")
    (tmp_path / "a.parquet").write_text("no")
    (tmp_path / "a.xlsx").write_text("no")
    for name, told in (
        ("a.csv", "as CSV"),
        ("a.parquet", "as Parquet"),
        ("a.xlsx", "found .xlsx"),
        ("b.csv", "no such"),
    ):
        with pytest.raises(InputError, match=told):
            read_trace(tmp_path / name)
    with pytest.raises(InputError, match=r"expected .csv, .parquet or .cfg"):
        write_trace(tmp_path / "a.txt", example())
    with pytest.raises(InputError, match="cannot be written"):
        write_trace(tmp_path / "a.csv" / "b.csv", example())


def test_what_makes_no_sense_is_refused(tmp_path):
    path = csv(tmp_path / "a.csv", rows())
    with pytest.raises(InputError, match="at most 200,000,000 of them"):
        read_trace(path, Columns(dt_s=1e-9))
    with pytest.raises(InputError, match="at least zero, got -1 s"):
        read_trace(path, Columns(sensor_s=-1.0))
    twice = csv(tmp_path / "b.csv", [f"{k},1,2" for k in range(20)], "t,power_w,power_w")
    with pytest.raises(InputError, match="column 'power_w' is there twice"):
        read_trace(twice)


def test_a_gap_may_be_allowed(tmp_path):
    lines = rows()
    path = csv(tmp_path / "a.csv", lines[:10] + lines[18:])
    assert read_trace(path, Columns(gap=20.0)).samples == 29


LONG = [(k * 0.5, 10 + k % 3) for k in range(40)]


def table(rows, head="t_s,power_mw"):
    return "\n".join([head, *(f"{t},{p}" for t, p in rows)]) + "\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "cannot be read as CSV"),
        ("t_s,power_mw\n", "expected at least 16 samples, found 0"),
        (table(LONG[:1]), "expected at least 16 samples, found 1"),
        (table([(0, 1)] * 20), "row 2: time 0 s does not come after 0 s"),
        (table([(t, 1e308) for t, _ in LONG]), "row 1: power 1e.308 MW is above 1 TW: is the unit right"),
        (table([*LONG[:-1], (19.5, 1e308)]), "row 40: power 1e.308 MW is above 1 TW"),
        (table([(1.7e12 + 500 * k, 1) for k in range(20)]), "row 1: time 1.7e.12 is beyond 1e.11 s: times must be"),
        (table([(k * 1e-300, 1) for k in range(20)]), "expected readings at least 1e-09 s apart, found 1e-300 s"),
        (table([*LONG[:5], (2.5, "inf"), *LONG[6:]]), "row 6: power is not a number"),
        (table([*LONG[:5], (2.5, "1_000"), *LONG[6:]]), "row 6: column 'power_mw': expected a number, found '1_000'"),
        (table([*LONG[:5], (2.5, "12 MW"), *LONG[6:]]), "row 6: column 'power_mw': expected a number, found '12 MW'"),
        (table([(t, "true") for t, _ in LONG]), "column 'power_mw': expected numbers, found bool"),
        (table([*LONG[:5], ("soon", 3), *LONG[6:]]), "row 6: column 't_s': expected a number, found 'soon'"),
        (table(LONG[::-1]), "row 2: time 19 s does not come after 19.5 s"),
        ("t_s,power_mw\n0,\x001\n", "row 1: column 'power_mw': expected a number"),
        (table([(k, 10**18) for k in range(20)], "t_s,power_w"), "row 1: power 1e.18 W is above 1 TW"),
    ],
)  # fmt: skip
def test_hostile_tables_are_refused_with_their_row(tmp_path, text, told):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=told):
        read_trace(path)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"t_s": TIMES, "power_w": None}, "no column for power"),
        ({"t_s": TIMES, "power_w": np.where(TIMES == 3.0, np.nan, 1e6)}, "row 7: power is not a number"),
        ({"t_s": TIMES, "power_w": [*[1e6] * 5, None, *[1e6] * 34]}, "row 6: power is not a number"),
        ({"t_s": TIMES, "power_w": np.where(TIMES == 3.0, -1.0, 1e6)}, "row 7: negative power -1 W"),
        ({"t_s": np.where(TIMES == 3.0, 0.0, TIMES), "power_w": TIMES}, "row 7: time 0 s does not come after 2.5 s"),
        ({"t_s": np.where(TIMES > 5.0, TIMES + 50.0, TIMES), "power_w": TIMES}, "row 12: gap of 50.5 s before it"),
        ({"t_s": TIMES, "power_w": ["x"] * 40}, "row 1: column 'power_w': expected a number, found 'x'"),
        ({"t_s": TIMES, "power_w": [[1.0]] * 40}, "column 'power_w': expected numbers, found list"),
        ({"t_s": TIMES, "power_w": [True] * 40}, "column 'power_w': expected numbers, found bool"),
        ({"t_s": TIMES, "power_w": np.full(40, 1.7e308)}, "row 1: power 1.7e.308 W is above 1 TW"),
        ({"t_s": TIMES[:0], "power_w": TIMES[:0]}, "expected at least 16 samples, found 0"),
    ],
)
def test_hostile_parquet_is_refused_with_its_row(tmp_path, columns, told):
    columns = {name: values for name, values in columns.items() if values is not None}
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=told):
        read_trace(tmp_path / "a.parquet")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -5.0, 1e30])
def test_hostile_values_of_comtrade_are_refused_with_their_row(tmp_path, value):
    text, data = comtrade.encode(example(reactive=False), "FLOAT32")
    row = bytearray(data)
    row[12 * 6 + 8 : 12 * 6 + 12] = np.float32(value).tobytes()
    (tmp_path / "a.cfg").write_text(text)
    (tmp_path / "a.dat").write_bytes(row)
    with pytest.raises(InputError, match="row 7: (power is not a number|negative power|power 1e.30 MW is above 1 TW)"):
        read_trace(tmp_path / "a.cfg")


def test_every_line_of_a_comtrade_configuration_may_be_garbage(tmp_path):
    """Whatever stands in a line: a trace, or one message."""
    text, data = comtrade.encode(example(reactive=False), "BINARY")
    (tmp_path / "a.dat").write_bytes(data)
    lines = text.split("\r\n")
    refused = 0
    for place in range(len(lines)):
        for garbage in ("", "-1", "x,,1e400", "99999999,99999999A,0D", None):
            spoiled = [*lines[:place], *([] if garbage is None else [garbage]), *lines[place + 1 :]]
            (tmp_path / "a.cfg").write_text("\r\n".join(spoiled))
            try:
                assert np.isfinite(read_trace(tmp_path / "a.cfg").watts).all()
            except InputError as error:
                refused += str(error).startswith(str(tmp_path))
    assert refused >= 20


@pytest.mark.parametrize("mark", [";", "\t"])
def test_other_separators(tmp_path, mark):
    (tmp_path / "a.csv").write_text(table(LONG).replace(",", mark))
    assert read_trace(tmp_path / "a.csv").watts[:3] == pytest.approx([10e6, 11e6, 12e6])
    (tmp_path / "b.csv").write_text(table([(t, f"{p}.5") for t, p in LONG]).replace(",", mark).replace(".5", ",5"))
    with pytest.raises(InputError, match="row 1: column 'power_mw': expected a number, found '10,5'"):
        read_trace(tmp_path / "b.csv")


def test_a_packed_file_that_is_cut_off(tmp_path):
    whole = gzip.compress(table(LONG).encode())
    (tmp_path / "a.csv.gz").write_bytes(whole[:30])
    with pytest.raises(InputError, match="cannot be read as CSV"):
        read_trace(tmp_path / "a.csv.gz")
