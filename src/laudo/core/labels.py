"""Labels of samples as texts: one class each, or several joined by a separator, or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np


def split_labels(text: str, separator: str, none_label: str | None = None) -> list[str]:
    """Names in a text such as ``Effusion | Mass``, as they stand there; empty ones and ``none_label`` are no labels."""
    names = (name.strip() for name in text.split(separator))
    return [name for name in names if name not in ("", none_label)]


def join_labels(names: Iterable[str], classes: Sequence[str], separator: str) -> str:
    """One text of several names, in the order of the classes and each once; empty when there is none."""
    held = set(names)
    return separator.join(name for name in classes if name in held)


def label_matrix(texts: Iterable[object], classes: Sequence[str], separator: str | None) -> np.ndarray:
    """(n, K) bool: which classes each text names: itself or, with a separator, each of its parts."""
    held = [{str(text)} if separator is None else set(split_labels(str(text), separator)) for text in texts]
    return np.array([[name in names for name in classes] for names in held], dtype=bool).reshape(
        len(held), len(classes)
    )
