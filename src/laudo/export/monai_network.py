"""The network of a bundle: MONAI's own class with its weights where laudo's is MONAI's, else a traced program."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from laudo.core.errors import LaudoError
from laudo.core.messages import _
from laudo.export.answers import ClassifierAnswer, PatchLogits
from laudo.networks.segmentation_table import network_arguments
from laudo.predict.mask_model import MaskModel
from laudo.predict.model import Model
from laudo.prepare.transform import channels

TRACED, WEIGHTS = "models/model.ts", "models/model.pt"
SAME = 1e-4
"""Largest difference of a number that a written network may have from the one that it was written from, relative to the largest."""


class FromPixels(nn.Module):
    """Real numbers of 0 to 255, as MONAI's transforms give them, to the eight bits that laudo's network takes."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        """The inner network's answer."""
        answer: Tensor = self.inner(x.round().clamp(0, 255).to(torch.uint8))
        return answer


def answering_module(model: Model | MaskModel) -> nn.Module:
    """(1, C, *S) float32 in; (1, K) probabilities of a classifier out, else (1, N × K, *S) logits.

    Mirror images of volumes are left to the inferer, those of pictures are inside.
    """
    if isinstance(model, Model):
        assert model.classifier is not None
        return FromPixels(ClassifierAnswer(model.classifier, model.views))
    if model.window is not None:
        return PatchLogits(model.networks)
    return FromPixels(PatchLogits(model.networks, model.mirror_axes))


def example_input(model: Model | MaskModel) -> Tensor:
    """(1, C, *S) float32 of the shape that the network takes."""
    generator = torch.Generator().manual_seed(0)
    if isinstance(model, MaskModel) and model.window is not None:
        return torch.randn((1, model.channels, *model.window), generator=generator)
    prepare = model.prepare
    shape = (1, channels(prepare), prepare.height, prepare.width)
    return torch.randint(256, shape, generator=generator).float()


def write_network(model: Model | MaskModel, folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Write the network below the bundle's folder, and give ``network_def`` of its configuration.

    Args:
        model: whose network it is.
        folder: of the bundle.
        facts: of configs/metadata.json, which a program carries too.

    Raises:
        LaudoError: the network can not be traced, or does not answer as before.
    """
    module, example = answering_module(model).eval(), example_input(model)
    with torch.inference_mode():
        wanted = module(example)
    definition = _write_monai(model, folder, example, wanted) if isinstance(model, MaskModel) else None
    if definition is not None:
        return definition
    from monai.data.torchscript_utils import save_net_with_metadata

    path = folder / TRACED
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # that sizes are kept as numbers: the network sees one size only
        try:
            traced = torch.jit.trace(module, example, check_trace=False)  # type: ignore[no-untyped-call]
            save_net_with_metadata(traced, str(path), meta_values=facts)
            read = torch.jit.load(str(path))  # type: ignore[no-untyped-call]
        except Exception as error:  # the tracer lets out whatever a layer's own code raises
            raise LaudoError(
                _("This network can not be written as a program that MONAI loads."),
                found=f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}",
                cure=_("Export it as ONNX instead: --format onnx"),
            ) from error
        _same(read(example), wanted)
    return {"_target_": "torch.jit.load", "f": f"$@bundle_root + '/{TRACED}'", "map_location": "@device"}


def _write_monai(model: MaskModel, folder: Path, example: Tensor, wanted: Tensor) -> dict[str, Any] | None:
    """Weights for MONAI's own class; None where the network is none of MONAI's, or several answer, or more is around it."""
    own = network_arguments(model.network, model.channels, model.structures.outputs, _patch(model))
    if own is None or len(model.networks) > 1 or model.window is None or model.network.label_head:
        return None
    name, arguments = own
    segmenter = model.networks[0]
    if any(side % step for side, step in zip(_patch(model), segmenter.network.multiple, strict=True)):
        return None  # laudo pads such windows
    import monai.networks.nets as nets

    network = getattr(nets, name)(**arguments).eval()
    state = {key.removeprefix("model."): value.cpu() for key, value in segmenter.network.state_dict().items()}
    known = network.state_dict()
    missing, strange = network.load_state_dict({k: v for k, v in state.items() if k in known}, strict=False)
    if strange or any(not key.startswith("skip_layers.") for key in missing):
        return None  # skip_layers hold the other layers a second time
    with torch.inference_mode():
        _same(network(example), wanted)
    kept = {key: value.contiguous() for key, value in network.state_dict().items()}
    torch.save(kept, folder / WEIGHTS)
    return {"_target_": name, **arguments}


def _patch(model: MaskModel) -> Sequence[int]:
    return model.window or (model.prepare.height, model.prepare.width)


def _same(found: Tensor, wanted: Tensor) -> None:
    distance = float((found - wanted).abs().max() / wanted.abs().max().clamp(min=1e-12))
    if not distance <= SAME:
        raise LaudoError(
            _("The network that was written for MONAI does not answer as laudo's does; nothing was written."),
            expected=_("numbers that differ by at most {tolerance}").format(tolerance=f"{SAME:g}"),
            found=f"{distance:.3g}",
            cure=_("Please report it, with the recipe of the run."),
        )
