"""Synthetic breast ultrasound: speckle as physics has it, classes that differ as radiologists say, but not by brightness."""

from itertools import product

import numpy as np
import pytest
from scipy import ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from laudo.sources.phantom_breast import Tissue
from laudo.sources.phantom_field import smooth_field
from laudo.sources.phantom_marks import has_marks, with_callipers
from laudo.sources.phantom_ultrasound import Scanner, UltrasoundImage, compress, envelope, images


@pytest.fixture(scope="module")
def many() -> list[UltrasoundImage]:
    return list(images(240, seed=4, size=128))


def same(a: UltrasoundImage, b: UltrasoundImage) -> bool:
    return (
        np.array_equal(a.image, b.image)
        and np.array_equal(a.mask, b.mask)
        and (a.label, a.patient, a.view) == (b.label, b.patient, b.view)
    )


def test_the_same_seed_gives_the_same_images_and_another_seed_others():
    first, again, other = (list(images(6, seed, 64)) for seed in (1, 1, 2))
    assert all(same(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a.image, b.image) for a, b in zip(first, other, strict=True))


def test_an_image_does_not_depend_on_how_many_are_made():
    few, more = list(images(3, 1, 64)), list(images(8, 1, 64))
    assert all(same(a, b) for a, b in zip(few, more, strict=False))


def test_patients_and_classes(many):
    assert [item.patient for item in many[:5]] == ["P0001", "P0001", "P0002", "P0002", "P0003"]
    label_of = {}
    for item in many:
        assert label_of.setdefault(item.patient, item.label) == item.label
    labels = list(label_of.values())
    for pair in zip(labels[::2], labels[1::2], strict=True):
        assert set(pair) == {"benign", "malignant"}
    assert len(set(labels[::2])) == 2, "which of a pair is malignant must not follow from the order"


def test_three_classes_and_normal_images_without_masks():
    made = list(images(60, 3, 64, per_patient=1, classes=("benign", "malignant", "normal")))
    assert [sum(item.label == label for item in made) for label in ("benign", "malignant", "normal")] == [20, 20, 20]
    for item in made:
        assert len(item.masks) == 0 if item.label == "normal" else len(item.masks) in {1, 2}


@pytest.mark.parametrize("wrong", [{"n": -1}, {"seed": -1}, {"size": 16}, {"per_patient": 0}, {"classes": ()}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="too small"):
        list(images(**{"n": 1, "seed": 0, "size": 64, "per_patient": 2, **wrong}))


def test_masks_are_inside_the_picture_and_of_sensible_size(many):
    for item in many:
        assert item.image.shape == item.mask.shape == (128, 128)
        assert item.image.dtype == item.mask.dtype == np.uint8
        for mask in item.masks:
            assert set(np.unique(mask)) == {0, 255}
            share = np.count_nonzero(mask) / mask.size
            assert 0.005 < share < 0.4, (item.patient, item.view)
            parts, _count = ndimage.label(mask)
            assert np.bincount(parts.ravel())[1:].max() >= 0.85 * np.count_nonzero(mask)
        assert item.image.std() > 10


def test_two_lesions_do_not_overlap():
    several = [item for item in images(400, 8, 32, per_patient=1) if len(item.masks) == 2]
    assert len(several) > 5
    assert all(not (first & second).any() for first, second in (item.masks for item in several))


def flat_tissue(size: int) -> Tissue:
    even = np.zeros((size, size), np.float32)
    return Tissue(even, even, even, ())


SCANNER = Scanner(width_mm=38.0, focus=0.4, looks=1, range_db=55.0, gain_db=22.0, gamma=1.0, slope_db=0.0)


def test_speckle_is_rayleigh_distributed_with_the_power_of_the_tissue():
    rng = np.random.default_rng(0)
    magnitude = envelope(rng, flat_tissue(256), SCANNER)[8:100, 8:-8]
    # columns differ in their gain: each is taken by its own mean
    magnitude = magnitude / magnitude.mean(axis=0, keepdims=True)
    assert magnitude.mean() / magnitude.std() == pytest.approx(1.913, rel=0.05)  # sqrt(pi / (4 - pi))
    assert np.square(magnitude).mean() / magnitude.mean() ** 2 == pytest.approx(4 / np.pi, rel=0.03)
    top = np.square(envelope(rng, flat_tissue(256), SCANNER)[:40]).mean()
    assert top == pytest.approx(1.0, rel=0.15)


def test_speckle_grows_away_from_the_focus():
    rng = np.random.default_rng(1)
    magnitude = envelope(rng, flat_tissue(256), SCANNER)

    def width(rows: slice) -> float:
        part = magnitude[rows] - magnitude[rows].mean()
        return float((part[:, 2:] * part[:, :-2]).mean() / np.square(part).mean())

    assert width(slice(85, 120)) < width(slice(5, 30))


def test_what_weakens_sound_throws_a_shadow_and_what_does_not_brightens():
    size = 128
    loss = np.zeros((size, size), np.float32)
    loss[60:, :40], loss[60:, 90:] = 12, -6
    tissue = Tissue(np.zeros_like(loss), np.zeros_like(loss), loss, ())
    picture = compress(envelope(np.random.default_rng(2), tissue, SCANNER), SCANNER).astype(float)[70:90]
    assert picture[:, :30].mean() < picture[:, 50:80].mean() - 30
    assert picture[:, 100:].mean() > picture[:, 50:80].mean() + 10


@pytest.mark.parametrize("shape", [(64, 64), (20, 30, 40)])
def test_fields_have_unit_spread_and_are_the_same_at_any_resolution(shape):
    cells = (12,) * len(shape)
    field = smooth_field(np.random.default_rng(3), shape, cells)
    assert field.shape == shape
    assert field.std() == pytest.approx(1, abs=0.25)
    double = smooth_field(np.random.default_rng(3), tuple(2 * length for length in shape), cells)
    for _axis in shape:
        double = (double[::2] + double[1::2]) / 2
        double = np.moveaxis(double, 0, -1)
    assert np.abs(double - field).max() < 0.15


def shape_features(item: UltrasoundImage) -> list[float]:
    """Signs a radiologist uses: orientation, roundness, depth of the notches, echo, and what is behind the lesion."""
    mask, image = item.mask > 0, item.image.astype(float)
    rows, columns = np.nonzero(mask)
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    edge = np.count_nonzero(mask & ~ndimage.binary_erosion(mask))
    ring = ndimage.binary_dilation(mask, iterations=6) & ~ndimage.binary_dilation(mask)
    middle = slice(int(np.percentile(columns, 25)), int(np.percentile(columns, 75)) + 1)
    behind = image[rows.max() + 2 : rows.max() + 22, middle]
    beside = np.r_[
        image[rows.max() + 2 : rows.max() + 22, : columns.min()].ravel(),
        image[rows.max() + 2 : rows.max() + 22, columns.max() :].ravel(),
    ]
    posterior = behind.mean() - beside.mean() if behind.size and beside.size else 0.0
    return [
        np.log(width / height), edge / np.sqrt(mask.sum()), mask.sum() / (height * width), image[mask].mean() - image[ring].mean(),
        image[mask].std(), posterior, mask.sum() / mask.size,
    ]  # fmt: skip


def grouped_auc(features: np.ndarray, items: list[UltrasoundImage]) -> float:
    truth = np.array([item.label == "malignant" for item in items])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    groups = [item.patient for item in items]
    scores = cross_val_predict(model, features, truth, groups=groups, cv=GroupKFold(5), method="predict_proba")[:, 1]
    return float(roc_auc_score(truth, scores))


def test_the_signs_tell_the_classes_apart_but_not_surely(many):
    auc = grouped_auc(np.array([shape_features(item) for item in many[:120]]), many[:120])
    assert 0.75 < auc < 0.98


def test_brightness_and_place_alone_do_not(many):
    flat = np.stack([item.image.ravel() for item in many]).astype(float)
    features = np.column_stack([flat.mean(1), flat.std(1), *np.percentile(flat, [5, 25, 50, 75, 95, 99], axis=1)])
    assert grouped_auc(features, many) < 0.75


def test_callipers_are_coloured_stand_at_the_lesion_and_are_commoner_in_one_class(many):
    item = many[0]
    marked = with_callipers(4, 0, item.image, item.mask)
    changed = (marked != item.image[..., None]).any(axis=2)
    assert 10 < changed.sum() < 0.02 * changed.size
    assert (np.ptp(marked[changed].astype(int), axis=1) > 50).all()
    near = ndimage.binary_dilation(item.mask > 0, iterations=6)
    assert (near | ~changed).mean() > 0.99
    shares = {
        label: np.mean([has_marks(0, number, label) for number in range(2000)]) for label in ("benign", "malignant")
    }
    assert 0.10 < shares["benign"] < 0.20 < 0.25 < shares["malignant"] < 0.35


def test_marks_of_an_image_depend_on_seed_and_number_only():
    assert [has_marks(s, k, "malignant") for s, k in product((1, 2), range(40))] == [
        has_marks(s, k, "malignant") for s, k in product((1, 2), range(40))
    ]
    assert [has_marks(1, k, "malignant") for k in range(40)] != [has_marks(2, k, "malignant") for k in range(40)]
