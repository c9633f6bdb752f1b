"""What many tests share: one small run, and the folder of reference data."""

from __future__ import annotations

from pathlib import Path

import pytest

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


@pytest.fixture(scope="session")
def reference():
    """Folder of published and computed reference data, beside the repository."""
    if not REFERENCE.is_dir():
        pytest.skip(f"no reference data at {REFERENCE}")
    return REFERENCE


@pytest.fixture(scope="session")
def small_scenario(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenarios") / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def small_result(small_scenario):
    from clustersim.scenario import load_scenario
    from clustersim.study.run import run

    return run(load_scenario(small_scenario))


@pytest.fixture(scope="session")
def small_page(small_result):
    """The report of the small run, which takes a second to make."""
    from clustersim.report.page import html

    return html(small_result)


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
