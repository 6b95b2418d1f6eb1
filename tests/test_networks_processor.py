"""Layers that are made for processors give what torch's own give."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from laudo.networks.backbone import BackboneSpec
from laudo.networks.depthwise import DepthwiseConvolution, mark_depthwise
from laudo.networks.fast_dropout import FastDropout
from laudo.networks.table import build_backbone


def channels_last(*shape: int) -> torch.Tensor:
    return torch.rand(*shape).add(0.5).to(memory_format=torch.channels_last)


# dropout --------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.floats(0.01, 0.99), st.booleans(), st.sampled_from([torch.float32, torch.bfloat16]), st.integers(0, 99))
def test_numbers_are_dropped_as_often_as_asked_and_the_others_grow(p, last, dtype, seed):
    torch.manual_seed(seed)
    x = channels_last(3, 5, 37, 41).to(dtype)
    x = (x if last else x.contiguous()).requires_grad_()
    y = FastDropout(p)(x)
    dropped = y == 0
    n = x.numel()
    assert abs(int(dropped.sum()) - n * p) < 5 * (n * p * (1 - p)) ** 0.5 + 1
    torch.testing.assert_close(y[~dropped].float(), x[~dropped].float() / (1 - p), rtol=1e-2, atol=0)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(gradient == 0, dropped)
    assert y.stride() == x.stride()


def test_draws_are_independent_of_each_other_and_follow_the_seed():
    layer, x = FastDropout(0.5), torch.ones(200_000)
    torch.manual_seed(1)
    first, second = layer(x) > 0, layer(x) > 0
    torch.manual_seed(1)
    assert torch.equal(layer(x) > 0, first)
    for a, b in ((first, second), (first[:-1], first[1:]), (first[:-4], first[4:]), (first[:-2], first[2:])):
        assert float((a == b).float().mean()) == pytest.approx(0.5, abs=0.006)  # 5 standard deviations


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_the_ends_and_evaluation_are_exact(p):
    x = torch.rand(4, 6)
    assert torch.equal(FastDropout(p)(x), F.dropout(x, p))
    assert torch.equal(FastDropout(0.5).eval()(x), x)
    odd = torch.rand(6, 8)[:, ::2]  # not dense: torch's own
    assert FastDropout(0.5)(odd).shape == (6, 4)


# depthwise convolutions -----------------------------------------------------------------------------------------


def test_gradients_in_half_precision_are_those_of_single_precision():
    torch.manual_seed(0)
    plain = nn.Conv2d(24, 24, 5, stride=2, padding=2, groups=24)
    marked = copy.deepcopy(plain)
    assert mark_depthwise(nn.Sequential(marked, nn.Conv2d(24, 24, 3), nn.Conv2d(1, 8, 3))) == 1
    x = channels_last(2, 24, 20, 20)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = marked(ours)
    assert y.dtype == torch.bfloat16
    expected = plain(theirs)
    torch.testing.assert_close(y.float(), expected, rtol=2**-8, atol=1e-6)  # rounded once, at the end
    y.float().sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)
    torch.testing.assert_close(marked.weight.grad, plain.weight.grad)


@torch.no_grad()
def test_without_gradients_or_autocast_it_is_the_plain_layer():
    plain = nn.Conv2d(8, 16, 3, groups=8)
    marked = copy.deepcopy(plain)
    mark_depthwise(marked)
    x = channels_last(1, 8, 9, 9)
    assert torch.equal(marked(x), plain(x))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(marked(x), plain(x))
    with torch.enable_grad():
        assert torch.equal(marked(x), plain(x))


def test_networks_with_depthwise_convolutions_have_them_marked_and_keep_their_names():
    import timm

    backbone = build_backbone(BackboneSpec("mobilenetv2_100"))
    layers = [module for module in backbone.modules() if isinstance(module, DepthwiseConvolution)]
    assert len(layers) == 17
    assert all(layer.weight.shape[1] == 1 for layer in layers)
    wanted = timm.create_model("mobilenetv2_100", num_classes=0).state_dict()
    assert list(backbone.model.state_dict()) == list(wanted)
