"""What an encoder of texts is: texts in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np


class TextEncoder(Protocol):
    """Turns texts into numbers; no text leaves the machine.

    Attributes:
        kind: name of how it works, in text.json.
        size: numbers that a text becomes.
    """

    @property
    def kind(self) -> str:
        """See above."""

    @property
    def size(self) -> int:
        """See above."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """(n, size) float32 of length 1; an empty text is a row of zeros."""

    def save(self, folder: Path) -> None:
        """Write all that is needed to load it again, text.json last."""


class PretrainedTextEncoder(TextEncoder, Protocol):
    """One that is not fitted on the texts at hand.

    Attributes:
        fingerprint: what decides the numbers: weights, tokenizer, precision; the same where they are the same.
    """

    @property
    def fingerprint(self) -> str:
        """See above."""
