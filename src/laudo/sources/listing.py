"""The last steps from rows to a manifest: hashes, and a word on what the rows name but the disk does not hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from laudo.core.errors import DataError
from laudo.core.manifest import SEPARATOR, Manifest
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.sources.hashes import with_hashes
from laudo.sources.layout import LISTED, misfit, some
from laudo.sources.records import exists
from laudo.sources.source import Source


def make_manifest(
    source: Source,
    root: Path,
    rows: Sequence[dict[str, object]],
    classes: Sequence[str] = (),
    channels: Sequence[str] = (),
    mask_labels: dict[int, str] | None = None,
) -> Manifest:
    """Manifest of ``rows``. Files that are not there stay in it with an empty hash, so that the audit names them.

    Raises:
        DataError: there are no rows, or none of their images is there.
    """
    if not rows:
        raise misfit(source, root, [])
    hashed = with_hashes(rows, root)
    no_image = [path for row in hashed if not row["sha256"] for path in _absent(row.get("image"), root)]
    no_mask = [path for row in hashed if not row["mask_sha256"] for path in _absent(row.get("mask"), root)]
    if no_image and all(_absent(row.get("image"), root) == str(row["image"]).split(SEPARATOR) for row in hashed):
        raise DataError(
            _("None of the images is there."),
            file=root,
            expected=source.layout,
            found=_("{n} files missing").format(n=len(no_image)),
            details=tuple(no_image[:LISTED]),
        )
    if no_image:
        say(_("Image files that are not there: {n} ({names})").format(n=len(no_image), names=some(no_image)))
    if no_mask:
        say(_("Mask files that are not there: {n} ({names})").format(n=len(no_mask), names=some(no_mask)))
    return Manifest.from_rows(hashed, root, source.name, classes, channels, mask_labels)


def _absent(joined: object, root: Path) -> list[str]:
    """Those of the joined paths that are not there, members cut off."""
    return [path for path in str(joined).split(SEPARATOR) if not exists(root / path)] if joined else []


def natural(name: str) -> list[tuple[int, str]]:
    """Sorting key that counts numbers as numbers: ``2.mat`` before ``10.mat``."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]
