"""Batch normalisation for weights that came without it: its statistics are measured anew, and the network's answers stay.

Weights that were made for a phone or a microcontroller have their normalisation folded into the convolutions: what is left of each
layer is a scale and a shift. Training such a network is training it without normalisation. Here each layer gets the mean and
variance of what it is given on some training images, and scale and shift that undo them, so that the function is the same as before
and can be trained as that of any other pretrained network.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SMALLEST_VARIANCE = 1e-3
"""Channels that hardly vary on the images are not blown up."""


@torch.no_grad()
def refit_batch_norm(backbone: nn.Module, scaled: Tensor) -> int:
    """Measure the statistics of every two-dimensional batch normalisation anew; the answers in evaluation mode do not change.

    Args:
        backbone: any network; it is left in evaluation mode.
        scaled: (B, 3, H, W) images of the training part, scaled as the network wants them.

    Returns:
        Number of layers that were refitted.
    """
    backbone.eval()
    layers = [module for module in backbone.modules() if isinstance(module, nn.BatchNorm2d)]
    handles = [layer.register_forward_pre_hook(_refit) for layer in layers]
    try:
        backbone(scaled)
    finally:
        for handle in handles:
            handle.remove()
    return len(layers)


def _refit(layer: nn.BatchNorm2d, inputs: tuple[Tensor, ...]) -> None:
    """Give a layer the statistics of its input before it sees it."""
    assert layer.running_mean is not None, "it normalises by running statistics"
    assert layer.running_var is not None
    values = inputs[0].float()
    mean = values.mean(dim=(0, 2, 3))
    variance = values.var(dim=(0, 2, 3), unbiased=False).clamp(min=SMALLEST_VARIANCE)
    scale = layer.weight / torch.sqrt(layer.running_var + layer.eps)
    shift = layer.bias - scale * layer.running_mean
    layer.running_mean.copy_(mean)
    layer.running_var.copy_(variance)
    layer.weight.copy_(scale * torch.sqrt(variance + layer.eps))
    layer.bias.copy_(shift + scale * mean)
