"""Every kind of synthetic data laudo can make, in one place; each is written in the layout of the source of the same name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from laudo.core.messages import N_
from laudo.sources import phantom_brain, phantom_dicom, phantom_medpix
from laudo.sources import phantom_layouts as pictures
from laudo.sources import phantom_volume_layouts as volumes


@dataclass(frozen=True)
class Phantom:
    """A kind of synthetic data.

    Attributes:
        write: writes (folder, number of samples, seed, size in pixels or voxels); the k-th sample depends on seed and k alone.
        size_px: usual size.
        what: one sentence, in English; shown translated.
        count: usual number of samples.
    """

    write: Callable[[Path, int, int, int], None]
    size_px: int
    what: str
    count: int = 400


PHANTOMS: dict[str, Phantom] = {
    "phantom-brain": Phantom(phantom_brain.write, 128, N_("Brain slices with and without tumour, patients known")),
    "kaggle-brain": Phantom(pictures.write_kaggle_brain, 256, N_("The same as JPEG files without patients")),
    "figshare": Phantom(
        pictures.write_figshare, 256, N_("Brain slices with one of three kinds of tumour, in MATLAB files")
    ),
    "bus-uc": Phantom(
        pictures.write_bus_uc, 256, N_("Breast ultrasound, benign and malignant, with masks and callipers")
    ),
    "busi": Phantom(pictures.write_busi, 256, N_("Breast ultrasound, benign, malignant and normal, one or two masks")),
    "brats": Phantom(
        volumes.write_brats, 96, N_("Brain volumes in four MR sequences, with three nested tumour regions"), 8
    ),
    "msd": Phantom(volumes.write_msd, 50, N_("Small volumes of a hippocampus, its two parts labelled"), 40),
    "medpix2": Phantom(phantom_medpix.write, 224, N_("Teaching cases: CT and MR slices with captions and reports")),
    "images-masks": Phantom(pictures.write_images_masks, 128, N_("Brain slices with tumour masks, in two folders")),
    "csv": Phantom(pictures.write_csv, 192, N_("Breast ultrasound listed in a CSV table")),
    "jsonl": Phantom(pictures.write_jsonl, 192, N_("CT and MR slices with captions, listed in JSON Lines")),
    "dicom": Phantom(phantom_dicom.write, 128, N_("CT and MR series of the head as DICOM files"), 40),
    "folders": Phantom(
        pictures.write_folders, 128, N_("Brain slices with one of three kinds of tumour, a folder each")
    ),
}
"""Kind → what writes it. A new kind is a function and a line here."""
