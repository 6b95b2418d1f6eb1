"""The checks of a data set: each takes what was seen and gives a finding."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from laudo.audit.duplicates import clusters, near_pairs
from laudo.audit.finding import Finding
from laudo.audit.inspect import Inspected
from laudo.core.manifest import Manifest

SMALLEST_SIDE = 32
"""Images below this many pixels on a side hold too little for a network."""
SMALLEST_CLASS = 10
"""A class with fewer samples can be neither learned nor evaluated."""


@dataclass(frozen=True)
class Seen:
    """What the checks look at: the samples, and what each image looks like.

    ``cluster`` is the (n,) number of each image's cluster of copies; -1 for images that could not be read.
    """

    manifest: Manifest
    images: Sequence[Inspected]
    cluster: np.ndarray

    def names(self, indices: Sequence[int] | np.ndarray) -> tuple[tuple[str, ...], ...]:
        """Sample names as a finding wants them, one each."""
        samples = self.manifest.table["sample"]
        return tuple((str(samples.iloc[index]),) for index in indices)


def find_clusters(images: Sequence[Inspected]) -> np.ndarray:
    """(n,) cluster of identical and near-identical images; -1 where there is no image."""
    readable = [index for index, image in enumerate(images) if image.thumbnail is not None]
    cluster = np.full(len(images), -1, dtype=np.int64)
    if not readable:
        return cluster
    thumbnails = np.stack([image.thumbnail for image in images if image.thumbnail is not None])
    pairs = [(pair.first, pair.second) for pair in near_pairs(thumbnails)]
    first_with: dict[str, int] = {}
    for place, index in enumerate(readable):
        pairs.append((first_with.setdefault(images[index].pixels_sha256, place), place))
    cluster[readable] = clusters(len(readable), pairs)
    return cluster


def readable(seen: Seen) -> Finding:
    """Every file gives an image."""
    broken = [index for index, image in enumerate(seen.images) if image.error]
    return Finding("readable", "fail" if broken else "pass", len(broken), seen.names(broken))


def looks_like_mask(seen: Seen) -> Finding:
    """No image has only two levels."""
    masks = [index for index, image in enumerate(seen.images) if image.looks_like_mask]
    return Finding("looks_like_mask", "fail" if masks else "pass", len(masks), seen.names(masks))


def constant(seen: Seen) -> Finding:
    """No image is of one level."""
    flat = [index for index, image in enumerate(seen.images) if image.error is None and image.levels < 2]
    return Finding("constant", "fail" if flat else "pass", len(flat), seen.names(flat))


def too_small(seen: Seen) -> Finding:
    """No image is smaller than :data:`SMALLEST_SIDE`."""
    small = [i for i, image in enumerate(seen.images) if image.error is None and min(image.size) < SMALLEST_SIDE]
    return Finding("too_small", "warn" if small else "pass", len(small), seen.names(small), {"side_px": SMALLEST_SIDE})


def ending(seen: Seen) -> Finding:
    """Every ending tells the truth."""
    lying = [index for index, image in enumerate(seen.images) if "ending" in image.notes]
    return Finding("ending", "warn" if lying else "pass", len(lying), seen.names(lying))


def alpha(seen: Seen) -> Finding:
    """No image has a transparency channel."""
    transparent = [index for index, image in enumerate(seen.images) if "alpha" in image.notes]
    return Finding("alpha", "warn" if transparent else "pass", len(transparent), seen.names(transparent))


def identical_bytes(seen: Seen) -> Finding:
    """No file stands there twice."""
    return _copies("identical_bytes", seen, list(seen.manifest.table["sha256"]))


def identical_pixels(seen: Seen) -> Finding:
    """No two different files hold the same picture."""
    keys = [image.pixels_sha256 for image in seen.images]
    finding = _copies("identical_pixels", seen, keys)
    hashes = dict(zip(seen.manifest.table["sample"], seen.manifest.table["sha256"], strict=True))
    different = tuple(cluster for cluster in finding.samples if len({hashes[name] for name in cluster}) > 1)
    return _with_clusters("identical_pixels", different)


def near_identical(seen: Seen) -> Finding:
    """No picture was saved again in another size, crop or brightness."""
    keys = [str(number) if number >= 0 else "" for number in seen.cluster]
    finding = _copies("near_identical", seen, keys)
    pixels = dict(zip(seen.manifest.table["sample"], (image.pixels_sha256 for image in seen.images), strict=True))
    patients = dict(zip(seen.manifest.table["sample"], seen.manifest.table["patient"], strict=True))
    # neighbouring slices of a known patient resemble each other, and stay together anyway
    different = tuple(
        cluster
        for cluster in finding.samples
        if len({pixels[name] for name in cluster}) > 1 and not _one_patient({patients[name] for name in cluster})
    )
    return _with_clusters("near_identical", different)


def label_conflict(seen: Seen) -> Finding:
    """No copies of one picture carry different labels."""
    labels = dict(zip(seen.manifest.table["sample"], seen.manifest.table["label"], strict=True))
    keys = [str(number) if number >= 0 else "" for number in seen.cluster]
    torn = tuple(cluster for cluster in _copies("", seen, keys).samples if len({labels[name] for name in cluster}) > 1)
    return Finding("label_conflict", "warn" if torn else "pass", len(torn), torn)


def class_balance(seen: Seen) -> Finding:
    """Every class is large enough."""
    counts = {str(name): int(n) for name, n in seen.manifest.table["label"].value_counts().items()}
    small = min(counts.values(), default=0) < SMALLEST_CLASS
    return Finding("class_balance", "warn" if small else "pass", len(counts), (), {"counts": counts})


def patient_ids(seen: Seen) -> Finding:
    """It is known which images are of one patient."""
    known = int((seen.manifest.table["patient"] != "").sum())
    return Finding("patient_ids", "pass" if known == len(seen.manifest) else "warn", len(seen.manifest) - known)


def across_parts(seen: Seen) -> Finding:
    """No picture has a copy in another part of the split."""
    table = seen.manifest.table
    if (table["split"] == "").all():
        return Finding("across_parts", "not_run")
    parts = defaultdict(set)
    members = defaultdict(list)
    for name, part, number, group in zip(table["sample"], table["split"], seen.cluster, table["patient"], strict=True):
        for key in ([("copy", number)] if number >= 0 else []) + ([("patient", group)] if group else []):
            parts[key].add(part)
            members[key].append(str(name))
    torn = tuple(tuple(members[key]) for key in parts if len(parts[key]) > 1)
    images = len({name for cluster in torn for name in cluster})
    return Finding("across_parts", "fail" if torn else "pass", images, torn)


CHECKS: dict[str, Callable[[Seen], Finding]] = {
    check.__name__: check
    for check in (
        readable,
        looks_like_mask,
        constant,
        too_small,
        ending,
        alpha,
        identical_bytes,
        identical_pixels,
        near_identical,
        label_conflict,
        class_balance,
        patient_ids,
        across_parts,
    )
}
"""Every check, in the order of the report. A new one is a function above, a line here and its sentence in sentences.py."""


def run_checks(seen: Seen) -> list[Finding]:
    """All findings."""
    return [check(seen) for check in CHECKS.values()]


def _one_patient(patients: set[str]) -> bool:
    return len(patients) == 1 and "" not in patients


def _copies(check: str, seen: Seen, keys: Sequence[str]) -> Finding:
    """Samples that share a key, cluster by cluster; an empty key is shared with nobody."""
    members = defaultdict(list)
    for name, key in zip(seen.manifest.table["sample"], keys, strict=True):
        if key:
            members[key].append(str(name))
    return _with_clusters(check, tuple(tuple(names) for names in members.values() if len(names) > 1))


def _with_clusters(check: str, found: tuple[tuple[str, ...], ...]) -> Finding:
    copies = sum(len(cluster) - 1 for cluster in found)
    return Finding(check, "warn" if found else "pass", copies, found, {"groups": len(found)})
