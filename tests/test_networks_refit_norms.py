"""Batch normalisation measured anew: the same answers as before, and statistics of the images it was given."""

from __future__ import annotations

import copy

import pytest
import timm
import torch
from torch import nn

from laudo.networks.refit_norms import refit_batch_norm


def folded(name: str) -> nn.Module:
    """A network whose normalisation stands in its convolutions, as in files made for small devices: scale and shift are left."""
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=0).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.zero_()
            module.running_var.fill_(1 - module.eps)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.2, 0.2)
    return network


@pytest.mark.parametrize("name", ["mobilenetv2_050", "resnet10t"])
def test_the_answers_stay(name):
    network = folded(name)
    images = torch.randn(6, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    others = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        before = network(others)
        layers = refit_batch_norm(network, images)
        after = network(others)
    assert layers == sum(isinstance(module, nn.BatchNorm2d) for module in network.modules()) > 5
    assert float((before - after).abs().max()) < 1e-3 * float(before.abs().max())


def test_each_layer_has_the_statistics_of_what_it_is_given():
    network = folded("mobilenetv2_050")
    images = torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    refit_batch_norm(network, images)
    given = {}
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_pre_hook(lambda _layer, inputs, name=name: given.__setitem__(name, inputs[0]))
    with torch.no_grad():
        network(images)
    for name, values in given.items():
        layer = network.get_submodule(name)
        assert torch.allclose(layer.running_mean, values.mean(dim=(0, 2, 3)), atol=1e-3)
        varied = values.var(dim=(0, 2, 3), unbiased=False).clamp(min=1e-3)
        assert torch.allclose(layer.running_var, varied, rtol=1e-2, atol=1e-5)


def test_learning_batch_statistics_then_changes_little_where_it_changed_everything():
    """What it is for: on the images themselves, training mode answers as evaluation mode does."""
    plain = folded("mobilenetv2_050")
    refitted = copy.deepcopy(plain)
    images = torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(4))
    refit_batch_norm(refitted, images)

    def moved(network: nn.Module) -> float:
        with torch.no_grad():
            judged = network.eval()(images)
            learned = copy.deepcopy(network).train()(images)
        return float((judged - learned).norm() / judged.norm())

    assert moved(refitted) < 0.05
    assert moved(plain) > 0.5


def test_a_channel_that_never_varies_is_not_blown_up():
    layer = nn.Sequential(nn.BatchNorm2d(2)).eval()
    images = torch.zeros(4, 2, 8, 8)
    images[:, 1] = torch.randn(4, 8, 8)
    refit_batch_norm(layer, images)
    assert torch.isfinite(layer(images)).all()
    assert float(layer[0].running_var[0]) == pytest.approx(1e-3)
    assert torch.allclose(layer(images), images / (1 + 1e-5) ** 0.5, atol=1e-5)
