"""Overlapping windows: the mean that MONAI gives, every voxel covered, and no window asked twice for nothing."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data.utils import compute_importance_map
from monai.inferers import sliding_window_inference
from torch import Tensor, nn

from laudo.predict.sliding_window import gaussian_weights, sliding_window, window_starts

FIELDS = {
    "2d": ((33, 21), (16, 12)),
    "3d": ((17, 20, 11), (8, 9, 6)),
    "smaller": ((5, 30, 9), (8, 9, 6)),
    "one": ((6, 7), (9, 9)),
}


def network(axes: int, seed: int = 0) -> nn.Module:
    """A small network with norms over the window, so that what it answers depends on where the window lies."""
    torch.manual_seed(seed)
    conv, norm = (nn.Conv2d, nn.InstanceNorm2d) if axes == 2 else (nn.Conv3d, nn.InstanceNorm3d)
    return nn.Sequential(conv(2, 4, 3, padding=1), norm(4), nn.LeakyReLU(), conv(4, 3, 3, padding=1)).eval()


def field(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(2, *shape)).astype(np.float32))


class Counting:
    """Notes the windows that it is asked."""

    def __init__(self, answer):
        self.answer = answer
        self.batches: list[int] = []
        self.asked: list[Tensor] = []

    def __call__(self, windows: Tensor) -> Tensor:
        self.batches.append(len(windows))
        self.asked += list(windows.clone())
        return self.answer(windows)


def one_by_one(answer, volume: Tensor, window: tuple[int, ...], overlap: float) -> Tensor:
    """The plainest loop: a window at a time, in double precision; the volume is at least as large as the window."""
    weights = gaussian_weights(window).double()
    total, weight = torch.zeros(3, *volume.shape[1:]).double(), torch.zeros(volume.shape[1:]).double()
    for start in product(*[window_starts(s, w, overlap) for s, w in zip(volume.shape[1:], window, strict=True)]):
        box = tuple(slice(at, at + side) for at, side in zip(start, window, strict=True))
        with torch.no_grad():
            total[(slice(None), *box)] += answer(volume[(slice(None), *box)][None])[0].double() * weights
        weight[box] += weights
    return (total / weight).float()


# the mean ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5, 0.7])
@pytest.mark.parametrize("batch", [1, 3])
def test_it_is_monais_answer(name, overlap, batch):
    shape, window = FIELDS[name]
    answer, volume = network(len(shape)), field(shape)
    ours = sliding_window(answer, volume, window, overlap=overlap, batch=batch)
    with torch.no_grad():
        theirs = sliding_window_inference(volume[None], window, 1, answer, overlap=overlap, mode="gaussian")[0]
    assert ours.shape == (3, *shape)
    assert ours.dtype is torch.float32
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    assert theirs.std() > 0.1


def test_it_is_the_plain_loops_answer():
    answer, volume = network(3), field((17, 20, 11))
    found = sliding_window(answer, volume, (8, 9, 6), overlap=0.5)
    torch.testing.assert_close(found, one_by_one(answer, volume, (8, 9, 6), 0.5), atol=1e-5, rtol=1e-5)


def test_a_window_as_large_as_the_volume_is_the_network_itself():
    answer, volume = network(3), field((8, 9, 6))
    with torch.no_grad():
        expected = answer(volume[None])[0]
    torch.testing.assert_close(sliding_window(answer, volume, (8, 9, 6)), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("window", [(8,), (7, 5), (96, 96), (32, 24, 40), (1, 3, 2)])
def test_weights_are_monais(window):
    expected = compute_importance_map(window, mode="gaussian", sigma_scale=0.125)
    torch.testing.assert_close(gaussian_weights(window), expected, atol=1e-7, rtol=1e-5)


@given(st.integers(1, 80), st.integers(0, 200), st.floats(0, 0.95))
def test_every_voxel_is_covered_and_no_window_is_idle(window, more, overlap):
    side = window + more
    starts = window_starts(side, window, overlap)
    covered = np.zeros(side, int)
    for start in starts:
        assert 0 <= start <= side - window
        covered[start : start + window] += 1
    assert covered.min() >= 1
    assert list(starts) == sorted(set(starts))
    steps = np.diff(starts)
    assert (steps <= max(1, int(window * (1 - overlap)))).all()
    assert len(steps) < 2 or len(set(steps[:-1].tolist())) == 1


# mirrors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "axes"), [((33, 21), (1,)), ((33, 21), (0, 1)), ((9, 8, 7), (0, 1, 2)), ((9, 8, 7), (2,))]
)
def test_mirrors_are_the_mean_over_all_of_them(shape, axes):
    answer, volume = network(len(shape)), field(shape)
    counting = Counting(answer)
    found = sliding_window(counting, volume, shape, mirror_axes=axes)
    expected = torch.zeros(3, *shape)
    for turned in product([False, True], repeat=len(axes)):
        dims = [axis + 2 for axis, flip in zip(axes, turned, strict=True) if flip]
        with torch.no_grad():
            expected += answer(volume[None].flip(dims)).flip(dims)[0] / 2 ** len(axes)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert len(counting.batches) == 2 ** len(axes)


def test_a_mirrored_volume_has_the_mirrored_answer():
    answer, volume = network(2), field((24, 20))
    one = sliding_window(answer, volume, (12, 10), mirror_axes=(0, 1))
    other = sliding_window(answer, volume.flip(2), (12, 10), mirror_axes=(0, 1))
    torch.testing.assert_close(one, other.flip(2), atol=1e-5, rtol=1e-5)


# windows that are asked --------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 4])
def test_windows_of_one_value_are_asked_once_and_nothing_changes(batch):
    answer, volume = network(3), field((24, 24, 24))
    volume[:, 10:] = torch.tensor([0.5, -2.0]).view(2, 1, 1, 1)
    counting = Counting(answer)
    found = sliding_window(counting, volume, (8, 8, 8), overlap=0.5, batch=batch)
    torch.testing.assert_close(found, one_by_one(answer, volume, (8, 8, 8), 0.5), atol=1e-5, rtol=1e-5)
    flat = [window for window in counting.asked if (window == window[:, :1, :1, :1]).all()]
    assert len(flat) == 1
    assert len(counting.asked) == 1 + 3 * 5 * 5  # of 5 rows of windows two lie wholly beyond the tenth plane
    assert max(counting.batches) == batch


def test_windows_that_are_all_but_of_one_value_are_asked():
    """One voxel is enough, wherever it lies; and other values are another question."""
    volume = torch.zeros(1, 32, 8)
    volume[0, 11, 5] = 1.0
    volume[0, 24:] = 2.0
    counting = Counting(lambda windows: windows * 3)
    assert torch.equal(sliding_window(counting, volume, (8, 8), overlap=0.0), volume * 3)
    assert len(counting.asked) == 3
    two = torch.zeros(2, 24, 8)
    two[0, 8:16] = 1.0
    counting = Counting(lambda windows: windows * 3)
    assert torch.equal(sliding_window(counting, two, (8, 8), overlap=0.0), two * 3)
    assert len(counting.asked) == 3


def test_the_network_is_given_channels_last_and_no_gradients():
    seen = []

    def answer(windows: Tensor) -> Tensor:
        seen.append(windows.is_contiguous(memory_format=torch.channels_last_3d))
        assert torch.is_inference_mode_enabled()
        return windows[:, :1]

    volume = field((9, 9, 9))
    assert torch.allclose(sliding_window(answer, volume, (6, 6, 6), mirror_axes=(1,)), volume[:1], atol=1e-6)
    assert len(seen) == 16
    assert all(seen)


def test_pixels_stay_pixels():
    """Pictures come as bytes, and their network scales them itself."""
    picture = (field((33, 21)) * 40 + 120).clamp(0, 255).to(torch.uint8)
    kinds = []

    def answer(windows: Tensor) -> Tensor:
        kinds.append(windows.dtype)
        return windows.float() / 255

    for window in ((33, 21), (16, 12), (40, 40)):
        found = sliding_window(answer, picture, window, mirror_axes=(1,))
        torch.testing.assert_close(found, picture / 255, atol=1e-6, rtol=0)
    assert set(kinds) == {torch.uint8}


def test_bfloat16_answers_are_added_up_in_single_precision():
    answer, volume = network(3), field((17, 20, 11))
    exact = sliding_window(answer, volume, (8, 9, 6))
    kinds = []

    def noting(windows: Tensor) -> Tensor:
        kinds.append(answer(windows).dtype)
        return answer(windows)

    rough = sliding_window(noting, volume, (8, 9, 6), precision="bf16")
    assert set(kinds) == {torch.bfloat16}
    assert rough.dtype is torch.float32
    assert not torch.equal(exact, rough)
    torch.testing.assert_close(rough, exact, atol=0.05, rtol=0)


# what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": (8, 8)},
        {"window": (8, 8, 0)},
        {"overlap": 1.0},
        {"overlap": -0.1},
        {"mirror_axes": (3,)},
        {"mirror_axes": (-1,)},
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    options = {"window": (8, 8, 8), **wrong}
    with pytest.raises(ValueError):
        sliding_window(lambda windows: windows, field((9, 9, 9)), **options)


def test_an_answer_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="shape"):
        sliding_window(lambda windows: windows[..., ::2], field((9, 9, 9)), (8, 8, 8))
