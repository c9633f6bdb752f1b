"""From an engine into a store: told only when recorded, and recorded whatever ends the sweep."""

import errno
import os

import pytest

from clustersim.errors import InputError
from clustersim.study.sweep import collect as collect_module
from clustersim.study.sweep.collect import collect
from clustersim.study.sweep.reading import read_points
from clustersim.study.sweep.records import Outcome
from clustersim.study.sweep.store import Store


def answer(index):
    return Outcome(f"p{index}", index, {"x": index}, None, 0.0)


class Scripted:
    """An engine that yields what it was given; an exception in it is raised."""

    def __init__(self, script):
        self.script, self.closed = script, False

    def outcomes(self, tasks, work):
        try:
            for item in self.script:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self.closed = True


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "s"


@pytest.fixture
def store(folder):
    with Store.open(folder, {"study": "s"}) as found:
        yield found


def recorded(folder):
    return read_points(folder)["index"].to_pylist()


def test_what_is_told_is_recorded(store, folder):
    told = []
    script = Scripted([answer(2), None, answer(0), answer(1), None])
    collect(store, script, [], None, tell=lambda one: told.append((one.index, one.index in recorded(folder))))
    assert told == [(2, True), (0, True), (1, True)]
    assert script.closed


@pytest.mark.parametrize("error", [KeyboardInterrupt(), InputError("the scheduler is gone")])
def test_what_came_before_the_end_is_recorded(store, folder, error):
    told = []
    with pytest.raises(type(error)):
        collect(store, Scripted([answer(0), answer(1), answer(2), error]), [], None, tell=told.append)
    assert recorded(folder) == [0, 1, 2]
    assert [one.index for one in told] == [0, 1, 2]


def test_cheap_points_share_parts_and_a_pause_saves(store, folder, monkeypatch):
    parts = folder / "parts"
    clock = [100.0]
    monkeypatch.setattr(collect_module.time, "monotonic", lambda: clock[0])
    seen = []

    def script():
        for index in range(10):
            yield answer(index)
        seen.append(len(list(parts.iterdir())))
        clock[0] += 5.0
        yield None
        seen.append(len(list(parts.iterdir())))

    collect(store, Scripted(script()), [], None)
    assert seen == [1, 2]
    assert recorded(folder) == list(range(10))


def test_rows_of_one_point_are_recorded_together(store, folder):
    def rows_of(outcome):
        return [outcome, Outcome(outcome.point_id, outcome.index + 10, outcome.row, None, 0.0)]

    collect(store, Scripted([answer(0), answer(1)]), [], None, rows_of)
    assert recorded(folder) == [0, 1, 10, 11]
    assert store.done() == {"p0", "p1"}


def test_a_full_disk_ends_the_sweep_with_what_was_recorded(store, folder, monkeypatch):
    told, calls = [], []

    def full(handle):
        calls.append(handle)
        if len(calls) > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(collect_module, "MOST", 2)
    script = Scripted([answer(index) for index in range(9)])
    with pytest.raises(InputError, match="No space left on device"):
        collect(store, script, [], None, tell=told.append)
    assert [one.index for one in told] == recorded(folder) == [0]
    assert script.closed
