"""Audit: what the checks found, with the images beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from laudo.audit.feature_names import feature_name
from laudo.audit.finding import Finding
from laudo.audit.sentences import sentence, title
from laudo.core.manifest import Manifest
from laudo.report.light import audit_light
from laudo.report.names import STATUS, part_name
from laudo.report.sections.draft import AbsentError, Draft
from laudo.report.thumbnails import Album
from laudo.report.voice import Voice

OPEN_CLUSTERS = 12
"""Clusters that are shown at once; the others are folded."""

MOST_CLUSTERS = 60
"""Clusters that are drawn at all, of one finding; the CSV of the audit names the others."""

MOST_COPIES = 8
"""Images drawn of one cluster."""

SINGLES = 24
"""Images drawn of a finding that is about single images."""

NAMED = 400
"""Further images of such a finding that are named."""

SIDE = 96
ORDER = ("fail", "warn", "not_run", "pass")


@dataclass(frozen=True)
class Exhibit:
    """What the section is made of, in a run's report or on a page of its own.

    Attributes:
        audit: audit.json.
        manifest: classes and parts of the samples; None when unknown.
        album: thumbnails.
        voice: language.
        folds: whether the samples' folds are told rather than their parts.
    """

    audit: dict[str, Any]
    manifest: Manifest | None
    album: Album
    voice: Voice
    folds: bool = False

    def rows(self) -> Mapping[str, tuple[str, str]]:
        """Class and part of each sample of the manifest."""
        if self.manifest is None:
            return {}
        _ = self.voice.gettext
        found = {}
        table = self.manifest.table
        for sample, label, split, fold in zip(
            table["sample"], table["label"], table["split"], table["fold"], strict=True
        ):
            part = part_name(str(split), self.voice) if split else ""
            if self.folds and int(fold) > 0:
                part = _("fold {n}").format(n=int(fold))
            found[str(sample)] = (str(label), part)
        return found


def build(draft: Draft) -> dict[str, Any]:
    """List the findings of a run, worst first, with their images."""
    evidence = draft.evidence
    if evidence.audit is None:
        raise AbsentError(
            draft.voice.gettext("The data were not audited, or the run ended before the audit was written.")
        )
    return audit_content(
        Exhibit(evidence.audit, evidence.manifest, draft.album, draft.voice, evidence.is_cross_validation)
    )


def audit_content(exhibit: Exhibit) -> dict[str, Any]:
    """What the section's template shows."""
    rows = exhibit.rows()
    findings = [_finding(one, exhibit, rows) for one in exhibit.audit.get("findings") or []]
    findings.sort(key=lambda one: ORDER.index(one["status"]))
    return {
        "light": audit_light(exhibit.audit, exhibit.voice),
        "findings": findings,
        "open_clusters": OPEN_CLUSTERS,
    }


def _finding(value: dict[str, Any], exhibit: Exhibit, rows: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    voice = exhibit.voice
    status = value.get("status") if value.get("status") in STATUS else "not_run"
    shape, word = STATUS[str(status)]
    try:
        finding = Finding.from_dict(value)
        name, text = title(finding.check, voice.gettext), sentence(finding, voice.gettext, voice.number)
        table = _table(finding, voice)
    except (KeyError, TypeError, ValueError, IndexError):
        # A finding of another version of laudo: its name is still worth showing.
        name, text, table = str(value.get("check")), "", None
    clusters = [list(map(str, one)) for one in value.get("samples") or [] if isinstance(one, list)]
    pairs = [one for one in clusters if len(one) > 1]
    singles = [one[0] for one in clusters if len(one) == 1]
    shown = status not in ("pass", "not_run")
    left = singles[SINGLES:] if shown else []
    return {
        "status": status,
        "shape": shape,
        "word": voice.gettext(word),
        "title": name,
        "sentence": text,
        "table": table if shown or finding_has_figures(value) else None,
        "clusters": [_cluster(one, exhibit, rows) for one in pairs[:MOST_CLUSTERS]] if shown else [],
        "clusters_left": max(0, len(pairs) - MOST_CLUSTERS) if shown else 0,
        "singles": [_picture(one, exhibit, rows) for one in singles[:SINGLES]] if shown else [],
        "singles_left": left[:NAMED],
        "singles_unnamed": max(0, len(left) - NAMED),
    }


def finding_has_figures(value: dict[str, Any]) -> bool:
    """Whether a finding has figures worth a table even when it passed: those of a probe."""
    return "auc" in (value.get("facts") or {})


def _table(finding: Finding, voice: Voice) -> dict[str, Any] | None:
    """Details of a finding as a small table; None when its sentence says it all."""
    _ = voice.gettext
    facts = finding.facts
    if facts.get("words"):
        head = [_("Word"), _("Texts"), _("Mostly of class"), _("Share")]
        body = [
            [str(one["word"]), voice.integer(one["n"]), str(one["class"]), voice.percent(one["share"])]
            for one in facts["words"]
        ]
        return {"head": head, "rows": body}
    if facts.get("features"):
        head = [_("Feature"), _("AUC alone")]
        body = [[feature_name(str(one["name"]), _), voice.number(one["auc"], 2)] for one in facts["features"]]
        return {"head": head, "rows": body}
    if facts.get("structures"):
        head = [_("Sample"), _("Structure"), _("Pixels or voxels"), _("Of")]
        body = [
            [
                str(one["sample"]),
                str(one["structure"] or "–"),
                voice.integer(one["voxels"]),
                voice.integer(one["total"]),
            ]
            for one in facts["structures"][:12]
        ]
        return {"head": head, "rows": body}
    if facts.get("pairs"):
        other = _("Looks like it") if finding.check == "near_alike" else _("Copy")
        bits = _("Bits of 64 in which their hashes differ")
        head = [_("Picture"), other, _("Correlation"), _("Correlation of detail"), bits]
        body = [
            [
                str(one["first"]),
                str(one["second"]),
                voice.number(one["similarity"], 3),
                voice.number(one["detail"], 3) if "detail" in one else "–",
                voice.integer(one["hash_bits"]),
            ]
            for one in facts["pairs"][:40]
        ]
        return {"head": head, "rows": body, "folded": _("Pairs with their similarity")}
    return None


def _cluster(samples: list[str], exhibit: Exhibit, rows: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    return {
        "pictures": [_picture(sample, exhibit, rows) for sample in samples[:MOST_COPIES]],
        "left": max(0, len(samples) - MOST_COPIES),
    }


def _picture(sample: str, exhibit: Exhibit, rows: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    label, part = rows.get(sample, ("", ""))
    return {
        "uri": exhibit.album.sample(sample, SIDE),
        "alt": exhibit.voice.gettext("Image {sample} of class {name}").format(sample=sample, name=label or "–"),
        "caption": sample,
        "label": " · ".join(text for text in (label, part) if text),
    }
