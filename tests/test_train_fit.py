"""Training: it learns, it looks at a frozen backbone's images once, and it changes training images alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from laudo.core.recipe import Augment
from laudo.core.run import Run
from laudo.networks.small_cnn import SmallCNN
from laudo.prepare.cache import cache_folder
from laudo.split.grouped import split_parts
from laudo.train import pieces as train_pieces
from laudo.train.fit import Deadline
from laudo.train.inputs import EpochOrder, FeatureInputs, ImageInputs, MirroredInputs, Part, loader
from laudo.workflows.dataset import open_dataset
from laudo.workflows.network_learner import NetworkLearner
from training_example import FROZEN, fingerprint, small_recipe, trained, trained_frozen, write_images

FOREVER = Deadline()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    data = write_images(tmp_path_factory.mktemp("fit") / "data", per_class=16, seed=8)
    return open_dataset(small_recipe(), data)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LAUDO_CACHE", str(tmp_path / "cache"))


def test_it_learns_an_easy_problem():
    run, _data = trained()
    scores = run.json("metrics")["test"]["metrics"]
    assert scores["accuracy"]["value"] >= 0.9
    assert scores["auc_roc"]["value"] >= 0.95
    log = run.log()
    assert [line["epoch"] for line in log] == list(range(1, 13))
    assert log[-1]["train_loss"] < 0.5 * log[0]["train_loss"]
    assert run.json("model")["best_epoch"] == min(log, key=lambda line: line["val_loss"])["epoch"]


def test_a_head_on_random_features_learns_three_classes_a_little():
    run, _data = trained_frozen()
    scores = run.json("metrics")["train"]
    assert scores["confusion"]["classes"] == ["a", "b", "c"]
    assert scores["metrics"]["accuracy"]["value"] > 0.4
    model = run.json("model")
    assert model["frozen_features"]
    assert model["threshold"] is None
    assert model["trainable_parameters"] == 128 * 8 + 8 + 8 * 3 + 3


# the frozen backbone ---------------------------------------------------------------------------------------------


@pytest.fixture
def seen(monkeypatch):
    """Images that went through the backbone, batch by batch."""
    found: list[int] = []
    original = SmallCNN.feature_map

    def counted(self, x):
        found.append(len(x))
        return original(self, x)

    monkeypatch.setattr(SmallCNN, "feature_map", counted)
    return found


def assert_same_features(ours, theirs):
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[view], theirs[view]) for view in ours)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_frozen_backbone_sees_each_image_once_whatever_the_epochs(tmp_path, dataset, seen, mirrored):
    recipe = small_recipe(
        FROZEN,
        {
            "augment": {"mirrored_copies": mirrored},
            "evaluation": {"views": ["plain", "mirrored"] if mirrored else ["plain"]},
            "training": {"epochs": 4},
        },
    )
    n = len(dataset.manifest)
    once = n * (2 if mirrored else 1)
    learner = NetworkLearner.start(recipe, dataset)
    assert sum(seen) == once
    split = split_parts(dataset.manifest, recipe.split)
    learner.train(Run(tmp_path / "run"), split, FOREVER)
    learner.predict(split.indices("test"))
    assert sum(seen) == once
    again = NetworkLearner.start(recipe, dataset)  # from the cache
    assert sum(seen) == once
    assert_same_features(again.features, learner.features)


def test_random_changes_make_the_backbone_run_every_epoch(tmp_path, dataset, seen):
    recipe = small_recipe(
        {"network": {"trainable": 0.0}, "augment": {"horizontal_flip": 0.5}, "training": {"epochs": 2}}
    )
    learner = NetworkLearner.start(recipe, dataset)
    assert learner.features is None
    split = split_parts(dataset.manifest, recipe.split)
    learner.train(Run(tmp_path / "run"), split, FOREVER)
    assert sum(seen) == 2 * (len(split.indices("train")) + len(split.indices("val")))


def test_features_and_mirrored_features_are_what_the_network_says(tmp_path, dataset):
    learner = NetworkLearner.start(small_recipe(FROZEN), dataset)
    (pixels,) = ImageInputs(dataset.images).read(range(5))
    with torch.no_grad():
        torch.testing.assert_close(learner.features["plain"][:5], learner.classifier.eval().embed(pixels))
        torch.testing.assert_close(learner.features["mirrored"][:5], learner.classifier.embed(pixels.flip(3)))


@pytest.mark.parametrize("damage", [lambda b: b[:40], lambda b: b[:-1], lambda b: b"", lambda b: b"\xff" + b[1:]])
def test_a_damaged_entry_of_the_cache_is_computed_again(dataset, seen, damage):
    recipe = small_recipe(FROZEN, {"augment": {"mirrored_copies": False}, "evaluation": {"views": ["plain"]}})
    features = NetworkLearner.start(recipe, dataset).features
    (path,) = (cache_folder() / "features").glob("*.safetensors")
    path.write_bytes(damage(path.read_bytes()))
    before = sum(seen)
    assert_same_features(NetworkLearner.start(recipe, dataset).features, features)
    assert sum(seen) == before + len(dataset.manifest)


def test_other_weights_pooling_or_images_are_another_entry(dataset):
    base = {"augment": {"mirrored_copies": False}, "evaluation": {"views": ["plain"]}}
    NetworkLearner.start(small_recipe(FROZEN, base), dataset)
    NetworkLearner.start(
        small_recipe(FROZEN, base, {"training": {"seed": 1}}), dataset
    )  # random weights of another seed
    NetworkLearner.start(small_recipe(FROZEN, base, {"network": {"pooling": "max"}}), dataset)
    fewer = replace(dataset.audit, manifest=dataset.manifest.rows(np.arange(20)))
    images = replace(dataset.images, places=dataset.images.places[:20], checksums=dataset.images.checksums[:20])
    NetworkLearner.start(small_recipe(FROZEN, base), replace(dataset, audit=fewer, prepared=images))
    assert len(list((cache_folder() / "features").glob("*.safetensors"))) == 4


def test_the_standardisation_is_fitted_on_the_training_part_alone(tmp_path, dataset):
    recipe = small_recipe(FROZEN, {"training": {"epochs": 1}})
    learner = NetworkLearner.start(recipe, dataset)
    split = split_parts(dataset.manifest, recipe.split)
    learner.train(Run(tmp_path / "run"), split, FOREVER)
    rows = split.indices("train")
    both = torch.cat([features[rows] for features in learner.features.values()])
    torch.testing.assert_close(learner.classifier.head.standardise.mean, both.mean(dim=0))


# training images alone are changed ----------------------------------------------------------------------------------


def test_random_changes_reach_training_images_only(tmp_path, dataset, monkeypatch):
    changed: list[int] = []
    original = train_pieces.apply_changes

    def spy(images, changes, planes):
        changed.append(len(images))
        return original(images, changes, planes)

    monkeypatch.setattr(train_pieces, "apply_changes", spy)
    recipe = small_recipe({"augment": {"rotation_degrees": 20.0}, "training": {"epochs": 3}})
    learner = NetworkLearner.start(recipe, dataset)
    split = split_parts(dataset.manifest, recipe.split)
    learner.train(Run(tmp_path / "run"), split, FOREVER)
    assert sum(changed) == 3 * len(split.indices("train"))
    learner.predict(split.indices("test"))
    assert sum(changed) == 3 * len(split.indices("train"))


def test_mirrored_copies_stand_in_the_training_part_only(dataset):
    recipe = small_recipe(FROZEN, {"network": {"trainable": 1.0, "head": {"normalise": False}}})
    learner = NetworkLearner.start(recipe, dataset)
    split = split_parts(dataset.manifest, recipe.split)
    train, val = learner._part(split, "train", True), learner._part(split, "val", False)
    n = len(split.indices("train"))
    assert (len(train), len(val)) == (2 * n, len(split.indices("val")))
    assert isinstance(train.inputs, MirroredInputs)
    (images,) = train.inputs.read(train.indices)
    assert torch.equal(images[n:], images[:n].flip(3))
    assert np.array_equal(train.targets[n:], train.targets[:n])


# order ---------------------------------------------------------------------------------------------------------------


def test_the_order_is_new_every_epoch_and_the_same_every_time():
    order = EpochOrder(50, seed=3)
    first = list(order)
    order.set_epoch(1)
    second = list(order)
    again = EpochOrder(50, seed=3)
    again.set_epoch(1)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert list(again) == second
    assert list(EpochOrder(50, seed=4)) != first


def test_batches_hold_every_sample_with_its_own_target():
    features = torch.arange(23, dtype=torch.float32)[:, None]
    part = Part(FeatureInputs(features), np.arange(3, 20), np.arange(3, 20))
    state = torch.get_rng_state()
    batches = list(loader(part, 5, EpochOrder(17, seed=0)))
    assert torch.equal(torch.get_rng_state(), state)
    assert [len(y) for _x, y in batches] == [5, 5, 5, 2]
    x, y = torch.cat([x for (x,), _y in batches]), torch.cat([y for _x, y in batches])
    assert torch.equal(x[:, 0], y.float())
    assert sorted(y.tolist()) == list(range(3, 20))
    assert y.tolist() != sorted(y.tolist())
    assert torch.cat([y for _x, y in loader(part, 5, None)]).tolist() == list(range(3, 20))


# options --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("frozen-norms", {"network": {"batch_norm": "frozen"}}),
        ("sgd", {"training": {"optimizer": "sgd", "weight_decay": 0.01}}),
        ("adamw", {"training": {"optimizer": "adamw", "weight_decay": 0.1, "schedule": "cosine"}}),
        ("weighted", {"training": {"class_weights": "balanced", "label_smoothing": 0.1}}),
        ("focal", {"training": {"loss": "focal"}}),
        ("two-rates", {"network": {"trainable": 0.5}, "training": {"backbone_learning_rate": 1e-5}}),
    ],
)
def test_each_option_trains_and_matters(tmp_path, dataset, name, changes):
    base = small_recipe({"training": {"epochs": 1}})
    recipe = small_recipe({"training": {"epochs": 1}}, changes)
    split = split_parts(dataset.manifest, recipe.split)
    split = split.with_columns(
        split=np.where(np.arange(len(split)) == 0, "test", split.table["split"])
    )  # unequal classes
    states = []
    for number, one in enumerate((base, recipe)):
        learner = NetworkLearner.start(one, dataset)
        learner.train(Run(tmp_path / f"{name}-{number}"), split, FOREVER)
        states.append({key: value.clone() for key, value in learner.classifier.state_dict().items()})
    assert all(torch.isfinite(value.float()).all() for value in states[1].values())
    assert any(not torch.equal(states[0][key], states[1][key]) for key in states[0])
    norms = [key for key in states[1] if key.endswith("running_mean")]
    if name == "frozen-norms":
        assert all((states[1][key] == 0).all() for key in norms)
    else:
        assert any((states[1][key] != 0).any() for key in norms)
    if name == "two-rates":  # the first half of the backbone stays as it was drawn
        torch.manual_seed(recipe.training.seed)
        fresh = SmallCNN().state_dict()
        assert torch.equal(states[1]["backbone.features.0.weight"], fresh["features.0.weight"])
        assert not torch.equal(states[1]["backbone.features.24.weight"], fresh["features.24.weight"])


def test_the_augmentation_of_a_recipe_is_random_only_when_something_is_drawn():
    assert not Augment(mirrored_copies=True).is_random
    assert Augment(contrast=0.1).is_random
    assert fingerprint(trained()[0].folder)["log.jsonl"]
