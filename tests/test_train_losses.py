"""Losses against scikit-learn, PyTorch and cases worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight

from laudo.train.losses import balanced_weights, cross_entropy


@pytest.fixture
def batch():
    rng = np.random.default_rng(4)
    return torch.tensor(rng.normal(0, 3, (50, 1)), dtype=torch.float32), torch.from_numpy(rng.integers(0, 2, 50))


def both(z: torch.Tensor) -> torch.Tensor:
    return torch.cat([torch.zeros_like(z), z], dim=1)


def test_it_is_scikit_learns_log_loss(batch):
    z, y = batch
    expected = log_loss(y.numpy(), torch.sigmoid(z[:, 0].double()).numpy())
    assert float(cross_entropy(z, y)) == pytest.approx(expected, rel=1e-5)
    logits = torch.randn(30, 4, generator=torch.Generator().manual_seed(0))
    targets = torch.arange(30) % 4
    expected = log_loss(targets.numpy(), torch.softmax(logits.double(), 1).numpy(), labels=range(4))
    assert float(cross_entropy(logits, targets)) == pytest.approx(expected, rel=1e-5)


def test_worked_by_hand():
    z = torch.tensor([[0.0], [math.log(3.0)]])  # probabilities one half and three quarters
    assert float(cross_entropy(z, torch.tensor([1, 0]))) == pytest.approx((math.log(2) + math.log(4)) / 2)
    weights = torch.tensor([3.0, 1.0])
    expected = (1 * math.log(2) + 3 * math.log(4)) / 4  # the weighted mean, not the mean of weighted losses
    assert float(cross_entropy(z, torch.tensor([1, 0]), weights)) == pytest.approx(expected)
    # smoothing by 0.2: nine tenths of the target on the true class, one tenth on the other
    smoothed = 0.9 * math.log(4 / 3) + 0.1 * math.log(4)
    assert float(cross_entropy(z[1:], torch.tensor([1]), None, 0.2)) == pytest.approx(smoothed)


@pytest.mark.parametrize(
    ("weights", "smoothing"), [(None, 0.0), (None, 0.1), (None, 0.4), (torch.tensor([0.7, 2.5]), 0.0)]
)
def test_both_output_forms_agree(batch, weights, smoothing):
    z, y = batch
    torch.testing.assert_close(cross_entropy(z, y, weights, smoothing), cross_entropy(both(z), y, weights, smoothing))


def test_it_is_exact_far_out_and_in_half_precision():
    z = torch.tensor([[-200.0], [200.0]])
    assert float(cross_entropy(z, torch.tensor([1, 0]))) == pytest.approx(200.0)
    loss = cross_entropy(torch.tensor([[1.0]], dtype=torch.bfloat16), torch.tensor([1]))
    assert loss.dtype is torch.float32


@pytest.mark.parametrize("counts", [(10, 10), (1, 99), (5, 7, 30)])
def test_balanced_weights_are_scikit_learns(counts):
    y = np.repeat(np.arange(len(counts)), counts)
    expected = compute_class_weight("balanced", classes=np.arange(len(counts)), y=y)
    np.testing.assert_allclose(balanced_weights(torch.from_numpy(y), len(counts)).numpy(), expected, rtol=1e-6)


def test_a_class_without_samples_weighs_nothing():
    weights = balanced_weights(torch.tensor([0, 0, 2]), 3)
    assert weights[1] == 0
    assert torch.isfinite(weights).all()
