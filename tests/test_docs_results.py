"""docs/results.py: what stands in metrics.json stands in the table, and what was not run says so."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from laudo.core.recipe_file import dump_recipe, load_recipe

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module")
def results():
    sys.path.insert(0, str(DOCS))
    spec = importlib.util.spec_from_file_location("results", DOCS / "results.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["results"] = module
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(DOCS))
    for name in ("results", "finished_runs"):
        sys.modules.pop(name, None)


def figures(value, n, low=None, high=None, **more):
    ends = [low, high] if low is not None else None
    names = ("accuracy", "auc_roc")
    return {"n": n, "groups": n // 2, "metrics": {name: {"value": value, "ci95": ends} for name in names}, **more}


def write_run(folder, name, settings=(), state="finished", folds=0, **metrics):
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(dump_recipe(load_recipe(name, settings)))
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "status.json").write_text(json.dumps({"state": state, "seconds": 90.0}))
    facts = {"device": "cpu", "cores": 2, "precision": "bf16", "laudo": "0.1"}
    for place in [folder / f"fold-{k}" for k in range(1, folds + 1)] or [folder]:
        place.mkdir(exist_ok=True)
        backbone = {"name": "mobilenetv2_100", "weights_from": "/home/somebody/weights/mobilenetv2_100.safetensors"}
        model = {"backbone": backbone, "threshold": 0.25, "threshold_rule": "validation", "best_epoch": 7}
        (place / "model.json").write_text(json.dumps(model))
        (place / "environment.json").write_text(json.dumps(facts))
        if folds:  # a fold is a run itself, and is no row of its own
            (place / "recipe.yaml").write_text(dump_recipe(load_recipe(name, settings)))
            (place / "metrics.json").write_text(json.dumps({"test": figures(0.111, 10), "val": figures(0.25, 9)}))


def row(page, title):
    (line,) = [line for line in page.splitlines() if line.startswith(f"| {title} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_nothing_run_says_so_and_gives_no_figure(results, tmp_path):
    page = results.page(results.find_runs(tmp_path))
    for system in results.SYSTEMS:
        assert row(page, system.title)[4:] == ["not run here", "not run here", "not run here", "–"]
    assert "Run by run" not in page


def test_each_run_stands_in_its_column(results, tmp_path):
    write_run(tmp_path / "a" / "as-published", "figshare-cnn-as-published", val=figures(0.951, 613, 0.931, 0.969))
    by = ["split.by=official"]
    write_run(tmp_path / "b", "figshare-cnn-as-published", by, folds=2, pooled=figures(0.871, 3064, 0.86, 0.88))
    page = results.page(results.find_runs(tmp_path))
    cells = row(page, "figshare-cnn")
    assert cells[2] == "0.94, n = 614"
    assert cells[4] == "0.951 (0.931–0.969), n = 613; validation part"
    assert cells[5] == "0.871 (0.860–0.880), n = 3064; 2 folds"
    assert cells[6] == "not run here"
    assert cells[7] == "mobilenetv2_100, mobilenetv2_100.safetensors"
    assert "0.111" not in page, "a fold is no row"
    assert "somebody" not in page
    assert "`split.by=official`" in page
    assert "1.5 minutes on cpu, 2 cores, bf16" in page


def test_folds_of_a_cross_validation_without_figures_are_no_runs(results, tmp_path):
    write_run(tmp_path / "half", "figshare-cnn", folds=2, state="running")
    (tmp_path / "half" / "metrics.json").unlink()
    page = results.page(results.find_runs(tmp_path))
    assert row(page, "figshare-cnn")[6] == "not run here"
    assert "Not finished, so not shown: half." in page


def test_only_the_authors_split_is_called_so(results, tmp_path):
    knn = ["network.descriptors=[texture]"]
    write_run(tmp_path / "a", "medpix-modality-knn-as-published", knn, test=figures(0.5, 200))
    title = "medpix modality, KNN on texture"
    assert row(results.page(results.find_runs(tmp_path)), title)[5] == "the same: its split is the authors' own"
    write_run(tmp_path / "b", "medpix-modality-knn-as-published", [*knn, "split.by=sample"], test=figures(0.6, 200))
    assert row(results.page(results.find_runs(tmp_path)), title)[5] == "not run here"


def test_folds_classes_and_choices_are_told_below(results, tmp_path):
    classes = {
        "a": {"n": 8, "precision": {"value": 0.5}, "sensitivity": {"value": 0.75}, "f1": {"value": 0.6}},
        "b": {"n": 12, "precision": {"value": None}, "sensitivity": {"value": 0.0}, "f1": {"value": 0.0}},
        "c": {"n": 0, "precision": {"value": None}, "sensitivity": {"value": None}, "f1": {"value": None}},
    }
    spread = {"accuracy": {"mean": 0.64, "std": 0.014, "values": [0.63, 0.65]}}
    write_run(tmp_path / "mine", "medpix-location-resnet50", ["network.backbone=mobilenetv2_100"])
    (tmp_path / "mine" / "metrics.json").write_text(
        json.dumps({"test": figures(0.64, 20, 0.6, 0.7, per_class=classes), "folds": spread})
    )
    page = results.page(results.find_runs(tmp_path))
    assert row(page, "medpix location, image only")[6].startswith(
        "`medpix-location-resnet50` 0.640 (0.600–0.700), n = 20; test part [network.backbone="
    )
    assert "| b | 12 | – | 0.000 | 0.000 |" in page
    assert page.index("| b | 12 |") < page.index("| a | 8 |"), "the largest class first"
    assert "No image of c was judged" in page
    assert "| 2 | 0.650 |" in page
    assert "0.640 ± 0.014" in page
    assert "threshold (validation): 0.250" in page
    assert "epoch kept, by accuracy on validation: 7" in page


def test_a_leakage_block_is_the_honest_split_and_variants_of_one_recipe_are_told_apart(results, tmp_path):
    leak = {"images": 253, "folds": 5, "grouped": {"accuracy": {"value": 0.888, "ci95": [0.84, 0.93]}}}
    write_run(tmp_path / "k", "kaggle-vgg19-as-published", val=figures(0.941, 51), leakage=leak)
    knn = "medpix-modality-knn-as-published"
    write_run(tmp_path / "t", knn, ["network.descriptors=[texture]"], test=figures(0.5, 200))
    write_run(tmp_path / "i", knn, ["network.descriptors=[intensity]"], test=figures(0.61, 200))
    write_run(tmp_path / "x", "medpix-modality-knn", state="stopped", test=figures(0.9, 200))
    page = results.page(results.find_runs(tmp_path))
    assert row(page, "kaggle-vgg19")[4:6] == ["0.941, n = 51; validation part", "0.888 (0.840–0.930), n = 253; 5 folds"]
    assert row(page, "medpix modality, KNN on texture")[4].startswith("0.500, n = 200")
    assert row(page, "medpix modality, KNN on image")[4].startswith("0.610, n = 200")
    assert row(page, "medpix modality, KNN on both")[4] == "not run here"
    assert row(page, "medpix modality, KNN on image")[6] == "not run here", "it is not finished"
    assert "Not finished, so not shown: x." in page


def test_validation_figures_of_the_folds_stand_below_and_further_recipes_beside(results, tmp_path):
    more = ["training.epochs=3", "training.batch_size=8", "network.weights=none"]
    write_run(tmp_path / "a", "busuc-lesion", more, folds=2, pooled=figures(0.86, 809))
    write_run(tmp_path / "b", "busuc-efficientnet-pdf-se", folds=2, pooled=figures(0.81, 809))
    page = results.page(results.find_runs(tmp_path))
    assert (
        "on validation, by which variants are chosen: accuracy 0.250 (0.250, 0.250); AUC 0.250 (0.250, 0.250)" in page
    )
    assert row(page, "busuc, AUC")[6] == (
        "`busuc-lesion` 0.860, n = 809; 2 folds [training.epochs=3, 1 more setting, below]<br>"
        "`busuc-efficientnet-pdf-se` 0.810, n = 809; 2 folds"
    )


def test_sensitivity_and_specificity_stand_beside_the_accuracy_of_neighbours(results, tmp_path):
    metrics = {"accuracy": 0.71, "sensitivity": 0.58, "specificity": 0.9123, "f1": 0.5}
    part = {"n": 200, "metrics": {name: {"value": value, "ci95": None} for name, value in metrics.items()}}
    write_run(tmp_path / "t", "medpix-modality-knn-as-published", ["network.descriptors=[texture]"], test=part)
    found = row(results.page(results.find_runs(tmp_path)), "medpix modality, KNN on texture")[4]
    assert found.startswith("0.710, n = 200; test part; sensitivity 0.580; specificity 0.912"), "and not F1"


def test_what_stands_beside_the_networks_and_what_a_recipe_is_for_are_told(results, tmp_path):
    write_run(tmp_path / "a", "busuc-lesion", folds=2, pooled=figures(0.86, 809))
    write_run(tmp_path / "b", "busuc-efficientnet-pdf-se", folds=2, pooled=figures(0.81, 809))
    page = results.page(results.find_runs(tmp_path))
    lesion, networks = page.index("### a"), page.index("### b")
    told = page[lesion:networks]
    assert f"- {load_recipe('busuc-lesion').description}\n" in told
    assert "- beside each network: " in told
    assert " on descriptors, " in told
    assert "beside each network" not in page[networks:], "it has none"


def test_estimates(results):
    assert results.estimate({"value": 0.9, "ci95": [0.8, 0.95]}, 7) == "0.900 (0.800–0.950), n = 7"
    assert results.estimate({"value": 0.9, "ci95": None}, 7) == "0.900, n = 7"
    assert results.estimate({"value": 0.9, "ci95": [None, None]}, 7) == "0.900, n = 7"
    assert results.estimate({"value": None}, 7) == "not defined"
