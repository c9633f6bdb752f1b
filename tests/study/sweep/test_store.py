"""The store: what was said to be recorded is there once, whatever happens; equal rows are equal bytes."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from clustersim.errors import InputError
from clustersim.study.sweep import store as store_module
from clustersim.study.sweep.columns import table_of
from clustersim.study.sweep.reading import is_store, read_manifest, read_points
from clustersim.study.sweep.records import Outcome
from clustersim.study.sweep.store import Store

ROOT = Path(__file__).resolve().parents[3]
HEADER = {"study": "s1", "clustersim": "0.1.0", "catalog": "c1"}


def outcome(index, row=None, error=None):
    return Outcome(f"p{index}", index, {"x": index} if row is None and error is None else row, error, 0.25)


def opened(folder, **other):
    return Store.open(folder, HEADER | other, ("x", "y"))


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=4),
)
ROWS = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(["x", "y", "b", "a", "only"]), VALUES, max_size=4),
        st.sampled_from([None, None, None, "it failed"]),
    ),
    max_size=9,
)


@given(rows=ROWS, cuts=st.lists(st.integers(2, 4), min_size=5, max_size=5), seed=st.integers(0, 99), data=st.data())
@settings(max_examples=15)
def test_the_same_rows_are_the_same_bytes(tmp_path_factory, rows, cuts, seed, data):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda _: None)
        patched.setattr(store_module, "MOST_PARTS", 3)
        append_in_parts(tmp_path_factory, rows, cuts, seed, data)


def append_in_parts(tmp_path_factory, rows, cuts, seed, data):
    folder = tmp_path_factory.mktemp("stores")
    found = [outcome(index, row, error) for index, (row, error) in enumerate(rows)]
    with opened(folder / "at once") as store:
        store.append(found)
        whole = store.finish().read_bytes()
    random.Random(seed).shuffle(found)
    for cut in cuts:
        with opened(folder / "apart") as store:
            store.append(found[:cut])
            if data.draw(st.booleans()):
                store.finish()
        found = found[cut:]
    with opened(folder / "apart") as store:
        assert store.finish().read_bytes() == whole
        assert len(store) == len(rows)


def test_a_table_has_its_types_and_order(tmp_path):
    with opened(tmp_path / "s") as store:
        store.append([outcome(2, {"z": None, "x": 2, "flag": True, "mixed": 1, "n": np.float64(2.5)})])
        store.append([outcome(0, {"x": 1, "mixed": "auto", "n": 3, "y": "text"}), outcome(1, None, "why")])
        table = store.table()
    assert list(table.columns) == ["index", "point_id", "x", "y", "flag", "mixed", "n", "z", "error"]
    assert table["index"].tolist() == [0, 1, 2]
    assert table["n"].tolist()[::2] == [3.0, 2.5]
    assert table["mixed"].tolist()[::2] == ["auto", "1"]
    assert table["flag"].tolist() == [None, None, True]
    assert table["error"][1] == "why"
    assert table["z"].isna().all()


def test_a_row_has_no_column_of_the_store_and_only_scalars():
    with pytest.raises(ValueError, match="index"):
        table_of([outcome(0, {"index": 3})])
    with pytest.raises(TypeError, match="x: expected bool, number, text or None, got list"):
        table_of([outcome(0, {"x": [1]})])


def test_done_and_failed(tmp_path):
    with opened(tmp_path / "s") as store:
        store.append([outcome(0), outcome(1, {"x": 1}, "why")])
        assert store.done() == {"p0", "p1"}
    with opened(tmp_path / "s") as store:
        assert store.done() == {"p0", "p1"}
        assert store.failed() == {"p1": "why"}
        store.append([outcome(1)])
        store.append([outcome(0, None, "later, and worse")])
        assert store.failed() == {}
        assert store.table()["error"].isna().all()
        assert len((tmp_path / "s" / "log.jsonl").read_text().splitlines()) == 4


def test_an_empty_store_has_a_table(tmp_path):
    with opened(tmp_path / "s") as store:
        assert store.finish() == tmp_path / "s" / "points.parquet"
        assert list(store.table().columns) == ["index", "point_id", "x", "y", "error"]


def test_many_small_parts_become_one(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "MOST_PARTS", 5)
    with opened(tmp_path / "s") as store:
        for index in range(23):
            store.append([outcome(index)])
            assert len(list((tmp_path / "s" / "parts").iterdir())) < 5
        assert store.table()["x"].tolist() == list(range(23))


def test_a_crash_while_parts_are_put_together_doubles_nothing(tmp_path):
    with opened(tmp_path / "s") as store:
        store.append([outcome(0), outcome(1, None, "why")])
        store.append([outcome(2), outcome(1)])
    parts = tmp_path / "s" / "parts"
    shutil.copy(parts / "part-00000001.parquet", parts / "part-00000003.parquet")
    (parts / ".part-00000004.parquet-77.tmp").write_bytes(b"half")
    (tmp_path / "s" / ".manifest.json-77.tmp").write_bytes(b"half")
    with opened(tmp_path / "s") as store:
        assert store.table()["index"].tolist() == [0, 1, 2]
        assert store.failed() == {}
        assert not list((tmp_path / "s").rglob("*.tmp"))
        store.append([outcome(3)])
        assert (parts / "part-00000004.parquet").exists()
        store.finish()
    assert not list(parts.iterdir())
    assert parquet.ParquetFile(tmp_path / "s" / "points.parquet").read()["x"].to_pylist() == [0, 1, 2, 3]


def test_one_process_at_a_time(tmp_path):
    with opened(tmp_path / "s"):
        with pytest.raises(InputError, match=f"process {os.getpid()} is writing to this store"):
            opened(tmp_path / "s")
        assert read_points(tmp_path / "s").num_rows == 0
    opened(tmp_path / "s").close()


@pytest.mark.parametrize(("key", "words"), [("study", "study"), ("clustersim", "version"), ("catalog", "catalog")])
def test_another_store_is_refused_and_left_alone(tmp_path, key, words):
    with opened(tmp_path / "s") as store:
        store.append([outcome(0)])
    before = {path: path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file()}
    with pytest.raises(InputError, match=f"another {words}.*: expected {key} 'other', found '") as said:
        opened(tmp_path / "s", **{key: "other"})
    assert str(tmp_path / "s") in str(said.value)
    assert {path: path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file()} == before
    opened(tmp_path / "s").close()


def test_something_else_is_no_store(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    with pytest.raises(InputError, match="found 'thesis.txt'"):
        opened(tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    with pytest.raises(InputError, match="cannot be made a store"):
        opened(tmp_path / "mine" / "thesis.txt" / "s")
    with pytest.raises(InputError, match="found no manifest.json"):
        read_manifest(tmp_path / "mine")


@pytest.mark.parametrize("text", ["", "[1]", '{"format": 2}', '{"format": 1, "header": 3, "columns": [], "about": {}}'])
def test_a_manifest_that_is_none(tmp_path, text):
    opened(tmp_path / "s").close()
    (tmp_path / "s" / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest\.json"):
        opened(tmp_path / "s")
    assert (tmp_path / "s" / "manifest.json").read_text() == text


def test_a_part_that_cannot_be_read_is_named(tmp_path):
    with opened(tmp_path / "s") as store:
        store.append([outcome(0)])
    part = tmp_path / "s" / "parts" / "part-00000001.parquet"
    part.write_bytes(part.read_bytes()[:50])
    with pytest.raises(InputError, match=r"part-00000001\.parquet: cannot be read as Parquet"):
        opened(tmp_path / "s")


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_full_disk_loses_nothing(tmp_path, monkeypatch, fails_at):
    """The first sync of an append is of the file, the second of its folder."""
    with opened(tmp_path / "s") as store:
        store.append([outcome(0)])
        calls = []

        def full(handle):
            calls.append(handle)
            if len(calls) == fails_at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            with pytest.raises(InputError, match="cannot be written: No space left on device"):
                store.append([outcome(1)])
        assert store.done() == {"p0"}
        assert not list((tmp_path / "s").rglob("*.tmp"))
        store.append([outcome(1), outcome(2)])
        assert store.table()["x"].tolist() == [0, 1, 2]
        with monkeypatch.context() as patched:
            calls.clear()
            patched.setattr(os, "fsync", full)
            with pytest.raises(InputError, match="No space left"):
                store.finish()
    with opened(tmp_path / "s") as store:
        assert store.table()["x"].tolist() == [0, 1, 2]


WRITERS = """
import os, resource, sys
from pathlib import Path
from clustersim.errors import InputError
from clustersim.study.sweep import store as module
from clustersim.study.sweep.records import Outcome
from clustersim.study.sweep.store import Store

module.MOST_PARTS = 4

def write(folder, most_bytes):
    if most_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    with Store.open(Path(folder), {"study": "s1", "clustersim": "0.1.0", "catalog": "c1"}, ("x", "y")) as store:
        first = len(store)
        try:
            for start in range(first, first + 4000, 2):
                rows = [{"x": i, "note": os.urandom(200).hex() if i % 3 else None} for i in (start, start + 1)]
                store.append([Outcome(f"p{i}", i, row, None, 0.0) for i, row in zip((start, start + 1), rows)])
                os.write(1, f"{start} {start + 1}\\n".encode())  # at once: what is said is said whole
                if start % 20 == 0:
                    store.finish()
        except InputError as error:
            print("error:", error, flush=True)

for line in sys.stdin:
    folder, most_bytes = line.rsplit(" ", 1)
    pid = os.fork()
    if pid == 0:
        write(folder, int(most_bytes))
        os._exit(0)
    print("pid", pid, flush=True)
    os.waitpid(pid, 0)
    print("ended", flush=True)
"""


@pytest.fixture(scope="module")
def writers():
    """A process that starts writers: each is a fork of it, so that the package is imported once."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITERS], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.stdin.close()
    process.wait(20)
    process.stdout.close()


def kill_writers(writers, folder, times, seed):
    """Kill writers at random moments; after each, all it said is there once, and nothing that was never written."""
    moments, said = random.Random(seed), []
    for _ in range(times):
        writers.stdin.write(f"{folder} 0\n")
        writers.stdin.flush()
        pid = int(writers.stdout.readline().split()[1])
        said += [int(word) for word in writers.stdout.readline().split()]
        time.sleep(moments.uniform(0.0, 0.12))
        os.kill(pid, signal.SIGKILL)
        while (line := writers.stdout.readline()) != "ended\n":
            said += [int(word) for word in line.split()]
        there = read_points(folder)["index"].to_pylist()
        assert set(said) <= set(there)
        # at most the append that was under way is there without having been said
        assert there == list(range(len(there)))
        assert len(there) - len(set(said)) <= 2 * times
        assert len(said) == len(set(said))
        said = there
    with opened(folder) as store:
        assert store.table()["x"].tolist() == list(range(len(store)))
        assert not list(folder.rglob("*.tmp"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_writers_lose_and_double_nothing(writers, tmp_path):
    kill_writers(writers, tmp_path / "s", 2, seed=1)


@pytest.mark.soak
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_two_hundred_killed_writers_lose_and_double_nothing(writers, tmp_path):
    for series in range(10):
        kill_writers(writers, tmp_path / str(series), 20, seed=series)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_file_that_may_not_grow_loses_nothing(writers, tmp_path):
    """The system itself refuses: files may have 6,000 bytes, which parts put together reach soon."""
    writers.stdin.write(f"{tmp_path / 's'} 6000\n")
    writers.stdin.flush()
    said = []
    while (line := writers.stdout.readline()) != "ended\n":
        if line.startswith("error:"):
            assert "cannot be written: File too large" in line
        elif not line.startswith("pid"):
            said += [int(word) for word in line.split()]
    assert line == "ended\n"
    assert len(said) > 2
    assert set(said) <= set(read_points(tmp_path / "s")["index"].to_pylist())
    assert not list((tmp_path / "s").rglob("*.tmp"))


@pytest.mark.soak
def test_a_disk_that_is_full(tmp_path):
    """A file system of 400 kB; needs the right to mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no right to mount a file system")
    try:
        with opened(disk / "s") as store:
            said = []

            def fill():
                for index in range(10_000):
                    store.append([outcome(index, {"x": index, "note": os.urandom(500).hex()})])
                    said.append(index)

            with pytest.raises(InputError, match="No space left on device"):
                fill()
        assert len(said) > 10
        assert set(said) <= set(read_points(disk / "s")["index"].to_pylist())
    finally:
        subprocess.run(["umount", disk], check=True)


def test_what_is_in_the_folder(tmp_path):
    with Store.open(tmp_path / "s", HEADER, ("x",), {"points": 7}) as store:
        store.append([outcome(0)])
        store.finish()
    assert is_store(tmp_path / "s")
    found = json.loads((tmp_path / "s" / "manifest.json").read_text())
    assert found == {"format": 1, "header": HEADER, "columns": ["x"], "about": {"points": 7}}
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == [
        "lock", "log.jsonl", "manifest.json", "parts", "points.parquet",
    ]  # fmt: skip
