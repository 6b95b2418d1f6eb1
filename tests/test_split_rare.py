"""Classes with too few samples: refused with a cure, kept though a part lacks them, or left out and listed."""

import json
import os
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from audit_example import manifest, save, scan
from laudo.audit.audit import audit_manifest
from laudo.audit.rare import rare_classes, rare_reasons, without_rare
from laudo.audit.usable import require_usable
from laudo.core.errors import DataError
from laudo.core.manifest import PARTS, Manifest
from laudo.core.predictions import Predictions
from laudo.core.recipe import Split
from laudo.evaluate.evaluate import evaluate
from laudo.sources.table import import_manifest
from laudo.split.grouped import assign_groups, fold_numbers, split_fold, split_parts
from laudo.split.strata import strata

CLASSES = ("common", "other", "rare", "single")


def made(counts=(60, 40, 3, 1), classes=CLASSES) -> Manifest:
    labels = [name for name, n in zip(classes, counts, strict=True) for _ in range(n)]
    rows = [
        {"sample": f"s{number:03d}", "image": f"{number}.png", "label": label, "sha256": f"{number}"}
        for number, label in enumerate(labels)
    ]
    return assign_groups(Manifest.from_rows(rows, Path(), "made", classes))


@pytest.mark.parametrize("by", ["group", "sample"])
@pytest.mark.parametrize("seed", range(4))
def test_kept_rare_classes_neither_stop_nor_distort_the_split(by, seed):
    whole, split = made(), Split(by=by, test=0.2, validation=0.15, seed=seed)
    with pytest.raises(DataError) as caught:
        split_parts(whole, split)
    assert "data.rare=keep" in caught.value.cure
    assert "data.rare=drop" in caught.value.cure
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        divided = split_parts(whole, split, may_lack=True)
    sizes = [len(divided.indices(part)) / len(whole) for part in PARTS]
    np.testing.assert_allclose(sizes, [0.65, 0.15, 0.2], atol=0.04)
    for part in PARTS:
        assert divided.part(part).counts["common"] / len(divided.indices(part)) == pytest.approx(60 / 104, abs=0.08)


def test_every_fold_of_a_cross_validation_is_divided():
    whole = made()
    numbers = fold_numbers(whole, 5, Split(), 0)
    for fold in range(1, 6):
        divided = split_fold(whole.with_columns(fold=numbers), fold, Split(validation=0.15), may_lack=True)
        assert set(divided.table["split"]) == set(PARTS)
        assert len(divided.indices("val")) == pytest.approx(0.15 * len(whole), abs=4)


def test_an_official_part_may_lack_a_class_but_not_be_empty():
    whole = made((8, 8, 1, 1))
    parts = np.array((["train", "val", "test", "train"] * 5)[: len(whole)], dtype=object)
    official = whole.with_columns(split=parts)
    with pytest.raises(DataError):
        split_parts(official, Split(by="official"))
    kept = split_parts(official, Split(by="official"), may_lack=True)
    assert list(kept.table["split"]) == list(parts)
    with pytest.raises(DataError):  # the training part has one class only: nothing can be learned
        split_parts(whole.with_columns(split=np.where(whole.labels == 0, "train", "val")), Split(by="official"), True)


def test_what_is_rare_is_counted_and_left_out():
    whole = made()
    assert rare_classes(whole, 2) == ("single",)
    assert rare_classes(whole, 4) == ("rare", "single")
    kept = without_rare(whole, 4)
    assert kept.classes == ("common", "other")
    assert len(kept) == 100
    why = [reason for reason in rare_reasons(whole, 4) if reason]
    assert len(why) == 4
    assert "single" in why[-1]


def test_too_few_images_stop_or_not_as_the_recipe_says():
    whole = made((5, 5, 5, 1))
    with pytest.raises(DataError) as caught:
        require_usable(whole)
    assert caught.value.found == "single: 1"
    assert "data.rare=keep" in caught.value.cure
    assert "data.rare=drop" in caught.value.cure
    require_usable(whole, "keep")
    with pytest.raises(DataError):
        require_usable(whole, "stop", rare_below=6)
    with pytest.raises(DataError):
        require_usable(made((5, 0, 0, 0)), "keep")


def test_dropped_samples_are_listed_with_their_reason_and_others_stay(tmp_path):
    rows = []
    for number in range(9):
        save(scan(number), tmp_path / f"{number}.png")
        label = "c" if number == 4 else "ab"[number % 2]
        rows.append({"sample": f"s{number}", "image": f"{number}.png", "label": label})
    whole = manifest(rows, tmp_path, ("a", "b", "c"))
    assert audit_manifest(whole).manifest.classes == ("a", "b", "c")
    done = audit_manifest(whole, drop_below=2)
    assert done.manifest.classes == ("a", "b")
    ((sample, reason),) = done.skipped
    assert sample == "s4"
    assert "c" in reason
    assert list(done.manifest.table["sample"]) == [f"s{n}" for n in range(9) if n != 4]
    assert len(done.images) == 8
    assert done.as_dict()["skipped"] == [{"sample": "s4", "what": reason}]


def test_samples_with_several_labels_are_spread_by_their_rarest():
    rows = [{"sample": f"s{n}", "image": f"{n}.png", "label": label} for n, label in enumerate(
        ["a|b", "a", "a", "", "b", "a|c"])]  # fmt: skip
    whole = Manifest.from_rows([{**row, "label": ""} for row in rows], Path(), "made", ("a", "b", "c"))
    whole = whole.with_columns(found=[row["label"] for row in rows]).with_several_labels("|", column="found")
    assert strata(whole, Split()).tolist() == [1, 0, 0, 3, 1, 2]
    assert [bool(reason) for reason in rare_reasons(whole, 2)] == [False, False, False, False, False, True]


def test_means_count_no_class_that_the_part_lacks():
    table = made((6, 4, 0, 0)).table
    probabilities = np.full((10, 4), 0.1)
    probabilities[np.arange(10), [0] * 5 + [1] * 5] = 0.7
    scores = evaluate(Predictions.build(table, probabilities, CLASSES, None), bootstrap=0)
    assert scores["metrics"]["balanced_accuracy"]["value"] == pytest.approx((5 / 6 + 1) / 2)
    first, second = 2 * 5 / (5 + 6), 2 * 4 / (5 + 4)
    assert scores["metrics"]["f1_macro"]["value"] == pytest.approx((first + second) / 2)
    assert [scores["per_class"][name]["n"] for name in CLASSES] == [6, 4, 0, 0]


@pytest.mark.real_data
def test_supports_of_the_location_table_are_those_of_the_files():
    root = Path(os.environ["LAUDO_DATA"]) / "medpix2"
    whole = import_manifest("medpix2", root).labelled_by("location")
    divided = split_parts(assign_groups(whole), Split(by="official"), may_lack=True)
    test = divided.part("test")
    lines = (root / "splitted_dataset" / "descriptions_test.jsonl").read_text(encoding="utf-8").splitlines()
    counted = Counter(json.loads(line)["Location"].strip() for line in lines if line.strip())
    stub = np.full((len(test), len(test.classes)), 1 / len(test.classes))
    scores = evaluate(Predictions.build(test.table, stub, test.classes, None), bootstrap=0)
    assert {name: one["n"] for name, one in scores["per_class"].items() if one["n"]} == dict(counted)
    assert counted["Brain and Neuro"] == 51
    assert sum(counted.values()) == scores["n"] == 200
