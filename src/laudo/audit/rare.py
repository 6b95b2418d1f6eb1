"""Classes with too few samples: which they are, and a set without them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from laudo.core.manifest import Manifest
from laudo.core.messages import _


def rare_classes(manifest: Manifest, below: int) -> tuple[str, ...]:
    """Classes with fewer samples than ``below``, those without any included."""
    return tuple(name for name, n in manifest.counts.items() if n < below)


def rare_reasons(manifest: Manifest, below: int) -> list[str]:
    """Why each sample is left out for its class, in words; "" when it stays.

    A sample that goes takes its other labels with it, so further classes may become rare: they go too.
    """
    members = manifest.membership
    counts = members.sum(axis=0)
    text = _("its class is rare: {name}, {n} of at least {below}")
    why = [""] * len(manifest)
    while True:
        stays = np.array([not reason for reason in why], dtype=bool)
        left = members[stays].sum(axis=0) if len(why) else counts
        going = np.flatnonzero(stays & members[:, left < below].any(axis=1))
        if not len(going):
            return why
        for row in going:
            index = int(np.flatnonzero(members[row] & (left < below))[0])
            why[row] = text.format(name=manifest.classes[index], n=int(counts[index]), below=below)


def without_rare(manifest: Manifest, below: int) -> Manifest:
    """The samples of the other classes; the classes without a sample are no longer named."""
    kept = manifest.rows(np.array([row for row, why in enumerate(rare_reasons(manifest, below)) if not why], dtype=int))
    return replace(kept, classes=tuple(name for name, n in kept.counts.items() if n))
