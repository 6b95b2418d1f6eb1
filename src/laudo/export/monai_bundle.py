"""The model of a run as a MONAI bundle: a folder that MONAI's own tools run, held against laudo before it is kept."""

from __future__ import annotations

import importlib.util
import json
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from laudo.core.errors import LaudoError
from laudo.core.messages import _
from laudo.export.check import Checked, answer_of, checked
from laudo.export.facts import model_facts
from laudo.export.monai_config import bundle_metadata, inference
from laudo.export.monai_network import answering_module, write_network
from laudo.export.monai_scripts import bundle_scripts
from laudo.export.sample import Picture, Volume
from laudo.export.words import LICENCE, bundle_readme
from laudo.networks.precision import Precision
from laudo.networks.segmenter import mask_probabilities
from laudo.predict.mask_model import MaskModel
from laudo.predict.model import Model
from laudo.predict.sliding_window import sliding_window
from laudo.prepare.transform import prepare_array


def refuse_bundle(model: Model | MaskModel) -> None:
    """Refuse models that a bundle can not hold, beside those that no export can.

    Raises:
        LaudoError: it looks at masks beside the images.
    """
    if model.prepare.needs_mask:
        raise LaudoError(
            _("The model of this run looks at the mask beside the image, for which bundles have no place."),
            found=f"prepare.crop={model.prepare.crop}, prepare.mask={model.prepare.mask}",
            cure=_("Export it as ONNX, which has an input for it: --format onnx"),
        )


def write_bundle(
    model: Model | MaskModel,
    samples: Sequence[Picture] | Sequence[Volume],
    folder: Path,
    run: dict[str, Any],
    precision: Precision,
) -> dict[str, Any]:
    """Write the bundle into an empty folder; what export.json is to hold.

    Args:
        model: of networks alone.
        samples: by which it is compared.
        folder: of the bundle.
        run: ``run`` (its name), ``channels`` and ``description``.
        precision: of `laudo predict`.

    Raises:
        LaudoError: the network can not be written, or the bundle answers otherwise than the model.
    """
    for name in ("configs", "models", "docs", "scripts"):
        (folder / name).mkdir()
    metadata = bundle_metadata(model, run["run"], run["description"])
    definition = write_network(model, folder, metadata)
    for name, text in bundle_scripts(model).items():
        (folder / "scripts" / name).write_text(text, encoding="utf-8")
    found = _check(model, samples, folder, precision)
    configs = {"inference": inference(model, definition, run["channels"]), "metadata": metadata}
    for name, config in configs.items():
        text = json.dumps(config, indent=4, ensure_ascii=False) + "\n"
        (folder / "configs" / f"{name}.json").write_text(text, encoding="utf-8")
    facts = {"run": run["run"], "model": model_facts(model)}
    readme = bundle_readme(model, facts, found.as_dict(), run["channels"])
    (folder / "docs" / "README.md").write_text(readme, encoding="utf-8")
    (folder / "LICENSE").write_text(LICENCE, encoding="utf-8")
    return facts | {"checked": found.as_dict()}


def _check(
    model: Model | MaskModel, samples: Sequence[Picture] | Sequence[Volume], folder: Path, precision: Precision
) -> Checked:
    """Prepare the samples by the bundle's own script, ask the written network's form, compare."""
    module = answering_module(model).eval()
    pairs, names = [], []
    with _preparation(folder) as own:
        for sample in samples:
            if isinstance(sample, Volume):
                assert isinstance(model, MaskModel)
                pairs.append(_volume_pair(model, module, own, sample, precision))
                names.append(str(sample.files.images[0]))
            else:
                pairs.append(_picture_pair(model, module, own, sample, precision))
                names.append(str(sample.path))
    return checked(pairs, names, precision, answer_of(model))


Pair = list[tuple[np.ndarray, np.ndarray]]


@torch.inference_mode()
def _picture_pair(
    model: Model | MaskModel, module: torch.nn.Module, own: Any, picture: Picture, precision: Precision
) -> Pair:
    prepared = own.prepare_array(picture.array, own.SETTINGS)
    x = torch.from_numpy(np.ascontiguousarray(prepared.transpose(2, 0, 1)))[None].float()
    answer = module(x)
    if isinstance(model, Model):
        pixels = torch.from_numpy(np.ascontiguousarray(prepare_array(picture.array, model.prepare).transpose(2, 0, 1)))
        return [(answer[0].numpy(), model.predict(pixels[None], one)[0]) for one in ("fp32", precision)]
    outputs = model.structures.outputs
    count = len(model.networks)
    masks = answer[0, : count * outputs].reshape(count, outputs, *answer.shape[2:])
    found = mask_probabilities(masks, model.structures.overlapping).mean(dim=0).numpy()
    image = prepare_array(picture.array, model.prepare)
    return [(found, model.answer(image, one).masks) for one in ("fp32", precision)]


def _volume_pair(model: MaskModel, module: torch.nn.Module, own: Any, volume: Volume, precision: Precision) -> Pair:
    from laudo.prepare.volume import read_channels

    assert model.window is not None
    read = read_channels(volume.files.images, ())
    prepared = own.prepare_arrays(read.arrays, read.affine)
    image = torch.from_numpy(np.ascontiguousarray(prepared.image)).float()
    logits = sliding_window(module, image, model.window, overlap=model.overlap, mirror_axes=model.mirror_axes)
    parts = logits.reshape(len(model.networks), model.structures.outputs, *logits.shape[1:])
    found = mask_probabilities(parts, model.structures.overlapping).mean(dim=0).numpy()
    return [(found, model.answer(volume.prepared.image, one).masks) for one in ("fp32", precision)]


@contextmanager
def _preparation(folder: Path) -> Iterator[ModuleType]:
    """The module `scripts/preparation.py` of the bundle."""
    name = f"laudo_export_{uuid.uuid4().hex[:8]}"
    spec = importlib.util.spec_from_file_location(name, folder / "scripts" / "preparation.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.dont_write_bytecode = before
        del sys.modules[name]
