"""Random changes of a batch: drawn the same for the same seed, applied as their numbers say."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from torchvision.transforms.v2.functional import adjust_saturation

from laudo.core.recipe import Augment
from laudo.prepare.augment import Changes, apply_changes, blur, draw_changes
from laudo.prepare.mixing import Mixing, draw_mixing, mix

EVERYTHING = Augment(
    horizontal_flip=0.5,
    vertical_flip=0.5,
    rotation_degrees=30,
    scale=0.2,
    translation=0.1,
    brightness=0.2,
    contrast=0.3,
    saturation=0.4,
    noise=0.1,
    blur_px=2.0,
    cutout=0.5,
)
LEVELS = {"brightness": 0.3, "contrast": 0.4, "saturation": 0.5, "noise": 0.2, "blur_px": 3.0, "cutout": 1.0}
MOVES = {"horizontal_flip": 1.0, "rotation_degrees": 40, "scale": 0.3, "translation": 0.1}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def identity(batch: int, **changed: float) -> Changes:
    values = {field.name: torch.zeros(batch) for field in dataclasses.fields(Changes)}
    values |= dict.fromkeys(("scale", "contrast", "saturation"), torch.ones(batch))
    values["noise_seed"] = torch.arange(batch)
    return Changes(**(values | {name: torch.full((batch,), value) for name, value in changed.items()}))


@pytest.fixture
def images() -> torch.Tensor:
    """(6, 3, 40, 40) whole numbers from 0 to 255, float32."""
    return torch.randint(0, 256, (6, 3, 40, 40), generator=generator(1)).float()


def test_nothing_asked_for_is_nothing_done(images):
    changes = draw_changes(6, Augment(), generator())
    assert torch.equal(apply_changes(images, changes), images)
    assert torch.equal(apply_changes(images, identity(6)), images)
    assert torch.equal(apply_changes(images.to(torch.uint8), identity(6)), images)


def test_what_came_in_is_not_changed(images):
    before = images.clone()
    apply_changes(images, draw_changes(6, EVERYTHING, generator()))
    assert torch.equal(images, before)


@pytest.mark.parametrize("flips", [("flip_horizontal",), ("flip_vertical",), ("flip_horizontal", "flip_vertical")])
def test_a_flip_twice_is_no_flip_and_once_moves_pixels_exactly(images, flips):
    changes = identity(6, **dict.fromkeys(flips, 1.0))
    once = apply_changes(images, changes)
    assert not torch.equal(once, images)
    dims = [{"flip_horizontal": 3, "flip_vertical": 2}[name] for name in flips]
    assert torch.equal(once, images.flip(dims))
    assert torch.equal(apply_changes(once, changes), images)


def test_only_the_chosen_images_are_flipped(images):
    changes = identity(6)
    changes.flip_horizontal[2] = 1
    out = apply_changes(images, changes)
    for index in range(6):
        assert torch.equal(out[index], images[index].flip(2) if index == 2 else images[index])


def test_the_same_generator_draws_the_same_and_another_seed_does_not():
    first, again, other = (draw_changes(20, EVERYTHING, generator(seed)) for seed in (3, 3, 4))
    for field in dataclasses.fields(Changes):
        assert torch.equal(getattr(first, field.name), getattr(again, field.name))
        assert not torch.equal(getattr(first, field.name), getattr(other, field.name))


def test_one_setting_does_not_move_the_draws_of_another():
    all_on = draw_changes(20, EVERYTHING, generator(5))
    for name, field in [
        ("rotation_degrees", "rotation_radians"),
        ("contrast", "contrast"),
        ("brightness", "brightness"),
        ("saturation", "saturation"),
        ("noise", "noise"),
        ("noise", "noise_seed"),
        ("blur_px", "blur_px"),
        ("cutout", "cutout"),
        ("cutout", "cutout_x"),
    ]:
        alone = draw_changes(20, Augment(**{name: getattr(EVERYTHING, name)}), generator(5))
        assert torch.equal(getattr(alone, field), getattr(all_on, field))


def test_draws_lie_within_the_settings_and_use_their_whole_range():
    drawn = draw_changes(4000, EVERYTHING, generator())
    ranges = {
        "rotation_radians": (-math.radians(30), math.radians(30)),
        "scale": (0.8, 1.2),
        "shift_x": (-0.1, 0.1),
        "shift_y": (-0.1, 0.1),
        "brightness": (-0.2, 0.2),
        "contrast": (0.7, 1.3),
        "saturation": (0.6, 1.4),
        "noise": (0.0, 0.1),
        "blur_px": (0.0, 2.0),
    }
    for name, (low, high) in ranges.items():
        values = getattr(drawn, name)
        assert low <= values.min() < low + 0.02 * (high - low), name
        assert high >= values.max() > high - 0.02 * (high - low), name
    for name in ("flip_horizontal", "flip_vertical"):
        assert set(getattr(drawn, name).tolist()) == {0.0, 1.0}
        assert getattr(drawn, name).mean().item() == pytest.approx(0.5, abs=0.05)
    assert draw_changes(50, Augment(horizontal_flip=1.0), generator()).flip_horizontal.all()


@pytest.mark.parametrize("quarter", [1, 2, 3, -1])
def test_quarter_turns_of_a_square_are_exact_inside(images, quarter):
    out = apply_changes(images, identity(6, rotation_radians=quarter * math.pi / 2))
    turned = torch.rot90(images, -quarter, dims=(2, 3))
    other = torch.rot90(images, quarter, dims=(2, 3))
    inside = (slice(None), slice(None), slice(2, -2), slice(2, -2))
    matches = [bool((out[inside] - reference[inside]).abs().max() < 0.05) for reference in (turned, other)]
    assert any(matches)
    # The direction is one and the same for every angle.
    assert matches == [quarter % 2 == 0, True]


def test_a_rotation_keeps_angles_on_images_that_are_not_square():
    image = torch.zeros(1, 1, 40, 80)
    image[..., 18:22, 20:60] = 255  # a bar, 40 long and 4 wide
    out = apply_changes(image, identity(1, rotation_radians=math.pi / 2))
    upright = (out[0, 0] > 127).nonzero()
    size = upright.max(0).values - upright.min(0).values + 1
    assert size.tolist() == [40, 4]


@pytest.mark.parametrize("shape", [(40, 40), (30, 60)])
def test_a_shift_is_a_share_of_the_side_and_lets_black_in(shape):
    image = torch.full((1, 1, *shape), 100.0)
    image[..., 5, 5] = 200
    out = apply_changes(image, identity(1, shift_x=0.1, shift_y=0.2))[0, 0]
    right, down = round(0.1 * shape[1]), round(0.2 * shape[0])
    assert out[5 + down, 5 + right].item() == pytest.approx(200, abs=0.1)
    assert out[: down - 1].abs().max() < 1e-3
    assert out[:, : right - 1].abs().max() < 1e-3
    assert out[down + 1 :, right + 1 :].min().item() == pytest.approx(100, abs=0.1)


def test_scale_makes_things_larger():
    image = torch.zeros(1, 1, 60, 60)
    image[..., 20:40, 20:40] = 255
    assert (apply_changes(image, identity(1, scale=1.5)) > 127).sum().item() == pytest.approx(900, rel=0.1)
    assert (apply_changes(image, identity(1, scale=0.5)) > 127).sum().item() == pytest.approx(100, rel=0.2)


def test_brightness_is_added_and_contrast_turns_about_the_mean():
    image = torch.full((1, 1, 20, 20), 100.0)
    image[..., :10] = 120
    bright = apply_changes(image, identity(1, brightness=0.1))
    assert torch.allclose(bright, image + 25.5)
    strong = apply_changes(image, identity(1, contrast=1.5))
    assert torch.allclose(strong, (image - 110) * 1.5 + 110)
    assert strong.mean().item() == pytest.approx(110)


@settings(max_examples=30)
@given(
    seed=st.integers(0, 10_000),
    height=st.integers(8, 30),
    width=st.integers(8, 30),
    channels=st.sampled_from([1, 3]),
    dtype=st.sampled_from([torch.uint8, torch.float32]),
)
def test_whatever_is_drawn_shape_range_and_type_hold(seed, height, width, channels, dtype):
    strong = Augment(**(LEVELS | MOVES | {"translation": 1, "brightness": 1, "contrast": 1, "vertical_flip": 0.5}))
    batch = torch.randint(0, 256, (4, channels, height, width), generator=generator(seed)).to(dtype)
    out = apply_changes(batch, draw_changes(4, strong, generator(seed)))
    assert out.shape == batch.shape
    assert out.dtype == torch.float32
    assert out.isfinite().all()
    assert out.min() >= 0
    assert out.max() <= 255


def test_each_image_gets_its_own_changes(images):
    same = images[:1].repeat(6, 1, 1, 1)
    out = apply_changes(same, draw_changes(6, EVERYTHING, generator()))
    assert all(not torch.equal(out[0], out[index]) for index in range(1, 6))


def test_an_image_does_not_depend_on_its_neighbours_in_the_batch(images):
    changes = draw_changes(6, EVERYTHING, generator())
    together = apply_changes(images, changes)
    one = Changes(**{field.name: getattr(changes, field.name)[3:4] for field in dataclasses.fields(Changes)})
    assert torch.allclose(apply_changes(images[3:4], one)[0], together[3], atol=1e-3)


@pytest.mark.parametrize("planes", [(), ("image", "mask", "whole")])
def test_a_training_in_half_precision_has_no_say_in_places_and_levels(images, planes):
    changes = draw_changes(6, EVERYTHING, generator())
    alone = apply_changes(images, changes, planes)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        within = apply_changes(images, changes, planes)
    assert torch.equal(alone, within)


# levels -----------------------------------------------------------------------------------------------------------------


def test_the_blur_is_scipys(images):
    sigmas = torch.tensor([0.0, 0.1, 0.5, 1.3, 4.0, 16.0])
    out = blur(images, sigmas)
    for image, blurred, sigma in zip(images, out, sigmas.tolist(), strict=True):
        wanted = gaussian_filter(image.double().numpy(), (0, sigma, sigma), mode="nearest")
        np.testing.assert_allclose(blurred.numpy(), wanted, atol=2e-3)
    assert torch.equal(out[0], images[0])


def test_noise_has_the_drawn_deviation_and_is_that_of_its_own_seed():
    grey = torch.full((3, 1, 200, 200), 128.0)
    changes = identity(3, noise=0.05)
    changes.noise[1] = 0.1
    changes.noise_seed[2] = changes.noise_seed[0]
    out = apply_changes(grey, changes)
    assert out[0].std().item() == pytest.approx(0.05 * 255, rel=0.02)
    assert out[1].std().item() == pytest.approx(0.10 * 255, rel=0.02)
    assert out.mean().item() == pytest.approx(128, abs=0.3)
    assert torch.equal(out[0], out[2])
    assert not torch.equal(out[0] - 128, (out[1] - 128) / 2)


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 1.6])
def test_saturation_is_torchvisions(images, factor):
    ours = apply_changes(images, identity(6, saturation=factor))
    theirs = adjust_saturation(images / 255, factor) * 255
    torch.testing.assert_close(ours, theirs, atol=0.2, rtol=0)
    grey = images[:, :1]
    assert torch.equal(apply_changes(grey, identity(6, saturation=factor)), grey)


@given(st.integers(0, 999), st.floats(0.0, 1.0), st.integers(8, 40), st.integers(8, 40))
def test_cut_out_is_one_square_of_the_mean_wholly_inside(seed, size, height, width):
    image = torch.randint(0, 256, (4, 3, height, width), generator=generator(seed)).float()
    image[..., 0, 0] = 0.5  # so that the mean is no whole number
    out = apply_changes(image, draw_changes(4, Augment(cutout=1.0, cutout_size=size), generator(seed)))
    side = round(float(torch.tensor(size) * min(height, width)))
    for before, after in zip(image, out, strict=True):
        painted = (after == before.mean()).all(dim=0)
        assert int(painted.sum()) == side**2
        assert torch.equal(after[:, ~painted], before[:, ~painted])
        if side:
            rows, columns = painted.any(dim=1).nonzero(), painted.any(dim=0).nonzero()
            assert len(rows) == len(columns) == side


def test_cut_out_comes_as_often_as_asked():
    drawn = draw_changes(2000, Augment(cutout=0.3, cutout_size=0.4), generator())
    assert (drawn.cutout > 0).float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert sorted(set(drawn.cutout.tolist())) == pytest.approx([0.0, 0.4])


# planes -----------------------------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(st.integers(0, 9999), st.permutations(["image", "mask", "whole"]))
def test_a_mask_moves_with_its_image_and_is_else_left_alone(seed, planes):
    batch = torch.randint(0, 256, (4, 3, 24, 20), generator=generator(seed)).float()
    place = planes.index("mask")
    levels = apply_changes(batch, draw_changes(4, Augment(**LEVELS), generator(seed)), planes)
    assert torch.equal(levels[:, place], batch[:, place])
    assert all(not torch.equal(levels[:, other], batch[:, other]) for other in range(3) if other != place)
    both = apply_changes(batch, draw_changes(4, Augment(**LEVELS, **MOVES), generator(seed)), planes)
    moved = apply_changes(batch, draw_changes(4, Augment(**MOVES), generator(seed)), planes)
    assert torch.equal(both[:, place], moved[:, place])
    assert not torch.equal(moved[:, place], batch[:, place])


def test_a_plane_without_colours_is_not_made_greyer(images):
    changes = identity(6, saturation=0.0)
    assert torch.equal(apply_changes(images, changes, ("image", "image", "whole")), images)
    assert torch.equal(apply_changes(images[:, :1], identity(6, noise=0.5), ("mask",)), images[:, :1])


# mixing -----------------------------------------------------------------------------------------------------------------


def test_nothing_is_mixed_when_nothing_is_asked_for(images):
    still = draw_mixing(6, 40, 40, Augment(), (1,))
    assert not still.is_any
    assert torch.equal(mix(images, still), images)


@settings(max_examples=40)
@given(st.integers(0, 9999), st.floats(0.05, 4.0), st.integers(2, 30), st.integers(2, 30))
def test_cutmix_counts_the_pixels_that_are_left(seed, strength, height, width):
    mixing = draw_mixing(5, height, width, Augment(cutmix=strength), (seed,))
    numbers = torch.arange(5.0).view(-1, 1, 1, 1).expand(5, 1, height, width) + 100
    out = mix(numbers, mixing)
    for index in range(5):
        partner = int(mixing.partner[index])
        assert set(out[index].unique().tolist()) <= {100.0 + index, 100.0 + partner}
        if partner != index:
            assert (out[index] == 100 + index).float().mean().item() == pytest.approx(
                mixing.share[index].item(), abs=1e-5
            )
    assert sorted(mixing.partner.tolist()) == list(range(5))


def test_mixup_mixes_by_shares_of_beta(images):
    mixing = draw_mixing(6, 40, 40, Augment(mixup=0.4), (3,))
    share = mixing.share.view(-1, 1, 1, 1)
    torch.testing.assert_close(mix(images, mixing), share * images + (1 - share) * images[mixing.partner])
    many = draw_mixing(20_000, 8, 8, Augment(mixup=0.4), (3,)).share
    assert many.mean().item() == pytest.approx(0.5, abs=0.01)
    assert many.var().item() == pytest.approx(0.4**2 / ((0.8**2) * 1.8), abs=0.005)  # of Beta(a, a)
    large = draw_mixing(20_000, 1000, 1000, Augment(cutmix=4.0), (3,))
    height, width = (large.boxes[:, 1] - large.boxes[:, 0]), (large.boxes[:, 3] - large.boxes[:, 2])
    inside = (large.boxes[:, [0, 2]] > 0).all(1) & (large.boxes[:, [1, 3]] < 1000).all(1)
    assert inside.any()
    assert (height[inside] - width[inside]).abs().max() <= 1  # a square but for rounding
    assert (1 - large.share).numpy() == pytest.approx((height * width).numpy() / 1e6, abs=1e-6)


def test_mixings_are_drawn_the_same_and_one_setting_moves_no_other_draw():
    first, again = (draw_mixing(9, 8, 8, Augment(mixup=0.4), (7, 1)) for _ in range(2))
    assert torch.equal(first.share, again.share)
    assert not torch.equal(first.share, draw_mixing(9, 8, 8, Augment(mixup=0.4), (7, 2)).share)
    both = [draw_mixing(9, 8, 8, Augment(mixup=0.4, cutmix=1.0), (7, n)) for n in range(200)]
    cut = [isinstance(mixing.boxes, torch.Tensor) for mixing in both]
    assert 70 < sum(cut) < 130
    for number, mixing in enumerate(both):
        alone = draw_mixing(9, 8, 8, Augment(cutmix=1.0) if cut[number] else Augment(mixup=0.4), (7, number))
        assert isinstance(mixing, Mixing)
        assert torch.equal(alone.share, mixing.share)
        assert torch.equal(alone.partner, mixing.partner)
