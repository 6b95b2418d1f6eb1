"""What benchmarks/sliding_window.py measures, on a small field: both sides are the same function."""

from pathlib import Path

import pytest
import torch


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "benchmarks"))
    import sliding_window

    return sliding_window


def test_both_sides_give_the_same(benchmark, monkeypatch):
    monkeypatch.setattr(benchmark, "WINDOW", (32, 32, 32))
    torch.manual_seed(1)
    volume = torch.randn(4, 40, 36, 32)
    volume[:, :33] = 0.0
    rows = benchmark.measure(volume, (4, 8, 8), turns=1, batch=1)
    assert rows[-1].name == "laudo, fp32"
    assert all(row.passed for row in rows)
    assert all(len(row.seconds) == 1 and row.ratio > 0 for row in rows)


@pytest.mark.parametrize(
    ("shift", "precision", "passed"), [(0.0, "fp32", True), (2e-4, "fp32", False), (9.0, "bf16", False)]
)
def test_answers_that_differ_do_not_pass(benchmark, shift, precision, passed):
    torch.manual_seed(1)
    theirs = torch.randn(4, 9, 9, 9)
    ours = theirs.clone()
    ours[0] += shift
    row = benchmark.Row("x")
    benchmark.compare(row, ours, theirs, precision)
    assert row.passed is passed
