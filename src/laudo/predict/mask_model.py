"""The model of a run that outlines structures: its networks, how images are prepared, and what its outputs stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from laudo.core.atomic import atomic_path
from laudo.core.recipe import Network, Prepare
from laudo.core.run import Run
from laudo.core.structures import Structures
from laudo.networks.precision import Precision
from laudo.networks.segmentation_table import build_segmenter
from laudo.networks.segmenter import Segmenter, mask_probabilities
from laudo.predict.mask_looks import look_of_image
from laudo.predict.ood_score import OodScore
from laudo.predict.post_process import PostProcessing
from laudo.predict.sliding_window import sliding_window

KIND = "masks"
"""What ``kind`` says in model.json."""


class MaskAnswer(NamedTuple):
    """What a model says of a prepared image.

    Attributes:
        masks: (K, *S) float32 probability of each output.
        classes: (C,) float64 probability of each class; None where the model names none.
        ood: percentile and relative distance, see :class:`laudo.predict.ood_score.OodScore`; None of a model without.
    """

    masks: np.ndarray
    classes: np.ndarray | None
    ood: tuple[float, float] | None = None


@dataclass(frozen=True)
class MaskModel:
    """Networks that are ready to be asked; several answer by the mean of their probabilities.

    Attributes:
        networks: with weights, in evaluation mode.
        structures: what the outputs stand for.
        network: the recipe's section.
        prepare: how images are prepared.
        channels: that an image has.
        window: voxels that the network sees at a time; None: whole pictures.
        overlap: share of a window that its neighbour sees too.
        mirror_axes: axes along which the image is mirrored too.
        post_processing: of the label maps.
        facts: the rest of model.json.
        ood: tells images that are unlike the training part; None where it was not fitted.
    """

    networks: tuple[Segmenter, ...]
    structures: Structures
    network: Network
    prepare: Prepare
    channels: int
    window: tuple[int, ...] | None
    overlap: float
    mirror_axes: tuple[int, ...]
    post_processing: PostProcessing
    facts: dict[str, Any]
    ood: OodScore | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes that an image is told apart by; empty where only structures are outlined."""
        return self.structures.names if self.structures.of_label else ()

    def answer(self, image: np.ndarray, precision: Precision) -> MaskAnswer:
        """Probabilities of a prepared image.

        Args:
            image: (H, W, C) uint8 picture, or (C, X, Y, Z) volume.
            precision: of the networks.
        """
        if self.window is None:
            pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
        else:
            pixels = torch.from_numpy(image).float()
        masks, named = [], []
        for network in self.networks:
            logits, label = self._ask(network, pixels, precision)
            masks.append(mask_probabilities(logits[None], self.structures.overlapping)[0])
            if label is not None:
                named.append(torch.softmax(label.double(), dim=0))
        mean = torch.stack(masks).mean(dim=0).cpu().numpy()
        unlike = self._unlike(pixels, precision)
        if named:
            return MaskAnswer(mean, torch.stack(named).mean(dim=0).cpu().numpy(), unlike)
        return MaskAnswer(mean, class_by_mask(mean) if self.structures.of_label else None, unlike)

    def _unlike(self, image: Tensor, precision: Precision) -> tuple[float, float] | None:
        if self.ood is None:
            return None
        looks = [look_of_image(network, image, self.window, precision)[None] for network in self.networks]
        percentiles, distances = self.ood.score(looks)
        return float(percentiles[0]), float(distances[0])

    @torch.inference_mode()
    def _ask(self, network: Segmenter, image: Tensor, precision: Precision) -> tuple[Tensor, Tensor | None]:
        """(K, *S) logits, and (C,) of the class where the network has a head for it: the mean over the image's mirror images."""
        device = next(network.parameters()).device
        labels: list[Tensor] = []

        def masks(windows: Tensor) -> Tensor:
            answer = network(windows)
            if answer.label is not None:
                labels.append(answer.label[0].float())
            logits: Tensor = answer.mask
            return logits

        window = tuple(image.shape[1:]) if self.window is None else self.window
        logits = sliding_window(
            masks, image, window, overlap=self.overlap, mirror_axes=self.mirror_axes, precision=precision, device=device
        )
        return logits, torch.stack(labels).mean(dim=0) if labels else None

    def save(self, run: Run) -> None:
        """Write weights and model.json; the description last: it never stands without them."""
        (network,) = self.networks
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
        with atomic_path(run.weights_path) as temporary:
            save_file(state, temporary)
        if self.ood is not None:
            self.ood.save(run)
        run.write_json(
            "model",
            {
                "kind": KIND,
                "classes": list(self.classes),
                "structures": self.structures.as_dict(),
                "network": self.network.model_dump(mode="json"),
                "prepare": self.prepare.model_dump(mode="json"),
                "channels": self.channels,
                "window": None if self.window is None else list(self.window),
                "overlap": self.overlap,
                "mirror_axes": list(self.mirror_axes),
                "post_processing": self.post_processing.as_dict(),
                "parameters": sum(p.numel() for p in network.parameters()),
                "trainable_parameters": sum(p.numel() for p in network.parameters() if p.requires_grad),
                **self.facts,
                "members": 1,
            },
        )


def load_mask_model(run: Run, device: torch.device) -> MaskModel:
    """The model of a run folder; nothing is unpickled.

    Raises:
        RunError: the run has no such model, or its files are cut short or do not belong together.
    """
    facts = run.json("model")
    try:
        structures = Structures.from_dict(facts["structures"])
        network = Network(**facts["network"])
        window = None if facts["window"] is None else tuple(int(side) for side in facts["window"])
        labels = len(structures.names) if network.label_head else 0
        prepare = Prepare(**facts["prepare"])
        patch = window or (prepare.height, prepare.width)
        segmenter = build_segmenter(
            network, int(facts["channels"]), structures.outputs, labels, patch, facts.get("spacing_mm")
        )
        segmenter.load_state_dict(load_file(run.weights_path))
        return MaskModel(
            networks=(segmenter.eval().to(device),),
            structures=structures,
            network=network,
            prepare=prepare,
            channels=int(facts["channels"]),
            window=window,
            overlap=float(facts["overlap"]),
            mirror_axes=tuple(int(axis) for axis in facts["mirror_axes"]),
            post_processing=PostProcessing.from_dict(facts["post_processing"]),
            facts=facts,
            ood=OodScore.load(run, 1),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise run.damaged(run.model_path, f"{type(error).__name__}: {error}") from error
    except (OSError, SafetensorError, RuntimeError) as error:
        raise run.damaged(run.weights_path, str(error).splitlines()[0]) from error


def class_by_mask(masks: np.ndarray) -> np.ndarray:
    """(C,) float64 probability of each class, read off a mask whose structures are the classes.

    The voxels vote: each with its probability of a class, weighted by its probability of being any structure at all.

    Args:
        masks: (1 + C, *S) probabilities, background first.
    """
    inside = 1 - masks[0].astype(np.float64)
    votes = (masks[1:] * inside).reshape(len(masks) - 1, -1).sum(axis=1)
    total = float(votes.sum())
    return np.full(len(votes), 1 / len(votes)) if total == 0 else np.asarray(votes / total)
