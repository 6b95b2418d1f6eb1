"""Tiny checkpoints of images and texts, written as the hub's repositories hold them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

TEXTS = (
    "Axial CT of the chest shows a nodule.",
    "",
    "Ressonância magnética: lesão no coração, à esquerda!",
    "Tomografía; pulmón IZQUIERDO con opacidad – ¿tumor?",
    "x",
    "A very long description, " * 40,
)
"""English, nothing, Portuguese, Spanish, one letter, longer than any of these networks reads."""

SMALL = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
SIDE_PX = 32


def pixels(n: int = 3, side: int = SIDE_PX) -> torch.Tensor:
    """(n, 3, side, side) prepared images."""
    generator = torch.Generator().manual_seed(side)
    return torch.randint(0, 256, (n, 3, side, side), dtype=torch.uint8, generator=generator)


def images(batch: torch.Tensor) -> list[np.ndarray]:
    """The same as a list of (H, W, 3) pictures."""
    return list(batch.permute(0, 2, 3, 1).numpy())


def byte_pieces(begin: str, end: str) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges of CLIP's form: every byte, alone and at the end of a word, then some merged pieces."""
    from tokenizers.pre_tokenizers import ByteLevel

    letters = sorted(ByteLevel.alphabet())
    merges = [
        ("c", "h"),
        ("ch", "e"),
        ("t", "</w>"),
        ("o", "n"),
        ("e", "s"),
        ("n", "o"),
        ("l", "e"),
        ("l", "u"),
        ("m", "o"),
    ]
    merges = [(a, b if b != "</w>" else "o</w>") for a, b in merges]
    pieces = [*letters, *[f"{letter}</w>" for letter in letters], *["".join(pair) for pair in merges], begin, end]
    return {piece: number for number, piece in enumerate(pieces)}, merges


def save_clip(folder: Path) -> Path:
    """CLIP: config.json, model.safetensors, preprocessor_config.json, tokenizer.json."""
    import transformers

    vocabulary, merges = byte_pieces("<|startoftext|>", "<|endoftext|>")
    marks = {"bos_token_id": len(vocabulary) - 2, "eos_token_id": len(vocabulary) - 1}
    torch.manual_seed(1)
    unusual = {"layer_norm_eps": 1e-2, "hidden_act": "gelu"}
    config = transformers.CLIPConfig(
        text_config={**SMALL, **unusual, **marks, "vocab_size": len(vocabulary), "max_position_embeddings": 24},
        vision_config={**SMALL, **unusual, "hidden_size": 40, "image_size": SIDE_PX, "patch_size": 8},
        projection_dim=20,
    )
    livelier(transformers.CLIPModel(config)).save_pretrained(folder)
    transformers.CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=24).save_pretrained(folder)
    save_scaling(folder, [0.4, 0.5, 0.6], [0.2, 0.3, 0.25])
    return folder


def save_siglip(folder: Path) -> Path:
    """SigLIP: a tokenizer of Google's SentencePiece kind in its tokenizer.json form."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    letters = [*"abcdefghijklmnopqrstuvwxyzáàãâéêíóôõúç–¿", "▁", "▁ct", "ão", "tumor"]
    pieces = [
        ("<pad>", 0.0),
        ("</s>", 0.0),
        ("<unk>", 0.0),
        *[(letter, -2.0 - 0.01 * i) for i, letter in enumerate(letters)],
    ]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens(["<pad>", "</s>", "<unk>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    shape = {**SMALL, "vocab_size": len(pieces), "max_position_embeddings": 16, "projection_size": 28}
    torch.manual_seed(2)
    config = transformers.SiglipConfig(
        text_config={**shape, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 1},
        vision_config={**SMALL, "hidden_size": 28, "image_size": SIDE_PX, "patch_size": 8},
    )
    livelier(transformers.SiglipModel(config)).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    marks = {"eos_token": "</s>", "pad_token": {"content": "</s>", "special": True}, "unk_token": "<unk>"}
    write(folder / "tokenizer_config.json", {"tokenizer_class": "SiglipTokenizer", "model_max_length": 16, **marks})
    save_scaling(folder, [0.5] * 3, [0.5] * 3)
    return folder


def save_siglip2(folder: Path) -> Path:
    """SigLIP 2 of free size (NaFlex): patches in, lower case."""
    import transformers

    letters = [*"abcdefghijklmnopqrstuvwxyzáãâçéíóú.,;:!?–¿", "▁"]
    vocabulary = {
        piece: number for number, piece in enumerate(["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *letters])
    }
    vocabulary |= {f"<0x{byte:02X}>": len(vocabulary) + byte for byte in range(256)}
    vocabulary["ct"] = len(vocabulary)
    tokenizer = transformers.Siglip2Tokenizer(vocab=vocabulary, merges=[("c", "t")], model_max_length=16)
    from tokenizers import processors

    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <eos>", special_tokens=[("<eos>", 1)]
    )
    torch.manual_seed(3)
    config = transformers.Siglip2Config(
        text_config={**SMALL, "vocab_size": len(vocabulary), "max_position_embeddings": 16, "projection_size": 28},
        vision_config={**SMALL, "hidden_size": 28, "num_patches": 16, "patch_size": 8},
    )
    livelier(transformers.Siglip2Model(config)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    save_scaling(folder, [0.5] * 3, [0.5] * 3)
    return folder


def save_open_clip(folder: Path) -> Path:
    """open_clip with its own transformers and its own tokenizer."""
    from open_clip.model import CLIP

    model: dict[str, Any] = {
        "embed_dim": 20,
        "quick_gelu": True,
        "vision_cfg": {"image_size": SIDE_PX, "layers": 2, "width": 64, "patch_size": 8, "head_width": 32},
        "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
    }
    torch.manual_seed(4)
    return save_open(
        folder, model, livelier(CLIP(**model)).state_dict(), {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.25]}
    )


def save_biomedical(folder: Path) -> Path:
    """open_clip as BiomedCLIP has it: an image side of timm, a text side of BERT's kind with its tokenizer."""
    import transformers
    from open_clip.model import CustomTextCLIP
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [
        "ct",
        "chest",
        "coracao",
        "lesao",
        "tumor",
        "pulmon",
        "of",
        "the",
        *letters,
        *[f"##{one}" for one in letters],
        *".,;:!?–¿",
    ]
    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    folder.mkdir(parents=True, exist_ok=True)
    config = transformers.BertConfig(**SMALL, vocab_size=len(vocabulary), max_position_embeddings=40, pad_token_id=0)
    write(folder / "config.json", {**config.to_dict(), "model_type": "bert"})
    tokenizer.save(str(folder / "tokenizer.json"))
    marks = {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    }
    write(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **marks})
    model: dict[str, Any] = {
        "embed_dim": 20,
        "vision_cfg": {"timm_model_name": "test_vit", "timm_pool": "", "timm_proj": "linear", "image_size": 160},
        "text_cfg": {
            "hf_model_name": str(folder),
            "hf_model_pretrained": False,
            "hf_tokenizer_name": "owner/bert",
            "hf_proj_type": "mlp",
            "hf_pooler_type": "cls_last_hidden_state_pooler",
            "context_length": 32,
        },
    }
    torch.manual_seed(5)
    return save_open(
        folder, model, livelier(CustomTextCLIP(**model)).state_dict(), {"mean": [0.5] * 3, "std": [0.25] * 3}
    )


SAVED = {
    "clip": save_clip,
    "siglip": save_siglip,
    "siglip2": save_siglip2,
    "open_clip": save_open_clip,
    "biomedical": save_biomedical,
}
KIND = {name: "clip" if name in {"clip", "siglip", "siglip2"} else "open_clip" for name in SAVED}
SIDE = {name: 160 if name == "biomedical" else SIDE_PX for name in SAVED}


def save_open(folder: Path, model: dict[str, Any], state: dict[str, torch.Tensor], preprocess: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "open_clip_config.json", {"model_cfg": model, "preprocess_cfg": preprocess})
    save_file({name: one.contiguous() for name, one in state.items()}, folder / "open_clip_model.safetensors")
    return folder


def livelier(network: torch.nn.Module, noise: float = 0.1) -> torch.nn.Module:
    """Weights so large that different inputs give different vectors."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * noise)
    return network.eval()


def save_scaling(folder: Path, mean: list[float], std: list[float]) -> None:
    settings = {
        "image_mean": mean,
        "image_std": std,
        "rescale_factor": 1 / 255,
        "do_rescale": True,
        "do_normalize": True,
    }
    write(folder / "preprocessor_config.json", settings)


def write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def change(folder: Path, name: str, **values: Any) -> None:
    """Other values in a JSON file; None takes one away."""
    found = {**json.loads((folder / name).read_text(encoding="utf-8")), **values}
    write(folder / name, {key: value for key, value in found.items() if value is not None})


def change_tensors(path: Path, **values: torch.Tensor | None) -> None:
    found: dict[str, Any] = {**load_file(path), **{name.replace("__", "."): one for name, one in values.items()}}
    save_file({name: one for name, one in found.items() if one is not None}, path)
