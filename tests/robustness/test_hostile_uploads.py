"""Files that no planner would send: each is opened or refused with one message, and none leaves anything elsewhere.

Four people for thirty minutes: tests/app/test_many_users.py. Single known attacks: tests/app/test_safety.py.
"""

from __future__ import annotations

import gzip
import io
import os
import random
import time
import zipfile

import pyarrow as pa
import pytest
from pyarrow import parquet

from clustersim.background.verbs import VERBS
from clustersim.errors import InputError
from dashboard import measured_source, own_files, power_source, sweep_upload, uploads, validation_own
from tests.app.browser import CHROMIUM, Visitor, chromium, server
from tests.robustness import inputs
from tests.robustness.batch import listing
from tests.robustness.mutations import BOMB, as_text, spoiled, spoiled_text

SEED = int(os.environ.get("ROBUSTNESS_SEED", "1"))
MARKUP = "<img src=x onerror=alert(1)>"
NAMES = (
    "good", MARKUP, "../../sentinel", "..", "", "a/b", "a\\b", "C:\\x", "\\\\host\\x", "a\0b", "a\nb", "x" * 300, "con",
    "%2e%2e%2f", "\u202egnp", "\ud83d\ude00", "-rf", "~", "$(id)", ".hidden", " ", "a.csv",
    "[click](javascript:alert(1))",
)  # fmt: skip
MOST_S = 10.0


class Sent:
    """A file as the browser sent it."""

    def __init__(self, name, content):
        self.name, self.content, self.size = name, content, len(content)

    def getvalue(self):
        return self.content

    def getbuffer(self):
        return memoryview(self.content)


def packed(content):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.csv", content)
    return made.getvalue()


def columns(rows, **other):
    """Parquet that is small and holds very much: one value, again and again."""
    made = io.BytesIO()
    with parquet.ParquetWriter(made, pa.schema({"time_s": pa.float64(), "power_w": pa.float64()})) as writer:
        block = pa.table({"time_s": [0.0] * 1_000_000, "power_w": [1.0] * 1_000_000})
        for _ in range(rows // 1_000_000):
            writer.write_table(block)
    return made.getvalue()


def content(rng, kind):
    """Return what is in a file: often something else than its name says."""
    what = rng.randrange(12)
    if what == 0:
        return BOMB.encode()
    if what == 1:
        return packed(b"0" * 1_000_000)
    if what == 2:
        return gzip.compress(b"1.0,2.0\n" * 1_000_000)
    if what == 3:
        return f"<script>alert(1)</script>,{MARKUP}\n1,2\n".encode()
    if what == 4:
        return rng.randbytes(rng.choice((0, 1, 1000, 100_000)))
    if what == 5:
        return b"PAR1" + rng.randbytes(200) + b"PAR1"
    if what == 6:
        return b"\x7fELF" + bytes(500)
    if what == 7:
        return b"a" * 1_200_000
    if what == 8:
        return (",".join(f"c{k}" for k in range(20_000)) + "\n").encode()
    times, power = inputs._trace(rng)
    if kind == "table" and what < 11:
        return spoiled_text(rng, inputs._rows(times, power))
    if kind == "parquet":
        return inputs._parquet(rng, times, power)
    tree = inputs.tiny(rng) if rng.random() < 0.5 else inputs.STUDY
    return as_text(spoiled(rng, tree)).encode("utf-8", "surrogatepass")


def told(_):
    return None


def ways(place):
    """Return what takes files: what each is called, its endings, and what is done with the files."""

    def measured(files):
        path = own_files.kept(files, measured_source.TYPES, measured_source.MOST_MB * 1_000_000)
        VERBS["trace_columns"](tell=told, path=str(path))

    def table(files):
        path = own_files.kept(files, (".csv",), validation_own.MOST_MB * 1_000_000)
        VERBS["validate"](tell=told, path=str(path), out=str(path.parent))

    def power(files):
        power_source.bring(files[0].getvalue())

    return (
        ("scenario", (".yaml", ".yml", ".csv", ".epw"), uploads.draft_of),
        ("scenario", (".yaml", ".yml"), sweep_upload.study_of),
        ("table", measured_source.TYPES, measured),
        ("table", (".csv",), table),
        ("parquet", (".parquet",), power),
    )


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder of a session, and beside it what nobody may touch."""
    for name in ("session", "tmp", "here"):
        (tmp_path / name).mkdir()
    (tmp_path / "sentinel.yaml").write_text("name: secret\n")
    monkeypatch.setattr(own_files, "folder", lambda: tmp_path / "session")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def send(place, first, last):
    """Send hostile files; return what went wrong."""
    wrong, refused = [], 0
    before = {name: size for name, size in listing(place).items() if not name.startswith("session")}
    for number in range(first, last):
        rng = random.Random(f"{SEED} {number}")
        kind, endings, take = rng.choice(ways(place))
        files = [
            Sent(rng.choice(NAMES) + rng.choice((*endings, *endings, ".exe", "")), content(rng, kind))
            for _ in range(rng.choice((1, 1, 1, 2, 12)))
        ]
        begin = time.process_time()
        try:
            take(files)
        except InputError as error:
            refused += 1
            if not str(error) or str(place) in str(error).replace(str(place / "session"), ""):
                wrong.append((number, "message", str(error)[:300]))
        except Exception as error:  # noqa: BLE001 (that is what is looked for)
            wrong.append((number, take.__name__, [one.name[:40] for one in files], repr(error)[:500]))
        if time.process_time() - begin > MOST_S:
            wrong.append((number, take.__name__, time.process_time() - begin))
        now = {name: size for name, size in listing(place).items() if not name.startswith("session")}
        if now != before:
            wrong.append((number, "left", sorted(set(now) ^ set(before))))
            before = now
    return wrong, refused


def test_twenty_hostile_files(place):
    wrong, refused = send(place, 0, 20)
    assert wrong == []
    assert refused > 5


@pytest.mark.parametrize("take", [uploads.draft_of, sweep_upload.study_of])
@pytest.mark.parametrize(
    "name", ["\ud83d.yaml", "a\0b.yaml", "\N{GRINNING FACE}" * 90 + ".yaml", "x" * 300 + ".yaml", "../a.yaml", ".."]
)
def test_names_that_no_file_system_takes(place, take, name):
    with pytest.raises(InputError, match="expected the name of a file, without a folder"):
        take([Sent(name, b"name: x\naxes: {}\n")])


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_two_thousand_hostile_files(place):
    wrong, refused = send(place, 0, 2000)
    assert wrong == []
    assert refused > 500


@pytest.mark.soak
def test_files_that_grow(place):
    """A hundred megabytes of samples for each kilobyte that is sent."""
    for name, made in (
        ("t.csv.gz", gzip.compress(b"1.0,2.0\n" * 130_000_000, 1)),
        ("t.parquet", columns(20_000_000)),
    ):
        path = own_files.kept([Sent(name, made)], measured_source.TYPES, 200_000_000)
        begin = time.process_time()
        with pytest.raises(InputError, match="expected at most"):
            VERBS["trace_columns"](tell=told, path=str(path))
        assert time.process_time() - begin < MOST_S


@pytest.mark.browser
@pytest.mark.soak
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_browser_shows_them_as_text(tmp_path):
    hostile = tmp_path / f"{MARKUP.replace('/', '')}.csv"
    hostile.write_text(f"time_s,{MARKUP}\n" + "".join(f"{k},{k % 7}\n" for k in range(64)))
    with server(tmp_path) as (address, _), chromium() as browser:
        visitor = Visitor(browser, address)
        visitor.open("measured")
        visitor.page.locator("[data-testid=stFileUploader] input").first.set_input_files(hostile)
        visitor.page.get_by_test_id("stFileChip").first.wait_for()
        visitor.page.get_by_role("button", name="Open", exact=True).click()
        visitor.page.get_by_role("button", name="Close").wait_for()
        visitor.still()
        visitor.page.wait_for_timeout(3000)
        assert visitor.page.locator("img[src=x]").count() == 0
        visitor.content()
        visitor.close()
