"""The published table of training steps: what is claimed about accuracy, and how few constants it takes."""

import pytest

from clustersim import catalog
from clustersim.study.throughput_table import read_table
from clustersim.study.validation import validate
from clustersim.workload.hardware import CONSTANTS


@pytest.fixture(scope="module")
def found(reference):
    return validate(read_table(reference / "training_throughput.csv"))


def _said(name, s):
    print(
        f"{name}: {s.modelled} of {s.rows} rows, MAPE {s.mape_percent:.1f} %, median {s.median_percent:.1f} %, "
        f"P90 {s.p90_percent:.1f} %, bias {s.bias_percent:+.1f} %, rank correlation {s.rank_correlation:.3f}"
    )


def test_rows_that_nothing_was_fitted_on(found):
    test = found.groups["use"]["test"]
    _said("test", test)
    assert test.mape_percent <= 10.0
    assert test.p90_percent <= 22.0
    assert abs(test.bias_percent) <= 2.0


def test_large_runs(found):
    large = found.groups["size"]["test, 256 accelerators and more"]
    _said("test, 256 and more", large)
    assert large.mape_percent <= 9.0


def test_the_naive_baseline_is_far_behind(found):
    assert found.baseline["test"] > 2.0 * found.groups["use"]["test"].mape_percent
    assert found.with_baseline["test"] < 0.6 * found.baseline["test"]


def test_every_row_is_predicted_or_refused_with_a_reason(found):
    assert found.overall.rows == len(found.rows) + len(found.refused)
    assert all(refusal.reason for refusal in found.refused)


def test_few_constants():
    """Five per generation; at most six stacks, each with at most two."""
    for entry in catalog.entries("calibration").values():
        assert set(entry.figures) == set(CONSTANTS)
        assert len(entry.figures) == 5
        for name, figure in entry.figures.items():
            assert figure.low <= figure.value <= figure.high, (entry.name, name)
    stacks = catalog.entries("stacks")
    assert len(stacks) <= 6
    assert all(len(entry.figures) <= 2 for entry in stacks.values())


def test_every_stack_has_rows_enough(found, reference):
    cases = read_table(reference / "training_throughput.csv").cases
    for name in catalog.entries("stacks"):
        assert sum(case.stack == name and case.use == "fit" for case in cases) >= 8, name


def test_each_mechanism_is_worth_its_code(found):
    """Taken out without a new fit, each makes the error larger, or is at least no worse than noise."""
    whole = found.ablation["all mechanisms"].mape_percent
    for name, s in found.ablation.items():
        print(f"{name}: MAPE {s.mape_percent:.1f} %, bias {s.bias_percent:+.1f} %")
        assert s.mape_percent > whole - 1.0, name
