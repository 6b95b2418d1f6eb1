"""Where a prepared volume lies in the one it was made from, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

Voxels = tuple[int, int, int]


@dataclass(frozen=True)
class Geometry:
    """Grids of a volume before and after its preparation, both RAS+.

    A voxel ``i`` of the input lies at ``i × scale + shift`` of the prepared volume, axis by axis.

    Attributes:
        input_shape: of the volume as the reader gave it.
        input_affine: (4, 4) from its voxel indices to millimetres.
        shape: of the prepared volume.
        scale: prepared voxels an input voxel.
        shift: where the input's first voxel lies, in prepared voxels.
    """

    input_shape: Voxels
    input_affine: np.ndarray
    shape: Voxels
    scale: tuple[float, float, float]
    shift: tuple[float, float, float]

    @property
    def affine(self) -> np.ndarray:
        """(4, 4) from voxel indices of the prepared volume to millimetres in RAS+."""
        back = np.eye(4)
        back[:3, :3] = np.diag(1 / np.array(self.scale))
        back[:3, 3] = -np.array(self.shift) / np.array(self.scale)
        return np.asarray(self.input_affine @ back)

    def to_input(self, volume: np.ndarray, linear: bool = False) -> np.ndarray:
        """Bring a volume on the prepared grid back to the input's grid; what was cut away is 0.

        Args:
            volume: (X, Y, Z) on the prepared grid.
            linear: interpolate (probabilities); default: the nearest voxel (label maps).

        Returns:
            Of ``input_shape``, dtype kept.
        """
        if volume.shape != self.shape:
            raise ValueError(f"{volume.shape} is not the prepared shape {self.shape}")
        back: np.ndarray = ndimage.affine_transform(
            volume,
            np.array(self.scale),
            offset=self.shift,
            output_shape=self.input_shape,
            order=1 if linear else 0,
            mode="grid-constant",
            cval=0.0,
        )
        return back

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "input_shape": list(self.input_shape),
            "input_affine": np.asarray(self.input_affine).tolist(),
            "shape": list(self.shape),
            "scale": list(self.scale),
            "shift": list(self.shift),
        }

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Geometry:
        """What :meth:`as_dict` gave.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        affine = np.array(facts["input_affine"], dtype=np.float64).reshape(4, 4)
        return cls(
            _three(facts["input_shape"]),
            affine,
            _three(facts["shape"]),
            _numbers(facts["scale"]),
            _numbers(facts["shift"]),
        )


def _three(values: Sequence[Any]) -> Voxels:
    x, y, z = (int(value) for value in values)
    return x, y, z


def _numbers(values: Sequence[Any]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
