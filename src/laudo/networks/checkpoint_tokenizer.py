"""The tokenizer that a checkpoint brings: its tokenizer.json, or the older pair of vocab.json and merges.txt that CLIP has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from laudo.core.errors import WeightsError
from laudo.core.messages import _
from laudo.networks.checkpoint import Checkpoint, read_object
from laudo.networks.optional_package import load_package
from laudo.networks.text_tokenizer import parse_tokenizer

TOKENIZER = "tokenizer.json"
OLDER = ("vocab.json", "merges.txt")
BEGIN, END = "<|startoftext|>", "<|endoftext|>"
WORDS = r"""<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""
"""What CLIP takes for a word (Radford 2021, its published tokenizer): letters, single digits, runs of other signs."""


def tokenizer_file(checkpoint: Checkpoint, repository: str = "") -> str:
    """Contents of a tokenizer.json.

    Args:
        checkpoint: whose.
        repository: that the checkpoint names for its tokenizer.

    Raises:
        WeightsError: there is none, or it is damaged.
    """
    if not repository and not (checkpoint.folder / TOKENIZER).is_file() and _has_older(checkpoint):
        return _from_older(checkpoint.folder)
    path = checkpoint.companion(TOKENIZER, repository)
    try:
        file = path.read_text(encoding="utf-8")
        parse_tokenizer(file)
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error
    return file


def special_number(checkpoint: Checkpoint, file: str, name: str) -> int | None:
    """Number of a special piece, such as ``pad_token``, as the tokenizer's settings name it; None when they do not."""
    for settings in ("tokenizer_config.json", "special_tokens_map.json"):
        found = checkpoint.settings(settings).get(name)
        piece = found.get("content") if isinstance(found, dict) else found
        number = parse_tokenizer(file).token_to_id(piece) if isinstance(piece, str) else None
        if number is not None:
            return int(number)
    return None


def _has_older(checkpoint: Checkpoint) -> bool:
    return all((checkpoint.folder / name).is_file() for name in OLDER)


def _from_older(folder: Path) -> str:
    vocabulary, merges = (folder / name for name in OLDER)
    pieces = read_object(vocabulary)
    load_package("tokenizers")
    try:
        lines = [
            line for line in merges.read_text(encoding="utf-8").split("\n") if line and not line.startswith("#version")
        ]
        return clip_tokenizer(pieces, [tuple(line.split()) for line in lines])
    except Exception as error:  # the library raises nothing more special
        raise _damaged(merges, error) from error


def clip_tokenizer(vocabulary: dict[str, int], merges: list[Any]) -> str:
    """The tokenizer.json of CLIP's pieces of words: lower case, pieces of bytes, a mark at the beginning and one at the end."""
    parts = load_package("tokenizers")
    built = parts.Tokenizer(
        parts.models.BPE(
            vocab=vocabulary, merges=merges, unk_token=END, continuing_subword_prefix="", end_of_word_suffix="</w>"
        )
    )
    normal = parts.normalizers
    built.normalizer = normal.Sequence([normal.NFC(), normal.Replace(parts.Regex(r"\s+"), " "), normal.Lowercase()])
    before = parts.pre_tokenizers
    words = before.Split(parts.Regex(WORDS), behavior="removed", invert=True)
    built.pre_tokenizer = before.Sequence([words, before.ByteLevel(add_prefix_space=False)])
    built.add_special_tokens([BEGIN, END])
    ends = [(one, vocabulary[one]) for one in (END, BEGIN)]
    built.post_processor = parts.processors.RobertaProcessing(*ends, trim_offsets=False, add_prefix_space=False)
    return json.dumps(json.loads(built.to_str()), ensure_ascii=False)


def _damaged(path: Path, error: Exception) -> WeightsError:
    return WeightsError(
        _("The checkpoint's tokenizer can not be read."), file=path, found=f"{type(error).__name__}: {error}"[:300]
    )
