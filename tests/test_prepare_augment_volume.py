"""Random changes of volumes and their masks: drawn the same for the same seed, applied as their numbers say."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.ndimage import affine_transform, gaussian_filter

from laudo.core.recipe import Augment, AugmentVolume
from laudo.prepare import volume_levels as levels
from laudo.prepare.augment import apply_changes, draw_changes
from laudo.prepare.augment_masks import move_masks
from laudo.prepare.augment_volume import (
    VolumeChanges,
    apply_volume_changes,
    draw_volume_changes,
    patch_of,
    patch_to_read,
)
from laudo.prepare.volume_movement import crop, turns

SIZE = (12, 16, 10)
STILL = {"scale": 1.0, "brightness": 1.0, "contrast": 1.0, "low_resolution": 1.0, "gamma_inverted": 1.0, "gamma": 1.0}
PROBABILITIES = (
    "rotation",
    "scale",
    "noise",
    "blur",
    "brightness",
    "contrast",
    "low_resolution",
    "gamma",
    "gamma_inverted",
)
NEVER = dict.fromkeys(PROBABILITIES, 0.0) | {"mirror": (0.0, 0.0, 0.0)}
ALWAYS = dict.fromkeys(PROBABILITIES, 1.0) | {"mirror": (1.0, 1.0, 1.0)}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def still(batch: int, channels: int = 1, **changed: object) -> VolumeChanges:
    """No change but those named; numbers count for all patches and channels."""
    of_channels = {"blur_voxels", "brightness", "contrast", "low_resolution", "gamma_inverted", "gamma"}
    values: dict[str, object] = {
        "mirror": torch.zeros(batch, 3, dtype=torch.bool),
        "rotation_radians": torch.zeros(batch, 3),
        "noise_seed": torch.arange(batch),
    }
    for name in (*STILL, "noise", "blur_voxels"):
        shape = (batch, channels) if name in of_channels else (batch,)
        values[name] = torch.full(shape, STILL.get(name, 0.0))
    for name, value in changed.items():
        if isinstance(value, str):
            values[name] = value
        else:
            old = values[name]
            values[name] = torch.as_tensor(value, dtype=old.dtype).expand(old.shape).clone()
    return VolumeChanges(**values)


def volumes(batch: int = 3, channels: int = 2, size=SIZE, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    grey = torch.randn(batch, channels, *size, generator=generator(seed))
    return grey, torch.randint(0, 3, (batch, *size), generator=generator(seed)).to(torch.uint8)


# what is drawn --------------------------------------------------------------------------------------------------------


def tensors(changes: VolumeChanges) -> dict[str, torch.Tensor]:
    found = {field.name: getattr(changes, field.name) for field in dataclasses.fields(changes)}
    return {name: value for name, value in found.items() if isinstance(value, torch.Tensor)}


def test_the_same_generator_draws_the_same_and_another_seed_does_not():
    always = AugmentVolume(**ALWAYS | {"mirror": (0.5, 0.5, 0.5)})
    first, again, other = (tensors(draw_volume_changes(20, always, generator(seed), 4)) for seed in (3, 3, 4))
    for name, value in first.items():
        assert torch.equal(value, again[name])
        assert not torch.equal(value, other[name]), name


def test_settings_never_move_the_draws_of_others():
    """Nor the number of draws: what comes after them is the same."""
    whole = AugmentVolume(**ALWAYS)
    one, same = generator(5), tensors(draw_volume_changes(7, whole, generator(5), 3))
    for name in (*PROBABILITIES, "mirror"):
        one.manual_seed(5)
        alone = tensors(draw_volume_changes(7, AugmentVolume(**NEVER | {name: ALWAYS[name]}), one, 3))
        place = {"rotation": "rotation_radians", "blur": "blur_voxels"}.get(name, name)
        assert torch.equal(alone[place], same[place])
        after = torch.rand(1, generator=one)
        two = generator(5)
        draw_volume_changes(7, whole, two, 3)
        assert torch.equal(after, torch.rand(1, generator=two))


def test_draws_come_as_often_and_as_far_as_asked():
    asked = AugmentVolume()
    drawn = draw_volume_changes(6000, asked, generator(), 2)
    assert drawn.mirror.float().mean(dim=0).tolist() == pytest.approx([0.5] * 3, abs=0.03)
    turned = drawn.rotation_radians.any(dim=1)
    assert turned.float().mean().item() == pytest.approx(0.2, abs=0.02)
    assert drawn.rotation_radians.abs().max().item() == pytest.approx(math.radians(30), rel=0.01)
    often = {"brightness": 0.15, "contrast": 0.15, "gamma": 0.3, "gamma_inverted": 0.1, "scale": 0.2, "noise": 0.1}
    often |= {"blur_voxels": 0.2, "low_resolution": 0.25}
    farthest = {"brightness": (0.75, 1.25), "contrast": (0.75, 1.25), "gamma": (0.7, 1.5), "gamma_inverted": (0.7, 1.5)}
    farthest |= {"scale": (0.7, 1.4), "noise": (0.0, 0.1), "blur_voxels": (0.5, 1.0), "low_resolution": (0.5, 1.0)}
    for name, probability in often.items():
        values = getattr(drawn, name)
        changed = values != STILL.get(name, 0.0)
        one_channel = changed if changed.ndim == 1 else changed[:, 1]
        half = 0.5 if name in {"blur_voxels", "low_resolution"} else 1.0
        assert one_channel.float().mean().item() == pytest.approx(probability * half, abs=0.02), name
        low, high = farthest[name]
        assert low <= values[changed].min() < low + 0.02 * (high - low)
        assert high >= values[changed].max() > high - 0.02 * (high - low)
        if low < 1 < high:
            assert (values[changed] < 1).float().mean().item() == pytest.approx(0.5, abs=0.06), name


def test_channels_have_factors_of_their_own():
    drawn = draw_volume_changes(5, AugmentVolume(**ALWAYS), generator(), 4)
    assert all(len(set(row.tolist())) == 4 for row in drawn.brightness)
    grey, _ = volumes(1, 4)
    out, _ = apply_volume_changes(grey, None, still(1, 4, brightness=[[1.0, 2.0, 1.0, 0.5]]), SIZE)
    torch.testing.assert_close(out, grey * torch.tensor([1, 2, 1, 0.5]).view(1, 4, 1, 1, 1))
    alike, _ = apply_volume_changes(grey, None, still(1, 1, brightness=0.5), SIZE)
    torch.testing.assert_close(alike, grey * 0.5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scale_factors": (1.4, 0.7)},
        {"gamma_exponents": (2.0, 1.0)},
        {"low_resolution_factors": (0.5, 1.5)},
        {"blur_voxels": (0.0, 1.0)},
        {"rotation": 1.5},
        {"rotation_degrees": (200, 0, 0)},
    ],
)
def test_ranges_that_can_not_be_are_refused(wrong):
    with pytest.raises(ValidationError):
        AugmentVolume(**wrong)


# moving ---------------------------------------------------------------------------------------------------------------


def test_nothing_drawn_is_nothing_done_but_the_cut():
    grey, mask = volumes(3, 2, (16, 18, 15))
    for changes in (still(3), draw_volume_changes(3, AugmentVolume(**NEVER), generator(), 2)):
        out, moved = apply_volume_changes(grey, mask, changes, SIZE)
        assert torch.equal(out, grey[..., 2:14, 1:17, 2:12])
        assert torch.equal(moved, mask[..., 2:14, 1:17, 2:12])
        assert out.data_ptr() != grey.data_ptr()
        assert apply_volume_changes(grey, None, changes, SIZE)[1] is None


def test_what_came_in_is_not_changed():
    grey, mask = volumes()
    before, marked = grey.clone(), mask.clone()
    apply_volume_changes(grey, mask, draw_volume_changes(3, AugmentVolume(**ALWAYS), generator(), 2), SIZE)
    assert torch.equal(grey, before)
    assert torch.equal(mask, marked)


@given(st.tuples(st.booleans(), st.booleans(), st.booleans()))
@settings(max_examples=8)
def test_mirroring_moves_voxels_exactly_and_twice_is_not_at_all(axes):
    grey, mask = volumes()
    changes = still(3, mirror=axes)
    out, moved = apply_volume_changes(grey, mask, changes, SIZE)
    dims = [axis - 3 for axis in range(3) if axes[axis]]
    assert torch.equal(out, grey.flip(dims))
    assert torch.equal(moved, mask.flip(dims))
    back, mask_back = apply_volume_changes(out, moved, changes, SIZE)
    assert torch.equal(back, grey)
    assert torch.equal(mask_back, mask)


@settings(max_examples=25)
@given(
    st.tuples(*[st.floats(-3.0, 3.0)] * 3),
    st.floats(0.7, 1.5),
    st.sampled_from([(1.0, 1.0, 1.0), (1.0, 0.8, 2.5)]),
)
def test_movement_is_scipys(radians, scale, spacing):
    """SciPy is given the rotation from its definition; the patch is read large enough for any of them."""
    grey, _ = volumes(1, 1, (40, 40, 40))
    size = (8, 7, 6)
    a, b, c = radians
    about_x = np.array([[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]])
    about_y = np.array([[math.cos(b), 0, -math.sin(b)], [0, 1, 0], [math.sin(b), 0, math.cos(b)]])
    about_z = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    mm = np.diag(spacing)
    matrix = np.linalg.inv(mm) @ about_z @ about_y @ about_x @ mm / scale
    middle = np.array([(40 - side) // 2 + (side - 1) / 2 for side in size])
    offset = middle - matrix @ ((np.array(size) - 1) / 2)
    wanted = affine_transform(grey[0, 0].double().numpy(), matrix, offset, size, order=1)
    changes = still(1, rotation_radians=[radians], scale=scale)
    out, _ = apply_volume_changes(grey, None, changes, size, spacing)
    np.testing.assert_allclose(out[0, 0].numpy(), wanted, atol=2e-4)


@settings(max_examples=25)
@given(st.integers(0, 999), st.sampled_from(["linear", "nearest"]), st.booleans())
def test_volume_and_mask_move_together(seed, how, overlapping):
    """A ball's middle of mass is in the same place in both."""
    places = torch.stack(torch.meshgrid(*[torch.arange(44.0)] * 3, indexing="ij"), dim=-1)
    ball = torch.exp(-((places - torch.tensor([21.0, 23.0, 20.0])).norm(dim=-1) ** 2) / 40)
    mask = (ball > 0.5).to(torch.uint8) * 2
    if overlapping:
        mask = torch.stack([mask > 0, ball > 0.8]).to(torch.uint8)
    strong = AugmentVolume(**NEVER | {"rotation": 1, "scale": 1, "mirror": (0.5, 0.5, 0.5)}, move_mask=how)
    changes = draw_volume_changes(1, strong, generator(seed))
    out, moved = apply_volume_changes(ball[None, None], mask[None], changes, (24, 24, 24))
    assert moved.dtype == torch.uint8
    assert set(moved.unique().tolist()) == ({0, 1} if overlapping else {0, 2})
    marked = (moved[0, 0] if overlapping else moved[0]) > 0

    def middle(weights: torch.Tensor) -> torch.Tensor:
        return (places[:24, :24, :24] * weights[..., None]).sum(dim=(0, 1, 2)) / weights.sum()

    inside = (out[0, 0] > 0.5).float()
    assert (middle(marked.float()) - middle(inside)).abs().max() < 0.25
    assert marked.sum().item() == pytest.approx(inside.sum().item(), rel=0.08)


def test_linear_masks_take_the_largest_share_of_each_label():
    """Independent of ours: SciPy interpolates each label on its own."""
    _, mask = volumes(1, 1, (30, 30, 30))
    radians, size = (0.3, -0.2, 0.4), (10, 11, 12)
    out = apply_volume_changes(torch.zeros(1, 1, 30, 30, 30), mask, still(1, rotation_radians=[radians]), size)[1]
    matrix = turns(torch.tensor([radians]), (1, 1, 1))[0].numpy()
    middle = np.array([(30 - side) // 2 + (side - 1) / 2 for side in size])
    offset = middle - matrix @ ((np.array(size) - 1) / 2)
    shares = [
        affine_transform((mask[0] == label).double().numpy(), matrix, offset, size, order=1) for label in range(3)
    ]
    first, second = np.sort(shares, axis=0)[-1], np.sort(shares, axis=0)[-2]
    clear = first - second > 1e-4
    assert clear.mean() > 0.99
    assert np.array_equal(out[0].numpy()[clear], np.argmax(shares, axis=0)[clear])


@settings(max_examples=40)
@given(
    st.tuples(*[st.integers(4, 24)] * 3),
    st.tuples(*[st.sampled_from([0.0, 15.0, 30.0, 90.0, 180.0])] * 3),
    st.sampled_from([(0.5, 2.0), (0.7, 1.4), (1.1, 1.2)]),
    st.integers(0, 99),
)
def test_nothing_comes_in_from_outside(size, degrees, factors, seed):
    """Of a ramp every patch is the same ramp seen from elsewhere: a border that is repeated, or zeros, would bend it."""
    asked = AugmentVolume(**NEVER | {"rotation": 1, "scale": 1}, rotation_degrees=degrees, scale_factors=factors)
    read = patch_to_read(size, asked)
    assert all(have >= want and (have - want) % 2 == 0 for have, want in zip(read, size, strict=True))
    ramp = torch.arange(read[0] * 1.0)[:, None, None] + 3 * torch.arange(read[1] * 1.0)[:, None] + torch.zeros(read[2])
    changes = draw_volume_changes(1, asked, generator(seed))
    for large in (ramp, crop(ramp, size)):
        out, _ = apply_volume_changes(large[None, None].contiguous(), None, changes, size)
        for dim in (2, 3, 4):
            steps = out.diff(dim=dim)
            assert (steps - steps.flatten()[0]).abs().max() < 2e-3


@pytest.mark.parametrize("alone", ["rotation", "scale"])
def test_a_patch_that_is_read_large_enough_is_moved_as_far_as_drawn(alone):
    asked = AugmentVolume(**NEVER | {alone: 1.0})
    size = (20, 28, 16)
    read = patch_to_read(size, asked)
    for seed in range(30):
        changes = draw_volume_changes(1, asked, generator(seed))
        big = torch.randn(1, 1, *(side + 40 for side in read), generator=generator(seed))
        exact, _ = apply_volume_changes(crop(big, read), None, changes, size)
        free, _ = apply_volume_changes(big, None, changes, size)
        torch.testing.assert_close(exact, free, atol=1e-3, rtol=0)


@settings(max_examples=30)
@given(st.integers(0, 999), st.tuples(*[st.integers(4, 14)] * 3), st.sampled_from([(1.0, 1.0, 1.0), (0.8, 1.0, 2.0)]))
def test_one_patch_is_read_as_large_as_its_own_movement_needs(seed, size, spacing):
    asked = AugmentVolume(**NEVER | {"rotation": 0.5, "scale": 0.5}, rotation_degrees=(30, 20, 90))
    big, mask = volumes(4, 1, (90, 90, 90) if spacing[0] < 1 else (60, 60, 60), seed)
    changes = draw_volume_changes(4, asked, generator(seed))
    reads = [patch_of(changes, index, size, spacing) for index in range(4)]
    wanted, marked = apply_volume_changes(big, mask, changes, size, spacing)
    exact = [crop(one, read) for one, read in zip(big, reads, strict=True)]
    masks = [crop(one, read) for one, read in zip(mask, reads, strict=True)]
    out, moved = apply_volume_changes(exact, masks, changes, size, spacing)
    torch.testing.assert_close(out, wanted, atol=1e-3, rtol=0)
    assert (moved == marked).float().mean() > 0.98
    for index, read in enumerate(reads):
        is_still = float(changes.scale[index]) == 1 and not changes.rotation_radians[index].any()
        assert read == size if is_still else all(have >= want for have, want in zip(read, size, strict=True))


def test_what_never_moves_is_read_as_it_is():
    assert patch_to_read(SIZE, AugmentVolume(**NEVER)) == SIZE
    assert patch_to_read((40, 40, 40), AugmentVolume(**NEVER | {"scale": 0.5})) == (58, 58, 58)
    flat = AugmentVolume(**NEVER | {"rotation": 0.5}, rotation_degrees=(0, 0, 180))
    assert patch_to_read((40, 40, 20), flat) == (58, 58, 20)
    # voxels of 0.5 mm on the first axis: the corner is √(5² + 10²) mm away, 22.4 of these and 11.2 of the others
    assert patch_to_read((21, 21, 9), flat, (0.5, 1.0, 1.0)) == (47, 25, 9)


def test_patches_of_different_sizes_are_taken_one_by_one():
    asked = AugmentVolume(**NEVER | {"rotation": 1.0})
    grey, mask = volumes(3, 2, (40, 40, 40))
    changes = draw_volume_changes(3, asked, generator())
    sizes = [(40, 40, 40), (36, 34, 32), (30, 30, 32)]
    alone = apply_volume_changes(grey, mask, changes, SIZE)
    smaller = [crop(one, size) for one, size in zip(grey, sizes, strict=True)]
    masks = [crop(one, size) for one, size in zip(mask, sizes, strict=True)]
    several = apply_volume_changes(smaller, masks, changes, SIZE)
    torch.testing.assert_close(alone[0], several[0], atol=1e-4, rtol=0)
    assert (alone[1] == several[1]).float().mean() > 0.999


# grey levels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.5, 0.8, 1.0, 4.0])
def test_the_blur_is_scipys(sigma):
    grey, _ = volumes(1, 1)
    wanted = gaussian_filter(grey[0, 0].double().numpy(), sigma, mode="nearest", truncate=4)
    out, _ = apply_volume_changes(grey, None, still(1, blur_voxels=sigma), SIZE)
    np.testing.assert_allclose(out[0, 0].numpy(), wanted, atol=1e-5)


def test_noise_has_the_drawn_deviation_and_is_that_of_its_own_seed():
    grey = torch.zeros(3, 1, 40, 40, 40)
    changes = still(3, noise=[0.05, 0.1, 0.05], noise_seed=[7, 8, 7])
    out, _ = apply_volume_changes(grey, None, changes, (40, 40, 40))
    assert out.flatten(1).std(dim=1).tolist() == pytest.approx([0.05, 0.1, 0.05], rel=0.02)
    assert out.mean().item() == pytest.approx(0, abs=1e-3)
    assert torch.equal(out[0], out[2])
    assert not torch.equal(out[0], out[1] / 2)


def test_contrast_turns_about_the_mean_within_the_old_range():
    grey, _ = volumes(1, 1)
    more, _ = apply_volume_changes(grey, None, still(1, contrast=1.25), SIZE)
    low, high, mean = grey.min(), grey.max(), grey.mean()
    torch.testing.assert_close(more, ((grey - mean) * 1.25 + mean).clamp(low, high))
    less, _ = apply_volume_changes(grey, None, still(1, contrast=0.75), SIZE)
    torch.testing.assert_close(less, (grey - mean) * 0.75 + mean)


@pytest.mark.parametrize("name", ["gamma", "gamma_inverted"])
def test_gamma_is_a_power_that_keeps_mean_and_deviation(name):
    grey, _ = volumes(1, 1)
    out, _ = apply_volume_changes(grey, None, still(1, **{name: 1.5}), SIZE)
    x = -grey.double() if name == "gamma_inverted" else grey.double()
    power = ((x - x.min()) / (x.max() - x.min())) ** 1.5
    wanted = (power - power.mean()) / power.std() * x.std() + x.mean()
    torch.testing.assert_close(out.double(), -wanted if name == "gamma_inverted" else wanted, atol=1e-4, rtol=0)
    assert torch.equal(out.flatten().argsort(), grey.flatten().argsort())


def test_low_resolution_takes_fewer_voxels():
    grey, _ = volumes(1, 1, (8, 8, 8))
    out, _ = apply_volume_changes(grey, None, still(1, low_resolution=0.5), (8, 8, 8))
    taken = grey[0, 0, 1::2, 1::2, 1::2]
    assert torch.equal(out[0, 0, 0, 0, 0], taken[0, 0, 0])
    wanted = 0.75 * taken[1, 0, 0] + 0.25 * taken[0, 0, 0]
    assert out[0, 0, 2, 0, 0].item() == pytest.approx(wanted.item(), abs=1e-6)


@settings(max_examples=30)
@given(st.integers(0, 999), st.sampled_from([0.0, 1.0, 1e4]), st.sampled_from([torch.float32, torch.float16]))
def test_shape_range_and_finiteness_hold_whatever_is_drawn(seed, size, kind):
    grey, mask = volumes(2, 2, (8, 9, 7), seed)
    grey = (grey * size).to(kind)
    changes = draw_volume_changes(2, AugmentVolume(**ALWAYS), generator(seed), 2)
    out, moved = apply_volume_changes(grey, mask, changes, (6, 7, 7))
    assert out.shape == (2, 2, 6, 7, 7)
    assert out.dtype == torch.float32
    assert out.isfinite().all()
    assert moved.shape == (2, 6, 7, 7)
    assert set(moved.unique().tolist()) <= {0, 1, 2}


@settings(max_examples=30)
@given(st.integers(0, 999), st.sampled_from(["blur", "contrast", "low_resolution"]))
def test_these_stay_within_the_old_range(seed, name):
    grey, _ = volumes(2, 1, (9, 8, 7), seed)
    changes = draw_volume_changes(2, AugmentVolume(**NEVER | {name: 1.0}), generator(seed))
    out, _ = apply_volume_changes(grey, None, changes, (9, 8, 7))
    for before, after in zip(grey, out, strict=True):
        assert before.min() - 1e-5 <= after.min()
        assert after.max() <= before.max() + 1e-5


def test_a_channel_without_any_contrast_stays_as_it_is():
    flat = torch.full((6, 6, 6), 3.5)
    for change in (
        lambda x: levels.change_gamma(x, 0.7, inverted=True),
        lambda x: levels.change_gamma(x, 1.4, inverted=False),
        lambda x: levels.change_contrast(x, 1.3),
        lambda x: levels.blur(x, 1.0),
    ):
        changed = flat.clone()
        change(changed)
        torch.testing.assert_close(changed, flat)


def test_a_patch_does_not_depend_on_its_neighbours_and_autocast_has_no_say():
    grey, mask = volumes(4, 2, (16, 18, 15))
    changes = draw_volume_changes(4, AugmentVolume(**ALWAYS), generator(), 2)
    together, masks = apply_volume_changes(grey, mask, changes, SIZE)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        again, masks_again = apply_volume_changes(grey, mask, changes, SIZE)
    assert torch.equal(together, again)
    assert torch.equal(masks, masks_again)
    one = dataclasses.replace(changes, **{name: value[2:3] for name, value in tensors(changes).items()})
    alone, mask_alone = apply_volume_changes(grey[2:3], mask[2:3], one, SIZE)
    assert torch.equal(alone[0], together[2])
    assert torch.equal(mask_alone[0], masks[2])


# masks of pictures ----------------------------------------------------------------------------------------------------

MOVES = {"horizontal_flip": 0.5, "vertical_flip": 0.5, "rotation_degrees": 40, "scale": 0.3, "translation": 0.1}


@settings(max_examples=30)
@given(st.integers(0, 999), st.sampled_from([torch.uint8, torch.int16, torch.int64]))
def test_masks_of_pictures_move_as_the_pictures_do(seed, kind):
    """Painted far larger than a pixel, the picture says the same after it was moved, but for borders."""
    marked = torch.zeros(3, 40, 30, dtype=kind)
    marked[:, 8:30, 6:20] = 1
    marked[:, 12:20, 10:17] = 2
    changes = draw_changes(3, Augment(**MOVES), generator(seed))
    moved = move_masks(marked, changes)
    assert moved.dtype == kind
    assert set(moved.unique().tolist()) <= {0, 1, 2}
    for label in (1, 2):
        picture = apply_changes((marked == label)[:, None].float() * 255, changes)[:, 0]
        clear = (picture > 0.76 * 255) | (picture < 0.24 * 255)
        assert torch.equal((moved == label)[clear], (picture > 127)[clear])
    regions = torch.stack([marked > 0, marked > 1], dim=1).to(kind)
    assert torch.equal(move_masks(regions, changes), torch.stack([moved > 0, moved > 1], dim=1).to(kind))


def test_masks_of_pictures_that_only_flip_are_exact_in_any_type_and_under_autocast():
    marked = torch.randint(0, 2**30, (4, 9, 7), generator=generator())
    flips = draw_changes(4, Augment(horizontal_flip=1.0), generator())
    assert torch.equal(move_masks(marked, flips), marked.flip(2))
    labels = marked % 5
    moves = draw_changes(4, Augment(**MOVES), generator())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        again = move_masks(labels, moves)
    assert torch.equal(again, move_masks(labels, moves))
