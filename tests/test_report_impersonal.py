"""No folder above a file, and with it no person's name, comes into a report."""

from pathlib import Path

import pytest

from audit_example import audited, samples
from laudo.core.errors import DataError
from laudo.core.run import Run
from laudo.report.impersonal import impersonal, without_folders
from laudo.report.page import write_report
from laudo.workflows.audit_page import write_audit_page
from report_example import make_manifest, make_recipe, write_audit


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/ana silva/set/x.png", "…/x.png"),
        ("a folder outside /home/ana/set", "a folder outside …/set"),
        ("[Errno 13] Permission denied: '/home/ana/run/log.jsonl'", "[Errno 13] Permission denied: '…/log.jsonl'"),
        ("`laudo train … --out=/data/ana/run --resume`; then", "`laudo train … --out=…/run --resume`; then"),
        ("in C:\\Users\\Ana\\run\\x.json, line 3", "in …/x.json, line 3"),
        ("open '\\\\server\\ana\\a.png'", "open '…/a.png'"),
        ("weights: /home/ana/w/m.safetensors\nseed: 0", "weights: …/m.safetensors\nseed: 0"),
        ("~/ana/set/x.png", "…/x.png"),
    ],
)
def test_folders_of_absolute_paths_are_cut(text, shown):
    assert without_folders(text) == shown


@pytest.mark.parametrize(
    "text",
    ["yes/P001.png", "n/a, and/or 3 mm/px", "https://doi.org/10.1/x", "1 / 2", "…/run/x", "fold-1/log.jsonl", "", "/"],
)
def test_what_is_no_absolute_path_stays(text):
    assert without_folders(text) in (text, f"…{text}")


def test_the_home_folder_may_hold_blanks(monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: Path("/Users/Ana Maria Silva"))
    assert without_folders("file: /Users/Ana Maria Silva/set/x.png is cut short") == "file: …/x.png is cut short"


def test_every_text_of_a_json_value():
    value = {"a": ["/home/ana/x.png", 1.5, None], "b": {"c": "/home/ana/y.png", "d": True}}
    assert impersonal(value) == {"a": ["…/x.png", 1.5, None], "b": {"c": "…/y.png", "d": True}}


def test_a_report_of_a_failure_and_of_a_recipe_with_paths(tmp_path):
    run = Run(tmp_path / "ana" / "run")
    recipe = make_recipe()
    weights = str(tmp_path / "ana" / "model.safetensors")
    run.begin(recipe.model_copy(update={"network": recipe.network.model_copy(update={"weights": weights})}))
    manifest = make_manifest(tmp_path / "images", 20)
    manifest.save(run.manifest_path)
    write_audit(run, manifest)
    (run.folder / "model.json").write_text('{"weights": "' + weights + '"}')
    run.fail(DataError(f"{weights} is damaged.", file=weights, found=f"not {tmp_path}/x", cure=f"Remove {weights}."))
    html = write_report(run, "en").read_text()
    assert str(tmp_path) not in html
    assert "…/model.safetensors" in html


def test_the_page_of_an_audit_names_the_folder_only(tmp_path):
    audit = audited(samples(tmp_path / "ana" / "set", 6), tmp_path / "ana" / "set")
    html = write_audit_page(audit, tmp_path / "page.html", "en").read_text()
    assert str(tmp_path) not in html
    assert "<dd>set</dd>" in html
