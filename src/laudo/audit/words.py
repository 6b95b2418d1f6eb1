"""Which words name a class: those of its own name, and what else people write for it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from laudo.core.letters import plain

SYNONYMS: dict[str, tuple[str, ...]] = {
    "ct": (
        "ct",
        "cta",
        "cect",
        "ncct",
        "hrct",
        "computed tomography",
        "computed tomographic",
        "computerized tomography",
        "tomografia computadorizada",
        "tomografía computarizada",
        "tac",
    ),
    "mr": (
        "mr",
        "mri",
        "mra",
        "magnetic resonance",
        "t1",
        "t1w",
        "t1wi",
        "t2",
        "t2w",
        "t2wi",
        "flair",
        "ressonância",
        "resonancia",
    ),
    "us": (
        "us",
        "ultrasound",
        "ultrasonography",
        "sonogram",
        "sonography",
        "sonographic",
        "doppler",
        "echo",
        "ultrassom",
        "ecografia",
        "ecografía",
    ),
    "xr": (
        "xr",
        "x-ray",
        "xray",
        "radiograph",
        "radiographs",
        "radiography",
        "plain film",
        "cxr",
        "radiografia",
        "radiografía",
    ),
    "pet": ("pet", "positron emission", "fdg"),
    "benign": ("benign", "fibroadenoma", "cyst", "cystic"),
    "malignant": ("malignant", "malignancy", "carcinoma", "cancer", "metastasis", "metastatic"),
    "normal": ("normal", "unremarkable", "healthy"),
}
"""Usual words for a class, by a word of its name. A new line is all that another class needs."""

SAME: dict[str, str] = {
    "mri": "mr",
    "magnetic": "mr",
    "tac": "ct",
    "tomography": "ct",
    "ultrasound": "us",
    "xray": "xr",
    "x-ray": "xr",
    "radiography": "xr",
}
"""Words of class names that stand for a line of :data:`SYNONYMS`."""

TOO_COMMON = frozenset(
    (
        *("with", "without", "other", "left", "right", "none", "blank", "case", "image", "images", "type", "class"),
        *("disease", "system", "general", "area", "organ", "body", "part", "specific"),
    )
)
"""Words of class names that say nothing."""

SHORTEST = 4
"""Words of a class name with fewer letters count only when :data:`SYNONYMS` has them."""


def words_of(label: str) -> tuple[str, ...]:
    """Words and phrases, lower case and without accents, that name a class; none for names such as ``yes`` or ``3``."""
    found: list[str] = []
    for word in re.findall(r"[^\W_]+(?:-[^\W_]+)*", plain(label)):
        line = SAME.get(word, word)
        if line in SYNONYMS:
            found += [plain(one) for one in SYNONYMS[line]]
        if len(word) >= SHORTEST and word not in TOO_COMMON and not word.isdigit():
            found.append(word)
    return tuple(dict.fromkeys(found))


def pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    """Finds any of these as a whole word in plain text, in the plural too; None when there are no words."""
    if not words:
        return None
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(r"(?<![^\W_])(" + "|".join(map(re.escape, longest_first)) + r")(?:s|es)?(?![^\W_])")
