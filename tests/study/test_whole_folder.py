"""Folders that appear whole or not at all, and what killed processes leave."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clustersim.study.whole_folder import put_back, whole_folder

ROOT = Path(__file__).resolve().parents[2]


def made(final, text):
    with whole_folder(final) as working:
        (working / "a").write_text(text)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_it_appears_and_is_replaced_whole(tmp_path):
    made(tmp_path / "f", "one")
    made(tmp_path / "f", "two")
    assert names(tmp_path) == ["f"]
    assert (tmp_path / "f" / "a").read_text() == "two"
    with pytest.raises(FileNotFoundError), whole_folder(tmp_path / "f") as working:
        (working / "none" / "a").write_text("half")
    assert names(tmp_path) == ["f"]
    assert (tmp_path / "f" / "a").read_text() == "two"


KILLED = """
import os, sys
from pathlib import Path
from clustersim.study.whole_folder import whole_folder
usual = Path.rename
for renames, final in enumerate(sys.argv[1:]):
    if os.fork() == 0:  # a process of its own, whose imports are done
        left = renames
        def killed(self, target):
            global left
            left -= 1
            if left < 0:
                os._exit(9)
            return usual(self, target)
        Path.rename = killed
        with whole_folder(Path(final)) as working:
            (working / "a").write_text("new")
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.wait()[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_one_that_was_killed_at_its_last_steps_loses_nothing(tmp_path):
    places = [tmp_path / str(renames) for renames in range(3)]
    for place in places:
        place.mkdir()
        made(place / "f", "old")
    command = [sys.executable, "-c", KILLED, *(str(place / "f") for place in places)]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert told.split() == ["9", "9", "0"]
    for place, left in zip(places, ("old", "old", "new"), strict=True):
        put_back(place / "f")
        assert (place / "f" / "a").read_text() == left
        made(place / "f", "newer")
        assert names(place) == ["f"]


@pytest.mark.skipif(os.name == "nt", reason="folders are not locked there")
def test_what_another_process_writes_is_left_alone(tmp_path):
    with whole_folder(tmp_path / "f") as working:
        (working / "a").write_text("first")
        made(tmp_path / "f", "second")
        assert working.is_dir()
    assert (tmp_path / "f" / "a").read_text() == "first"
    assert names(tmp_path) == ["f"]


RACING = """
import os, sys
from pathlib import Path
from clustersim.study.whole_folder import whole_folder
for who in "123":
    if os.fork() == 0:
        for turn in range(25):
            with whole_folder(Path(sys.argv[1])) as working:
                (working / "a").write_text(who)
                (working / "b").write_text(who)
        os._exit(0)
print(*(os.waitstatus_to_exitcode(os.wait()[1]) for _ in "123"))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_processes_that_write_the_same_folder_all_end_well(tmp_path):
    command = [sys.executable, "-c", RACING, str(tmp_path / "f")]
    assert subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split() == ["0"] * 3
    assert names(tmp_path) == ["f"]
    # of one of them, whole
    assert (tmp_path / "f" / "a").read_text() == (tmp_path / "f" / "b").read_text()


def test_what_cannot_take_its_place_leaves_what_was_there(tmp_path, monkeypatch):
    made(tmp_path / "f", "old")
    usual = Path.rename

    def rename(self, target):
        if (self / "a").is_file() and (self / "a").read_text() == "new":
            raise OSError(28, "No space left on device")
        return usual(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="No space left"):
        made(tmp_path / "f", "new")
    assert names(tmp_path) == ["f"]
    assert (tmp_path / "f" / "a").read_text() == "old"


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked there")
def test_where_folders_cannot_be_locked_they_appear_whole_and_nothing_of_others_goes(tmp_path, monkeypatch):
    import fcntl

    def refused(*_):
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    monkeypatch.setattr(fcntl, "flock", refused)
    others = tmp_path / ".f-other"
    others.mkdir()
    made(tmp_path / "f", "one")
    made(tmp_path / "f", "two")
    assert names(tmp_path) == [".f-other", "f"]
    assert (tmp_path / "f" / "a").read_text() == "two"


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked there")
def test_a_lock_that_fails_otherwise_is_told(tmp_path, monkeypatch):
    import fcntl

    def interrupted(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(fcntl, "flock", interrupted)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        made(tmp_path / "f", "one")
    assert names(tmp_path) == []
