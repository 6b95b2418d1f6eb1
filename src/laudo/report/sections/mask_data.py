"""Data of a network that outlines structures: which cases, what is marked in them, and examples with their outlines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from laudo.core.errors import LaudoError
from laudo.core.manifest import Manifest
from laudo.core.mask_scores import MaskScores
from laudo.read.image import ReadImage
from laudo.read.table import read_image
from laudo.report.case_picture import jpeg, named_colours, thumbnail
from laudo.report.metrics_of_masks import size_unit
from laudo.report.names import part_name
from laudo.report.outlined_case import CaseReader
from laudo.report.sections.data import class_counts, data_facts, in_working_order, with_parts
from laudo.report.sections.draft import AbsentError, Draft

EXAMPLES = 8
"""Cases that are drawn."""

SIDE = 150

MEASURED = 40
"""Most images whose size is looked at."""

WORK_VOXELS = 60_000_000
"""Voxels that are read for it at most, and for the examples again."""


def build(draft: Draft) -> dict[str, Any]:
    """Give counts, groups, sizes, what is marked, and examples."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    manifest = evidence.manifest
    if manifest is None or not len(manifest):
        raise AbsentError(_("The run ended before the images were listed, or its manifest can not be read."))
    table = with_parts(manifest, evidence.is_cross_validation, draft)
    counts = _counts(manifest, table["shown_part"], draft)
    counts = counts[in_working_order(counts)]
    groups = table.groupby("shown_part")["group"].nunique()
    images = table["shown_part"].value_counts()
    return {
        "source": manifest.source,
        "facts": [*data_facts(manifest, draft, _sizes(manifest, draft)), *_marked(manifest, draft)],
        "structures": _structures(evidence.scores, draft),
        "columns": [part_name(str(name), voice) for name in counts.columns],
        "rows": [
            {"name": name, "cells": [voice.integer(value) for value in row], "total": voice.integer(row.sum())}
            for name, row in zip(counts.index, counts.to_numpy(), strict=True)
        ]
        if manifest.classes
        else [],
        "totals": [voice.integer(images[name]) for name in counts.columns],
        "total": voice.integer(len(table)),
        "groups": [voice.integer(groups[name]) for name in counts.columns],
        "all_groups": voice.integer(table["group"].nunique()),
        "legend": legend(draft),
        "examples": _examples(manifest, draft),
    }


def legend(draft: Draft) -> list[dict[str, str]]:
    """Name and colour of each structure, as the pictures have them."""
    return named_colours(draft.evidence.structures)


def _counts(manifest: Manifest, part: pd.Series, draft: Draft) -> pd.DataFrame:
    """Cases of each class in each part; without classes, of each part."""
    if manifest.classes:
        return class_counts(manifest, part)
    return part.value_counts().to_frame(draft.voice.gettext("All cases")).T


def _marked(manifest: Manifest, draft: Draft) -> list[str]:
    voice = draft.voice
    _ = voice.gettext
    without = int((manifest.table["mask"].astype(str) == "").sum())
    facts = []
    if manifest.channels:
        facts.append(_("Each case has the channels {channels}.").format(channels=voice.join(list(manifest.channels))))
    if without:
        facts.append(
            voice.ngettext(
                "{n} case has no mask file: nothing is marked in it.",
                "{n} cases have no mask file: nothing is marked in them.",
                without,
            ).format(n=voice.integer(without))
        )
    return facts


def _structures(scores: MaskScores | None, draft: Draft) -> dict[str, Any] | None:
    """How often each structure is there among the judged cases, and how large it is."""
    if scores is None or not len(scores):
        return None
    voice = draft.voice
    true, there = scores.matrix("true_volume_mm3"), scores.in_truth
    rows = []
    for index, name in enumerate(scores.structures):
        sizes = true[there[:, index], index]
        digits = 0 if not len(sizes) or np.median(sizes) >= 10 else 2
        rows.append(
            {
                "name": name,
                "n": voice.integer(int(there[:, index].sum())),
                "m": voice.integer(len(scores)),
                "median": voice.number(float(np.median(sizes)) if len(sizes) else None, digits),
                "range": voice.interval(
                    {"ci95": [float(sizes.min()), float(sizes.max())]} if len(sizes) else None, digits
                ),
            }
        )
    return {"unit": size_unit(draft.evidence, voice), "rows": rows}


def _sizes(manifest: Manifest, draft: Draft) -> str:
    """Shapes and spacings of some of the images."""
    voice = draft.voice
    _ = voice.gettext
    rows = np.unique(np.linspace(0, len(manifest) - 1, min(MEASURED, len(manifest))).astype(int))
    found: list[ReadImage] = []
    left = WORK_VOXELS
    shapes, spacings = [], []
    for row in rows:
        if left <= 0:
            break
        try:
            image = read_image(manifest.image_paths(int(row))[0])
        except (LaudoError, OSError, ValueError):
            continue
        left -= image.array.size
        found.append(image)
        shapes.append(image.array.shape if image.is_volume else image.array.shape[1::-1])
        if image.affine is not None:
            spacings.append(np.linalg.norm(image.affine[:3, :3], axis=0))
        elif image.spacing_mm is not None:
            spacings.append(np.array(image.spacing_mm[1::-1]))
    if not shapes or len({len(shape) for shape in shapes}) > 1:
        return ""
    looked = _("looked at: {n} of {m}").format(n=voice.integer(len(shapes)), m=voice.integer(len(manifest)))
    size = _times(np.array(shapes, dtype=float), draft)
    known = len(spacings) == len(shapes)
    unit = _("voxels") if found[0].is_volume else _("pixels")
    if not known:
        return _("Images have {size} {unit} and do not say their spacing ({looked}).").format(
            size=size, unit=unit, looked=looked
        )
    return _("Images have {size} {unit} of {spacing} mm ({looked}).").format(
        size=size, unit=unit, spacing=_times(np.array(spacings).round(3), draft), looked=looked
    )


def _times(values: np.ndarray, draft: Draft) -> str:
    """``31–43 × 40–59 × 24–47`` of (n, axes) numbers."""
    short = draft.voice.short
    low, high = values.min(axis=0), values.max(axis=0)
    return " × ".join(
        short(float(a)) if a == b else f"{short(float(a))}–{short(float(b))}" for a, b in zip(low, high, strict=True)
    )


def _examples(manifest: Manifest, draft: Draft) -> list[dict[str, Any]]:
    """Take a few cases, evenly spaced in the list, so that they are nobody's choice."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    reader = CaseReader(evidence, draft.album.unreadable, WORK_VOXELS)
    table = manifest.table
    chosen = np.unique(np.linspace(0, len(table) - 1, min(EXAMPLES, len(table))).astype(int))
    pictures = []
    for sample, label in table.iloc[chosen][["sample", "label"]].itertuples(index=False):
        case = reader.sample(str(sample))
        if case is None and reader.is_spent:
            break
        pictures.append(
            {
                "uri": None if case is None else draft.album.give(jpeg(thumbnail(case, SIDE)), "image/jpeg"),
                "alt": _("Case {sample} with its true outline").format(sample=sample),
                "caption": f"{sample}" + (f" ({label})" if label else ""),
            }
        )
    return pictures
