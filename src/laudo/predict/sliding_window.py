"""The answer of a network to a picture or volume that is larger than what it was trained on: overlapping windows, weighted mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, product

import torch
from torch import Tensor
from torch.nn import functional

from laudo.networks.memory import reused_memory
from laudo.networks.precision import Precision, autocast, channels_last

Answer = Callable[[Tensor], Tensor]
"""(B, C, *window) → (B, K, *window) of any float type."""
Box = tuple[slice, ...]

SIGMA = 0.125
"""Standard deviation of the weights as a share of the window's side (Isensee et al. 2021)."""
LEAST_WEIGHT = 1e-3
"""Of a window's corners, so that a voxel that only corners cover is no division by almost nothing."""


@torch.inference_mode()
def sliding_window(
    answer: Answer,
    volume: Tensor,
    window: Sequence[int],
    *,
    overlap: float = 0.5,
    batch: int = 1,
    mirror_axes: Sequence[int] = (),
    precision: Precision = "fp32",
    device: torch.device | None = None,
) -> Tensor:
    """(K, *S) float32 mean answer of all windows over each voxel, weighted by a Gaussian around each window's middle.

    The procedure is that of nnU-Net (Isensee et al. 2021); windows and weights are those of MONAI's ``sliding_window_inference``
    with ``mode="gaussian"``, so that both give the same. A volume smaller than the window is padded with zeros around it and cut
    back. A window in which every channel has one value, such as air around a head, is answered once and the answer used for all
    windows of these values: nothing is approximated, since a network in evaluation mode gives the same for the same.

    Memory on the device: (K + 1) × volume in float32, beside what the network takes for ``batch`` windows.

    Args:
        answer: the network in evaluation mode, on ``device``; it leaves its input as it is.
        volume: (C, *S), two or three axes S, on any device.
        window: sides in voxels, one an axis.
        overlap: share of a window's side that the next one covers too, 0 ≤ overlap < 1.
        batch: windows that are answered at once; on a processor one is best.
        mirror_axes: axes of S; the answer is the mean over every combination of mirrored axes, 2 ** n of them.
        precision: bf16 answers in autocast; the mean is taken in float32 in both.
        device: where windows are answered and added up; that of the volume by default.

    Raises:
        ValueError: the sides, the overlap or the axes are not as said, or the answer has another shape than its window.
    """
    sides = tuple(int(side) for side in window)
    if volume.ndim != len(sides) + 1 or len(sides) not in {2, 3} or min(sides) < 1:
        raise ValueError(f"a window of {sides} for a volume of {tuple(volume.shape)}")
    axes = tuple(dict.fromkeys(int(axis) for axis in mirror_axes))
    if any(not 0 <= axis < len(sides) for axis in axes):
        raise ValueError(f"mirror_axes {axes} of {len(sides)} axes")
    device = volume.device if device is None else device
    padded, inside = _padded(volume, sides)
    sums = _Sums(tuple(padded.shape[1:]), gaussian_weights(sides).to(device))
    with reused_memory(device), autocast(device, precision):
        for boxes, found in _answers(answer, padded, _boxes(padded, sides, overlap), batch, axes, device):
            for box, one in zip(boxes, found, strict=True):
                sums.add(box, one)
        return _window(sums.mean(), inside)


def window_starts(side: int, window: int, overlap: float) -> tuple[int, ...]:
    """Where windows begin along an axis that is as long as the window or longer; the last one ends where the axis ends."""
    if not 0 <= overlap < 1:
        raise ValueError(f"an overlap of {overlap}")
    step = window if side == window else max(1, int(window * (1 - overlap)))
    count = -(-(side - window) // step) + 1
    return tuple(min(number * step, side - window) for number in range(count))


def gaussian_weights(window: Sequence[int]) -> Tensor:
    """(*window) float32, 1 in the middle, at least :data:`LEAST_WEIGHT`."""
    weights = torch.ones((), dtype=torch.float32)
    for side in window:
        places = torch.arange(side, dtype=torch.float32) - (side - 1) / 2
        weights = weights.unsqueeze(-1) * torch.exp(-(places**2) / (2 * (SIGMA * side) ** 2))
    return weights.clamp(min=max(float(weights.min()), LEAST_WEIGHT))


class _Sums:
    """Weighted sums over the windows, and what the weights add up to."""

    def __init__(self, shape: tuple[int, ...], weights: Tensor) -> None:
        self._weights = weights
        self._shape = shape
        self._weight_sum = torch.zeros(shape, device=weights.device)
        self._sums: Tensor | None = None

    def add(self, box: Box, one: Tensor) -> None:
        """``one``: (K, *window) of the window at this place."""
        if one.shape[1:] != self._weights.shape:
            raise ValueError(f"the answer to a window of {tuple(self._weights.shape)} has the shape {tuple(one.shape)}")
        if self._sums is None:
            self._sums = torch.zeros((one.shape[0], *self._shape), device=self._weights.device)
        _window(self._sums, box).addcmul_(one.float(), self._weights)
        self._weight_sum[box] += self._weights

    def mean(self) -> Tensor:
        """(K, *S); the sums are used up."""
        assert self._sums is not None, "there is at least one window"
        return self._sums.div_(self._weight_sum)


def _answers(
    answer: Answer, volume: Tensor, boxes: Sequence[Box], batch: int, axes: Sequence[int], device: torch.device
) -> Iterator[tuple[list[Box], Tensor]]:
    """Windows and their (n, K, *window) answers; windows of one value a channel are looked up when they were seen before."""
    known: dict[tuple[float, ...], Tensor] = {}  # the last one only: that is the air
    waiting: list[Box] = []
    for box in boxes:
        values = _constant(_window(volume, box))
        if values is None:
            waiting.append(box)
            if len(waiting) == batch:
                yield waiting, _mirrored(answer, _stacked(volume, waiting, device), axes)
                waiting = []
            continue
        if values not in known:
            known = {values: _mirrored(answer, _stacked(volume, [box], device), axes)}
        yield [box], known[values]
    if waiting:
        yield waiting, _mirrored(answer, _stacked(volume, waiting, device), axes)


def _mirrored(answer: Answer, windows: Tensor, axes: Sequence[int]) -> Tensor:
    """Mean answer over every combination of mirrored axes, float32 where there are several."""
    found: Tensor = answer(windows)
    if not axes:
        return found
    total = found.float()
    for count in range(1, len(axes) + 1):
        for chosen in combinations(axes, count):
            dims = [axis + 2 for axis in chosen]
            total = total + answer(channels_last(windows.flip(dims))).flip(dims)
    return total / float(1 << len(axes))


def _stacked(volume: Tensor, boxes: Sequence[Box], device: torch.device) -> Tensor:
    """(n, C, *window): of one window no copy but the one that puts its channels last."""
    cut = [_window(volume, box) for box in boxes]
    windows = cut[0][None] if len(cut) == 1 else torch.stack(cut)
    return channels_last(windows.to(device, non_blocking=True))


def _constant(window: Tensor) -> tuple[float, ...] | None:
    """The value of each channel when it has but one; looked at in full only where first, middle and last voxel agree."""
    sides = window.shape[1:]
    first, middle, last = (
        _voxel(window, place)
        for place in ([0] * len(sides), [side // 2 for side in sides], [side - 1 for side in sides])
    )
    if not (torch.equal(first, middle) and torch.equal(first, last)):
        return None
    if not bool((window == first.view(-1, *[1] * len(sides))).all()):
        return None
    return tuple(float(value) for value in first)


def _voxel(window: Tensor, place: Sequence[int]) -> Tensor:
    """(C) values of one voxel."""
    for at in place:
        window = window[:, at]
    return window


def _window(volume: Tensor, box: Box) -> Tensor:
    """(C, *window), a view."""
    found: Tensor = volume[(slice(None), *box)]
    return found


def _boxes(volume: Tensor, window: Sequence[int], overlap: float) -> list[Box]:
    along = [window_starts(side, own, overlap) for side, own in zip(volume.shape[1:], window, strict=True)]
    return [tuple(slice(at, at + own) for at, own in zip(start, window, strict=True)) for start in product(*along)]


def _padded(volume: Tensor, window: Sequence[int]) -> tuple[Tensor, Box]:
    """The volume, at least as large as the window, and where it lies in it."""
    before, pads = [], []
    for side, own in zip(volume.shape[1:], window, strict=True):
        missing = max(0, own - side)
        before.append(missing // 2)
        pads.append((missing // 2, missing - missing // 2))
    inside = tuple(slice(first, first + side) for first, side in zip(before, volume.shape[1:], strict=True))
    if not any(map(any, pads)):
        return volume, inside
    return functional.pad(volume, [side for pair in reversed(pads) for side in pair]), inside
