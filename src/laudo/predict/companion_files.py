"""Companions of a model on disk: a file of skops each, and the weights of the network through which some of them look."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from laudo.core.atomic import atomic_path
from laudo.core.messages import _
from laudo.core.recipe import Network
from laudo.core.run import Run
from laudo.networks.backbone import BackboneSpec, Scaling
from laudo.networks.classical import ClassicalClassifier, load_classical
from laudo.networks.companions import Companions
from laudo.networks.frozen import FrozenNetwork
from laudo.networks.table import build_backbone
from laudo.prepare.describe import descriptor_names


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
    run: Run, network: Network, spec: BackboneSpec, plane: int | None, classes: int, members: int
) -> Companions:
    """Read what :func:`save_companions` wrote; nothing is unpickled.

    Args:
        run: the run.
        network: the recipe's section.
        spec: how the backbone is built.
        plane: that is looked at.
        classes: number of classes.
        members: number of networks.

    Raises:
        RunError: a file is missing, damaged or not of this model.
    """
    sizes = {"descriptors": len(descriptor_names(network.descriptors))} if network.descriptors else {}
    looked_through = None
    if any(one.learns_from == "features" for one in network.companions):
        looked_through = _frozen(run, spec, plane)
        sizes["features"] = looked_through.size
    fitted = []
    for number, companion in enumerate(network.companions, start=1):
        paths = [run.companion_path(number, member) for member in range(1, members + 1)]
        fitted.append(tuple(_of_model(path, run, classes, sizes[companion.learns_from]) for path in paths))
    return Companions(network.companions, tuple(fitted), looked_through)


def _of_model(path: Path, run: Run, classes: int, features: int) -> ClassicalClassifier:
    """A companion's classifier, if it is given so many features and tells so many classes apart."""
    found = load_classical(path)
    if (found.classes, found.features) != (classes, features):
        text = _(
            "it takes {features} numbers and knows {classes} classes; the model gives it {given} and knows {known}"
        )
        given = {"features": found.features, "classes": found.classes, "given": features, "known": classes}
        raise run.damaged(path, text.format(**given))
    return found


def _frozen(run: Run, spec: BackboneSpec, plane: int | None) -> FrozenNetwork:
    network = FrozenNetwork(build_backbone(spec), Scaling(spec.scaling), plane)
    try:
        network.backbone.load_state_dict(load_file(run.companion_weights_path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise run.damaged(run.companion_weights_path, str(error).splitlines()[0]) from error
    return network.eval()
