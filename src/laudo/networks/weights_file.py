"""Pretrained weights in a safetensors file: its tensors, and what its own metadata say about architecture and input."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from laudo.core.errors import WeightsError
from laudo.core.messages import _
from laudo.core.recipe import InputScaling

NUMBER = r"[-+]?\d+(?:\.\d+)?"
UNIT_INPUT = re.compile(rf"RGB (?:\d+x\d+, )?mean ({NUMBER}), std ({NUMBER})$")
RAW_INPUT = re.compile(rf"RGB 0\.\.255 minus \(({NUMBER}), ({NUMBER}), ({NUMBER})\), no division$")


@dataclass(frozen=True)
class WeightsFile:
    """Contents of a weights file.

    Attributes:
        tensors: by name.
        architecture: network that they belong to; empty when the file does not say.
        options: arguments of its constructor that the file asks for.
        scaling: input scaling that the file states; None when it does not.
    """

    tensors: dict[str, Tensor]
    architecture: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    scaling: InputScaling | None = None


def read_weights(path: Path) -> WeightsFile:
    """Read a safetensors file.

    Metadata that are understood: ``timm`` ("create_model('name', option=value)"), ``torchvision`` ("name().features"),
    ``input`` ("RGB 224x224, mean 0.5, std 0.5" or "RGB 0..255 minus (r, g, b), no division"), ``laudo`` (JSON of an input scaling).

    Raises:
        WeightsError: no such file, not safetensors, or metadata that can not be understood.
    """
    tensors, metadata = read_tensors(path)
    architecture, options = _architecture(metadata, path)
    return WeightsFile(tensors, architecture, options, _scaling(metadata, path))


def read_tensors(path: Path, beginnings: tuple[str, ...] = ("",)) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors of a safetensors file whose names begin with one of these words, and the file's metadata.

    Raises:
        WeightsError: no such file, or not safetensors.
    """
    if not path.is_file():
        raise WeightsError(_("There is no weights file here."), file=path, expected=_("a .safetensors file"))
    try:
        with safe_open(path, framework="pt") as handle:
            wanted = [name for name in handle.keys() if name.startswith(beginnings)]  # noqa: SIM118 (not a dict)
            return {name: handle.get_tensor(name) for name in wanted}, handle.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            _("The weights file can not be read."),
            file=path,
            expected=_("the safetensors format; pickled weights (.pth, .pt) are never loaded"),
            found=str(error),
        ) from error


def _architecture(metadata: dict[str, str], path: Path) -> tuple[str, dict[str, Any]]:
    if "torchvision" in metadata:
        return metadata["torchvision"].split("(")[0].strip(), {}
    if "timm" not in metadata:
        return "", {}
    try:
        call = ast.parse(metadata["timm"], mode="eval").body
        if not isinstance(call, ast.Call):
            raise ValueError(metadata["timm"])
        name = ast.literal_eval(call.args[0])
        options = {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg}
    except (SyntaxError, ValueError, IndexError) as error:
        raise WeightsError(
            _("The weights file describes its network in words that are not understood."),
            file=path,
            expected="timm: create_model('name', option=value)",
            found=metadata["timm"],
        ) from error
    options.pop("num_classes", None)
    options.pop("pretrained", None)
    return str(name), options


def _scaling(metadata: dict[str, str], path: Path) -> InputScaling | None:
    if "laudo" in metadata:
        try:
            return InputScaling(**json.loads(metadata["laudo"]))
        except (ValueError, TypeError) as error:
            raise _not_understood(path, metadata["laudo"]) from error
    if "input" not in metadata:
        return None
    if match := UNIT_INPUT.match(metadata["input"]):
        mean, std = float(match[1]), float(match[2])
        return InputScaling(mean=(mean,) * 3, std=(std,) * 3)
    if match := RAW_INPUT.match(metadata["input"]):
        return InputScaling(mean=(float(match[1]), float(match[2]), float(match[3])), std=(1.0, 1.0, 1.0), range=255.0)
    raise _not_understood(path, metadata["input"])


def _not_understood(path: Path, found: str) -> WeightsError:
    return WeightsError(
        _("The weights file describes its input in words that are not understood; laudo does not guess."),
        file=path,
        found=found,
        cure=_("Say it in the recipe: network.input_scaling: {mean: […], std: […], range: 1 or 255}"),
    )
