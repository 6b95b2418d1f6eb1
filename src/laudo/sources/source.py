"""What a source is: a description of a data set, how to find it and how to list it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from laudo.core.manifest import Manifest


@dataclass(frozen=True)
class Source:
    """A data set that laudo knows how to read.

    Attributes:
        name: what a recipe writes in ``data.source``.
        folder: name of the folder that holds it inside a folder of data sets; empty for one's own data.
        what: one sentence, in English; shown translated.
        size: number of samples of the public set, as text.
        licence: licence of the data, as its publisher states it.
        citation: how to cite it.
        where: where a person gets it.
        layout: the files that are expected.
        fits: whether a folder looks like this data set.
        list_samples: makes the manifest of a folder; raises DataError that says what is missing.
    """

    name: str
    folder: str
    what: str
    size: str
    licence: str
    citation: str
    where: str
    layout: str
    fits: Callable[[Path], bool]
    list_samples: Callable[[Path], Manifest]
