"""What the masks of a data set mark, and how a network's outputs stand for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from laudo.core.errors import DataError, RecipeError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.recipe import Data

LESION = "lesion"
"""Name of what is marked, where the data set has none for it."""


@dataclass(frozen=True)
class Structures:
    """The structures of a target.

    Attributes:
        names: of the structures, without the background.
        values: of each, its values in the label maps that are read and written; of overlapping ones, all that it includes.
        overlapping: nested regions, the outer ones first, each an output of its own; else a voxel is background or one structure.
        any_value: every value but 0 is the single structure: a mask that is one region, whatever its value.
        of_label: what is marked is the structure of the sample's own class.
    """

    names: tuple[str, ...]
    values: tuple[tuple[int, ...], ...]
    overlapping: bool = False
    any_value: bool = False
    of_label: bool = False

    @property
    def outputs(self) -> int:
        """Outputs of the network: one a region, or background and one a structure."""
        return len(self.names) if self.overlapping else len(self.names) + 1

    @property
    def by_name(self) -> dict[str, tuple[int, ...]]:
        """Values of each structure in a label map."""
        return dict(zip(self.names, self.values, strict=True))

    @property
    def own_values(self) -> tuple[int, ...]:
        """What is written for each structure: of a region, the value that no region inside it includes."""
        if not self.overlapping:
            return tuple(one[0] for one in self.values)
        inner = [*self.values[1:], ()]
        return tuple(min(set(outer) - set(within)) for outer, within in zip(self.values, inner, strict=True))

    def label_map(self, mask: np.ndarray, label: int = -1) -> np.ndarray:
        """What is true of one sample, in the values that are written.

        Args:
            mask: as it was read.
            label: index of the sample's class, where :attr:`of_label`.

        Returns:
            Of the mask's shape, uint8 or int16; values that belong to no structure are 0.
        """
        if self.any_value or self.of_label:
            value = self.values[label if self.of_label else 0][0]
            return np.asarray((mask != 0) * value).astype(np.uint8 if value < 256 else np.int16)
        known = sorted({value for values in self.values for value in values})
        return np.where(np.isin(mask, known), mask, 0)

    def targets(self, label_map: np.ndarray) -> np.ndarray:
        """What is learned from a (*S) label map: (*S) uint8 index of the output, or (R, *S) uint8 of overlapping regions."""
        if self.overlapping:
            return np.stack([np.isin(label_map, values) for values in self.values]).astype(np.uint8)
        indices = np.zeros(label_map.shape, dtype=np.uint8)
        for index, values in enumerate(self.values, start=1):
            indices[np.isin(label_map, values)] = index
        return indices

    def written(self, outputs: np.ndarray) -> np.ndarray:
        """(*S) label map of a network's (K, *S) probabilities, or of their logits where each voxel is one structure.

        Regions count from 0.5 on; a voxel of an inner region belongs to all around it.
        """
        kind = np.uint8 if max(self.own_values) < 256 and min(self.own_values) >= 0 else np.int16
        if not self.overlapping:
            return np.asarray(np.array([0, *self.own_values], dtype=kind)[outputs.argmax(axis=0)])
        made = np.zeros(outputs.shape[1:], dtype=kind)
        for value, inside in zip(self.own_values, outputs >= 0.5, strict=True):
            made[inside] = value
        return made

    def as_dict(self) -> dict[str, Any]:
        """For model.json."""
        return {
            "names": list(self.names),
            "values": [list(values) for values in self.values],
            "overlapping": self.overlapping,
            "any_value": self.any_value,
            "of_label": self.of_label,
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Structures:
        """What :meth:`as_dict` gave.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        values = tuple(tuple(int(value) for value in one) for one in facts["values"])
        names = tuple(str(name) for name in facts["names"])
        if len(names) != len(values) or not all(values):
            raise ValueError("names and values of the structures")
        return cls(names, values, bool(facts["overlapping"]), bool(facts["any_value"]), bool(facts["of_label"]))


def structures_of(manifest: Manifest, data: Data) -> Structures:
    """The structures that a recipe asks for.

    Raises:
        DataError: no sample has a mask, or the samples have no class where the mask is to bear it.
        RecipeError: a region names a value that the data set does not have.
    """
    if not (manifest.table["mask"] != "").any():
        raise DataError(
            _("None of the samples has a mask to learn from."),
            file=manifest.root,
            cure=_("Choose a data set with masks, or a recipe that predicts a class."),
        )
    if data.target == "mask_and_label":
        if len(manifest.classes) < 2:
            raise DataError(
                _("A classifier needs at least two classes."),
                file=manifest.root,
                found=", ".join(manifest.classes) or "–",
            )
        return Structures(
            manifest.classes, tuple((index,) for index in range(1, len(manifest.classes) + 1)), of_label=True
        )
    if data.regions:
        _known(data.regions, manifest.mask_labels)
        return Structures(tuple(data.regions), tuple(data.regions.values()), overlapping=True)
    if not manifest.mask_labels:
        return Structures((LESION,), ((1,),), any_value=True)
    return Structures(tuple(manifest.mask_labels.values()), tuple((value,) for value in manifest.mask_labels))


def require_classes(manifest: Manifest) -> None:
    """Refuse samples without a class, where what is marked is to bear it.

    Raises:
        DataError: names them.
    """
    bare = manifest.table["sample"][manifest.labels < 0].astype(str).tolist()
    if bare:
        raise DataError(
            _("Samples have no class for their mask to bear: {n} of {total}.").format(n=len(bare), total=len(manifest)),
            file=manifest.root,
            found=", ".join(bare[:5]),
            cure=_("Leave them out, or outline without naming a class: --set data.target=mask"),
        )


def _known(regions: Mapping[str, Sequence[int]], labels: Mapping[int, str]) -> None:
    strange = sorted({value for values in regions.values() for value in values} - set(labels))
    if strange:
        raise RecipeError(
            _("data.regions names values that the masks of this data set do not have."),
            found=", ".join(map(str, strange)),
            expected=", ".join(f"{value} ({name})" for value, name in labels.items()) or "–",
        )
