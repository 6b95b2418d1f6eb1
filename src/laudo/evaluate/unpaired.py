"""Differences between figures of other samples: an external part and the one that a run quotes share no image."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def unpaired_differences(
    figures: Mapping[str, Mapping[str, Any]], others: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Each metric of ``figures`` minus that of ``others``, with a 95 % interval made of both intervals.

    The interval is that of Zou and Donner (2008, Statistics in Medicine 27, 1693–1702) for two independent estimates: the
    distances from each estimate to its own bounds, squared, added up and rooted. It needs no assumption but that each interval
    is good and that both are independent.

    Args:
        figures: ``{metric: {"value", "ci95"}}`` as in metrics.json.
        others: of the other samples.

    Returns:
        ``{metric: {"value", "ci95"}}`` of the metrics that both have; None where undefined.
    """
    found = {}
    for name in figures:
        a, b = figures[name], others.get(name) or {}
        if a.get("value") is None or b.get("value") is None:
            continue
        difference = a["value"] - b["value"]
        bounds = None
        if a.get("ci95") and b.get("ci95"):
            (low_a, high_a), (low_b, high_b) = a["ci95"], b["ci95"]
            bounds = [
                difference - math.hypot(a["value"] - low_a, high_b - b["value"]),
                difference + math.hypot(high_a - a["value"], b["value"] - low_b),
            ]
        found[name] = {"value": difference, "ci95": bounds}
    return found
