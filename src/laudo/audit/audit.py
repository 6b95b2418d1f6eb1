"""The audit of a manifest: look at every image once, group the copies, run the checks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from laudo.audit.checks import CHECKS, Seen, across_parts, find_clusters, run_checks
from laudo.audit.finding import Finding
from laudo.audit.inspect import Inspected, inspect_images
from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import _


@dataclass(frozen=True)
class Audit:
    """What is known of a data set.

    Attributes:
        manifest: the usable samples, with the column ``duplicates`` filled.
        findings: of all samples, the unusable ones included.
        skipped: sample and reason of those that were left out.
        images: what each usable image looks like, in the order of the manifest.
    """

    manifest: Manifest
    findings: tuple[Finding, ...]
    skipped: tuple[tuple[str, str], ...]
    images: tuple[Inspected, ...]

    def as_dict(self) -> dict[str, Any]:
        """For audit.json."""
        return {
            "checks_run": sum(finding.status != "not_run" for finding in self.findings),
            "checks_total": len(CHECKS),
            "findings": [finding.as_dict() for finding in self.findings],
            "skipped": [{"sample": sample, "what": what} for sample, what in self.skipped],
        }

    def with_groups(self, manifest: Manifest) -> Audit:
        """The same audit with the manifest that has its groups."""
        return replace(self, manifest=manifest)

    def with_split(self, manifest: Manifest) -> Audit:
        """The same audit once the samples have their parts: the last check can be run."""
        cluster = manifest.table["duplicates"].str.removeprefix("copy-").astype(int).to_numpy()
        finding = across_parts(Seen(manifest, self.images, cluster))
        others = tuple(f for f in self.findings if f.check != finding.check)
        return replace(self, manifest=manifest, findings=(*others, finding))


def audit_manifest(manifest: Manifest, unreadable: str = "stop") -> Audit:
    """Look at every image, find copies and run the checks.

    Args:
        manifest: samples of one data set.
        unreadable: ``skip`` leaves broken images and masks out, ``stop`` refuses the data set because of them.

    Raises:
        DataError: images can not be used and ``unreadable`` is ``stop``; or none is left, or a class is.
    """
    images = inspect_images(manifest)
    reasons = {index: _reason(image) for index, image in enumerate(images)}
    skipped = [(str(manifest.table["sample"].iloc[index]), reason) for index, reason in reasons.items() if reason]
    if skipped and unreadable == "stop":
        raise DataError(
            _("Images that can not be used: {n} of {total}.").format(n=len(skipped), total=len(manifest)),
            file=manifest.root,
            details=tuple(f"{sample}: {reason}" for sample, reason in skipped[:20]),
            cure=_("Mend or remove them, or leave them out and have them listed: --set data.unreadable=skip"),
        )
    cluster = find_clusters(images)
    findings = run_checks(Seen(manifest, images, cluster))
    keep = np.array([index for index, reason in reasons.items() if not reason], dtype=np.int64)
    usable = manifest.rows(keep).with_columns(duplicates=[f"copy-{number}" for number in cluster[keep]])
    _check_classes(usable)
    return Audit(usable, tuple(findings), tuple(skipped), tuple(images[index] for index in keep))


def _reason(image: Inspected) -> str:
    """Why an image can not be used; empty when it can."""
    if image.error:
        return f"{image.error.what} ({image.error.found})" if image.error.found else image.error.what
    if image.looks_like_mask:
        return _("it has two levels only and looks like a mask, not like a scan")
    if image.levels < 2:
        return _("every pixel has the same value")
    return ""


def _check_classes(manifest: Manifest) -> None:
    counts = manifest.table["label"].value_counts()
    empty = [name for name in manifest.classes if counts.get(name, 0) < 2]
    if empty:
        raise DataError(
            _("A class has too few usable images."),
            file=manifest.root,
            expected=_("at least two images a class"),
            found=", ".join(f"{name}: {counts.get(name, 0)}" for name in empty),
        )
