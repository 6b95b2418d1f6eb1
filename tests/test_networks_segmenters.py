"""The contract of every network that outlines structures."""

import copy

import pytest
import torch
from safetensors.torch import load_file, save_file

from laudo.core.errors import RecipeError, UnknownNameError
from laudo.core.recipe import Network
from laudo.networks.segmentation_table import SEGMENTERS, build_segmenter, is_segmenter
from laudo.networks.segmenter import mask_probabilities

NARROW = {
    "unet2d": [4, 8, 12],
    "unet3d": [8, 16],
    "planned_unet": [4, 8, 12],
    "dynunet": [4, 8, 12],
    "segresnet": [8],
    "swinunetr": [12],
}
CASES = [(name, axes) for name, entry in SEGMENTERS.items() for axes in entry.axes]
DEEP = [(name, axes) for name, axes in CASES if SEGMENTERS[name].deep]
LIGHT = [(name, axes) for name, axes in CASES if (name, axes) != ("swinunetr", 3)]
"""On a processor of a laptop SwinUNETR takes a second for the smallest volume."""
OUTPUTS, LABELS = 3, 4


def build(name, axes, channels=1, **settings):
    torch.manual_seed(0)
    network = Network(backbone=name, filters=NARROW[name], **settings)
    return build_segmenter(network, channels, OUTPUTS, LABELS, (16,) * axes)


def images(axes, *, channels=1, batch=2, side=16, seed=1):
    generator = torch.Generator().manual_seed(seed)
    if axes == 2:
        return torch.randint(0, 256, (batch, channels, side, side + 4), generator=generator, dtype=torch.uint8)
    return torch.randn(batch, channels, side, side + 4, side - 4, generator=generator)


def loss_of(answer):
    """Something that every output has a part in, and no two voxels the same."""
    maps = [answer.mask, *answer.deeper] + ([] if answer.label is None else [answer.label])
    return sum((m * torch.linspace(-1, 1, m.numel()).view(m.shape)).sum() for m in maps)


def gradients(segmenter, x):
    segmenter.zero_grad()
    loss_of(segmenter(x)).backward()
    return {name: parameter.grad for name, parameter in segmenter.named_parameters()}


def test_the_table_is_tried_out_whole():
    assert set(NARROW) == set(SEGMENTERS)
    assert is_segmenter("unet2d")
    assert not is_segmenter("resnet50")


@pytest.mark.parametrize(("name", "axes"), LIGHT)
@pytest.mark.parametrize("channels", [1, 4])
def test_the_mask_is_as_large_as_the_image(name, axes, channels):
    segmenter = build(name, axes, channels).eval()
    assert segmenter.axes == axes
    for size in [(1, 1, 1), (17, 33, 9)]:
        x = torch.randn(1, channels, *size[:axes])
        with torch.no_grad():
            answer = segmenter(x)
        assert answer.mask.shape == (1, OUTPUTS, *size[:axes])
        assert answer.mask.dtype == torch.float32
        assert answer.mask.isfinite().all()
        assert answer.deeper == ()
        assert answer.label is None


@pytest.mark.parametrize(("name", "axes"), CASES)
def test_gradients_reach_every_parameter_and_the_mask_says_the_same_twice(name, axes):
    deep = SEGMENTERS[name].deep
    segmenter = build(name, axes, label_head=True, deep_supervision=deep, head={"hidden": [32]})
    x = images(axes, batch=1)
    found = gradients(segmenter.train(), x)
    without = [key for key, gradient in found.items() if gradient is None or not gradient.abs().sum() > 0]
    assert without == []
    segmenter.eval()
    with torch.no_grad():
        first, second = segmenter(x), segmenter(x)
    assert first.mask.shape == (1, OUTPUTS, *x.shape[2:])
    assert torch.equal(first.mask, second.mask)
    assert torch.equal(first.label, second.label)
    assert first.label.shape == (1, LABELS)
    assert first.deeper == ()


@pytest.mark.parametrize(("name", "axes"), DEEP)
def test_coarser_grids_answer_in_training_only(name, axes):
    segmenter = build(name, axes, deep_supervision=True).train()
    x = images(axes, side=16)
    answer = segmenter(x)
    levels = len(NARROW[name])
    assert [tuple(m.shape) for m in answer.deeper] == [
        (2, OUTPUTS, *(-(-n // 2**level) for n in x.shape[2:])) for level in range(1, levels - 1)
    ]
    assert build(name, axes).train()(x).deeper == ()
    with torch.no_grad():
        assert segmenter.eval()(x).deeper == ()
    odd = segmenter.train()(images(axes, side=21))
    for level, found in enumerate((odd.mask, *odd.deeper)):
        assert found.shape[2] == -(-21 // 2**level)


@pytest.mark.parametrize(("name", "axes"), LIGHT)
def test_checkpointing_changes_neither_gradients_nor_statistics(name, axes):
    deep = SEGMENTERS[name].deep
    plain = build(name, axes, label_head=True, deep_supervision=deep)
    twice = build(name, axes, label_head=True, deep_supervision=deep, gradient_checkpointing=True)
    x = images(axes)
    kept, used = [], []
    for segmenter, sizes in ((plain, kept), (twice, used)):
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t, sizes=sizes: (sizes.append(t.numel()), t)[1], lambda t: t
        ):
            loss_of(segmenter.train()(x))
    assert sum(used) < 0.8 * sum(kept)
    ours, theirs = (gradients(segmenter, x) for segmenter in (copy.deepcopy(twice), copy.deepcopy(plain)))
    for key, gradient in theirs.items():
        torch.testing.assert_close(ours[key], gradient, rtol=1e-4, atol=1e-5 * float(gradient.abs().max()) + 1e-7)
    for segmenter in (plain, twice):
        gradients(segmenter, x)
    for (key, a), (other, b) in zip(plain.named_buffers(), twice.named_buffers(), strict=True):
        assert key == other
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize(("name", "axes"), LIGHT)
def test_weights_come_back_from_a_file(name, axes, tmp_path):
    settings = {"label_head": True, "deep_supervision": SEGMENTERS[name].deep}
    segmenter = build(name, axes, **settings)
    segmenter.train()(images(axes))  # so that running statistics are not those of the start
    save_file(
        {key: value.contiguous() for key, value in segmenter.state_dict().items()}, tmp_path / "model.safetensors"
    )
    other = build(name, axes, **settings)
    for parameter in other.parameters():
        torch.nn.init.normal_(parameter)
    other.load_state_dict(load_file(tmp_path / "model.safetensors"))
    x = images(axes)
    with torch.no_grad():
        ours, theirs = segmenter.eval()(x), other.eval()(x)
    assert torch.equal(ours.mask, theirs.mask)
    assert torch.equal(ours.label, theirs.label)


@pytest.mark.parametrize(("name", "axes"), LIGHT)
def test_bfloat16_says_nearly_the_same(name, axes):
    """What autocast changes, compared with single precision, layer norms and attention included."""
    segmenter = build(name, axes).train()
    x = images(axes)
    exact = segmenter(x).mask
    with torch.autocast("cpu", torch.bfloat16):
        rounded = segmenter(x).mask
    assert rounded.dtype == torch.float32
    assert (rounded - exact).abs().mean() < 0.05 * exact.std()
    assert not torch.equal(rounded, exact)


@pytest.mark.parametrize(("name", "axes"), LIGHT)
def test_a_sample_is_answered_alike_in_any_company(name, axes):
    segmenter = build(name, axes).eval()
    x = images(axes, batch=3)
    with torch.no_grad():
        torch.testing.assert_close(segmenter(x).mask[1:2], segmenter(x[1:2]).mask, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.float32])
def test_pixels_of_any_type_are_scaled_alike_and_volumes_are_not_scaled(dtype):
    segmenter = build("planned_unet", 2).eval()
    x = images(2)
    seen = []
    segmenter.network.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        segmenter(x.to(dtype))
    torch.testing.assert_close(seen[0][:, :, :16, :20], x.float() / 255)
    volumes = build("planned_unet", 3).eval()
    volumes.network.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        volumes(images(3))
    assert torch.equal(seen[1][:, :, :16, :20, :12], images(3))


def test_probabilities():
    logits = torch.tensor([[0.0, 1.0], [2.0, -3.0]]).view(1, 2, 2)
    exclusive = mask_probabilities(logits.bfloat16(), overlapping=False)
    assert exclusive.dtype == torch.float32
    torch.testing.assert_close(exclusive.sum(dim=1), torch.ones(1, 2))
    torch.testing.assert_close(mask_probabilities(logits, overlapping=True)[0, 0, 0], torch.tensor(0.5))


@pytest.mark.parametrize(
    ("settings", "axes", "words"),
    [
        ({"backbone": "unet3d"}, 2, "axes"),
        ({"backbone": "unet2d"}, 3, "axes"),
        ({"backbone": "segresnet", "deep_supervision": True}, 3, "deep supervision"),
        ({"backbone": "segresnet", "filters": [12]}, 3, "network.filters"),
        ({"backbone": "swinunetr", "filters": [12, 24]}, 3, "network.filters"),
        ({"backbone": "unet3d", "filters": [12]}, 3, "network.filters"),
        ({"backbone": "dynunet", "filters": [8, 16]}, 3, "network.filters"),
        ({"backbone": "planned_unet", "filters": [8] * 7}, 3, "too small"),
        ({"backbone": "unet3d", "label_head": True, "head": {"normalise": True}}, 3, "standardise"),
    ],
)
def test_what_a_network_can_not_do_is_refused(settings, axes, words):
    with pytest.raises(RecipeError, match=words) as refused:
        build_segmenter(Network(**settings), 1, 2, 2, (16,) * axes)
    assert refused.value.cure


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(UnknownNameError, match="unet3d"):
        build_segmenter(Network(backbone="unet3"), 1, 2, 2, (16, 16, 16))


def test_a_wrong_number_of_axes_is_an_error():
    with pytest.raises(ValueError, match="3 axes"):
        build("unet3d", 3)(torch.zeros(1, 1, 16, 16))
