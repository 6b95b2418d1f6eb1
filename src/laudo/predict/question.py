"""What a model is given of a file: its pixels, and what is measured beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _
from laudo.networks.precision import Precision
from laudo.predict.beside import Beside
from laudo.predict.masks import MaskFolder
from laudo.predict.model import Answer, Model
from laudo.prepare.describe import describe_file
from laudo.prepare.transform import prepare_file
from laudo.sources.images_masks import stem


@dataclass(frozen=True)
class Question:
    """One image.

    Attributes:
        pixels: (H, W, C) uint8, prepared; (1, 1, 1) where the model looks at descriptors alone.
        descriptors: (D,) float32; None where the model is given none.
        text: what was written about it; empty where nothing is known, or the model reads none.
    """

    pixels: np.ndarray
    descriptors: np.ndarray | None
    text: str = ""

    def beside(self, model: Model) -> np.ndarray | None:
        """(1, D) what the image's classifier is given beside the image; None where it is given nothing."""
        descriptors = None if self.descriptors is None else self.descriptors[None]
        return descriptors if model.text is None else model.text.beside(descriptors, [self.text])


def read_question(model: Model, path: Path, beside: Beside) -> Question:
    """Read and prepare one file, and its mask and its text where the model needs them.

    Raises:
        UnreadableImageError: a file gives no picture, or a mask is needed and there is none, or more than one that could be meant.
    """
    own: tuple[Path, ...] = ()
    if model.needs_mask:
        own = beside.masks.of(path) if beside.masks is not None else ()
        if not own and model.prepare.without_mask == "stop":
            raise _no_mask(path, beside.masks)
    groups = model.network.descriptors
    pixels = np.zeros((1, 1, 1), np.uint8) if model.classifier is None else prepare_file(path, model.prepare, own)
    text = beside.texts.of(path) if beside.texts is not None else ""
    return Question(pixels, describe_file(path, model.prepare, groups, own) if groups else None, text)


def ask(model: Model, questions: Sequence[Question], precision: Precision) -> np.ndarray:
    """(B, K) float64 probabilities of one or more images; see :func:`answer`."""
    return answer(model, questions, precision).probabilities


def answer(model: Model, questions: Sequence[Question], precision: Precision) -> Answer:
    """Probabilities of one or more images, and how unlike the training images each is."""
    pixels = torch.from_numpy(np.stack([question.pixels for question in questions])).permute(0, 3, 1, 2)
    beside = [question.descriptors for question in questions if question.descriptors is not None]
    texts = [question.text for question in questions]
    return model.answer(pixels, precision, np.stack(beside) if beside else None, texts)


def _no_mask(path: Path, masks: MaskFolder | None) -> UnreadableImageError:
    if masks is None:
        text = _("The model needs the image's mask: name the folder of masks with --masks.")
    else:
        text = _("The folder of masks holds none of this image: its name would be {name} or {name}_mask.").format(
            name=stem(path.name)
        )
    return UnreadableImageError(text, file=path)
