"""The model of a run as an ONNX graph: preparation, networks and their mean inside, held against laudo before it is kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import laudo
from laudo.export.answers import ClassifierAnswer, PictureAnswer, WindowLogits
from laudo.export.check import Checked, check_classifier, check_outlines, check_patches
from laudo.export.facts import model_facts
from laudo.export.graph import Graph
from laudo.export.onnx_back import picture_mask_back
from laudo.export.onnx_network import onnx_network
from laudo.export.onnx_picture import IMAGE, MASK, Placed, prepare_picture
from laudo.export.packages import onnx_package
from laudo.export.sample import Picture, Volume
from laudo.networks.precision import Precision
from laudo.predict.mask_model import MaskModel
from laudo.predict.model import Model
from laudo.prepare.transform import channels


@dataclass(frozen=True)
class OnnxExport:
    """A graph that was compared, and what is to be known of it.

    Attributes:
        graph: the file's bytes.
        checked: what the comparison gave.
        facts: for export.json.
    """

    graph: bytes
    checked: Checked
    facts: dict[str, Any]


def export_classifier(model: Model, pictures: Sequence[Picture], precision: Precision) -> OnnxExport:
    """The graph of a classifier: a decoded picture of any size in, the probability of each class out.

    Args:
        model: of networks alone; see :func:`laudo.export.refusal.refuse_what_can_not_be_exported`.
        pictures: by which it is compared; all of one type.
        precision: of `laudo predict`.

    Raises:
        LaudoError: the network has no ONNX form, or the graph answers otherwise than the model.
    """
    assert model.classifier is not None
    kind = pictures[0].array.dtype
    g = Graph("laudo_")
    placed = prepare_picture(g, model.prepare, kind)
    network = onnx_network(ClassifierAnswer(model.classifier, model.views), _pixels(model))
    (answers,) = g.include(network, placed.pixels)
    g.named(g("Squeeze", answers, g.integers(0)), "probabilities")
    outputs = [_float_output("probabilities", [len(model.classes)])]
    facts = model_facts(model) | {"inputs": _picture_inputs(model, kind), "outputs": ["probabilities"]}
    graph = _finished(g, _inputs(model, kind), outputs, facts)
    return OnnxExport(graph, check_classifier(graph, model, pictures, precision), facts)


def export_outlines(model: MaskModel, pictures: Sequence[Picture], precision: Precision) -> OnnxExport:
    """The graph of a network that outlines structures in pictures; see :func:`export_classifier`.

    Its outputs are the probability of each output on the picture's own pixels, the label map before any post-processing and, where
    the model names a class, the probability of each.
    """
    kind = pictures[0].array.dtype
    g = Graph("laudo_")
    placed = prepare_picture(g, model.prepare, kind)
    structures = model.structures
    answer = PictureAnswer(model.networks, model.mirror_axes, structures.overlapping, structures.of_label)
    found = g.include(onnx_network(answer, _pixels(model)), placed.pixels)
    masks = picture_mask_back(g, found[0], placed, model.prepare)
    g.named(masks, "probabilities")
    g.named(_label_map(g, masks, placed, model), "label_map")
    helper, kinds = onnx_package("onnx").helper, onnx_package("onnx").TensorProto
    outputs = [
        _float_output("probabilities", [structures.outputs, "height", "width"]),
        helper.make_tensor_value_info("label_map", kinds.INT16, ["height", "width"]),
    ]
    if model.classes:
        g.named(found[1], "classes")
        outputs.append(_float_output("classes", [len(model.classes)]))
    facts = model_facts(model) | {
        "inputs": _picture_inputs(model, kind),
        "outputs": [one.name for one in outputs],
    }
    graph = _finished(g, _inputs(model, kind), outputs, facts)
    return OnnxExport(graph, check_outlines(graph, model, pictures, precision), facts)


def export_patches(model: MaskModel, volumes: Sequence[Volume], precision: Precision) -> OnnxExport:
    """The graph of a network that outlines structures in volumes: a prepared window in, the logits of each network out.

    Preparation and sliding window are not inside: they depend on the whole volume, of which the graph sees a window at a time.
    """
    assert model.window is not None
    example = torch.zeros((1, model.channels, *model.window))
    module = _Stacked(WindowLogits(model.networks, model.mirror_axes))
    g = Graph("laudo_")
    (logits,) = g.include(onnx_network(module, example), "patch")
    g.named(logits, "logits")
    shape = [len(model.networks), model.structures.outputs, *model.window]
    facts = model_facts(model) | {
        "inputs": {"patch": {"type": "float32", "shape": list(example.shape)}},
        "outputs": ["logits"],
    }
    graph = _finished(g, [_float_output("patch", list(example.shape))], [_float_output("logits", shape)], facts)
    return OnnxExport(graph, check_patches(graph, model, volumes, precision), facts)


class _Stacked(torch.nn.Module):
    """(1, C, *S) to (N, K, *S) logits of N networks."""

    def __init__(self, inner: WindowLogits) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return torch.cat(self.inner(x)[0])


def _pixels(model: Model | MaskModel) -> torch.Tensor:
    prepare = model.prepare
    return torch.zeros((1, channels(prepare), prepare.height, prepare.width), dtype=torch.uint8)


def _label_map(g: Graph, masks: str, placed: Placed, model: MaskModel) -> str:
    """(H, W) int16; see :meth:`laudo.core.structures.Structures.written`."""
    structures = model.structures
    if not structures.overlapping:
        values = g.constant([0, *structures.own_values], np.int16)
        return g("Gather", values, g("ArgMax", masks, axis=0, keepdims=0))
    made = g("Expand", g.constant(0, np.int16), g.listed(*placed.size))
    for number, value in enumerate(structures.own_values):
        one = g("Gather", masks, g.integer(number), axis=0)
        made = g("Where", g("GreaterOrEqual", one, g.single(0.5)), g.constant(value, np.int16), made)
    return made


def _inputs(model: Model | MaskModel, kind: np.dtype[Any]) -> list[Any]:
    helper = onnx_package("onnx").helper
    code = helper.np_dtype_to_tensor_dtype(kind)
    inputs = [helper.make_tensor_value_info(IMAGE, code, ["height", "width", "channels"])]
    if model.prepare.needs_mask:
        kinds = onnx_package("onnx").TensorProto
        inputs.append(helper.make_tensor_value_info(MASK, kinds.UINT8, ["height", "width"]))
    return inputs


def _picture_inputs(model: Model | MaskModel, kind: np.dtype[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {IMAGE: {"type": str(kind), "shape": ["height", "width", "1 or 3"]}}
    if model.prepare.needs_mask:
        found[MASK] = {"type": "uint8", "shape": ["height", "width"]}
    return found


def _float_output(name: str, shape: Sequence[int | str]) -> Any:
    onnx = onnx_package("onnx")
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(shape))


def _finished(g: Graph, inputs: list[Any], outputs: list[Any], facts: dict[str, Any]) -> bytes:
    """The file's bytes, the facts in its metadata."""
    onnx = onnx_package("onnx")
    model = g.model(inputs, outputs)
    model.producer_name, model.producer_version = "laudo", laudo.__version__
    texts = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in facts.items()
    }
    onnx.helper.set_model_props(model, texts)
    onnx.checker.check_model(model)
    made: bytes = model.SerializeToString()
    return made
