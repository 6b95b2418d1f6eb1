"""Where pretrained weights are looked for: the recipe, LAUDO_WEIGHTS, the hub's cache, the hub."""

from __future__ import annotations

import os
from pathlib import Path

import timm
from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache

from laudo.core.errors import WeightsError
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.networks.hub import HubError, ask_hub

FILE = "model.safetensors"


def find_weights(backbone: str, setting: str) -> tuple[Path, str] | None:
    """File with the weights of a backbone, and where it came from; None for random weights.

    Args:
        backbone: its name in the recipe.
        setting: ``network.weights``: a path, ``hub`` or ``none``.

    Raises:
        WeightsError: they are nowhere; says which file to bring and where to put it.
    """
    if setting == "none":
        return None
    if setting != "hub":
        path = Path(setting).expanduser()
        return path, path.name
    local = os.environ.get("LAUDO_WEIGHTS")
    if local and (path := Path(local) / f"{backbone}.safetensors").is_file():
        return path, path.name
    repository = hub_repository(backbone)
    if not repository:
        raise _nowhere(backbone, "", _("the hub has no safetensors of it"))
    cached = try_to_load_from_cache(repository, FILE)
    if isinstance(cached, str):
        return Path(cached), repository
    try:
        return ask_hub(lambda: _fetch(repository)), repository
    except HubError as error:
        raise _nowhere(backbone, repository, str(error)) from error


def _fetch(repository: str) -> str:
    say(_("Fetching {file} from the hub ({repository})").format(file=FILE, repository=repository))
    return hf_hub_download(repository, FILE)


def hub_repository(backbone: str) -> str:
    """Repository of a timm network's default weights on the hub; empty when there is none."""
    configuration = timm.get_pretrained_cfg(backbone) if timm.is_model(backbone) else None
    if configuration is None or not configuration.hf_hub_id:
        return ""
    identifier = str(configuration.hf_hub_id)
    if not identifier.endswith("/"):
        return identifier
    tag = f".{configuration.tag}" if configuration.tag else ""
    return f"{identifier}{configuration.architecture}{tag}"


def _nowhere(backbone: str, repository: str, found: str) -> WeightsError:
    looked = [
        f"LAUDO_WEIGHTS={os.environ.get('LAUDO_WEIGHTS') or '–'} ({backbone}.safetensors)",
        _("the hub's cache: {folder}").format(folder=constants.HF_HUB_CACHE),
    ]
    if repository:
        looked.append(_("the hub: {repository}, file {file}").format(repository=repository, file=FILE))
    return WeightsError(
        _("Pretrained weights of {backbone} were not found.").format(backbone=backbone),
        found=found,
        details=tuple(_("looked in {place}").format(place=place) for place in looked),
        cure=_(
            "On a machine with internet, download {file} of {repository}; put it here as {backbone}.safetensors in a folder that "
            "LAUDO_WEIGHTS names, or name the file with --set network.weights=FILE. "
            "--set network.weights=none trains from random weights."
        ).format(file=FILE, repository=repository or backbone, backbone=backbone),
    )
