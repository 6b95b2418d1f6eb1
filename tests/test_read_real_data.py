"""The readers on the public sets' own files."""

import os
import time
from pathlib import Path

import h5py
import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from laudo.read.mask import read_mask
from laudo.read.matlab import read_struct
from laudo.read.table import read_image

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def data() -> Path:
    return Path(os.environ["LAUDO_DATA"])


def files(folder: Path, pattern: str) -> list[Path]:
    found = sorted(folder.glob(pattern))
    if not found:
        pytest.skip(f"no {pattern}")
    return found


def test_brats_volumes_are_those_of_nibabel(data):
    for path in files(data / "brats", "*/*.nii.gz")[:6]:
        image = read_image(path)
        expected = nib.as_closest_canonical(nib.load(path))
        assert np.array_equal(image.array, np.asarray(expected.dataobj)), path.name
        assert np.allclose(image.affine, expected.affine)
        assert image.array.shape == (240, 240, 155)
        assert image.spacing_mm == (1, 1, 1)


def test_brats_labels(data):
    for path in files(data / "brats", "*/*_seg.nii.gz"):
        mask = read_mask([path])
        assert set(mask.values) <= {0, 1, 2, 4}
        assert mask.labels.dtype == np.uint8


def test_hippocampus(data):
    for path in files(data / "hippocampus", "imagesTr/*.nii*")[:20]:
        image = read_image(path)
        assert np.allclose(image.spacing_mm, 1)
        assert np.array_equal(image.array, np.asarray(nib.as_closest_canonical(nib.load(path)).dataobj))


def test_figshare_structs(data):
    labels = dict(
        line.split(",")[:2] for line in (data / "figshare" / "labels.csv").read_text().splitlines()[1:] if "," in line
    )
    for path in files(data / "figshare", "mat/*.mat"):
        image = read_image(path)
        with h5py.File(path) as file:
            assert np.array_equal(image.array, np.asarray(file["cjdata/image"]).T)
            stored = float(np.asarray(file["cjdata/label"]).item())
        assert image.array.shape == (512, 512)
        fields = read_struct(path, ["label", "PID", "tumorBorder"])
        assert fields["label"] == stored
        assert isinstance(fields["PID"], str)
        assert fields["PID"]
        assert fields["tumorBorder"].size > 10
        assert str(fields["PID"]) not in str(image.facts["patient"])
        # the same slice as a picture, made by another program, must look the same way up
        small = np.asarray(Image.open(data / "figshare" / "images" / f"{path.stem}.jpg").convert("L"), dtype=float)
        own = image.array[::2, ::2].astype(float)
        likeness = [np.corrcoef(one.ravel(), small.ravel())[0, 1] for one in (own, own.T)]
        assert likeness[0] > 0.9
        assert likeness[0] > likeness[1]
        mask = read_mask([path.with_name(f"{path.name}#tumorMask")])
        assert mask.labels.shape == (512, 512)
        assert len(mask.values) == 2
        assert 0 < mask.labels.mean() < 0.3
        drawn = np.asarray(Image.open(files(data / "figshare" / "masks", f"{path.stem}.*")[0]).convert("L")) > 127
        assert (drawn & (mask.labels > 0)).sum() / (drawn | (mask.labels > 0)).sum() > 0.9
    assert labels


def test_figshare_folds(data):
    folds = read_struct(files(data / "figshare", "cvind.mat")[0], ["cvind"])["cvind"]
    assert folds.shape == (3064, 1), "the HDF5 array is 1 × 3064, MATLAB's the other way round"
    assert set(np.unique(folds)) == {1, 2, 3, 4, 5}


def test_hundreds_of_structs_take_seconds(data):
    paths = files(data / "figshare", "mat/*.mat")
    read_struct(paths[0], ["label"])
    began = time.perf_counter()
    for _ in range(25):
        for path in paths:
            read_struct(path, ["label", "PID"])
    assert time.perf_counter() - began < 15


def test_bus_uc_masks_have_grey_edges(data):
    mask = read_mask([files(data / "bus_uc", "Benign/masks/01.png")[0]])
    assert set(np.unique(mask.labels)) == {0, 1}
    empty = read_mask([files(data / "bus_uc", "Malignant/masks/00476.png")[0]])
    assert empty.values == (0,)
