"""Run folders as docs/results.py reads them: what was asked, what was measured, on which machine. Nothing is computed here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from laudo.core.errors import LaudoError
from laudo.core.recipe import Recipe
from laudo.core.recipe_file import load_recipe, shipped_recipes

Json = dict[str, Any]

WORDS = frozenset({"name", "description", "repeats", "published", "mistakes"})
"""Keys of a recipe that decide nothing."""

GROUPED = frozenset({"group", "patient", "duplicates", "official"})
"""Splits in which what belongs together stays together."""


@dataclass(frozen=True)
class FinishedRun:
    """A run folder, or the root of a cross-validation.

    Attributes:
        name: folder, relative to the one that was searched.
        recipe: what was asked.
        metrics: metrics.json.
        status: status.json.
        models: model.json of the run, or of each fold.
        environment: environment.json.
        validation: figures of the validation part of the run, or of each fold.
    """

    name: str
    recipe: Recipe
    metrics: Json
    status: Json
    models: tuple[Json, ...]
    environment: Json
    validation: tuple[Json, ...] = ()

    @property
    def part(self) -> str:
        """Part whose figures are quoted."""
        return "pooled" if "pooled" in self.metrics else self.recipe.evaluation.headline

    @property
    def result(self) -> Json:
        """Figures of that part; empty when there are none."""
        found = self.metrics.get(self.part)
        return found if isinstance(found, dict) and "metrics" in found else {}

    @property
    def is_finished(self) -> bool:
        """Whether the figures are final."""
        return self.status.get("state") == "finished" and bool(self.result)

    @property
    def is_grouped(self) -> bool:
        """Whether copies and slices of one patient were kept on one side."""
        return self.recipe.split.by in GROUPED

    @property
    def changed(self) -> list[str]:
        """Settings that differ from the recipe of this name as it is shipped, ``section.key=value``."""
        if self.recipe.name not in shipped_recipes():
            return []
        shipped, own = (_flat(one.model_dump(mode="json")) for one in (load_recipe(self.recipe.name), self.recipe))
        return [f"{key}={_short(value)}" for key, value in own.items() if shipped.get(key) != value]

    @property
    def weights(self) -> str:
        """Backbone and the weights that it began with."""
        network = self.recipe.network
        if network.backbone == "descriptors":
            return "none (measured features)"
        backbone = next((model["backbone"] for model in self.models if isinstance(model.get("backbone"), dict)), None)
        if backbone is None:
            return f"{network.backbone}, not recorded"
        return f"{backbone.get('name')}, {_short(backbone.get('weights_from') or 'not recorded')}"


def find_runs(folder: Path) -> list[FinishedRun]:
    """Every run below a folder, sorted by name; folds and whatever else lies in a run belong to it.

    Raises:
        LaudoError: a run's recipe or its figures can not be read.
    """
    return sorted((_read(path, folder) for path in _roots(folder)), key=lambda run: run.name)


def _roots(folder: Path) -> Iterator[Path]:
    if (folder / "recipe.yaml").is_file():  # without figures too: its folds are no runs of their own
        yield folder
    elif folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.is_dir() and not path.name.startswith("."):
                yield from _roots(path)


def _read(path: Path, root: Path) -> FinishedRun:
    folds = sorted(path.glob("fold-*"), key=lambda fold: (len(fold.name), fold.name))
    models = [model for place in (path, *folds) if (model := _json(place / "model.json"))]
    places = (path, *folds)
    environment = next((found for place in places if (found := _json(place / "environment.json"))), {})
    name = path.relative_to(root).as_posix()
    return FinishedRun(
        name=path.name if name == "." else name,
        recipe=load_recipe(path / "recipe.yaml"),
        metrics=_json(path / "metrics.json"),
        status=_json(path / "status.json"),
        models=tuple(models),
        environment=environment,
        validation=tuple(val["metrics"] for place in folds or (path,) if (val := _validation(place))),
    )


def _validation(place: Path) -> Json:
    found = _json(place / "metrics.json").get("val")
    return found if isinstance(found, dict) and "metrics" in found else {}


def _json(path: Path) -> Json:
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LaudoError("The file can not be read.", file=path, found=str(error)) from error
    return found if isinstance(found, dict) else {}


def _flat(value: object, prefix: str = "") -> dict[str, object]:
    if not isinstance(value, dict):
        return {prefix: value}
    found: dict[str, object] = {}
    for key, inner in value.items():
        if prefix or key not in WORDS:
            found |= _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    return found


def _short(value: object) -> str:
    """A setting as text; of a file, its name: folders are somebody's own."""
    text = str(value)
    if isinstance(value, list):
        return "[" + ", ".join(_short(one) for one in value) + "]"
    return text.replace("\\", "/").rpartition("/")[2] if text.endswith((".safetensors", ".pth", ".pt")) else text
