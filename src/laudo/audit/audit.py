"""The audit of a manifest: look at every sample once, group the copies, run the checks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from laudo.audit.checks import CHECKS, SPLIT_CHECKS, run_checks
from laudo.audit.finding import Finding
from laudo.audit.inspect import Inspected, inspect_images
from laudo.audit.rare import rare_reasons
from laudo.audit.seen import Likeness, Seen, find_likeness
from laudo.audit.usable import reasons
from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import _


@dataclass(frozen=True)
class Audit:
    """What is known of a data set.

    Attributes:
        manifest: the usable samples, with the column ``duplicates`` filled.
        findings: of all samples, the unusable ones included; of each check that applies to the set.
        skipped: sample and reason of those that were left out.
        images: what each usable sample looks like, in the order of the manifest.
        likeness: which usable samples are copies of each other, or look alike.
        pictures: thumbnail of every sample that could be read, the unusable ones included.
    """

    manifest: Manifest
    findings: tuple[Finding, ...]
    skipped: tuple[tuple[str, str], ...]
    images: tuple[Inspected, ...]
    likeness: Likeness = field(default_factory=lambda: Likeness(np.zeros(0, dtype=np.int64)))
    pictures: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """For audit.json. ``checks_total`` counts the checks that apply to the set; the others are named."""
        applied = [finding.check for finding in self.findings]
        return {
            "checks_run": sum(finding.status != "not_run" for finding in self.findings),
            "checks_total": len(applied),
            "not_applicable": [check for check in CHECKS if check not in applied],
            "samples": len(self.manifest) + len(self.skipped),
            "findings": [finding.as_dict() for finding in self.findings],
            "skipped": [{"sample": sample, "what": what} for sample, what in self.skipped],
        }

    def with_groups(self, manifest: Manifest) -> Audit:
        """The same audit with the manifest that has its groups."""
        return replace(self, manifest=manifest)

    def with_split(self, manifest: Manifest) -> Audit:
        """The same audit once the samples have their parts: the checks of the split can be run."""
        seen = Seen(manifest, self.images, self.likeness)
        fresh = {check.__name__: finding for check in SPLIT_CHECKS if (finding := check(seen)) is not None}
        findings = tuple(fresh.get(finding.check, finding) for finding in self.findings)
        return replace(self, manifest=manifest, findings=findings)


def audit_manifest(
    manifest: Manifest,
    unreadable: str = "stop",
    against: Manifest | None = None,
    masks_needed: bool = True,
    drop_below: int = 0,
) -> Audit:
    """Look at every sample, find copies and run the checks.

    Args:
        manifest: samples of one data set.
        unreadable: ``skip`` leaves unusable samples out, ``stop`` refuses the data set because of them
            (:mod:`laudo.audit.usable` says what makes a sample unusable).
        against: another data set, whose samples must not be copies of these.
        masks_needed: whether a sample is of use with its mask only; the findings are the same.
        drop_below: classes with fewer usable samples than this are left out with their samples; 0: none is.

    Raises:
        DataError: samples can not be used and ``unreadable`` is ``stop``.
    """
    images = inspect_images(manifest)
    why = reasons(images, masks_needed)
    names = [str(sample) for sample in manifest.table["sample"]]
    skipped = [(sample, reason) for sample, reason in zip(names, why, strict=True) if reason]
    if skipped and unreadable == "stop":
        raise DataError(
            _("Images that can not be used: {n} of {total}.").format(n=len(skipped), total=len(manifest)),
            file=manifest.root,
            details=tuple(f"{sample}: {reason}" for sample, reason in skipped[:20]),
            cure=_("Mend or remove them, or leave them out and have them listed: --set data.unreadable=skip"),
        )
    if drop_below:
        why = _with_rare(manifest, why, drop_below)
        skipped = [(sample, reason) for sample, reason in zip(names, why, strict=True) if reason]
    likeness = find_likeness(images, [str(one) for one in manifest.table["patient"]])
    other = None if against is None else (against, inspect_images(against))
    findings = run_checks(Seen(manifest, images, likeness, other))
    keep = np.array([index for index, reason in enumerate(why) if not reason], dtype=np.int64)
    usable = manifest.rows(keep).with_columns(duplicates=[f"copy-{number}" for number in likeness.cluster[keep]])
    if drop_below:
        usable = replace(usable, classes=tuple(name for name, n in usable.counts.items() if n))
    row = {int(index): place for place, index in enumerate(keep)}
    pairs = (
        replace(p, first=row[p.first], second=row[p.second])
        for p in likeness.pairs
        if {p.first, p.second} <= row.keys()
    )
    return Audit(
        usable,
        tuple(findings),
        tuple(skipped),
        tuple(images[index] for index in keep),
        Likeness(likeness.cluster[keep], tuple(pairs), likeness.copies[keep]),
        {name: image.thumbnail for name, image in zip(names, images, strict=True) if image.thumbnail is not None},
    )


def _with_rare(manifest: Manifest, why: list[str], below: int) -> list[str]:
    """The reasons, and for the usable samples of a rare class that."""
    usable = np.flatnonzero([not reason for reason in why])
    told = list(why)
    for index, reason in zip(usable, rare_reasons(manifest.rows(usable), below), strict=True):
        told[index] = reason
    return told
