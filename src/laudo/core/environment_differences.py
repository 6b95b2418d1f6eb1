"""In what two runs' environments differ: what can make equal recipes give unequal figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CAUSES: tuple[str, ...] = (
    "laudo",
    "commit",
    "python",
    "system",
    "machine",
    "processor",
    "device",
    "gpu",
    "cuda",
    "precision",
    "threads",
)
"""Facts of ``environment.json`` that figures may depend on; packages come beside them."""


def environment_differences(first: Mapping[str, Any], again: Mapping[str, Any]) -> list[dict[str, str | None]]:
    """Facts that both environments state, and packages of either, that are not the same: ``name``, ``first``, ``again``.

    A fact that an older laudo did not write down is no difference.
    """
    rows = [(name, first.get(name), again.get(name)) for name in CAUSES]
    found = [row for row in rows if row[1] is not None and row[2] is not None and row[1] != row[2]]
    ours, theirs = first.get("packages") or {}, again.get("packages") or {}
    if ours and theirs:
        names = dict.fromkeys([*ours, *theirs])
        found += [(name, ours.get(name), theirs.get(name)) for name in names if ours.get(name) != theirs.get(name)]
    return [
        {"name": name, "first": None if a is None else str(a), "again": None if b is None else str(b)}
        for name, a, b in found
    ]
