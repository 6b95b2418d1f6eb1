"""Gather what a run folder holds. Any file may be missing or damaged: the report is then written from the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from laudo.core.errors import LaudoError
from laudo.core.manifest import Manifest
from laudo.core.mask_scores import MaskScores
from laudo.core.predictions import Predictions
from laudo.core.recipe import Recipe, WantedRate
from laudo.core.run import Run
from laudo.report.impersonal import impersonal, without_folders

T = TypeVar("T")


@dataclass(frozen=True)
class Explained:
    """Explanations of one run.

    Attributes:
        fold: number of the fold, 0 for a single run.
        folder: folder that the pictures' paths are relative to.
        data: contents of explanations.json.
    """

    fold: int
    folder: Path
    data: dict[str, Any]


@dataclass(frozen=True)
class Evidence:
    """Everything that a report is written from.

    Attributes:
        run: the run folder.
        recipe: None when there is none that can be read; so for the others.
        status: ``{"state": …}`` and, of a failed run, the error.
        headline: part whose figures are quoted: test, val, or pooled in cross-validation.
        predictions: those of the headline part.
        logs: fold number (0 for a single run) and its epochs.
        threshold_rules: rules by which the run, or its folds, came to their thresholds.
        troubles: file name and reason of each file that is there but can not be used.
        scores: of the masks of the headline part, where structures are outlined; :attr:`predictions` are then the classes that
            the network named beside them.
        reproduction: what ``laudo reproduce`` has found, where this run repeats another one.
    """

    run: Run
    recipe: Recipe | None
    manifest: Manifest | None
    status: dict[str, Any]
    audit: dict[str, Any] | None
    metrics: dict[str, Any]
    headline: str
    predictions: Predictions | None
    logs: list[tuple[int, list[dict[str, Any]]]]
    explained: list[Explained]
    environment: dict[str, Any]
    model: dict[str, Any]
    threshold_rules: frozenset[str]
    troubles: tuple[tuple[str, str], ...]
    scores: MaskScores | None = None
    reproduction: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the run: its folder's, for a recipe may have many runs."""
        return self.run.folder.resolve().name

    @property
    def is_cross_validation(self) -> bool:
        """Whether the folder is the root of several folds."""
        return bool(self.run.folds())

    @property
    def result(self) -> dict[str, Any] | None:
        """Metrics of the headline part; None when there are none."""
        found = self.metrics.get(self.headline)
        return found if isinstance(found, dict) and found.get("metrics") else None

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the network's outputs; empty when nothing says them."""
        if self.model.get("classes"):
            return tuple(map(str, self.model["classes"]))
        if self.outlines and self.predictions is None and not self.names_classes:
            return ()
        for holder in (self.predictions, self.manifest):
            if holder is not None:
                return holder.classes
        return ()

    @property
    def outlines(self) -> bool:
        """Whether structures are outlined."""
        if self.recipe is not None:
            return self.recipe.outlines
        return self.scores is not None or _is_of_masks(self.model, self.metrics)

    @property
    def length_unit(self) -> str:
        """``mm``, or ``px`` where structures are outlined in pictures that do not say their spacing."""
        found = (self.result or {}).get("length_unit") or (self.scores.length_unit if self.scores is not None else "mm")
        return str(found)

    @property
    def names_classes(self) -> bool:
        """Whether a network that outlines structures answers with a class too."""
        return self.recipe is not None and self.recipe.data.target == "mask_and_label"

    @property
    def structures(self) -> tuple[str, ...]:
        """Names of what is outlined; empty when nothing says them."""
        if self.scores is not None:
            return self.scores.structures
        known = self.model.get("structures")
        return tuple(map(str, known["names"])) if isinstance(known, dict) and known.get("names") else ()

    @property
    def positive(self) -> str | None:
        """The positive class of a problem with two classes: the second, as in every room."""
        return self.classes[1] if len(self.classes) == 2 and not self.multilabel else None

    @property
    def multilabel(self) -> bool:
        """Whether an image may have several labels, or none."""
        if self.recipe is not None:
            return self.recipe.data.separator is not None
        return self.manifest is not None and self.manifest.multilabel

    @property
    def leakage(self) -> dict[str, Any] | None:
        """The comparison of a random and a grouped split, where it was made."""
        found = self.metrics.get("leakage") or self.metrics.get("leakage_check")
        return found if isinstance(found, dict) else None

    @property
    def has_decisions(self) -> bool:
        """Whether there is a decision curve."""
        return bool((self.result or {}).get("decision_curve"))

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to train: else the model is judged as it stands, and may be judged again."""
        return self.status.get("state") == "finished"

    @property
    def threshold_rule(self) -> str | None:
        """How the threshold came about; None when nothing says it.

        ``validation``, ``half`` (asked for), ``largest`` (no threshold), ``sensitivity`` or ``specificity`` (what was to be
        reached); ``fallback``: 0.5, because validation could choose none; ``mixed``: so in some folds only.
        """
        wanted = None if self.recipe is None else self.recipe.evaluation.threshold
        asked: str | None = wanted.rate if isinstance(wanted, WantedRate) else wanted
        rules = self.threshold_rules or frozenset([asked] if asked else [])
        if len(rules) != 1:
            return "mixed" if rules else None
        rule = next(iter(rules))
        return "fallback" if rule == "half" and asked not in {None, "half"} else rule

    @property
    def quoted_from_validation(self) -> bool:
        """Whether the figures are those of the part that chose the model."""
        return self.headline == "val"

    @property
    def quoted_from_training(self) -> bool:
        """Whether the figures are those of the part that was learned from."""
        return self.headline == "train"

    @property
    def groups_divided(self) -> bool:
        """Whether images of one group may stand in two parts."""
        return self.recipe is not None and self.recipe.split.by == "sample"

    @property
    def has_patients(self) -> bool:
        """Whether the manifest names patients."""
        return self.manifest is not None and bool((self.manifest.table["patient"].astype(str) != "").any())


@dataclass
class _Reader:
    """Reads optional files and notes what could not be read."""

    troubles: list[tuple[str, str]] = field(default_factory=list)

    def read(self, name: str, load: Callable[[], T], default: T) -> T:
        """What ``load`` gives; the default, and a line among the troubles under this name, when it can not."""
        try:
            return load()
        except LaudoError as error:
            self.troubles.append((name, without_folders(error.found or error.what)))
        except (OSError, ValueError) as error:
            self.troubles.append((name, without_folders(f"{type(error).__name__}: {error}")))
        return default

    def dictionary(self, run: Run, name: str) -> dict[str, Any]:
        """The object in the run's ``<name>.json``; empty when there is none, and a trouble when it is something else."""
        found = self.read(_label(run, f"{name}.json"), lambda: run.optional_json(name), None)
        if found is not None and not isinstance(found, dict):
            self.troubles.append((_label(run, f"{name}.json"), type(found).__name__))
        return impersonal(found) if isinstance(found, dict) else {}


def gather(run: Run) -> Evidence:
    """Read a run folder, or the root of a cross-validation with its folds."""
    reader = _Reader()
    folds = run.folds()
    places = [run, *folds]
    recipe = _first(places, lambda place: place.recipe_path, lambda place: place.recipe(), reader)
    manifest = _first(places, lambda place: place.manifest_path, lambda place: place.manifest(), reader)
    metrics = reader.dictionary(run, "metrics")
    headline = _headline(bool(folds), recipe, metrics)
    status = reader.dictionary(run, "status")
    runs = list(enumerate(folds, start=1)) if folds else [(0, run)]
    nothing: list[dict[str, Any]] = []
    models = [reader.dictionary(place, "model") for place in places]
    model = next((model for model in models if model), {})
    outlines = recipe.outlines if recipe is not None else _is_of_masks(model, metrics)
    scores, predictions = _judged(run, headline, outlines, reader)
    logs = [(number, reader.read(_label(r, "log.jsonl"), r.log, nothing)) for number, r in runs]
    explained = [Explained(number, r.folder, reader.dictionary(r, "explanations")) for number, r in runs]
    return Evidence(
        run=run,
        recipe=recipe,
        manifest=manifest,
        status=status or {"state": "finished" if metrics else "running"},
        audit=_first_dictionary(places, "audit", reader) or None,
        metrics=metrics,
        headline=headline,
        predictions=predictions,
        logs=[(number, epochs) for number, epochs in logs if epochs],
        explained=[one for one in explained if one.data.get("cases") or one.data.get("sanity")],
        environment=_first_dictionary(places, "environment", reader),
        model=model,
        threshold_rules=frozenset(str(model["threshold_rule"]) for model in models if model.get("threshold_rule")),
        troubles=tuple(reader.troubles),
        scores=scores,
        reproduction=reader.dictionary(run, "reproduce"),
    )


def _judged(run: Run, headline: str, outlines: bool, reader: _Reader) -> tuple[MaskScores | None, Predictions | None]:
    """What was predicted of the headline part: scores of masks, and classes."""
    path = run.predictions_path
    if not outlines:
        return None, _first([run], lambda r: path(headline), lambda r: r.predictions(headline), reader)
    scores = _first([run], lambda r: path(headline), lambda r: r.mask_scores(headline), reader)
    return scores, None if scores is None else scores.predictions


def _is_of_masks(model: dict[str, Any], metrics: dict[str, Any]) -> bool:
    """Whether model.json, or metrics.json, is that of a network that outlines structures."""
    kinds = {part.get("kind") for part in metrics.values() if isinstance(part, dict)}
    return model.get("kind") == "masks" or "segmentation" in kinds


def _first(places: list[Run], path: Callable[[Run], Path], load: Callable[[Run], T], reader: _Reader) -> T | None:
    """Load the file from the first place that has it: a cross-validation may keep some in its folds only."""
    for place in places:
        if path(place).is_file():
            return reader.read(_label(place, path(place).name), lambda place=place: load(place), None)  # type: ignore[misc]
    return None


def _first_dictionary(places: list[Run], name: str, reader: _Reader) -> dict[str, Any]:
    for place in places:
        found = reader.dictionary(place, name)
        if found:
            return found
    return {}


def _headline(is_cross_validation: bool, recipe: Recipe | None, metrics: dict[str, Any]) -> str:
    if is_cross_validation:
        return "pooled"
    if recipe is not None:
        return recipe.evaluation.headline
    return next((part for part in ("pooled", "test", "val") if part in metrics), "test")


def _label(run: Run, name: str) -> str:
    """File name as the reader of the report finds it: with its fold's folder."""
    return f"{run.folder.name}/{name}" if run.folder.name.startswith("fold-") else name
