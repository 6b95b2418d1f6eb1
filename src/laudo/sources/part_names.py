"""Names that stand for a part of a split, in data sets and tables of other people."""

from __future__ import annotations

PART_NAMES: dict[str, tuple[str, ...]] = {
    "train": ("train", "training", "tr", "treino", "treinamento", "entrenamiento"),
    "val": ("val", "valid", "validation", "dev", "validação", "validacao", "validación", "validacion"),
    "test": ("test", "testing", "ts", "teste", "prueba"),
}
"""Part of a manifest's split → names in use, lower case."""

_PARTS = {name: part for part, names in PART_NAMES.items() for name in names}


def part_named(word: str) -> str:
    """The part of the split that a word stands for: train, val or test; empty when it stands for none."""
    return _PARTS.get(word.strip().lower(), "")
