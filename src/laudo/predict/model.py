"""The model of a run: what answers, its classes, its preparation, its threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from laudo.core.atomic import atomic_path
from laudo.core.predictions import Threshold
from laudo.core.recipe import OF_MASK, Network, Prepare, View
from laudo.core.run import Run
from laudo.evaluate.temperature import scale
from laudo.networks.backbone import BackboneSpec
from laudo.networks.classical import ClassicalClassifier, load_classical
from laudo.networks.classifier import Classifier
from laudo.networks.companions import Companions
from laudo.networks.ensemble import Ensemble
from laudo.networks.looks import looks_of, members
from laudo.networks.precision import Precision
from laudo.networks.table import assemble, build_backbone
from laudo.predict.batches import predict_pixels
from laudo.predict.classical import predict_classical, view_features
from laudo.predict.companion_files import load_companions, save_companions
from laudo.predict.ood_score import OodScore
from laudo.predict.text_part import TextPart
from laudo.prepare.describe import descriptor_names


class Answer(NamedTuple):
    """What a model says of B images.

    Attributes:
        probabilities: (B, K) float64.
        ood: (B,) percentile and (B,) relative distance, see :class:`laudo.predict.ood_score.OodScore`; None of a model without.
    """

    probabilities: np.ndarray
    ood: tuple[np.ndarray, np.ndarray] | None


@dataclass(frozen=True)
class Model:
    """A classifier that is ready to be asked.

    Attributes:
        classifier: network with weights, in evaluation mode, or several; where ``classical`` stands on its features, its own head
            is not asked. None when that stands on descriptors alone.
        classical: classifier of scikit-learn; None when the network itself answers.
        spec: how the network's backbone is built; None without a network.
        network: the recipe's section.
        prepare: how images are prepared.
        classes: in the order of the outputs.
        threshold: of the positive class, or of each label; None where the largest probability wins.
        views: of each image, over which the answer is averaged.
        facts: the rest of model.json.
        companions: classical classifiers that answer beside the networks; None without.
        text: what reads the texts beside the images; None where none are read.
        calibration: what model.json says of the temperature that scales the answers; None where none does.
        ood: tells images that are unlike the training part; None of a run of an older laudo, or where the recipe wants none.
    """

    classifier: Classifier | Ensemble | None
    classical: ClassicalClassifier | None
    spec: BackboneSpec | None
    network: Network
    prepare: Prepare
    classes: tuple[str, ...]
    threshold: Threshold
    views: tuple[View, ...]
    facts: dict[str, Any]
    companions: Companions | None = None
    text: TextPart | None = None
    calibration: dict[str, Any] | None = None
    ood: OodScore | None = None

    def predict(
        self,
        pixels: Tensor,
        precision: Precision,
        descriptors: np.ndarray | None = None,
        texts: Sequence[str] = (),
    ) -> np.ndarray:
        """(B, K) float64 probabilities, calibrated where the recipe asked for it; see :meth:`answer`."""
        return self.answer(pixels, precision, descriptors, texts).probabilities

    def answer(
        self,
        pixels: Tensor,
        precision: Precision,
        descriptors: np.ndarray | None = None,
        texts: Sequence[str] = (),
    ) -> Answer:
        """Probabilities, calibrated where the recipe asked for it, and how unlike the training images each image is.

        Args:
            pixels: (B, C, H, W) uint8 prepared images.
            precision: of the network.
            descriptors: (B, D) float32, where the recipe's network has descriptors.
            texts: one an image, empty where there is none, of a model that reads texts.
        """
        looks: list[np.ndarray] = []
        answers = self._together(pixels, precision, descriptors, texts, looks)
        probabilities = scale(answers, temperature_of(self.calibration), several=self.separator is not None)
        if self.ood is None:
            return Answer(probabilities, None)
        return Answer(probabilities, self.ood.score(looks or self._looks(pixels, precision, descriptors)))

    def _together(
        self,
        pixels: Tensor,
        precision: Precision,
        descriptors: np.ndarray | None,
        texts: Sequence[str],
        looks: list[np.ndarray],
    ) -> np.ndarray:
        """(B, K) what image and text answer together; what the image looks like is added to ``looks`` where that costs nothing."""
        if self.text is None:
            return self._seen(pixels, precision, descriptors, looks)
        answers = self._seen(pixels, precision, self.text.beside(descriptors, texts), looks)
        return self.text.join(answers, self.text.encoder.encode(texts)) if self.text.is_late else answers

    def _looks(self, pixels: Tensor, precision: Precision, descriptors: np.ndarray | None) -> list[np.ndarray]:
        """(B, D) features of each network of the images as they are; without a network the descriptors."""
        if self.classifier is None:
            assert descriptors is not None, "a model without a network has descriptors"
            return [descriptors]
        if self.classical is None:
            return [looks_of(one, pixels, precision) for one in members(self.classifier)]
        assert isinstance(self.classifier, Classifier), "a classical classifier has one network"
        return view_features(self.classifier, pixels, precision, ("plain",))

    def _seen(
        self, pixels: Tensor, precision: Precision, descriptors: np.ndarray | None, looks: list[np.ndarray]
    ) -> np.ndarray:
        """(B, K) what the image's side answers."""
        if self.classical is not None:
            return predict_classical(self.classical, self.classifier, pixels, precision, self.views, descriptors)
        assert self.classifier is not None, "a model without a network has a classical classifier"
        beside = None if descriptors is None else torch.from_numpy(descriptors)
        wanted = None if self.ood is None else looks
        answers = predict_pixels(self.classifier, pixels, precision, self.views, beside, wanted).double().numpy()
        if self.companions is None:
            return answers
        return self.companions.join(answers, descriptors, self._looked_at(pixels, precision))

    def _looked_at(self, pixels: Tensor, precision: Precision) -> list[np.ndarray]:
        """(B, D) features of each view, for the companions that learn from them."""
        network = None if self.companions is None else self.companions.network
        return [] if network is None else view_features(network, pixels, precision, self.views)

    @property
    def separator(self) -> str | None:
        """Text between several labels of one sample; None where each has one class."""
        found = self.facts.get("separator")
        return None if found is None else str(found)

    @property
    def needs_mask(self) -> bool:
        """Whether images can be predicted with their masks only."""
        return self.prepare.needs_mask or not OF_MASK.isdisjoint(self.network.descriptors)

    def save(self, run: Run) -> None:
        """Write weights, classical classifier and model.json; the description last: it never stands without them."""
        parameters: list[nn.Parameter] = []
        if self.classifier is not None:
            state = {name: tensor.detach().cpu().contiguous() for name, tensor in self.classifier.state_dict().items()}
            with atomic_path(run.weights_path) as temporary:
                save_file(state, temporary)
            asked = (
                self.classifier.backbone
                if self.classical and isinstance(self.classifier, Classifier)
                else self.classifier
            )
            parameters = list(asked.parameters())
        if self.classical is not None:
            self.classical.save(run.classical_path)
        if self.companions is not None:
            save_companions(self.companions, run)
        if self.ood is not None:
            self.ood.save(run)
        read = {} if self.text is None else {"text": self.text.save(run)}
        members = len(self.classifier.networks) if isinstance(self.classifier, Ensemble) else 1
        run.write_json(
            "model",
            {
                "classes": list(self.classes),
                "positive": self.classes[1] if len(self.classes) == 2 and self.separator is None else None,
                "threshold": None if isinstance(self.threshold, tuple) else self.threshold,
                "thresholds": list(self.threshold) if isinstance(self.threshold, tuple) else None,
                "output": self.network.output,
                "views": list(self.views),
                "network": self.network.model_dump(mode="json"),
                "backbone": None if self.spec is None else self.spec.as_dict(),
                "prepare": self.prepare.model_dump(mode="json"),
                "parameters": sum(p.numel() for p in parameters),
                "trainable_parameters": sum(p.numel() for p in parameters if p.requires_grad),
                "weights": None if self.spec is None else self.spec.weights_from,
                **self.facts,
                "calibration": self.calibration,
                **read,
                "members": members,
            },
        )


def load_model(run: Run, device: torch.device) -> Model:
    """The model of a run folder. Weights are safetensors, classical classifiers are checked type by type; nothing is unpickled.

    Raises:
        RunError: the run has no model, or its files are cut short or do not belong together.
    """
    facts = run.json("model")
    try:
        network = Network(**facts["network"])
        prepare = Prepare(**facts["prepare"])
        classes = tuple(facts["classes"])
        threshold: Threshold = tuple(facts["thresholds"]) if facts.get("thresholds") else facts["threshold"]
        views = tuple(facts["views"])
        calibration = facts.get("calibration")
        temperature_of(calibration)  # raises when it is none
        spec = None if facts["backbone"] is None else BackboneSpec.from_dict(facts["backbone"])
        read = facts.get("text")
        beside = int(read["size"]) if read and not read["classifiers"] else 0
        classifier = (
            None if spec is None else _build(spec, network, prepare, len(classes), int(facts["members"]), beside)
        )
        if classifier is not None:
            classifier.load_state_dict(load_file(run.weights_path))
            classifier = classifier.eval().to(device)
    except (KeyError, TypeError, ValueError) as error:
        raise run.damaged(run.model_path, f"{type(error).__name__}: {error}") from error
    except (OSError, SafetensorError, RuntimeError) as error:
        raise run.damaged(run.weights_path, str(error).splitlines()[0]) from error
    classical = None if network.classifier == "dense" else load_classical(run.classical_path)
    companions = None
    if network.companions and spec is not None:
        companions = load_companions(run, network, spec, prepare.image_plane, len(classes), int(facts["members"]))
        companions = companions.to(device)
    text = None if read is None else TextPart.load(run, read, len(classes), device)
    ood = OodScore.load(run, 1 if classical is not None else int(facts["members"]))
    return Model(
        classifier=classifier,
        classical=classical,
        spec=spec,
        network=network,
        prepare=prepare,
        classes=classes,
        threshold=threshold,
        views=views,
        facts=facts,
        companions=companions,
        text=text,
        calibration=calibration,
        ood=ood,
    )


def temperature_of(calibration: dict[str, Any] | None) -> float:
    """The temperature that scales the answers; 1 where none does.

    Raises:
        ValueError: it is no number above 0.
    """
    found = 1.0 if calibration is None else float(calibration["temperature"])
    if not (np.isfinite(found) and found > 0):
        raise ValueError(f"temperature {found}")
    return found


def _build(
    spec: BackboneSpec, network: Network, prepare: Prepare, classes: int, members: int, text_size: int
) -> Classifier | Ensemble:
    """The form of what was saved, with random weights."""
    descriptors = 0
    if network.classifier == "dense":  # a classical classifier is given what stands beside the image itself
        descriptors = text_size + (len(descriptor_names(network.descriptors)) if network.descriptors else 0)
    size_px = (prepare.height, prepare.width)
    built = [assemble(build_backbone(spec), spec, network, classes, size_px, descriptors) for _number in range(members)]
    return built[0] if members == 1 else Ensemble(built)
