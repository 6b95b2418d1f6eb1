"""The text side of a network that was trained on images and texts, as an encoder of texts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from laudo.core.atomic import atomic_path, write_json, write_text
from laudo.core.environment import describe_packages, file_hash
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.networks.precision import Precision, autocast, choose_precision
from laudo.networks.text_tokenizer import TextTokenizer

BATCH = 64
WEIGHTS = "text.safetensors"
TOKENIZER = "tokenizer.json"


@dataclass(frozen=True)
class TextSource:
    """Where a text side came from.

    Attributes:
        weights_from: repository, or name of a folder.
        weights_sha256: of the checkpoint's weights file.
    """

    weights_from: str
    weights_sha256: str


class TextTower(nn.Module):
    """A network from (B, L) numbers of word pieces to (B, size) vectors."""

    size: int

    def forward(self, numbers: Tensor) -> Tensor:
        """Vectors, not yet of length 1."""
        raise TypeError(f"{type(self).__name__} defines no vectors")


class TowerText:
    """A text's place in the space that images and texts share: a vector of length 1.

    Args:
        kind: ``clip`` or ``open_clip``.
        tower: the network.
        config: what builds it again.
        tokenizer: of its checkpoint.
        source: of its weights.
        device: where it computes.

    Attributes:
        size: numbers that a text becomes.
        precision: bfloat16 where the device computes it natively.
        cut: texts that were longer than the network reads, so far.
    """

    def __init__(
        self,
        kind: str,
        tower: TextTower,
        config: Mapping[str, Any],
        tokenizer: TextTokenizer,
        source: TextSource,
        device: torch.device,
    ) -> None:
        self.kind = kind
        self.size = tower.size
        self.tower = tower.requires_grad_(False).eval().to(device)
        self.config = dict(config)
        self.tokenizer = tokenizer
        self.source = source
        self.device = device
        self.precision: Precision = choose_precision("auto", device)
        self.cut = 0

    @property
    def fingerprint(self) -> str:
        """Hash of all that decides the vectors, number format, device and library included."""
        file = hashlib.sha256((self.tokenizer.file or "").encode()).hexdigest()
        read = [self.kind, self.config, self.source.weights_sha256, self.tokenizer.rules.as_dict(), file]
        facts = [*read, self.precision, self.device.type, describe_packages()]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """(n, size) float32 of length 1; an empty text is a row of zeros. Texts of like length go through the network together."""
        vectors = np.zeros((len(texts), self.size), np.float32)
        said = [index for index, text in enumerate(texts) if text.strip()]
        numbers, cut = self.tokenizer.numbers([texts[index] for index in said])
        self._tell(cut, len(texts))
        order = sorted(range(len(said)), key=lambda place: (len(numbers[place]), place))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            vectors[[said[place] for place in batch]] = self._vectors([numbers[place] for place in batch])
        return vectors

    def save(self, folder: Path) -> None:
        """Write text.safetensors and tokenizer.json, then text.json."""
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in self.tower.state_dict().items()}
        with atomic_path(folder / WEIGHTS) as temporary:
            save_file(state, temporary)
        if self.tokenizer.file is not None:
            write_text(folder / TOKENIZER, self.tokenizer.file)
        names = [WEIGHTS] if self.tokenizer.file is None else [WEIGHTS, TOKENIZER]
        facts = {
            "kind": self.kind,
            "size": self.size,
            "config": self.config,
            "tokens": self.tokenizer.rules.as_dict(),
            **asdict(self.source),
            "files": {name: file_hash(folder / name) for name in names},
        }
        write_json(folder / "text.json", facts)

    def _tell(self, cut: int, total: int) -> None:
        if cut and not self.cut:
            say(
                _(
                    "{cut} of {n} texts are longer than the network reads ({most} word pieces); their ends are cut off."
                ).format(cut=cut, n=total, most=self.tokenizer.rules.longest)
            )
        self.cut += cut

    @torch.inference_mode()
    def _vectors(self, numbers: Sequence[list[int]]) -> np.ndarray:
        batch = torch.tensor(self.tokenizer.filled(numbers), device=self.device)
        with autocast(self.device, self.precision):
            found = self.tower(batch)
        vectors: np.ndarray = functional.normalize(found.float(), dim=1).cpu().numpy()
        return vectors


def saved_state(folder: Path, facts: Mapping[str, Any]) -> tuple[dict[str, Tensor], str | None]:
    """Weights and tokenizer.json of a saved text side.

    Raises:
        ValueError: a file is not the one that was saved.
        OSError, SafetensorError: a file is missing or damaged.
    """
    for name, saved in facts["files"].items():
        if name not in {WEIGHTS, TOKENIZER} or file_hash(folder / name) != saved:
            raise ValueError(f"{name} is not the file that was saved")
    file = (folder / TOKENIZER).read_text(encoding="utf-8") if TOKENIZER in facts["files"] else None
    return load_file(folder / WEIGHTS), file
