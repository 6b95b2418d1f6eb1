"""Several labels a sample, end to end: read from a table, trained, judged label by label, reported, predicted."""

import json

import numpy as np
import pytest
from pydantic import ValidationError

from laudo.core.manifest import Manifest
from laudo.core.recipe import Recipe
from laudo.report.context import gather
from laudo.report.figures.sheet import Shelf
from laudo.report.sections import data as data_section
from laudo.report.sections.draft import Draft
from laudo.report.thumbnails import Album
from laudo.report.voice import Voice
from laudo.workflows.dataset import listed
from multilabel_example import FINDINGS, NONE, findings_recipe, trained_findings, write_findings


def test_the_labels_are_learned_and_judged_one_by_one():
    run, _data = trained_findings()
    result = run.json("metrics")["test"]
    for name in FINDINGS:
        assert result["per_class"][name]["auc_roc"]["value"] > 0.8, name
    predictions = run.predictions("test")
    assert predictions.multilabel
    manifest = run.manifest()
    assert manifest.multilabel
    assert np.array_equal(predictions.truth, manifest.part("test").targets)
    expected = (predictions.truth == predictions.decided).all(axis=1).mean()
    assert result["metrics"]["accuracy"]["value"] == pytest.approx(expected)
    model = run.json("model")
    assert model["output"] == "multilabel"
    assert model["threshold"] is None
    assert model["thresholds"] == list(result["thresholds"].values())
    assert {"train_accuracy", "val_accuracy", "val_auc_roc"} <= set(run.log()[-1])


def test_the_report_has_a_table_of_the_labels_and_no_confusion_matrix():
    run, _data = trained_findings()
    page = run.report_path.read_text(encoding="utf-8")
    assert "By label" in page
    assert "mean over labels" in page
    assert "Confusion matrix" not in page
    assert "can not be written" not in page
    for name in FINDINGS:
        assert f'<th scope="row">{name}</th>' in page


def test_the_report_counts_images_and_not_their_labels():
    run, _data = trained_findings()
    evidence = gather(run)
    voice = Voice("en")
    table = data_section.build(Draft(evidence, voice, Album(evidence.manifest), Shelf(run.figures, voice)))
    parts = evidence.manifest.table["split"]
    assert [int(n) for n in table["totals"]] == [int((parts == part).sum()) for part in ("train", "val", "test")]
    assert int(table["total"]) == sum(int(n) for n in table["totals"])


def test_files_are_given_all_labels_that_are_called(tmp_path):
    from laudo.workflows.use_model import explain_paths, predict_paths

    run, data = trained_findings()
    images = sorted((data / "images").glob("*.png"))[:8]
    rows = predict_paths(run, images, tmp_path)
    thresholds = run.json("model")["thresholds"]
    for _index, row in rows.iterrows():
        called = [n for n, cut in zip(FINDINGS, thresholds, strict=True) if row[f"probability:{n}"] >= cut]
        assert row["predicted"] == "|".join(called)
    assert len(json.loads((tmp_path / "predictions.json").read_text())) == 8
    assert explain_paths(run, images[:1], tmp_path, "grad-cam", "disc")[0]["target"] == "disc"


def test_an_empty_cell_is_a_sample_without_a_label(tmp_path):
    named = listed(findings_recipe(), write_findings(tmp_path / "named", 40))
    empty = listed(findings_recipe(), write_findings(tmp_path / "empty", 40, none=""))
    assert isinstance(named, Manifest)
    assert len(empty) == len(named) == 40
    assert np.array_equal(empty.targets, named.targets)
    plain = findings_recipe({"network": {"output": "softmax"}, "data": {"separator": None, "none_label": None}})
    several = listed(plain, tmp_path / "named")
    assert not several.multilabel
    assert NONE in several.classes
    assert len(listed(plain, tmp_path / "empty")) < 40


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"separator": None, "none_label": None}},
        {"network": {"output": "softmax"}},
        {"data": {"positive": "disc"}},
        {"training": {"sampling": "balanced"}},
        {"network": {"classifier": "knn", "trainable": 0.0}},
    ],
)
def test_recipes_that_contradict_themselves_are_refused(changes):
    with pytest.raises(ValidationError):
        findings_recipe(changes)
    assert isinstance(findings_recipe(), Recipe)
