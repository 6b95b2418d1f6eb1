"""Answers averaged over views of an image, and networks that are given descriptors beside it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from laudo.core.errors import RecipeError
from laudo.core.recipe import Head, Network
from laudo.core.recipe_file import parse_recipe
from laudo.explain.grad_cam import grad_cam
from laudo.explain.randomisation import randomisation_check
from laudo.networks.backbone import IMAGENET_SCALING, Backbone, BackboneSpec, Scaling
from laudo.networks.blocks import build_blocks
from laudo.networks.classifier import Classifier
from laudo.networks.ensemble import Ensemble
from laudo.networks.table import build_backbone
from laudo.networks.views import seen
from laudo.predict.batches import predict_pixels
from laudo.report.methods_views import views_text
from laudo.report.voice import Voice

VIEWS = ("plain", "mirrored", "upside_down", "turned_90", "turned_180", "turned_270", "closer")
RECIPE = "name: x\ndata: {source: folders}\nnetwork: {backbone: small_cnn}\n"


def pixels_of(n: int = 3, side: int = 40) -> torch.Tensor:
    return torch.randint(0, 256, (n, 1, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def small(descriptors: int = 0, seed: int = 0) -> Classifier:
    torch.manual_seed(seed)
    backbone = build_backbone(BackboneSpec("small_cnn"))
    return Classifier(backbone, Scaling(IMAGENET_SCALING), Network(backbone="own"), 3, descriptors=descriptors).eval()


# views -------------------------------------------------------------------------------------------------------


def closer(image: np.ndarray) -> np.ndarray:
    """The middle nine tenths of a square of 40, every pixel of the result looked up between four."""
    middle = image[2:38, 2:38].astype(float)
    places = ((np.arange(40) + 0.5) * 36 / 40 - 0.5).clip(0, 35)
    low = np.floor(places).astype(int)
    high, share = np.minimum(low + 1, 35), places - low
    rows = middle[low] * (1 - share)[:, None] + middle[high] * share[:, None]
    return rows[:, low] * (1 - share) + rows[:, high] * share


BY_HAND = {
    "plain": lambda image: image,
    "mirrored": np.fliplr,
    "upside_down": np.flipud,
    "turned_90": lambda image: image.T[::-1],
    "turned_180": lambda image: image[::-1, ::-1],
    "turned_270": lambda image: image[::-1].T,
    "closer": closer,
}


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_what_its_name_says(view):
    pixels = pixels_of()
    found = seen(pixels, view)
    assert found.dtype == torch.uint8
    assert found.shape == pixels.shape
    expected = np.stack([BY_HAND[view](one[0].numpy()) for one in pixels])
    assert np.abs(found[:, 0].numpy() - expected).max() <= 0.501


def test_the_answer_is_the_mean_over_the_views():
    classifier, pixels = small(), pixels_of()
    with torch.no_grad():
        classifier.head.dense[0].weight.mul_(100)
    alone = [predict_pixels(classifier, pixels, "fp32", [view]) for view in VIEWS]
    together = predict_pixels(classifier, pixels, "fp32", VIEWS)
    torch.testing.assert_close(together, sum(alone) / len(VIEWS))
    assert (alone[0] - together).abs().max() > 1e-4
    turned = torch.from_numpy(np.stack([BY_HAND["turned_90"](one[0].numpy()) for one in pixels])[:, None].copy())
    torch.testing.assert_close(alone[3], predict_pixels(classifier, turned, "fp32", ["plain"]))


class Levels(Backbone):
    """A map that looks at each pixel alone: its mean is the same however the image is turned."""

    map_channels = vector_size = 2

    def feature_map(self, x):
        return torch.cat([x[:, :1], x[:, :1] ** 2], dim=1)


def test_a_network_that_does_not_see_directions_answers_every_turn_alike():
    torch.manual_seed(0)
    classifier = Classifier(Levels(), Scaling(IMAGENET_SCALING), Network(backbone="own", output="sigmoid"), 2).eval()
    plain = predict_pixels(classifier, pixels_of(), "fp32", ["plain"])
    for view in VIEWS[1:6]:
        torch.testing.assert_close(predict_pixels(classifier, pixels_of(), "fp32", [view]), plain)


@pytest.mark.parametrize(("views", "fine"), [("turned_90", False), ("plain, turned_270", False), ("turned_180", True)])
def test_a_quarter_turn_needs_square_images(views, fine):
    text = RECIPE + f"evaluation: {{views: [{views}]}}\nprepare: {{height: 64, width: 48}}\n"
    if fine:
        assert parse_recipe(text, Path("x.yaml")).evaluation.views == (views,)
        return
    with pytest.raises(RecipeError, match="square"):
        parse_recipe(text, Path("x.yaml"))
    assert parse_recipe(text, Path("x.yaml"), ["prepare.width=64"]).evaluation.views


def test_the_methods_say_which_views():
    voice = Voice("en")
    assert views_text(("plain",), voice) == []
    assert "its mirror image" in views_text(("mirrored", "plain"), voice)[0]
    (sentence,) = views_text(VIEWS, voice)
    for words in ("as it is", "mirrored up and down", "270 degrees", "nine tenths"):
        assert words in sentence


# beside ------------------------------------------------------------------------------------------------------


def test_descriptors_stand_after_the_pooled_vector_standardised():
    classifier, pixels = small(descriptors=4), pixels_of()
    described = torch.tensor([[1.0, 2, 3, 4], [0, 0, 100, 4], [5, 1, 7, 4]])
    classifier.beside.fit(described)
    embedded = classifier.embed(pixels, described)
    torch.testing.assert_close(embedded[:, :-4], classifier.image_vector(pixels))
    values = described.numpy()
    spread = values.std(axis=0)
    expected = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)
    np.testing.assert_allclose(embedded[:, -4:].detach().numpy(), expected, atol=1e-5)
    other = classifier(pixels, described + 1)
    assert (classifier(pixels, described) - other).abs().max() > 1e-3
    assert "beside.mean" in classifier.state_dict()
    assert classifier.head.dense[0].in_features == classifier.backbone.vector_size + 4
    predicted = predict_pixels(classifier, pixels, "fp32", VIEWS, described)
    assert (predicted - predict_pixels(classifier, pixels, "fp32", VIEWS, described.flip(0))).abs().max() > 1e-3


def test_descriptors_that_are_missing_or_too_many_are_no_guesses():
    with pytest.raises(ValueError, match="4 descriptors"):
        small(descriptors=4)(pixels_of())
    with pytest.raises(ValueError, match="0 descriptors"):
        small()(pixels_of(), torch.zeros(3, 4))


def test_the_width_of_the_pyramid_is_the_recipes():
    blocks, channels = build_blocks(("pdf", "se"), 24, 16)
    assert channels == 16
    kernels = sum(16 * 24 * side**2 + 16 for side in (1, 3, 5, 7)) + 64 * 16 + 16
    assert sum(p.numel() for p in blocks[0].parameters()) == kernels
    assert blocks(torch.zeros(1, 24, 5, 5)).shape == (1, 16, 5, 5)


# maps --------------------------------------------------------------------------------------------------------


def test_a_map_with_descriptors_is_that_of_the_image_with_them_held_still():
    """Of a linear head the map does not depend on them; behind a hidden layer it does, through which units are open."""
    pixels = pixels_of()
    described = torch.randn(3, 4, generator=torch.Generator().manual_seed(0)) * 3
    linear = small(descriptors=4)
    plain = small()
    with torch.no_grad():
        plain.load_state_dict(
            {k: v for k, v in linear.state_dict().items() if "beside" not in k and "head" not in k}, False
        )
        plain.head.dense[0].weight.copy_(linear.head.dense[0].weight[:, :-4])
    torch.testing.assert_close(grad_cam(linear, pixels, 1, described), grad_cam(plain, pixels, 1))
    torch.manual_seed(2)
    backbone = build_backbone(BackboneSpec("small_cnn"))
    deep = Classifier(
        backbone, Scaling(IMAGENET_SCALING), Network(backbone="own", head=Head(hidden=(9,))), 3, descriptors=4
    )
    maps = [grad_cam(deep, pixels, 0, described), grad_cam(deep, pixels, 0, -described)]
    assert (maps[0] - maps[1]).abs().max() > 0.01
    stages = randomisation_check(deep, pixels[:2], [0, 1], grad_cam, 2, descriptors=described[:2])
    assert len(stages) == 3


def test_the_map_of_several_networks_is_the_mean_of_theirs():
    members = [small(seed=seed) for seed in range(3)]
    for member in members:
        nn.init.normal_(member.head.dense[0].bias)
    pixels = pixels_of(2)
    mean = sum(grad_cam(member, pixels, 2) for member in members) / 3
    expected = mean / mean.amax(dim=(1, 2), keepdim=True)
    torch.testing.assert_close(grad_cam(Ensemble(members), pixels, 2), expected)
    stages = randomisation_check(Ensemble(members), pixels, [0, 2], grad_cam, 2)
    assert stages[0].layer == "head"
    assert stages[-1].spearman < 0.99
