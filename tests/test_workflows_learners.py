"""Learners from end to end: several networks that answer together, and classifiers of scikit-learn."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from laudo.core.errors import DataError, RunError
from laudo.core.run import Run
from laudo.networks.classifier import class_probabilities
from laudo.networks.ensemble import Ensemble
from laudo.networks.table import build_classifier, pretrained_backbone
from laudo.prepare.describe import describe_images
from laudo.train.classical import fit_classical
from laudo.train.classifier_fitting import ClassifierFitting
from laudo.workflows import companion_learner, network_learner, train_run
from laudo.workflows.open_model import open_model
from laudo.workflows.use_model import explain_paths, predict_paths
from training_example import (
    FROZEN,
    fingerprint,
    plain_report,
    run_attempt,
    small_recipe,
    train,
    trained,
    write_images,
)

ENSEMBLE = {"training": {"ensemble": 3, "epochs": 4}, "evaluation": {"explained_cases": 2, "sanity_cases": 1}}
KNN = {
    "network": {
        "backbone": "descriptors",
        "descriptors": ["texture", "intensity"],
        "classifier": "knn",
        "classical": {"neighbours": [1, 3, 5]},
        "trainable": 0.0,
        "output": "softmax",
    }
}
BESIDE = {
    "network": {
        "descriptors": ["texture", "intensity"],
        "companions": [
            {"classifier": "logistic_regression", "learns_from": "descriptors"},
            {"classifier": "svm", "learns_from": "features"},
        ],
    },
    "training": {"epochs": 2},
    "evaluation": {"explained_cases": 2, "views": ["plain", "mirrored"]},
}
FOREST = {
    "network": {**FROZEN["network"], "classifier": "random_forest", "output": "softmax", "classical": {"trees": 30}},
    "augment": {"mirrored_copies": True},
    "evaluation": {"views": ["plain", "mirrored"]},
}


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.setattr(train_run, "write_reports", plain_report)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("learners") / "data", per_class=24, seed=9)


@pytest.fixture(scope="module")
def together(images, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_run, "write_reports", plain_report)
        return train(small_recipe(ENSEMBLE), images, tmp_path_factory.mktemp("ensemble") / "run")


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_an_ensemble_answers_with_the_mean_of_its_members(output):
    recipe = small_recipe({"network": {"output": output}})
    members = []
    for seed in range(3):
        torch.manual_seed(seed)
        members.append(build_classifier(recipe.network, 2, (32, 32))[0].eval())
    pixels = torch.randint(0, 256, (5, 1, 32, 32), dtype=torch.uint8)
    with torch.no_grad():
        each = torch.stack([class_probabilities(member(pixels)) for member in members])
        found = class_probabilities(Ensemble(members)(pixels))
    assert float((each[0] - each[1]).abs().max()) > 1e-4  # else any of them would do
    assert torch.allclose(found, each.mean(dim=0), atol=1e-6)


def test_each_image_of_an_ensemble_is_validated_by_the_member_that_has_not_seen_it(together, images):
    manifest = together.manifest()
    assert set(manifest.table["split"]) == {"train", "test"}  # the validation part is trained on by all members but one
    validated = together.predictions("val")
    assert sorted(validated.table["sample"]) == sorted(manifest.part("train").table["sample"])
    members = open_model(together).classifier.networks
    assert len(members) == 3 == together.json("model")["members"]
    assert [line["member"] for line in together.log()] == [1] * 4 + [2] * 4 + [3] * 4
    # the mean of all members knows the training images better than one member that has not seen them
    own = together.predictions("train")
    assert not np.allclose(own.probabilities, validated.probabilities)


def test_the_stored_ensemble_predicts_what_the_run_says(together, images, tmp_path):
    assert _told_again(together, images, tmp_path) < 1e-5


def test_the_map_of_an_ensemble_is_drawn(together, images, tmp_path):
    cases = explain_paths(together, [next((images / "yes").iterdir())], tmp_path, "grad-cam", None)
    assert cases[0]["error"] == ""
    assert together.json("explanations")["cases"]


def test_an_ensemble_that_is_killed_goes_on_where_it_was(images, tmp_path, together):
    recipe = small_recipe(ENSEMBLE).model_dump(mode="json")
    cache = tmp_path / "cache"
    out = tmp_path / "run"
    assert run_attempt(recipe, images, out, cache, die_at=40) < 0
    begun = sorted(path.name for path in (out / "checkpoints").glob("member-*"))
    assert begun  # it died while members were trained
    assert run_attempt(recipe, images, out, cache) == 0
    ours, theirs = fingerprint(out), fingerprint(together.folder)
    assert ours["model.safetensors"] == theirs["model.safetensors"]
    assert ours["predictions/test.parquet"] == theirs["predictions/test.parquet"]


def test_an_ensemble_without_time_stops_and_goes_on(images, tmp_path, together):
    recipe = small_recipe(ENSEMBLE)
    stopped = train(recipe, images, tmp_path / "run", minutes=0)
    assert stopped.state()["state"] == "stopped"
    assert not stopped.model_path.exists()
    finished = train(recipe, images, tmp_path / "run", resume=True)
    assert finished.state()["state"] == "finished"
    assert fingerprint(finished.folder)["model.safetensors"] == fingerprint(together.folder)["model.safetensors"]


def test_the_folds_of_a_cross_validation_answer_together(images, tmp_path):
    recipe = small_recipe({"training": {"epochs": 2}, "evaluation": {"explained_cases": 0}})
    root = train(recipe, images, tmp_path / "run", folds=True)
    files = sorted((images / "yes").iterdir())[:6]
    rows = predict_paths(root, files, tmp_path / "all")
    single = [predict_paths(fold, files, tmp_path / fold.folder.name) for fold in root.folds()]
    expected = np.mean([one["probability:yes"] for one in single], axis=0)
    assert np.allclose(rows["probability:yes"], expected, atol=1e-6)
    thresholds = [fold.json("model")["threshold"] for fold in root.folds()]
    assert min(thresholds) - 1e-9 <= rows["threshold"][0] <= max(thresholds) + 0.5


def test_an_unfinished_cross_validation_answers_nothing(images, tmp_path):
    recipe = small_recipe({"training": {"epochs": 2}, "evaluation": {"explained_cases": 0}})
    stopped = train(recipe, images, tmp_path / "run", folds=True, minutes=0)
    assert Run(stopped.folder / "fold-1").model_path.is_file()  # half-trained, and the only one
    with pytest.raises(RunError, match="incomplete"):
        open_model(stopped)


def test_members_on_frozen_features_are_stored_with_the_backbone_that_gave_them(images, tmp_path):
    """Of random weights each member's seed would draw others."""
    changes = {
        "network": {"descriptors": ["intensity"]},
        "training": {"ensemble": 2},
        "evaluation": {"explained_cases": 0},
    }
    run = train(small_recipe(FROZEN, changes), images, tmp_path / "run")
    assert run.json("model")["frozen_features"]
    assert _told_again(run, images, tmp_path / "out") < 1e-5


def _told_again(run, images, out):
    """Largest distance between what the run said of its test part and what its stored model says."""
    said = run.predictions("test").table.set_index("sample")["probability:yes"]
    rows = predict_paths(run, [images], out)
    rows.index = [f"{file.rsplit('/', 2)[-2]}/{file.rsplit('/', 1)[-1]}" for file in rows["file"]]
    return float((rows.loc[said.index, "probability:yes"] - said).abs().max())


@pytest.mark.parametrize("change", [KNN, FOREST], ids=["descriptors", "frozen features"])
def test_a_classical_classifier_makes_a_run_as_a_network_does(change, images, tmp_path):
    run = train(small_recipe(change), images, tmp_path / "run")
    assert run.state()["state"] == "finished"
    assert run.json("metrics")["test"]["metrics"]["accuracy"]["value"] >= 0.75  # the square is bright
    tried = run.json("model")["classical"]["tried"]
    assert len(tried) == (3 if change is KNN else 1)
    assert _told_again(run, images, tmp_path / "out") < 1e-5


def test_a_classical_classifier_cross_validates_and_resumes(images, tmp_path):
    run = train(small_recipe(KNN), images, tmp_path / "run", folds=True)
    assert run.json("metrics")["pooled"]["n"] == len(run.manifest())
    again = train(small_recipe(KNN), images, tmp_path / "run", folds=True, resume=True)
    assert again.json("metrics") == run.json("metrics")


def test_what_answers_is_refused_when_its_file_is_damaged(images, tmp_path):
    run = train(small_recipe(KNN), images, tmp_path / "run")
    run.classical_path.write_bytes(run.classical_path.read_bytes()[:100])
    with pytest.raises(RunError, match="can not be read"):
        open_model(run)


def test_no_map_of_a_classical_classifier_is_drawn_and_it_is_said_why(images, tmp_path):
    from laudo.core.errors import LaudoError

    run = train(small_recipe(KNN), images, tmp_path / "run")
    with pytest.raises(LaudoError, match="network"):
        explain_paths(run, [next((images / "yes").iterdir())], tmp_path, "grad-cam", None)


def test_a_model_of_several_members_is_refused_with_weights_of_one(together, tmp_path):
    copy = Run(shutil.copytree(together.folder, tmp_path / "run"))
    shutil.copy(trained()[0].weights_path, copy.weights_path)
    with pytest.raises(RunError):
        open_model(copy)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network": {"backbone": "descriptors"}}, "network.descriptors"),
        ({"network": {"classifier": "knn"}}, "never change"),
        ({**KNN, "training": {"ensemble": 3}}, "ensemble is for networks"),
        ({"training": {"ensemble": 3, "report_at_epochs": [1]}}, "one network"),
        ({"training": {"ensemble": 3}, "evaluation": {"headline": "val"}}, "trained on by other members"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(change, words):
    with pytest.raises(ValidationError, match=words):
        small_recipe(change)


def test_the_log_of_an_ensemble_is_plain_json(together):
    lines = together.log_path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3, 4] * 3


# a classical classifier beside the network -------------------------------------------------------------------------------


@pytest.mark.parametrize("ensemble", [1, 3])
def test_each_companion_weighs_as_much_as_all_networks(images, tmp_path, ensemble):
    recipe = small_recipe({**BESIDE, "training": {"epochs": 2, "ensemble": ensemble}})
    run = train(recipe, images, tmp_path / "run")
    assert sorted(path.name for path in run.folder.glob("companion-*")) == [
        f"companion-{number}-{member}.skops" for number in (1, 2) for member in range(1, ensemble + 1)
    ]
    assert _told_again(run, images, tmp_path) < 1e-5
    model = open_model(run)
    pixels = torch.randint(0, 256, (4, 1, recipe.prepare.height, recipe.prepare.width), dtype=torch.uint8)
    known = describe_images(run.manifest(), model.prepare, ("texture", "intensity"))[:4]
    alone = dataclasses.replace(model, companions=None).predict(pixels, "fp32", known)
    of_descriptors, of_features = model.companions.fitted
    assert len(of_descriptors) == len(of_features) == ensemble
    measured = np.mean([one.probabilities(known) for one in of_descriptors], axis=0)
    looked = np.mean(
        [
            one.probabilities(model.companions.network.image_vector(view).numpy())
            for one in of_features
            for view in (pixels, pixels.flip(3))
        ],
        axis=0,
    )
    assert min(np.abs(alone - measured).max(), np.abs(alone - looked).max(), np.abs(measured - looked).max()) > 0.01
    np.testing.assert_allclose(model.predict(pixels, "fp32", known), (alone + measured + looked) / 3, atol=1e-6)


def test_companions_look_through_the_network_as_it_was_before_training(images, tmp_path):
    recipe = small_recipe({**BESIDE, "training": {"epochs": 2, "ensemble": 2}})
    run = train(recipe, images, tmp_path / "run")
    model = open_model(run)
    torch.manual_seed(recipe.training.seed)
    before, _spec = pretrained_backbone(recipe.network)
    after = model.classifier.networks[0].backbone.state_dict()
    for name, tensor in model.companions.network.backbone.state_dict().items():
        assert torch.equal(tensor, before.state_dict()[name])
    assert any(not torch.equal(tensor, before.state_dict()[name]) for name, tensor in after.items())


def test_companions_of_all_folds_answer_with_their_networks(images, tmp_path):
    recipe = small_recipe({**BESIDE, "evaluation": {"explained_cases": 0}})
    root = train(recipe, images, tmp_path / "run", folds=True)
    files = sorted((images / "yes").iterdir())[:4]
    single = [predict_paths(fold, files, tmp_path / fold.folder.name) for fold in root.folds()]
    rows = predict_paths(root, files, tmp_path / "all")
    np.testing.assert_allclose(
        rows["probability:yes"], np.mean([one["probability:yes"] for one in single], axis=0), atol=1e-6
    )


def test_a_companion_is_read_type_by_type(images, tmp_path):
    run = train(small_recipe(BESIDE), images, tmp_path / "run")
    run.companion_path(2, 1).write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(RunError, match="can not be read"):
        open_model(run)


def test_a_companion_that_is_given_another_number_of_features_is_named(images, tmp_path):
    run = train(small_recipe(BESIDE), images, tmp_path / "run")
    of_features = run.companion_path(2, 1)
    of_features.write_bytes(run.companion_path(1, 1).read_bytes())
    with pytest.raises(RunError) as caught:
        open_model(run)
    assert caught.value.file == str(of_features)


def test_companions_that_can_not_be_fitted_are_found_before_the_network_is_trained(images, tmp_path, monkeypatch):
    def breaks(*_arguments):
        raise MemoryError

    monkeypatch.setattr(companion_learner, "fit_classical", breaks)
    with pytest.raises(MemoryError):
        train(small_recipe(BESIDE), images, tmp_path / "run")
    assert Run(tmp_path / "run").log() == []


@pytest.mark.parametrize(
    ("augment", "copies"), [({}, 1), ({"horizontal_flip": 0.5}, 2), ({"mirrored_copies": True}, 2)]
)
def test_what_the_network_sees_mirrored_companions_learn_both_ways_round(
    images, tmp_path, monkeypatch, augment, copies
):
    given = []

    def fitted(network, train, *others):
        given.append((train[0].copy(), train[1]))
        return fit_classical(network, train, *others)

    monkeypatch.setattr(companion_learner, "fit_classical", fitted)
    small = small_recipe({**BESIDE, "augment": augment, "training": {"epochs": 1, "sampling": "balanced"}})
    run = train(small, images, tmp_path / "run")
    n = int((run.manifest().table["split"] == "train").sum())
    (described, _labels), (features, labels) = given
    assert len(described) == n  # measured on the image as it is
    assert len(features) == len(labels) == copies * n
    assert np.array_equal(labels[:n], labels[-n:])
    if copies == 2:
        assert np.abs(features[:n] - features[n:]).max() > 1e-3


@pytest.mark.parametrize(
    "change",
    [
        {"prepare": {"intensity": "fitted"}},  # features once more, as each training part says
        {"network": {**BESIDE["network"], "trainable": 0.0}},  # the network's own features never change either
        {"network": {"companions": [{"classifier": "knn", "learns_from": "features"}]}},
    ],
)
def test_companions_stand_beside_every_kind_of_network(images, tmp_path, change):
    weighed = {"training": {"epochs": 1, "class_weights": "balanced"}}  # which neighbours can not be
    run = train(small_recipe({**BESIDE, **weighed, **change}), images, tmp_path / "run")
    assert _told_again(run, images, tmp_path) < 1e-5


def test_companions_change_nothing_when_a_run_goes_on(images, tmp_path):
    recipe = small_recipe(BESIDE)
    whole = train(recipe, images, tmp_path / "whole")
    train(recipe, images, tmp_path / "parts", minutes=0)
    parts = train(recipe, images, tmp_path / "parts", resume=True)
    assert fingerprint(parts.folder) == fingerprint(whole.folder)


@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_damaged_weights_of_what_companions_look_through_are_named(images, tmp_path, harm):
    run = train(small_recipe(BESIDE), images, tmp_path / "run")
    path = run.companion_weights_path
    path.unlink() if harm == "gone" else path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(RunError) as caught:
        open_model(run)
    assert caught.value.file == str(path)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"companions": [{"classifier": "svm", "learns_from": "descriptors"}]}, "need network.descriptors"),
        (
            {
                "companions": [{"classifier": "svm", "learns_from": "features"}],
                "classifier": "knn",
                "trainable": 0.0,
            },
            "stand beside a network",
        ),
        (
            {"companions": [{"classifier": "svm", "learns_from": "features"}], "output": "multilabel"},
            "one class a sample",
        ),
    ],
)
def test_companions_need_what_they_learn_from_and_a_network(network, message):
    with pytest.raises(ValidationError, match=message):
        small_recipe({"network": network})


# what fails -------------------------------------------------------------------------------------------------------------


def test_a_run_that_failed_in_a_first_member_is_not_begun_anew_with_another_recipe(images, tmp_path, monkeypatch):
    calls = []
    fit = network_learner.fit

    def breaks(*arguments):
        calls.append(1)
        if len(calls) == 1:
            arguments = (*arguments[:3], _shortened(arguments[3]), *arguments[4:])
            fit(*arguments)
            raise RuntimeError("out of memory")
        return fit(*arguments)

    monkeypatch.setattr(network_learner, "fit", breaks)
    with pytest.raises(RuntimeError, match="out of memory"):
        train(small_recipe(ENSEMBLE), images, tmp_path / "run")
    run = Run(tmp_path / "run")
    assert [line["epoch"] for line in run.log()] == [1, 2]  # the report can draw them
    run.set_state("failed")
    other = small_recipe({**ENSEMBLE, "training": {**ENSEMBLE["training"], "learning_rate": 0.5}})
    with pytest.raises(RunError, match="already"):
        train(other, images, tmp_path / "run")


def _shortened(recipe):
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"epochs": 2})})


def test_an_ensemble_larger_than_the_number_of_groups_names_its_own_setting(images, tmp_path):
    with pytest.raises(DataError) as caught:
        train(small_recipe({"training": {"ensemble": 40}}), images, tmp_path / "run")
    assert "training.ensemble" in str(caught.value.cure)


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_training_that_diverges_from_the_start_says_so(images, tmp_path, monkeypatch, keep):
    monkeypatch.setattr(ClassifierFitting, "training_step", _poisoned(1))
    with pytest.raises(RunError, match="diverged"):
        train(small_recipe({"training": {"epochs": 3, "keep": keep}}), images, tmp_path / "run")
    assert len(Run(tmp_path / "run").log()) == 1


def test_a_training_that_diverges_later_keeps_what_was_good(images, tmp_path, monkeypatch):
    monkeypatch.setattr(ClassifierFitting, "training_step", _poisoned(2))
    run = train(small_recipe({"training": {"epochs": 4}}), images, tmp_path / "run")
    assert run.state()["reason"] == "diverged"
    assert [line["val_loss"] is None for line in run.log()] == [False, True]
    assert run.json("model")["best_epoch"] == 1
    assert "NaN" not in run.log_path.read_text()


def test_figures_of_an_epoch_that_diverged_are_left_out(images, tmp_path, monkeypatch):
    monkeypatch.setattr(ClassifierFitting, "training_step", _poisoned(2))
    recipe = small_recipe({"training": {"epochs": 4, "report_at_epochs": [1, 2]}})
    run = train(recipe, images, tmp_path / "run")
    assert run.state()["state"] == "finished"
    assert [one["epoch"] for one in run.json("metrics")["milestones"]] == [1]


def test_a_second_phase_that_diverges_leaves_the_model_of_the_first(images, tmp_path, monkeypatch):
    monkeypatch.setattr(ClassifierFitting, "training_step", _poisoned(3))
    phases = [{"epochs": 2, "loss": "focal"}, {"epochs": 2, "loss": "cross_entropy"}]
    run = train(small_recipe({"training": {"phases": phases}}), images, tmp_path / "run")
    assert [line["val_loss"] is None for line in run.log()] == [False, False, True]
    assert run.json("model")["best_epoch"] in {1, 2}
    assert run.state()["reason"] == "diverged"


def _poisoned(epoch):
    """A step after which, in this epoch, the weights are not numbers."""
    step = ClassifierFitting.training_step

    def training_step(self, batch, batch_idx):
        loss = step(self, batch, batch_idx)
        return loss * float("nan") if self.epochs_before + 1 == epoch else loss

    return training_step
