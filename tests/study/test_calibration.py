"""The fit finds constants that are there, and its overlay is what later runs use."""

from dataclasses import replace

import numpy as np
import pytest
import yaml

from clustersim import catalog
from clustersim.errors import CatalogError, InputError
from clustersim.study.tables.calibration import fit, overlay, overlay_text
from clustersim.study.tables.throughput_table import Case
from clustersim.study.tables.validation import predict
from clustersim.training.closed_form import estimate_steps
from clustersim.workload import load_model
from clustersim.workload.configuration import configurations, model_record
from clustersim.workload.hardware import CONSTANTS, bare_hardware, calibrated

TRUE = {"matrix": 0.8, "matrix.low_precision": 0.9, "memory": 0.7, "launch": 4e-6, "attention": 0.6}


@pytest.fixture(autouse=True)
def shipped_catalog():
    yield
    catalog.use_overlays([])


def _cases(noise=0.0):
    """Steps of three models in many sizes on H100, made with known constants."""
    rng, cases = np.random.default_rng(7), []
    for name in ("llama3.1-8b", "llama3.1-70b", "mixtral-8x7b"):
        for sequence in (2048.0, 8192.0, 32768.0):
            for precision in ("bf16", "fp8"):
                for micro_batch in (1.0, 4.0):
                    record = model_record(load_model(name)) | {
                        "sequence": sequence, "accelerators": 64.0, "tensor": 4.0, "micro_batch": micro_batch,
                        "micro_batches": 4.0, "precision": float(precision == "fp8"),
                    }  # fmt: skip
                    cases.append((precision, record))
    hardware = bare_hardware(["H100-SXM"] * len(cases), [p for p, _ in cases], [None] * len(cases))
    constants = {name: np.full(len(cases), TRUE[name]) for name in CONSTANTS}
    times = estimate_steps(configurations([r for _, r in cases]), calibrated(hardware, constants)).iteration_time_s
    times = times * np.exp(noise * rng.standard_normal(times.size))
    return [
        Case(
            f"X-{i}",
            "made",
            "made",
            "H100-SXM",
            precision,
            "other",
            None,
            None,
            "fit",
            record,
            float(seconds),
            "made",
            (),
        )
        for i, ((precision, record), seconds) in enumerate(zip(cases, times, strict=True))
    ]


@pytest.mark.parametrize(("noise", "within"), [(0.0, 0.05), (0.03, 0.12)])
def test_known_constants_are_found(noise, within):
    found = {item.name: item.value for item in fit(_cases(noise)).constants}
    assert set(found) == set(CONSTANTS)
    for name in ("matrix", "matrix.low_precision", "memory", "attention"):
        assert found[name] == pytest.approx(TRUE[name], rel=within), name


def test_only_rows_marked_fit_are_used():
    cases = _cases()
    misleading = [replace(case, row_id=f"T-{i}", use="test", measured_s=9.0 * case.measured_s)
                  for i, case in enumerate(cases)]  # fmt: skip
    both, alone = fit([*cases, *misleading]), fit(cases)
    assert both == alone
    assert both.rows == len(cases)


def test_a_stack_with_few_rows_keeps_its_constants():
    cases = [replace(case, stack="pytorch") for case in _cases()]
    assert {item.kind for item in fit(cases[:7]).constants} == {"calibration"}
    assert {item.kind for item in fit(cases[:8]).constants} == {"calibration", "stacks"}


def test_constants_stay_in_their_plausible_range():
    cases = [replace(case, measured_s=5.0 * case.measured_s) for case in _cases()]
    for item in fit(cases).constants:
        assert item.low <= item.value <= item.high


def test_nothing_to_fit_on():
    with pytest.raises(InputError, match="expected at least one row"):
        fit([])


def test_the_overlay_is_used_and_can_be_taken_off(tmp_path):
    cases = _cases()
    before = predict(cases).iteration_time_s
    path = tmp_path / "mine.yaml"
    path.write_text(overlay_text(fit(cases), "made in a test"), encoding="utf-8")
    catalog.use_overlays([path])
    assert path in catalog.catalog_files()
    measured = np.array([case.measured_s for case in cases])
    after = predict(cases).iteration_time_s
    assert np.abs(after / measured - 1.0).mean() < 0.02 < np.abs(before / measured - 1.0).mean()
    catalog.use_overlays([])
    assert predict(cases).iteration_time_s == pytest.approx(before)
    assert path not in catalog.catalog_files()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("calibrations: {sources: {}, entries: {}}", "expected a kind of the catalog; did you mean 'calibration'"),
        ("[1, 2]", "expected kinds of the catalog"),
        ("calibration: {entries: {}}", "cannot be read as a catalog overlay"),
        ("calibration: {sources: {}, entries: {hopper: {figures: {matrix: {value: 1, source: FIT}}}}}", "hopper"),
        ("a: [", "wrong.yaml:1: not valid YAML"),
    ],
)
def test_a_wrong_overlay_is_refused_and_nothing_changes(tmp_path, text, words):
    path = tmp_path / "wrong.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError, match=words):
        catalog.use_overlays([path])
    assert path not in catalog.catalog_files()
    assert catalog.entry("calibration", "hopper").si("matrix") > 0


def test_an_overlay_can_add_an_entry(tmp_path):
    data = {"calibration": {"sources": {"US": {"title": "ours"}}, "entries": {"mine": {
        "properties": {"accelerators": ["X1"]},
        "figures": {"matrix": {"value": 0.7, "source": "US", "confidence": "measured"}},
    }}}}  # fmt: skip
    path = tmp_path / "new.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    catalog.use_overlays([path])
    assert catalog.entry("calibration", "mine").si("matrix") == 0.7
    assert catalog.entry("calibration", "hopper").si("matrix") > 0


def test_the_overlay_holds_every_constant_with_its_range():
    cases = _cases()
    found = overlay(fit(cases), "made")
    figures = found["calibration"]["entries"]["hopper"]["figures"]
    assert set(figures) == set(CONSTANTS)
    assert all(f"fitted on {len(cases)} rows" in figures[name]["note"] for name in ("matrix", "memory"))
