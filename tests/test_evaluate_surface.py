"""Surface distances: by hand, against MONAI, against a loop over all pairs; and what does not change them."""

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from laudo.evaluate import nearest
from laudo.evaluate.mask_scoring import score_masks
from laudo.evaluate.nearest import MOST_NEIGHBOURS, FlagGrid, shells
from laudo.evaluate.surface import surfaces

SURFACE = ("hd95_mm", "assd_mm", "nsd")
SPACINGS = {2: [(1.0, 1.0), (0.7, 0.7), (0.4, 3.0)], 3: [(1.0, 1.0, 1.0), (0.5, 0.5, 5.0), (1.2, 0.3, 0.9)]}


def scored(truth, predicted, spacing=None, tolerance=1.0):
    truth = np.asarray(truth, dtype=np.uint8)
    found = score_masks(
        truth, np.asarray(predicted, dtype=np.uint8), {"x": (1,)}, spacing or (1.0,) * truth.ndim, tolerance
    )
    return {name: found[name + ":x"] for name in SURFACE}


def blobs(seed: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Two masks, more or less alike, that may touch the border and have holes."""
    random = np.random.default_rng(seed)
    places = np.indices(shape)
    masks = []
    for _number in range(2):
        centre, radius = random.random(len(shape)) * shape, random.uniform(1, 5)
        masks.append(sum((p - c) ** 2 for p, c in zip(places, centre, strict=True)) < radius**2)
    noise = random.random((2, *shape))
    truth, predicted = masks[0] ^ (noise[0] < 0.02), (masks[0] if seed % 3 else masks[1]) ^ (noise[1] < 0.03)
    truth.flat[random.integers(truth.size)] = predicted.flat[random.integers(truth.size)] = True
    return truth, predicted


def edge(mask: np.ndarray) -> np.ndarray:
    """Voxels with a face neighbour outside the mask or the image, one by one."""
    found = np.zeros_like(mask)
    for place in np.argwhere(mask):
        for axis in range(mask.ndim):
            for step in (-1, 1):
                other = place.copy()
                other[axis] += step
                if not 0 <= other[axis] < mask.shape[axis] or not mask[tuple(other)]:
                    found[tuple(place)] = True
    return found


def by_pairs(truth, predicted, spacing, tolerance):
    a, b = (np.argwhere(edge(mask)) * np.array(spacing) for mask in (truth, predicted))
    gaps = np.sqrt(((a[:, None] - b[None]) ** 2).sum(axis=2))
    there, back = gaps.min(axis=1), gaps.min(axis=0)
    both = np.concatenate([there, back])
    return {
        "hd95_mm": max(np.percentile(there, 95), np.percentile(back, 95)),
        "assd_mm": both.mean(),
        "nsd": (both <= tolerance + 1e-9).mean(),
    }


def by_monai(truth, predicted, spacing, tolerance):
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice

    a, b = (torch.from_numpy(mask.astype(np.float32))[None, None] for mask in (predicted, truth))
    options = {"include_background": True, "spacing": list(spacing)}
    return {
        "hd95_mm": compute_hausdorff_distance(a, b, percentile=95, **options).item(),
        "assd_mm": compute_average_surface_distance(a, b, symmetric=True, **options).item(),
        "nsd": compute_surface_dice(a, b, [tolerance], **options).item(),
    }


# by hand -----------------------------------------------------------------------------------------------------


def test_two_single_voxels_in_anisotropic_spacing():
    truth, predicted = np.zeros((2, 8, 8, 8), dtype=bool)
    truth[2, 3, 4] = predicted[3, 5, 4] = True
    distance = math.hypot(3.0, 2 * 0.5)
    found = scored(truth, predicted, (3.0, 0.5, 1.0))
    assert found == pytest.approx({"hd95_mm": distance, "assd_mm": distance, "nsd": 0.0})
    assert scored(truth, predicted, (3.0, 0.5, 1.0), tolerance=3.2)["nsd"] == 1.0


def test_a_square_moved_by_one():
    # 3 × 3 has 8 voxels of border, and so has its copy one column on. Of the true border the far column (3 voxels) is one
    # away from the other's, the two middles of rows lie on it, but so do the corners; the same the other way round.
    truth, predicted = np.zeros((2, 7, 7), dtype=bool)
    truth[2:5, 1:4] = predicted[2:5, 2:5] = True
    found = scored(truth, predicted, (2.0, 2.0), tolerance=1.9)
    # The middle of the third column is inside the moved square and one from its border; the first column is one away too.
    assert found["assd_mm"] == pytest.approx(2.0 * 4 / 8)
    assert found["nsd"] == pytest.approx(4 / 8)
    assert found["hd95_mm"] == 2.0


def test_the_inside_of_a_mask_does_not_count():
    truth = np.zeros((9, 9, 9), dtype=bool)
    truth[2:7, 2:7, 2:7] = True
    hollow = truth.copy()
    hollow[4, 4, 4] = (
        False  # its six neighbours become surface, 1 voxel from the true surface; two to the hole's centre
    )
    found = scored(truth, hollow)
    assert found["hd95_mm"] < 1.01
    assert found["assd_mm"] == pytest.approx(6 * 1.0 / (98 + 98 + 6))


def test_a_mask_has_a_surface_at_the_border_of_the_image():
    whole = np.ones((5, 5), dtype=bool)
    dot = np.zeros((5, 5), dtype=bool)
    dot[2, 2] = True
    found = scored(whole, dot)
    assert found["hd95_mm"] == pytest.approx(np.percentile(by_pairs_distances(whole, dot), 95))
    assert surfaces(whole.astype(np.uint8)).sum() == 16


def by_pairs_distances(truth, dot):
    return np.linalg.norm(np.argwhere(edge(truth)) - np.argwhere(dot)[0], axis=1)


def test_a_distance_at_the_tolerance_is_within_it_whatever_binary_numbers_say():
    truth, predicted = np.zeros((2, 9, 9), dtype=bool)
    truth[1, 1] = predicted[4, 1] = True
    assert 0.1 + 0.1 + 0.1 > 0.3
    assert scored(truth, predicted, (0.1, 0.1), tolerance=0.3)["nsd"] == 1.0
    assert scored(truth, predicted, (0.1, 0.1), tolerance=0.2999)["nsd"] == 0.0


def test_a_structure_in_neither_mask_has_no_distances_and_one_missed_or_invented_has_the_worst():
    nothing = np.zeros((240, 240, 155), dtype=bool)
    dot = nothing.copy()
    dot[100, 100, 100] = True
    assert all(math.isnan(value) for value in scored(nothing, nothing).values())
    worst = {"hd95_mm": 373.12866, "assd_mm": 373.12866, "nsd": 0.0}
    assert scored(dot, nothing) == pytest.approx(worst)
    assert scored(nothing, dot) == pytest.approx(worst)
    assert scored(dot[:, :, 100], nothing[:, :, 0], (3.0, 4.0))["hd95_mm"] == pytest.approx(240 * 5)


def test_a_volume_of_one_slice_is_scored_as_a_slice():
    truth, predicted = blobs(4, (12, 14))
    flat = scored(truth, predicted, (0.5, 2.0))
    for axis, spacing in ((0, (9.0, 0.5, 2.0)), (1, (0.5, 9.0, 2.0)), (2, (0.5, 2.0, 9.0))):
        assert scored(np.expand_dims(truth, axis), np.expand_dims(predicted, axis), spacing) == flat
    empty = np.zeros((3, 4, 1))
    assert scored(np.ones((3, 4, 1)), empty, (1.0, 1.0, 9.0))["hd95_mm"] == 5.0


# others' numbers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("seed", range(9))
def test_the_same_as_monai(dimensions, seed):
    truth, predicted = blobs(seed, (18, 13, 11)[:dimensions])
    spacing = SPACINGS[dimensions][seed % 3]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = by_monai(truth, predicted, spacing, 1.0)
    assert scored(truth, predicted, spacing) == pytest.approx(expected, rel=1e-5)


@given(st.integers(0, 10_000), st.sampled_from([2, 3]), st.integers(0, 2), st.sampled_from([0.0, 0.5, 1.4, 3.0]))
@settings(max_examples=40, deadline=None)
def test_the_same_as_all_pairs_of_voxels(seed, dimensions, spacing, tolerance):
    truth, predicted = blobs(seed, (11, 9, 8)[:dimensions])
    steps = SPACINGS[dimensions][spacing]
    assert scored(truth, predicted, steps, tolerance) == pytest.approx(by_pairs(truth, predicted, steps, tolerance))


@pytest.mark.parametrize(("tree_ns", "transform_ns"), [(0.0, 1.0), (1.0, 0.0)])
@pytest.mark.parametrize("spacing", SPACINGS[3])
def test_far_surfaces_by_tree_and_by_transform(monkeypatch, tree_ns, transform_ns, spacing):
    monkeypatch.setattr(nearest, "TREE_NS", tree_ns)
    monkeypatch.setattr(nearest, "TRANSFORM_NS", transform_ns)
    truth, predicted = np.zeros((2, 30, 12, 12), dtype=bool)
    truth[1:6, 2:9, 3:7] = predicted[22:29, 1:5, 2:11] = True
    predicted[5, 8, 6] = True
    assert scored(truth, predicted, spacing) == pytest.approx(by_pairs(truth, predicted, spacing, 1.0))


@given(st.lists(st.floats(0.05, 20.0), min_size=2, max_size=3))
@settings(max_examples=40, deadline=None)
def test_no_neighbour_nearer_than_the_last_shell_is_missing(spacing):
    found = shells(tuple(spacing))
    distances = [shell.distance_mm for shell in found]
    assert distances == sorted(distances)
    assert sum(len(shell.steps) for shell in found) <= MOST_NEIGHBOURS
    reach = [range(-math.ceil(distances[-1] / one) - 1, math.ceil(distances[-1] / one) + 2) for one in spacing]
    grid = np.stack(np.meshgrid(*reach, indexing="ij"), axis=-1).reshape(-1, len(spacing))
    norms = np.linalg.norm(grid * np.array(spacing), axis=1)
    assert np.count_nonzero((norms > 0) & (norms <= distances[-1] * (1 + 1e-7))) == sum(len(s.steps) for s in found)


def test_flags_at_the_border_do_not_wrap_around():
    flags = np.zeros((4, 4), dtype=np.uint8)
    flags[0, 3], flags[1, 0] = 1, 2  # neighbours in memory
    grid = FlagGrid(flags, (1.0, 1.0))
    assert grid.distances(grid.members(np.uint8(2)), np.uint8(1)) == pytest.approx([math.hypot(3, 1)])


# what changes nothing ----------------------------------------------------------------------------------------


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_invariances(seed):
    truth, predicted = blobs(seed, (10, 9, 8))
    spacing = (0.5, 1.5, 1.0)
    found = scored(truth, predicted, spacing)
    assert scored(predicted, truth, spacing) == pytest.approx(found), "the two masks change places"
    assert scored(truth.transpose(2, 0, 1), predicted.transpose(2, 0, 1), (1.0, 0.5, 1.5)) == pytest.approx(found)
    assert scored(truth[::-1, :, ::-1], predicted[::-1, :, ::-1], spacing) == pytest.approx(found), "mirrored"
    assert scored(np.asfortranarray(truth), predicted, spacing) == pytest.approx(found), "memory order"
    wider = [np.pad(mask, ((3, 1), (0, 4), (2, 0))) for mask in (truth, predicted)]
    assert scored(*wider, spacing) == pytest.approx(found), "more background"
    doubled = scored(truth, predicted, tuple(2 * one for one in spacing), tolerance=2.0)
    assert doubled == pytest.approx({**found, "hd95_mm": 2 * found["hd95_mm"], "assd_mm": 2 * found["assd_mm"]})


def test_equal_masks_are_at_no_distance():
    truth, _predicted = blobs(1, (10, 9, 8))
    assert scored(truth, truth, tolerance=0.0) == {"hd95_mm": 0.0, "assd_mm": 0.0, "nsd": 1.0}
