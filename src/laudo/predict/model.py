"""The model of a run: its network with its weights, its classes, its preparation, its threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from laudo.core.atomic import atomic_path
from laudo.core.recipe import Network, Prepare
from laudo.core.run import Run
from laudo.networks.backbone import BackboneSpec
from laudo.networks.classifier import Classifier
from laudo.networks.table import assemble, build_backbone


@dataclass(frozen=True)
class Model:
    """A classifier that is ready to be asked.

    Attributes:
        classifier: network with weights, in evaluation mode.
        spec: how its backbone is built.
        network: the recipe's section.
        prepare: how images are prepared.
        classes: in the order of the outputs.
        threshold: of the positive class; None with more than two classes.
        flip: whether the mirrored image is averaged in.
        facts: the rest of model.json.
    """

    classifier: Classifier
    spec: BackboneSpec
    network: Network
    prepare: Prepare
    classes: tuple[str, ...]
    threshold: float | None
    flip: bool
    facts: dict[str, Any]

    def save(self, run: Run) -> None:
        """Write model.safetensors and model.json; the description last, so that it never stands without its weights."""
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in self.classifier.state_dict().items()}
        with atomic_path(run.weights_path) as temporary:
            save_file(state, temporary)
        parameters = list(self.classifier.parameters())
        run.write_json(
            "model",
            {
                "classes": list(self.classes),
                "positive": self.classes[1] if len(self.classes) == 2 else None,
                "threshold": self.threshold,
                "flip": self.flip,
                "network": self.network.model_dump(mode="json"),
                "backbone": self.spec.as_dict(),
                "prepare": self.prepare.model_dump(mode="json"),
                "parameters": sum(p.numel() for p in parameters),
                "trainable_parameters": sum(p.numel() for p in parameters if p.requires_grad),
                "weights": self.spec.weights_from,
                **self.facts,
            },
        )


def load_model(run: Run, device: torch.device) -> Model:
    """The model of a run folder. Weights are safetensors; nothing is unpickled.

    Raises:
        RunError: the run has no model, or its files are cut short or do not belong together.
    """
    facts = run.json("model")
    try:
        network = Network(**facts["network"])
        prepare = Prepare(**facts["prepare"])
        spec = BackboneSpec.from_dict(facts["backbone"])
        classes = tuple(facts["classes"])
        threshold, flip = facts["threshold"], bool(facts["flip"])
        size_px = (prepare.height, prepare.width)
        classifier = assemble(build_backbone(spec), spec, network, len(classes), size_px)
        classifier.load_state_dict(load_file(run.weights_path))
    except (KeyError, TypeError, ValueError) as error:
        raise run.damaged(run.model_path, f"{type(error).__name__}: {error}") from error
    except (OSError, SafetensorError, RuntimeError) as error:
        raise run.damaged(run.weights_path, str(error).splitlines()[0]) from error
    return Model(classifier.eval().to(device), spec, network, prepare, classes, threshold, flip, facts)
