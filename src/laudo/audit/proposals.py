"""What one could do about the findings, sample by sample, as a table. Nothing is ever deleted or changed by laudo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from laudo.audit.audit import Audit
from laudo.audit.sentences import title
from laudo.core.atomic import atomic_path

COPIES = ("identical_bytes", "identical_pixels", "near_identical")
"""Findings of copies: all but the first of a cluster could be left out."""


def proposals(audit: Audit, _: Callable[[str], str]) -> pd.DataFrame:
    """One row a sample and finding, columns ``sample, check, status, proposal, with, reason``; ``with`` names its copies.

    Args:
        audit: what was found.
        _: translates.
    """
    rows = [
        {
            "sample": sample,
            "check": "usable",
            "status": "fail",
            "proposal": _("mend or leave out"),
            "with": "",
            "reason": what,
        }
        for sample, what in audit.skipped
    ]
    for finding in audit.findings:
        if finding.status not in ("warn", "fail"):
            continue
        for cluster in finding.samples:
            for place, sample in enumerate(cluster):
                others = " | ".join(name for name in cluster if name != sample)
                rows.append(
                    {
                        "sample": sample,
                        "check": finding.check,
                        "status": finding.status,
                        "proposal": _proposal(finding.check, place, len(cluster), _),
                        "with": others,
                        "reason": _("not so: {check}").format(check=title(finding.check, _)),
                    }
                )
    return pd.DataFrame(rows, columns=["sample", "check", "status", "proposal", "with", "reason"])


def write_proposals(audit: Audit, path: Path, _: Callable[[str], str]) -> Path:
    """Write the table as CSV."""
    with atomic_path(path) as temporary:
        proposals(audit, _).to_csv(temporary, index=False)
    return path


def _proposal(check: str, place: int, size: int, _: Callable[[str], str]) -> str:
    if check == "label_conflict":
        return _("check the label")
    if check in ("across_parts", "alike_across_parts", "near_alike", "against"):
        return _("keep in one part")
    if check in COPIES and size > 1:
        return _("keep") if place == 0 else _("keep in the same part, or leave out")
    return _("look at it")
