"""Checks of what can be learned and judged at all: classes, groups and parts."""

from __future__ import annotations

from collections import Counter

import numpy as np

from laudo.audit.finding import Finding
from laudo.audit.seen import Seen
from laudo.core.manifest import PARTS

SMALLEST_CLASS = 10
"""A class with fewer samples can be neither learned nor evaluated."""
FEWEST_GROUPS = 5
"""A class with fewer groups can not be in every fold of five, and has no interval worth the name."""
FEWEST_IN_PART = 5
"""Samples of a class below which figures on a part say nothing of it."""
LARGEST_GROUP = 0.2
"""Share of the set from which one group decides the figures of its part."""
TOLD = 50
"""Samples of such a group that are named."""


def class_balance(seen: Seen) -> Finding | None:
    """Every class is large enough."""
    if not seen.has_classes:
        return None
    counts = {name: n for name, n in sorted(seen.manifest.counts.items(), key=lambda one: -one[1]) if n}
    small = {name: n for name, n in counts.items() if n < SMALLEST_CLASS}
    facts = {"counts": counts, "small": small, "least": SMALLEST_CLASS}
    return Finding("class_balance", "warn" if small else "pass", len(small) if small else len(counts), (), facts)


def class_groups(seen: Seen) -> Finding | None:
    """Every class has samples of enough patients."""
    if not seen.has_classes:
        return None
    members = seen.manifest.membership.T
    groups = {name: len(np.unique(seen.groups[has])) for name, has in zip(seen.manifest.classes, members, strict=True)}
    few = {name: n for name, n in groups.items() if n < FEWEST_GROUPS}
    facts = {"counts": few or groups, "least": FEWEST_GROUPS}
    return Finding("class_groups", "warn" if few else "pass", len(few), (), facts)


def part_balance(seen: Seen) -> Finding | None:
    """Every class is in every part, or every fold, often enough to be judged there."""
    if not seen.has_classes:
        return None
    if not any(seen.parts):
        return Finding("part_balance", "not_run", facts={"why": "no_split"})
    counts = Counter(
        (seen.parts[row], seen.manifest.classes[index]) for row, index in np.argwhere(seen.manifest.membership)
    )
    named = sorted(set(seen.parts) - {"", *PARTS}, key=lambda part: (len(part), part))
    parts = [*(part for part in PARTS if part in seen.parts), *named]
    few = {
        f"{part}: {name}": counts[part, name]
        for part in parts
        for name in seen.manifest.classes
        if counts[part, name] < FEWEST_IN_PART
    }
    return Finding("part_balance", "warn" if few else "pass", len(few), (), {"counts": few, "least": FEWEST_IN_PART})


def group_size(seen: Seen) -> Finding:
    """No patient, and no cluster of copies, is so large that it decides the figures."""
    names, counts = np.unique(seen.groups, return_counts=True)
    largest = int(counts.max()) if len(counts) else 0
    share = largest / max(1, len(seen.samples))
    facts = {"groups": len(names), "largest": largest, "share": share, "level": LARGEST_GROUP}
    if share <= LARGEST_GROUP or len(seen.samples) < 2 * FEWEST_GROUPS:
        return Finding("group_size", "pass", facts=facts)
    rows = np.flatnonzero(seen.groups == names[int(counts.argmax())])
    return Finding("group_size", "warn", largest, (tuple(seen.samples[row] for row in rows[:TOLD]),), facts)


def patient_ids(seen: Seen) -> Finding:
    """It is known which images are of one patient."""
    known = int((seen.manifest.table["patient"] != "").sum())
    return Finding("patient_ids", "pass" if known == len(seen.manifest) else "warn", len(seen.manifest) - known)
