"""The networks for masks against what was published of them, and their fast layers against torch's."""

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from laudo.core.errors import RecipeError
from laudo.networks.fast_norms import FastGroupNorm, FastInstanceNorm, use_fast_norms
from laudo.networks.planned_unet import PlannedUNet
from laudo.networks.recompute import recompute
from laudo.networks.segmenter import Segmenter
from laudo.networks.unet2d import UNet2D
from laudo.networks.unet3d import UNet3D
from laudo.networks.unet_plan import plan_unet
from laudo.networks.up_convolution import UpConvolution

HIPPOCAMPUS = (40, 56, 40)


def trained(network):
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


# as published ------------------------------------------------------------------------------------------------


def test_unet2d_has_the_published_number_of_parameters():
    network = UNet2D(channels=1, outputs=2)
    statistics = sum(b.numel() for name, b in network.named_buffers() if "running" in name)
    assert trained(network) == 8_641_186
    assert trained(network) + statistics == 8_643_170
    assert network.multiple == (16, 16)


def test_unet3d_has_the_published_number_of_parameters():
    network = UNet3D(channels=3, outputs=3)
    norms = sum(trained(m) for m in network.modules() if isinstance(m, nn.BatchNorm3d))
    assert trained(network) - norms == 19_069_955


def test_unet3d_takes_narrower_filters():
    network = UNet3D(1, 2, filters=(8, 16))
    widths = [m.out_channels for m in network.modules() if isinstance(m, nn.Conv3d)]
    assert widths == [4, 8, 8, 16, 8, 8, 2]


# the plan ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patch", "halvings", "filters"),
    [
        (HIPPOCAMPUS, (3, 3, 3), (32, 64, 128, 256)),
        ((96, 96, 96), (4, 4, 4), (32, 64, 128, 256, 320)),
        ((128, 128, 128), (5, 5, 5), (32, 64, 128, 256, 320, 320)),
        ((128, 128), (5, 5), (32, 64, 128, 256, 512, 512)),
        ((64, 64, 13), (4, 4, 1), (32, 64, 128, 256, 320)),
        ((24, 8, 8), (2, 1, 1), (32, 64, 128)),
        ((16, 8, 11), (1, 1, 1), (32, 64)),  # eight voxels left along one axis alone: not worth a level
        ((8, 8, 8), (1, 1, 1), (32, 64)),
        ((5, 5, 5), (1, 1, 1), (32, 64)),
    ],
)
def test_plans_of_one_spacing(patch, halvings, filters):
    plan = plan_unet(patch)
    assert plan.multiple == tuple(2**n for n in halvings)
    assert plan.filters == filters
    assert len(plan.strides) == len(plan.kernels) == len(filters)
    assert all(kernel == (3,) * len(patch) for kernel in plan.kernels)


def test_a_coarse_axis_is_left_alone_until_the_others_are_as_coarse():
    plan = plan_unet((93, 7, 18), spacing_mm=(1.0, 1.0, 3.0))  # as nnU-Net 2.8.1 plans it
    assert plan.strides == ((1, 1, 1), (2, 1, 1), (2, 1, 2), (2, 1, 2), (2, 1, 1))
    assert plan.kernels == ((3, 3, 1), (3, 3, 1), (3, 3, 1), (3, 3, 1), (3, 3, 3))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(4, 200), min_size=2, max_size=3), st.integers(2, 4))
def test_a_plan_keeps_what_it_promises(patch, levels):
    plan = plan_unet(patch)
    coarsest = [-(-n // step) for n, step in zip(patch, plan.multiple, strict=True)]
    assert len(plan.strides) == 2 or min(coarsest) >= 4 or min(patch) < 8
    assert max(coarsest) < 12
    forced = plan_unet(patch, [8] * levels) if 2 ** (levels - 1) <= max(patch) else None
    assert forced is None or len(forced.strides) == levels


def test_more_levels_than_the_patch_can_have():
    with pytest.raises(RecipeError, match="too small") as refused:
        plan_unet((4, 4, 4), [8, 8, 8, 8])
    assert "at most 3 levels" in str(refused.value)


# nnU-Net's network in laudo's layers -------------------------------------------------------------------------


def dynunet_of(network, plan):
    """MONAI's DynUNet with the weights of a PlannedUNet: what nnU-Net has, written by others."""
    from monai.networks.nets.dynunet import DynUNet

    peer = DynUNet(
        len(plan.multiple),
        1,
        3,
        plan.kernels,
        plan.strides,
        plan.strides[1:],
        plan.filters,
        deep_supervision=True,
        deep_supr_num=len(plan.filters) - 2,
        trans_bias=True,
        norm_name=("INSTANCE", {"affine": True}),
    )

    def copy_block(theirs, blocks):
        for conv, norm, block in zip((theirs.conv1, theirs.conv2), (theirs.norm1, theirs.norm2), blocks, strict=True):
            conv.conv.weight.data.copy_(block[0].weight)
            norm.load_state_dict(block[1].state_dict())

    for theirs, ours in zip([peer.input_block, *peer.downsamples, peer.bottleneck], network.down, strict=True):
        copy_block(theirs, ours)
    for theirs, ours in zip(peer.upsamples, network.up, strict=True):
        theirs.transp_conv.conv.weight.data.copy_(ours.enlarge.convolution.weight)
        theirs.transp_conv.conv.bias.data.copy_(ours.enlarge.bias)
        copy_block(theirs.conv_block, ours.blocks)
    for theirs, ours in zip([peer.output_block, *peer.deep_supervision_heads], network.maps, strict=True):
        theirs.conv.conv.load_state_dict(ours.state_dict())
    return peer


@pytest.fixture(scope="module")
def planned():
    torch.manual_seed(0)
    plan = plan_unet((16, 24, 16), (8, 16, 24))
    network = PlannedUNet(1, 3, plan, deep_supervision=True)
    for parameter in network.parameters():
        if parameter.ndim == 1:
            nn.init.normal_(parameter, 1, 0.2)
    return network, dynunet_of(network, plan)


def loss_of(maps):
    return sum(F.cross_entropy(m, torch.arange(m[:, 0].numel()).view_as(m[:, 0]) % 3) for m in maps)


def trained_once(network, x, precision=None):
    """Logits of all grids, and gradients by shape-independent order."""
    network.train().zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        answer = network(x)
    maps = [answer.mask, *answer.deeper]
    loss_of(maps).backward()
    return [m.detach() for m in maps], {name: p.grad.clone() for name, p in network.named_parameters()}


def test_planned_unet_is_monais_dynunet(planned):
    network, peer = planned
    x = torch.randn(2, 1, 16, 24, 16, generator=torch.Generator().manual_seed(1))
    (mask, *deeper), gradients = trained_once(Segmenter(copy.deepcopy(network)), x)
    peer.train().zero_grad()
    peer_mask = peer(x)[:, 0]
    theirs = [peer_mask, *peer.heads]
    for ours, other in zip((mask, *deeper), theirs, strict=True):
        torch.testing.assert_close(ours, other, rtol=1e-4, atol=1e-4)
    loss_of(theirs).backward()
    for name, parameter in (
        ("network.down.0.0.0.weight", peer.input_block.conv1.conv.weight),
        ("network.down.2.1.1.bias", peer.bottleneck.norm2.bias),
        ("network.up.1.enlarge.bias", peer.upsamples[1].transp_conv.conv.bias),
        ("network.up.0.enlarge.convolution.weight", peer.upsamples[0].transp_conv.conv.weight),
        ("network.up.1.blocks.0.0.weight", peer.upsamples[1].conv_block.conv1.conv.weight),
    ):
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=1e-3, atol=1e-5)


def test_bfloat16_trains_like_single_precision(planned):
    x = torch.randn(2, 1, 16, 24, 16, generator=torch.Generator().manual_seed(1))
    segmenter = Segmenter(copy.deepcopy(planned[0]))
    exact, wanted = trained_once(segmenter, x)
    rounded, found = trained_once(segmenter, x, "bf16")
    for ours, other in zip(rounded, exact, strict=True):
        assert (ours - other).abs().mean() < 0.02 * other.std()
    for name, gradient in wanted.items():
        cosine = F.cosine_similarity(found[name].flatten(), gradient.flatten(), dim=0)
        assert cosine > 0.98, name
        assert found[name].dtype == torch.float32


def test_recomputing_survives_a_copy(planned):
    network = copy.deepcopy(planned[0])
    recompute(network.levels())
    copied = copy.deepcopy(network)
    assert copied.down[0].forward.args[0] is copied.down[0]
    x = torch.randn(1, 1, 16, 24, 16)
    torch.testing.assert_close(copied.train()(x).masks[0], planned[0].train()(x).masks[0])


# layers ------------------------------------------------------------------------------------------------------


def in_both_orders(shape):
    """The same numbers in torch's order and channels-last, both leaves."""
    x = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2)) * 3 + 5
    last = torch.channels_last if len(shape) == 4 else torch.channels_last_3d
    return x.requires_grad_(), x.detach().clone(memory_format=last).requires_grad_()


@pytest.mark.parametrize("shape", [(3, 8, 5, 4), (3, 8, 5, 4, 3), (1, 8, 5, 4, 3), (2, 16, 1, 2, 1)])
@pytest.mark.parametrize("kind", ["instance", "affine", "group"])
def test_norms_are_torchs_in_either_order(shape, kind):
    axes, channels = len(shape) - 2, shape[1]
    instance = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}[axes]
    peer = nn.GroupNorm(4, channels) if kind == "group" else instance(channels, affine=kind == "affine")
    for parameter in peer.parameters():
        nn.init.normal_(parameter)
    holder = nn.Sequential(nn.Sequential(peer.double()))
    replaced = copy.deepcopy(holder)
    use_fast_norms(replaced)
    ours = replaced[0][0].double()
    assert isinstance(ours, FastGroupNorm if kind == "group" else FastInstanceNorm)
    weights = torch.randn(shape, dtype=torch.float64)
    for x in in_both_orders(shape):
        y, z = ours(x), peer(x)
        torch.testing.assert_close(y, z)
        assert y.is_contiguous() == x.is_contiguous() or 1 in shape[2:]
        given = [x, *ours.parameters()]
        for mine, theirs in zip(
            torch.autograd.grad((y * weights).sum(), given),
            torch.autograd.grad((z * weights).sum(), [x, *peer.parameters()]),
            strict=True,
        ):
            torch.testing.assert_close(mine, theirs)


def test_one_voxel_has_no_deviation():
    with pytest.raises(ValueError, match="more than 1"):
        FastInstanceNorm(4)(torch.zeros(2, 4, 1, 1))


@pytest.mark.parametrize(("kernel", "stride"), [((2, 2, 2), (2, 2, 2)), ((1, 2, 2), (1, 2, 2)), ((3, 3), (2, 2))])
def test_up_convolution_is_the_transpose_of_keras_convolution(kernel, stride):
    """Transposed: ⟨up(x), y⟩ = ⟨x, down(y)⟩, where ``down`` pads at the far end as Keras' strided convolution does."""
    torch.manual_seed(0)
    axes = len(kernel)
    layer = UpConvolution(3, 2, kernel, stride).double()
    x = torch.randn(2, 3, *(range(4, 4 + axes)), dtype=torch.float64)
    y = layer(x)
    assert y.shape[2:] == torch.Size(n * step for n, step in zip(x.shape[2:], stride, strict=True))
    g = torch.randn_like(y)
    padded = F.pad(g, [end for k, step in zip(kernel[::-1], stride[::-1], strict=True) for end in (0, k - step)])
    down = {2: F.conv2d, 3: F.conv3d}[axes](padded, layer.convolution.weight, stride=stride)
    torch.testing.assert_close((y * g).sum(), (x * down).sum())
    nn.init.constant_(layer.bias, 2.0)
    torch.testing.assert_close(layer(x), y + 2)
    layer(x).sum().backward()
    torch.testing.assert_close(layer.bias.grad, torch.full((2,), float(y[:, 0].numel()), dtype=torch.float64))
