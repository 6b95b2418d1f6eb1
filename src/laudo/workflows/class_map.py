"""Classes of other images as those of a model: by name, whatever its capitals and accents, or as the user says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from laudo.core.errors import DataError, LaudoError
from laudo.core.labels import join_labels, split_labels
from laudo.core.letters import plain
from laudo.core.manifest import Manifest
from laudo.core.messages import _


@dataclass(frozen=True)
class ClassMap:
    """How the classes of other images became those of a model.

    Attributes:
        named: the model's class of each of theirs that has another name.
        left_out: number of samples of each class that the user left out.
    """

    named: dict[str, str]
    left_out: dict[str, int]

    def facts(self) -> dict[str, Any]:
        """For metrics.json."""
        return {"named": self.named, "left_out": self.left_out}


def read_map(given: Sequence[str]) -> dict[str, str]:
    """``THEIRS=OURS`` of each; ``THEIRS=`` leaves a class out.

    Raises:
        LaudoError: one has another form, or names a class twice.
    """
    found: dict[str, str] = {}
    for text in given:
        theirs, sign, ours = (part.strip() for part in text.partition("="))
        if not sign or not theirs or theirs in found:
            raise LaudoError(_("--map takes one class each, as THEIRS=OURS; THEIRS= leaves a class out."), found=text)
        found[theirs] = ours
    return found


def map_classes(
    manifest: Manifest, classes: tuple[str, ...], given: Mapping[str, str], data: Path
) -> tuple[Manifest, ClassMap]:
    """The samples with the model's classes in its order, and what was done for it.

    Args:
        manifest: other images.
        classes: of the model.
        given: the model's class of some of theirs; "" leaves the samples of a class out.
        data: where the images are, for errors.

    Raises:
        DataError: a class has no counterpart, or ``given`` names one that does not exist.
    """
    theirs = list(manifest.classes if manifest.multilabel else dict.fromkeys(manifest.table["label"]))
    _check(given, theirs, classes, data)
    same = {_folded(name): name for name in classes}
    ours = {name: given.get(name, name if name in classes else same.get(_folded(name))) for name in theirs}
    strange = sorted(name for name, own in ours.items() if own is None)
    if strange:
        raise DataError(
            _("The classes of these images are not those of the model."),
            file=data,
            expected=", ".join(classes),
            found=", ".join(strange),
            cure=_('Say which is which: --map "{theirs}={ours}", or leave one out: --map "{theirs}="').format(
                theirs=strange[0], ours=classes[0]
            ),
        )
    separator = manifest.separator
    held = [
        [str(text)] if separator is None else split_labels(str(text), separator) for text in manifest.table["label"]
    ]
    kept = np.array([all(ours[name] for name in names) for names in held], dtype=bool)
    left_out = {name: sum(name in names for names in held) for name in theirs if ours[name] == ""}
    labels = [
        join_labels([str(ours[name]) for name in names], classes, separator or "|")
        for names, usable in zip(held, kept, strict=True)
        if usable
    ]
    mapped = replace(manifest.rows(np.flatnonzero(kept)), classes=classes)
    named = {name: str(own) for name, own in ours.items() if own and own != name}
    return mapped.with_columns(label=np.array(labels, dtype=object)), ClassMap(named, left_out)


def _check(given: Mapping[str, str], theirs: Sequence[str], classes: Sequence[str], data: Path) -> None:
    unknown = [name for name in given if name not in theirs]
    if unknown:
        raise DataError(
            _("--map names a class that these images do not have."),
            file=data,
            expected=", ".join(theirs),
            found=", ".join(unknown),
        )
    wrong = [ours for ours in given.values() if ours and ours not in classes]
    if wrong:
        raise DataError(
            _("--map names a class that the model does not have."), expected=", ".join(classes), found=", ".join(wrong)
        )


def _folded(name: str) -> str:
    """Letters and digits of a name: ``Pituitary_Tumour`` and ``pituitary tumour`` are the same."""
    return "".join(one for one in plain(name) if one.isalnum())
