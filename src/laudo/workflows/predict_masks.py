"""Outline structures in files: masks in the geometry of each image, and a table of what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from laudo.core.errors import DataError, LaudoError, UnreadableImageError
from laudo.core.messages import _
from laudo.core.predictions import PROBABILITY
from laudo.core.progress import track
from laudo.core.run import Run
from laudo.networks.precision import choose_device, choose_precision
from laudo.predict.files import list_files, save_rows
from laudo.predict.mask_files import mask_ending, save_label_map
from laudo.predict.mask_model import MaskModel
from laudo.predict.ood_score import OOD, OOD_DISTANCE
from laudo.predict.outline import Outlined, outline
from laudo.sources.named_manifest import named_manifest, open_manifest
from laudo.sources.table import find_root, get_source, import_manifest
from laudo.workflows.mask_names import mask_names
from laudo.workflows.open_mask_model import open_mask_model


@dataclass(frozen=True)
class Case:
    """One sample: its name, and its images in the order of the channels."""

    name: str
    images: tuple[Path, ...]


def predict_masks(run: Run, paths: Sequence[Path], out: Path) -> pd.DataFrame:
    """Write ``masks/…``, predictions.csv and predictions.json into ``out``; a broken file is a row with its error.

    A model that looks at one image of a case takes files and folders of images. One that looks at several takes folders in the
    layout of the set that it was trained on, or manifests.

    Args:
        run: whose model is asked.
        paths: files, folders or manifests.
        out: folder for the results.

    Raises:
        DataError: there is nothing to outline.
        RunError: the run has no model.
    """
    model = open_mask_model(run)
    cases = _single(paths) if model.channels == 1 or model.window is None else _several(run, paths)
    precision = choose_precision(run.recipe().training.precision, choose_device())
    names = mask_names([case.name for case in cases])
    rows: list[dict[str, object]] = []
    for case, name in zip(track(cases, _("Outlining")), names, strict=True):
        row: dict[str, object] = {
            "file": str(case.images[0] if len(case.images) == 1 else case.name),
            "mask": "",
            "error": "",
        }
        rows.append(row)
        try:
            found = outline(model, case.images, precision)
            path = out / "masks" / (name + mask_ending(case.images[0]))
            save_label_map(path, found.label_map, case.images[0])
        except (UnreadableImageError, DataError) as error:
            row["error"] = _told(error)
            continue
        row |= {"mask": path.relative_to(out).as_posix(), **_measured(model, found)}
    unlike = [] if model.ood is None else [OOD, OOD_DISTANCE]
    columns = ["file", "mask", *_columns(model), *unlike, "error"]
    table = pd.DataFrame(rows, columns=columns)
    save_rows(table, out)
    return table


def _columns(model: MaskModel) -> list[str]:
    named = ["predicted", *[PROBABILITY + name for name in model.classes]] if model.classes else []
    return [*named, *[f"{what}:{name}" for name in model.structures.names for what in ("voxels", "volume_mm3")]]


def _measured(model: MaskModel, found: Outlined) -> dict[str, object]:
    """Size of each structure, and the class where the model names one; volumes of pictures are areas, empty without a spacing."""
    row: dict[str, object] = {}
    for name, values in model.structures.by_name.items():
        voxels = int(np.isin(found.label_map, values).sum())
        row[f"voxels:{name}"] = voxels
        row[f"volume_mm3:{name}"] = float(voxels * np.prod(found.spacing_mm)) if found.in_mm else None
    if found.ood is not None:
        row |= {OOD: round(found.ood[0], 2), OOD_DISTANCE: round(found.ood[1], 4)}
    if found.classes is not None:
        row["predicted"] = model.classes[int(found.classes.argmax())]
        row |= {PROBABILITY + name: float(value) for name, value in zip(model.classes, found.classes, strict=True)}
    return row


def _told(error: LaudoError) -> str:
    where = f" {error.file}" if error.file else ""
    return f"{error.what} ({error.found}){where}" if error.found else error.what + where


def _single(paths: Sequence[Path]) -> list[Case]:
    return [Case(path.name, (path,)) for path in list_files(paths)]


def _several(run: Run, paths: Sequence[Path]) -> list[Case]:
    """Cases of folders in the layout of the run's own source, or of manifests."""
    source = get_source(run.recipe().data.source)
    cases: list[Case] = []
    for path in paths:
        given = named_manifest(path)
        if given:
            manifest = open_manifest(given)
        else:
            root = path if path.is_file() else find_root(source, path)
            if path.is_file() or not source.fits(root):
                raise DataError(
                    _("The model looks at several volumes of each case: name the folder of the cases."),
                    file=path,
                    expected=source.layout,
                )
            manifest = import_manifest(source.name, root)
        cases += [
            Case(str(sample), tuple(manifest.image_paths(index)))
            for index, sample in enumerate(manifest.table["sample"])
        ]
    return cases
