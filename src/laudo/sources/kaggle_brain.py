"""Kaggle "Brain MRI Images for Brain Tumor Detection": 253 MRI slices, with and without tumour (system S3)."""

from __future__ import annotations

from pathlib import Path

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import N_, _
from laudo.read.table import is_image_name
from laudo.sources.folders import manifest_of_classes
from laudo.sources.source import Source


def _folder(root: Path) -> Path:
    """The archive holds the two folders twice: at the top and in brain_tumor_dataset."""
    inner = root / "brain_tumor_dataset"
    return inner if not (root / "yes").is_dir() and inner.is_dir() else root


def _fits(root: Path) -> bool:
    folder = _folder(root)
    # the synthetic brains have the same two folders, but they know their patients
    return (folder / "yes").is_dir() and (folder / "no").is_dir() and not (folder / "patients.csv").is_file()


def _list(root: Path) -> Manifest:
    folder = _folder(root)
    missing = [name for name in ("yes", "no") if not (folder / name).is_dir()]
    if missing:
        raise DataError(
            _("The folder is not laid out like this data set."),
            file=root,
            expected=SOURCE.layout,
            found=_("no folder {names}").format(names=", ".join(missing)),
            cure=_("Name the folder that holds `yes` and `no`, or use data.source: folders for another layout."),
        )
    classes = {
        name: sorted(path for path in (folder / name).iterdir() if path.is_file() and is_image_name(path.name))
        for name in ("no", "yes")
    }
    return manifest_of_classes(folder, {name: files for name, files in classes.items() if files}, SOURCE.name)


SOURCE = Source(
    name="kaggle-brain",
    folder="kaggle_brain",
    what=N_("253 brain MRI slices with (155) and without (98) tumour, no patient identifiers"),
    size="253",
    licence=N_("not stated by its publisher"),
    citation="Chakrabarty N. Brain MRI Images for Brain Tumor Detection. Kaggle, 2019.",
    where=N_("kaggle.com/datasets/navoneel/brain-mri-images-for-brain-tumor-detection (free account)"),
    layout="ROOT/yes/*.jpg, ROOT/no/*.jpg",
    fits=_fits,
    list_samples=_list,
)
