"""Reports of runs that failed, were stopped, or lost files."""

from __future__ import annotations

import re
import shutil

import pytest

from laudo.core.errors import DataError
from laudo.core.run import Run
from laudo.report.model_card import write_model_card
from laudo.report.order import SECTIONS
from laudo.report.page import write_report
from report_example import make_cross_validation, make_manifest, make_recipe, make_run, write_audit


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("incomplete") / "brain", n=40)


def copy_of(run: Run, folder) -> Run:
    shutil.copytree(run.folder, folder)
    return Run(folder)


def read(run: Run) -> str:
    return write_report(run, "en").read_text(encoding="utf-8")


def section(html: str, name: str) -> str:
    return html[html.index(f'<section id="{name}"') :].split("</section>")[0]


def test_a_run_that_failed_after_the_audit_says_why(tmp_path):
    run = Run(tmp_path / "failed")
    run.begin(make_recipe())
    manifest = make_manifest(tmp_path / "images", 20)
    manifest.save(run.manifest_path)
    write_audit(run, manifest)
    run.fail(DataError("The <b>disk</b> is full.", file="run/model.safetensors", cure="Make room."))
    html = read(run)
    assert "There is no result: the run ended with an error before the model was judged." in html
    assert "The &lt;b&gt;disk&lt;/b&gt; is full." in section(html, "summary")
    assert "Make room." in section(html, "problems")
    assert "No epoch was trained" in section(html, "training")
    assert "There is no result" in section(html, "results")
    assert "broken.jpg" in section(html, "problems")
    assert "11 of 13" in section(html, "audit")


def test_an_empty_folder_gets_a_report(tmp_path):
    run = Run(tmp_path)
    html = read(run)
    assert "There is no result yet" in html
    assert html.count('class="missing"') == 11
    assert write_model_card(run, "en").is_file()


@pytest.mark.parametrize(
    "name",
    [
        "recipe.yaml", "manifest.parquet", "status.json", "audit.json", "log.jsonl", "metrics.json",
        "predictions/test.parquet", "explanations.json", "environment.json", "model.json",
    ],
)  # fmt: skip
@pytest.mark.parametrize("damage", ["gone", "cut", "empty", "other"])
def test_a_lost_or_damaged_file_does_not_stop_the_report(complete, tmp_path, name, damage):
    run = copy_of(complete, tmp_path / "copy")
    path = run.folder / name
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        path.write_text('["another", {"form": [1]}]', encoding="utf-8")
    html = read(run)
    assert len(re.findall("<section ", html)) == len(SECTIONS)
    assert write_model_card(run, "en").is_file()
    # Half of a text of lines may be a whole text, as may none of it.
    if damage != "gone" and name not in ("log.jsonl", "status.json") and (damage, name) != ("cut", "recipe.yaml"):
        assert name.removeprefix("predictions/") in section(html, "problems")


def test_metrics_of_another_form_cost_their_section_only(complete, tmp_path):
    run = copy_of(complete, tmp_path / "copy")
    run.write_json(
        "metrics", {"test": {"metrics": {"accuracy": {"value": 0.5}}, "confusion": {"classes": 3, "matrix": "x"}}}
    )
    html = read(run)
    assert len(re.findall("<section ", html)) == len(SECTIONS)
    assert "does not have the expected form" in html


def test_images_that_are_gone_leave_a_placeholder_and_are_named(complete, tmp_path):
    run = copy_of(complete, tmp_path / "copy")
    manifest = run.manifest()
    table = manifest.table.assign(image=["nowhere.png", *manifest.table["image"].iloc[1:]])
    manifest.with_columns(image=table["image"]).save(run.manifest_path)
    html = read(run)
    assert 'class="gone"' in html
    assert "nowhere.png" in section(html, "problems")


def test_a_picture_outside_the_run_is_not_shown(complete, tmp_path):
    run = copy_of(complete, tmp_path / "copy")
    explanations = run.json("explanations")
    shutil.copy(run.folder / explanations["cases"][0]["image"], tmp_path / "secret.png")
    explanations["cases"] = [{**explanations["cases"][0], "image": "../secret.png"}]
    run.write_json("explanations", explanations)
    assert 'class="gone"' in section(read(run), "explanations")


def test_a_kill_is_not_reported_as_success(complete, tmp_path):
    run = copy_of(complete, tmp_path / "copy")
    run.set_state("running")
    assert "had not finished" in section(read(run), "problems")


def test_nothing_wrong_is_said_only_when_all_checks_ran(complete, tmp_path):
    run = copy_of(complete, tmp_path / "copy")
    audit = {**run.json("audit"), "skipped": []}
    run.write_json("audit", audit)
    assert "only 11 of 13 checks" in section(read(run), "problems")
    run.write_json("audit", {**audit, "checks_run": 13})
    assert "all 13 checks of the data ran" in section(read(run), "problems")
    (run.folder / "audit.json").unlink()
    assert "not the same as having no problems" in section(read(run), "problems")


def test_a_cross_validation_with_a_fold_that_failed_is_reported(tmp_path):
    root = make_cross_validation(tmp_path / "cv", n=40)
    (root.folder / "metrics.json").unlink()
    shutil.rmtree(root.folder / "predictions")
    (root.folder / "fold-2" / "log.jsonl").unlink()
    root.set_state("stopped", reason="max_minutes")
    html = read(root)
    assert "the run was stopped before the model was judged" in html
    assert "Every epoch: fold 3" in html
    assert "Fold 2: every epoch" not in html


def test_a_report_of_thousands_of_images_stays_small(complete, tmp_path, monkeypatch):
    monkeypatch.setattr("laudo.report.thumbnails.Album.__init__.__defaults__", (20_000,))
    html = read(copy_of(complete, tmp_path / "copy"))
    assert len(html) < 1_000_000
    assert "Pictures left out to keep this file small" in html


def test_a_run_that_the_user_stopped_says_so(complete, tmp_path):
    run = copy_of(complete, tmp_path / "copy")
    run.set_state("stopped", reason="interrupted", epochs=12)
    html = read(run)
    assert "stopped by the user" in section(html, "problems")
    assert "the user stopped it" in section(html, "training")


def test_maps_are_not_advised_where_they_can_not_be_made(complete, tmp_path):
    run = copy_of(complete, tmp_path / "copy")
    (run.folder / "explanations.json").unlink()
    text = section(read(run), "explanations")
    assert "only of convolutional networks" in text
    assert "laudo explain" not in text
    run.set_state("stopped", reason="max_minutes")
    assert "laudo explain" in section(read(run), "explanations")
