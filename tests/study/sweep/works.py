"""Work that tests give to engines: functions of a module, as engines need them."""

import os
import signal
import time
from pathlib import Path

from clustersim.study.sweep.records import Outcome, Task


def tasks(count, **payload):
    return [Task(f"p{index}", index, payload) for index in range(count)]


def square(task):
    """A row with a column that only some rows have, an error every seventh time."""
    if task.index % 7 == 3:
        return Outcome(task.point_id, task.index, {"x": task.index}, "not this one", 0.0)
    row = {"x": task.index, "square": task.index**2 / 3.0, "even": task.index % 2 == 0}
    return Outcome(task.point_id, task.index, row | ({"note": "ten"} if task.index % 10 == 0 else {}), None, 0.0)


def pid(task):
    return Outcome(task.point_id, task.index, {"pid": os.getpid()}, None, 0.0)


def nap(task):
    """`square` after some sleep."""
    time.sleep(task.payload["sleep_s"])
    return square(task)


def dies_once(task):
    """Point 5 kills its worker the first time."""
    mark = Path(task.payload["mark"])
    if task.index == 5 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return square(task)


def dies(task):
    """Point 5 kills its worker every time, and says so in a file."""
    if task.index == 5:
        with Path(task.payload["mark"]).open("a") as file:
            file.write("x")
        os.kill(os.getpid(), signal.SIGKILL)
    return square(task)


def raises(task):
    raise RuntimeError("a fault\nof the work")
