"""Every encoder of texts, in one place. A new one is a file beside this and a line here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from laudo.core.errors import RunError, WeightsError
from laudo.core.messages import _
from laudo.networks.checkpoint import Checkpoint, CheckpointKind
from laudo.networks.checkpoint_search import find_checkpoint
from laudo.networks.clip_text import ClipTextTower, clip_text
from laudo.networks.open_clip_text import OpenClipTextTower, open_clip_text
from laudo.networks.text_encoder import PretrainedTextEncoder, TextEncoder
from laudo.networks.text_tokenizer import TextTokenizer, TokenRules
from laudo.networks.tfidf_text import TfidfText
from laudo.networks.tower_text import TextSource, TextTower, TowerText, saved_state

PRETRAINED: dict[CheckpointKind, Callable[[Checkpoint, torch.device], PretrainedTextEncoder]] = {
    "clip": clip_text,
    "open_clip": open_clip_text,
}
"""Text sides of checkpoints, by their form."""

TOWERS: dict[str, Callable[[dict[str, Any]], TextTower]] = {
    "clip": ClipTextTower,
    "open_clip": OpenClipTextTower,
}
"""Networks inside those, built again without the checkpoint."""


def pretrained_text_encoder(text: str, weights: str, device: torch.device) -> PretrainedTextEncoder:
    """The text side of a checkpoint.

    Args:
        text: ``clip`` or ``open_clip``: of the checkpoint that ``weights`` names; ``hub:OWNER/NAME`` or a folder: of that one.
        weights: ``network.weights``; with a backbone of another kind, ``hub`` still means the usual checkpoint.
        device: where it computes.

    Raises:
        WeightsError: the checkpoint is nowhere, not complete or not understood.
        LaudoError: a package is not installed that it needs.
    """
    if text not in PRETRAINED:
        checkpoint = find_checkpoint(None, text)
        return PRETRAINED[checkpoint.kind](checkpoint, device)
    if weights == "none":
        raise WeightsError(
            _("A text side without a checkpoint has no tokenizer."),
            found=f"network.text={text}, network.weights=none",
            cure="--set network.weights=hub",
        )
    kind: CheckpointKind = "clip" if text == "clip" else "open_clip"
    return PRETRAINED[kind](find_checkpoint(kind, weights), device)


def load_text_encoder(folder: Path, device: torch.device) -> TextEncoder:
    """What an encoder's ``save`` wrote.

    Args:
        folder: that holds text.json.
        device: where it computes.

    Raises:
        RunError: a file is missing, damaged, or not the one that was saved.
        LaudoError: a package is not installed that it needs.
    """
    try:
        facts: dict[str, Any] = json.loads((folder / "text.json").read_text(encoding="utf-8"))
        return LOADERS[facts["kind"]](folder, facts, device)
    except (OSError, SafetensorError, RuntimeError, *WRONG) as error:
        raise RunError(
            _("The part of the model that reads texts can not be read."),
            file=folder,
            found=f"{type(error).__name__}: {error}"[:300],
            cure=_("Train again, or bring the folder back from a copy."),
        ) from error


def _tower(folder: Path, facts: dict[str, Any], device: torch.device) -> TextEncoder:
    state, file = saved_state(folder, facts)
    tower = TOWERS[facts["kind"]](facts["config"])
    tower.load_state_dict(state)
    if tower.size != facts["size"]:
        raise ValueError(f"size {facts['size']}, the network's is {tower.size}")
    tokenizer = TextTokenizer(TokenRules.from_dict(facts["tokens"]), file)
    source = TextSource(facts["weights_from"], facts["weights_sha256"])
    return TowerText(facts["kind"], tower, facts["config"], tokenizer, source, device)


def _tfidf(folder: Path, _facts: dict[str, Any], _device: torch.device) -> TextEncoder:
    return TfidfText.load(folder)


WRONG = (KeyError, TypeError, ValueError, AttributeError, AssertionError, IndexError)
"""What a text.json of other contents than were saved leads to."""

LOADERS: dict[str, Callable[[Path, dict[str, Any], torch.device], TextEncoder]] = {
    "clip": _tower,
    "open_clip": _tower,
    "tfidf": _tfidf,
}
"""By ``kind`` in text.json."""
