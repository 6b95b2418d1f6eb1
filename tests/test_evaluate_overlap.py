"""Overlap of masks: counted by hand, and by scikit-learn on the flattened masks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, jaccard_score, precision_score, recall_score

from laudo.evaluate.mask_scoring import score_masks
from laudo.evaluate.overlap import Counts, overlap_metrics

STRUCTURE = {"x": (1,)}
FLAT = ("dice", "iou", "sensitivity", "specificity", "precision", "accuracy")


def scored(truth, predicted, spacing=None, structures=STRUCTURE):
    truth = np.asarray(truth)
    return score_masks(truth, np.asarray(predicted), structures, spacing or (1.0,) * truth.ndim, 1.0)


def test_counted_by_hand():
    # Two voxels in both, one predicted alone, two missed, of 20: each of 2 mm³.
    found = overlap_metrics(Counts(both=2, predicted_alone=1, truth_alone=2, neither=15), voxel_mm3=2.0)
    assert found == pytest.approx(
        {
            "dice": 4 / 7,
            "iou": 2 / 5,
            "sensitivity": 2 / 4,
            "specificity": 15 / 16,
            "precision": 2 / 3,
            "accuracy": 17 / 20,
            "volume_mm3": 6.0,
            "true_volume_mm3": 8.0,
            "volume_error": -2 / 7,
        }
    )


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (Counts(0, 0, 0, 9), {"specificity": 1, "accuracy": 1}),  # in neither: no overlap to speak of
        (Counts(0, 0, 3, 6), {"dice": 0, "iou": 0, "sensitivity": 0, "precision": 0, "volume_error": -2}),  # missed
        (
            Counts(0, 3, 0, 6),
            {"dice": 0, "iou": 0, "precision": 0, "volume_error": 2, "specificity": 6 / 9},
        ),  # invented
        (
            Counts(9, 0, 0, 0),
            {"dice": 1, "iou": 1, "sensitivity": 1, "precision": 1, "volume_error": 0},
        ),  # the whole image
    ],
)
def test_empty_masks(counts, expected):
    found = overlap_metrics(counts, 1.0)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value), name
    undefined = {name for name, value in found.items() if math.isnan(value)}
    nothing, no_truth = counts.truth + counts.predicted == 0, counts.truth == 0
    assert undefined == (
        {"dice", "iou", "sensitivity", "precision", "volume_error"}
        if nothing
        else {"sensitivity"}
        if no_truth
        else {"specificity"}
        if counts.neither + counts.predicted_alone == 0
        else set()
    )


@given(st.integers(0, 2**32 - 1), st.sampled_from([(7, 5), (4, 5, 3), (1, 6, 6), (9, 1, 1)]))
def test_the_same_as_scikit_learn(seed, shape):
    random = np.random.default_rng(seed)
    truth, predicted = (random.random(shape) < random.choice([0.02, 0.3, 0.8]) for _ in range(2))
    truth.flat[0] = predicted.flat[-1] = True
    truth.flat[-1] = False
    found = scored(truth.astype(np.int16), predicted.astype(np.uint8))
    a, b = truth.ravel(), predicted.ravel()
    expected = {
        "dice": f1_score(a, b),
        "iou": jaccard_score(a, b),
        "sensitivity": recall_score(a, b),
        "specificity": recall_score(~a, ~b),
        "precision": precision_score(a, b),
        "accuracy": accuracy_score(a, b),
    }
    assert {name: found[name + ":x"] for name in FLAT} == pytest.approx(expected)


@given(st.integers(0, 2**32 - 1))
def test_dice_is_symmetric_and_goes_with_iou(seed):
    random = np.random.default_rng(seed)
    a, b = random.random((2, 5, 4, 3)) < 0.4
    one, other = scored(a, b), scored(b, a)
    assert one["dice:x"] == pytest.approx(other["dice:x"], nan_ok=True)
    assert one["sensitivity:x"] == pytest.approx(other["precision:x"], nan_ok=True)
    assert one["volume_error:x"] == pytest.approx(-other["volume_error:x"], nan_ok=True)
    assert one["dice:x"] == pytest.approx(2 * one["iou:x"] / (1 + one["iou:x"]), nan_ok=True)


def test_volume_takes_the_spacing():
    mask = np.zeros((4, 4, 4), dtype=np.uint8)
    mask[1:3, 1, 1] = 1
    found = scored(mask, mask * 0, spacing=(0.5, 2.0, 3.0))
    assert found["true_volume_mm3:x"] == pytest.approx(6.0)
    assert found["volume_mm3:x"] == 0
