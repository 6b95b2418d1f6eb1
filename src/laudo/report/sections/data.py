"""Data: what was learned from and judged on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from laudo.core.manifest import PARTS, Manifest
from laudo.report.figures import counts as counts_figure
from laudo.report.figures.sheet import Words
from laudo.report.names import part_name
from laudo.report.sections.draft import AbsentError, Draft

EXAMPLES = 6
"""Thumbnails of each class."""

MEASURED = 300
"""Most images whose size is looked at: enough to see the spread, and soon read."""

SIDE = 112


def build(draft: Draft) -> dict[str, Any]:
    """Give counts, groups, sizes and examples."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    manifest = evidence.manifest
    if manifest is None or not len(manifest):
        raise AbsentError(_("The run ended before the images were listed, or its manifest can not be read."))
    table = with_parts(manifest, evidence.is_cross_validation, draft)
    counts = class_counts(manifest, table["shown_part"])
    counts = counts[in_working_order(counts)]
    groups = table.groupby("shown_part")["group"].nunique()
    images = table["shown_part"].value_counts()  # not the sum over classes: an image may have several labels, or none
    return {
        "source": manifest.source,
        "facts": data_facts(manifest, draft, _sizes(manifest, draft)),
        "figure": _figure(counts, draft),
        "columns": [part_name(str(name), voice) for name in counts.columns],
        "rows": [
            {"name": name, "cells": [voice.integer(value) for value in row], "total": voice.integer(row.sum())}
            for name, row in zip(counts.index, counts.to_numpy(), strict=True)
        ],
        "totals": [voice.integer(images[name]) for name in counts.columns],
        "total": voice.integer(len(table)),
        "groups": [voice.integer(groups[name]) for name in counts.columns],
        "all_groups": voice.integer(table["group"].nunique()),
        "examples": _examples(manifest, draft),
    }


def class_counts(manifest: Manifest, part: pd.Series) -> pd.DataFrame:
    """Images of each class (rows) in each part (columns); one with several labels counts in each of them."""
    return pd.DataFrame(manifest.membership, columns=list(manifest.classes)).groupby(part.to_numpy()).sum().T


def with_parts(manifest: Manifest, folds: bool, draft: Draft) -> pd.DataFrame:
    """Add a column ``shown_part``: the part of the split, or the fold that judged the image."""
    table = manifest.table
    if folds and (table["fold"] > 0).any():
        name = draft.voice.gettext("fold {n}")
        return table.assign(shown_part=[name.format(n=int(fold)) for fold in table["fold"]])
    return table.assign(shown_part=table["split"].astype(str))


def in_working_order(counts: pd.DataFrame) -> list[str]:
    """Parts in the order of the work, or folds by number."""
    names = [str(name) for name in counts.columns]
    known = [part for part in PARTS if part in names]
    return [*known, *sorted((name for name in names if name not in known), key=lambda name: (len(name), name))]


def data_facts(manifest: Manifest, draft: Draft, sizes: str) -> list[str]:
    """Images, groups, patients, copies, and a sentence on the sizes."""
    voice = draft.voice
    _ = voice.gettext
    table = manifest.table
    facts = [
        _(
            "{images} in {groups}; a group is what must never be divided between training and test: a patient, or a "
            "cluster of "
            "copies of one image."
        ).format(images=voice.images(len(table)), groups=voice.groups(table["group"].nunique()))
    ]
    if draft.evidence.has_patients:
        patients = table.loc[table["patient"].astype(str) != "", "patient"].nunique()
        facts.append(
            voice.ngettext("{n} patient is named.", "{n} patients are named.", patients).format(
                n=voice.integer(patients)
            )
        )
    else:
        facts.append(_("The data set does not say which patient an image is of."))
    copied = _copied(table)
    if copied:
        facts.append(
            _("{images} have an identical or near-identical copy in the set.").format(images=voice.images(copied))
        )
    if sizes:
        facts.append(sizes)
    return facts


def _copied(table: pd.DataFrame) -> int:
    """Images with a copy; neighbouring slices of one known patient resemble each other, and are not counted."""
    clustered = table[table["duplicates"].astype(str) != ""]
    counts = 0
    for _cluster, images in clustered.groupby(clustered["duplicates"].astype(str)):
        patients = set(images["patient"].astype(str))
        if len(images) > 1 and (len(patients) > 1 or "" in patients):
            counts += len(images)
    return counts


def _sizes(manifest: Manifest, draft: Draft) -> str:
    voice = draft.voice
    samples = manifest.table["sample"].to_numpy()
    chosen = samples[np.unique(np.linspace(0, len(samples) - 1, min(MEASURED, len(samples))).astype(int))]
    sizes = np.array([size for size in (draft.album.size(sample) for sample in chosen) if size])
    if not len(sizes):
        return ""
    _ = voice.gettext
    low, middle, high = sizes.min(axis=0), np.median(sizes, axis=0), sizes.max(axis=0)
    looked = _("looked at: {n} of {m}").format(n=voice.integer(len(sizes)), m=voice.integer(len(samples)))
    if (low == high).all():
        return _("All images have {width} × {height} pixels ({looked}).").format(
            width=low[0], height=low[1], looked=looked
        )
    return _("Width {w0}–{w1} pixels (median {w}), height {h0}–{h1} (median {h}); {looked}.").format(
        w0=low[0], w1=high[0], w=int(middle[0]), h0=low[1], h1=high[1], h=int(middle[1]), looked=looked
    )


def _figure(counts: pd.DataFrame, draft: Draft) -> Any:
    voice = draft.voice
    _ = voice.gettext
    spoken = [
        f"{name}: " + ", ".join(f"{part_name(str(part), voice)} {voice.integer(row[part])}" for part in counts.columns)
        for name, row in counts.iterrows()
    ]
    words = Words(
        alt=_("Bars of the number of images of each class in each part.") + " " + "; ".join(spoken) + ".",
        caption=_("Images of each class in each part"),
        help=_(
            "The model learns from training, its settings are chosen on validation, and the test part is looked at "
            "once. Parts "
            "should hold the classes in similar proportion; a class with few test images gets wide intervals."
        ),
    )
    height = 0.9 + 0.42 * len(counts)
    return draft.shelf.add("classes", words, lambda figure, v: counts_figure.draw(figure, v, counts), 7.2, height)


def _examples(manifest: Manifest, draft: Draft) -> list[dict[str, Any]]:
    """Take a few images of each class, evenly spaced in the list, so that they are nobody's choice."""
    rows = []
    per_class = EXAMPLES if len(manifest.classes) <= 8 else 3
    for name in manifest.classes:
        samples = manifest.table.loc[manifest.membership[:, manifest.classes.index(name)], "sample"].to_numpy()
        if not len(samples):
            continue
        chosen = samples[np.unique(np.linspace(0, len(samples) - 1, min(per_class, len(samples))).astype(int))]
        pictures = [
            {
                "uri": draft.album.sample(sample, SIDE),
                "alt": draft.voice.gettext("Image {sample} of class {name}").format(sample=sample, name=name),
                "caption": str(sample),
            }
            for sample in chosen
        ]
        rows.append({"name": name, "pictures": pictures})
    return rows
