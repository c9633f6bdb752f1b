"""What many tests share: one small run, and the folder of reference data."""

from __future__ import annotations

import dataclasses
import os
import pickle
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import typer.testing

REFERENCE = Path(__file__).resolve().parents[1] / ".." / "shared" / "reference"

SMALL = """\
name: small
title: 70B on 2,048 H100
topology: colossus_memphis
job:
  model: llama3.1-70b
  sequence_length: 4096
  tokens_per_step_max: 4194304
  token_budget: 1.0e+12
  plan: {tensor: 8, pipeline: 4, data: 64, micro_batches: 8}
damping:
- {kind: site_battery, time_constant: 20 s}
operation: {horizon: 3 d}
economics: {electricity_price: TN}
set:
  topology.site.memphis.fleet: [{accelerator: H100-SXM, count: 2048}]
"""


def pytest_collection_modifyitems(items):
    """Long tests go by their time limits, the longest first, so that no worker waits for another at the end."""

    def limit(item):
        mark = item.get_closest_marker("timeout")
        return mark.args[0] if mark and item.get_closest_marker("soak") else 0.0

    items.sort(key=limit, reverse=True)


@pytest.fixture(scope="session", autouse=True)
def verbs_made_once():
    """Make the parsers of the command line once: the runner of typer makes them again for every call."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(typer.testing, "_get_command", cache(typer.testing._get_command))
        yield


@pytest.fixture(scope="session")
def reference():
    """Folder of published and computed reference data, beside the repository."""
    if not REFERENCE.is_dir():
        pytest.skip(f"no reference data at {REFERENCE}")
    return REFERENCE


def locked(thing):
    """Return a thing that was pickled, the arrays of its records read-only as they were: pickling forgets it."""
    if isinstance(thing, np.ndarray):
        thing.flags.writeable = False
    elif dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            locked(getattr(thing, field.name))
    elif isinstance(thing, dict):
        for value in thing.values():
            locked(value)
    elif isinstance(thing, tuple | list):
        for value in thing:
            locked(value)
    return thing


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """Give a function that makes a thing once for all workers: others wait for the first and take what it made."""
    from clustersim.study.sweep import durable

    folder = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        folder = folder.parent

    def made_once(name, make):
        """Return the thing of that name in this session; `make` makes it where there is none yet."""
        path = folder / f"{name}.pickle"
        with durable.locked(folder / f"{name}.lock"):
            if path.exists():
                return locked(pickle.loads(path.read_bytes()))
            made = make()
            working = folder / f"{name}.tmp"
            working.write_bytes(pickle.dumps(made))
            working.replace(path)
            return made

    return made_once


@pytest.fixture(scope="session")
def small_scenario(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenarios") / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def small_result(small_scenario, made_once):
    from clustersim.scenario import load_scenario
    from clustersim.study.run import run

    return made_once("small_result", lambda: run(load_scenario(small_scenario)))


@pytest.fixture(scope="session")
def small_page(small_result, made_once):
    """The report of the small run, which takes a second to make."""
    from clustersim.report.page import html

    return made_once("small_page", lambda: html(small_result))


@pytest.fixture(scope="session")
def completion_from_table():
    """Give a function that says when each traffic class ends by a table of rates."""

    def completion_from_table(table, sizes):
        """Play the classes from one end to the next with the rates of the table."""
        left, now, done = dict(sizes), 0.0, {}
        while left:
            rates = {name: table.rate(name, set(left)) for name in left}
            step = min(left[name] / rates[name] for name in left)
            now += step
            left = {name: rest - rates[name] * step for name, rest in left.items()}
            for name in [name for name, rest in left.items() if rest <= 1e-9 * sizes[name]]:
                done[name] = now
                del left[name]
        return done

    return completion_from_table
