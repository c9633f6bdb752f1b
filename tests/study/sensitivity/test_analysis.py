"""What is said of a sweep's rows, where the rows are of a known function."""

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.study.sensitivity.analysis import bands, rank_correlations, read_swept, sobol, tornado
from tests.study.sensitivity.stores import AXES, written

WHOLE = AXES | {"job.tokens_per_step_max": {"uniform": {"from": 1, "to": 3}, "name": "batch", "whole": True}}


def product(tau, batch, nothing, seed):
    return tau * batch**2 + 0.0 * nothing


def test_tornado_has_ends_middle_and_elasticity(tmp_path):
    table = tornado(read_swept(written(tmp_path / "s", product, "one_at_a_time")), "y").set_index("input")
    assert table.loc["tau_s", ["low", "base", "high"]].tolist() == [10.0, 20.0, 30.0]
    assert table.loc["tau_s", ["answer_low", "answer_base", "answer_high"]].tolist() == [40.0, 80.0, 120.0]
    assert table.loc["tau_s", "elasticity"] == pytest.approx(1.0)
    assert table.loc["batch", "swing"] == pytest.approx(20.0 * (9.0 - 1.0))
    assert table.loc["nothing", "span"] == 0.0
    whole = read_swept(written(tmp_path / "w", product, "one_at_a_time", axes=WHOLE))
    assert tornado(whole, "y").set_index("input").loc["batch", "elasticity"] == pytest.approx(2.0)
    assert table.index[0] == "batch"


def test_answer_with_its_least_in_the_middle_is_seen(tmp_path):
    folder = written(tmp_path / "s", lambda tau, batch, nothing, seed: (tau - 20.0) ** 2, "one_at_a_time")
    first = tornado(read_swept(folder), "y").iloc[0]
    assert (first["input"], first["swing"], first["span"]) == ("tau_s", 0.0, 100.0)


def test_tornado_takes_the_mean_over_seeds_and_tells_a_lost_end(tmp_path):
    folder = written(tmp_path / "s", lambda tau, *_: tau + _[-1], "one_at_a_time", seeds=3, lost=(1 * 3 + 1,))
    table = tornado(read_swept(folder), "y").set_index("input")
    assert table.loc["tau_s", "answer_base"] == pytest.approx(21.0)
    assert np.isnan(table.loc["tau_s", "answer_low"])
    assert table.loc["tau_s", "answer_high"] == pytest.approx(31.0)
    assert np.isnan(table.loc["tau_s", "span"])


def test_sobol_of_an_additive_answer_is_exact_in_the_limit(tmp_path):
    def plain(tau, batch, nothing, seed):
        return tau + 10.0 * batch

    swept = read_swept(written(tmp_path / "s", plain, "saltelli", samples=256, lost=(3,)))
    table = sobol(swept, "y")
    found = table.set_index("input")
    # variances of uniform ranges: 20^2 / 12 and (10 x 2)^2 / 12
    assert found.loc["tau_s", "total"] == pytest.approx(0.5, abs=0.03)
    assert found.loc["batch", "first_order"] == pytest.approx(0.5, abs=0.03)
    assert found.loc["nothing", "total"] == 0.0
    assert table.attrs["broken"] == 1
    assert table.attrs["samples"] == 128
    assert table.equals(sobol(swept, "y"))


def test_rank_correlation_of_a_monotone_answer_is_one(tmp_path):
    swept = read_swept(written(tmp_path / "s", lambda tau, *_: np.exp(tau), "latin_hypercube", samples=64, seeds=2))
    table = rank_correlations(swept, "y").set_index("input")
    assert table.loc["tau_s", "rank_correlation"] == pytest.approx(1.0)
    # replicates are no points of their own
    assert set(table["points"]) == {64}
    assert (table["q_value"] >= table["p_value"]).all()
    assert table.loc["nothing", "q_value"] > 0.1


def test_replicates_do_not_make_chance_look_certain(tmp_path):
    def answer(tau, batch, nothing, seed):
        return nothing

    one = read_swept(written(tmp_path / "a", answer, "latin_hypercube", samples=16))
    many = read_swept(written(tmp_path / "b", answer, "latin_hypercube", samples=16, seeds=20))
    assert rank_correlations(many, "y")["p_value"].tolist() == rank_correlations(one, "y")["p_value"].tolist()


def test_bands_are_quantiles_of_the_rows(tmp_path):
    swept = read_swept(written(tmp_path / "s", lambda tau, *_: tau, "latin_hypercube", samples=200, lost=(7,)))
    row = bands(swept, ["y"]).iloc[0]
    assert row["rows"] == 199
    assert (row["low"], row["median"], row["high"]) == pytest.approx((11.0, 20.0, 29.0), abs=0.3)
    assert row["standard_deviation"] == pytest.approx(20.0 / 12**0.5, rel=0.02)
    assert swept.failed == 1


def test_wrong_kind_answer_and_too_few_points_are_refused(tmp_path):
    swept = read_swept(written(tmp_path / "s", product, "latin_hypercube", samples=4))
    for ask in (tornado, sobol):
        with pytest.raises(InputError, match="latin_hypercube"):
            ask(swept, "y")
    with pytest.raises(InputError, match="8 points or more"):
        rank_correlations(swept, "y")
    for key in ("tau_s", "word", "yy"):
        with pytest.raises(InputError, match="expected an answer that is a number"):
            bands(swept, [key])
    with pytest.raises(InputError, match="expected the store of a sweep"):
        read_swept(tmp_path / "none")
