"""The text side of CLIP, SigLIP or SigLIP 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from laudo.networks.checkpoint import Checkpoint
from laudo.networks.checkpoint_tokenizer import special_number, tokenizer_file
from laudo.networks.clip_family import build_side, shape_of
from laudo.networks.text_tokenizer import Cleaning, TextTokenizer, TokenRules, parse_tokenizer
from laudo.networks.tower_text import TextSource, TextTower, TowerText
from laudo.networks.weights_fit import put_weights

KIND = "clip"
BEGINNINGS = ("text_model.", "text_projection.")


class ClipTextTower(TextTower):
    """Built by transformers; its tensors have the names that they have in the hub's files.

    Args:
        config: of :func:`laudo.networks.clip_family.shape_of`.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.text_model: Any = build_side(config, "text")
        width = int(config["hidden_size"])
        self.size = int(config["projection"] or config.get("projection_size") or width)
        self.text_projection = nn.Linear(width, self.size, bias=False) if config["projection"] else None

    def forward(self, numbers: Tensor) -> Tensor:
        """Read off the mark at the end (CLIP) or the last place (SigLIP), which was trained to look at what fills a text up."""
        vector: Tensor = self.text_model(input_ids=numbers).pooler_output
        return vector if self.text_projection is None else self.text_projection(vector)


def clip_text(checkpoint: Checkpoint, device: torch.device) -> TowerText:
    """The text side of a checkpoint.

    Raises:
        WeightsError: it has no tokenizer, or its files do not fit together.
    """
    with checkpoint.understood():
        config = shape_of(checkpoint.description, "text")
        tower = ClipTextTower(config)
    file = tokenizer_file(checkpoint)
    with checkpoint.understood():
        tokenizer = TextTokenizer(_rules(checkpoint, config, file), file)
    put_weights(tower, checkpoint.tensors(*BEGINNINGS), checkpoint.weights[0])
    source = TextSource(checkpoint.origin, checkpoint.weights_hash())
    return TowerText(KIND, tower, config, tokenizer, source, device)


def _rules(checkpoint: Checkpoint, config: Mapping[str, Any], file: str) -> TokenRules:
    longest = int(config["max_position_embeddings"])
    if config["family"] == "clip":
        marks = parse_tokenizer(file).encode("").ids
        if not marks:
            raise ValueError("the tokenizer sets no mark at the end of a text, where CLIP reads its vector off")
        return TokenRules(longest, pad=marks[-1])  # what stands after the first of these marks is not looked at
    pad = special_number(checkpoint, file, "pad_token")
    return TokenRules(
        longest, config["pad_token_id"] if pad is None else pad, fill=True, cleaning=_cleaning(checkpoint)
    )


def _cleaning(checkpoint: Checkpoint) -> Cleaning:
    """SigLIP was trained on lower case without punctuation, SigLIP 2 on lower case."""
    name = str(checkpoint.settings("tokenizer_config.json").get("tokenizer_class", ""))
    if name.startswith("SiglipTokenizer"):
        return "siglip"
    model = checkpoint.settings("tokenizer.json").get("model")
    of_first = not name.startswith(("Gemma", "Siglip2")) and isinstance(model, dict) and model.get("type") == "Unigram"
    return "siglip" if of_first else "lower"
