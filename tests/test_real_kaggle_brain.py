"""The public set of brain slices: what is known of it, counted again from its files (LAUDO_DATA names its parent)."""

from pathlib import Path

import numpy as np
import pytest

from laudo.audit.audit import Audit, audit_manifest
from laudo.audit.duplicates import Levels, likeness_levels, near_pairs
from laudo.audit.finding import Finding
from laudo.core.recipe_file import load_recipe
from laudo.sources.table import import_manifest
from laudo.split.grouped import assign_groups, fold_numbers, split_fold, split_parts

pytestmark = pytest.mark.real_data

COPIES = [
    ("yes/Y156.JPG", "yes/Y60.jpg"),
    ("yes/Y113.JPG", "yes/Y59.JPG"),
    ("yes/Y112.JPG", "yes/Y146.JPG"),
    ("yes/Y161.JPG", "yes/Y61.jpg"),
    ("yes/Y21.jpg", "yes/Y91.jpg"),
    ("no/no 100.jpg", "no/no 5.jpeg"),
    ("no/no 923.jpg", "no/no.jpg"),
    ("no/50 no.jpg", "no/7 no.jpg"),
    ("no/N16.jpg", "no/N17.jpg"),
]
"""Pictures that were saved again in another size, crop or compression; each pair was looked at."""

OTHERS = [
    ("no/No18.jpg", "no/no 91.jpeg"),
    ("no/No18.jpg", "no/no 89.jpg"),
    ("no/N21.jpg", "no/No18.jpg"),
    ("no/no 91.jpeg", "no/no 89.jpg"),
    ("yes/Y27.jpg", "yes/Y56.jpg"),
]
"""The most alike slices of different heads; each pair was looked at."""


@pytest.fixture(scope="module")
def audit(real_kaggle_brain: Path) -> Audit:
    done = audit_manifest(import_manifest("kaggle-brain", real_kaggle_brain), "stop")
    return done.with_groups(assign_groups(done.manifest))


def finding(audit: Audit, check: str) -> Finding:
    (one,) = [item for item in audit.findings if item.check == check]
    return one


def test_all_253_images_are_read(audit):
    assert len(audit.manifest) == 253
    assert audit.manifest.table["label"].value_counts().to_dict() == {"yes": 155, "no": 98}
    assert audit.manifest.classes == ("no", "yes")
    assert audit.skipped == ()


def test_identical_files(audit):
    found = finding(audit, "identical_bytes")
    assert (found.count, found.facts["groups"]) == (25, 22)
    assert finding(audit, "identical_pixels").status == "pass"


def test_endings_that_lie(audit):
    """PNG files with the ending of a JPEG, counted here by their first bytes."""
    liars = {
        name
        for name, path in zip(audit.manifest.table["sample"], audit.manifest.paths, strict=True)
        if path.read_bytes().startswith(b"\x89PNG") != (path.suffix.lower() == ".png")
    }
    assert {name for (name,) in finding(audit, "ending").samples} == liars
    assert len(liars) == 6


def test_copies_are_joined_and_different_heads_are_not(audit):
    cluster = audit.manifest.table.set_index("sample")["duplicates"]
    assert [pair for pair in COPIES if cluster[pair[0]] != cluster[pair[1]]] == []
    assert [pair for pair in OTHERS if cluster[pair[0]] == cluster[pair[1]]] == []


def test_no_copy_carries_two_labels(audit):
    assert finding(audit, "label_conflict").status == "pass"


def test_the_threshold_lies_in_the_gap(audit):
    thumbnails = np.stack([image.thumbnail for image in audit.images])
    levels = likeness_levels(thumbnails)
    names = list(audit.manifest.table["sample"])

    def alike(least: float) -> set[frozenset[str]]:
        pairs = near_pairs(thumbnails, Levels(levels.candidate, levels.align, least))
        return {frozenset((names[pair.first], names[pair.second])) for pair in pairs}

    assert {frozenset(pair) for pair in COPIES} <= alike(levels.copy + 0.01)
    assert alike(levels.copy - 0.01) == alike(levels.copy), "nothing lies just below it"


def test_no_group_stands_in_two_folds(audit):
    recipe = load_recipe("kaggle-vgg19")
    manifest = audit.manifest.with_columns(fold=fold_numbers(audit.manifest, 5, recipe.split, recipe.split.seed))
    assert (manifest.table.groupby("group")["fold"].nunique() == 1).all()
    assert manifest.table["fold"].value_counts().between(45, 56).all()
    for fold in range(1, 6):
        divided = split_fold(manifest, fold, recipe.split)
        assert (divided.table.groupby("group")["split"].nunique() == 1).all()
        assert finding(audit.with_split(divided), "across_parts").status == "pass"


def test_the_split_as_published_tears_copies_apart_and_the_audit_says_so(audit):
    recipe = load_recipe("kaggle-vgg19-as-published")
    leak = finding(audit.with_split(split_parts(audit.manifest, recipe.split)), "across_parts")
    assert leak.status == "fail"
    assert leak.count >= 20
