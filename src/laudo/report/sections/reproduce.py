"""Reproduce: command, versions, seeds and hashes."""

from __future__ import annotations

from typing import Any

from laudo.core.recipe_file import dump_recipe
from laudo.report.impersonal import without_folders
from laudo.report.sections.draft import AbsentError, Draft


def build(draft: Draft) -> dict[str, Any]:
    """Give what is needed to do it again, and to know whether it is the same."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    environment = evidence.environment
    recipe = evidence.recipe
    if not environment and recipe is None:
        raise AbsentError(_("The run holds neither a recipe nor a description of what it was made with."))
    facts = [
        ("laudo", environment.get("laudo")),
        ("Python", environment.get("python")),
        (_("System"), " ".join(str(environment[key]) for key in ("system", "machine") if environment.get(key))),
        (_("Processor cores"), environment.get("cores")),
        (_("Device"), environment.get("device")),
        (_("Precision"), environment.get("precision")),
        (_("Started"), voice.date(environment.get("started"))),
        (_("Pretrained weights"), evidence.model.get("weights")),
    ]
    if recipe is not None:
        facts += [(_("Seed of the split"), recipe.split.seed), (_("Seed of the training"), recipe.training.seed)]
    hashes = dict(environment.get("hashes") or {})
    if evidence.manifest is not None and "manifest" not in hashes:
        hashes["manifest"] = evidence.manifest.content_hash()
    return {
        "commands": _commands(draft),
        "facts": [(name, str(value)) for name, value in facts if value not in (None, "")],
        "packages": sorted((environment.get("packages") or {}).items()),
        "hashes": sorted((str(name), str(value)) for name, value in hashes.items()),
        "recipe": without_folders(dump_recipe(recipe)) if recipe is not None else "",
    }


def _commands(draft: Draft) -> list[str]:
    """Give the command that was typed, and one that works from the run folder alone."""
    command = str(draft.evidence.environment.get("command") or "")
    commands = [command] if command.startswith("laudo ") else []
    if draft.evidence.recipe is not None:
        folds = " --folds all" if draft.evidence.is_cross_validation else ""
        commands.append(f"laudo train {draft.evidence.name}/recipe.yaml --data ROOT --out AGAIN{folds}")
    return commands
