"""Whether the parts of a split can be used: none is empty, and each has every class unless it may lack some."""

from __future__ import annotations

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.recipe import Split


def check_parts(manifest: Manifest, split: Split, may_lack: bool) -> None:
    """Refuse parts that can not be trained on, chosen by or judged on.

    Args:
        manifest: with the column ``split`` filled.
        split: a test part is wanted when it asks for one, or the data set's authors made one.
        may_lack: whether a part may be without a class. Even so the training part has two at least.

    Raises:
        DataError: a part is empty, or lacks a class that it may not lack.
    """
    wants_test = split.by != "official" and split.test > 0
    for part in ["train", "val", *(["test"] if wants_test or len(manifest.indices("test")) else [])]:
        samples = manifest.part(part)
        missing = [name for name, n in samples.counts.items() if not n]
        enough = len(manifest.classes) - len(missing) >= (2 if part == "train" else 1)
        if missing and not (may_lack and enough):
            raise DataError(
                _("A part of the split lacks a class."),
                found=_("{part} has no sample of {names}").format(part=part, names=", ".join(sorted(missing))),
                cure=rare_cure() if enough else _("Bring more images of this class, or fewer folds."),
            )
        if not len(samples):
            raise DataError(
                _("A part of the split is empty."),
                found=part,
                cure=_("Ask for other shares with --set split.test and --set split.validation, or bring more samples."),
            )


def rare_cure() -> str:
    """What can be done about a class that has too few samples for every part."""
    return _(
        "Bring more images of this class, or ask for fewer folds. Or --set data.rare=keep, and a part may lack it; or --set "
        "data.rare=drop, and classes with fewer images than data.rare_below are left out."
    )
