"""Memory that a training step of a network that outlines structures takes, before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence

import psutil
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from laudo.core.errors import DataError
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.core.recipe import Recipe
from laudo.networks.precision import Precision, autocast, channels_last
from laudo.networks.segmentation_table import build_segmenter
from laudo.networks.segmenter import Segmenter

STATES = {"adam": 2, "adamw": 2, "sgd": 1}
"""Numbers that an optimiser keeps of each weight."""
COPIES_OF_LOGITS = 4
"""Times that the logits stand in single precision while the loss is computed: measured."""
LIBRARIES_BYTES = 100 * 2**20
"""What torch itself takes once it computes: measured."""


def step_bytes(
    recipe: Recipe,
    channels: int,
    outputs: int,
    labels: int,
    precision: Precision,
    spacing_mm: Sequence[float] | None = None,
) -> int:
    """Bytes that a step takes at its peak: weights, their gradients and averages, and what the backward pass needs.

    The network is built and run on tensors without contents, so that nothing is computed and nothing allocated. With gradient
    checkpointing the largest level counts once more, as it is computed again.

    Args:
        recipe: says which network, patch, batch and optimiser.
        channels: of the images.
        outputs: of the network.
        labels: classes of its head; 0 without.
        precision: of the training.
        spacing_mm: of the patch, where it is known; see :func:`laudo.networks.segmentation_table.build_segmenter`.
    """
    training = recipe.training
    size = training.patch.size_voxels or (recipe.prepare.height, recipe.prepare.width)
    batch = min(training.micro_batch or training.batch_size, training.batch_size)
    network = build_segmenter(recipe.network, channels, outputs, labels, size, spacing_mm)
    network.train()
    with FakeTensorMode(allow_non_fake_inputs=True):
        x = channels_last(torch.empty(batch, channels, *size))
        kept, largest, logits = _kept(network, x, precision)
        again = 0
        if recipe.network.gradient_checkpointing:
            again = max(_kept_inside(network, x, precision), default=0)
    weights = sum(parameter.numel() for parameter in network.parameters()) * 4
    copies = 2 + STATES[training.optimizer] + (training.averaging != "none")
    # the gradient of the largest map, while it is computed
    passing = again + largest + logits * COPIES_OF_LOGITS
    return weights * copies + kept + passing + x.numel() * 4 + LIBRARIES_BYTES


def _kept(network: Segmenter, x: Tensor, precision: Precision) -> tuple[int, int, int]:
    """Bytes that the backward pass needs, each tensor once; of the largest of them; and of the logits in single precision."""
    own = {id(parameter.untyped_storage()) for parameter in network.parameters()}
    seen: dict[int, Tensor] = {}

    def note(tensor: Tensor) -> Tensor:
        if id(tensor.untyped_storage()) not in own:
            seen[id(tensor.untyped_storage())] = tensor
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor),
        autocast(torch.device("cpu"), precision),
    ):
        answer = network(x)
    sizes = [tensor.untyped_storage().nbytes() for tensor in seen.values()]
    return sum(sizes), max(sizes, default=0), sum(logits.numel() * 4 for logits in (answer.mask, *answer.deeper))


def _kept_inside(network: Segmenter, x: Tensor, precision: Precision) -> list[int]:
    """About what each level keeps while it is computed again: its input as often as it has layers."""
    found: list[int] = []

    def look(level: nn.Module, arguments: tuple[Tensor, ...], _result: object) -> None:
        layers = sum(1 for module in level.modules() if not any(True for _child in module.children()))
        found.append(layers * sum(argument.numel() * argument.element_size() for argument in arguments))

    handles = [level.register_forward_hook(look) for level in network.network.levels()]
    with torch.no_grad(), autocast(torch.device("cpu"), precision):
        network(x)
    for handle in handles:
        handle.remove()
    return found


def say_memory(needed: int, device: torch.device) -> None:
    """Print what a step will take and what there is.

    Raises:
        DataError: it will not fit.
    """
    there = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else int(psutil.virtual_memory().available)
    text = _("A training step takes about {needed} of memory; {there} are free.")
    say(text.format(needed=_gib(needed), there=_gib(there)))
    if needed > there:
        raise DataError(
            _("A training step will not fit into memory."),
            expected=_gib(needed),
            found=_gib(there),
            cure=_(
                "Compute levels twice: --set network.gradient_checkpointing=true; fewer samples at a time: --set "
                "training.micro_batch=1; or a smaller training.patch.size_voxels."
            ),
        )


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
