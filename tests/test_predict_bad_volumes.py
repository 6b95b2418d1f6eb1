"""Volumes and masks that are not what they should be: a clear error that names the file, or a rule that is stated."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from laudo.core.errors import DataError, UnreadableImageError
from laudo.core.recipe import PrepareVolume
from laudo.core.structures import Structures
from laudo.predict.mask_files import save_label_map
from laudo.predict.sliding_window import sliding_window
from laudo.prepare.volume import prepare_volume

AFFINE = np.diag([-1.0, -1.0, 2.0, 1.0])
MOVED = AFFINE + np.array([[0, 0, 0, 4.0], [0] * 4, [0] * 4, [0] * 4])
TURNED = np.diag([-1.0, 1.0, 2.0, 1.0])


def grey() -> np.ndarray:
    return np.random.default_rng(0).normal(100, 20, (12, 10, 8)).astype(np.float32)


def labels() -> np.ndarray:
    out = np.zeros((12, 10, 8), np.uint8)
    out[3:7, 4:8, 2:5] = 2
    return out


def with_nan(array: np.ndarray) -> np.ndarray:
    out = array.astype(np.float32)
    out[1, 2, 3] = np.nan
    return out


def save(path: Path, array: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    nib.save(nib.Nifti1Image(array, affine), path)
    return path


def sample(folder: Path) -> dict[str, Path]:
    """Two channels and a mask that fit together."""
    return {
        "first": save(folder / "t1.nii.gz", grey()),
        "second": save(folder / "t2.nii.gz", grey()),
        "mask": save(folder / "seg.nii.gz", labels()),
    }


def prepared(files: dict[str, Path], **options):
    return prepare_volume([files["first"], files["second"]], [files["mask"]], PrepareVolume(**options))


def test_a_sound_sample_is_prepared(tmp_path):
    made = prepared(sample(tmp_path))
    assert made.image.shape == (2, 12, 10, 8)
    assert set(np.unique(made.mask)) == {0, 2}


@pytest.mark.parametrize(
    ("which", "array", "affine", "says", "found"),
    [
        ("first", np.stack([grey()] * 4, axis=3), AFFINE, "too many or too few axes", "12 × 10 × 8 × 4"),
        ("mask", np.stack([labels()] * 3, axis=3), AFFINE, "too many or too few axes", "12 × 10 × 8 × 3"),
        ("second", grey()[..., 0], AFFINE, "a volume was expected", "10 × 12"),
        ("second", with_nan(grey()), AFFINE, "not numbers", "1 of 960"),
        ("mask", with_nan(labels()), AFFINE, "not numbers", "1 of 960"),
        ("second", grey()[:-1], AFFINE, "do not have one shape", "11 × 10 × 8"),
        ("mask", labels()[:, 1:], AFFINE, "do not have one shape", "12 × 9 × 8"),
        ("second", grey(), MOVED, "do not lie in one place", "up to 4 mm"),
        ("mask", labels(), MOVED, "do not lie in one place", "up to 4 mm"),
        ("mask", labels(), TURNED, "do not lie in one place", "9 mm"),
        ("mask", labels() * np.float32(0.7), AFFINE, "not labels", "1.4"),
        ("second", grey() * (1 + 2j), AFFINE, "not plain numbers", "complex"),
    ],
)
def test_what_can_not_be_laid_over_the_rest_is_refused_and_named(tmp_path, which, array, affine, says, found):
    files = sample(tmp_path)
    save(files[which], array, affine)
    with pytest.raises(UnreadableImageError, match=says) as caught:
        prepared(files)
    assert caught.value.file == str(files[which])
    assert found in caught.value.found


@pytest.mark.parametrize("which", ["first", "second", "mask"])
def test_a_file_that_is_not_there_is_named(tmp_path, which):
    files = sample(tmp_path)
    files[which].unlink()
    with pytest.raises(UnreadableImageError, match="not there") as caught:
        prepared(files)
    assert caught.value.file == str(files[which])


def test_a_mask_without_foreground_is_all_background_and_can_not_be_cropped_to(tmp_path):
    files = sample(tmp_path)
    save(files["mask"], labels() * 0)
    assert not prepared(files).mask.any()
    with pytest.raises(UnreadableImageError, match="missing or empty") as caught:
        prepared(files, crop="lesion")
    assert "without_mask" in caught.value.cure


def test_labels_outside_the_set_are_no_structure():
    """The audit reports them (mask_values); what is learned from and scored holds the declared values alone."""
    structures = Structures(("WT", "ET"), ((1, 4), (4,)), overlapping=True)
    strange = np.array([0, 1, 3, 4, 9], np.uint8)
    assert structures.label_map(strange).tolist() == [0, 1, 0, 4, 0]
    assert structures.targets(strange).tolist() == [[0, 1, 0, 1, 0], [0, 0, 0, 1, 0]]


def test_a_volume_smaller_than_the_window_is_padded_around_and_cut_back(tmp_path):
    made = prepared(sample(tmp_path))
    seen = []

    def answer(windows: torch.Tensor) -> torch.Tensor:
        seen.append(windows.clone())
        return windows * 2

    found = sliding_window(answer, torch.from_numpy(made.image), (16, 10, 12))
    assert torch.allclose(found, torch.from_numpy(made.image) * 2)
    assert [tuple(one.shape) for one in seen] == [(1, 2, 16, 10, 12)]
    assert torch.equal(seen[0][0, :, 2:14, :, 2:10], torch.from_numpy(made.image))
    assert not seen[0][0, :, :2].any()
    assert not seen[0][0, :, 14:].any()


def test_a_mask_is_never_written_over_a_series_of_volumes(tmp_path):
    many = save(tmp_path / "many.nii.gz", np.stack([grey()] * 4, axis=3))
    with pytest.raises(DataError, match="grid"):
        save_label_map(tmp_path / "out.nii.gz", labels(), many)
    assert not (tmp_path / "out.nii.gz").exists()
