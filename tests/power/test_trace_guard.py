"""Files that would take too much memory are refused from their heads, and what a file offers is told from its head."""

import gzip
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from clustersim.errors import InputError
from clustersim.power.trace_guard import Most, refuse_large
from clustersim.power.trace_offered import offered

SMALL = Most(size=100_000, unpacked=300_000, samples=1000, columns=20)


def table(path, **columns):
    parquet.write_table(pa.table(columns), path)
    return path


def csv(path, rows=100, head="time_s,power_w"):
    more = ",5" * head.count(",")
    path.write_text(head + "\n" + "".join(f"{k}{more}\n" for k in range(rows)))
    return path


def test_what_is_within_the_limits_passes(tmp_path):
    refuse_large(csv(tmp_path / "a.csv", 1000), SMALL)
    refuse_large(table(tmp_path / "a.parquet", time_s=np.arange(1000.0), power_w=np.ones(1000)), SMALL)


def test_too_many_samples_are_refused(tmp_path):
    with pytest.raises(InputError, match="at most 1,000 samples, found more"):
        refuse_large(csv(tmp_path / "a.csv", 1001), SMALL)
    with pytest.raises(InputError, match="at most 1,000 samples, found 1,001"):
        refuse_large(table(tmp_path / "a.parquet", p=np.ones(1001)), SMALL)


def test_too_many_columns_are_refused(tmp_path):
    with pytest.raises(InputError, match="at most 20 columns, found 21"):
        refuse_large(csv(tmp_path / "a.csv", head=",".join(f"c{k}" for k in range(21))), SMALL)
    with pytest.raises(InputError, match="at most 20 columns, found 21"):
        refuse_large(table(tmp_path / "a.parquet", **{f"c{k}": [1.0] for k in range(21)}), SMALL)


def test_a_file_that_is_stored_too_large_is_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"1\n" * 50_001)
    with pytest.raises(InputError, match=r"at most 0.1 MB, found 0.1 MB"):
        refuse_large(tmp_path / "a.csv", SMALL)


def test_a_packed_file_that_grows_is_refused_before_it_has(tmp_path):
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(b"t,p\n" + (b"1," + b" " * 900 + b"2\n") * 900))
    assert packed.stat().st_size < 20_000
    with pytest.raises(InputError, match="unpacked, found more"):
        refuse_large(packed, SMALL)


def test_a_parquet_file_that_grows_is_refused_by_its_own_account(tmp_path):
    path = tmp_path / "a.parquet"
    words = pa.array(["x" * 100_000 + str(k) for k in range(10)])
    parquet.write_table(pa.table({"p": words}), path, compression="gzip", use_dictionary=False)
    assert path.stat().st_size < 100_000
    with pytest.raises(InputError, match="unpacked, found 1 MB"):
        refuse_large(path, SMALL)


def test_a_line_without_end_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"t,p\n1,2\n" + b"9" * 2_100_000)
    with pytest.raises(InputError, match="row 2: expected a line of at most 1 MB"):
        refuse_large(path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"t,p\n\0\0\0", "expected text, found binary data"),
        ("a.csv.gz", b"t,p\n1,2\n", "cannot be unpacked"),
        ("a.parquet", b"t,p\n1,2\n", "cannot be read as Parquet"),
        ("a.parquet", b"PAR1" + b"\xff" * 60 + b"PAR1", "cannot be read as Parquet"),
        ("a.cfg", b"<html>", "not a COMTRADE configuration"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        refuse_large(tmp_path / name)


def test_a_comtrade_record_that_promises_too_much_is_refused(tmp_path):
    head = (
        "a,b,2013\n1,1A,0D\n1,P,,,MW,1,0,0,0,1,1,1,P\n50\n1\n1000,{}\n" + "01/01/1970,00:00:00.0\n" * 2 + "FLOAT32\n1\n"
    )
    (tmp_path / "a.cfg").write_text(head.format(10**10))
    with pytest.raises(InputError, match=r"a.dat: no such file"):
        refuse_large(tmp_path / "a.cfg")
    (tmp_path / "a.dat").write_bytes(b"")
    with pytest.raises(InputError, match="values of all channels, found 10,000,000,000"):
        refuse_large(tmp_path / "a.cfg")


@settings(max_examples=40, deadline=None)
@given(content=st.binary(max_size=400), name=st.sampled_from(["a.csv", "a.csv.gz", "a.parquet", "a.cfg", "a.txt"]))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content, name):
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / name).write_bytes(content)
    (folder / "a.dat").write_bytes(content)
    with suppress(InputError):
        refuse_large(folder / name, SMALL)
        assert len(offered(folder / name).names) <= SMALL.columns


def test_usual_names_are_offered_with_their_units(tmp_path):
    found = offered(csv(tmp_path / "a.csv", head="Time_s,<b>x</b>,P_kW"))
    assert found.names == ("Time_s", "<b>x</b>", "P_kW")
    assert (found.time, found.power) == ("Time_s", "P_kW")
    assert found.units == (None, None, "kW")


def test_only_numbers_and_times_of_a_parquet_file_are_offered(tmp_path):
    found = offered(table(tmp_path / "a.parquet", t=[1.0], p=[2], words=["x"], lists=[[1.0]], flag=[True]))
    assert found.names == ("t", "p")
