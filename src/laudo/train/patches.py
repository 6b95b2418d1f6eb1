"""Where patches are drawn: a function of seed, epoch and number alone, so that a resumed training sees the same ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from laudo.train.mask_cases import Place, VolumeCases

Size = tuple[int, int, int]


def draw_place(cases: VolumeCases, index: int, size: Size, around_marked: bool, rng: np.random.Generator) -> Place:
    """A patch of one volume.

    Args:
        cases: the volumes.
        index: which one.
        size: shape of the patch; an axis on which the volume is smaller is centred.
        around_marked: around a marked voxel, every structure that the volume has equally likely; where nothing is marked, anywhere.
        rng: draws the same number of times whatever it finds.

    Returns:
        A patch that lies inside the volume on every axis that is long enough.
    """
    shape = cases.shape(index)
    anywhere, which, voxel = rng.random(3), rng.random(), rng.random()
    marked = cases.marked(index) if around_marked else []
    if marked:
        chosen = marked[int(which * len(marked))]
        wanted = [int(c) - side // 2 for c, side in zip(chosen[int(voxel * len(chosen))], size, strict=True)]
    else:
        wanted = [int(share * (own - side + 1)) for share, own, side in zip(anywhere, shape, size, strict=True)]
    start = [
        min(max(first, 0), own - side) if own >= side else -((side - own) // 2)
        for first, own, side in zip(wanted, shape, size, strict=True)
    ]
    return Place((start[0], start[1], start[2]), size)


def middle_place(cases: VolumeCases, index: int, size: Size) -> Place:
    """The patch around the middle of what is marked, of the whole volume where nothing is: what validation looks at."""
    shape = cases.shape(index)
    marked = cases.marked(index)
    middle = np.concatenate(marked).mean(axis=0) if marked else np.array(shape) / 2
    start = [
        min(max(round(float(c)) - side // 2, 0), own - side) if own >= side else -((side - own) // 2)
        for c, own, side in zip(middle, shape, size, strict=True)
    ]
    return Place((start[0], start[1], start[2]), size)


def widened_place(place: Place, size: Size) -> Place:
    """A larger patch with the same middle."""
    start = [first - (large - small) // 2 for first, large, small in zip(place.start, size, place.size, strict=True)]
    return Place((start[0], start[1], start[2]), size)


def is_around_marked(place_in_batch: int, batch_size: int, share: float) -> bool:
    """Whether a patch is drawn around a marked voxel: the last ``share`` of each batch, rounded (Isensee et al. 2021)."""
    return place_in_batch >= round(batch_size * (1 - share))


def drawn_case(rows: Sequence[int] | np.ndarray, number: int, seed: int) -> int:
    """Sample that the patch of this number is drawn from: every sample once in each ``len(rows)`` patches, in ever new orders.

    Args:
        rows: samples of the part.
        number: of the patch, counted from 0 through all epochs.
        seed: of the order.
    """
    turn, place = divmod(number, len(rows))
    return int(rows[np.random.default_rng((seed, 0, turn)).permutation(len(rows))[place]])
