"""Folders that appear whole or not at all, and what killed processes leave."""

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
rename, left = Path.rename, int(sys.argv[2])
def killed(self, target):
    global left
    left -= 1
    if left < 0:
        os._exit(9)
    return rename(self, target)
Path.rename = killed
with whole_folder(Path(sys.argv[1])) as working:
    (working / "a").write_text("new")
"""


@pytest.mark.skipif(os.name == "nt", reason="folders are not locked there")
@pytest.mark.parametrize("renames", [0, 1, 2])
def test_one_that_was_killed_at_its_last_steps_loses_nothing(tmp_path, renames):
    made(tmp_path / "f", "old")
    command = [sys.executable, "-c", KILLED, str(tmp_path / "f"), str(renames)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == (0 if renames == 2 else 9)
    put_back(tmp_path / "f")
    assert (tmp_path / "f" / "a").read_text() == ("new" if renames == 2 else "old")
    made(tmp_path / "f", "newer")
    assert names(tmp_path) == ["f"]


@pytest.mark.skipif(os.name == "nt", reason="folders are not locked there")
def test_what_another_process_writes_is_left_alone(tmp_path):
    with whole_folder(tmp_path / "f") as working:
        (working / "a").write_text("first")
        made(tmp_path / "f", "second")
        assert working.is_dir()
    assert (tmp_path / "f" / "a").read_text() == "first"
    assert names(tmp_path) == ["f"]


RACING = """
import sys
from pathlib import Path
from clustersim.study.whole_folder import whole_folder
for turn in range(int(sys.argv[3])):
    with whole_folder(Path(sys.argv[1])) as working:
        (working / "a").write_text(sys.argv[2])
        (working / "b").write_text(sys.argv[2])
"""


@pytest.mark.skipif(os.name == "nt", reason="folders are not locked there")
def test_processes_that_write_the_same_folder_all_end_well(tmp_path):
    racing = [
        subprocess.Popen([sys.executable, "-c", RACING, str(tmp_path / "f"), who, "25"], cwd=ROOT) for who in "123"
    ]
    assert [one.wait(120) for one in racing] == [0, 0, 0]
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
