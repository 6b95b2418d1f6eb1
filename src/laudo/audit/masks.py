"""Checks of masks: do they lie over their images, and do they say what they seem to say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from laudo.audit.describe_mask import DRAWN, DescribedMask
from laudo.audit.finding import Finding, Status
from laudo.audit.inspect import Inspected
from laudo.audit.seen import Seen
from laudo.audit.usable import mask_fits

TINY = 1e-4
"""Share of the image below which a structure is tiny: one voxel wrong moves its Dice by several per cent, or all of it."""
MOST_TINY = 50
"""Tiny structures that are told one by one."""


def mask_readable(seen: Seen) -> Finding | None:
    """Every mask can be read."""
    return _about(seen, "mask_readable", lambda mask: bool(mask.error), "fail")


def mask_missing(seen: Seen) -> Finding | None:
    """Every sample has a mask, when some have."""
    if not seen.has_masks:
        return None
    without = [row for row, path in enumerate(seen.manifest.table["mask"]) if not path]
    return seen.about("mask_missing", "warn", without)


def mask_size(seen: Seen) -> Finding | None:
    """Every mask has the size of its image."""
    if not seen.has_masks:
        return None
    unfit = seen.where(lambda image: not mask_fits(image, seen.factor))
    if unfit:
        return seen.about("mask_size", "fail", unfit, factor=None)
    if seen.factor is not None and max(seen.factor) != 1.0:
        other = seen.where(lambda image: image.mask is not None and image.mask.shape != image.size)
        return Finding("mask_size", "warn", len(other), (), {"factor": float(seen.factor[0])})
    return Finding("mask_size", "pass", facts={"factor": None})


def mask_empty(seen: Seen) -> Finding | None:
    """Every mask marks something."""
    return _about(seen, "mask_empty", lambda mask: mask.marked == 0)


def mask_full(seen: Seen) -> Finding | None:
    """No mask marks everything."""
    return _about(seen, "mask_full", lambda mask: 0 < mask.total == mask.marked)


def mask_binary(seen: Seen) -> Finding | None:
    """Masks of one region have two values only."""
    if seen.manifest.mask_labels:
        return None
    grey = _rows(seen, lambda mask: mask.grey_edges or len(mask.values) > 2)
    if grey is None:
        return None
    values = Counter(len(mask.values) for row in grey if (mask := seen.images[row].mask))
    return seen.about("mask_binary", "warn", grey, values=max(values, default=2))


def mask_values(seen: Seen) -> Finding | None:
    """Label maps hold the labels that the data set defines, and no other."""
    known = {0, *seen.manifest.mask_labels}
    if len(known) == 1:
        return None
    rows = _rows(seen, lambda mask: not known.issuperset(label for label, _n in mask.counts))
    if rows is None:
        return None
    strange = sorted(
        {label for row in rows if (mask := seen.images[row].mask) for label, _n in mask.counts if label not in known}
    )
    facts = {"strange": ", ".join(map(str, strange)), "known": ", ".join(map(str, sorted(known)))}
    return seen.about("mask_values", "fail", rows, **facts)


def swapped(seen: Seen) -> Finding | None:
    """No image stands in the place of its mask."""
    if not seen.has_masks:
        return None
    return seen.about("swapped", "fail", seen.where(_is_swapped))


def tiny_structures(seen: Seen) -> Finding | None:
    """No structure is so small that its score is decided by a few voxels."""
    if not seen.has_masks:
        return None
    names = seen.manifest.mask_labels
    tiny = []
    for row in seen.where(lambda image: image.mask is not None and not image.mask.error):
        mask = seen.images[row].mask
        assert mask is not None
        regions = mask.counts if names else ((0, mask.marked),)
        tiny += [
            (voxels / mask.total, row, names.get(label, ""), label, voxels, mask.total)
            for label, voxels in regions
            if 0 < voxels < TINY * mask.total
        ]
    tiny.sort()
    rows = list(dict.fromkeys(row for _share, row, *_rest in tiny))
    listed = [
        {
            "sample": seen.samples[row],
            "structure": name or str(label or ""),
            "label": label,
            "voxels": n,
            "total": total,
        }
        for _share, row, name, label, n, total in tiny[:MOST_TINY]
    ]
    return seen.about("tiny_structures", "warn", rows, share=TINY, structures=listed)


def _is_swapped(image: Inspected) -> bool:
    """The image looks drawn, and the mask like a scan."""
    first = image.channels[0]
    return bool(image.mask and image.mask.is_picture and (first.levels == 2 or first.middle < DRAWN))


def _rows(seen: Seen, test: Callable[[DescribedMask], bool]) -> list[int] | None:
    """Rows of the readable masks of which something is true; None when there is no mask in the set."""
    if not seen.has_masks:
        return None
    return seen.where(lambda image: image.mask is not None and not image.mask.error and test(image.mask))


def _about(seen: Seen, check: str, test: Callable[[DescribedMask], bool], bad: Status = "warn") -> Finding | None:
    if not seen.has_masks:
        return None
    broken = check == "mask_readable"
    rows = seen.where(lambda image: image.mask is not None and bool(image.mask.error) == broken and test(image.mask))
    return seen.about(check, bad, rows)
