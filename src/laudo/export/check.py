"""An export held against the model itself, on real images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from laudo.core.errors import LaudoError
from laudo.core.messages import _
from laudo.core.predictions import decide
from laudo.export.packages import onnx_package
from laudo.export.sample import Picture, Volume
from laudo.networks.precision import Precision
from laudo.networks.segmenter import mask_probabilities
from laudo.predict.mask_model import MaskModel
from laudo.predict.model import Model
from laudo.predict.sliding_window import sliding_window
from laudo.prepare.mask_back import picture_mask_back
from laudo.prepare.transform import prepare_array

TOLERANCE = 1e-4
"""Largest difference of a probability from laudo's in single precision: both add up the same numbers in another order."""


@dataclass(frozen=True)
class Checked:
    """What came out.

    Attributes:
        images: that were compared.
        largest: difference of a probability from laudo's in single precision.
        largest_as_predicted: the same from what `laudo predict` gives in the run's own precision.
        precision: that one.
        same_answers: share of images of the same class (or labels), or of voxels of the same structure, as `laudo predict` gives.
    """

    images: int
    largest: float
    largest_as_predicted: float
    precision: Precision
    same_answers: float

    def as_dict(self) -> dict[str, Any]:
        """For export.json."""
        return {
            "images": self.images,
            "tolerance": TOLERANCE,
            "largest_difference_in_fp32": self.largest,
            "precision_of_laudo_predict": self.precision,
            "largest_difference_from_laudo_predict": self.largest_as_predicted,
            "same_answers_as_laudo_predict": self.same_answers,
        }


def session(model: bytes) -> Any:
    """The graph, ready to run on a processor."""
    runtime = onnx_package("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def graph_inputs(picture: Picture) -> dict[str, np.ndarray]:
    """What the graph is given of a picture."""
    array = picture.array[..., None] if picture.array.ndim == 2 else picture.array
    inputs = {"image": np.ascontiguousarray(array)}
    if picture.mask is not None:
        inputs["mask"] = (picture.mask != 0).astype(np.uint8)
    return inputs


def check_classifier(graph: bytes, model: Model, pictures: Sequence[Picture], precision: Precision) -> Checked:
    """Compare the probabilities of a classifier's graph.

    Raises:
        LaudoError: they differ.
    """
    ready = session(graph)
    pairs = []
    for picture in pictures:
        found = ready.run(["probabilities"], _given(ready, picture))[0]
        prepared = prepare_array(picture.array, model.prepare, picture.mask)
        pixels = torch.from_numpy(np.ascontiguousarray(prepared.transpose(2, 0, 1)))[None]
        pairs.append([(found, model.predict(pixels, one)[0]) for one in ("fp32", precision)])
    return checked(pairs, [str(picture.path) for picture in pictures], precision, answer_of(model))


def check_outlines(graph: bytes, model: MaskModel, pictures: Sequence[Picture], precision: Precision) -> Checked:
    """Compare the probabilities of the graph of a network that outlines structures in pictures, those of the class among them.

    Raises:
        LaudoError: they differ.
    """
    ready = session(graph)
    names = [one.name for one in ready.get_outputs() if one.name != "label_map"]
    pairs = []
    for picture in pictures:
        given = dict(zip(names, ready.run(names, _given(ready, picture)), strict=True))
        prepared = prepare_array(picture.array, model.prepare, picture.mask)
        both = []
        for one in ("fp32", precision):
            answer = model.answer(prepared, one)
            wanted = picture_mask_back(answer.masks, picture.array, model.prepare, picture.mask)
            both.append((given["probabilities"], wanted))
            if answer.classes is not None and one == "fp32":
                _same_classes(given["classes"], answer.classes, picture)
        pairs.append(both)
    return checked(pairs, [str(picture.path) for picture in pictures], precision, answer_of(model))


def _same_classes(found: np.ndarray, wanted: np.ndarray, picture: Picture) -> None:
    distance = float(np.abs(found - wanted).max())
    if not distance <= TOLERANCE:
        raise _otherwise(str(picture.path), distance)


def check_patches(graph: bytes, model: MaskModel, volumes: Sequence[Volume], precision: Precision) -> Checked:
    """Compare whole volumes, the graph asked for each window.

    Raises:
        LaudoError: they differ.
    """
    assert model.window is not None
    ready = session(graph)
    pairs = []
    for volume in volumes:
        image = torch.from_numpy(volume.prepared.image).float()
        found = []
        for number in range(len(model.networks)):

            def answer(windows: torch.Tensor, number: int = number) -> torch.Tensor:
                logits = [
                    ready.run(["logits"], {"patch": one.numpy()[None]})[0][number] for one in windows.contiguous()
                ]
                return torch.from_numpy(np.stack(logits))

            joined = sliding_window(answer, image, model.window, overlap=model.overlap)
            found.append(mask_probabilities(joined[None], model.structures.overlapping)[0])
        mean = torch.stack(found).mean(dim=0).numpy()
        pairs.append([(mean, model.answer(volume.prepared.image, one).masks) for one in ("fp32", precision)])
    names = [str(volume.files.images[0]) for volume in volumes]
    return checked(pairs, names, precision, answer_of(model))


def answer_of(model: Model | MaskModel) -> Callable[[np.ndarray], np.ndarray]:
    """What is decided by probabilities: (1,) class or (1, K) labels of an image; (*S) structure of each voxel."""
    if isinstance(model, MaskModel):
        return model.structures.written
    threshold = model.threshold
    return lambda found: np.asarray(decide(np.asarray(found, dtype=np.float64)[None], threshold))


def _given(ready: Any, picture: Picture) -> dict[str, np.ndarray]:
    """Inputs that the graph asks for; an empty mask where the picture has none."""
    inputs = {"mask": np.zeros(picture.array.shape[:2], np.uint8)} | graph_inputs(picture)
    return {one.name: inputs[one.name] for one in ready.get_inputs()}


def checked(
    pairs: Sequence[Sequence[tuple[np.ndarray, np.ndarray]]],
    names: Sequence[str],
    precision: Precision,
    decided: Callable[[np.ndarray], np.ndarray],
) -> Checked:
    """The largest differences, if those in single precision are small enough.

    Args:
        pairs: of each image what the export gives beside what laudo gives, in single precision and in the run's own.
        names: of the images.
        precision: the run's own.
        decided: what is decided by probabilities.

    Raises:
        LaudoError: the export answers otherwise.
    """
    exact, own = ([float(np.abs(found - wanted).max()) for found, wanted in side] for side in zip(*pairs, strict=True))
    worst = int(np.argmax(exact))
    if not exact[worst] <= TOLERANCE:
        raise _otherwise(names[worst], exact[worst])
    same = [float((decided(found) == decided(wanted)).mean()) for _exact, (found, wanted) in pairs]
    return Checked(len(pairs), max(exact), max(own), precision, float(np.mean(same)))


def _otherwise(name: str, distance: float) -> LaudoError:
    return LaudoError(
        _("The exported model does not answer as laudo does; nothing was written."),
        file=name,
        expected=_("probabilities that differ by at most {tolerance}").format(tolerance=f"{TOLERANCE:g}"),
        found=f"{distance:.3g}",
        cure=_("Please report it, with the recipe of the run."),
    )
