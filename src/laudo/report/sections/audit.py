"""Audit: what the checks found, with the images beside each other."""

from __future__ import annotations

from typing import Any

from laudo.audit.finding import Finding
from laudo.audit.sentences import sentence, title
from laudo.report.light import audit_light
from laudo.report.names import STATUS, part_name
from laudo.report.sections.draft import AbsentError, Draft

OPEN_CLUSTERS = 12
"""Clusters that are shown at once; the others are folded."""

MOST_CLUSTERS = 60
"""Clusters that are drawn at all, of one finding; the CSV of the audit names the others."""

MOST_COPIES = 8
"""Images drawn of one cluster."""

SINGLES = 24
"""Images drawn of a finding that is about single images."""

SIDE = 96
ORDER = ("fail", "warn", "not_run", "pass")


def build(draft: Draft) -> dict[str, Any]:
    """List the findings, worst first, with their images."""
    _ = draft.voice.gettext
    audit = draft.evidence.audit
    if audit is None:
        raise AbsentError(_("The data were not audited, or the run ended before the audit was written."))
    findings = [_finding(one, draft) for one in audit.get("findings") or []]
    findings.sort(key=lambda one: ORDER.index(one["status"]))
    return {
        "light": audit_light(audit, draft.voice),
        "findings": findings,
        "open_clusters": OPEN_CLUSTERS,
    }


def _finding(value: dict[str, Any], draft: Draft) -> dict[str, Any]:
    voice = draft.voice
    status = value.get("status") if value.get("status") in STATUS else "not_run"
    shape, word = STATUS[str(status)]
    try:
        finding = Finding.from_dict(value)
        name, text = title(finding.check, voice.gettext), sentence(finding, voice.gettext)
    except (KeyError, TypeError, ValueError, IndexError):
        # A finding of another version of laudo: its name is still worth showing.
        name, text = str(value.get("check")), ""
    clusters = [list(map(str, one)) for one in value.get("samples") or [] if isinstance(one, list)]
    pairs = [one for one in clusters if len(one) > 1]
    singles = [one[0] for one in clusters if len(one) == 1]
    shown = status not in ("pass", "not_run")
    return {
        "status": status,
        "shape": shape,
        "word": voice.gettext(word),
        "title": name,
        "sentence": text,
        "clusters": [_cluster(one, draft) for one in pairs[:MOST_CLUSTERS]] if shown else [],
        "clusters_left": max(0, len(pairs) - MOST_CLUSTERS) if shown else 0,
        "singles": [_picture(one, draft) for one in singles[:SINGLES]] if shown else [],
        "singles_left": singles[SINGLES:] if shown else [],
    }


def _cluster(samples: list[str], draft: Draft) -> dict[str, Any]:
    return {
        "pictures": [_picture(sample, draft) for sample in samples[:MOST_COPIES]],
        "left": max(0, len(samples) - MOST_COPIES),
    }


def _picture(sample: str, draft: Draft) -> dict[str, Any]:
    label, part = _row(sample, draft)
    return {
        "uri": draft.album.sample(sample, SIDE),
        "alt": draft.voice.gettext("Image {sample} of class {name}").format(sample=sample, name=label or "–"),
        "caption": sample,
        "label": " · ".join(text for text in (label, part) if text),
    }


def _row(sample: str, draft: Draft) -> tuple[str, str]:
    """Class and part of a sample; empty when the manifest does not hold it, as with an image that was left out."""
    manifest = draft.evidence.manifest
    if manifest is None:
        return "", ""
    rows = manifest.table.loc[manifest.table["sample"] == sample]
    if rows.empty:
        return "", ""
    row = rows.iloc[0]
    if draft.evidence.is_cross_validation and int(row["fold"]) > 0:
        return str(row["label"]), draft.voice.gettext("fold {n}").format(n=int(row["fold"]))
    part = str(row["split"])
    return str(row["label"]), part_name(part, draft.voice) if part else ""
