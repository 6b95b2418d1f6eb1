"""What is taken away from predicted label maps after the network: components that are small, or all but the largest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from laudo.core.structures import Structures
from laudo.prepare.crop import Box, mask_box

Case = tuple[np.ndarray, np.ndarray, Sequence[float]]
"""True and predicted label map of one case, (X, Y, Z) or (H, W), and its spacing in mm."""

SMALLEST_MM3 = (10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)
"""Smallest sizes that are tried."""
LEAST_GAIN = 1e-3
"""Mean Dice that a rule must add to be taken: less is noise on the few cases of a validation part."""
UNHARMED = 1e-9
"""Mean Dice that another structure may lose: rounding."""


@dataclass(frozen=True)
class Rule:
    """What is done to one structure.

    Attributes:
        structure: its name.
        values: its values in a label map; of a region all that it includes.
        becomes: value of what is taken away: that of the region around it, or 0, background.
        largest: keep the largest component alone.
        smallest_mm3: components below this are taken away; 0 when size does not matter.
    """

    structure: str
    values: tuple[int, ...]
    becomes: int = 0
    largest: bool = False
    smallest_mm3: float = 0.0

    def dropped(self, sizes_mm3: np.ndarray) -> np.ndarray:
        """Which components of these sizes are taken away; of two largest ones the first stays."""
        gone = sizes_mm3 < self.smallest_mm3
        if self.largest and len(sizes_mm3):
            gone |= np.arange(len(sizes_mm3)) != int(np.argmax(sizes_mm3))
        return np.asarray(gone)


@dataclass(frozen=True)
class PostProcessing:
    """Rules in their order, outer regions first; none leaves a label map as it is.

    A component is what touches by a face, an edge or a corner. What is taken away becomes background. Of a region within another
    it becomes what that other one is without it: a spot of enhancing tumour that is not believed is tumour all the same. A voxel
    taken out of a region is out of all regions within it.
    """

    rules: tuple[Rule, ...] = ()

    def apply(self, label_map: np.ndarray, spacing_mm: Sequence[float]) -> np.ndarray:
        """The label map after all rules, dtype kept; the one that is given stays as it is.

        Args:
            label_map: (X, Y, Z) or (H, W) whole numbers.
            spacing_mm: along each axis. A picture is taken for a slice of 1 mm; where its spacing is not known, (1, 1) makes
                pixels of the sizes.
        """
        out = label_map.copy()
        for rule in self.rules:
            box, components, sizes_mm3 = _components(out, rule.values, spacing_mm)
            gone = np.concatenate([[False], rule.dropped(sizes_mm3)])
            if gone.any():
                out[box][gone[components]] = rule.becomes
        return out

    def as_dict(self) -> dict[str, Any]:
        """For model.json."""
        return {"rules": [{**asdict(rule), "values": list(rule.values)} for rule in self.rules]}

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> PostProcessing:
        """What :meth:`as_dict` gave.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        return cls(
            tuple(
                Rule(
                    str(one["structure"]),
                    tuple(int(value) for value in one["values"]),
                    int(one["becomes"]),
                    bool(one["largest"]),
                    float(one["smallest_mm3"]),
                )
                for one in facts["rules"]
            )
        )


def choose_post_processing(cases: Iterable[Case], structures: Structures) -> PostProcessing:
    """The rules that make the mean Dice of validation cases better.

    Structure by structure, outer regions first, each smallest size of :data:`SMALLEST_MM3` and the largest component alone are
    tried on what the rules before have left. One is taken only when

    - the structure's mean Dice over the cases rises by :data:`LEAST_GAIN` or more,
    - in more cases its Dice rises than falls,
    - no other structure's mean Dice falls.

    Of those the one with the highest mean is taken, of equal ones the gentlest (smallest size first, the largest component last).
    Dice is 1 where a structure is neither there nor predicted, and 0 where only one of the two holds.

    Args:
        cases: gone through once a structure; kept in memory when they can be gone through only once.
        structures: what the label maps hold.
    """
    known = cases if iter(cases) is not cases else list(cases)
    taken: list[Rule] = []
    for name, values in structures.by_name.items():
        counts = [_count(case, PostProcessing(tuple(taken)), structures, name) for case in known]
        best = _best(counts, _tried(name, values, _around(name, structures)), structures.names.index(name))
        if best is not None:
            taken.append(best)
    return PostProcessing(tuple(taken))


def _tried(name: str, values: tuple[int, ...], becomes: int) -> list[Rule]:
    by_size = [Rule(name, values, becomes, smallest_mm3=size) for size in SMALLEST_MM3]
    return [*by_size, Rule(name, values, becomes, largest=True)]


def _around(name: str, structures: Structures) -> int:
    """What is written of the region that lies next around this one; 0 without."""
    own = set(structures.by_name[name])
    around = [
        (len(values), value)
        for values, value in zip(structures.values, structures.own_values, strict=True)
        if own < set(values)
    ]
    return min(around)[1] if structures.overlapping and around else 0


def _best(counts: Sequence[_Counts], tried: Sequence[Rule], own: int) -> Rule | None:
    """The rule to be taken for the structure ``own``; None when none may be."""
    if not counts:
        return None
    before = np.array([case.dice(None) for case in counts])
    best, most = None, LEAST_GAIN
    for rule in tried:
        gained = np.array([case.dice(rule) for case in counts]) - before
        mean = gained.mean(axis=0)
        risen, fallen = (gained[:, own] > UNHARMED).sum(), (gained[:, own] < -UNHARMED).sum()
        if mean[own] >= most + (UNHARMED if best else 0.0) and risen > fallen and mean.min() >= -UNHARMED:
            best, most = rule, mean[own]
    return best


@dataclass(frozen=True)
class _Counts:
    """Voxels of one case, by component of the structure that is looked at: a rule is scored without applying it.

    Attributes:
        sizes_mm3: of the components.
        lost: (components, structures) predicted voxels that each structure loses with a component.
        lost_both: of those the ones that are predicted rightly.
        predicted: (structures) voxels in the whole case.
        both: those that are predicted rightly.
        true: those of the truth.
    """

    sizes_mm3: np.ndarray
    lost: np.ndarray
    lost_both: np.ndarray
    predicted: np.ndarray
    both: np.ndarray
    true: np.ndarray

    def dice(self, rule: Rule | None) -> np.ndarray:
        """Of each structure after a rule; None: as it is."""
        gone = np.zeros(len(self.sizes_mm3), bool) if rule is None else rule.dropped(self.sizes_mm3)
        predicted = self.predicted - self.lost[gone].sum(axis=0)
        both = self.both - self.lost_both[gone].sum(axis=0)
        total = predicted + self.true
        return np.where(total > 0, 2 * both / np.maximum(total, 1), 1.0)


def _count(case: Case, so_far: PostProcessing, structures: Structures, name: str) -> _Counts:
    truth, predicted, spacing_mm = case
    if truth.shape != predicted.shape:
        raise ValueError(f"the truth has the shape {truth.shape}, the prediction {predicted.shape}")
    predicted = so_far.apply(predicted, spacing_mm)
    box, components, sizes_mm3 = _components(predicted, structures.by_name[name], spacing_mm)
    marked, length, becomes = components > 0, len(sizes_mm3) + 1, _around(name, structures)
    places, was, true = components[marked], predicted[box][marked], truth[box][marked]
    lost, lost_both, whole = [], [], []
    for values in structures.values:
        loses = np.isin(was, values) & (becomes not in values)
        lost.append(np.bincount(places[loses], minlength=length)[1:])
        lost_both.append(np.bincount(places[loses & np.isin(true, values)], minlength=length)[1:])
        one, other = np.isin(predicted, values), np.isin(truth, values)
        whole.append([one.sum(), (one & other).sum(), other.sum()])
    return _Counts(sizes_mm3, np.array(lost).T, np.array(lost_both).T, *np.array(whole).T)


def _components(
    label_map: np.ndarray, values: Sequence[int], spacing_mm: Sequence[float]
) -> tuple[Box, np.ndarray, np.ndarray]:
    """The box around a structure, the number of each voxel's component in it (0: none), and the sizes of 1, 2, …"""
    if len(spacing_mm) != label_map.ndim:
        raise ValueError(f"{len(spacing_mm)} spacings for {label_map.ndim} axes")
    inside = np.isin(label_map, values)
    box = mask_box(inside) or tuple(slice(0, 0) for _axis in range(label_map.ndim))
    components, count = ndimage.label(inside[box], structure=np.ones((3,) * label_map.ndim))
    sizes = np.bincount(components.ravel(), minlength=count + 1)[1:]
    return box, components, sizes * float(np.prod(spacing_mm))
