"""Random changes of a batch: drawn the same for the same seed, applied as their numbers say."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from laudo.core.recipe import Augment
from laudo.prepare.augment import Changes, apply_changes, draw_changes

EVERYTHING = Augment(
    horizontal_flip=0.5,
    vertical_flip=0.5,
    rotation_degrees=30,
    scale=0.2,
    translation=0.1,
    brightness=0.2,
    contrast=0.3,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def identity(batch: int, **changed: float) -> Changes:
    values = {field.name: torch.zeros(batch) for field in dataclasses.fields(Changes)}
    values |= {"scale": torch.ones(batch), "contrast": torch.ones(batch)}
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
    strong = Augment(rotation_degrees=180, scale=0.9, translation=1, brightness=1, contrast=1, vertical_flip=0.5)
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
