"""The audit of a data set as a page of its own, in the report's style: one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import laudo
from laudo.core.manifest import Manifest
from laudo.report.impersonal import impersonal
from laudo.report.names import metric_name
from laudo.report.page import environment
from laudo.report.sections.audit import Exhibit, audit_content
from laudo.report.thumbnails import Album
from laudo.report.voice import Voice


class AuditAlbum(Album):
    """Pictures of samples of any format: from their files where those are pictures, else what the audit kept of them.

    Args:
        manifest: the usable samples.
        kept: grey thumbnails by sample, of the unusable ones too.
    """

    def __init__(self, manifest: Manifest, kept: Mapping[str, np.ndarray]) -> None:
        super().__init__(manifest)
        self._thumbnails = dict(kept)

    def sample(self, sample: str, side: int) -> str | None:
        """Give a sample's picture as data URI."""
        uri = super().sample(sample, side) if self._is_picture(sample) else None
        if uri is not None or sample not in self._thumbnails:
            return uri
        buffer = io.BytesIO()
        Image.fromarray(np.asarray(self._thumbnails[sample])).save(buffer, "JPEG", quality=80)
        uri = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
        if len(uri) > self._left:
            self.left_out += 1
            return None
        self._left -= len(uri)
        return uri

    def _is_picture(self, sample: str) -> bool:
        path = self._paths.get(sample)
        return path is not None and path.suffix.lower() not in {".gz", ".nii", ".dcm", ".mat", ".h5", ""}


def render_audit(
    audit: dict[str, Any],
    manifest: Manifest,
    kept: Mapping[str, np.ndarray],
    voice: Voice,
    inflation: dict[str, Any] | None = None,
) -> str:
    """HTML of the page.

    Args:
        audit: what audit.json holds.
        manifest: the usable samples.
        kept: thumbnail of each sample that could be read.
        voice: language.
        inflation: ``sentence`` and ``worth``, what leakage would be worth; None when it was not measured.
    """
    audit = impersonal(audit)
    exhibit = Exhibit(audit, manifest, AuditAlbum(manifest, kept), voice, _has_folds(manifest))
    return (
        environment(voice)
        .get_template("audit.html.j2")
        .render(
            voice=voice,
            version=laudo.__version__,
            name=Path(manifest.root).resolve().name,
            source=manifest.source,
            date=voice.date(datetime.now(UTC).isoformat(timespec="minutes")),
            facts=_facts(audit, manifest, voice),
            inflation=None if inflation is None else _inflation(inflation, voice),
            content=audit_content(exhibit),
            skipped=audit.get("skipped") or [],
        )
    )


def _has_folds(manifest: Manifest) -> bool:
    return not (manifest.table["split"] != "").any() and bool((manifest.table["fold"] > 0).any())


def _facts(audit: dict[str, Any], manifest: Manifest, voice: Voice) -> list[tuple[str, str]]:
    _ = voice.gettext
    table = manifest.table
    skipped = len(audit.get("skipped") or [])
    facts = [
        (_("Folder"), Path(manifest.root).resolve().name),
        (_("Samples that can be used"), voice.integer(len(manifest))),
        (_("Left out"), voice.integer(skipped)),
    ]
    if manifest.classes:
        counts = manifest.counts
        listed = [f"{name}: {voice.integer(int(counts.get(name, 0)))}" for name in manifest.classes]
        facts.append((_("Classes"), "; ".join(listed)))
    if manifest.channels:
        facts.append((_("Images of a sample"), ", ".join(manifest.channels)))
    if manifest.mask_labels:
        facts.append((_("Structures"), ", ".join(f"{value} {name}" for value, name in manifest.mask_labels.items())))
    patients = table.loc[table["patient"] != "", "patient"].nunique()
    facts.append((_("Patients"), voice.integer(patients) if patients else _("not known")))
    return facts


def _inflation(inflation: dict[str, Any], voice: Voice) -> dict[str, Any]:
    worth = inflation["worth"]
    rows = [
        {
            "name": metric_name(name, voice),
            "cells": [
                {"value": voice.number(one[name]["value"]), "interval": voice.interval(one[name])}
                for one in (worth["random"], worth["grouped"], worth["difference"])
            ],
        }
        for name in worth["random"]
    ]
    help_text = voice.gettext(
        "The same images, the same cheap model, two ways to divide them. Divided at random, copies and slices of one patient "
        "stand on both sides, and the model is asked what it has seen. The difference is what a careless split would add to a "
        "published figure. Intervals are 95 %, by resampling groups."
    )
    return {"sentence": inflation["sentence"], "rows": rows, "help": help_text}
