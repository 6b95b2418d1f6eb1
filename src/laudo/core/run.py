"""A run: the folder that one training leaves behind, and the contract between the steps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

from laudo.core.atomic import sweep, write_json, write_text
from laudo.core.errors import LaudoError, RunError
from laudo.core.lock import HeldError, lock
from laudo.core.manifest import Manifest
from laudo.core.mask_scores import MaskScores
from laudo.core.messages import _
from laudo.core.predictions import Predictions
from laudo.core.recipe import Recipe
from laudo.core.recipe_file import dump_recipe, load_recipe

State = Literal["running", "stopped", "finished", "failed"]


@dataclass(frozen=True)
class Run:
    """Paths and plain files of a run folder. A cross-validation is a run whose folds are the runs in ``fold-1 … fold-k``."""

    folder: Path

    @property
    def recipe_path(self) -> Path:
        """recipe.yaml: the recipe with every default written out."""
        return self.folder / "recipe.yaml"

    @property
    def manifest_path(self) -> Path:
        """manifest.parquet: the samples and their parts."""
        return self.folder / "manifest.parquet"

    @property
    def log_path(self) -> Path:
        """log.jsonl: a line an epoch."""
        return self.folder / "log.jsonl"

    @property
    def weights_path(self) -> Path:
        """model.safetensors: weights of backbone and head."""
        return self.folder / "model.safetensors"

    @property
    def classical_path(self) -> Path:
        """model.skops: a classical classifier."""
        return self.folder / "model.skops"

    def companion_path(self, number: int, member: int) -> Path:
        """companion-1-1.skops …: the recipe's classical classifiers beside networks, each one once for each network."""
        return self.folder / f"companion-{number}-{member}.skops"

    @property
    def companion_weights_path(self) -> Path:
        """companions.safetensors: weights of the backbone before training, through which companions look."""
        return self.folder / "companions.safetensors"

    @property
    def text_folder(self) -> Path:
        """text: what reads the texts beside the images."""
        return self.folder / "text"

    def text_classifier_path(self, number: int) -> Path:
        """text/classifier-1.skops …: what answers for the text, once for each network."""
        return self.text_folder / f"classifier-{number}.skops"

    @property
    def ood_path(self) -> Path:
        """ood.safetensors: what training images look like to the networks."""
        return self.folder / "ood.safetensors"

    @property
    def model_path(self) -> Path:
        """model.json: what is needed to use the weights."""
        return self.folder / "model.json"

    @property
    def checkpoints(self) -> Path:
        """Folder of what a resume needs."""
        return self.folder / "checkpoints"

    @property
    def figures(self) -> Path:
        """Folder of the report's figures in full size."""
        return self.folder / "figures"

    @property
    def explanations(self) -> Path:
        """Folder of class-activation maps."""
        return self.folder / "explanations"

    @property
    def report_path(self) -> Path:
        """report.html."""
        return self.folder / "report.html"

    def predictions_path(self, part: str) -> Path:
        """predictions/<part>.parquet."""
        return self.folder / "predictions" / f"{part}.parquet"

    def mask_scores(self, part: str) -> MaskScores:
        """Scores of the masks predicted of a part, of a run that outlines structures."""
        self._need(self.predictions_path(part))
        return MaskScores.load(self.predictions_path(part))

    def masks_folder(self, part: str) -> Path:
        """predictions/masks/<part>: the label maps predicted of a part."""
        return self.folder / "predictions" / "masks" / part

    def folds(self) -> list[Run]:
        """Runs of the folds, in order; empty for a single run."""
        found = [path for path in self.folder.glob("fold-*") if path.name.removeprefix("fold-").isdigit()]
        return [Run(path) for path in sorted(found, key=lambda path: int(path.name.removeprefix("fold-")))]

    def _repr_html_(self) -> str:
        """What a notebook shows: how the run stands, its main figures, and where its report is."""
        metrics = self.optional_json("metrics") or {}
        part = next((name for name in ("pooled", "test", "val") if name in metrics), None)
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{_figure(entry['value'])}</td><td>{_interval(entry['ci95'])}</td></tr>"
            for name, entry in (metrics[part]["metrics"].items() if part else ())
        )
        head = f"<p><b>{escape(self.folder.name)}</b>: {escape(self.state()['state'])}, {escape(str(self.report_path))}</p>"
        return head + (f"<table><caption>{part}, n = {metrics[part]['n']}</caption>{rows}</table>" if part else "")

    # reading ------------------------------------------------------------------------------------------------

    def recipe(self) -> Recipe:
        """The recipe it was made with."""
        self._need(self.recipe_path)
        return load_recipe(self.recipe_path)

    def manifest(self) -> Manifest:
        """The samples it was made with."""
        self._need(self.manifest_path)
        return Manifest.load(self.manifest_path)

    def predictions(self, part: str) -> Predictions:
        """Predictions of a part: train, val, test, or pooled (cross-validation)."""
        self._need(self.predictions_path(part))
        return Predictions.load(self.predictions_path(part))

    def has_predictions(self, part: str) -> bool:
        """Whether this part was predicted."""
        return self.predictions_path(part).is_file()

    def json(self, name: str) -> Any:
        """Contents of ``<name>.json``.

        Raises:
            RunError: it is missing or cut short.
        """
        path = self.folder / f"{name}.json"
        self._need(path)
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._damaged(path, str(error)) from error

    def optional_json(self, name: str) -> Any:
        """The same, or None when there is no such file."""
        return self.json(name) if (self.folder / f"{name}.json").is_file() else None

    def log(self) -> list[dict[str, Any]]:
        """Epochs trained so far. A last line cut short by a kill is left out."""
        if not self.log_path.is_file():
            return []
        epochs = []
        for line in self.log_path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                epochs.append(json.loads(line))
            except ValueError:
                break
        return epochs

    def state(self) -> dict[str, Any]:
        """``{"state": running|stopped|finished|failed, …}``; running is also what a killed run says."""
        return self.optional_json("status") or {"state": "running"}

    def has_report(self) -> bool:
        """Whether there is a report that is not older than the run's state."""
        status = self.folder / "status.json"
        if not self.report_path.is_file():
            return False
        return not status.is_file() or self.report_path.stat().st_mtime_ns >= status.stat().st_mtime_ns

    # writing ------------------------------------------------------------------------------------------------

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process from training in this folder, until the block or this process ends (see core.lock).

        To be entered before the folder is looked at: whoever comes second must not decide by what the first is changing.

        Raises:
            RunError: another process is training in it.
        """
        try:
            with lock(self.folder / ".lock"):
                yield
        except HeldError as error:
            number = "?" if error.process is None else str(error.process)
            raise RunError(
                _("Another process is training in this folder."),
                file=self.folder,
                found=_("process {number}").format(number=number),
                cure=_("Wait until it has ended, or choose another folder with --out."),
            ) from error

    def write_json(self, name: str, value: Any) -> None:
        """Write ``<name>.json``."""
        write_json(self.folder / f"{name}.json", value)

    def write_log(self, epochs: list[dict[str, Any]]) -> None:
        """Write the whole of log.jsonl."""
        write_text(self.log_path, "".join(json.dumps(line) + "\n" for line in epochs))

    def begin(self, recipe: Recipe) -> None:
        """Make the folder, remove what a killed process left half written in it, and write the recipe."""
        self.folder.mkdir(parents=True, exist_ok=True)
        sweep(self.folder)
        write_text(self.recipe_path, dump_recipe(recipe))
        self.set_state("running")

    def set_state(self, state: State, **facts: Any) -> None:
        """Say how the run stands."""
        self.write_json("status", {"state": state, **facts})

    def fail(self, error: BaseException) -> None:
        """Write down why the run ended."""
        facts = (
            error.as_dict() if isinstance(error, LaudoError) else {"error": type(error).__name__, "what": str(error)}
        )
        self.set_state("failed", **facts)

    # errors -------------------------------------------------------------------------------------------------

    def _need(self, path: Path) -> None:
        if not self.folder.is_dir():
            raise RunError(
                _("There is no run folder here."), file=self.folder, expected=_("a folder made by laudo train")
            )
        if not path.is_file():
            raise self._damaged(path, _("no such file"))

    def _damaged(self, path: Path, found: str) -> RunError:
        return RunError(
            _("The run is incomplete or damaged."),
            file=path,
            found=found,
            cure=_(
                "Continue it with the same `laudo train … --out {folder} --resume`; nothing else in the folder is touched."
            ).format(folder=self.folder),
        )

    def damaged(self, path: Path, found: str) -> RunError:
        """The error for a file of this run that can not be used."""
        return self._damaged(path, found)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _interval(bounds: list[float] | None) -> str:
    return "–" if bounds is None else f"{bounds[0]:.3f}–{bounds[1]:.3f}"
