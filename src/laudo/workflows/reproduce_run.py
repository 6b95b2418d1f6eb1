"""Train a run again from its own recipe and split, and compare what came out: figures, predictions, masks, weights."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import laudo
from laudo.core.case_table import load_table
from laudo.core.environment import file_hash
from laudo.core.environment_differences import environment_differences
from laudo.core.errors import RunError
from laudo.core.messages import _
from laudo.core.progress import track
from laudo.core.run import Run
from laudo.evaluate.repeated import PARTS, compare_figures, compare_tables, worst
from laudo.workflows.parts import KeptParts
from laudo.workflows.same_files import check_files, locate
from laudo.workflows.train_run import Options, cross_validate, open_run, train_run
from laudo.workflows.write_report import write_reports

RESULT = "reproduce"
"""Name of the JSON file with the result, in the folder of the new run."""


@dataclass(frozen=True)
class Pair:
    """A run, and the same trained again."""

    first: Run
    again: Run
    tolerance: float


def reproduce_run(first: Run, data: Path | None, out: Path, options: Options, tolerance: float) -> dict[str, Any]:
    """Check the data, train again, compare; writes ``reproduce.json`` into the new run and its report.

    Args:
        first: a finished run, or the root of a cross-validation.
        data: where its images are now; None: where they were.
        out: folder of the new run.
        options: as of a training; its parts are set here.
        tolerance: see :data:`laudo.evaluate.repeated.TOLERANCE`.

    Returns:
        What reproduce.json holds. ``verdict``: ``identical`` or ``close`` (every quoted figure agrees), ``different``,
        ``other_data`` (nothing was trained) or ``unfinished`` (time ran out).

    Raises:
        RunError: the first run is not finished, or ``out`` is its own folder or holds another run.
        DataError: its images are not there.
    """
    _comparable(first, out)
    recipe = first.recipe()
    manifest = locate(first.manifest(), data)
    files = check_files(manifest)
    facts: dict[str, Any] = {
        "laudo": laudo.__version__,
        "run": first.folder.resolve().name,
        "again": out.resolve().name,
        "tolerance": tolerance,
        "data": files.as_dict(),
        "inputs": _inputs(first),
    }
    _clear(out)
    open_run(recipe, out, options.resume)  # refuses a folder that holds something else before anything is written there
    if not files.same:
        return _written(Run(out), {**facts, "verdict": "other_data"})
    job = cross_validate if first.folds() else train_run
    with tempfile.TemporaryDirectory(prefix="laudo-") as folder:  # the very samples of the run, wherever they lie now
        manifest.save(Path(folder) / "manifest.parquet")
        kept = replace(options, parts=KeptParts(first.folder, out))
        again = job(recipe, Path(folder), out, kept)
    if again.state()["state"] != "finished":
        return _written(again, {**facts, "verdict": "unfinished"})
    found = _written(again, {**facts, **_compared(Pair(first, again, tolerance))})
    write_reports(again, options.language)
    return found


def _comparable(first: Run, out: Path) -> None:
    first.recipe()  # a folder without a recipe is no run
    if first.state()["state"] != "finished":
        raise RunError(
            _("The run is not finished, so there is nothing to compare with."),
            file=first.folder,
            found=first.state()["state"],
            cure=_("Continue it with the same `laudo train … --resume`."),
        )
    if out.resolve() == first.folder.resolve() or out.resolve().is_relative_to(first.folder.resolve()):
        raise RunError(_("The new run needs a folder of its own."), file=out, cure=_("Choose another one with -o."))


def _clear(out: Path) -> None:
    """Take away what an attempt on other data has left alone in the folder: it would look like somebody's own."""
    left = out / f"{RESULT}.json"
    if left.is_file() and not (out / "recipe.yaml").is_file():
        left.unlink()


def _written(run: Run, facts: dict[str, Any]) -> dict[str, Any]:
    run.folder.mkdir(parents=True, exist_ok=True)
    run.write_json(RESULT, facts)
    return facts


def _inputs(first: Run) -> list[dict[str, Any]]:
    """Whether recipe and manifest are still those that the first run wrote down; None where it wrote down nothing."""
    recorded = (first.optional_json("environment") or {}).get("hashes") or {}
    today = {"recipe": file_hash(first.recipe_path), "manifest": first.manifest().content_hash()}
    return [
        {"name": name, "sha256": value, "as_recorded": recorded[name] == value if recorded.get(name) else None}
        for name, value in today.items()
    ]


def _compared(pair: Pair) -> dict[str, Any]:
    first, again = pair.first, pair.again
    figures = compare_figures(first.json("metrics"), again.json("metrics"), pair.tolerance)
    part = "pooled" if first.folds() else first.recipe().evaluation.headline
    quoted = [row["agreement"] for row in figures if row["part"] == part]
    predictions = [
        {"part": name, **_predictions(pair, name)}
        for name in PARTS
        if first.has_predictions(name) and again.has_predictions(name)
    ]
    weights = _weights(pair)
    verdict = worst(quoted)
    same_bits = all(one["agreement"] == "identical" for one in predictions) and all(one["same"] for one in weights)
    if verdict == "identical" and not same_bits:
        verdict = "close"
    return {
        "verdict": verdict,
        "part": part,
        "figures": figures,
        "predictions": predictions,
        "weights": weights,
        "environment": environment_differences(*(run.optional_json("environment") or {} for run in (first, again))),
    }


def _predictions(pair: Pair, part: str) -> dict[str, Any]:
    tables = [
        load_table(run.predictions_path(part), _("Predictions can not be read.")) for run in (pair.first, pair.again)
    ]
    found = compare_tables(tables[0], tables[1], pair.tolerance)
    return {**found, **_masks(pair, tables[0])} if "mask" in tables[0] else found


def _masks(pair: Pair, table: Any) -> dict[str, int]:
    """How many of the masks that the first run wrote are the same, voxel by voxel and header by header."""
    names = [str(name) for name in table["mask"] if name]
    paths = [(pair.first.folder / name, pair.again.folder / name) for name in names]
    same = [_contents(a) == _contents(b) for a, b in track(paths, _("Comparing the masks")) if a.is_file()]
    return {"masks": len(same), "masks_changed": len(same) - sum(same)}


def _contents(path: Path) -> bytes | None:
    """Bytes of a file, unpacked: a compressed file may hold the time at which it was written."""
    if not path.is_file():
        return None
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def _weights(pair: Pair) -> list[dict[str, Any]]:
    """Hash of each file of weights in both runs. Classical classifiers are judged by their answers: their files hold addresses."""
    found = []
    for name in sorted(_weight_files(pair.first)):
        hashes = [
            file_hash(run.folder / name) if (run.folder / name).is_file() else None for run in (pair.first, pair.again)
        ]
        found.append({"file": name, "first": hashes[0], "again": hashes[1], "same": hashes[0] == hashes[1]})
    return found


def _weight_files(run: Run) -> Iterator[str]:
    """Files of weights of a run and of its folds, relative to it; what is kept for a resume is left out."""
    for path in run.folder.rglob("*.safetensors"):
        relative = path.relative_to(run.folder)
        if "checkpoints" not in relative.parts:
            yield relative.as_posix()
