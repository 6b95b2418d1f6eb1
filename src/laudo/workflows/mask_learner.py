"""A network that outlines structures, and what it learns from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch

from laudo.core.errors import DataError, WeightsError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import track
from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.networks.segmentation_table import build_segmenter
from laudo.networks.segmenter import Segmenter
from laudo.networks.weights_file import read_weights
from laudo.networks.weights_search import find_weights
from laudo.predict.mask_looks import look_of_image
from laudo.predict.mask_model import MaskModel
from laudo.predict.post_process import PostProcessing
from laudo.prepare.transform import channels
from laudo.train.fit_masks import fit_masks
from laudo.train.loop import Deadline, Fitted
from laudo.train.mask_cases import PictureCases, VolumeCases
from laudo.train.mask_loader import MaskPart
from laudo.train.mask_losses import output_weights
from laudo.train.mask_memory import say_memory, step_bytes
from laudo.workflows.learner import Learner
from laudo.workflows.looking import Looking
from laudo.workflows.mask_dataset import MaskDataset


@dataclass
class MaskLearner(Learner[MaskDataset]):
    """Trains and asks the recipe's network.

    Attributes:
        network: :meth:`train` begins with fresh weights each time.
    """

    network: Segmenter

    @classmethod
    def start(cls, recipe: Recipe, dataset: MaskDataset, unfitted: MaskDataset | None = None) -> Self:
        """Build the network, so that a recipe that can not be built is refused before anything is trained."""
        output_weights(recipe.training.mask_loss, dataset.structures.outputs, dataset.structures.overlapping)
        return cls(recipe, dataset, unfitted or dataset, build(recipe, dataset))

    def train(self, run: Run, manifest: Manifest, deadline: Deadline) -> Fitted:
        """See :meth:`Learner.train`.

        Raises:
            DataError: a step will not fit into memory, or nothing is marked in the training part.
        """
        train, val = (MaskPart(self.dataset.cases, manifest.indices(part)) for part in ("train", "val"))
        if not any(train.cases.is_marked(int(index)) for index in train.indices):
            raise DataError(
                _("Nothing is marked in the masks of the training part."),
                file=manifest.root,
                expected=", ".join(self.dataset.structures.names),
                cure=_("See what the masks hold: laudo data audit"),
            )
        say_memory(bytes_of_step(self.recipe, self.dataset), self.dataset.device)
        self.network = build(self.recipe, self.dataset).to(self.dataset.device)
        fitted = fit_masks(
            self.network, train, val, self.recipe, run, self.dataset.device, self.dataset.precision, deadline
        )
        self.network.to(self.dataset.device).eval()
        return fitted

    def looking(self, manifest: Manifest) -> list[Looking]:
        """How the network looks at images."""
        return [Looking(self.look, manifest.indices("train"), manifest.indices("val"))]

    def look(self, indices: np.ndarray) -> np.ndarray:
        """(m, D) float32 features of these images."""
        window, cases = self.recipe.training.patch.size_voxels, self.dataset.cases
        self.network.eval()
        looks = []
        for index in track(indices, _("Looking at the images")):
            if isinstance(cases, PictureCases):
                image = torch.from_numpy(cases.images.read([index])[0]).permute(2, 0, 1)
            else:
                assert isinstance(cases, VolumeCases), "there are two kinds"
                image = torch.from_numpy(cases.volumes.read(int(index))).float()
            looks.append(look_of_image(self.network, image, window, self.dataset.precision))
        return np.stack(looks)

    def model(self, post_processing: PostProcessing, facts: dict[str, Any]) -> MaskModel:
        """What was trained, to be asked or kept.

        Args:
            post_processing: of the label maps.
            facts: what else model.json is to say.
        """
        evaluation, spacing = self.recipe.evaluation, spacing_of(self.dataset)
        return MaskModel(
            networks=(self.network.eval(),),
            structures=self.dataset.structures,
            network=self.recipe.network,
            prepare=self.dataset.prepare,
            channels=input_channels(self.dataset),
            window=self.recipe.training.patch.size_voxels,
            overlap=evaluation.overlap,
            mirror_axes=evaluation.mirror_axes,
            post_processing=post_processing,
            facts=facts if spacing is None else {"spacing_mm": list(spacing), **facts},
        )


def input_channels(dataset: MaskDataset) -> int:
    """Channels of an image."""
    if dataset.prepare.volume is None:
        return channels(dataset.prepare)
    return max(1, len(dataset.manifest.channels))


def spacing_of(dataset: MaskDataset) -> tuple[float, float, float] | None:
    """Of prepared volumes in mm; a network that is planned halves coarse axes later."""
    return dataset.cases.spacing_mm if isinstance(dataset.cases, VolumeCases) else None


def bytes_of_step(recipe: Recipe, dataset: MaskDataset) -> int:
    """Memory that a training step takes; see :func:`laudo.train.mask_memory.step_bytes`."""
    labels = len(dataset.structures.names) if recipe.network.label_head else 0
    wanted = recipe, input_channels(dataset), dataset.structures.outputs, labels
    return step_bytes(*wanted, dataset.precision, spacing_of(dataset))


def build(recipe: Recipe, dataset: MaskDataset) -> Segmenter:
    """The recipe's network with weights drawn from its seed, or from the file that ``network.weights`` names.

    Raises:
        WeightsError: the file is missing or damaged, or holds another network.
    """
    torch.manual_seed(recipe.training.seed)
    network, structures = recipe.network, dataset.structures
    labels = len(structures.names) if network.label_head else 0
    patch = recipe.training.patch.size_voxels or (recipe.prepare.height, recipe.prepare.width)
    segmenter = build_segmenter(
        network, input_channels(dataset), structures.outputs, labels, patch, spacing_of(dataset)
    )
    found = find_weights(network.backbone, network.weights)
    if found is not None:
        try:
            segmenter.load_state_dict(read_weights(found[0]).tensors)
        except RuntimeError as error:  # torch says first that there are errors, then which
            details = tuple(line.strip()[:200] for line in str(error).splitlines()[1:4])
            raise WeightsError(_("The weights do not fit the network."), file=found[0], details=details) from error
    return segmenter
