"""The published system on the real images, done well and done as published (with a smaller backbone)."""

from __future__ import annotations

import os

import pytest

from laudo.core.recipe_file import load_recipe
from training_example import train

pytestmark = pytest.mark.real_data

SMALL = "network.backbone=mobilenetv2_100"


@pytest.fixture(autouse=True)
def weights():
    if not os.environ.get("LAUDO_WEIGHTS"):
        pytest.skip("LAUDO_WEIGHTS is not set")


def test_cross_validated_by_group_it_is_as_good_as_published_and_all_images_are_judged(tmp_path, real_kaggle_brain):
    run = train(load_recipe("kaggle-vgg19", [SMALL]), real_kaggle_brain, tmp_path / "run", folds=True)
    pooled = run.json("metrics")["pooled"]
    assert pooled["n"] == 253
    assert pooled["metrics"]["accuracy"]["value"] >= 0.88
    assert pooled["metrics"]["auc_roc"]["value"] >= 0.94
    low, high = pooled["metrics"]["accuracy"]["ci95"]
    assert low < pooled["metrics"]["accuracy"]["value"] < high
    for fold in run.folds():
        audit = {finding["check"]: finding["status"] for finding in fold.json("audit")["findings"]}
        assert audit["across_parts"] == "pass"
    assert run.has_report()


def test_as_published_the_milestones_are_there_and_leakage_is_worth_something(tmp_path, real_kaggle_brain):
    run = train(load_recipe("kaggle-vgg19-as-published", [SMALL]), real_kaggle_brain, tmp_path / "run")
    metrics = run.json("metrics")
    assert [one["epoch"] for one in metrics["milestones"]] == [30, 50, 80]
    assert {one["part"] for one in metrics["milestones"]} == {"val"}
    leakage = metrics["leakage"]
    assert leakage["images"] == 253
    assert leakage["with_copy"] > 0
    assert leakage["difference"]["accuracy"]["value"] > 0
    assert leakage["split"]["with_copy_in_training"] > 0
    audit = {finding["check"]: finding["status"] for finding in run.json("audit")["findings"]}
    assert audit["across_parts"] == "fail"
