"""Blocks between feature map and pooling, and the two published networks, counted as their documents count them."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from laudo.core.errors import RecipeError
from laudo.core.recipe import BlockName, Head, Network, Recipe
from laudo.core.run import Run
from laudo.explain.grad_cam import grad_cam, layer_name
from laudo.explain.randomisation import randomisation_check
from laudo.networks.backbone import IMAGENET_SCALING, Backbone, BackboneSpec, Scaling
from laudo.networks.blocks import BLOCKS, build_blocks
from laudo.networks.classifier import Classifier
from laudo.networks.fast_dropout import FastDropout
from laudo.networks.pyramid_dilated import DILATIONS, KERNELS, DilatedConvolution, PyramidDilated
from laudo.networks.squeeze_excitation import SqueezeExcitation
from laudo.networks.table import build_backbone, build_classifier
from laudo.predict.model import load_model
from laudo.split.grouped import split_parts
from laudo.train.fit import Deadline
from laudo.train.inputs import ImageInputs
from laudo.workflows.dataset import open_dataset
from laudo.workflows.network_learner import NetworkLearner
from laudo.workflows.plan import plan_training
from training_example import FROZEN, save_recipe, small_recipe, train, write_images


def pixels_of(side: int, n: int = 2) -> torch.Tensor:
    return torch.randint(0, 256, (n, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(side))


def count(module: nn.Module, trained: bool = False) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad or not trained)


def is_glorot(weight: torch.Tensor) -> bool:
    """Kernel of Keras' default: uniform within √(6 / (fan in + fan out)), both times the kernel's area."""
    limit = (6 / ((weight.shape[0] + weight.shape[1]) * weight[0, 0].numel())) ** 0.5
    return 0.9 * limit < float(weight.detach().abs().max()) <= limit


# the network of system S2 -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tumour() -> Classifier:
    network = Network(
        backbone="tumour_cnn",
        weights="none",
        trainable=1.0,
        pooling="flatten",
        head=Head(dropout=0.5),
        output="softmax",
    )
    return build_classifier(network, 3, (512, 512))[0].eval()


def test_the_tumour_network_has_the_published_parameters_and_order(tumour):
    assert count(tumour, trained=True) == count(tumour) == 475_779
    convolutions = [layer for layer in tumour.backbone.features if isinstance(layer, nn.Conv2d)]
    assert [count(layer) for layer in convolutions] == [896, 18_496, 36_928, 73_856]
    assert count(tumour.head) == 345_603
    names = {nn.Conv2d: "C", nn.ReLU: "R", nn.MaxPool2d: "P", nn.Dropout: "D", FastDropout: "D", nn.Linear: "L"}
    assert "".join(names[type(layer)] for layer in tumour.backbone.features) == "CPR" + "CPRD" * 3
    assert "".join(names[type(layer)] for layer in tumour.head.layers) == "DL"
    assert all(is_glorot(layer.weight) and not layer.bias.any() for layer in convolutions)


@torch.no_grad()
def test_its_shapes_are_the_published_ones(tumour):
    pixels, shapes = pixels_of(512, n=1), []
    x = tumour.scaling(pixels)
    for layer in tumour.backbone.features:
        x = layer(x)
        if isinstance(layer, (nn.Conv2d, nn.MaxPool2d)):
            shapes.append((x.shape[1], x.shape[2]))
    assert shapes == [(32, 510), (32, 255), (64, 253), (64, 126), (64, 124), (64, 62), (128, 60), (128, 30)]
    assert tumour.embed(pixels).shape == (1, 115_200)
    torch.testing.assert_close(tumour.embed(pixels), x.reshape(1, -1))
    assert tumour(pixels).shape == (1, 3)


def test_a_flattened_map_needs_the_images_size_whatever_the_network():
    with pytest.raises(ValueError, match="size"):
        build_classifier(Network(backbone="tumour_cnn", weights="none", pooling="flatten"), 3)
    for name, length in (("small_cnn", 128 * 8 * 5), ("mobilenetv3_small_050", 288 * 2 * 2)):
        network = Network(backbone=name, weights="none", pooling="flatten")
        classifier = build_classifier(network, 2, (64, 40))[0].eval()
        with torch.no_grad():
            pixels = pixels_of(64)[..., :40]
            assert classifier.embed(pixels).shape == (2, length)
            assert classifier(pixels).shape == (2, 2)
            assert not classifier.embed(pixels).is_meta


def test_images_too_small_for_the_network_are_refused():
    network = Network(backbone="tumour_cnn", weights="none", pooling="flatten")
    with pytest.raises(RecipeError, match="too small") as caught:
        build_classifier(network, 3, (512, 45))
    assert "45" in caught.value.found
    assert "46" in caught.value.expected
    smallest = build_classifier(network, 3, (46, 46))[0]
    assert smallest(pixels_of(46)).shape == (2, 3)


def test_its_map_is_drawn_on_the_last_convolution():
    torch.manual_seed(3)
    network = Network(backbone="tumour_cnn", weights="none", pooling="flatten", head=Head(dropout=0.5))
    classifier = build_classifier(network, 3, (64, 64))[0].eval()
    pixels = pixels_of(64, n=1)
    layers = classifier.backbone.features
    last = max(index for index, layer in enumerate(layers) if isinstance(layer, nn.Conv2d))
    assert layer_name(classifier) == f"features.{last + 2}"
    seen = F.relu(layers[: last + 2](classifier.scaling(pixels))).detach().requires_grad_()
    logits = classifier.head(layers[last + 3 :](seen).flatten(1))
    for target in range(3):
        (gradient,) = torch.autograd.grad(logits[0, target], seen, retain_graph=True)
        cam = torch.einsum("chw,c->hw", seen[0], gradient[0].mean(dim=(1, 2))).relu()
        cam = F.interpolate(cam[None, None], size=(64, 64), mode="bilinear", align_corners=False)[0, 0]
        torch.testing.assert_close(grad_cam(classifier, pixels, target)[0], cam / cam.max().clamp(min=1e-30))


# the network of system S4 -----------------------------------------------------------------------------------------


def test_efficientnet_with_both_blocks_has_the_published_parameters():
    network = Network(
        backbone="efficientnet_b0",
        weights="none",
        blocks=("pdf", "se"),
        head=Head(hidden=(256,), dropout=0.5),
        output="sigmoid",
    )
    classifier, _spec = build_classifier(network, 2, (224, 224))
    pdf, se = classifier.blocks
    assert (count(pdf), count(se)) == (56_101_376, 33_312)
    assert count(classifier.head) == 131_328 + 257
    assert count(classifier, trained=True) == 56_266_273
    # Keras counts more than parameters. Moving means and variances are weights there, buffers here, and its network begins with a
    # Normalization layer: a mean and a variance a channel, and a counter. torch's count of batches seen is no weight of Keras.
    moving = sum(
        buffer.numel()
        for name, buffer in classifier.backbone.named_buffers()
        if name.endswith(("running_mean", "running_var"))
    )
    normalisation = 3 + 3 + 1
    assert moving == 42_016
    assert count(classifier.backbone) + moving + normalisation == 4_049_571
    assert count(classifier) + moving + normalisation == 60_315_844
    assert all(is_glorot(branch.weight) and not branch.bias.any() for branch in pdf.branches)


# the blocks ---------------------------------------------------------------------------------------------------------


def test_every_block_of_a_recipe_can_be_built():
    assert set(BLOCKS) == set(get_args(BlockName))


@pytest.mark.parametrize("size", [(1, 1), (3, 8), (7, 7), (30, 25)])
@pytest.mark.parametrize(("kernel", "dilation"), list(zip(KERNELS, DILATIONS, strict=True)))
def test_leaving_out_taps_that_see_padding_changes_neither_result_nor_gradient(size, kernel, dilation):
    torch.manual_seed(kernel)
    ours = DilatedConvolution(4, 3, kernel, dilation)
    nn.init.normal_(ours.bias)
    x = torch.randn(2, 4, *size)
    padding = dilation * (kernel - 1) // 2
    weight, bias = (p.detach().clone().requires_grad_() for p in (ours.weight, ours.bias))
    theirs = F.conv2d(x, weight, bias, padding=padding, dilation=dilation)
    torch.testing.assert_close(ours(x), theirs, rtol=1e-4, atol=1e-5)
    ours(x).square().sum().backward()
    theirs.square().sum().backward()
    torch.testing.assert_close(ours.weight.grad, weight.grad, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(ours.bias.grad, bias.grad, rtol=1e-4, atol=1e-3)


@torch.no_grad()
def test_the_pyramid_is_four_convolutions_side_by_side():
    torch.manual_seed(0)
    block = PyramidDilated(5)
    x = torch.randn(2, 5, 9, 9)
    seen = []
    for branch, kernel, dilation in zip(block.branches, (1, 3, 5, 7), (1, 2, 3, 4), strict=True):
        assert branch.weight.shape == (512, 5, kernel, kernel)
        seen.append(F.conv2d(x, branch.weight, branch.bias, padding="same", dilation=dilation).clamp(min=0))
    expected = torch.einsum("bchw,oc->bohw", torch.cat(seen, dim=1), block.project.weight[:, :, 0, 0]).clamp(min=0)
    torch.testing.assert_close(block(x), expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_squeeze_and_excitation_weighs_channels_by_the_whole_map():
    torch.manual_seed(1)
    block = SqueezeExcitation(40)
    assert block.squeeze.weight.shape == (2, 40)  # 40 // 16
    assert SqueezeExcitation(3).squeeze.weight.shape == (1, 3)
    x = torch.randn(2, 40, 5, 6)
    factors = block(x) / x
    torch.testing.assert_close(factors, factors[:, :, :1, :1].expand_as(factors))
    hidden = (block.squeeze.weight @ x[0].mean(dim=(1, 2))).clamp(min=0)
    torch.testing.assert_close(factors[0, :, 0, 0], 1 / (1 + torch.exp(-(block.excite.weight @ hidden))))
    moved = x.roll((1, 2), dims=(2, 3))  # where something stands does not matter
    torch.testing.assert_close(block(moved), block(x).roll((1, 2), dims=(2, 3)))


@torch.no_grad()
@pytest.mark.parametrize("pooling", ["average", "max", "average+max", "flatten"])
def test_blocks_stand_between_map_and_pooling_in_the_order_of_the_recipe(pooling):
    torch.manual_seed(0)
    network = Network(backbone="mobilenetv3_small_050", weights="none", blocks=("se", "pdf"), pooling=pooling)
    classifier = build_classifier(network, 3, (64, 64))[0].eval()
    first, second = classifier.blocks
    assert isinstance(first, SqueezeExcitation)
    assert first.map_channels == classifier.backbone.map_channels == 288
    pixels = pixels_of(64)
    changed = second(first(classifier.backbone.feature_map(classifier.scaling(pixels))))
    mean, largest = changed.mean(dim=(2, 3)), changed.amax(dim=(2, 3))
    expected = {
        "average": mean,
        "max": largest,
        "average+max": torch.cat([mean, largest], dim=1),
        "flatten": changed.reshape(2, -1),
    }[pooling]
    torch.testing.assert_close(classifier.embed(pixels), expected)
    assert classifier(pixels).shape == (2, 3)


def test_without_blocks_nothing_is_added():
    blocks, channels = build_blocks((), 7)
    assert channels == 7
    assert not blocks.state_dict()


def test_a_transformer_takes_no_blocks():
    with pytest.raises(RecipeError, match="convolutional") as caught:
        build_classifier(Network(backbone="test_vit", weights="none", blocks=("se",)), 2)
    assert "test_vit" in caught.value.found


# maps of evidence ------------------------------------------------------------------------------------------------------


class Mirror(Backbone):
    """A map of two channels: the red channel of the image, and nothing."""

    map_channels = vector_size = 2
    cam_layer = "nowhere"  # what a backbone draws without blocks is not looked at

    def feature_map(self, x):
        return torch.cat([x[:, :1], torch.zeros_like(x[:, :1])], dim=1)


def test_maps_are_drawn_on_what_the_last_block_gives():
    classifier = Classifier(
        Mirror(), Scaling(IMAGENET_SCALING), Network(backbone="own", blocks=("se", "pdf")), 2
    ).eval()
    assert layer_name(classifier) == "blocks.1"
    classifier.scaling.mean.zero_()
    classifier.scaling.std.fill_(1)
    with torch.no_grad():  # one tap of the 3×3 branch is all that is left of the pyramid
        pyramid = classifier.blocks[1]
        for parameter in pyramid.parameters():
            parameter.zero_()
        pyramid.branches[1].weight[0, 0, 1, 2] = 1.0  # two to the right of where it stands
        pyramid.project.weight[0, 512] = 1.0
        last = classifier.head.dense[-1].weight
        last.zero_()
        last[1, 0] = 1.0
    pixels = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    pixels[:, :, 4:8, 9:14] = 200
    expected = (pixels[:, 0] > 0).float().roll(-2, dims=2)
    torch.testing.assert_close(grad_cam(classifier, pixels, 1), expected)
    assert not grad_cam(classifier, pixels, 0).any()


def test_the_check_of_the_maps_randomises_blocks_before_the_backbone():
    torch.manual_seed(0)
    classifier = Classifier(
        build_backbone(BackboneSpec("small_cnn")), Scaling(IMAGENET_SCALING), Network(backbone="own", blocks=("se",)), 2
    )
    stages = randomisation_check(classifier, pixels_of(32), [0, 1], grad_cam, stages=18)
    names = [stage.layer for stage in stages]
    assert names[:4] == ["head", "blocks.0.excite", "blocks.0.squeeze", "backbone.features.25"]
    assert names[-1] == "backbone.features.0"


# training ---------------------------------------------------------------------------------------------------------------


BLOCK = {"network": {"trainable": 0.0, "blocks": ("se",), "head": {"hidden": (8,), "dropout": 0.3}}}


def test_blocks_on_a_frozen_backbone_learn_and_the_backbone_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("LAUDO_CACHE", str(tmp_path / "cache"))
    data = write_images(tmp_path / "data", per_class=12, seed=8)
    recipe = small_recipe(BLOCK, {"training": {"epochs": 2, "backbone_learning_rate": 1e-9}})
    dataset = open_dataset(recipe, data)
    learner = NetworkLearner.start(recipe, dataset)
    assert not learner.is_frozen
    before = {name: value.clone() for name, value in learner.classifier.state_dict().items()}
    learner.train(Run(tmp_path / "run"), split_parts(dataset.manifest, recipe.split), Deadline())
    after = learner.classifier.state_dict()
    assert set(before) == set(after)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert not [name for name in changed if name.startswith("backbone.")]  # statistics of its norms included
    # both start from the seed, so what differs was learned; at the rate of the backbone it could not be 1e-6
    assert {name for name in changed if name.startswith("blocks.")} == {
        f"blocks.0.{layer}.{kind}" for layer in ("squeeze", "excite") for kind in ("weight", "bias")
    }
    moved = (after["blocks.0.excite.weight"] - before["blocks.0.excite.weight"]).abs().max()
    assert float(moved) > 1e-6


def test_a_frozen_backbone_drops_nothing_out_and_a_trained_one_does(tmp_path, monkeypatch):
    monkeypatch.setenv("LAUDO_CACHE", str(tmp_path / "cache"))
    data = write_images(tmp_path / "data", per_class=12, seed=8)
    seen = []
    monkeypatch.setattr(
        FastDropout, "forward", lambda self, x: (seen.append((self.p, self.training)), x)[1], raising=True
    )
    size = {"prepare": {"height": 48, "width": 48}, "training": {"epochs": 1}}
    for trainable in (0.0, 0.5):
        recipe = small_recipe(
            size, {"network": {"backbone": "tumour_cnn", "trainable": trainable}, "augment": {"horizontal_flip": 0.5}}
        )
        dataset = open_dataset(recipe, data)
        seen.clear()
        learner = NetworkLearner.start(recipe, dataset)
        learner.train(Run(tmp_path / f"run-{trainable}"), split_parts(dataset.manifest, recipe.split), Deadline())
        assert (0.25, False) in seen
        assert ((0.25, True) in seen) == (trainable > 0)


def test_the_plan_says_how_often_the_backbone_runs(tmp_path):
    data = write_images(tmp_path / "data", per_class=12, seed=8)
    for changes, words in ((FROZEN, "once an image"), (BLOCK, "every epoch")):
        path = save_recipe(tmp_path / "recipe.yaml", changes)
        assert plan_training(str(path), [], data, None)["backbone_runs"] == words


@pytest.mark.parametrize(
    "network",
    [
        {"trainable": 0.0, "blocks": ("se",), "head": {"normalise": True}},
        {"backbone": "tumour_cnn", "pooling": "flatten", "head": {"dropout": 0.5}},
    ],
)
def test_the_model_of_a_run_comes_back_whole(tmp_path, monkeypatch, network):
    monkeypatch.setenv("LAUDO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("laudo.workflows.train_run.write_reports", lambda run, _language: None)
    data = write_images(tmp_path / "data", per_class=12, seed=8)
    recipe: Recipe = small_recipe(
        {"network": network, "prepare": {"height": 48, "width": 56}, "training": {"epochs": 1, "loss": "focal"}}
    )
    run = train(recipe, data, tmp_path / "run")
    model = load_model(run, torch.device("cpu"))
    facts = run.json("model")
    assert facts["network"]["blocks"] == list(recipe.network.blocks)
    assert not facts["frozen_features"]
    assert facts["parameters"] == count(model.classifier)
    assert [type(block) for block in model.classifier.blocks] == [
        type(BLOCKS[name](8, 16)) for name in recipe.network.blocks
    ]
    table = run.predictions("test").table.sort_values("sample")
    dataset = open_dataset(recipe, data)
    rows = [list(dataset.manifest.table["image"]).index(name) for name in table["image"]]
    with torch.no_grad():
        answers = torch.sigmoid(model.classifier(*ImageInputs(dataset.images).read(rows)))[:, 0]
    torch.testing.assert_close(
        answers.double(), torch.tensor(table["probability:yes"].to_numpy()), rtol=1e-4, atol=1e-5
    )
