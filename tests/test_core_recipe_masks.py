"""Recipes for networks that outline structures: settings that contradict each other are refused, and named."""

import pytest
from pydantic import ValidationError

from laudo.core.recipe import MASK_NETWORKS, Recipe
from laudo.networks.segmentation_table import SEGMENTERS
from mask_example import PICTURES, VOLUMES, changed, mask_recipe


def test_every_name_has_a_network_and_every_network_a_name():
    assert set(MASK_NETWORKS) == set(SEGMENTERS)


@pytest.mark.parametrize("values", [VOLUMES, PICTURES])
def test_the_examples_are_recipes(values):
    assert mask_recipe(values).outlines


WRONG = [
    (VOLUMES, {"data": {"target": "label"}}, "data.target"),
    (VOLUMES, {"network": {"backbone": "resnet50", "filters": ()}}, "data.target"),
    (VOLUMES, {"network": {"backbone": "unet2d"}}, "looks at"),
    (PICTURES, {"network": {"backbone": "unet3d"}}, "looks at"),
    (PICTURES, {"network": {"weights": "hub"}}, "weights"),
    (VOLUMES, {"training": {"patch": {"size_voxels": None}}}, "size_voxels"),
    (VOLUMES, {"training": {"patch": {"size_voxels": (8, 8)}}}, "three numbers"),
    (PICTURES, {"training": {"patch": {"size_voxels": (8, 8, 8)}}}, "size_voxels"),
    (PICTURES, {"augment": {"volume": {}}}, "augment.volume"),
    (VOLUMES, {"augment": {"horizontal_flip": 0.5}}, "augment.volume"),
    (PICTURES, {"augment": {"mixup": 0.5}}, "augment.mixup"),
    (PICTURES, {"network": {"descriptors": ("texture",)}}, "network.descriptors"),
    (PICTURES, {"training": {"ensemble": 3}}, "training.ensemble"),
    (PICTURES, {"training": {"watch": "accuracy"}}, "training.watch"),
    (PICTURES, {"prepare": {"crop": "lesion"}}, "mask is what is to be found"),
    (PICTURES, {"evaluation": {"mirror_axes": (2,)}}, "mirror_axes"),
    (PICTURES, {"evaluation": {"views": ("plain", "mirrored")}}, "evaluation.views"),
    (PICTURES, {"evaluation": {"threshold": "half"}}, "evaluation.threshold"),
    (PICTURES, {"network": {"label_head": True}}, "label_head"),
    (PICTURES, {"training": {"label_weight": 2.0}}, "training.label_weight"),
    (VOLUMES, {"data": {"target": "mask_and_label"}, "network": {"label_head": True}}, "label_head"),
    (VOLUMES, {"data": {"target": "mask_and_label", "regions": {"a": (1,)}}}, "data.regions"),
    (VOLUMES, {"data": {"regions": {"a": (1,), "b": (2,)}}}, "nested"),
    (VOLUMES, {"data": {"regions": {"a": (1, 2), "b": (1, 2)}}}, "nested"),
    (VOLUMES, {"data": {"regions": {"a": (0, 1)}}}, "above 0"),
    (VOLUMES, {"training": {"mask_loss": {"name": "dice", "gamma": 1.0}}}, "mask_loss.gamma"),
    (VOLUMES, {"training": {"mask_loss": {"name": "cross_entropy", "background": True}}}, "mask_loss.background"),
    (
        VOLUMES,
        {"data": {"regions": {"a": (1, 2)}}, "training": {"mask_loss": {"class_weights": (1.0, 2.0)}}},
        "class_weights",
    ),
]


@pytest.mark.parametrize(("values", "change", "told"), WRONG)
def test_what_does_not_go_together_is_refused(values, change, told):
    with pytest.raises(ValidationError, match=told):
        mask_recipe(values, change)


OF_MASKS = [
    {"network": {"deep_supervision": True}},
    {"training": {"watch": "dice"}},
    {"training": {"patch": {"steps": 7}}},
    {"data": {"unmarked": "empty"}},
    {"evaluation": {"post_processing": "validation"}},
]


@pytest.mark.parametrize("change", OF_MASKS)
def test_a_classifier_has_no_use_for_settings_of_masks(change):
    values = {"name": "x", "data": {"source": "folders"}, "network": {"backbone": "small_cnn", "weights": "none"}}
    Recipe.model_validate(values)
    with pytest.raises(ValidationError):
        Recipe.model_validate(changed(values, change))
