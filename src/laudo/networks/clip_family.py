"""Networks of images and texts that transformers builds: CLIP (Radford 2021), SigLIP (Zhai 2023), SigLIP 2 (Tschannen 2025)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from huggingface_hub import errors
from torch import nn

from laudo.networks.optional_package import load_package

FAMILIES = {"clip": "CLIP", "siglip": "Siglip", "siglip2": "Siglip2"}
"""``model_type`` in config.json, and how transformers' classes of it begin. The SigLIP 2 of fixed size are of type ``siglip``."""

Side = Literal["vision", "text"]

SHAPE: dict[Side, tuple[str, ...]] = {
    "vision": (
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_channels",
        "image_size",
        "patch_size",
        "num_patches",
        "hidden_act",
        "layer_norm_eps",
        "attention_dropout",
        "vision_use_head",
    ),
    "text": (
        "vocab_size",
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "max_position_embeddings",
        "hidden_act",
        "layer_norm_eps",
        "attention_dropout",
        "projection_size",
        "pad_token_id",
        "bos_token_id",
        "eos_token_id",
    ),
}
"""Settings that make a side what it is; of those, a family has some."""

INVALID: tuple[type[Exception], ...] = tuple(
    found for name in ("StrictDataclassError",) if (found := getattr(errors, name, None)) is not None
)
"""What newer transformers raise when a setting has a wrong type."""


def family_name(description: Mapping[str, Any]) -> str:
    """Which family a config.json belongs to.

    Raises:
        ValueError: none that is known.
    """
    found = str(description.get("model_type"))
    if found not in FAMILIES:
        raise ValueError(f"model_type {found}: not one of {', '.join(FAMILIES)}")
    return found


def shape_of(description: Mapping[str, Any], side: Side) -> dict[str, Any]:
    """Settings of one side with every default written out, and ``projection``: length of what its vector is projected to, or None.

    Raises:
        ValueError: the description is not valid.
    """
    family = family_name(description)
    whole = _config(f"{FAMILIES[family]}Config", description)
    part = getattr(whole, f"{side}_config")
    found = {name: getattr(part, name) for name in SHAPE[side] if hasattr(part, name)}
    return {"family": family, **found, "projection": whole.projection_dim if family == "clip" else None}


def default_shape() -> dict[str, Any]:
    """The image side of CLIP ViT-B/32."""
    return shape_of({"model_type": "clip"}, "vision")


def build_side(shape: Mapping[str, Any], side: Side) -> nn.Module:
    """One side with random weights; its tensors have the names that they have in the hub's files, without the first word.

    Raises:
        KeyError, ValueError: the shape is not valid.
    """
    start, part = FAMILIES[shape["family"]], side.title()
    settings = {name: shape[name] for name in SHAPE[side] if name in shape}
    built = getattr(load_package("transformers"), f"{start}{part}Model")(_config(f"{start}{part}Config", settings))
    inner: nn.Module = getattr(built, f"{side}_model", built)  # before its version 5, transformers wrapped it once more
    return inner


def _config(name: str, settings: Mapping[str, Any]) -> Any:
    package = load_package("transformers")
    loudness = package.logging.get_verbosity()
    package.logging.set_verbosity_error()  # it warns of marks that SigLIP's own descriptions name and its networks never look at
    try:
        return getattr(package, name).from_dict(dict(settings))
    except INVALID as error:
        raise ValueError(str(error)) from error
    finally:
        package.logging.set_verbosity(loudness)
