"""Losses of samples with several labels against numpy and PyTorch's own, weights, and both forms of targets."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from laudo.core.recipe import Head, Training
from laudo.networks.classifier import class_probabilities
from laudo.networks.head import ClassifierHead
from laudo.train.label_losses import positive_weights, right_answers
from laudo.train.losses import balanced_weights, classification_loss, sample_weights


def drawn(seed: int, n: int = 12, labels: int = 3):
    random = torch.Generator().manual_seed(seed)
    targets = (torch.rand(n, labels, generator=random) < 0.4).to(torch.uint8)
    return torch.randn(n, labels, generator=random) * 2, targets


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_cross_entropy_is_pytorchs_binary_one(seed):
    logits, targets = drawn(seed)
    expected = F.binary_cross_entropy_with_logits(logits, targets.float())
    assert classification_loss(logits, targets, Training()).item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_losses_agree_with_numpy(loss, smoothing):
    logits, targets = drawn(3)
    weights = torch.tensor([1.0, 3.0, 0.5])
    training = Training(loss=loss, **({"focal_alpha": 0.3, "focal_gamma": 1.5} if loss == "focal" else {}))
    p = 1 / (1 + np.exp(-logits.double().numpy()))
    y = targets.numpy()
    wanted = y * (1 - smoothing) + smoothing / 2
    yes, no = -np.log(p), -np.log(1 - p)
    if loss == "focal":
        yes, no = 0.3 * (1 - p) ** 1.5 * yes, 0.7 * p**1.5 * no
    w = np.where(y == 1, weights.numpy(), 1.0)
    expected = ((wanted * yes + (1 - wanted) * no) * w).sum() / w.sum()
    found = classification_loss(logits, targets, training, weights, smoothing)
    assert found.item() == pytest.approx(expected, rel=1e-5)
    assert sample_weights(targets, weights).numpy() == pytest.approx(w.mean(axis=1))


def test_weights_make_both_answers_of_each_label_count_the_same():
    targets = torch.tensor([[1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 1, 0]])
    found = balanced_weights(targets, 3)
    assert found.tolist() == [3.0, 1.0, 1.0]
    assert torch.equal(found, positive_weights(targets))


def test_an_answer_is_right_when_all_labels_are():
    probabilities = torch.tensor([[0.9, 0.6], [0.9, 0.4], [0.1, 0.2]])
    assert right_answers(probabilities, torch.tensor([[1, 1], [1, 1], [0, 0]])).tolist() == [True, False, True]
    assert right_answers(probabilities, torch.tensor([0, 1, 1])).tolist() == [True, False, True]


def test_the_head_knows_that_its_labels_exclude_nothing():
    head = ClassifierHead(4, 3, Head(), multilabel=True)
    logits = head(torch.randn(5, 4))
    found = class_probabilities(logits, head.multilabel)
    assert torch.allclose(found, torch.sigmoid(logits))
    assert not torch.allclose(found.sum(dim=1), torch.ones(5))
