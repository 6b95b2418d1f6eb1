"""The mean IoU that was published for a brain tumour U-Net (0.492), with its mistake, to show where the number came from."""

from __future__ import annotations

import numpy as np

from laudo.core.errors import DataError
from laudo.core.messages import _


def published_mean_iou(probabilities: np.ndarray, label_map: np.ndarray) -> float:
    """Mean over background and structures of the IoU of probabilities that were never thresholded.

    The metric was made for class numbers and was given probabilities. It casts them to whole numbers, which cuts off the
    fraction: a tumour probability of 0.99 becomes 0, which is the background. Only a probability that has been rounded to
    exactly 1 in single precision counts as tumour. So everything is called background: the background's IoU is its share of
    the pixels (about 0.98 in these slices), the tumour's is 0, and their mean is 0.49 however good the network is. A perfect
    one gets 0.4914 on the 3,064 slices of the set, where 0.492 was published. It is therefore no measure of a segmentation;
    Dice and IoU of the thresholded mask are.

    Args:
        probabilities: (B, K, H, W), background first.
        label_map: (B, H, W) class index, 0 is background.

    Returns:
        The mean over the classes that occur in the truth or after the cast, all pixels of all slices counted together.

    Raises:
        DataError: the shapes do not fit.
    """
    probabilities, label_map = np.asarray(probabilities), np.asarray(label_map)
    batch, *rest = label_map.shape
    if (
        probabilities.ndim != label_map.ndim + 1
        or probabilities.shape[0] != batch
        or [*probabilities.shape[2:]] != rest
    ):
        raise DataError(
            _("The probabilities do not fit the label map."),
            expected="(B, K, H, W), (B, H, W)",
            found=f"{probabilities.shape}, {label_map.shape}",
        )
    cast = probabilities.astype(np.int64)
    called = sum(index * cast[:, index] for index in range(1, probabilities.shape[1]))
    scores = []
    for index in range(probabilities.shape[1]):
        true, hit = label_map == index, called == index
        union = np.count_nonzero(true | hit)
        if union:
            scores.append(np.count_nonzero(true & hit) / union)
    return float(np.mean(scores))
