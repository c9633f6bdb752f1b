"""The efficiency curve is recovered from products whose law is known, and from published ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.instrument.products import Products, fit_products, products_of
from clustersim.workload.costs import product_seconds
from clustersim.workload.hardware import bare_hardware

SIZES = (256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0)


def shapes():
    made = [(m, n, k) for m in SIZES for n, k in ((4096.0, 4096.0), (4096.0, 14336.0), (14336.0, 512.0))]
    return np.array(made * 2).T


def of_law(share, half, fixed, noise, seed):
    hardware = bare_hardware(["H100-SXM"], ["bf16"], [None])
    truth = replace(hardware, share=np.array([share]), half_depth=np.array([half]), fixed=np.array([fixed]))
    rows, columns, depth = shapes()
    seconds = product_seconds(truth, rows, columns, depth)
    seconds = seconds * np.exp(np.random.default_rng(seed).normal(0.0, noise, seconds.size))
    return hardware, Products(rows, columns, depth, seconds)


def test_a_known_law_is_found():
    held, cases = np.zeros(3), 15
    for seed in range(cases):
        hardware, measured = of_law(0.78, 150.0, 4e-6, 0.02, seed)
        found = fit_products(hardware, measured)
        bands = (found.share, found.half_depth, found.fixed_s)
        held += [band.low <= truth <= band.high for band, truth in zip(bands, (0.78, 150.0, 4e-6), strict=True)]
        assert found.share.value == pytest.approx(0.78, rel=0.03)
        assert found.mean_error < 0.04
        assert found.shapes == 21
    print(held, "of", cases)
    assert (held >= cases - 3).all()


def test_without_noise_the_law_is_exact():
    hardware, measured = of_law(0.81, 119.0, 2.8e-6, 0.0, 0)
    found = fit_products(hardware, measured)
    assert found.share.value == pytest.approx(0.81, rel=1e-4)
    assert found.half_depth.value == pytest.approx(119.0, rel=1e-3)
    assert found.mean_error < 1e-5


def test_published_products_give_the_figures_of_the_catalog(reference):
    """H100 in bf16, the rows to fit on; the shipped figures were fitted on them."""
    table = pd.read_csv(reference / "kernel_gemm.csv.gz")
    rows = table[(table.accelerator == "H100-SXM-80GB") & (table.gemm_dtype == "bfloat16") & (table.use == "fit")]
    hardware = bare_hardware(["H100-SXM"], ["bf16"], [None])
    hardware = replace(hardware, bandwidth=hardware.bandwidth * 0.85)
    sizes = (rows[name].to_numpy(float) for name in ("m", "n", "k"))
    found = fit_products(hardware, Products(*sizes, rows.latency_ms.to_numpy(float) * 1e-3))
    shipped = catalog.entry("efficiency", "H100-SXM")
    print(found)
    for band, name in ((found.share, ""), (found.half_depth, ".half_depth"), (found.fixed_s, ".fixed")):
        figure = shipped.figure(f"product.bf16{name}")
        assert figure.low <= band.value <= figure.high
    assert found.mean_error < 0.04


def test_too_little_or_wrong_is_refused():
    hardware, measured = of_law(0.8, 100.0, 3e-6, 0.0, 0)
    few = Products(*(array[:5] for array in (measured.rows, measured.columns, measured.depth, measured.seconds)))
    with pytest.raises(InputError, match="at least 6 different shapes, found 5"):
        fit_products(hardware, few)
    with pytest.raises(InputError, match="above zero"):
        fit_products(hardware, replace(measured, seconds=-measured.seconds))
    with pytest.raises(InputError, match="none of seconds_each"):
        products_of([{"m": 1.0, "n": 1.0, "k": 1.0}])
