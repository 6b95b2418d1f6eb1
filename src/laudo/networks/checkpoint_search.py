"""Where checkpoints of networks of images and texts are looked for: the recipe, LAUDO_WEIGHTS, the hub's cache, the hub."""

from __future__ import annotations

import os
from pathlib import Path

from huggingface_hub import constants

from laudo.core.errors import LaudoError, WeightsError
from laudo.core.messages import _
from laudo.networks.checkpoint import (
    DESCRIPTION,
    INDEX,
    PICKLES,
    WEIGHTS,
    Checkpoint,
    CheckpointKind,
    parts_of,
    read_object,
)
from laudo.networks.clip_family import FAMILIES
from laudo.networks.hub import HubError, cached_file, hub_file

DEFAULTS: dict[CheckpointKind, str] = {
    "clip": "openai/clip-vit-base-patch32@refs/pr/15",
    "open_clip": "microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224",
}
"""What ``hub`` means. The main branch of the first has pickled weights only; the same weights as safetensors stand in this one."""

SCALING = ("preprocessor_config.json", "processor_config.json")
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", "merges.txt")
HUB = "hub:"


def find_checkpoint(kind: CheckpointKind | None, setting: str) -> Checkpoint:
    """The checkpoint that a setting names.

    Args:
        kind: whose form it must have; None: that which its files show.
        setting: a folder; ``hub``, the usual one of its kind; or ``hub:OWNER/NAME`` with, if need be, ``@REVISION``.

    Raises:
        WeightsError: it is nowhere, or not complete; says where it was looked for.
    """
    if setting == "hub" and kind is not None:
        local = os.environ.get("LAUDO_WEIGHTS")
        if local and (folder := Path(local) / kind).is_dir():
            return _of_folder(folder, kind, folder.name)
        return _of_hub(kind, DEFAULTS[kind])
    if setting.startswith(HUB):
        return _of_hub(kind, setting.removeprefix(HUB))
    if setting in {"hub", "none"}:
        raise WeightsError(
            _("A checkpoint must be named."), found=setting, expected=_("a folder, or hub:OWNER/NAME of the model hub")
        )
    folder = Path(setting).expanduser()
    return _of_folder(folder, kind, folder.name)


def _of_folder(folder: Path, kind: CheckpointKind | None, origin: str) -> Checkpoint:
    if not folder.is_dir():
        raise WeightsError(
            _("There is no checkpoint here."),
            file=folder,
            expected=_("a folder with {names}").format(names=_files(kind)),
            found=_("a file") if folder.exists() else _("nothing"),
            cure=_("Name a folder, or hub:OWNER/NAME of the model hub."),
        )
    shown = _kind_of(folder, kind)
    if shown is None:
        raise WeightsError(
            _("There is no checkpoint here."),
            file=folder,
            expected=_("a folder with {names}").format(names=_files(kind)),
            found=_listing(folder),
        )
    if not any((folder / name).is_file() for name in _weights_names(shown)):
        raise _without_weights(folder, shown)
    return Checkpoint(folder, shown, origin)


def _of_hub(kind: CheckpointKind | None, name: str) -> Checkpoint:
    """Every file that is not in the hub's cache is fetched, those of the tokenizer too: then the checkpoint works offline."""
    repository, _at, revision = name.partition("@")
    try:
        cached = _cached(kind, repository, revision or None)
        if cached is not None:
            return Checkpoint(cached[0], cached[1], repository, name)
        shown = kind or _kind_on_hub(repository, revision or None)
        folder = hub_file(repository, DESCRIPTION[shown], revision or None).parent
        _fetch_weights(repository, shown, revision or None)
        for optional in (*SCALING, *TOKENIZER):
            _try_fetch(repository, optional, revision or None)
    except HubError as error:
        raise _nowhere(kind, repository, revision, str(error)) from error
    return Checkpoint(folder, shown, repository, name)


def _cached(kind: CheckpointKind | None, repository: str, revision: str | None) -> tuple[Path, CheckpointKind] | None:
    """Folder and kind of what the hub's cache holds; None when description or weights are missing there."""
    folder = next(
        (path.parent for name in DESCRIPTION.values() if (path := cached_file(repository, name, revision))), None
    )
    shown = None if folder is None else _kind_of(folder, kind)
    if folder is None or shown is None:
        return None
    found = any((folder / name).is_file() for name in WEIGHTS[shown])
    index = folder / INDEX
    if not found and shown == "clip" and index.is_file():
        found = all((folder / part).is_file() for part in parts_of(index))
    return (folder, shown) if found else None


def _kind_on_hub(repository: str, revision: str | None) -> CheckpointKind:
    problems = []
    for name in DESCRIPTION.values():
        try:
            folder = hub_file(repository, name, revision).parent
        except HubError as error:
            problems.append(str(error))
            continue
        shown = _kind_of(folder, None)
        if shown is not None:
            return shown
    raise HubError(problems[0] if problems else _("its files show no network of images and texts"))


def _fetch_weights(repository: str, kind: CheckpointKind, revision: str | None) -> None:
    problems = []
    for name in WEIGHTS[kind]:
        try:
            hub_file(repository, name, revision)
        except HubError as error:
            problems.append(str(error))
        else:
            return
    if kind == "clip" and (index := _try_fetch(repository, INDEX, revision)) is not None:
        for part in parts_of(index):
            hub_file(repository, part, revision)
        return
    raise HubError(problems[0])


def _try_fetch(repository: str, name: str, revision: str | None) -> Path | None:
    try:
        return hub_file(repository, name, revision)
    except HubError:
        return None


def _kind_of(folder: Path, wanted: CheckpointKind | None) -> CheckpointKind | None:
    """What the files of a folder show; a repository may hold both forms."""
    if wanted is not None:
        return wanted if (folder / DESCRIPTION[wanted]).is_file() else None
    own = folder / DESCRIPTION["clip"]
    if own.is_file() and read_object(own).get("model_type") in FAMILIES:
        return "clip"
    return "open_clip" if (folder / DESCRIPTION["open_clip"]).is_file() else None


def _weights_names(kind: CheckpointKind) -> tuple[str, ...]:
    return (*WEIGHTS[kind], INDEX) if kind == "clip" else WEIGHTS[kind]


def _files(kind: CheckpointKind | None) -> str:
    kinds: tuple[CheckpointKind, ...] = ("clip", "open_clip") if kind is None else (kind,)
    return " / ".join(f"{DESCRIPTION[one]} + {WEIGHTS[one][0]}" for one in kinds)


def _listing(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir())
    return ", ".join(names[:6]) + (", …" if len(names) > 6 else "") or _("nothing")


def _without_weights(folder: Path, kind: CheckpointKind) -> WeightsError:
    pickled = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES)
    return WeightsError(
        _("The checkpoint has no weights in the safetensors format."),
        file=folder,
        expected=WEIGHTS[kind][0] + "; " + _("pickled weights (.bin, .pt) are never loaded"),
        found=", ".join(pickled) or _listing(folder),
        cure=_convert(kind) if pickled else None,
    )


def _convert(kind: CheckpointKind) -> str:
    return _(
        'Take a checkpoint that has {name}, or, where you trust the file, write it yourself once: python -c "import torch; '
        "from safetensors.torch import save_file; save_file({{k: v.clone().contiguous() for k, v in "
        "torch.load('PICKLED', weights_only=True).items()}}, '{name}')\""
    ).format(name=WEIGHTS[kind][0])


def _nowhere(kind: CheckpointKind | None, repository: str, revision: str, found: str) -> LaudoError:
    looked = [
        _("the hub's cache: {folder}").format(folder=constants.HF_HUB_CACHE),
        _("the hub: {repository}, file {file}").format(
            repository=f"{repository}@{revision}" if revision else repository, file=_files(kind)
        ),
    ]
    if kind is not None:
        looked.insert(0, f"LAUDO_WEIGHTS={os.environ.get('LAUDO_WEIGHTS') or '–'} ({kind})")
    return WeightsError(
        _("The checkpoint {name} was not found.").format(name=repository),
        found=found,
        details=tuple(_("looked in {place}").format(place=place) for place in looked),
        cure=_(
            "On a machine with internet, download the files of {repository} that are no pickles (.bin, .pt); put them here as "
            "folder {kind} of the folder that LAUDO_WEIGHTS names, or name their folder with --set network.weights=FOLDER. "
            "If it has pickled weights only: {convert}"
        ).format(repository=repository, kind=kind or "clip", convert=_convert(kind or "clip")),
    )
