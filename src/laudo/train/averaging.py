"""Averages of the weights that a training goes through: they are judged and kept, the training itself goes on without them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from laudo.core.recipe import Training


class AveragedWeights:
    """Exponential moving average at every step, or the plain mean of the epochs' last weights (Izmailov et al. 2018).

    Everything that moves is averaged: trained parameters and the floating-point buffers, among them the statistics of batch
    normalisation. For the mean of epochs that stands in for the pass over the training part by which its authors measure those
    anew: the statistics are themselves means over the same epochs. Counters are those of the last step.

    Args:
        network: whose weights are averaged; its trainable parameters must be known by now.
        training: the section: how, and from when.
    """

    def __init__(self, network: nn.Module, training: Training) -> None:
        self.training = training
        self.network = network
        self.count = 0
        names = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
        names |= {name for name, buffer in network.named_buffers() if buffer.is_floating_point()}
        self.averages = {name: w.clone() for name, w in network.state_dict().items() if name in names}

    @property
    def is_active(self) -> bool:
        """Whether there is an average already; until then the plain weights are judged."""
        return self.count > 0

    def after_step(self) -> None:
        """``ema``: take in the weights of this step.

        The decay rises from 0.1 to its value, so that the weights of the start are soon forgotten.
        """
        if self.training.averaging == "ema":
            self._move(1 - min(self.training.averaging_decay, (1 + self.count) / (10 + self.count)))

    def after_epoch(self, epoch: int) -> None:
        """``swa``: take in the weights of this epoch of the phase, counted from 1."""
        if self.training.averaging == "swa" and epoch > self.training.averaging_from * self.training.epochs:
            self._move(1 / (self.count + 1))

    @torch.no_grad()
    def _move(self, share: float) -> None:
        """Go ``share`` of the way from the average to the weights; where they are equal the average stays to the bit."""
        weights = self.network.state_dict()
        for name, average in self.averages.items():
            average.lerp_(weights[name].to(average), share)
        self.count += 1

    def judged(self) -> dict[str, Tensor]:
        """The network's state with the averages in it."""
        state = self.network.state_dict()
        return {**state, **self.averages} if self.is_active else dict(state)

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"count": self.count, "averages": self.averages}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """From the checkpoint."""
        self.count = int(state["count"])
        for name, average in self.averages.items():
            average.copy_(state["averages"][name])

    def to(self, device: torch.device) -> None:
        """Move the averages to where the network is."""
        self.averages = {name: average.to(device) for name, average in self.averages.items()}


class Swapped:
    """Within the block the network has its averaged weights, if there are any."""

    def __init__(self, averaged: AveragedWeights) -> None:
        self.averaged = averaged
        self.plain: dict[str, Tensor] = {}

    def __enter__(self) -> None:
        if self.averaged.is_active:
            state = self.averaged.network.state_dict()
            self.plain = {name: state[name].clone() for name in self.averaged.averages}
            self._put(self.averaged.averages)

    def __exit__(self, *_error: object) -> None:
        if self.plain:
            self._put(self.plain)
            self.plain = {}

    @torch.no_grad()
    def _put(self, values: Mapping[str, Tensor]) -> None:
        state = self.averaged.network.state_dict()
        for name, value in values.items():
            state[name].copy_(value)
