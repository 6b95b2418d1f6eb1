"""What is known to be wrong with the public sets, found by the audit (LAUDO_DATA names their parent)."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit_example import finding
from laudo.audit.audit import Audit, audit_manifest
from laudo.audit.text import text_names_label
from laudo.sources.table import import_manifest

pytestmark = pytest.mark.real_data


def audit_of(source: str, folder: str, groups: int = 1) -> Audit:
    """The audit of a data set; of one group of patients in so many, for the time that takes."""
    data = Path(os.environ["LAUDO_DATA"])
    if not (data / folder).is_dir():
        pytest.skip(f"LAUDO_DATA holds no {folder}")
    manifest = import_manifest(source, data / folder)
    if groups > 1:
        numbers, _names = pd.factorize(manifest.table["patient"])
        manifest = manifest.rows(np.flatnonzero(numbers % groups == 0))
    return audit_manifest(manifest, "skip")


@pytest.fixture(scope="module")
def bus_uc() -> Audit:
    return audit_of("bus-uc", "bus_uc")


def test_the_three_broken_files_of_bus_uc(bus_uc):
    assert finding(bus_uc, "mask_size").samples == (("Benign/images/0319.png",), ("Malignant/images/0049.png",))
    assert finding(bus_uc, "alpha").samples == (("Malignant/images/0049.png",),)
    assert finding(bus_uc, "mask_empty").samples == (("Malignant/images/00476.png",),)
    assert [sample for sample, _why in bus_uc.skipped] == ["Benign/images/0319.png", "Malignant/images/0049.png"]
    assert len(bus_uc.manifest) == 809


def test_the_178_annotated_images_of_bus_uc(bus_uc):
    one = finding(bus_uc, "coloured_marks")
    assert (one.status, one.count) == ("warn", 178)


def test_masks_of_bus_uc_have_grey_edges_throughout_which_is_one_line(bus_uc):
    one = finding(bus_uc, "mask_binary")
    assert one.count > 800
    assert one.samples == ()


def test_three_lesions_of_bus_uc_are_both_benign_and_malignant(bus_uc):
    """Each was looked at: the same picture, resized, in both folders."""
    assert {frozenset(names) for names in finding(bus_uc, "label_conflict").samples} == {
        frozenset((f"Benign/images/{benign}.png", f"Malignant/images/{one}.png", f"Malignant/images/{other}.png"))
        for benign, one, other in (("0134", "00223", "00419"), ("0135", "00224", "00420"), ("0136", "00225", "00421"))
    }


def test_copies_of_kaggle_brain():
    done = audit_of("kaggle-brain", "kaggle_brain")
    found = finding(done, "identical_bytes")
    assert (found.count, found.facts["groups"]) == (25, 22)
    assert finding(done, "nuisance_predicts").status == "warn", "the two classes come from different sources"


def test_captions_of_medpix_name_the_modality():
    done = audit_of("medpix2", "medpix2")
    named = finding(done, "text_names_label")
    assert named.facts["share"] == pytest.approx(0.54, abs=0.015)
    assert {"ct", "t1", "t2", "mr", "mri"} <= set(named.facts["counts"])
    words = finding(done, "text_predicts")
    assert words.facts["auc"] > 0.9
    assert words.facts["accuracy"] > 0.8
    assert finding(done, "patient_ids").status == "pass"


def test_the_long_tail_of_medpix_locations():
    data = Path(os.environ["LAUDO_DATA"])
    if not (data / "medpix2").is_dir():
        pytest.skip("LAUDO_DATA holds no medpix2")
    manifest = import_manifest("medpix2", data / "medpix2").labelled_by("location")
    kept = manifest.table["label"].map(manifest.table["label"].value_counts()) > 1
    classes = tuple(sorted(manifest.table.loc[kept, "label"].unique()))
    usable = manifest.rows(np.flatnonzero(kept.to_numpy()))
    done = audit_manifest(type(usable)(usable.table, usable.root, usable.source, classes), "skip")
    assert len(classes) >= 20
    assert len(finding(done, "class_balance").facts["small"]) >= 2
    assert finding(done, "class_groups").status == "warn"
    assert text_names_label.__name__ in {one.check for one in done.findings}


def test_the_tiny_region_of_brats():
    done = audit_of("brats", "brats")
    (tiny,) = finding(done, "tiny_structures").facts["structures"]
    assert (tiny["sample"], tiny["label"], tiny["voxels"]) == ("Brats18_TCIA01_425_1", 1, 384)
    assert tiny["total"] == 240 * 240 * 155


def test_intensities_of_hippocampus_differ_by_orders_of_magnitude():
    one = finding(audit_of("msd", "hippocampus"), "intensity_range")
    assert one.status == "warn"
    assert one.facts["highest"] > 1e6 > 1e4 > one.facts["lowest"]


def test_slices_of_figshare_have_neighbours_that_a_random_split_would_tear_apart():
    done = audit_of("figshare", "figshare", groups=3)
    assert finding(done, "near_identical").status == "pass", "neighbouring slices are no copies"
    found = finding(done, "near_alike")
    assert found.count > 150
    folds = done.manifest.table["fold"]
    whole = done.manifest.table.groupby("duplicates")["fold"].nunique()
    assert (whole > 1).mean() < 0.02, "the author's folds keep nearly all of them together"
    shuffled = np.random.default_rng(0).permutation(folds)
    torn = finding(done.with_split(done.manifest.with_columns(fold=shuffled)), "alike_across_parts")
    assert torn.count > 150
