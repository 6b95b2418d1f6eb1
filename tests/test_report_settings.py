"""What the report says of each setting of training, preparation and classical classifiers, and what it draws of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from laudo.core.recipe import Classical, Companion, Recipe
from laudo.report.citations import BIBTEX, cited
from laudo.report.context import gather
from laudo.report.figures.learning import phase_ends
from laudo.report.figures.sheet import Shelf
from laudo.report.limits import limits
from laudo.report.methods import methods_text
from laudo.report.model_card import model_card
from laudo.report.page import write_report
from laudo.report.sections import training
from laudo.report.sections.draft import Draft
from laudo.report.sections.result_figures import metric_forest
from laudo.report.thumbnails import Album
from laudo.report.verdict import warnings
from laudo.report.voice import Voice
from report_example import make_cross_validation, make_recipe, make_run

EN = Voice("en")
COMPANIONS = (
    Companion(classifier="svm", learns_from="descriptors"),
    Companion(classifier="knn", learns_from="features"),
)
PHASES = [
    {"trainable": 0.0, "epochs": 6},
    {"trainable": 0.3, "learning_rate": 1e-5, "epochs": 6, "loss": "cross_entropy"},
]
KNN = {
    "network": {"backbone": "descriptors", "descriptors": ["texture", "intensity"], "classifier": "knn"},
    "augment": {},
    "training": {},
}
TRIED = [
    {"settings": {"neighbours": 3}, "balanced_accuracy": 0.81, "accuracy": 0.82, "log_loss": 0.6},
    {"settings": {"neighbours": 9}, "balanced_accuracy": 0.84, "accuracy": 0.85, "log_loss": 0.5},
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("settings") / "brain", n=40)


@pytest.fixture(scope="module")
def evidence(run):
    return gather(run)


def methods(evidence, **sections):
    recipe = make_recipe(**sections)
    text = " ".join(methods_text(replace(evidence, recipe=recipe), EN))
    assert cited([text]) == list(dict.fromkeys(re.findall(r"\[([a-z]+\d{4}[a-z]?)\]", text))), "what is cited is known"
    assert "efron1993" in BIBTEX
    return text


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"backbone_learning_rate": 1e-4}, "backbone's layers had a learning rate of 0.0001"),
        ({"layer_decay": 0.7}, "multiplied by 0.7"),
        ({"batch_size": 32, "micro_batch": 8}, "in pieces of 8"),
        ({"sampling": "balanced"}, "every class came equally often"),
        ({"warmup_epochs": 2}, "rose to its value over 2 epochs"),
        ({"averaging": "ema"}, "exponential moving average over the steps (decay 0.99)"),
        ({"averaging": "swa"}, "after the first 50% of them [izmailov2018]"),
        ({"watch": "auc_roc", "early_stopping": 4}, "after 4 epochs without a better AUC on validation"),
        ({"watch": "auc_roc"}, "epoch with the highest AUC on validation"),
        ({"ensemble": 5}, "5 networks were trained so"),
        ({"loss": "focal"}, "[lin2017]"),
    ],
)
def test_a_setting_of_training_is_told_only_where_it_is_used(evidence, setting, words):
    assert words in methods(evidence, training=setting)
    assert words not in methods(evidence, training={})


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"saturation": 0.2}, "saturation up to 20%"),
        ({"noise": 0.05}, "Gaussian noise up to 5% of the range"),
        ({"blur_px": 1.5}, "Gaussian blur up to 1.5 pixels"),
        ({"cutout": 0.5}, "squares of 30% of the side painted over with probability 0.5 [devries2017]"),
        ({"mixup": 0.2}, "were mixed by a weight from Beta(0.2, 0.2) [zhang2018]."),
        ({"cutmix": 1.0}, "were given a rectangle of one another, its area from Beta(1, 1) [yun2019]."),
        ({"mixup": 0.2, "cutmix": 1.0}, "either mixed by a weight"),
    ],
)
def test_a_random_change_is_told_only_where_it_is_made(evidence, setting, words):
    assert words in methods(evidence, augment=setting)
    assert words not in methods(evidence, augment={})
    assert "No augmentation" not in methods(evidence, augment=setting)


def test_every_random_change_of_a_recipe_has_its_words(evidence):
    """A new key of the section can not be forgotten: with it alone, the text must differ from that without any."""
    section = Recipe.model_fields["augment"].annotation
    plain = methods(evidence, augment={})
    for name, field in section.model_fields.items():
        if name not in {"cutout_size", "volume"}:  # what volumes have is in test_report_masks
            value = True if field.default is False else 0.25
            assert methods(evidence, augment={name: value}) != plain, name


def test_masks_and_planes_are_told(evidence):
    text = methods(evidence, prepare={"crop": "lesion", "planes": ["image", "mask", "whole"], "without_mask": "whole"})
    assert "these planes: the image, the mask, and the whole image, not cropped" in text
    assert text.count("missing or empty were kept whole") == 1
    erased = methods(evidence, prepare={"mask": "erase"})
    assert "Everything outside the mask was painted black." in erased
    assert "kept whole" not in erased


def test_phases_are_told_one_by_one(evidence):
    training = {"loss": "focal", "learning_rate": 1e-4, "phases": PHASES}
    text = methods(evidence, training=training, network={"backbone": "resnet50", "blocks": ["pdf", "se"]})
    assert "Phase 1 trained the head and the blocks alone for at most 6 epochs at a learning rate of 0.0001" in text
    assert "Phase 2 trained the head and the last 30% of the backbone's layers" in text
    assert "0.00001, with cross-entropy" in text
    assert "fixed feature extractor" not in text
    assert "for at most 12 epochs in phases" in text


def test_what_a_phase_sets_for_itself_is_told_there(evidence):
    own = {"trainable": 0.5, "learning_rate": 1e-5, "loss": "focal", "class_weights": "balanced", "early_stopping": 3}
    text = methods(evidence, training={"backbone_learning_rate": 2e-4, "phases": [{"epochs": 2}, own]})
    first, second = text.split("Phase 2 trained")
    assert "Its rate for the backbone was" not in second  # a phase with a rate has it for the backbone too
    for words in ("weighted by the inverse", "end after 3 epochs", "focal loss (alpha 0.25, gamma 2) [lin2017]"):
        assert words in second
        assert words not in first
    assert "the epoch of the last phase with the lowest validation loss" in second
    whole = methods(evidence, network={"backbone": "resnet50", "trainable": 1.0}, training={"phases": [{}]})
    assert "of the epoch with the lowest validation loss" in whole
    slow = {"backbone_learning_rate": 2e-4, "phases": [{"epochs": 2}]}
    assert "Its rate for the backbone was 0.0002" in methods(
        evidence, network={"backbone": "resnet50", "trainable": 1.0}, training=slow
    )


def test_several_labels_are_no_softmax(evidence):
    several = {
        "data": {"source": "csv", "separator": "|"},
        "network": {"backbone": "resnet50", "output": "multilabel"},
    }
    text = methods(evidence, **several, training={"class_weights": "balanced"})
    assert "a sigmoid output for each label" in text
    assert "binary cross-entropy of each label" in text
    assert "images with it counted as much as those without" in text
    assert "softmax" not in text


def test_an_ensemble_has_no_validation_part_and_networks_of_one_size(evidence):
    found = replace(evidence, model={"parameters": 3000, "trainable_parameters": 600, "members": 3})
    text = methods(found, training={"ensemble": 3})
    assert "Each of the networks has 1,000 parameters, of which 200 were trained." in text
    assert "for testing (seed" in text
    assert "for validation" not in text
    assert "chosen on the answers out of fold" in text
    official = methods(found, training={"ensemble": 3}, split={"by": "official"})
    assert "were taken from training" not in official
    assert "3,000 parameters" in methods(replace(found, model={**found.model, "members": 1}))


def test_metrics_without_an_interval_are_drawn(evidence, tmp_path):
    metrics = {"accuracy": {"value": 0.5, "ci95": None}, "f1": {"value": 0.4, "ci95": [0.3, 0.5]}}
    draft = Draft(evidence, EN, Album(evidence.manifest), Shelf(tmp_path, EN))
    assert metric_forest(draft, {"metrics": metrics}) is not None


def test_a_classical_classifier_is_told_without_words_of_networks(evidence):
    found = replace(evidence, model={"classical": {"tried": TRIED, "chosen": 1}})
    text = methods(found, **KNN)
    assert (
        "texture (co-occurrence of grey levels, local binary patterns, wavelet energy) [haralick1973] [ojala2002]"
        in text
    )
    assert "The classifier was k nearest neighbours [cover1967] [pedregosa2011]." in text
    assert "2 settings were tried" in text
    for words in ("epoch", "Adam", "PyTorch", "network"):
        assert words not in text
    raw = {**KNN["network"], "classical": {"standardise": False}}
    assert "left in their own units" in methods(found, **{**KNN, "network": raw})
    card = model_card(replace(found, recipe=make_recipe(**KNN)), EN)
    assert "Classifier: knn" in card


def test_descriptors_beside_a_network_are_told(evidence):
    text = methods(evidence, network={"backbone": "resnet50", "descriptors": ["shape", "lesion"]})
    assert "the shape of the outlined lesion" in text
    assert "stood beside the pooled features" in text


def test_rare_classes_are_told(evidence):
    data = {"source": "kaggle-brain"}
    assert "fewer than 5 images were left out" in methods(evidence, data={**data, "rare": "drop", "rare_below": 5})
    assert "means are over the classes that it has" in methods(evidence, data={**data, "rare": "keep"})


def test_limits_name_the_outline_and_the_classes_that_were_not_judged(evidence):
    lesion = replace(evidence, recipe=make_recipe(prepare={"crop": "lesion"}))
    assert any("outline of the lesion" in text for text in limits(lesion, EN))
    assert not any("outline of the lesion" in text for text in limits(evidence, EN))
    per_class = {**evidence.result["per_class"], "maybe": {"n": 0}}
    absent = {**evidence.metrics, "test": {**evidence.metrics["test"], "per_class": per_class}}
    assert any(
        "No image of these classes" in text and "maybe" in text
        for text in limits(replace(evidence, metrics=absent), EN)
    )


def lines(run, change):
    rows = [{**row, **change(row)} for row in run.log()]
    run.log_path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return rows


def test_phases_have_a_line_where_they_end(tmp_path):
    run = make_run(tmp_path / "run", n=40, training={"epochs": 12, "phases": PHASES})
    rows = lines(run, lambda row: {"phase": 1 + (row["epoch"] > 5)})
    assert phase_ends(rows) == [5]
    assert phase_ends([{"epoch": 1}, {"epoch": 2}]) == []
    page = write_report(run, "en").read_text(encoding="utf-8")
    assert "2 phases, each from the weights" in page


def test_members_of_an_ensemble_are_told_apart(tmp_path):
    run = make_run(tmp_path / "run", n=40, training={"epochs": 4, "ensemble": 3})
    lines(run, lambda row: {"member": 1 + (row["epoch"] - 1) // 4, "epoch": 1 + (row["epoch"] - 1) % 4})
    page = write_report(run, "en").read_text(encoding="utf-8")
    assert "3 networks, each stopped by another part" in page
    for number in (1, 2, 3):
        assert f"Every epoch: network {number}" in page


def test_a_classical_run_shows_what_was_tried_and_no_curves(tmp_path):
    run = make_run(tmp_path / "run", n=40, **KNN)
    run.log_path.unlink()
    run.write_json("model", {"classes": ["no", "yes"], "classical": {"tried": TRIED, "chosen": 1}})
    page = write_report(run, "en").read_text(encoding="utf-8")
    assert "there are no epochs and no curves" in page
    assert "Loss and accuracy over the epochs" not in page
    best = page[page.index('class="best"') :]
    assert best.index("0.840") < best.index("</tr>")


EVERY = ("random-split", "validation-quoted", "unscaled-descriptors", "context-erased", "no-validation")


@pytest.mark.parametrize(
    ("section", "change", "word"),
    [
        ("split", {"by": "sample"}, "divided at random"),
        ("evaluation", {"headline": "val"}, "validation part, not"),
        ("network", {"classical": Classical(standardise=False)}, "not brought to one scale"),
        ("prepare", {"mask": "erase"}, "painted black"),
        ("training", {"keep": "last"}, "chooses nothing"),
    ],
)
def test_a_mistake_that_a_setting_has_mended_is_not_told(evidence, section, change, word):
    uncut = evidence.recipe.evaluation.model_copy(
        update={"threshold": "half"}
    )  # so that nothing but the epoch is chosen
    honest = evidence.recipe.model_copy(update={"mistakes": EVERY, "evaluation": uncut})
    made = honest.model_copy(update={section: getattr(honest, section).model_copy(update=change)})
    voice = EN
    assert warnings(replace(evidence, recipe=honest), voice) == []
    (told,) = warnings(replace(evidence, recipe=made), voice)
    assert word in told


def test_the_card_of_a_cross_validation_says_nothing_of_one_folds_model(evidence, tmp_path):
    assert "Threshold" in model_card(evidence, EN)
    root = gather(make_cross_validation(tmp_path / "run"))
    card = model_card(root, EN)
    assert root.model["threshold"] is not None
    assert "- Threshold" not in card
    assert "- Parameters" not in card
    several = replace(root, model={**root.model, "members": 5})
    assert "Members of the ensemble" not in model_card(several, EN)  # of one fold: all folds answer together
    assert any("nothing has judged that mean" in text for text in limits(root, EN))
    outside = replace(root, metrics={**root.metrics, "external": root.metrics["pooled"]})
    assert not any("nothing has judged" in text for text in limits(outside, EN))
    assert any("only the external figures" in text for text in limits(outside, EN))


@pytest.mark.parametrize("ensemble", [1, 2])
def test_a_training_that_diverged_is_told(evidence, tmp_path, ensemble):
    lines = [{**line, **({"member": 1} if ensemble > 1 else {})} for line in evidence.logs[0][1]]
    if ensemble > 1:
        lines += [{**line, "member": 2} for line in evidence.logs[0][1]]
    lines[-1] = {**lines[-1], "val_loss": None}
    told = replace(evidence, logs=[(0, lines)], status={**evidence.status, "reason": "diverged"})
    assert any("diverged" in text for text in limits(told, EN))
    assert not any("diverged" in text for text in limits(evidence, EN))
    facts = training.build(Draft(told, EN, Album(told.manifest), Shelf(tmp_path, EN)))["facts"]
    (fact,) = [text for text in facts if "no longer numbers" in text]
    assert ("etwork 2:" in fact) == (ensemble > 1)


@pytest.mark.parametrize("ensemble", [1, 5])
def test_companions_are_told_in_methods_and_limits(evidence, ensemble):
    recipe = evidence.recipe
    network = recipe.network.model_copy(update={"descriptors": ("shape",), "companions": COMPANIONS})
    training = recipe.training.model_copy(update={"ensemble": ensemble})
    told = replace(evidence, recipe=recipe.model_copy(update={"network": network, "training": training}))
    text = " ".join(methods_text(told, EN))
    assert {"cortes1995", "cover1967", "pedregosa2011"} <= set(cited([text]))
    assert re.search(r"a support vector machine [^;.]* on the measured features", text)
    assert re.search(r"k nearest neighbours [^;.]* on features of the network as it was before training", text)
    assert ("Beside each network" if ensemble > 1 else "Beside the network") in text
    assert "The answer is the mean of their probabilities." not in text  # the networks' alone
    assert ("and the classifiers beside it" in text) == (ensemble > 1)
    assert "brought to mean 0" in text
    assert any("classifiers beside it" in one for one in limits(told, EN))
    assert not any("classifiers beside it" in one for one in limits(evidence, EN))
    assert "svm (descriptors), knn (features)" in model_card(told, EN)
