"""Small pictures of one case: what is true, and what each run outlined, all on the slice where the runs differ most."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image

from laudo.core.errors import LaudoError
from laudo.core.structures import Structures
from laudo.read.image import ReadImage
from laudo.read.mask import read_mask
from laudo.read.picture import as_picture
from laudo.read.table import read_image
from laudo.report.compared_run import ComparedRun
from laudo.report.figures.sheet import COLOURS

SIDE = 220
"""Longest side in pixels."""

BUDGET_BYTES = 3_000_000
"""Most bytes of data URIs in one page."""

OPACITY = 0.5


@dataclass(frozen=True)
class CasePictures:
    """Pictures of one case as data URIs.

    Attributes:
        truth: the image with what is marked in it.
        answers: of each run, the image with what it outlined; the border of the truth is white.
        slice_number: of a volume, from 1; None of a picture.
        slices: how many the volume has.
    """

    truth: str
    answers: tuple[str, ...]
    slice_number: int | None
    slices: int


class Painter:
    """Draws cases of some runs, as long as their files are where they were and the budget lasts.

    Args:
        runs: whose masks are drawn.
        budget: most bytes that are given out in all.
    """

    def __init__(self, runs: Sequence[ComparedRun], budget: int = BUDGET_BYTES) -> None:
        self._runs = tuple(runs)
        self._structures = _structures(runs[0])
        self._rows = {str(name): row for row, name in enumerate(runs[0].manifest.table["sample"])}
        self._masks = [
            dict(zip(map(str, run.scores.table["sample"]), map(str, run.scores.table["mask"]), strict=True))
            for run in runs
        ]
        self._left = budget

    @property
    def colours(self) -> list[tuple[str, str]]:
        """Colour and name of each structure; empty where nothing says which there are."""
        names = () if self._structures is None else self._structures.names
        return [(COLOURS[place % len(COLOURS)], name) for place, name in enumerate(names)]

    def draw(self, sample: str) -> CasePictures | None:
        """Draw a case; None when a file of it is gone or can not be read, or the budget is spent."""
        if self._structures is None or self._left <= 0:
            return None
        try:
            image, truth, answers = self._read(sample)
        except (LaudoError, OSError, ValueError, KeyError):
            return None
        depth = truth.shape[2] if truth.ndim == 3 else 1
        number = _telling_slice(truth, answers) if truth.ndim == 3 else None
        grey, flat, spacing = _flat(image, number, [truth, *answers])
        uris = [self._encode(_painted(grey, one, flat[0], self._structures, spacing)) for one in flat]
        self._left -= sum(map(len, uris))
        return CasePictures(uris[0], tuple(uris[1:]), None if number is None else number + 1, depth)

    def _read(self, sample: str) -> tuple[ReadImage, np.ndarray, list[np.ndarray]]:
        """The image, the true label map, and that of each run, all of one shape."""
        assert self._structures is not None
        manifest, row = self._runs[0].manifest, self._rows[sample]
        image = read_image(manifest.paths[row])
        shape = image.array.shape[: 3 if image.is_volume else 2]
        paths = manifest.mask_paths(row)
        marked = _on_grid(read_mask(paths).labels, shape) if paths else np.zeros(shape, dtype=np.uint8)
        label = int(manifest.labels[row]) if self._structures.of_label else -1
        answers = [
            _on_grid(read_mask([_inside(run.run.folder, masks[sample])]).labels, shape)
            for run, masks in zip(self._runs, self._masks, strict=True)
        ]
        return image, self._structures.label_map(marked, label), answers

    def _encode(self, picture: np.ndarray) -> str:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=82, optimize=True)
        return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _structures(run: ComparedRun) -> Structures | None:
    """What the run's masks are made of, as its model says."""
    try:
        return Structures.from_dict((run.trainings[0].optional_json("model") or {})["structures"])
    except (LaudoError, KeyError, TypeError, ValueError):
        return None


def _inside(folder: Path, relative: str) -> Path:
    """Path of a run's file; one that leaves the run's folder is refused."""
    path = (folder / relative).resolve()
    if not relative or not path.is_relative_to(folder.resolve()):
        raise ValueError("no file of the run")
    return path


def _on_grid(labels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A picture's label map of another size is laid over the picture; a volume's must fit."""
    if labels.shape == shape:
        return labels
    if labels.ndim != 2 or len(shape) != 2:
        raise ValueError("a mask of another shape")
    rows, columns = ((np.arange(new) * old // new).astype(int) for new, old in zip(shape, labels.shape, strict=True))
    return labels[np.ix_(rows, columns)]


def _telling_slice(truth: np.ndarray, answers: Sequence[np.ndarray]) -> int:
    """Axial slice in which the answers differ most; of equals the one with most of the truth, then the middle one."""
    differing = np.zeros(truth.shape[2], dtype=np.int64)
    for one in answers[1:]:
        differing += (one != answers[0]).sum(axis=(0, 1))
    marked = (truth != 0).sum(axis=(0, 1))
    middle = -np.abs(np.arange(truth.shape[2]) - truth.shape[2] // 2)
    return int(np.lexsort((middle, marked, differing))[-1])


def _flat(
    image: ReadImage, number: int | None, maps: Sequence[np.ndarray]
) -> tuple[np.ndarray, list[np.ndarray], tuple[float, float]]:
    """(H, W, 3) uint8 picture, (H, W) label maps, and the distance of pixels down and across."""
    spacing = tuple(float(side) for side in image.spacing_mm or (1.0,) * image.array.ndim)
    if number is None:
        picture, down, across = as_picture(image), spacing[0], spacing[1]
    else:
        picture = as_picture(replace(image, array=image.array[:, :, number : number + 1]))
        maps = [one[:, ::-1, number].T for one in maps]  # as as_picture turns it
        across, down = spacing[0], spacing[1]
    if picture.ndim == 2:
        picture = np.repeat(picture[:, :, None], 3, axis=2)
    return picture, list(maps), (down, across)


def _painted(
    picture: np.ndarray,
    labels: np.ndarray,
    truth: np.ndarray,
    structures: Structures,
    spacing: tuple[float, float],
) -> np.ndarray:
    """(h, w, 3) uint8 picture with the structures in colour over it; the border of the truth is white."""
    height, width = (side * distance for side, distance in zip(picture.shape[:2], spacing, strict=True))
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    drawn = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR), dtype=float)
    for place, values in enumerate(structures.values):  # regions inside others come later, and lie above
        inside = _resized(np.isin(labels, values), size)
        colour = np.array(to_rgb(COLOURS[place % len(COLOURS)])) * 255
        drawn[inside] = (1 - OPACITY) * drawn[inside] + OPACITY * colour
    if labels is not truth:
        drawn[_border(_resized(np.isin(truth, sum(structures.values, ())), size))] = 255
    return drawn.round().astype(np.uint8)


def _resized(inside: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    small = Image.fromarray(inside.astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)
    return np.asarray(small) > 0


def _border(inside: np.ndarray) -> np.ndarray:
    """Pixels inside with a neighbour outside."""
    padded = np.pad(inside, 1)
    core = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.asarray(inside & ~core)
