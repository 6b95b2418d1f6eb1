"""`laudo compare` of runs that name classes: what is written, what is refused, and the page."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from answered_example import THREE, answered_run, labelled_run, pictures
from compared_example import outlined_run, volumes
from laudo.cli.main import app
from laudo.core.errors import DataError, RunError
from laudo.core.mask_scores import MaskScores
from laudo.core.messages import set_language
from laudo.core.predictions import Predictions
from laudo.core.run import Run
from laudo.evaluate.delong import area_test
from laudo.evaluate.evaluate import evaluate
from laudo.evaluate.holm import holm
from laudo.evaluate.mcnemar import exchange, mcnemar
from laudo.workflows import compare_runs as job
from laudo.workflows.compare_runs import compare_runs
from test_report_page import Page, outside_references


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("COLUMNS", "220")
    set_language("en")
    yield
    set_language("en")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("answers")


@pytest.fixture(scope="module")
def manifest(place):
    return pictures(place / "data", 120, split=-1)


@pytest.fixture(scope="module")
def weak(place, manifest):
    return answered_run(place / "weak", manifest, 0.4, seed=1, training__epochs=5).folder


@pytest.fixture(scope="module")
def strong(place, manifest):
    return answered_run(place / "strong", manifest, 1.6, seed=2).folder


@pytest.fixture(scope="module")
def result(weak, strong, place):
    return compare_runs([weak, strong], place / "out", "en")


@pytest.fixture(scope="module")
def html(result, place):
    return (place / "out" / "compare.html").read_text(encoding="utf-8")


@pytest.fixture
def no_page(monkeypatch):
    monkeypatch.setattr(job, "write_compare_page", lambda *_arguments: None)


def ids(result: dict) -> list[str]:
    return [note["id"] for note in result["notes"]]


# what is written ---------------------------------------------------------------------------------------------


def test_the_shape_is_that_of_masks(result, place):
    assert json.loads((place / "out" / "compare.json").read_text()) == result
    assert result["kind"] == "classification"
    assert (result["n"], result["groups"], result["classes"]) == (120, 120, ["no", "yes"])
    assert [run["name"] for run in result["runs"]] == ["weak", "strong"]
    assert result["recipes"] == [{"key": "training.epochs", "values": [5, 16]}]
    pair = result["pairs"][0]
    assert set(pair) == {"a", "b", "metrics", "verdict", "verdicts"}
    assert (pair["a"], pair["b"]) == (0, 1)
    assert len(result["values"]["accuracy"]["mean"]) == 2
    assert "spread" not in result
    assert pair["verdict"]["kind"] == "shown"
    assert pair["verdict"]["sentence"].startswith("Accuracy of strong is 0.")
    assert "Area under the ROC curve of strong is" in pair["verdict"]["sentence"]
    assert pair["verdict"]["sentence"].count("corrected for 2 tests") == 1
    assert ids(result) == ["one_training"]


def test_values_and_intervals_are_those_of_the_runs_own_metrics(result, weak):
    own = evaluate(Run(weak).predictions("test"), 200, seed=0)["metrics"]
    for metric in ("accuracy", "balanced_accuracy", "sensitivity", "auc_roc", "brier", "ece"):
        assert result["values"][metric]["mean"][0] == own[metric]


def test_tests_are_those_of_the_arrays(result, weak, strong):
    a, b = (Run(folder).predictions("test") for folder in (weak, strong))
    accuracy, area = (result["pairs"][0]["metrics"][name]["mean"] for name in ("accuracy", "auc_roc"))
    counted = mcnemar(a.right, b.right)
    assert (accuracy["p"], accuracy["better"], accuracy["worse"]) == (counted.p, counted.only_b, counted.only_a)
    assert (accuracy["method"], accuracy["p_images"]) == ("mcnemar", counted.p)
    assert accuracy["odds_ratio"] == counted.odds_ratio
    tested = area_test(np.stack([a.probabilities[:, 1], b.probabilities[:, 1]]), a.truth == 1, np.arange(120))
    assert (area["p"], area["value"], area["method"]) == (
        pytest.approx(tested.p, rel=1e-6),
        pytest.approx(tested.difference),
        "delong",
    )
    assert [accuracy["p_holm"], area["p_holm"]] == holm([accuracy["p"], area["p"]])
    positive = a.truth == 1
    sensitivity = result["pairs"][0]["metrics"]["sensitivity"]["mean"]
    assert sensitivity["p"] == mcnemar(a.right[positive], b.right[positive]).p
    assert sensitivity["n"] == positive.sum()
    assert "p_holm" not in sensitivity
    assert result["pairs"][0]["metrics"]["brier"]["mean"]["p"] is None


def test_every_case_is_listed(result, weak):
    own = Run(weak).predictions("test").table.set_index("sample")
    case = result["cases"][7]
    assert set(case) == {"sample", "group", "label", "predicted", "right", "probability"}
    line = own.loc[case["sample"]]
    assert case["label"] == line["label"]
    assert case["probability"][0] == line[f"probability:{line['label']}"]
    assert case["right"][0] == (line["label"] == line["predicted"])


def test_swapping_the_runs_turns_everything(result, weak, strong, tmp_path, no_page):
    back = compare_runs([strong, weak], tmp_path, "en")["pairs"][0]["metrics"]
    for metric, entry in result["pairs"][0]["metrics"].items():
        one, other = entry["mean"], back[metric]["mean"]
        assert one["value"] == pytest.approx(-other["value"])
        assert one["ci95"] == pytest.approx([-end for end in other["ci95"]][::-1])
        assert one["p"] == (None if other["p"] is None else pytest.approx(other["p"]))
        assert (one.get("better"), one.get("worse")) == (other.get("worse"), other.get("better"))


def test_a_run_beside_its_twin_is_identical(place, manifest, strong, tmp_path):
    twin = answered_run(place / "twin", manifest, 1.6, seed=2).folder
    found = compare_runs([strong, twin], tmp_path, "en")
    assert [one["kind"] for one in found["pairs"][0]["verdicts"].values()] == ["identical", "identical"]
    assert "same_recipe" in ids(found)
    assert "2 trainings of one recipe" in found["sentence"]
    for entry in found["pairs"][0]["metrics"].values():
        assert (entry["mean"]["value"], entry["mean"]["ci95"]) == (0, [0, 0])
        assert entry["mean"]["p"] in (1, None)
    page = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert "No case changed." in page
    assert "are right and wrong in the same of 120 cases" in page


def test_groups_of_several_images_are_counted_as_groups(place, tmp_path):
    manifest = pictures(place / "grouped", 120, group_size=4, split=-1)
    folders = [answered_run(place / f"g{n}", manifest, skill, n).folder for n, skill in ((1, 0.3), (2, 0.9))]
    result = compare_runs(folders, tmp_path, "en")
    a, b = (Run(folder).predictions("test") for folder in folders)
    accuracy = result["pairs"][0]["metrics"]["accuracy"]["mean"]
    by_group = exchange(a.right, b.right, np.arange(120) // 4)
    assert (accuracy["p"], accuracy["method"], accuracy["groups"]) == (by_group.p, "exchange_exact", 30)
    assert accuracy["p_images"] == mcnemar(a.right, b.right).p != accuracy["p"]
    assert result["pairs"][0]["metrics"]["auc_roc"]["mean"]["method"] == "obuchowski"
    assert "groups_of_images" in ids(result)
    page = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert "each image counted as independent: p" in page
    assert "this is the p that is quoted" in page
    assert "McNemar by groups p" in result["pairs"][0]["verdict"]["sentence"]


def test_several_classes(place, tmp_path):
    manifest = pictures(place / "three", 120, classes=THREE, split=-1)
    folders = [answered_run(place / f"t{n}", manifest, skill, n).folder for n, skill in ((1, 0.5), (2, 1.5))]
    result = compare_runs(folders, tmp_path, "en")
    pair = result["pairs"][0]["metrics"]
    assert set(pair["auc_roc"]["per_class"]) == set(THREE)
    assert pair["accuracy"]["per_class"] == {}
    areas = [cell["value"] for cell in pair["auc_roc"]["per_class"].values()]
    assert pair["auc_roc"]["mean"]["value"] == pytest.approx(np.mean(areas))
    a, b = (Run(folder).predictions("test") for folder in folders)
    scores = np.stack([a.probabilities[:, 1], b.probabilities[:, 1]])
    assert pair["auc_roc"]["per_class"]["meningioma"]["p"] == pytest.approx(
        area_test(scores, a.truth == 1, np.arange(120)).p, rel=1e-6
    )
    assert [family["tests"] for family in result["families"]] == [2, 3]
    each = pair["auc_roc"]["per_class"].values()
    assert [cell["p_holm"] for cell in each] == holm([cell["p"] for cell in each])
    page = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert "Class by class" in page
    assert Page(page).open == []


def test_several_labels(place, manifest, tmp_path):
    folders = [labelled_run(place / f"l{n}", manifest, skill, n).folder for n, skill in ((1, 0.4), (2, 1.2))]
    result = compare_runs(folders, tmp_path, "en")
    assert result["multilabel"]
    a, b = (Run(folder).predictions("test") for folder in folders)
    accuracy = result["pairs"][0]["metrics"]["accuracy"]["mean"]
    assert accuracy["p"] == mcnemar(a.right, b.right).p
    mass = result["pairs"][0]["metrics"]["sensitivity"]["per_class"]["mass"]
    there = a.truth[:, 1] == 1
    assert mass["p"] == mcnemar(a.decided[there, 1] == 1, b.decided[there, 1] == 1).p
    assert "all_labels" in ids(result)
    assert result["values"]["f1"]["mean"][0] == {"value": None, "ci95": None}
    assert result["values"]["f1"]["per_class"]["mass"][0]["value"] > 0.5
    page = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert "effusion" in page
    assert page.count(">F1 score</th>") == 2  # of each label, in both places; not of the whole


def test_three_runs_are_six_tests(place, manifest, weak, strong, tmp_path):
    third = answered_run(place / "third", manifest, 1.0, seed=3, training__epochs=7).folder
    result = compare_runs([weak, strong, third], tmp_path, "en")
    assert [(pair["a"], pair["b"]) for pair in result["pairs"]] == [(0, 1), (0, 2), (1, 2)]
    assert result["family"]["tests"] == 6
    page = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert page.count('<p class="verdict">') == 3


# the page ----------------------------------------------------------------------------------------------------


def test_the_page_needs_nothing_beside_it(html):
    assert outside_references(html) == []
    page = Page(html)
    assert page.open == []
    assert all(image["alt"] and image["src"].startswith("data:") for image in page.all("img"))


def test_the_page_says_what_compare_json_says(html, result):
    accuracy = result["pairs"][0]["metrics"]["accuracy"]["mean"]
    assert f"+{accuracy['value']:.3f}" in html
    assert f'<td class="num"><b>{accuracy["better"]}</b></td>' in html
    assert "Right in strong and wrong in weak" in html
    assert f"{accuracy['better']} images in all" in html
    assert "Cohen&#39;s g" in html
    cases = html[html.index('<section id="cases"') : html.index('<section id="runs"')]
    assert cases.count("data:image/jpeg") == min(12, accuracy["better"]) + min(12, accuracy["worse"])
    changed = [one for one in result["cases"] if one["right"] == [False, True]]
    first = max(changed, key=lambda one: one["probability"][1] - one["probability"][0])
    assert cases.index(first["sample"]) == min(cases.index(one["sample"]) for one in changed if one["sample"] in cases)


@pytest.mark.parametrize("language", ["pt", "es"])
def test_other_languages(weak, strong, tmp_path, language):
    result = compare_runs([weak, strong], tmp_path, language)
    html = (tmp_path / "compare.html").read_text(encoding="utf-8")
    accuracy = f"{result['values']['accuracy']['mean'][0]['value']:.3f}"
    assert accuracy.replace(".", ",") in html
    assert "{" not in result["pairs"][0]["verdict"]["sentence"]


def test_without_images_there_is_a_page_without_pictures(tmp_path):
    manifest = pictures(tmp_path / "data", 40, split=-1)
    folders = [
        answered_run(tmp_path / name, manifest, skill, seed=4).folder for name, skill in (("a", 0.2), ("b", 1.5))
    ]
    for path in (tmp_path / "data").iterdir():
        path.unlink()
    compare_runs(folders, tmp_path / "out", "en")
    html = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert "data:image/jpeg" not in html
    assert "No pictures: the images are no longer where they were." in html


# what is refused ---------------------------------------------------------------------------------------------


def some(place, name: str, strong, chosen: np.ndarray, **columns) -> Run:
    """The strong run with some of its predictions, or changed ones."""
    run = answered_run(place / name, Run(strong).manifest(), 1.0, seed=5)
    own = run.predictions("test")
    Predictions(own.table.iloc[chosen].reset_index(drop=True).assign(**columns), own.classes).save(
        run.predictions_path("test")
    )
    return run


def test_other_cases_are_refused_with_the_overlap_and_shared_when_asked(place, strong, tmp_path, no_page):
    part = some(place, "part", strong, np.arange(80)).folder
    with pytest.raises(DataError, match="same cases") as caught:
        compare_runs([strong, part], tmp_path, "en")
    assert caught.value.found == "strong: 120, part: 80; in common: 80"
    assert "strong has 40 that are not in every run, such as case-080" in caught.value.details[0]
    assert "--shared" in caught.value.cure
    result = compare_runs([strong, part], tmp_path, "en", shared=True)
    assert (result["n"], len(result["cases"])) == (80, 80)
    assert next(note for note in result["notes"] if note["id"] == "left_out")["n"] == [40, 0]


def test_other_labels_and_other_classes_are_refused(place, manifest, strong, tmp_path):
    labels = manifest.table["label"].tolist()
    other = some(place, "relabelled", strong, np.arange(120), label=["yes" if labels[0] == "no" else "no", *labels[1:]])
    with pytest.raises(DataError, match="same labels") as caught:
        compare_runs([strong, other.folder], tmp_path, "en")
    assert "case-000" in caught.value.details[0]
    three = answered_run(place / "classes", pictures(place / "data3", 120, classes=THREE, split=-1), 1.0).folder
    with pytest.raises(DataError, match="same classes") as caught:
        compare_runs([strong, three], tmp_path, "en")
    assert "only in strong: no, yes" in caught.value.details[0]


def test_another_order_of_rows_and_classes_is_none(place, strong, weak, tmp_path, no_page):
    turned = some(place, "turned", strong, np.arange(120)[::-1])
    own = turned.predictions("test")
    columns = [name for name in own.table if not name.startswith("probability:")]
    swapped = own.table[[*columns, "probability:yes", "probability:no"]]
    Predictions(swapped, ("yes", "no")).save(turned.predictions_path("test"))
    straight = some(place, "straight", strong, np.arange(120))
    one, other = (compare_runs([weak, run.folder], tmp_path, "en")["pairs"][0]["metrics"] for run in (turned, straight))
    assert one == other


def test_a_mask_and_a_class_are_refused(place, strong, tmp_path):
    masks = outlined_run(place / "masks", volumes(place / "volumes", 6), 0.1).folder
    with pytest.raises(RunError, match="outlines structures and another names classes") as caught:
        compare_runs([strong, masks], tmp_path, "en")
    assert (caught.value.found, caught.value.expected) == ("data.target: mask (masks)", "data.target: label (strong)")


def test_a_run_that_does_both_is_compared_by_its_classes(place, strong, tmp_path, no_page):
    """One network that outlines and names beside one that only names."""
    both = Run(place / "both")
    both.begin(Run(strong).recipe())
    Run(strong).manifest().save(both.manifest_path)
    text = both.recipe_path.read_text()
    assert "target: label" in text
    own = Run(strong).predictions("test")
    metrics = dict.fromkeys(
        (
            "dice",
            "iou",
            "sensitivity",
            "specificity",
            "precision",
            "accuracy",
            "hd95_mm",
            "assd_mm",
            "nsd",
            "volume_mm3",
        ),
        1.0,
    )
    metrics |= dict.fromkeys(("true_volume_mm3", "volume_error", "lesions", "lesions_found", "lesions_false"), 1.0)
    rows = [{f"{name}:tumour": value for name, value in metrics.items()}] * len(own)
    scores = MaskScores.build(own.table, rows, ("tumour",), own)
    assert scores.predictions is not None
    joint = job.read_compared_run(strong, "joint")
    from dataclasses import replace

    from laudo.report.compared_run import of_one_kind

    plain = job.read_compared_run(strong, "plain")
    found = of_one_kind([replace(joint, scores=scores), plain])
    assert [type(run.scores) for run in found] == [Predictions, Predictions]
    assert found[0].scores.table["predicted"].tolist() == own.table["predicted"].tolist()


def test_a_run_that_was_not_judged_or_is_unfinished(place, manifest, strong, tmp_path, no_page):
    run = answered_run(place / "unjudged", manifest, 1.0)
    run.set_state("stopped", reason="max_minutes")
    assert "unfinished" in ids(compare_runs([strong, run.folder], tmp_path, "en"))
    run.predictions_path("test").unlink()
    with pytest.raises(RunError) as caught:
        compare_runs([strong, run.folder], tmp_path, "en")
    assert "--resume" in caught.value.cure


# the command -------------------------------------------------------------------------------------------------


def test_the_command_shows_the_table_and_the_verdict(weak, strong, tmp_path):
    shown = CliRunner().invoke(app, ["compare", str(weak), str(strong), "-o", str(tmp_path / "out")])
    assert shown.exit_code == 0, shown.output
    for text in ("Balanced accuracy", "DeLong", "McNemar", "Accuracy of strong is", "Brier score"):
        assert text in shown.stdout
    printed = CliRunner().invoke(app, ["compare", str(weak), str(strong), "-o", str(tmp_path / "out"), "--json"])
    assert json.loads(printed.stdout)["kind"] == "classification"
