"""Reproduce: command, versions, seeds and hashes; and of a run that repeats another one, whether it came out the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from laudo.core.environment import file_hash
from laudo.core.recipe_file import dump_recipe
from laudo.report.context import Evidence
from laudo.report.impersonal import without_folders
from laudo.report.reproduction_words import figure_rows, sentences
from laudo.report.sections.draft import AbsentError, Draft
from laudo.report.voice import Voice

WEIGHTS = ("*.safetensors", "*.skops")


def build(draft: Draft) -> dict[str, Any]:
    """Give what is needed to do it again, and to know whether it is the same."""
    evidence, voice = draft.evidence, draft.voice
    environment, recipe = evidence.environment, evidence.recipe
    if not environment and recipe is None:
        raise AbsentError(voice.gettext("The run holds neither a recipe nor a description of what it was made with."))
    return {
        "commands": _commands(evidence),
        "facts": [(name, str(value)) for name, value in _facts(evidence, voice) if value not in (None, "")],
        "packages": sorted((environment.get("packages") or {}).items()),
        "hashes": hashes(evidence),
        "recipe": without_folders(dump_recipe(recipe)) if recipe is not None else "",
        "again": _again(evidence, voice),
    }


def _facts(evidence: Evidence, voice: Voice) -> list[tuple[str, Any]]:
    _ = voice.gettext
    environment, recipe = evidence.environment, evidence.recipe
    facts = [
        ("laudo", environment.get("laudo")),
        (_("Commit"), environment.get("commit")),
        ("Python", environment.get("python")),
        (_("System"), " ".join(str(environment[key]) for key in ("system", "machine") if environment.get(key))),
        (_("Processor"), environment.get("processor")),
        (_("Processor cores"), environment.get("cores")),
        (_("Threads"), environment.get("threads")),
        (_("Memory"), _gib(environment.get("memory_gib"), voice)),
        ("GPU", environment.get("gpu")),
        (_("Memory of the GPU"), _gib(environment.get("gpu_memory_gib"), voice)),
        ("CUDA", environment.get("cuda")),
        (_("Device"), environment.get("device")),
        (_("Precision"), environment.get("precision")),
        (_("Started"), voice.date(environment.get("started"))),
        (_("Pretrained weights"), evidence.model.get("weights")),
    ]
    if recipe is not None:
        facts += [(_("Seed of the split"), recipe.split.seed), (_("Seed of the training"), recipe.training.seed)]
    return facts


def _gib(value: Any, voice: Voice) -> str:
    return f"{voice.number(value, 1)} GiB" if isinstance(value, int | float) else ""


def hashes(evidence: Evidence) -> list[tuple[str, str]]:
    """SHA-256 of recipe, samples and weights, as the files are now, and whatever else the run has written down."""
    found = dict(evidence.environment.get("hashes") or {})
    if evidence.manifest is not None:
        found["manifest"] = evidence.manifest.content_hash()
    if evidence.run.recipe_path.is_file():
        found["recipe"] = file_hash(evidence.run.recipe_path)
    for path in weight_files(evidence.run.folder):
        found[path.relative_to(evidence.run.folder).as_posix()] = file_hash(path)
    return sorted((str(name), str(value)) for name, value in found.items())


def weight_files(folder: Path) -> list[Path]:
    """Files of weights and classical classifiers of a run and its folds; what is kept for a resume is left out."""
    found = (path for pattern in WEIGHTS for path in folder.rglob(pattern) if path.is_file())
    return sorted(path for path in found if "checkpoints" not in path.relative_to(folder).parts)


def _commands(evidence: Evidence) -> list[str]:
    """Give the command that repeats the run and compares, the one that trains anew, and the one that was typed."""
    typed = str(evidence.environment.get("command") or "")
    commands = []
    if evidence.recipe is not None:
        folds = " --folds all" if evidence.is_cross_validation else ""
        commands = [
            f"laudo reproduce {evidence.name} -o {evidence.name}-again --data ROOT",
            f"laudo train {evidence.name}/recipe.yaml --data ROOT --out AGAIN{folds}",
        ]
    return [*commands, *([typed] if typed.startswith("laudo ") else [])]


def _again(evidence: Evidence, voice: Voice) -> dict[str, Any] | None:
    """Of a run that ``laudo reproduce`` has made: what it repeats, and how it came out."""
    found = evidence.reproduction
    if not found:
        return None
    verdict, *others = sentences(found, voice)
    return {
        "title": voice.gettext("This run repeats {name}").format(name=found["run"]),
        "first": found["run"],
        "verdict": verdict,
        "others": others,
        "rows": figure_rows(found, voice),
    }
