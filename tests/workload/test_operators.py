"""Kernel times against measured matrix products and exact limits."""

import numpy as np
import pandas as pd
import pytest

from clustersim.workload import load_device
from clustersim.workload.operators import attention_seconds, matmul_seconds, streaming_seconds

CHIPS = {"A100-80GB": "A100-80G-SXM", "H100-SXM-80GB": "H100-SXM", "H200-141GB": "H200-SXM"}


def _errors(table, chip, dtype, precision, smallest=1):
    rows = table[(table.accelerator == chip) & (table.gemm_dtype == dtype) & (table.use == "test")]
    rows = rows[(rows.n >= smallest) & (rows.k >= smallest)]
    device = load_device(CHIPS[chip], precision)
    predicted = np.array([matmul_seconds(device, r.m, r.n, r.k) for r in rows.itertuples()])
    return predicted / (rows.latency_ms.to_numpy() * 1e-3) - 1.0


@pytest.fixture(scope="module")
def products(reference):
    return pd.read_csv(reference / "kernel_gemm.csv.gz")


@pytest.mark.parametrize("chip", CHIPS)
def test_measured_bf16_products(products, chip):
    errors = _errors(products, chip, "bfloat16", "bf16")
    print(f"{chip} bf16: {errors.size} rows, mean error {np.abs(errors).mean():.1%}, bias {errors.mean():+.1%}")
    assert np.abs(errors).mean() <= 0.08


@pytest.mark.parametrize("chip", ["H100-SXM-80GB", "H200-141GB"])
def test_measured_block_scaled_fp8_products(products, chip):
    """Scaling costs products with a side of 1,024 up to half of their speed, which the law does not know."""
    every = _errors(products, chip, "fp8_block", "fp8")
    errors = _errors(products, chip, "fp8_block", "fp8", smallest=2048)
    print(f"{chip} fp8: {errors.size} rows, mean error {np.abs(errors).mean():.1%}, bias {errors.mean():+.1%}")
    print(f"{chip} fp8, narrow ones too: {every.size} rows, mean error {np.abs(every).mean():.1%}")
    assert np.abs(errors).mean() <= 0.10
    assert np.abs(every).mean() <= 0.27


def test_limits_of_a_product():
    device = load_device("H100-SXM", "bf16")
    large = 2.0 * 65536**3 / (device.peak * device.matmul)
    assert matmul_seconds(device, 65536, 65536, 65536) == pytest.approx(large, rel=1e-3)
    # one row: the weight is read once, and that is all
    thin = 2.0 * 16384**2 / device.bandwidth
    assert matmul_seconds(device, 1, 16384, 16384) - device.launch == pytest.approx(thin, rel=1e-3)
    assert matmul_seconds(device, 1, 1, 1) == pytest.approx(device.launch, rel=1e-3)
    assert matmul_seconds(device, 512, 512, 512, 7) == pytest.approx(7 * matmul_seconds(device, 512, 512, 512))


def test_a_product_is_never_faster_than_its_rooflines():
    device = load_device("A100-80G-SXM", "bf16")
    for m, n, k in np.random.default_rng(1).integers(1, 20000, (50, 3)):
        seconds = matmul_seconds(device, m, n, k)
        assert seconds >= 2.0 * m * n * k / (device.peak * device.matmul)
        assert seconds >= 2.0 * (m * n + n * k + m * k) / device.bandwidth


def test_attention_and_streaming():
    device = load_device("H100-SXM", "fp8")
    # attention stays in bf16 when the products are in fp8
    assert device.attention_peak == load_device("H100-SXM", "bf16").peak
    forward, backward = (attention_seconds(device, 1e12, backward=b) - device.launch for b in (False, True))
    assert backward / forward == pytest.approx(2.5 * device.attention_forward / device.attention_backward)
    assert streaming_seconds(device, 1e9, 4) == pytest.approx(1e9 / device.bandwidth + 4 * device.launch)
