"""Synthetic volumes in the layouts of BraTS and of the Medical Segmentation Decathlon."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from laudo.core.atomic import write_bytes, write_json, write_text
from laudo.core.messages import _
from laudo.core.progress import track
from laudo.sources.phantom_files import nifti
from laudo.sources.phantom_hippocampus import LABELS, hippocampi
from laudo.sources.phantom_layouts import README
from laudo.sources.phantom_volume import brains


def write_brats(folder: Path, n: int, seed: int = 0, size: int = 96) -> None:
    """``BraTS20_Training_<k>/BraTS20_Training_<k>_{flair,t1,t1ce,t2,seg}.nii.gz``; ``size`` 240 gives the public set's shape."""
    for number, brain in enumerate(track(brains(n, seed, size), _("Making synthetic images"), total=n), start=1):
        case = f"BraTS20_Training_{number:03d}"
        for modality, array in brain.images.items():
            write_bytes(folder / case / f"{case}_{modality}.nii.gz", nifti(array, brain.affine))
        write_bytes(folder / case / f"{case}_seg.nii.gz", nifti(brain.labels, brain.affine))
    write_text(folder / "README.txt", README.format(layout="BraTS 2020: a folder a case, four sequences and _seg"))


def write_msd(folder: Path, n: int, seed: int = 0, size: int = 50) -> None:
    """``imagesTr``, ``labelsTr``, ``dataset.json`` of task 4, hippocampus; ``size`` 50 makes voxels of 1 mm."""
    training = []
    for number, case in enumerate(track(hippocampi(n, seed, size), _("Making synthetic images"), total=n), start=1):
        name = f"hippocampus_{number:03d}.nii.gz"
        affine = np.diag([case.spacing_mm, case.spacing_mm, case.spacing_mm, 1.0])
        affine[:3, 3] = 1.0
        write_bytes(folder / "imagesTr" / name, nifti(case.image, affine))
        write_bytes(folder / "labelsTr" / name, nifti(case.labels, affine))
        training.append({"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"})
    facts = {
        "name": "Hippocampus",
        "description": "Synthetic hippocampi: nobody was scanned",
        "reference": "laudo",
        "licence": "none needed",
        "release": "1.0",
        "tensorImageSize": "3D",
        "modality": {"0": "MRI"},
        "labels": {"0": "background", **{str(value): name for value, name in LABELS.items()}},
        "numTraining": n,
        "numTest": 0,
        "training": training,
        "test": [],
    }
    write_json(folder / "dataset.json", facts)
    layout = "task 4 of the Medical Segmentation Decathlon: imagesTr, labelsTr, dataset.json"
    write_text(folder / "README.txt", README.format(layout=layout))
