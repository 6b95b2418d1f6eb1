"""What a source is: a description of a data set, how to find it and how to list it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from laudo.core.manifest import Manifest


@dataclass(frozen=True)
class Download:
    """A file of a public data set that anyone may fetch without an account.

    Attributes:
        url: where it is.
        name: file name that it is kept under; archives are unpacked beside it.
        checksum: ``md5:…`` or ``sha256:…`` as its publisher states it; empty when it states none.
    """

    url: str
    name: str
    checksum: str = ""


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
        downloads: files that `laudo data fetch` may bring; none when the publisher wants an account.
        endings: endings (lower case) of a single file that ROOT may be instead of a folder.
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
    downloads: tuple[Download, ...] = ()
    endings: tuple[str, ...] = ()
