"""The network before training, through which companions look."""

from __future__ import annotations

import pytest
import torch

from laudo.core.recipe import InputScaling, Network, Prepare
from laudo.networks.backbone import Scaling
from laudo.networks.frozen import FrozenNetwork
from laudo.networks.table import BACKBONES, frozen_network, pretrained_backbone
from laudo.workflows.data_jobs import make_phantoms
from laudo.workflows.dataset import open_dataset
from laudo.workflows.feature_cache import cached_features
from training_example import small_recipe

HALF = InputScaling(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
PIXELS = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)


@pytest.mark.parametrize(
    ("planes", "expected"),
    [((), None), (("mask", "image", "whole"), 1), (("mask", "whole", "mask"), 1), (("mask",), 0)],
)
def test_the_image_stands_for_all_planes(planes, expected):
    assert Prepare(planes=planes).image_plane == expected


@pytest.mark.parametrize("plane", [0, 1, 2])
def test_one_plane_is_looked_at_as_a_grey_image(plane):
    torch.manual_seed(0)
    backbone = BACKBONES["small_cnn"]()
    network = FrozenNetwork(backbone, Scaling(HALF), plane).eval()
    whole = FrozenNetwork(backbone, Scaling(HALF)).eval()
    grey = PIXELS[:, plane : plane + 1].expand(-1, 3, -1, -1)
    assert torch.equal(network.image_vector(PIXELS), whole.image_vector(grey))
    assert not torch.allclose(network.image_vector(PIXELS), whole.image_vector(PIXELS))


def test_features_are_average_and_maximum_of_the_last_map_and_nothing_is_trained():
    torch.manual_seed(0)
    backbone = BACKBONES["small_cnn"]()
    network = FrozenNetwork(backbone, Scaling(HALF)).eval()
    found = network.image_vector(PIXELS)
    last = backbone.feature_map((PIXELS / 255 - 0.5) / 0.5)
    torch.testing.assert_close(found, torch.cat([last.mean(dim=(2, 3)), last.amax(dim=(2, 3))], dim=1))
    assert found.shape == (2, network.size)
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_a_network_without_a_map_of_convolutions_gives_its_own_vector():
    torch.manual_seed(0)
    network = frozen_network(Network(backbone="test_vit", weights="none"), None).eval()
    pixels = torch.randint(0, 256, (2, 3, 160, 160), dtype=torch.uint8)
    assert network.pooling == "average"
    assert network.image_vector(pixels).shape == (2, network.size)


def test_it_is_the_backbone_that_the_recipe_names_as_its_weights_have_it():
    settings = Network(backbone="mobilenetv2_035", weights="none", trainable=1.0)
    torch.manual_seed(3)
    network = frozen_network(settings, None)
    torch.manual_seed(3)
    backbone, _spec = pretrained_backbone(settings)
    assert all(
        torch.equal(a, b) for a, b in zip(network.state_dict().values(), backbone.state_dict().values(), strict=False)
    )


def test_features_of_one_plane_and_of_all_are_kept_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("LAUDO_CACHE", str(tmp_path / "cache"))
    make_phantoms("bus-uc", tmp_path / "data", n=12, seed=0, size=64)
    planes = {"crop": "lesion", "planes": ["image", "mask", "whole"]}
    recipe = small_recipe({"data": {"source": "bus-uc"}, "prepare": planes})
    dataset = open_dataset(recipe, tmp_path / "data")
    torch.manual_seed(0)
    backbone = BACKBONES["small_cnn"]()
    image, mask, every = (
        cached_features(FrozenNetwork(backbone, Scaling(HALF), plane), recipe, dataset, "plain")
        for plane in (0, 1, None)
    )
    assert not torch.allclose(image, mask)
    assert not torch.allclose(image, every)
    again = cached_features(FrozenNetwork(backbone, Scaling(HALF), 0), recipe, dataset, "plain")
    assert torch.equal(image, again)
