"""What only one kind of synthetic data has, seen through the source of its name: channels, folds, marks, geometry."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from laudo.core.manifest import Manifest
from laudo.read.mask import read_mask
from laudo.read.table import read_image
from laudo.sources.phantom_types import typed_slices
from laudo.sources.phantom_volume import MODALITIES, brains
from laudo.sources.phantoms import PHANTOMS
from laudo.sources.table import import_manifest

SEED = 6


def write_and_import(kind: str, folder: Path, n: int, size: int) -> Manifest:
    PHANTOMS[kind].write(folder, n, SEED, size)
    return import_manifest(kind, folder)


def test_brats_has_four_channels_in_order_and_its_geometry(tmp_path):
    manifest = write_and_import("brats", tmp_path / "brats", 1, 40)
    assert manifest.channels == MODALITIES
    assert manifest.mask_labels == {1: "necrosis", 2: "oedema", 4: "enhancing"}
    made = next(brains(1, SEED, 40))
    for path, name in zip(manifest.image_paths(0), MODALITIES, strict=True):
        image = read_image(path)
        assert np.array_equal(image.array, made.images[name][::-1, ::-1])
        assert image.spacing_mm == pytest.approx((6, 6, 6))


def test_msd_lists_its_cases_and_labels(tmp_path):
    manifest = write_and_import("msd", tmp_path / "msd", 2, 50)
    facts = json.loads((tmp_path / "msd" / "dataset.json").read_text())
    assert facts["numTraining"] == 2
    assert manifest.mask_labels == {1: "anterior", 2: "posterior"}
    assert read_image(manifest.paths[0]).spacing_mm == pytest.approx((1, 1, 1))


def test_figshare_folds_hold_whole_patients_and_images_are_the_slices(tmp_path):
    manifest = write_and_import("figshare", tmp_path / "figshare", 24, 48)
    folds = manifest.table.groupby("patient")["fold"].nunique()
    assert (folds == 1).all()
    assert manifest.table["fold"].between(1, 5).all()
    for row, made in zip(manifest.table.sort_values("image", key=lambda s: s.str.extract(r"(\d+)")[0].astype(int)).index,
                         typed_slices(24, SEED, 48), strict=True):  # fmt: skip
        pixels = read_image(manifest.image_paths(row)[0]).array.astype(float)
        assert np.corrcoef(pixels.ravel(), made.image.ravel())[0, 1] > 0.99


def test_busi_has_images_with_two_masks_and_empty_masks_of_normal_images(tmp_path):
    manifest = write_and_import("busi", tmp_path / "busi", 150, 32)
    table = manifest.table
    assert table["mask"].str.contains("|", regex=False).sum() >= 2
    normal = table.index[table["label"] == "normal"]
    assert len(normal) == 50
    assert not any(read_mask(manifest.mask_paths(row)).labels.any() for row in normal[:5])


def test_bus_uc_has_coloured_marks_in_about_a_fifth(tmp_path):
    manifest = write_and_import("bus-uc", tmp_path / "bus", 160, 32)
    coloured = np.array([read_image(path).array.ndim == 3 for path in manifest.paths])
    shares = pd.Series(coloured).groupby(manifest.table["label"].to_numpy()).mean()
    assert 0.12 < coloured.mean() < 0.32
    assert shares["malignant"] > shares["benign"]


def test_dicom_series_are_sorted_calibrated_and_name_nobody(tmp_path):
    from laudo.read.dicom_header import read_header

    folder = tmp_path / "dicom"
    manifest = write_and_import("dicom", folder, 8, 32)
    assert manifest.table["patient"].nunique() == 4
    assert (manifest.table.groupby("patient")["modality"].nunique() == 2).all()
    for row in range(len(manifest)):
        image = read_image(manifest.image_paths(row)[0])
        assert image.spacing_mm == pytest.approx((7.5, 7.5, 5))
        if manifest.table["modality"].iloc[row] == "CT":
            assert image.array.min() <= -900
            assert image.array.max() > 500
    names = [path for path in folder.rglob("IM*") if path.is_file()]
    assert {path.suffix for path in names} == {"", ".dcm"}
    header = read_header(names[0])
    assert header.patient
    assert header.burned_in == "no"
