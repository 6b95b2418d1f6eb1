"""Synthetic brain volumes: nested regions, nothing outside the brain, each sequence with its own contrast; and hippocampi."""

import numpy as np
import pytest
from scipy import ndimage

from laudo.sources.phantom_hippocampus import HippocampusVolume, hippocampi
from laudo.sources.phantom_volume import MODALITIES, BrainVolume, brains


@pytest.fixture(scope="module")
def several() -> list[BrainVolume]:
    return list(brains(6, seed=2, size=64))


@pytest.fixture(scope="module")
def small() -> list[HippocampusVolume]:
    return list(hippocampi(16, seed=2))


def test_the_same_seed_gives_the_same_volumes_and_another_seed_others():
    first, again, other = (next(brains(1, seed, 32)) for seed in (1, 1, 2))
    assert all(np.array_equal(first.images[name], again.images[name]) for name in MODALITIES)
    assert np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.labels, other.labels)
    third = list(brains(3, 1, 32))[2]
    assert np.array_equal(third.labels, list(brains(4, 1, 32))[2].labels)


def test_form_of_the_public_set(several):
    for brain in several:
        assert set(brain.images) == set(MODALITIES)
        for image in brain.images.values():
            assert image.shape == brain.labels.shape == (64, 64, 41)
            assert image.dtype == np.int16
        assert set(np.unique(brain.labels)) == {0, 1, 2, 4}
    assert np.allclose(several[0].affine[:3, :3], np.diag([-3.75, -3.75, 3.75]))


def test_at_240_voxels_the_geometry_is_that_of_brats():
    from dataclasses import replace

    full = replace(next(brains(1, 0, 32)), labels=np.zeros((240, 240, 155), np.uint8), spacing_mm=1.0)
    assert np.array_equal(full.affine, [[-1, 0, 0, 0], [0, -1, 0, 239], [0, 0, 1, 0], [0, 0, 0, 1]])


def test_background_is_exactly_zero_and_the_same_in_all_sequences(several):
    for brain in several:
        inside = brain.images["flair"] > 0
        assert all(np.array_equal(image > 0, inside) for image in brain.images.values())
        assert not (brain.labels[~inside] > 0).any()
        assert 0.10 < inside.mean() < 0.25
        parts, _count = ndimage.label(inside)
        assert np.bincount(parts.ravel())[1:].max() > 0.99 * inside.sum()
        for axis in range(2):
            assert not inside.take([0, -1], axis=axis).any()


def test_regions_are_nested(several):
    for brain in several:
        inside = brain.images["flair"] > 0
        core = np.isin(brain.labels, [1, 4])
        necrosis = brain.labels == 1
        assert necrosis.any()
        grown = ndimage.binary_dilation(necrosis)
        assert core[grown].all(), "the border surrounds the necrosis on all sides"
        shell = ndimage.binary_dilation(core) & inside
        assert (brain.labels[shell] > 0).all(), "oedema surrounds the border wherever there is brain"
        assert (brain.labels == 2).sum() > 0.2 * core.sum()


def test_each_sequence_shows_what_it_should(several):
    for brain in several:
        necrosis, oedema, ring = (brain.labels == value for value in (1, 2, 4))
        rest = (brain.images["flair"] > 0) & (brain.labels == 0)
        mean = {name: {"n": im[necrosis].mean(), "o": im[oedema].mean(), "r": im[ring].mean(), "x": im[rest].mean()}
                for name, im in brain.images.items()}  # fmt: skip
        assert mean["flair"]["o"] > 1.2 * mean["flair"]["x"]
        assert mean["t1ce"]["r"] > 1.2 * mean["t1ce"]["o"]
        assert mean["t1ce"]["r"] > 1.5 * mean["t1ce"]["n"]
        assert mean["t2"]["n"] > mean["t2"]["x"]
        enhancement = mean["t1ce"]["r"] / mean["t1ce"]["x"]
        assert enhancement > 1.2 * mean["t1"]["r"] / mean["t1"]["x"]


@pytest.mark.parametrize("wrong", [{"n": -1}, {"seed": -1}, {"size": 16}])
@pytest.mark.parametrize("make", [brains, hippocampi])
def test_numbers_out_of_range_are_refused(make, wrong):
    with pytest.raises(ValueError, match="too small"):
        list(make(**{"n": 1, "seed": 0, "size": 64, **wrong}))


def test_hippocampi_are_small_and_have_two_parts_one_behind_the_other(small):
    assert len({case.image.shape for case in small}) > 3
    for case in small:
        assert all(abs(got - usual) <= 5 for got, usual in zip(case.image.shape, (35, 50, 36), strict=True))
        assert set(np.unique(case.labels)) == {0, 1, 2}
        front, back = (np.argwhere(case.labels == value) for value in (1, 2))
        assert front[:, 1].mean() > back[:, 1].mean() + 8
        volume = (case.labels > 0).sum() * case.spacing_mm**3
        assert 1500 < volume < 6000  # mm³; adults have 2 to 4 cm³
        parts, _count = ndimage.label(case.labels > 0, np.ones((3, 3, 3)))
        assert np.bincount(parts.ravel())[1:].max() > 0.97 * (case.labels > 0).sum()


def test_hippocampi_differ_from_white_matter_and_in_scale(small):
    tops = [float(np.percentile(case.image, 99)) for case in small]
    assert max(tops) / min(tops) > 30
    for case in small:
        inside = case.image[case.labels > 0].mean()
        assert inside < 0.95 * np.percentile(case.image, 75)


def test_hippocampi_of_a_seed_are_always_the_same():
    first, again = next(hippocampi(1, 5)), next(hippocampi(2, 5))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.labels, again.labels)
