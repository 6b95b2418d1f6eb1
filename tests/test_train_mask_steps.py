"""Steps of a network that outlines structures, as Lightning takes them."""

import numpy as np
import pytest
import torch

from laudo.core.run import Run
from laudo.core.structures import structures_of
from laudo.networks.segmentation_table import build_segmenter
from laudo.prepare.volume_cache import prepare_volumes
from laudo.sources.table import import_manifest
from laudo.train.fit_masks import fit_masks
from laudo.train.loop import Deadline
from laudo.train.mask_cases import VolumeCases
from laudo.train.mask_loader import MaskPart
from mask_example import VOLUMES, mask_recipe, write_volumes

STILL = {"network": {"backbone": "planned_unet"}, "augment": {"volume": None}}
"""Instance normalisation, so that a sample is the same in every batch."""


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("steps")
    manifest = import_manifest("msd", write_volumes(folder / "data", 6))
    recipe = mask_recipe(VOLUMES)
    volumes = prepare_volumes(manifest, recipe.prepare, folder / "cache", jobs=1)
    return VolumeCases(volumes, structures_of(manifest, recipe.data), np.full(6, -1))


def trained(cases, recipe, run):
    """The network's weights before and after two epochs, and the log."""
    torch.manual_seed(0)
    network = build_segmenter(recipe.network, 1, 3, 0, recipe.training.patch.size_voxels)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    train, val = MaskPart(cases, np.arange(4)), MaskPart(cases, np.arange(4, 6))
    fitted = fit_masks(network, train, val, recipe, run, torch.device("cpu"), "fp32", Deadline())
    return before, network.state_dict(), fitted.epochs


def test_a_batch_in_pieces_is_the_batch(cases, tmp_path):
    """Batches of 3 in pieces of 2 and 1: each step begins without the gradients of the one before."""
    settings = {
        "batch_size": 3,
        "optimizer": "sgd",
        "momentum": 0.0,
        "learning_rate": 0.05,
        "keep": "last",
        "watch": "loss",
        "mask_loss": {"name": "cross_entropy"},
    }
    whole = mask_recipe(VOLUMES, STILL, {"training": settings})
    small = mask_recipe(VOLUMES, STILL, {"training": {**settings, "micro_batch": 2}})
    before, first, log = trained(cases, whole, Run(tmp_path / "whole"))
    _, second, other = trained(cases, small, Run(tmp_path / "pieces"))
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, rtol=1e-4, atol=1e-5, msg=name)
    assert [line["train_loss"] for line in other] == pytest.approx([line["train_loss"] for line in log], rel=1e-4)
    assert any(not torch.equal(before[name], value) for name, value in first.items()), "something was learned"
