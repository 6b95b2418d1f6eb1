"""What whoever uses an exported model has to know of it."""

from __future__ import annotations

from typing import Any

import laudo
from laudo.predict.mask_model import MaskModel
from laudo.predict.model import Model

NOT_A_DEVICE = "For research and teaching only; not a medical device."


def model_facts(model: Model | MaskModel) -> dict[str, Any]:
    """Classes or structures, thresholds, preparation, window: for export.json and the graph's metadata."""
    common = {
        "made_by": f"laudo {laudo.__version__}",
        "use": NOT_A_DEVICE,
        "classes": list(model.classes),
        "prepare": model.prepare.model_dump(mode="json"),
    }
    if isinstance(model, MaskModel):
        return common | _of_masks(model)
    threshold = model.threshold
    facts = {
        "kind": "classifier",
        "threshold": None if isinstance(threshold, tuple) else threshold,
        "thresholds": list(threshold) if isinstance(threshold, tuple) else None,
        "positive": model.classes[1] if threshold is not None and not isinstance(threshold, tuple) else None,
        "several_labels": model.separator is not None,
        "views": list(model.views),
        "networks": int(model.facts.get("members", 1)) if model.classifier is None else _members(model),
    }
    if "temperature" in model.facts:
        facts["temperature"] = model.facts["temperature"]
    return common | facts


def _members(model: Model) -> int:
    return len(getattr(model.classifier, "members", [model.classifier]))


def _of_masks(model: MaskModel) -> dict[str, Any]:
    structures = model.structures
    names = list(structures.names)
    return {
        "kind": "outlines",
        "structures": structures.as_dict(),
        "label_values": dict(zip(names, structures.own_values, strict=True)),
        "channels_of_probabilities": names if structures.overlapping else ["background", *names],
        "networks": len(model.networks),
        "window": None if model.window is None else list(model.window),
        "overlap": model.overlap,
        "mirror_axes": list(model.mirror_axes),
        "post_processing": model.post_processing.as_dict(),
    }
