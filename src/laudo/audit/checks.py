"""Every check of a data set, in one place and in the order of the report.

A check takes what was seen and gives a finding; None when it does not apply (no masks, no texts, no classes). A new one is a
function in the file of its kind, a line here, its title in ``titles.py`` and its sentences in ``sentences.py`` and beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from laudo.audit import balance, copies, integrity, marks, masks, nuisance, text, volumes
from laudo.audit.finding import Finding
from laudo.audit.seen import Seen

Check = Callable[[Seen], Finding | None]

CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        integrity.readable,
        integrity.modalities,
        integrity.looks_like_mask,
        integrity.constant,
        integrity.near_uniform,
        integrity.too_small,
        integrity.ending,
        integrity.alpha,
        integrity.intensity_range,
        masks.mask_readable,
        masks.mask_missing,
        masks.mask_size,
        masks.mask_empty,
        masks.mask_full,
        masks.mask_binary,
        masks.mask_values,
        masks.swapped,
        masks.tiny_structures,
        volumes.channels_agree,
        volumes.mask_geometry,
        volumes.spacing,
        copies.identical_bytes,
        copies.identical_pixels,
        copies.near_identical,
        copies.near_alike,
        copies.label_conflict,
        copies.across_parts,
        copies.alike_across_parts,
        copies.against,
        text.text_names_label,
        text.text_predicts,
        marks.coloured_marks,
        marks.margin_marks,
        marks.burned_in,
        marks.patient_tags,
        nuisance.nuisance_predicts,
        balance.class_balance,
        balance.class_groups,
        balance.part_balance,
        balance.group_size,
        balance.patient_ids,
    )
}
"""Name → check."""

SPLIT_CHECKS = (copies.across_parts, copies.alike_across_parts, balance.part_balance)
"""Those that can be answered only once the samples have their parts."""

COMMON = 0.5
"""Share of the set from which a warning about single samples is told in one line, without their names."""


def run_checks(seen: Seen) -> list[Finding]:
    """All findings that apply."""
    findings = (check(seen) for check in CHECKS.values())
    return [_one_line(finding, len(seen.samples)) for finding in findings if finding is not None]


def _one_line(finding: Finding, n: int) -> Finding:
    """What is true of more than half of the set is a property of the set: no list of names."""
    single = all(len(names) == 1 for names in finding.samples)
    if finding.status == "warn" and single and len(finding.samples) > max(COMMON * n, 5):
        return replace(finding, samples=(), facts={**finding.facts, "common": len(finding.samples) / n})
    return finding
