"""A small study beside a small scenario, and an engine that answers in this process."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest
import yaml

from clustersim.study.sweep.study import load_study

FLOOR = "damping.0.time_constant"
COUNT = "topology.site.memphis.fleet.0.count"


class HereEngine(AbstractContextManager):
    """Answers in this process; `stop_after` outcomes Ctrl-C comes."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.asked = []

    def __exit__(self, *_):
        return None

    def outcomes(self, tasks, work):
        for number, task in enumerate(tasks):
            if number == self.stop_after:
                raise KeyboardInterrupt
            self.asked.append(task.point_id)
            yield work(task)


@pytest.fixture
def study_of(tmp_path, small_scenario):
    """Write a study beside the small scenario, and read it; keys given as keyword arguments replace the usual ones."""
    (tmp_path / "small.yaml").write_text(small_scenario.read_text(encoding="utf-8"), encoding="utf-8")

    def made(**keys):
        tree = {"name": "trial", "title": "A trial", "scenario": "small.yaml", "evaluate": "step"} | keys
        path = tmp_path / "trial.yaml"
        path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
        return load_study(path)

    return made
