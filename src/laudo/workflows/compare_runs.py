"""Compare runs that outlined the same structures, or named the same classes, of the same cases: compare.json and a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import laudo
from laudo.core.atomic import write_json
from laudo.core.errors import DataError, LaudoError, RunError
from laudo.core.mask_scores import MaskScores
from laudo.core.messages import _
from laudo.core.recipe_differences import recipe_differences
from laudo.evaluate.compare import compare
from laudo.report.compare_page import write_compare_page
from laudo.report.compare_seeds import spread_sentence
from laudo.report.compare_verdicts import pair_sentence
from laudo.report.compared_run import ComparedRun, of_one_kind, read_compared_run, run_names
from laudo.report.voice import Voice
from laudo.workflows.any_structure import by_any_structure
from laudo.workflows.compared_cases import compared_cases
from laudo.workflows.compared_notes import notes_of_runs
from laudo.workflows.compared_sides import Encounter, encounter


def compare_runs(
    folders: Sequence[Path], out: Path, language: str, shared: bool = False, any_structure: bool = False
) -> dict[str, Any]:
    """Write compare.json, compare.html and figures into ``out``.

    Runs whose recipes differ in seeds only are one side of the comparison: what is judged is the difference between recipes,
    against what seeds and cases do to it.

    Args:
        folders: two or more run folders, or roots of cross-validations.
        out: folder for the results.
        language: of the page, and of the verdict in compare.json.
        shared: compare on the cases that all runs share; else other cases are an error.
        any_structure: score the written masks anew, as if all structures were one.

    Returns:
        What compare.json holds: as :func:`laudo.evaluate.compare.compare`, and ``kind`` (segmentation or classification),
        ``runs``, ``recipes`` (keys that differ), of masks ``length_unit`` (of distances: mm or px), ``cases`` (see
        :func:`laudo.workflows.compared_cases.compared_cases`), ``sentence`` of the seeds of a single recipe, and in each
        pair's verdict its ``sentence``.

    Raises:
        RunError: a run is missing or unfinished, one outlines and another names classes, or ``out`` holds a run.
        DataError: the runs do not have the same cases, structures, classes or truth.
    """
    if len(folders) < 2:
        raise LaudoError(_("A comparison needs two runs."), found=str(len(folders)))
    if (out / "recipe.yaml").is_file():
        raise RunError(_("The folder for the results holds a run."), file=out, cure=_("Choose another one with --out."))
    read = [read_compared_run(folder, name) for folder, name in zip(folders, run_names(folders), strict=True)]
    met = encounter(by_any_structure(read) if any_structure else of_one_kind(read), shared)
    runs = met.runs
    samples = met.judge.samples
    _same_masks(runs, samples)
    result: dict[str, Any] = {
        "kind": met.judge.table.kind,
        "laudo": laudo.__version__,
        **_length_unit(runs),
        "runs": [run.facts() for run in runs],
        **compare(met.judge, len(runs)),
        "recipes": recipe_differences([run.recipe for run in runs]),
    }
    result["cases"] = compared_cases(runs, samples, result.get("structures", ()))
    result["notes"] = [*notes_of_runs(met, samples, result), *result["notes"]]
    voice = Voice(language)
    _say(result, met, voice)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "compare.json", result)
    write_compare_page(out, result, runs, voice)
    return result


def _length_unit(runs: Sequence[ComparedRun]) -> dict[str, str]:
    """``mm``, or ``px`` where an image of some run does not say its spacing; nothing of classes."""
    units = {run.scores.length_unit for run in runs if isinstance(run.scores, MaskScores)}
    return {"length_unit": "mm" if units == {"mm"} else "px"} if units else {}


def _say(result: dict[str, Any], met: Encounter, voice: Voice) -> None:
    """Put the sentences into the result."""
    names = [side["name"] for side in result["sides"]]
    for pair in result["pairs"]:
        pair["verdict"]["sentence"] = pair_sentence(pair, names, voice)
    if met.one_recipe:
        result["sentence"] = spread_sentence(result, voice)


def _same_masks(runs: Sequence[ComparedRun], samples: Sequence[str]) -> None:
    """Compare the hashes of the masks' files.

    Raises:
        DataError: a case has another mask in another run.
    """
    if not isinstance(runs[0].scores, MaskScores):
        return
    first = runs[0].hashes(samples, "mask_sha256")
    for run in runs[1:]:
        other = run.hashes(samples, "mask_sha256")
        differing = [name for name in samples if first[name] and other[name] and first[name] != other[name]]
        if differing:
            raise DataError(
                _("The runs were not judged against the same masks: the files have changed."),
                file=run.run.manifest_path,
                expected=_("masks as in {run}").format(run=runs[0].name),
                found=_("{n} other ones, such as that of {sample}").format(n=len(differing), sample=differing[0]),
            )
