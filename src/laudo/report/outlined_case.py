"""Cases whose structures were outlined, read back for drawing: image, truth and prediction on the grid of the image's file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from laudo.core.errors import LaudoError
from laudo.core.manifest import Manifest
from laudo.core.recipe import Prepare
from laudo.core.structures import Structures, structures_of
from laudo.prepare.crop import Box, background, brain_box, mask_box
from laudo.prepare.mask_back import prepare_label_map
from laudo.read.image import ReadImage
from laudo.read.mask import read_mask
from laudo.read.table import read_image
from laudo.report.context import Evidence

WORK_VOXELS = 400_000_000
"""Voxels that one report reads at most, images and masks together: it should be there within a minute."""

BLACK_AND_WHITE = (0.5, 99.5)
"""Percentiles of what is not background that become black and white."""


@dataclass(frozen=True)
class OutlinedCase:
    """One case.

    Attributes:
        sample: its name.
        grey: (X, Y, Z) uint8, right, front and head last; or a picture, (H, W) or (H, W, 3) uint8.
        truth: (X, Y, Z) or (H, W) uint8, 0 background, else 1 + number of the structure; of nested regions the innermost.
        predicted: the same of the prediction; None where none was made.
        spacing_mm: along each axis of the masks; of pictures that do not say, 1.
    """

    sample: str
    grey: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray | None
    spacing_mm: tuple[float, ...]

    @property
    def is_volume(self) -> bool:
        """Whether there are three axes to look along."""
        return self.truth.ndim == 3

    @property
    def wrong(self) -> np.ndarray:
        """Where truth and prediction disagree; without a prediction, what is marked."""
        return np.asarray(self.truth != 0 if self.predicted is None else self.truth != self.predicted)

    @property
    def marked(self) -> np.ndarray:
        """What is marked in truth or prediction."""
        return np.asarray(self.truth != 0 if self.predicted is None else (self.truth != 0) | (self.predicted != 0))

    def content(self) -> Box:
        """Of a volume, the part that holds all that is no background and all that is marked; the whole of a picture."""
        whole = tuple(slice(0, side) for side in self.truth.shape)
        box = brain_box([self.grey], [background(self.grey)]) if self.is_volume else whole
        marked = mask_box(self.marked)
        if marked is None:
            return box
        return tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(box, marked, strict=True))

    def cut(self, box: Box) -> OutlinedCase:
        """The case without what lies outside a box."""
        predicted = None if self.predicted is None else self.predicted[box]
        return replace(self, grey=self.grey[box], truth=self.truth[box], predicted=predicted)

    def places(self) -> tuple[int, ...]:
        """The slice across each axis with the most wrong voxels; without any, with the most marked ones; else the middle."""
        for counted in (self.wrong, self.marked):
            if counted.any():
                axes = range(counted.ndim)
                others = [tuple(one for one in axes if one != axis) for axis in axes]
                return tuple(int(counted.sum(axis=one).argmax()) for one in others)
        return tuple(side // 2 for side in self.truth.shape)


class CaseReader:
    """Reads cases of a run, as long as the work allowed lasts.

    Args:
        evidence: the run.
        unreadable: gets the name of each file that is gone or broken.
        work_voxels: voxels that may be read.
    """

    def __init__(self, evidence: Evidence, unreadable: set[str], work_voxels: int = WORK_VOXELS) -> None:
        self._evidence = evidence
        self._manifest = evidence.manifest
        self._unreadable = unreadable
        self._left = work_voxels
        self._structures = _structures(evidence)
        self._rows: dict[str, int] = {}
        if evidence.manifest is not None:
            self._rows = {str(sample): row for row, sample in enumerate(evidence.manifest.table["sample"])}

    @property
    def is_spent(self) -> bool:
        """Whether no more may be read."""
        return self._left <= 0

    def judged(self, row: int) -> OutlinedCase | None:
        """A row of the scores: with truth and prediction. None when a file is gone, or the work is spent."""
        scores = self._evidence.scores
        if scores is None:
            return None
        line = scores.table.iloc[row]
        path = inside(self._evidence.run.folder, str(line["mask"]))
        return None if path is None else self._read(str(line["sample"]), path)

    def sample(self, name: str) -> OutlinedCase | None:
        """A sample of the manifest: with its truth alone."""
        return self._read(name, None)

    def _read(self, sample: str, predicted: Path | None) -> OutlinedCase | None:
        row = self._rows.get(sample)
        if row is None or self._manifest is None or self._structures is None or self.is_spent:
            return None
        path = self._manifest.image_paths(row)[0]
        try:
            image = read_image(path)
            masks = self._manifest.mask_paths(row)
            path = masks[0] if masks else path
            case = case_of(image, self._manifest, row, self._structures)
            path = predicted or path
            case = case if predicted is None else with_prediction(case, predicted, self._structures)
        except (LaudoError, OSError, ValueError):
            self._unreadable.add(path.name)
            return None
        self._left -= image.array.size * 3
        return case


def inside(folder: Path, relative: str) -> Path | None:
    """Path of a run's file; None where there is none, or where it leaves the run's folder."""
    path = (folder / relative).resolve()
    return path if relative and path.is_relative_to(folder.resolve()) else None


def case_of(image: ReadImage, manifest: Manifest, row: int, structures: Structures) -> OutlinedCase:
    """A sample of a manifest with its truth.

    Args:
        image: the sample's, the first of its channels.
        manifest: that lists it.
        row: where.
        structures: what is marked.

    Raises:
        LaudoError, OSError, ValueError: the mask can not be read, or does not fit.
    """
    truth = _truth(structures, manifest, row, image)
    zones = innermost(truth, structures.values)
    return OutlinedCase(str(manifest.table["sample"].iloc[row]), _grey(image), zones, None, _spacing(image))


def with_prediction(case: OutlinedCase, path: Path, structures: Structures) -> OutlinedCase:
    """The same case with the label map that a file holds.

    Raises:
        LaudoError, OSError, ValueError: it can not be read, or does not fit.
    """
    found = read_image(path).array
    if found.shape != case.truth.shape:
        raise ValueError(f"{found.shape} is not {case.truth.shape}")
    return replace(case, predicted=innermost(found, structures.values))


def innermost(label_map: np.ndarray, values: Sequence[Sequence[int]]) -> np.ndarray:
    """(*S) uint8: 1 + number of the last structure whose values a voxel has, so of nested regions the innermost; else 0."""
    zones = np.zeros(label_map.shape, np.uint8)
    for number, own in enumerate(values, start=1):
        zones[np.isin(label_map, own)] = number
    return zones


def structures_in(model: Mapping[str, Any]) -> Structures | None:
    """Those of a model.json; None where it does not say."""
    try:
        return Structures.from_dict(model["structures"])
    except (KeyError, TypeError, ValueError):
        return None


def _structures(evidence: Evidence) -> Structures | None:
    """As model.json has them, else as the recipe asks for them."""
    found = structures_in(evidence.model)
    if found is not None:
        return found
    if evidence.manifest is None or evidence.recipe is None:
        return None
    try:
        return structures_of(evidence.manifest, evidence.recipe.data)
    except LaudoError:
        return None


def _truth(structures: Structures, manifest: Manifest, row: int, image: ReadImage) -> np.ndarray:
    """What is true, on the image's grid; nothing where there is no mask file. A picture's mask of another size is laid over it."""
    shape = image.array.shape if image.is_volume else image.array.shape[:2]
    masks = manifest.mask_paths(row)
    if not masks:
        return np.zeros(shape, np.uint8)
    mask = read_mask(masks, manifest.mask_labels).labels
    if mask.shape != shape and mask.ndim == 2:
        whole = Prepare().model_copy(update={"height": shape[0], "width": shape[1]})
        mask = prepare_label_map(mask, image.array, whole)
    if mask.shape != shape:
        raise ValueError(f"{mask.shape} is not {shape}")
    return structures.label_map(mask, int(manifest.labels[row]) if structures.of_label else -1)


def _spacing(image: ReadImage) -> tuple[float, ...]:
    if image.affine is not None:
        return tuple(float(one) for one in np.linalg.norm(image.affine[:3, :3], axis=0))
    return (1.0, 1.0) if image.spacing_mm is None else tuple(image.spacing_mm[:2])


def _grey(image: ReadImage) -> np.ndarray:
    """Stretched over all slices alike; 8-bit pictures as they are."""
    array = image.array
    if array.dtype == np.uint8 and not image.is_volume:
        return array
    values = array.astype(np.float32)
    content = values[values > values.min()]
    low, high = np.percentile(content, BLACK_AND_WHITE) if content.size else (0.0, 1.0)
    return ((values - low) * (255 / max(float(high - low), 1e-12))).clip(0, 255).round().astype(np.uint8)
