"""Outline every sample of a part with a run's model, write the masks and score them."""

from __future__ import annotations

import numpy as np

from laudo.core.manifest import Manifest
from laudo.core.mask_scores import IN_MM, MaskScores
from laudo.core.messages import _
from laudo.core.predictions import Predictions
from laudo.core.progress import track
from laudo.core.run import Run
from laudo.evaluate.mask_scoring import score_masks
from laudo.networks.precision import Precision
from laudo.predict.mask_files import mask_ending, save_label_map
from laudo.predict.mask_model import MaskModel
from laudo.predict.outline import outline, true_label_map
from laudo.workflows.mask_names import mask_names
from laudo.workflows.ood import with_ood


def outline_part(
    run: Run, model: MaskModel, manifest: Manifest, part: str, tolerance_mm: float, precision: Precision
) -> MaskScores:
    """Write ``predictions/masks/<part>/…`` and ``predictions/<part>.parquet``.

    Args:
        run: where to.
        model: that is asked.
        manifest: samples with their masks.
        part: of the split.
        tolerance_mm: of the surface Dice; of pictures whose spacing is not known, in pixels.
        precision: of the networks.
    """
    rows = manifest.indices(part)
    samples = manifest.table.iloc[rows].reset_index(drop=True)
    names = mask_names(samples["sample"].astype(str).tolist())
    scores, classes, written, in_mm, unlike = [], [], [], [], []
    for index, name in zip(track(rows, _("Outlining")), names, strict=True):
        paths, masks = manifest.image_paths(index), manifest.mask_paths(index)
        found = outline(model, paths, precision)
        path = run.masks_folder(part) / (name + mask_ending(paths[0]))
        save_label_map(path, found.label_map, paths[0])
        label = int(manifest.labels[index]) if model.structures.of_label else -1
        truth = true_label_map(model, paths, masks, label, found, manifest.mask_labels)
        scores.append(score_masks(truth, found.label_map, model.structures.by_name, found.spacing_mm, tolerance_mm))
        written.append(path.relative_to(run.folder).as_posix())
        in_mm.append(found.in_mm)
        if found.ood is not None:
            unlike.append(found.ood)
        if found.classes is not None:
            classes.append(found.classes)
    predictions = None
    if classes:
        predictions = Predictions.build(samples, np.stack(classes), model.classes, None)
    described = samples.assign(mask=written, **{IN_MM: in_mm})
    built = MaskScores.build(described, scores, model.structures.names, predictions)
    ood = None if not unlike else (np.array([one for one, _d in unlike]), np.array([d for _p, d in unlike]))
    table = MaskScores(with_ood(built.table, ood), built.structures)
    table.save(run.predictions_path(part))
    return table
