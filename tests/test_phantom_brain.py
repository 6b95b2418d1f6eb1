"""Synthetic brain slices: repeatable, labelled rightly, and not given away by brightness."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from laudo.core.environment import file_hash
from laudo.core.errors import DataError
from laudo.core.progress import listen
from laudo.sources.phantom_brain import PhantomSlice, slices, to_manifest, write


@pytest.fixture(scope="module")
def many() -> list[PhantomSlice]:
    return list(slices(320, seed=3, size=64, per_patient=4))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("phantom")
    write(root, 24, seed=5, size=64)
    return root


def same(a: PhantomSlice, b: PhantomSlice) -> bool:
    return (
        np.array_equal(a.image, b.image)
        and np.array_equal(a.mask, b.mask)
        and (a.label, a.patient, a.level) == (b.label, b.patient, b.level)
    )


def test_the_same_seed_gives_the_same_slices_and_another_seed_others():
    first, again, other = (list(slices(10, seed, 64)) for seed in (7, 7, 8))
    assert all(same(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a.image, b.image) for a, b in zip(first, other, strict=True))


def test_a_patient_does_not_depend_on_how_many_are_made():
    few, more = list(slices(6, 1, 64)), list(slices(16, 1, 64))
    assert len(few) == 6
    assert all(same(a, b) for a, b in zip(few, more, strict=False))


def test_patients_levels_and_types(many):
    assert [s.patient for s in many[:5]] == ["P0001"] * 4 + ["P0002"]
    assert [s.level for s in many[:5]] == [1, 2, 3, 4, 1]
    for s in many:
        assert s.image.shape == s.mask.shape == (64, 64)
        assert s.image.dtype == s.mask.dtype == np.uint8
        assert set(np.unique(s.mask)) <= {0, 255}
        assert s.image.std() > 15


def test_half_of_the_patients_have_a_tumour_and_a_patient_has_one_label(many):
    label_of = {}
    for s in many:
        assert label_of.setdefault(s.patient, s.label) == s.label
    labels = list(label_of.values())
    for one, two in zip(labels[::2], labels[1::2], strict=True):
        assert {one, two} == {"yes", "no"}
    assert len(set(labels[::2])) == 2, "which of a pair has the tumour must not follow from the order"


@pytest.mark.parametrize(("size", "per_patient"), [(32, 1), (33, 2), (96, 3), (128, 9)])
def test_other_sizes_and_numbers_of_slices(size, per_patient):
    made = list(slices(2 * per_patient, 0, size, per_patient))
    assert len(made) == 2 * per_patient
    assert all(s.image.shape == (size, size) for s in made)
    assert all((s.mask.sum() > 0) == (s.label == "yes") for s in made)


@pytest.mark.parametrize("wrong", [{"n": -1}, {"seed": -1}, {"size": 16}, {"per_patient": 0}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="too small"):
        list(slices(**{"n": 1, "seed": 0, "size": 64, "per_patient": 2, **wrong}))


def test_only_tumour_slices_have_a_mask_and_it_is_one_piece_of_sensible_size(many):
    for s in many:
        pixels = np.count_nonzero(s.mask)
        if s.label == "no":
            assert pixels == 0
        else:
            assert 40 <= pixels <= 0.15 * s.mask.size, (s.patient, s.level, pixels)
            parts, count = ndimage.label(s.mask)
            largest = np.bincount(parts.ravel())[1:].max()
            assert largest >= 0.9 * pixels, (s.patient, s.level, count)


def difference_to_surroundings(image: np.ndarray, mask: np.ndarray) -> float:
    """Kolmogorov-Smirnov distance of grey values to a ring around the mask: of the whole mask or its inner half.

    A rim may have the grey of the oedema around it; the core then stands out.
    """
    ring = np.sort(image[ndimage.binary_dilation(mask, iterations=4) & ~ndimage.binary_dilation(mask)])
    depth = ndimage.distance_transform_edt(mask)
    distances = []
    for part in (mask, depth > 0.5 * depth.max()):
        inside = np.sort(image[part])
        ours = np.searchsorted(inside, np.arange(256), "right") / len(inside)
        theirs = np.searchsorted(ring, np.arange(256), "right") / len(ring)
        distances.append(np.abs(ours - theirs).max())
    return float(max(distances))


def test_every_tumour_differs_from_its_surroundings(many):
    contrasts = [difference_to_surroundings(s.image, s.mask > 0) for s in many if s.label == "yes"]
    assert min(contrasts) > 0.2
    assert np.median(contrasts) > 0.5


def test_slices_of_a_patient_are_more_alike_than_those_of_two_patients(many):
    flat = np.stack([s.image.ravel() for s in many[:160]]).astype(np.float64)
    alike = np.corrcoef(flat)
    patient = np.array([s.patient for s in many[:160]])
    own = patient[:, None] == patient[None, :]
    np.fill_diagonal(alike, np.nan)
    within = np.nanmean(np.where(own, alike, np.nan), axis=1)
    between = np.nanmax(np.where(own, np.nan, alike), axis=1)
    assert np.mean(within > between) > 0.9
    # Neighbours are alike, not copies: another level, other noise.
    assert not any(np.array_equal(a.image, b.image) for a, b in pairwise(many))


def test_brightness_does_not_give_the_label_away(many):
    flat = np.stack([s.image.ravel() for s in many]).astype(np.float64)
    percentiles = np.percentile(flat, [5, 25, 50, 75, 90, 95, 99, 99.9], axis=1).T
    features = np.column_stack([flat.mean(1), flat.std(1), percentiles])
    truth = np.array([s.label == "yes" for s in many])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    groups = [s.patient for s in many]
    scores = cross_val_predict(model, features, truth, groups=groups, cv=GroupKFold(5), method="predict_proba")[:, 1]
    assert roc_auc_score(truth, scores) < 0.8


def test_written_folder_and_manifest_agree(folder):
    manifest = to_manifest(folder)
    table = manifest.table
    assert len(manifest) == 24
    assert manifest.classes == ("no", "yes")
    listed = pd.read_csv(folder / "patients.csv")
    assert list(listed.columns) == ["image", "patient", "label"]
    assert set(listed["image"]) == set(table["sample"])
    found = {p.relative_to(folder).as_posix() for kind in ("yes", "no") for p in (folder / kind).iterdir()}
    assert found == set(table["image"])
    assert {p.name for p in (folder / "masks").iterdir()} == {p.name for p in (folder / "yes").iterdir()}
    made = {f"{s.label}/{s.patient}-{s.level}.png": s for s in slices(24, 5, 64)}
    for row in table.to_dict("records"):
        item = made[row["sample"]]
        assert row["label"] == item.label == Path(row["image"]).parent.name
        assert row["patient"] == item.patient
        assert row["sha256"] == file_hash(folder / row["image"])
        assert np.array_equal(np.asarray(Image.open(folder / row["image"])), item.image)
        if item.label == "yes":
            assert np.array_equal(np.asarray(Image.open(folder / row["mask"])), item.mask)
        else:
            assert row["mask"] == ""
    assert "synthetic" in (folder / "README.txt").read_text().lower()


def test_writing_again_gives_the_same_files(folder, tmp_path):
    write(tmp_path, 24, seed=5, size=64)
    assert to_manifest(tmp_path).content_hash() == to_manifest(folder).content_hash()
    files = sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    assert all((folder / name).read_bytes() == (tmp_path / name).read_bytes() for name in files)


def test_writing_tells_its_progress(tmp_path):
    class Count:
        total: int | None = None
        done = 0

        def start(self, what, total):
            self.total = total
            return 1

        def advance(self, step, parts=1, note=""):
            self.done += parts

        def finish(self, step):
            pass

        def say(self, text):
            pass

    count = Count()
    with listen(count):
        write(tmp_path, 3, size=32)
    assert (count.total, count.done) == (3, 3)


@pytest.mark.parametrize("damage", ["no listing", "no image", "other columns", "not text"])
def test_a_damaged_folder_is_an_error_that_names_the_file(tmp_path, damage):
    write(tmp_path, 2, size=32)
    listing = tmp_path / "patients.csv"
    expected = listing
    if damage == "no listing":
        listing.unlink()
    elif damage == "no image":
        expected = next((tmp_path / "yes").glob("*.png"), None) or next((tmp_path / "no").glob("*.png"))
        expected.unlink()
    elif damage == "other columns":
        listing.write_text("file,class\na.png,yes\n")
    else:
        listing.write_bytes(b"image,patient,label\n\xff\xfe,P0001,yes\n")
    with pytest.raises(DataError) as caught:
        to_manifest(tmp_path)
    assert caught.value.file == str(expected)
