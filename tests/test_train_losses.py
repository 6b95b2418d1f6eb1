"""Losses against scikit-learn, PyTorch and cases worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight
from torchvision.ops import sigmoid_focal_loss

from laudo.core.recipe import Training
from laudo.train.losses import balanced_weights, classification_loss, cross_entropy, focal_loss


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


# focal loss ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (0.55, 2.0), (0.5, 0.0), (0.9, 0.5), (0.0, 5.0)])
def test_focal_loss_is_torchvisions(batch, alpha, gamma):
    z, y = batch
    theirs = sigmoid_focal_loss(z[:, 0], y.float(), alpha=alpha, gamma=gamma, reduction="mean")
    torch.testing.assert_close(focal_loss(z, y, alpha, gamma), theirs)
    torch.testing.assert_close(focal_loss(both(z), y, alpha, gamma), theirs)


def test_focal_loss_worked_by_hand():
    z = torch.tensor([[0.0], [math.log(3.0)]])  # probabilities one half and three quarters
    first, second = 0.6 * 0.5**2 * math.log(2), 0.4 * 0.75**2 * math.log(4)
    assert float(focal_loss(z, torch.tensor([1, 0]), 0.6, 2.0)) == pytest.approx((first + second) / 2)
    # class weights: a weighted mean, alpha and gamma on top
    weights = torch.tensor([3.0, 1.0])
    expected = (1 * first + 3 * second) / 4
    assert float(focal_loss(z, torch.tensor([1, 0]), 0.6, 2.0, weights)) == pytest.approx(expected)
    # smoothing by 0.2: nine tenths of the second class's term, one tenth of the first's
    smoothed = 0.9 * 0.6 * 0.25**2 * math.log(4 / 3) + 0.1 * 0.4 * 0.75**2 * math.log(4)
    assert float(focal_loss(z[1:], torch.tensor([1]), 0.6, 2.0, None, 0.2)) == pytest.approx(smoothed)
    # three classes of probability 1/2, 1/4, 1/4
    logits = torch.tensor([[math.log(2.0), 0.0, 0.0]])
    assert float(focal_loss(logits, torch.tensor([0]), 0.3, 3.0)) == pytest.approx(0.3 * 0.5**3 * math.log(2))
    assert float(focal_loss(logits, torch.tensor([2]), 0.3, 3.0)) == pytest.approx(0.3 * 0.75**3 * math.log(4))


@pytest.mark.parametrize(("weights", "smoothing"), [(None, 0.0), (torch.tensor([0.7, 2.5]), 0.0), (None, 0.3)])
def test_without_gamma_it_is_weighted_cross_entropy(batch, weights, smoothing):
    z, y = batch
    half = focal_loss(z, y, 0.5, 0.0, weights, smoothing)
    torch.testing.assert_close(half, cross_entropy(z, y, weights, smoothing) / 2)
    alpha = torch.tensor([0.3, 0.7])
    expected = cross_entropy(z, y, alpha) * alpha[y].mean()  # there the mean is over the weights, here over samples
    torch.testing.assert_close(focal_loss(z, y, 0.7, 0.0), expected)
    logits = torch.randn(30, 4, generator=torch.Generator().manual_seed(0))
    targets = torch.arange(30) % 4
    four = torch.tensor([1.0, 2.0, 0.5, 3.0])
    torch.testing.assert_close(focal_loss(logits, targets, 1.0, 0.0, four), cross_entropy(logits, targets, four))
    torch.testing.assert_close(
        focal_loss(logits, targets, 1.0, 0.0, None, 0.2), cross_entropy(logits, targets, None, 0.2)
    )


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 2.0])
def test_focal_loss_and_its_gradient_are_finite_far_out(gamma):
    for z in (
        torch.tensor([[-200.0], [200.0], [0.0], [200.0]], requires_grad=True),
        torch.tensor([[200.0, -200.0, 0.0], [-200.0, 200.0, 0.0]] * 2, requires_grad=True),
    ):
        loss = focal_loss(z, torch.tensor([0, 1, 1, 0]), 0.25, gamma)
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(z.grad).all()
    assert float(focal_loss(torch.tensor([[-200.0]]), torch.tensor([1]), 1.0, gamma)) == pytest.approx(200.0)
    assert focal_loss(torch.tensor([[1.0]], dtype=torch.bfloat16), torch.tensor([1])).dtype is torch.float32


@given(
    z=st.lists(st.floats(-8, 8), min_size=2, max_size=6),
    alpha=st.floats(0, 1),
    gamma=st.floats(0, 5),
    label=st.integers(0, 5),
)
def test_the_surer_the_right_answer_the_smaller_and_never_above_cross_entropy(z, alpha, gamma, label):
    logits, target = torch.tensor([z], dtype=torch.float32), torch.tensor([label % len(z)])
    loss = float(focal_loss(logits, target, alpha, gamma))
    assert 0 <= loss <= float(cross_entropy(logits, target)) * (1 + 1e-5) + 1e-6
    surer = logits.clone()
    surer[0, target] += 1.0
    assert float(focal_loss(surer, target, alpha, gamma)) <= loss + 1e-6


def test_the_recipe_chooses_the_loss(batch):
    z, y = batch
    plain, focal = Training(), Training(loss="focal", focal_alpha=0.6, focal_gamma=1.5)
    weights = torch.tensor([0.7, 2.5])
    assert torch.equal(classification_loss(z, y, plain, weights, 0.1), cross_entropy(z, y, weights, 0.1))
    assert torch.equal(classification_loss(z, y, focal, weights, 0.1), focal_loss(z, y, 0.6, 1.5, weights, 0.1))
    assert torch.equal(classification_loss(z, y, focal), focal_loss(z, y, 0.6, 1.5))
