"""What a user gives beside the images: their masks, their texts."""

from __future__ import annotations

from dataclasses import dataclass

from laudo.predict.masks import MaskFolder
from laudo.predict.text_table import TextTable


@dataclass(frozen=True)
class Beside:
    """Where to look for what belongs to an image.

    Attributes:
        masks: None when none were named.
        texts: None when none were named.
    """

    masks: MaskFolder | None = None
    texts: TextTable | None = None


NOTHING = Beside()
