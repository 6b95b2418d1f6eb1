"""A checkpoint of a network of images and texts, in the form of the hub's repositories: a folder with a description and weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from laudo.core.environment import file_hash
from laudo.core.errors import WeightsError
from laudo.core.messages import _
from laudo.networks.hub import HubError, hub_file
from laudo.networks.weights_file import read_tensors

CheckpointKind = Literal["clip", "open_clip"]

DESCRIPTION: dict[CheckpointKind, str] = {"clip": "config.json", "open_clip": "open_clip_config.json"}
"""File that says how the network is built; transformers' form, open_clip's form."""

WEIGHTS: dict[CheckpointKind, tuple[str, ...]] = {
    "clip": ("model.safetensors",),
    "open_clip": ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors"),
}
"""Names of the weights file, the usual one first."""

INDEX = "model.safetensors.index.json"
"""Names the parts of weights that are cut into several files."""

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


@dataclass(frozen=True)
class Checkpoint:
    """Where a checkpoint lies.

    Attributes:
        folder: its files.
        kind: whose form they have.
        origin: for the report: repository, or name of the folder.
        repository: ``OWNER/NAME@REVISION``, when it came from the hub.
    """

    folder: Path
    kind: CheckpointKind
    origin: str
    repository: str = ""

    @property
    def description(self) -> dict[str, Any]:
        """How the network is built."""
        return self.settings(DESCRIPTION[self.kind])

    def settings(self, *names: str) -> dict[str, Any]:
        """The first of these JSON files that is there; empty when none is.

        Raises:
            WeightsError: it is no JSON object.
        """
        path = next((path for name in names if (path := self.folder / name).is_file()), None)
        return {} if path is None else read_object(path)

    def tensors(self, *beginnings: str) -> dict[str, Tensor]:
        """Tensors whose names begin with one of these words.

        Raises:
            WeightsError: a weights file is missing or damaged.
        """
        found: dict[str, Tensor] = {}
        for path in self.weights:
            found |= read_tensors(path, beginnings)[0]
        return {name: one for name, one in found.items() if not name.endswith("position_ids")}  # older files hold them

    @property
    def weights(self) -> tuple[Path, ...]:
        """Files that hold the weights."""
        path = next((path for name in WEIGHTS[self.kind] if (path := self.folder / name).is_file()), None)
        if path is not None:
            return (path,)
        index = self.folder / INDEX
        if self.kind == "clip" and index.is_file():
            return tuple(self.folder / name for name in parts_of(index))
        return (self.folder / WEIGHTS[self.kind][0],)

    def weights_hash(self) -> str:
        """SHA-256 of the weights file; of several, of their hashes one after the other."""
        hashes = [file_hash(path) for path in self.weights]
        return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()

    def companion(self, name: str, other: str = "") -> Path:
        """A file of the checkpoint: in its folder, else in its repository, else in another one that it names.

        Raises:
            WeightsError: it is nowhere.
        """
        path = self.folder / name
        return path if path.is_file() else fetched(name, (self.repository, other), self.folder)

    @contextmanager
    def understood(self) -> Iterator[None]:
        """Within the block, a description that can not be followed is an error of ours.

        Raises:
            WeightsError: names the file.
        """
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError, AssertionError, IndexError, RuntimeError) as error:
            raise WeightsError(
                _("The checkpoint describes its network in words that are not understood."),
                file=self.folder / DESCRIPTION[self.kind],
                found=f"{type(error).__name__}: {error}"[:300],
            ) from error


def fetched(name: str, repositories: Iterable[str], folder: Path) -> Path:
    """A file of the first of these repositories that has it.

    Args:
        name: of the file.
        repositories: ``OWNER/NAME`` or ``OWNER/NAME@REVISION``; empty ones do not count.
        folder: where the file was missing, for the error.

    Raises:
        WeightsError: none has it.
    """
    asked = [repository for repository in dict.fromkeys(repositories) if repository]
    problems = []
    for repository in asked:
        owner_name, _at, revision = repository.partition("@")
        try:
            return hub_file(owner_name, name, revision or None)
        except HubError as error:
            problems.append(str(error))
    raise WeightsError(
        _("The checkpoint lacks a file."),
        file=folder / name,
        found="; ".join(problems) or None,
        details=tuple(_("looked in {place}").format(place=place) for place in (str(folder), *asked)),
        cure=_("Bring {name} into the folder.").format(name=name),
    )


def parts_of(index: Path) -> list[str]:
    """Names of the files into which weights are cut.

    Raises:
        WeightsError: the index can not be read, or names files outside its folder.
    """
    names = read_object(index).get("weight_map")
    found = sorted({str(name) for name in names.values()}) if isinstance(names, dict) else []
    if not found or any(Path(name).name != name or not name.endswith(".safetensors") for name in found):
        raise WeightsError(_("The list of weights files can not be read."), file=index, found=", ".join(found[:3]))
    return found


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        WeightsError: the file holds none.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(_("The checkpoint has a file that can not be read."), file=path, found=str(error)) from error
    if not isinstance(value, dict):
        raise WeightsError(_("The checkpoint has a file that can not be read."), file=path, found=type(value).__name__)
    return value
