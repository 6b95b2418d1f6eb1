"""The published mean IoU: 0.49 for a perfect network, worked out by hand."""

import numpy as np
import pytest

from laudo.core.errors import DataError
from laudo.evaluate.published_iou import published_mean_iou


def test_a_perfect_network_scores_half_of_the_share_of_the_background():
    truth = np.zeros((1, 10, 10), dtype=np.int64)
    truth[0, 0, :2] = 1
    tumour = np.where(truth == 1, 0.999, 0.001)
    # All 100 pixels become background, of which 98 are: IoU 98 / 100; the tumour is never called: 0 / 2.
    assert published_mean_iou(np.stack([1 - tumour, tumour], axis=1), truth) == pytest.approx((0.98 + 0) / 2)


def test_only_a_probability_of_exactly_one_counts():
    truth = np.zeros((1, 2, 5), dtype=np.int64)
    truth[0, 0, :2] = 1
    tumour = truth.astype(np.float32) * np.array([[1.0, 0.9999, 0, 0, 0]], dtype=np.float32)
    # One of two tumour pixels is called; background: 8 right, 9 called.
    assert published_mean_iou(np.stack([1 - tumour, tumour], axis=1), truth) == pytest.approx((8 / 9 + 1 / 2) / 2)


def test_classes_that_occur_nowhere_are_left_out():
    truth = np.array([[[0, 0, 0, 2]]])
    probabilities = np.full((1, 4, 1, 4), 0.25)
    assert published_mean_iou(probabilities, truth) == pytest.approx((3 / 4 + 0) / 2)


def test_slices_are_counted_together():
    truth = np.zeros((2, 4, 4), dtype=np.int64)
    truth[0] = 1
    probabilities = np.full((2, 2, 4, 4), 0.5)
    assert published_mean_iou(probabilities, truth) == pytest.approx((16 / 32 + 0) / 2)


def test_shapes_that_do_not_fit():
    with pytest.raises(DataError, match="do not fit"):
        published_mean_iou(np.zeros((1, 2, 4, 4)), np.zeros((1, 4, 5)))
