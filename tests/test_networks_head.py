"""The head: Keras' initial weights, Keras' penalty, standardised features."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from laudo.core.recipe import Head
from laudo.networks.head import ClassifierHead, Standardise


def test_kernels_start_as_glorot_uniform_and_biases_at_zero():
    torch.manual_seed(0)
    head = ClassifierHead(512, 1, Head(hidden=(128, 64)))
    sizes = [(512, 128), (128, 64), (64, 1)]
    assert [(layer.in_features, layer.out_features) for layer in head.dense] == sizes
    for layer in head.dense:
        limit = np.sqrt(6 / (layer.in_features + layer.out_features))
        weights = layer.weight.detach().numpy()
        assert np.abs(weights).max() <= limit
        assert np.abs(weights).max() > 0.9 * limit
        assert weights.std() == pytest.approx(limit / np.sqrt(3), rel=0.15)
        assert (layer.bias == 0).all()


@pytest.mark.parametrize(("l2_on", "layers"), [("hidden", slice(0, 2)), ("all", slice(0, 3))])
def test_the_penalty_is_l2_times_the_sum_of_squared_kernels(l2_on, layers):
    head = ClassifierHead(7, 3, Head(hidden=(5, 4), l2=0.01, l2_on=l2_on))
    for layer in head.dense:
        torch.nn.init.constant_(layer.bias, 9.0)  # biases do not count
    kernels = [layer.weight.detach().double().numpy() for layer in head.dense]
    expected = 0.01 * sum((kernel**2).sum() for kernel in kernels[layers])
    assert head.penalty().item() == pytest.approx(expected, rel=1e-6)


def test_a_linear_head_is_penalised_itself():
    head = ClassifierHead(6, 2, Head(l2=0.5))
    assert len(head.dense) == 1
    assert head.penalty().item() == pytest.approx(0.5 * (head.dense[0].weight ** 2).sum().item())


def test_without_l2_the_penalty_is_nothing_and_has_no_gradient_trouble():
    head = ClassifierHead(6, 2, Head(hidden=(3,)))
    head.penalty().backward()
    assert head.penalty().item() == 0.0
    assert float(head.dense[0].weight.grad.abs().sum()) == 0.0


def test_the_gradient_of_the_penalty_is_two_l2_w():
    head = ClassifierHead(6, 2, Head(hidden=(3,), l2=0.1))
    head.penalty().backward()
    torch.testing.assert_close(head.dense[0].weight.grad, 0.2 * head.dense[0].weight.detach())
    assert head.dense[1].weight.grad is None


def test_features_are_standardised_as_sklearn_does():
    from sklearn.preprocessing import StandardScaler

    features = np.random.default_rng(0).normal(5, 3, (40, 6)).astype(np.float32)
    features[:, 2] = 4.0  # a constant feature is only centred
    head = ClassifierHead(6, 1, Head(normalise=True))
    head.standardise.fit(torch.from_numpy(features))
    ours = head.standardise(torch.from_numpy(features)).numpy()
    np.testing.assert_allclose(ours, StandardScaler().fit_transform(features), atol=1e-5)
    assert (ours[:, 2] == 0).all()
    assert {"standardise.mean", "standardise.std"} <= set(head.state_dict())


def test_dropout_is_where_the_recipe_says():
    with_hidden = ClassifierHead(4, 1, Head(hidden=(3,), dropout=0.4)).layers
    assert [type(m).__name__ for m in with_hidden] == ["Linear", "ReLU", "Dropout", "Linear"]
    assert with_hidden[2].p == 0.4
    linear = ClassifierHead(4, 1, Head(dropout=0.4)).layers
    assert [type(m).__name__ for m in linear] == ["Dropout", "Linear"]


def test_a_large_feature_that_never_varies_is_left_as_it_is():
    """In single precision its deviation would be one of rounding errors, and unseen values would be blown up."""
    standardise = Standardise(1)
    standardise.fit(torch.full((1653, 1), 12345.679))
    assert float(standardise.std) == 1.0
    assert abs(float(standardise(torch.full((1, 1), 12345.679)))) < 1e-2
