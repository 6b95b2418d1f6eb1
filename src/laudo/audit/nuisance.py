"""Does what is no evidence predict the class: size, format, border, corners, marks, metadata."""

from __future__ import annotations

import numpy as np

from laudo.audit.finding import Finding
from laudo.audit.inspect import Inspected
from laudo.audit.probe import rank_auc, run_probe, usable_rows
from laudo.audit.seen import Seen

STRONGEST = 3
"""Features that are named."""
METADATA = (
    "site",
    "centre",
    "center",
    "institution",
    "hospital",
    "scanner",
    "manufacturer",
    "device",
    "study_date",
    "acquisition",
)
"""Columns of a manifest that say where or how an image was made; a class should not follow from them."""
MOST_VALUES = 30
"""Columns with more different values name single samples and are left out."""


def nuisance_features(seen: Seen) -> tuple[list[str], np.ndarray]:
    """Names and (n, D) float64 values of what each sample's first image looks like apart from its content; NaN when unreadable."""
    formats = sorted({image.channels[0].format for image in seen.images if image.channels})
    modes = sorted({image.channels[0].mode for image in seen.images if image.channels})
    rows = [_features(image, formats, modes) for image in seen.images]
    names = next((list(row) for row in rows if row), [])
    values = np.array([[row.get(name, np.nan) for name in names] for row in rows], dtype=np.float64)
    values = values.reshape(len(rows), len(names))
    for column in METADATA:
        if column in seen.manifest.table:
            texts = seen.manifest.table[column].astype(str)
            if 1 < texts.nunique() <= MOST_VALUES:
                names.append(column)
                order = {text: place for place, text in enumerate(sorted(texts.unique()))}
                values = np.column_stack([values, texts.map(order).to_numpy(dtype=np.float64)])
    return names, values


def nuisance_predicts(seen: Seen) -> Finding | None:
    """The class does not follow from size, format, border, corners, marks or metadata."""
    if not seen.has_classes:
        return None
    names, values = nuisance_features(seen)
    readable = np.array([bool(image.channels) for image in seen.images])
    labels = np.where(readable, seen.labels, -1)
    varied = [place for place in range(len(names)) if np.ptp(values[readable, place]) > 0] if readable.any() else []
    if readable.any() and not varied:
        return Finding("nuisance_predicts", "pass", facts={"none": True})
    names, values = [names[place] for place in varied], np.nan_to_num(values[:, varied])
    probe = run_probe(_model, values, labels, seen.groups) if varied else None
    if probe is None:
        return Finding("nuisance_predicts", "not_run", facts={"why": "too_few"})
    rows = usable_rows(labels, seen.groups)
    strength = sorted(
        ((rank_auc(values[rows, place], labels[rows]), name) for place, name in enumerate(names)), reverse=True
    )
    facts = {
        **probe.as_facts(),
        "features": [{"name": name, "auc": round(auc, 4)} for auc, name in strength[:STRONGEST]],
    }
    return Finding("nuisance_predicts", "warn" if probe.predicts else "pass", probe.n, facts=facts)


def _model() -> object:
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(n_estimators=100, min_samples_leaf=4, class_weight="balanced", random_state=0)


def _features(image: Inspected, formats: list[str], modes: list[str]) -> dict[str, float]:
    if not image.channels:
        return {}
    one = image.channels[0]
    sides = list(one.shape)
    features = {
        "height": float(sides[0]),
        "width": float(sides[1]),
        "aspect": sides[1] / sides[0],
        "depth": float(sides[2]) if len(sides) > 2 else 0.0,
        "file_size": float(np.log1p(one.file_bytes)),
        "bytes_per_pixel": one.file_bytes / max(1, int(np.prod(sides))),
        "format": float(formats.index(one.format)),
        "mode": float(modes.index(one.mode)),
        "coloured_marks": float(np.log1p(one.coloured)),
        "margin_marks": float(np.log1p(one.margin_marks)),
        "spacing": float(min(one.spacing_mm)) if one.spacing_mm else 0.0,
        "levels": float(one.levels),
    }
    sides_of = ("top", "bottom", "left", "right")
    for place, side in enumerate(sides_of):
        features[f"border_{side}"] = one.borders[2 * place]
        features[f"border_{side}_spread"] = one.borders[2 * place + 1]
    for place, corner in enumerate(("top_left", "top_right", "bottom_left", "bottom_right")):
        features[f"corner_{corner}"] = one.corners[place]
    return features
