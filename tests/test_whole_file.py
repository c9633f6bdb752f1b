"""Files that appear whole or not at all, and what killed processes leave of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clustersim.errors import InputError
from clustersim.whole_file import ENDING, WorkingFile, write_all, write_text, write_whole

ROOT = Path(__file__).resolve().parents[1]
posix = pytest.mark.skipif(os.name == "nt", reason="files are not locked there")
KILLED = """
import os, sys
from pathlib import Path
from clustersim.whole_file import write_all
Path.replace = lambda self, target: os._exit(9)
write_all({Path(path): "half" for path in sys.argv[1:]})
"""


def killed(*paths):
    command = [sys.executable, "-c", KILLED, *map(str, paths)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 9


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@posix
@pytest.mark.parametrize("write", [
    lambda path: write_text(path, "whole"),
    lambda path: write_whole(path, lambda working: Path(working).write_text("whole")),
])  # fmt: skip
def test_the_next_write_removes_what_a_killed_one_left(tmp_path, write):
    # letters that stand for others in patterns
    path, other = tmp_path / "a[b]*.html", tmp_path / "other.html"
    killed(path, other)
    assert [name.endswith(ENDING) for name in names(tmp_path)] == [True, True]
    write(path)
    assert path.read_text() == "whole"
    (left,) = tmp_path.glob(".*")
    assert left.name.startswith(".other.html-")


@posix
def test_what_looks_like_it_and_is_not_stays(tmp_path):
    path = tmp_path / "a.html"
    kept = [f".a.html-notebook{ENDING}.txt", ".a.html-notebook", f".a.html-{ENDING}", f".b.html-12345678{ENDING}"]
    for name in kept:
        (tmp_path / name).write_text("mine")
    (tmp_path / f".a.html-a_folder{ENDING}").mkdir()
    (tmp_path / f".a.html-12345678{ENDING}").symlink_to(tmp_path / kept[0])
    before = names(tmp_path)
    write_text(path, "whole")
    # of a folder the lock is had, but only a file is removed
    assert names(tmp_path) == sorted([*before, path.name])
    assert (tmp_path / kept[0]).read_text() == "mine"


@posix
def test_what_another_writer_is_at_is_left_alone(tmp_path):
    path = tmp_path / "a.html"
    with WorkingFile(path) as first:
        first.path.write_text("first")
        write_text(path, "second")
        assert path.read_text() == "second"
        first.take_place()
    assert path.read_text() == "first"
    assert names(tmp_path) == ["a.html"]


@posix
def test_one_that_was_taken_for_left_over_before_its_lock_is_made_again(tmp_path, monkeypatch):
    from clustersim import whole_file

    hold, path, turns = whole_file.hold, tmp_path / "a.html", []

    def late(handle):
        if not turns:
            turns.append(1)
            write_text(path, "meanwhile")
        hold(handle)

    monkeypatch.setattr(whole_file, "hold", late)
    with WorkingFile(path) as working:
        working.path.write_text("late")
        working.take_place()
    assert path.read_text() == "late"
    assert names(tmp_path) == ["a.html"]


RACING = """
import sys
from pathlib import Path
from clustersim.whole_file import write_all
for turn in range(int(sys.argv[3])):
    write_all({Path(sys.argv[1]) / name: sys.argv[2] * 100_000 for name in "ab"})
"""


@posix
def test_processes_that_write_the_same_files_all_end_well(tmp_path):
    racing = [subprocess.Popen([sys.executable, "-c", RACING, str(tmp_path), who, "100"], cwd=ROOT) for who in "123"]
    assert [one.wait(120) for one in racing] == [0, 0, 0]
    assert names(tmp_path) == ["a", "b"]
    for path in tmp_path.iterdir():
        text = path.read_text()
        assert text == text[0] * 100_000


def test_all_or_none_and_no_folders_left(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError, match="taken: cannot be written: Is a directory"):
        write_all({tmp_path / "new" / "deep" / "a": "one", tmp_path / "taken": "two"})
    assert names(tmp_path) == ["taken"]
    write_all({tmp_path / "new" / "deep" / "a": "one", tmp_path / "b": b"two"})
    assert (tmp_path / "new" / "deep" / "a").read_text() == "one"
    assert (tmp_path / "b").read_bytes() == b"two"
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o644


def test_where_writing_fails_nothing_is_left(tmp_path):
    with pytest.raises(InputError, match="a: cannot be written: No space"):
        write_whole(tmp_path / "a", lambda working: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    assert names(tmp_path) == []
