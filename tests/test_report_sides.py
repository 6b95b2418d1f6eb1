"""What the report says of image and text, each alone."""

from __future__ import annotations

import pytest

from fusion_example import CLASSES, write_captioned
from laudo.report.context import gather
from laudo.workflows import train_run
from laudo.workflows.write_report import write_reports
from test_workflows_fusion import BASE, CLASSICAL, LATE
from training_example import plain_report, small_recipe, train


@pytest.fixture(scope="module", params=["late", "concatenation"])
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sides")
    data = write_captioned(folder / "data", seen=0.5)
    changes = (LATE,) if request.param == "late" else (BASE, CLASSICAL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_run, "write_reports", plain_report)
        made = train(small_recipe(*changes), data, folder / "run")
    write_reports(made, "en")
    return made


def test_the_report_shows_every_side_with_its_interval(run):
    page = run.report_path.read_text(encoding="utf-8")
    assert "Image and text, each alone" in page
    for row in ("image alone", "text alone", "both, without the words that name a class"):
        assert f">{row}<" in page
    side = run.json("metrics")["sides"]["parts"]["test"]["of"]["text"]["metrics"]["accuracy"]
    assert f"{side['value']:.3f}" in page
    assert all(f"“{name}”" in page for name in CLASSES)


def test_methods_and_citations_name_what_read_the_texts(run):
    page = run.report_path.read_text(encoding="utf-8")
    assert "Beside each image its text was read (text)" in page
    assert "salton1988" in page
    pooled = "logarithmic opinion pool" in page
    assert pooled == (run.recipe().network.fusion == "late")
    assert pooled == ("genest1986" in page)


def test_figures_of_the_training_part_are_called_what_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(train_run, "write_reports", plain_report)
    data = write_captioned(tmp_path / "data", per_class=16)
    made = train(small_recipe(BASE, CLASSICAL, {"evaluation": {"headline": "train"}}), data, tmp_path / "run")
    write_reports(made, "en")
    assert gather(made).headline == "train"
    page = made.report_path.read_text(encoding="utf-8")
    assert "that it had been trained on, the model" in page
    assert "how well the images were learned by heart, and nothing about new ones" in page
    assert "never seen in training" not in page
