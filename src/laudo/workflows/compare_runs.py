"""Compare runs that outlined the same structures of the same cases: compare.json and a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

import laudo
from laudo.core.atomic import write_json
from laudo.core.errors import DataError, LaudoError, RunError
from laudo.core.messages import _
from laudo.core.recipe_differences import recipe_differences
from laudo.evaluate.paired import COMPARED, PRIMARY, compare_masks
from laudo.evaluate.same_cases import SameCases, same_cases
from laudo.report.compare_page import write_compare_page
from laudo.report.compare_words import verdict_sentence
from laudo.report.compared_run import ComparedRun, read_compared_run, run_names
from laudo.report.voice import Voice

SEEDS = frozenset({"training.seed", "split.seed"})


def compare_runs(folders: Sequence[Path], out: Path, language: str, shared: bool = False) -> dict[str, Any]:
    """Write compare.json, compare.html and figures into ``out``.

    Args:
        folders: two or more run folders, or roots of cross-validations.
        out: folder for the results.
        language: of the page, and of the verdict in compare.json.
        shared: compare on the cases that all runs share; else other cases are an error.

    Returns:
        What compare.json holds: as :func:`laudo.evaluate.paired.compare_masks`, and ``runs``, ``recipes`` (keys that differ),
        ``length_unit`` (of distances: mm or px), ``cases`` (each with the primary metric of every run), and in each verdict
        its ``sentence``.

    Raises:
        RunError: a run is missing, unfinished, or names classes; or ``out`` holds a run.
        DataError: the runs do not have the same cases, structures or truth.
    """
    if len(folders) < 2:
        raise LaudoError(_("A comparison needs two runs."), found=str(len(folders)))
    if (out / "recipe.yaml").is_file():
        raise RunError(_("The folder for the results holds a run."), file=out, cure=_("Choose another one with --out."))
    runs = [read_compared_run(folder, name) for folder, name in zip(folders, run_names(folders), strict=True)]
    cases = same_cases([run.name for run in runs], [run.scores for run in runs], shared)
    _same_masks(runs, cases)
    tolerances = {run.recipe.evaluation.nsd_tolerance_mm for run in runs}
    metrics = [name for name in COMPARED if name != "nsd" or len(tolerances) == 1]
    evaluation, seed = runs[0].recipe.evaluation, runs[0].recipe.split.seed
    result: dict[str, Any] = {
        "kind": "segmentation",
        "laudo": laudo.__version__,
        "length_unit": cases.scores[0].length_unit,
        "runs": [run.facts() for run in runs],
        **compare_masks(cases, metrics, evaluation.bootstrap, seed),
        "recipes": recipe_differences([run.recipe for run in runs]),
        "cases": _cases(cases),
    }
    result["notes"] = [*_notes(runs, cases, result), *result["notes"]]
    voice = Voice(language)
    for pair in result["pairs"]:
        a, b = (runs[pair[side]].name for side in "ab")
        pair["verdict"]["sentence"] = verdict_sentence(pair["verdict"], a, b, voice)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "compare.json", result)
    write_compare_page(
        out, result, [replace(run, scores=one) for run, one in zip(runs, cases.scores, strict=True)], voice
    )
    return result


def _same_masks(runs: Sequence[ComparedRun], cases: SameCases) -> None:
    """Compare the hashes of the masks' files.

    Raises:
        DataError: a case has another mask in another run.
    """
    first = _hashes(runs[0], cases.samples, "mask_sha256")
    for run in runs[1:]:
        other = _hashes(run, cases.samples, "mask_sha256")
        differing = [name for name in cases.samples if first[name] and other[name] and first[name] != other[name]]
        if differing:
            raise DataError(
                _("The runs were not judged against the same masks: the files have changed."),
                file=run.run.manifest_path,
                expected=_("masks as in {run}").format(run=runs[0].name),
                found=_("{n} other ones, such as that of {sample}").format(n=len(differing), sample=differing[0]),
            )


def _hashes(run: ComparedRun, samples: Sequence[str], column: str) -> pd.Series:
    """Hash of each sample's files; empty where the manifest has none."""
    table = run.manifest.table
    return (
        table.assign(sample=table["sample"].astype(str))
        .set_index("sample")[column]
        .astype(str)
        .reindex(list(samples), fill_value="")
    )


def _cases(cases: SameCases) -> list[dict[str, Any]]:
    """The primary metric of every case, structure and run; None where undefined."""
    matrices = [one.matrix(PRIMARY, both_empty_is_best=True) for one in cases.scores]
    groups = cases.scores[0].table["group"].astype(str)
    return [
        {
            "sample": sample,
            "group": groups.iloc[row],
            PRIMARY: {
                name: [None if pd.isna(one[row, place]) else float(one[row, place]) for one in matrices]
                for place, name in enumerate(cases.structures)
            },
        }
        for row, sample in enumerate(cases.samples)
    ]


def _notes(runs: Sequence[ComparedRun], cases: SameCases, result: dict[str, Any]) -> list[dict[str, Any]]:
    """What the runs themselves make a reader careful about."""
    notes: list[dict[str, Any]] = []
    of_runs: dict[str, Callable[[ComparedRun], bool]] = {
        "unfinished": lambda run: run.run.state()["state"] != "finished",
        "validation_quoted": lambda run: run.part == "val",
        "groups_divided": lambda run: run.recipe.split.by == "sample",
        "classes_not_compared": lambda run: run.scores.predictions is not None,
        "first_repeat": lambda run: run.recipe.split.repeats > 1 and run.part == "pooled",
        "one_training": lambda run: not run.run.folds(),
        "folds": lambda run: bool(run.run.folds()),
    }
    for name, applies in of_runs.items():
        found = [run.name for run in runs if applies(run)]
        if found:
            notes.append({"id": name, "runs": found})
    if {one["key"] for one in result["recipes"]} <= SEEDS:
        notes.append({"id": "same_recipe"})
    if len({_parts(run) for run in runs}) > 1:
        notes.append({"id": "trained_on_others"})
    if "nsd" not in result["values"]:
        notes.append({"id": "nsd_tolerance"})
    hashes = pd.concat([_hashes(run, cases.samples, "sha256") for run in runs], axis=1)
    other = int(hashes.replace("", None).nunique(axis=1, dropna=True).gt(1).sum())
    if other:
        notes.append({"id": "images_differ", "n": other})
    return notes


def _parts(run: ComparedRun) -> str:
    """Which samples were in which part or fold."""
    columns = run.manifest.table[["sample", "split", "fold"]].astype(str).sort_values("sample")
    return str(columns.to_csv(index=False))
