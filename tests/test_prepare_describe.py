"""Descriptors: against values worked out another way, what leaves them the same, any image, and the cache."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.feature import local_binary_pattern

from laudo.core.recipe import Prepare
from laudo.prepare import describe
from laudo.prepare import descriptor_colour as colour
from laudo.prepare import descriptor_intensity as intensity
from laudo.prepare import descriptor_lesion as lesion
from laudo.prepare import descriptor_shape as shape
from laudo.prepare import descriptor_texture as texture
from laudo.prepare.describe import describe_array, descriptor_names
from laudo.prepare.descriptor_patterns import uniform_patterns

ALL = ("texture", "intensity", "colour", "shape", "lesion")
SMALL = Prepare(height=32, width=48)


def noise(height=48, width=64, seed=0):
    """Smooth noise with every grey level."""
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(height, width)), 1.5)
    return np.round((field - field.min()) / np.ptp(field) * 255).astype(np.uint8)


def ellipse(rows, columns, height=200, width=240):
    """A mask in the middle with these half axes."""
    row, column = np.mgrid[:height, :width]
    return ((row - height / 2) ** 2 / rows**2 + (column - width / 2) ** 2 / columns**2 <= 1).astype(np.uint8)


def named(module, values):
    return dict(zip(module.names(), values, strict=True))


def test_cooccurrence_is_what_counting_every_pair_gives():
    grey = noise(20, 23)
    level = grey.astype(int) // texture.STEP
    found = named(texture, texture.measure(grey))
    for distance in texture.DISTANCES_PX:
        contrast, homogeneity, entropy = [], [], []
        for angle in texture.ANGLES_DEGREES:
            down = round(distance * np.sin(np.radians(angle)))
            right = round(distance * np.cos(np.radians(angle)))
            pairs = [
                (level[row, column], level[row + down, column + right])
                for row in range(20)
                for column in range(23)
                if 0 <= row + down < 20 and 0 <= column + right < 23
            ]
            one, other = np.array(pairs).T
            contrast.append(((one - other) ** 2).mean() * texture.STEP**2)
            homogeneity.append((1 / (1 + (one - other) ** 2)).mean())
            _kinds, counts = np.unique(one * 32 + other, return_counts=True)
            shares = counts / len(pairs)
            entropy.append(-(shares * np.log(shares)).sum())
        for name, values in (("contrast", contrast), ("homogeneity", homogeneity), ("entropy", entropy)):
            assert found[f"cooccurrence_mean_{name}_{distance}px"] == pytest.approx(np.mean(values), rel=1e-6)
            assert found[f"cooccurrence_range_{name}_{distance}px"] == pytest.approx(np.ptp(values), rel=1e-6, abs=1e-9)


def test_a_local_binary_pattern_worked_by_hand():
    # Around 5, from the right and against the clock at radius 1: right 9, then the corner between 5, 9, 1 and 2 and so on. The
    # upper row is dark and the lower one bright, so that right, left and the lower three are at least as bright: five, together.
    image = np.array([[0, 0, 0], [9, 5, 9], [9, 9, 9]], dtype=np.uint8)
    found = uniform_patterns(image, 1)
    assert found.tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    # Right, left, up and down bright, corners dark: eight changes around the circle, so it is not uniform.
    image = np.array([[0, 6, 0], [6, 5, 6], [0, 6, 0]], dtype=np.uint8)
    assert uniform_patterns(image, 1).tolist() == [0] * 9 + [1]
    assert uniform_patterns(np.full((9, 9), 7, dtype=np.uint8), 2).tolist() == [0] * 8 + [1, 0]


def test_local_binary_patterns_agree_with_scikit_image_but_for_rounded_ties():
    grey = noise(60, 70)
    for radius in texture.RADII_PX:
        peer = local_binary_pattern(grey, 8, radius, method="uniform")[radius:-radius, radius:-radius]
        expected = np.bincount(peer.astype(int).ravel(), minlength=10) / peer.size
        np.testing.assert_allclose(uniform_patterns(grey, radius), expected, atol=0.02)


def test_the_energy_of_all_wavelet_bands_is_that_of_the_image():
    grey = noise(64, 96)
    energies = texture.wavelet_energy(grey)
    assert energies.sum() == pytest.approx(np.square(grey.astype(float)).sum(), rel=1e-9)
    flat = texture.wavelet_energy(np.full((32, 32), 50, dtype=np.uint8))
    assert flat[:-1].sum() == pytest.approx(0, abs=1e-6)
    stripes = np.tile(
        np.array([[0], [200]], dtype=np.uint8), (16, 32)
    )  # every second row: the finest level, one direction
    bands = texture.wavelet_energy(stripes)[:3]
    assert bands.max() > 0.99 * bands.sum() > 0


def test_grey_levels_are_what_numpy_says():
    grey = noise()
    found = named(intensity, intensity.measure(grey))
    values = grey.ravel().astype(float)
    away = (values - values.mean()) / values.std()
    assert found["grey_mean"] == pytest.approx(values.mean())
    assert found["grey_deviation"] == pytest.approx(values.std())
    assert found["grey_skewness"] == pytest.approx((away**3).mean())
    assert found["grey_kurtosis"] == pytest.approx((away**4).mean() - 3)
    for percent in intensity.PERCENTILES:
        assert found[f"grey_percentile_{percent}"] == np.percentile(values, percent, method="inverted_cdf")
    assert sum(found[f"histogram_{index}"] for index in range(32)) == pytest.approx(1)
    assert found["bright_mean"] == pytest.approx(values[values >= 8].mean())
    assert found["dark_share"] == pytest.approx((values < 8).mean())


def test_colours():
    red = np.zeros((16, 16, 3), dtype=np.uint8)
    red[..., 0] = 200
    found = named(colour, colour.measure(red))
    assert (found["red_mean"], found["green_mean"], found["value_mean"], found["saturation_mean"]) == (200, 0, 200, 255)
    assert (found["hue_0"], found["saturation_3"]) == (1, 1)
    assert found["colourfulness"] == pytest.approx(0.3 * np.hypot(200, 100))
    grey = noise(16, 16)
    np.testing.assert_allclose(colour.measure(grey[..., None]), colour.measure(np.repeat(grey[..., None], 3, axis=2)))
    assert named(colour, colour.measure(grey[..., None]))["colourfulness"] == 0


def test_shape_of_a_disc_a_rectangle_and_an_ellipse():
    disc = named(shape, shape.measure(ellipse(60, 60)))
    assert disc["area_share"] == pytest.approx(np.pi * 60**2 / (200 * 240), rel=0.01)
    assert disc["compactness"] == pytest.approx(1, abs=0.12)
    assert disc["eccentricity"] < 0.1
    assert disc["extent"] == pytest.approx(np.pi / 4, abs=0.02)
    assert disc["solidity"] == pytest.approx(1, abs=0.02)
    assert disc["radius_deviation"] < 0.02
    assert disc["hu_1"] == pytest.approx(np.log10(1 / (2 * np.pi)), abs=0.01)

    mask = np.zeros((100, 200), dtype=np.uint8)
    mask[10:70, 50:80] = 1
    box = named(shape, shape.measure(mask))
    assert (box["height_to_width"], box["taller_than_wide"], box["extent"], box["solidity"]) == (2, 1, 1, 1)
    assert box["axis_ratio"] == pytest.approx(0.5, abs=0.01)
    assert (box["centre_row"], box["centre_column"]) == pytest.approx((0.4, 0.325))
    assert box["hu_1"] == pytest.approx(np.log10((60**2 + 30**2) / 12 / (60 * 30)), abs=0.001)

    flat = named(shape, shape.measure(ellipse(30, 90)))
    assert flat["taller_than_wide"] == 0
    assert flat["eccentricity"] == pytest.approx(np.sqrt(1 - (1 / 3) ** 2), abs=0.01)
    assert flat["orientation_cos"] == pytest.approx(-1, abs=0.01)  # lies flat, upright is 1
    assert flat["lobes"] == 2


def test_parts_holes_and_a_ragged_boundary():
    two = np.zeros((60, 60), dtype=np.uint8)
    two[5:25, 5:25] = two[40:50, 40:50] = 1
    found = named(shape, shape.measure(two))
    assert (found["parts"], found["largest_part_share"]) == (2, 0.8)
    ring = ellipse(60, 60) - ellipse(30, 30)
    assert named(shape, shape.measure(ring))["hole_share"] == pytest.approx(0.25, abs=0.01)
    row, column = np.mgrid[:200, :240]
    angle = np.arctan2(row - 100, column - 120)
    star = (np.hypot(row - 100, column - 120) < 60 + 12 * np.cos(7 * angle)).astype(np.uint8)
    found, disc = named(shape, shape.measure(star)), named(shape, shape.measure(ellipse(60, 60)))
    assert found["lobes"] == 7
    for name in ("radius_roughness", "radius_deviation"):
        assert found[name] > 3 * disc[name]
    for name in ("solidity", "convexity", "compactness"):
        assert found[name] < 0.95 * disc[name]


def test_a_dark_lesion_with_a_shadow():
    grey = np.full((120, 120), 100, dtype=np.uint8)
    mask = np.zeros_like(grey)
    mask[30:50, 40:70] = 1
    grey[mask == 1] = 40
    grey[50:70, 40:70] = 60
    found = named(lesion, lesion.measure(grey, mask))
    assert (found["inside_mean"], found["below_mean"]) == (40, 60)
    assert (found["below_minus_beside"], found["below_minus_inside"], found["above_minus_below"]) == (-40, 20, 40)
    assert found["inside_minus_ring"] < -40
    assert found["margin_gradient_mean"] > 5 * found["inside_gradient_mean"] > 0
    blurred = named(lesion, lesion.measure(ndimage.gaussian_filter(grey, 4), mask))
    assert blurred["margin_gradient_mean"] < 0.7 * found["margin_gradient_mean"]
    whole = named(lesion, lesion.measure(grey, np.ones_like(mask)))
    assert (whole["inside_minus_ring"], whole["below_minus_inside"], whole["margin_step"]) == (0, 0, 0)


def test_a_mirrored_image_has_the_same_texture_and_shape():
    grey, mask = noise(64, 64), np.zeros((64, 64), dtype=np.uint8)
    mask[10:30, 5:40] = mask[30:44, 20:30] = 1
    for flip in (np.fliplr, np.flipud):
        one, other = (named(texture, texture.measure(np.ascontiguousarray(image))) for image in (grey, flip(grey)))
        for name, value in one.items():
            if not name.startswith("wavelet"):  # the wavelet itself is not symmetric
                assert other[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name
        one, other = (named(shape, shape.measure(image)) for image in (mask, flip(mask)))
        for name, value in one.items():
            if not name.startswith(("centre", "orientation_sin", "lobes", "radius_entropy")):
                assert other[name] == pytest.approx(value, rel=0.05, abs=0.01), name


@settings(max_examples=60)
@given(st.data())
def test_every_value_is_finite_for_any_image_and_any_mask(data):
    height, width = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    kind = data.draw(st.sampled_from(["noise", "constant", "one pixel", "colour", "int16", "float32"]))
    array = rng.integers(0, 256, (height, width)).astype(np.uint8)
    if kind == "constant":
        array[:] = data.draw(st.sampled_from([0, 128, 255]))
    elif kind == "one pixel":
        array[:] = 0
        array[rng.integers(height), rng.integers(width)] = 255
    elif kind == "colour":
        array = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    elif kind in {"int16", "float32"}:
        array = ((array.astype(np.float32) - 128) * 100).astype(kind)
    mask = (rng.random((height, width)) < data.draw(st.sampled_from([0.0, 0.02, 0.5, 1.0]))).astype(np.uint8)
    if data.draw(st.booleans()):
        mask[:] = 0
        mask[rng.integers(height), rng.integers(width)] = 1
    values = describe_array(array, SMALL, ALL, data.draw(st.sampled_from([mask, None])))
    assert values.shape == (len(descriptor_names(ALL)),)
    assert values.dtype == np.float32
    assert np.isfinite(values).all()


def test_names_are_unique_and_follow_the_groups():
    names = descriptor_names(ALL)
    assert len(set(names)) == len(names)
    assert descriptor_names(("shape", "texture")) == descriptor_names(("shape",)) + descriptor_names(("texture",))
    grey = noise()
    together = describe_array(grey, SMALL, ("intensity", "texture"))
    np.testing.assert_array_equal(
        together[: len(descriptor_names(("intensity",)))], describe_array(grey, SMALL, ("intensity",))
    )


def test_what_is_kept_under_this_version_has_these_values():
    """When this fails on purpose, raise describe.VERSION."""
    assert describe.VERSION == 1
    row, column = np.mgrid[:48, :64]
    grey = ((row * 5 + column * 3 + (row * column) % 17) % 256).astype(np.uint8)
    mask = ((row - 20) ** 2 + (column - 30) ** 2 < 100).astype(np.uint8)
    values = describe_array(grey, Prepare(height=48, width=64), ALL, mask)
    found = dict(zip(descriptor_names(ALL), values.tolist(), strict=True))
    assert found["intensity_grey_mean"] == pytest.approx(grey.mean(), rel=1e-6)
    assert found["shape_area_share"] == pytest.approx(mask.mean(), rel=1e-6)
    assert found["lesion_inside_mean"] == pytest.approx(grey[mask == 1].mean(), rel=1e-6)
    assert all(
        low < high for low, high in pairwise([found[f"intensity_grey_percentile_{p}"] for p in (5, 25, 50, 75, 95)])
    )
