"""Companions of a model on disk: a file of skops each, and the weights of the network through which some of them look."""

from __future__ import annotations

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from laudo.core.atomic import atomic_path
from laudo.core.recipe import Network
from laudo.core.run import Run
from laudo.networks.backbone import BackboneSpec, Scaling
from laudo.networks.classical import load_classical
from laudo.networks.companions import Companions
from laudo.networks.frozen import FrozenNetwork
from laudo.networks.table import build_backbone


def save_companions(companions: Companions, run: Run) -> None:
    """Write them beside the model."""
    if companions.network is not None:
        state = companions.network.backbone.state_dict()
        with atomic_path(run.companion_weights_path) as temporary:
            save_file({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}, temporary)
    for number, classifiers in enumerate(companions.fitted, start=1):
        for member, classifier in enumerate(classifiers, start=1):
            classifier.save(run.companion_path(number, member))


def load_companions(
    run: Run, network: Network, spec: BackboneSpec, plane: int | None, members: int, device: torch.device
) -> Companions:
    """Read what :func:`save_companions` wrote; nothing is unpickled.

    Args:
        run: the run.
        network: the recipe's section.
        spec: how the backbone is built.
        plane: that is looked at.
        members: number of networks.
        device: of the network through which some look.

    Raises:
        RunError: a file is missing, damaged or not of this model.
    """
    asked = network.companions
    fitted = tuple(
        tuple(load_classical(run.companion_path(number, member)) for member in range(1, members + 1))
        for number in range(1, len(asked) + 1)
    )
    if all(one.learns_from != "features" for one in asked):
        return Companions(asked, fitted, None)
    looked_through = FrozenNetwork(build_backbone(spec), Scaling(spec.scaling), plane)
    try:
        looked_through.backbone.load_state_dict(load_file(run.companion_weights_path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise run.damaged(run.companion_weights_path, str(error).splitlines()[0]) from error
    return Companions(asked, fitted, looked_through.eval().to(device).to(memory_format=torch.channels_last))
