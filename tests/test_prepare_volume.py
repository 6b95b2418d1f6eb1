"""Volumes: crop, resampling, size, grey levels, masks on the same grid, and the way back to the file's own grid."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laudo.core.errors import RecipeError, UnreadableImageError
from laudo.core.recipe import Prepare, PrepareVolume
from laudo.core.recipe_file import dump_recipe, parse_recipe
from laudo.prepare.crop import background, brain_box
from laudo.prepare.resample import new_shape, resample_labels, resize_around_middle
from laudo.prepare.volume import Channels, prepare_channels, prepare_volume, volume_key

WHERE = Path("x.nii")


def ball(shape=(30, 34, 26), centre=(13, 20, 12), radius=8.0) -> np.ndarray:
    axes = np.meshgrid(*[np.arange(side) for side in shape], indexing="ij")
    return sum((axis - middle) ** 2 for axis, middle in zip(axes, centre, strict=True)) < radius**2


def sample(channels: int = 2, spacing=(1.0, 1.0, 1.0), outside: float = 0.0, seed: int = 0) -> Channels:
    rng = np.random.default_rng(seed)
    inside = ball()
    arrays = [np.where(inside, rng.normal(100, 15, inside.shape), outside).astype(np.float32) for _ in range(channels)]
    mask = (ball(radius=3.0, centre=(12, 21, 12)) * 2).astype(np.uint8)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = (-20, 5, 40)
    return Channels(arrays, mask, affine, spacing)


# grey levels -------------------------------------------------------------------------------------------------


def test_zscore_is_measured_inside_the_brain_and_leaves_the_background_black():
    made = prepare_channels(sample(), PrepareVolume(), WHERE)
    assert made.image.shape == (2, 30, 34, 26)
    for channel in made.image:
        assert channel[ball()].mean() == pytest.approx(0, abs=1e-4)
        assert channel[ball()].std() == pytest.approx(1, abs=1e-4)
        assert not channel[~ball()].any()


@pytest.mark.parametrize("outside", [0.0, -1024.0])
@pytest.mark.parametrize(
    ("options", "low", "high"),
    [
        ({"intensity": "window", "window": (100, 60)}, 70, 130),
        ({"intensity": "range", "limits": ((90, 120),)}, 90, 120),
        ({"intensity": "fitted", "limits": ((90, 120), (90, 120))}, 90, 120),
    ],
)
def test_named_limits_become_black_and_white(options, low, high, outside):
    given = sample(outside=outside)
    made = prepare_channels(given, PrepareVolume(**options), WHERE)
    expected = np.where(ball(), np.clip((given.arrays[1] - low) / (high - low), 0, 1), 0)
    assert np.allclose(made.image[1], expected, atol=1e-6)


def test_percentiles_are_those_of_the_brain():
    given = sample(1)
    made = prepare_channels(given, PrepareVolume(intensity="percentile", percentiles=(10, 90)), WHERE)
    inside = made.image[0][ball()]
    assert (inside == 0).mean() == pytest.approx(0.1, abs=0.01)
    assert (inside == 1).mean() == pytest.approx(0.1, abs=0.01)


def test_a_volume_without_background_is_measured_whole():
    tissue = np.random.default_rng(0).normal(500, 90, (20, 22, 18)).astype(np.float32)
    assert background(tissue) is None
    made = prepare_channels(Channels([tissue], None, np.eye(4), (1, 1, 1)), PrepareVolume(), WHERE)
    assert made.image.mean() == pytest.approx(0, abs=1e-4)
    assert made.image.std() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("value", [0, 7, -1000])
def test_a_volume_of_one_value_is_no_division_by_zero(value):
    flat = Channels([np.full((8, 9, 10), value, np.int16)], None, np.eye(4), (1, 1, 1))
    for intensity in ("zscore", "percentile", "none"):
        made = prepare_channels(flat, PrepareVolume(intensity=intensity, crop="brain"), WHERE)
        assert np.isfinite(made.image).all()
        assert made.image.shape == (1, 8, 9, 10)


def test_half_precision_rounds_by_what_is_said():
    full = prepare_channels(sample(), PrepareVolume(), WHERE).image
    half = prepare_channels(sample(), PrepareVolume(dtype="float16"), WHERE).image
    assert half.dtype == np.float16
    assert (np.abs(half.astype(np.float64) - full) <= np.abs(full) / 2048 + 6e-8).all()
    assert (half != full).any()


# crop and size -----------------------------------------------------------------------------------------------


def test_the_brain_is_cut_out_with_its_margin_in_millimetres():
    given = sample(spacing=(1.0, 2.0, 0.5))
    rows = [np.flatnonzero(ball().any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    tight = [len(found) for found in rows]
    made = prepare_channels(given, PrepareVolume(crop="brain"), WHERE)
    assert list(made.image.shape[1:]) == tight
    wide = prepare_channels(given, PrepareVolume(crop="brain", margin_mm=2.0), WHERE)
    assert list(wide.image.shape[1:]) == [tight[0] + 4, tight[1] + 2, tight[2] + 8]
    assert np.array_equal(wide.image[:, 2:-2, 1:-1, 4:-4], made.image)


def test_noise_around_a_head_is_cut_away_too():
    rng = np.random.default_rng(0)
    head = ball((60, 64, 58), (28, 33, 30), 19)
    noisy = np.where(head, rng.normal(300, 30, head.shape), np.abs(rng.normal(0, 9, head.shape))).astype(np.float32)
    found = brain_box([noisy], [background(noisy)])
    for one, middle in zip(found, (28, 33, 30), strict=True):
        assert abs(one.start - (middle - 18)) <= 3
        assert abs(one.stop - (middle + 19)) <= 3


def test_the_lesion_is_cut_out_or_its_absence_is_said():
    made = prepare_channels(sample(), PrepareVolume(crop="lesion"), WHERE)
    assert made.image.shape[1:] == (5, 5, 5)
    assert made.mask is not None
    assert (made.mask == 2).sum() == (sample().mask == 2).sum()
    without = Channels(sample().arrays, None, np.eye(4), (1, 1, 1))
    with pytest.raises(UnreadableImageError, match="lesion") as caught:
        prepare_channels(without, PrepareVolume(crop="lesion"), WHERE)
    assert "without_mask" in caught.value.cure
    whole = prepare_channels(without, PrepareVolume(crop="lesion", without_mask="whole"), WHERE)
    assert whole.image.shape[1:] == (30, 34, 26)


@given(st.integers(1, 9), st.integers(1, 9))
def test_padding_and_cutting_keep_the_middle(side, wanted):
    volume = np.arange(1.0, side + 1)[:, None, None] * np.ones((1, 2, 3))
    out, shift = resize_around_middle(volume, (wanted, 2, 3), -1.0)
    assert out.shape == (wanted, 2, 3)
    for place in range(wanted):
        came_from = place - shift[0]
        assert out[place, 0, 0] == (came_from + 1 if 0 <= came_from < side else -1)
    assert abs((wanted - 1) / 2 - shift[0] - (side - 1) / 2) <= 1


def test_unchanged_levels_are_padded_with_their_background():
    made = prepare_channels(sample(1, outside=-1024), PrepareVolume(intensity="none", size_voxels=(40, 40, 40)), WHERE)
    assert made.image[0, 0, 0, 0] == -1024
    assert made.mask is not None
    assert made.mask[0, 0, 0] == 0


# resampling --------------------------------------------------------------------------------------------------


def test_a_straight_slope_stays_one_and_the_first_voxel_stays_where_it_is():
    x, y, z = np.meshgrid(np.arange(12), np.arange(15), np.arange(9), indexing="ij")
    slope = (10 + 2 * x + 3 * y - z).astype(np.float32)
    given = Channels([slope], None, np.diag([1.0, 2.0, 3.0, 1.0]), (1.0, 2.0, 3.0))
    for how, edge in (("linear", 0), ("cubic", 3)):
        volume = PrepareVolume(spacing_mm=(0.5, 1.0, 2.0), intensity="none", resample=how)
        made = prepare_channels(given, volume, WHERE)
        assert made.image.shape == (1, 23, 29, 13)
        i, j, k = np.meshgrid(*[np.arange(side) for side in (23, 29, 13)], indexing="ij")
        expected = 10 + 2 * (i * 0.5) + 3 * (j * 0.5) - k * 2 / 3
        inner = (slice(edge, 23 - edge), slice(edge, 29 - edge), slice(edge, 13 - edge))
        assert np.abs(made.image[0] - expected)[inner].max() < (1e-4 if how == "linear" else 0.15)
        assert np.allclose(made.geometry.affine, np.diag([0.5, 1.0, 2.0, 1.0]))


def test_a_spacing_that_is_right_already_touches_nothing():
    made = prepare_channels(sample(), PrepareVolume(spacing_mm=(1.00001, 1, 1), intensity="none"), WHERE)
    assert np.array_equal(made.image, np.stack(sample().arrays))


@pytest.mark.parametrize("linear", [True, False])
def test_resampled_labels_are_labels_and_keep_their_volume(linear):
    labels = np.where(ball(), 4, 0).astype(np.int16)
    labels[ball(radius=4.0)] = 1
    out = resample_labels(labels, (0.5, 0.5, 0.5), new_shape(labels.shape, (1, 1, 1), (0.5, 0.5, 0.5)), linear)
    assert out.dtype == np.int16
    assert set(np.unique(out)) == {0, 1, 4}
    for label in (1, 4):
        assert (out == label).sum() / 8 == pytest.approx((labels == label).sum(), rel=0.15)


@settings(max_examples=25)
@given(st.tuples(*[st.floats(0.5, 2.5)] * 3), st.one_of(st.none(), st.tuples(*[st.integers(3, 20)] * 3)))
def test_every_prepared_voxel_knows_its_place(spacing, size):
    """An image of its own coordinates: what a voxel holds is where its affine says it is."""
    shape, own = (10, 8, 9), (1.0, 1.5, 0.8)
    affine = np.diag([*own, 1.0])
    affine[:3, 3] = (980, 1005, 1040)
    indices = np.meshgrid(*[np.arange(side) for side in shape], indexing="ij")
    places = [(indices[axis] * own[axis] + affine[axis, 3]).astype(np.float32) for axis in range(3)]
    volume = PrepareVolume(spacing_mm=spacing, size_voxels=size, intensity="none")
    made = prepare_channels(Channels(places, None, affine, own), volume, WHERE)
    assert made.image.shape[1:] == made.geometry.shape == (size or made.geometry.shape)
    index = np.stack(np.meshgrid(*[np.arange(side) for side in made.geometry.shape], indexing="ij"), axis=-1)
    came_from = (index - np.array(made.geometry.shift)) / np.array(made.geometry.scale)
    inside = ((came_from >= -1e-6) & (came_from <= np.array(shape) - 1 + 1e-6)).all(axis=-1)
    assert inside.any()
    world = index @ made.geometry.affine[:3, :3].T + made.geometry.affine[:3, 3]
    assert np.abs(np.moveaxis(made.image, 0, -1) - world)[inside].max() < 1e-2


@pytest.mark.parametrize("crop", ["none", "brain", "lesion"])
@pytest.mark.parametrize("size", [None, (40, 20, 30)])
def test_the_way_back_puts_a_mask_where_it_was(crop, size):
    given = sample(spacing=(1.0, 1.2, 0.9))
    volume = PrepareVolume(crop=crop, spacing_mm=(0.7, 0.7, 0.7), size_voxels=size, margin_mm=2)
    made = prepare_channels(given, volume, WHERE)
    assert made.mask is not None
    back = made.geometry.to_input(made.mask)
    assert back.shape == given.mask.shape
    if size is None:
        overlap = 2 * ((back == 2) & (given.mask == 2)).sum() / ((back == 2).sum() + (given.mask == 2).sum())
        assert overlap > 0.9
    ones = made.geometry.to_input(np.ones(made.geometry.shape, np.float32), linear=True)
    assert ones.max() == pytest.approx(1.0)
    with pytest.raises(ValueError, match="shape"):
        made.geometry.to_input(np.zeros((2, 2, 2)))


# files -------------------------------------------------------------------------------------------------------


def save(path: Path, array: np.ndarray, affine: np.ndarray) -> Path:
    nibabel.save(nibabel.Nifti1Image(array, affine), path)
    return path


def test_files_in_any_orientation_become_one_ras_volume(tmp_path):
    given = sample()
    flipped = np.diag([-1.0, 1.0, 1.0, 1.0]) @ np.eye(4)
    flipped[:3, 3] = given.affine[:3, 3] + [29, 0, 0]
    plain = [save(tmp_path / f"{n}.nii.gz", array, given.affine) for n, array in enumerate(given.arrays)]
    turned = save(tmp_path / "turned.nii", np.ascontiguousarray(given.arrays[1][::-1]), flipped)
    mask = save(tmp_path / "mask.nii.gz", given.mask, given.affine)
    expected = prepare_channels(given, PrepareVolume(), WHERE)
    for paths in (plain, [plain[0], turned]):
        made = prepare_volume(paths, [mask], PrepareVolume())
        assert np.allclose(made.image, expected.image, atol=1e-5)
        assert np.array_equal(made.mask, expected.mask)
        assert np.allclose(made.geometry.affine, expected.geometry.affine)


def test_channels_that_do_not_fit_together_are_refused(tmp_path):
    given = sample()
    first = save(tmp_path / "a.nii", given.arrays[0], given.affine)
    moved = given.affine.copy()
    moved[0, 3] += 3
    for other in (
        save(tmp_path / "b.nii", given.arrays[0][:-1], given.affine),
        save(tmp_path / "c.nii", given.arrays[0], moved),
    ):
        with pytest.raises(UnreadableImageError, match="volumes of one sample") as caught:
            prepare_volume([first, other], [], PrepareVolume())
        assert caught.value.file == str(other)
    small = save(tmp_path / "m.nii", given.mask[:, :-2], given.affine)
    with pytest.raises(UnreadableImageError, match="volumes of one sample"):
        prepare_volume([first], [small], PrepareVolume())


# settings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"height": 64, "volume": {}}, "height"),
        ({"crop": "content", "volume": {}}, "crop"),
        ({"volume": {"intensity": "range"}}, "limits"),
        ({"volume": {"window": [40, 80]}}, "window"),
        ({"volume": {"intensity": "window", "window": [40, 0]}}, "window"),
        ({"volume": {"intensity": "none", "dtype": "float16"}}, "float16"),
        ({"volume": {"spacing_mm": [1, 0, 1]}}, "spacing"),
        ({"volume": {"size_voxels": [0, 4, 4]}}, "size_voxels"),
        ({"volume": {"percentiles": [60, 40]}}, "percentiles"),
        ({"intensity": "range", "limits": [9, 9]}, "limits"),
        ({"limits": [1, 2]}, "limits"),
        ({"volume": {"spacing": [1, 1, 1]}}, "spacing_mm"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(values, says):
    import yaml

    text = yaml.safe_dump(
        {"name": "x", "data": {"source": "msd"}, "network": {"backbone": "small_cnn"}, "prepare": values}
    )
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, Path("x.yaml"))
    assert says in "".join(caught.value.details)


def test_a_recipe_with_volumes_is_written_and_read_again():
    text = "name: x\ndata: {source: msd}\nnetwork: {backbone: small_cnn}\nprepare: {volume: {spacing_mm: median}}"
    recipe = parse_recipe(text, Path("x.yaml"))
    assert recipe.prepare.needs_fitting
    assert parse_recipe(dump_recipe(recipe), Path("y.yaml")) == recipe


OTHER = {
    "spacing_mm": (1.0, 1.0, 1.0),
    "resample": "cubic",
    "resample_mask": "linear",
    "crop": "brain",
    "margin_mm": 1.0,
    "without_mask": "whole",
    "size_voxels": (8, 8, 8),
    "intensity": "percentile",
    "percentiles": (2.0, 98.0),
    "window": None,
    "limits": None,
    "dtype": "float16",
}


def test_every_setting_changes_the_key():
    assert set(OTHER) == set(PrepareVolume.model_fields)
    changes = [{name: value} for name, value in OTHER.items() if value is not None]
    changes += [{"intensity": "window", "window": (1, 2)}, {"intensity": "window", "window": (1, 3)}]
    changes += [{"intensity": "range", "limits": ((1, 2),)}, {"intensity": "range", "limits": ((1, 3),)}]
    keys = {volume_key(PrepareVolume()), *[volume_key(PrepareVolume(**change)) for change in changes]}
    assert len(keys) == 1 + len(changes)
    for unfitted in (PrepareVolume(spacing_mm="median"), PrepareVolume(intensity="fitted")):
        assert Prepare(volume=unfitted).needs_fitting
        with pytest.raises(ValueError, match="not fitted"):
            volume_key(unfitted)
