"""The audit as a page, and what leakage would be worth."""

import re

import numpy as np
import pytest
from safetensors.torch import save_file

from audit_example import audited, head, samples, save, scan
from laudo.audit.sentences import plain_number
from laudo.core.errors import DataError
from laudo.networks.small_cnn import SmallCNN
from laudo.split.groups import assign_groups
from laudo.workflows import inflation
from laudo.workflows.audit_page import write_audit_page
from laudo.workflows.inflation import inflation_text, inflation_worth


@pytest.fixture
def set_with_copies(tmp_path, monkeypatch):
    """Forty pictures and a brighter copy of each, labelled at random: only who has seen the copy can tell the class."""
    monkeypatch.delenv("LAUDO_WEIGHTS", raising=False)
    rows = samples(tmp_path / "set", 80)
    labels = np.random.default_rng(3).permutation(40) % 2
    for number in range(40):
        save((scan(number) * 0.8 + 5).astype(np.uint8), tmp_path / f"set/images/{number + 40:03d}.png")
        rows[number]["label"] = rows[number + 40]["label"] = "ab"[labels[number]]
    return audited(rows, tmp_path / "set")


def test_copies_on_both_sides_are_worth_something_and_it_is_said(set_with_copies):
    worth = inflation_worth(assign_groups(set_with_copies.manifest))
    assert worth["model"] == "descriptors"
    assert (worth["images"], worth["groups"], worth["with_copy"], worth["grouped_by"]) == (80, 40, 80, "group")
    random, grouped = worth["random"]["accuracy"], worth["grouped"]["accuracy"]
    assert random["value"] > 0.75
    assert grouped["value"] < 0.7
    assert random["ci95"][0] < random["value"] < random["ci95"][1]
    assert worth["difference"]["accuracy"]["value"] == pytest.approx(random["value"] - grouped["value"])
    assert worth["difference"]["accuracy"]["ci95"][0] > 0
    text = inflation_text(worth, str, plain_number)
    assert f"{random['value']:.3f}" in text
    assert f"{grouped['value']:.3f}" in text
    assert "{" not in text


def test_official_folds_are_the_groups_when_there_are_some(set_with_copies):
    manifest = set_with_copies.manifest
    folds = np.tile(np.arange(40) % 4 + 1, 2)
    worth = inflation_worth(manifest.with_columns(fold=folds))
    assert (worth["grouped_by"], worth["folds"]) == ("official", 4)


def test_the_same_seed_gives_the_same_figures(set_with_copies):
    assert inflation_worth(set_with_copies.manifest, 3) == inflation_worth(set_with_copies.manifest, 3)


def test_a_local_backbone_is_used_once_and_its_features_are_kept(set_with_copies, tmp_path, monkeypatch):
    (tmp_path / "weights").mkdir()
    save_file(
        SmallCNN().state_dict(), tmp_path / "weights/small_cnn.safetensors", {"timm": "create_model('small_cnn')"}
    )
    monkeypatch.setenv("LAUDO_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("LAUDO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(inflation, "SIDE_PX", 32)
    name, features = inflation.descriptors(set_with_copies.manifest)
    assert name == "small_cnn"
    monkeypatch.setattr("laudo.train.features.frozen_features", lambda *_args: pytest.fail("computed twice"))
    assert (inflation.descriptors(set_with_copies.manifest)[1] == features).all()


def test_without_classes_there_is_nothing_to_inflate(tmp_path):
    rows = [{**row, "label": ""} for row in samples(tmp_path, 12)]
    with pytest.raises(DataError):
        inflation_worth(audited(rows, tmp_path, classes=()).manifest)


@pytest.mark.parametrize("language", ["en", "pt", "es"])
def test_the_page_needs_nothing_beside_it(set_with_copies, tmp_path, language):
    worth = inflation_worth(set_with_copies.manifest)
    path = write_audit_page(set_with_copies, tmp_path / "out" / "audit.html", language, worth)
    html = path.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", html)
    assert not re.search(r"url\((?!data:)", html)
    assert html.count("data:image/jpeg") >= 12, "copies are shown beside each other"
    assert 'id="inflation"' in html
    assert f'lang="{ {"en": "en", "pt": "pt", "es": "es"}[language] }' in html
    without = write_audit_page(set_with_copies, tmp_path / "out" / "audit.html", language).read_text(encoding="utf-8")
    assert 'id="inflation"' not in without


def test_names_are_escaped_and_what_was_left_out_is_listed(tmp_path):
    rows = samples(tmp_path, 12)
    rows[3]["sample"] = "<script>alert(1)</script>"
    (tmp_path / "images/003.png").write_bytes(b"no image")
    html = write_audit_page(audited(rows, tmp_path), tmp_path / "audit.html", "en").read_text(encoding="utf-8")
    assert "<script>" not in html
    assert html.count("&lt;script&gt;alert(1)") >= 2
    assert 'id="skipped"' in html


def test_pairs_that_look_alike_are_not_called_copies(tmp_path):
    rows = []
    for number, (person, depth) in enumerate([(0, 0.0), (1, 0.0), (2, 0.0), (3, 0.0), (0, 0.8)]):
        save(head(person, depth), tmp_path / f"set/{number}.png")
        rows.append({"sample": f"s{number}", "image": f"{number}.png", "label": "ab"[number % 2]})
    page = write_audit_page(audited(rows, tmp_path / "set"), tmp_path / "page.html", "en").read_text(encoding="utf-8")
    (alike,) = re.findall(r"<table.*?Looks like it.*?</table>", page, re.DOTALL)
    assert "Correlation of detail" in alike
    assert "s4" in alike
    assert ">Copy<" not in page
