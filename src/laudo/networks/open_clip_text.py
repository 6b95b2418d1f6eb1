"""The text side of a network of open_clip (Ilharco 2021): its own transformer, or one of BERT's kind, as BiomedCLIP has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from laudo.networks.checkpoint import Checkpoint, fetched, read_object
from laudo.networks.checkpoint_tokenizer import special_number, tokenizer_file
from laudo.networks.open_clip_backbone import model_settings
from laudo.networks.optional_package import load_package
from laudo.networks.text_tokenizer import TextTokenizer, TokenRules
from laudo.networks.tower_text import TextSource, TextTower, TowerText
from laudo.networks.weights_fit import put_weights

KIND = "open_clip"
PREFIX = "text."
NOT_TEXT = ("visual.", "logit_scale", "logit_bias", "attn_mask", "input_resolution", "context_length", "vocab_size")
INNER = {"bert": "BertConfig", "roberta": "RobertaConfig", "xlm-roberta": "XLMRobertaConfig"}
"""Networks of transformers that may stand inside; the tokens of the others are pooled in ways of their own."""

CODE = ("auto_map", "_name_or_path", "_attn_implementation")
"""Words of a description that name code or files."""


class OpenClipTextTower(TextTower):
    """Built by open_clip.

    Args:
        config: ``embed_dim``, ``quick_gelu``, ``text_cfg`` and ``inner``, the description of the network of transformers inside.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        model = load_package("open_clip").model
        settings = model.CLIPTextCfg(**config["text_cfg"])
        self.size = int(config["embed_dim"])
        if settings.hf_model_name:
            self.text: Any = _with_inner(model, settings, self.size, config["inner"])
        else:
            self.text = model._build_text_tower(self.size, settings, bool(config["quick_gelu"]))
        self.text.output_tokens = False

    def forward(self, numbers: Tensor) -> Tensor:
        """As open_clip pools it."""
        vector: Tensor = self.text(numbers)
        return vector


def open_clip_text(checkpoint: Checkpoint, device: torch.device) -> TowerText:
    """The text side of a checkpoint.

    Raises:
        WeightsError: it has no tokenizer, or its files do not fit together.
    """
    with checkpoint.understood():
        model = model_settings(checkpoint)
        settings = dict(model["text_cfg"])
        hub_name = str(settings.get("hf_model_name") or "")
    inner = _inner_description(checkpoint, hub_name) if hub_name else None
    with checkpoint.understood():
        config = {
            "embed_dim": int(model["embed_dim"]),
            "quick_gelu": bool(model.get("quick_gelu", False)),
            "text_cfg": settings,
            "inner": inner,
        }
        tower = OpenClipTextTower(config)
    tokenizer = _tokenizer(checkpoint, settings, inner)
    tensors = _text_tensors(checkpoint)
    put_weights(tower.text, tensors, checkpoint.weights[0])
    source = TextSource(checkpoint.origin, checkpoint.weights_hash())
    return TowerText(KIND, tower, config, tokenizer, source, device)


def _with_inner(model: Any, settings: Any, size: int, description: Mapping[str, Any]) -> Any:
    """With its description given, open_clip looks for nothing at the hub."""
    kind = str(description.get("model_type"))
    if kind not in INNER:
        raise ValueError(f"model_type {kind}: not one of {', '.join(INNER)}")
    known = {name: value for name, value in description.items() if name not in CODE}
    built = model.HFTextEncoder(
        settings.hf_model_name,
        output_dim=size,
        config=getattr(load_package("transformers"), INNER[kind]).from_dict(known),
        pooler_type=settings.hf_pooler_type,
        proj_type=settings.hf_proj_type,
        pretrained=False,
    )
    if (
        settings.hf_pooler_type != "cls_pooler"
    ):  # the others read tokens: no checkpoint holds weights of a layer above them
        built.transformer.pooler = None
    return built


def _inner_description(checkpoint: Checkpoint, hub_name: str) -> dict[str, Any]:
    """From config.json of the checkpoint, where that describes such a network, else of the repository that it names."""
    own = checkpoint.settings("config.json")
    if own.get("model_type") not in INNER:
        own = read_object(fetched("config.json", [hub_name], checkpoint.folder))
    return {name: value for name, value in own.items() if name not in CODE}


def _tokenizer(checkpoint: Checkpoint, settings: Mapping[str, Any], inner: Mapping[str, Any] | None) -> TextTokenizer:
    longest = int(settings.get("context_length", 77))
    repository = str(settings.get("hf_tokenizer_name") or "")
    with checkpoint.understood():
        asked = dict(settings.get("tokenizer_kwargs") or {})
        clean, strip = asked.pop("clean", "whitespace"), asked.pop("strip_sep_token", False)
        if asked or settings.get("tokenizer_mode"):
            raise ValueError(f"tokenizer_mode {settings.get('tokenizer_mode')}, tokenizer_kwargs {sorted(asked)}")
        if not repository:
            return TextTokenizer(TokenRules(longest, pad=0, fill=True), None)
    file = tokenizer_file(checkpoint, repository)
    with checkpoint.understood():
        pad = special_number(checkpoint, file, "pad_token")
        if pad is None:
            pad = int((inner or {}).get("pad_token_id") or settings.get("pad_id") or 0)
        separator = special_number(checkpoint, file, "sep_token") if strip else None
        erase = () if separator is None else (separator,)
        rules = TokenRules(longest, pad, inner is None, f"open_clip {clean}", erase)  # type: ignore[arg-type]
        return TextTokenizer(rules, file)


def _text_tensors(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Without the first word that newer networks put before them."""
    found = checkpoint.tensors(PREFIX)
    if found:
        return {name.removeprefix(PREFIX): tensor for name, tensor in found.items()}
    return {name: tensor for name, tensor in checkpoint.tensors("").items() if not name.startswith(NOT_TEXT)}
