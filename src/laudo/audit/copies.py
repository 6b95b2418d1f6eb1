"""Checks for copies: within the set, across its parts, and against another set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from laudo.audit.duplicates import NearPair, near_pairs
from laudo.audit.finding import Finding, Status
from laudo.audit.inspect import Inspected
from laudo.audit.seen import Seen, sharing

TOLD_PAIRS = 200
"""Near-identical pairs that are told with their similarity and hash distance."""


def identical_bytes(seen: Seen) -> Finding:
    """No file stands there twice."""
    return _copies("identical_bytes", sharing(seen.samples, seen.manifest.file_keys()))


def identical_pixels(seen: Seen) -> Finding:
    """No two different files hold the same picture."""
    found = sharing(seen.samples, [image.pixels_sha256 if image.channels else "" for image in seen.images])
    files = dict(zip(seen.samples, seen.manifest.file_keys(), strict=True))
    return _copies("identical_pixels", tuple(one for one in found if len({files[name] for name in one}) > 1))


def near_identical(seen: Seen) -> Finding:
    """No picture was saved again in another size, crop or brightness."""
    pixels = dict(zip(seen.samples, (image.pixels_sha256 for image in seen.images), strict=True))
    patients = dict(zip(seen.samples, seen.manifest.table["patient"], strict=True))
    # neighbouring slices of a known patient resemble each other, and stay together anyway
    found = tuple(
        cluster
        for cluster in sharing(seen.samples, _keys(seen.copies))
        if len({pixels[name] for name in cluster}) > 1 and not _one_patient({patients[name] for name in cluster})
    )
    told = {name for cluster in found for name in cluster}
    pairs = [
        _told(pair, one, other)
        for pair in seen.likeness.pairs
        if pair.is_copy
        and (one := seen.samples[pair.first]) in told
        and (other := seen.samples[pair.second]) in told
        and pixels[one] != pixels[other]
    ]
    return _copies("near_identical", found, pairs=pairs[:TOLD_PAIRS])


def near_alike(seen: Seen) -> Finding:
    """No pictures that are not known to be of one person look as if they were: neighbouring slices or frames."""
    found = _only_alike(seen, sharing(seen.samples, _keys(seen.cluster)))
    told = {name for group in found for name in group}
    pairs = [
        _told(pair, one, other)
        for pair in seen.likeness.pairs
        if not pair.is_copy
        and seen.cluster[pair.first] == seen.cluster[pair.second]
        and (one := seen.samples[pair.first]) in told
        and (other := seen.samples[pair.second]) in told
    ]
    images = sum(map(len, found))
    return Finding(
        "near_alike", "warn" if found else "pass", images, found, {"groups": len(found), "pairs": pairs[:TOLD_PAIRS]}
    )


def label_conflict(seen: Seen) -> Finding | None:
    """No copies of one picture carry different labels."""
    if not seen.has_classes:
        return None
    labels = dict(zip(seen.samples, seen.manifest.table["label"], strict=True))
    found = sharing(seen.samples, _keys(seen.copies))
    torn = tuple(cluster for cluster in found if len({labels[name] for name in cluster} - {""}) > 1)
    return Finding("label_conflict", "warn" if torn else "pass", len(torn), torn)


def across_parts(seen: Seen) -> Finding:
    """No patient and no copy stands in two parts of the split, or in two folds."""
    if (torn := _torn(seen, {"copy": seen.copies, "patient": seen.manifest.table["patient"]})) is None:
        return Finding("across_parts", "not_run", facts={"why": "no_split"})
    images = len({name for cluster in torn for name in cluster})
    return Finding("across_parts", "fail" if torn else "pass", images, torn)


def alike_across_parts(seen: Seen) -> Finding:
    """No pictures that look alike, and are neither copies nor known to be of one patient, stand in two parts, or in two folds."""
    if (torn := _torn(seen, {"alike": seen.cluster})) is None:
        return Finding("alike_across_parts", "not_run", facts={"why": "no_split"})
    torn = _only_alike(seen, torn)
    images = len({name for cluster in torn for name in cluster})
    return Finding("alike_across_parts", "warn" if torn else "pass", images, torn)


def _only_alike(seen: Seen, groups: Iterable[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """The groups of pictures that are not all copies of one, nor all of one known patient: other checks tell of those."""
    copies = dict(zip(seen.samples, seen.copies.tolist(), strict=True))
    patients = dict(zip(seen.samples, seen.manifest.table["patient"], strict=True))
    return tuple(
        group
        for group in groups
        if len({copies[name] for name in group}) > 1 and not _one_patient({patients[name] for name in group})
    )


def _torn(seen: Seen, kinds: dict[str, Iterable[Hashable]]) -> tuple[tuple[str, ...], ...] | None:
    """Samples that share a key and stand in different parts, or folds; None when there are neither."""
    if not any(seen.parts):
        return None
    parts: dict[tuple[str, Hashable], set[str]] = defaultdict(set)
    members: dict[tuple[str, Hashable], list[str]] = defaultdict(list)
    for kind, keys in kinds.items():
        for name, part, key in zip(seen.samples, seen.parts, keys, strict=True):
            if part and key not in ("", -1):
                parts[kind, key].add(part)
                members[kind, key].append(name)
    return tuple(tuple(members[key]) for key in parts if len(parts[key]) > 1)


def against(seen: Seen) -> Finding | None:
    """No sample has a copy in another data set, which was to judge the model."""
    if seen.against is None:
        return None
    other, images = seen.against
    others = [str(name) for name in other.table["sample"]]
    near = _pairs_between(seen, images)
    by_file = _matches(seen.manifest.file_keys(), other.file_keys())
    by_pixels = _matches(
        *([one.pixels_sha256 if one.channels else "" for one in part] for part in (seen.images, images))
    )
    pairs = sorted(near | by_file | by_pixels)
    copies = tuple((seen.samples[row], others[far]) for row, far in pairs)
    count = len({row for row, _far in pairs})
    status: Status = "warn" if copies else "pass"
    facts = {"other": other.source, "others": len(other), "same_file": len({row for row, _far in by_file})}
    return Finding("against", status, count, copies, facts)


def _pairs_between(seen: Seen, images: Sequence[Inspected]) -> set[tuple[int, int]]:
    own = [row for row, image in enumerate(seen.images) if image.thumbnail is not None]
    far = [row for row, image in enumerate(images) if image.thumbnail is not None]
    thumbnails = [one for image in (*seen.images, *images) if (one := image.thumbnail) is not None]
    if not own or not far:
        return set()
    found = near_pairs(np.stack(thumbnails))
    return {(own[p.first], far[p.second - len(own)]) for p in found if p.is_copy and p.first < len(own) <= p.second}


def _matches(own: Sequence[str], others: Sequence[str]) -> set[tuple[int, int]]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(others):
        if key:
            places[key].append(place)
    return {(row, place) for row, key in enumerate(own) for place in places.get(key, ())}


def _keys(numbers: np.ndarray) -> list[str]:
    return [str(number) if number >= 0 else "" for number in numbers]


def _told(pair: NearPair, first: str, second: str) -> dict[str, object]:
    figures = {"similarity": round(pair.similarity, 4), "hash_bits": pair.hash_bits, "detail": round(pair.detail, 4)}
    return {"first": first, "second": second, **figures}


def _one_patient(patients: set[str]) -> bool:
    return len(patients) == 1 and "" not in patients


def _copies(check: str, found: tuple[tuple[str, ...], ...], **facts: object) -> Finding:
    copies = sum(len(cluster) - 1 for cluster in found)
    return Finding(check, "warn" if found else "pass", copies, found, {"groups": len(found), **facts})
