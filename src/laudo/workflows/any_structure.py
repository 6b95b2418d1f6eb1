"""Runs that outline other structures of the same images, compared by what is marked at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from laudo.core.errors import DataError, LaudoError, RunError
from laudo.core.mask_scores import IN_MM, MaskScores
from laudo.core.messages import _
from laudo.core.progress import track
from laudo.evaluate.mask_scoring import score_masks
from laudo.read.table import read_image
from laudo.report.compared_run import ComparedRun
from laudo.report.outlined_case import case_of, inside, structures_in, with_prediction

ANY = "any structure"


def by_any_structure(runs: Sequence[ComparedRun]) -> list[ComparedRun]:
    """The runs with their masks scored anew, as if all structures were one.

    A network that names the tumour it outlines is so set beside one that outlines tumours only.

    Raises:
        RunError: a run outlines nothing, or does not say what.
        DataError: an image or a mask of a case is gone, damaged, or of another size.
    """
    return [replace(run, scores=_scored(run)) for run in runs]


def _scored(run: ComparedRun) -> MaskScores:
    structures = structures_in(run.trainings[0].optional_json("model") or {})
    if not isinstance(run.scores, MaskScores) or structures is None:
        raise RunError(
            _("--any-structure is for runs that outline structures."),
            file=run.run.folder,
            found=f"data.target: {run.recipe.data.target}",
        )
    rows = {str(sample): row for row, sample in enumerate(run.manifest.table["sample"])}
    table = run.scores.table
    tolerance = run.recipe.evaluation.nsd_tolerance_mm
    scores = []
    for sample, mask in track(list(zip(table["sample"].astype(str), table["mask"].astype(str), strict=True)), run.name):
        path = inside(run.run.folder, mask)
        try:
            if path is None:
                raise ValueError(mask)
            row = rows[sample]
            case = case_of(read_image(run.manifest.paths[row]), run.manifest, row, structures)
            predicted = with_prediction(case, path, structures).predicted
        except (LaudoError, OSError, ValueError, KeyError) as error:
            raise DataError(
                _("A case can not be scored anew: its image or one of its masks is gone or damaged."),
                file=run.run.folder,
                found=f"{sample}: {error}",
                cure=_("Bring the files back, or compare runs of the same structures without --any-structure."),
            ) from error
        assert predicted is not None, "a prediction was read"
        scores.append(score_masks(case.truth > 0, predicted > 0, {ANY: (1,)}, case.spacing_mm, tolerance))
    columns = ["sample", "group", "image", "patient", "label", "mask", IN_MM]
    return MaskScores.build(table[[name for name in columns if name in table]], scores, (ANY,))
