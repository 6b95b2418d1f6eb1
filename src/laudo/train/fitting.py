"""What every training shares, as a LightningModule: optimiser, learning rate, averaged weights, and where it stands."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from laudo.core.recipe import Recipe
from laudo.train.averaging import AveragedWeights, Swapped
from laudo.train.history import Epochs, rate_factor, warmup_factor

EPSILON = 1e-7
"""Keras' epsilon for Adam: the published systems were trained with it."""


class Fitting(pl.LightningModule):
    """Trains a network through one phase.

    All randomness is a function of (seed, epoch) or (seed, epoch, batch), epochs being counted through all phases: a training that
    is resumed at the end of an epoch goes on exactly as one that was never stopped.

    Args:
        network: what is trained.
        recipe: optimiser and schedule of this phase.
        earlier: number of epochs of the phases before.
        epochs: lines of the log of this phase so far; the bookkeeper renews them.
    """

    def __init__(self, network: nn.Module, recipe: Recipe, earlier: int = 0, epochs: Epochs = ()) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.earlier = earlier
        self.epochs = epochs
        averaging = recipe.training.averaging
        self.averaged = None if averaging == "none" else AveragedWeights(network, recipe.training)
        self._swapped: Swapped | None = None

    @abstractmethod
    def parameter_groups(self) -> list[dict[str, Any]]:
        """Groups of the optimiser, each with its rate as ``lr`` and as ``base_lr``."""

    @abstractmethod
    def figures(self) -> dict[str, Any]:
        """What the log says of the epoch that is over: ``train_loss``, ``val_loss``, ``learning_rate`` and what else is measured.

        What is not a number is None, and so are all figures of validation when one of its answers is not.
        """

    @property
    def epochs_before(self) -> int:
        """Epochs that are over, of all phases."""
        return self.earlier + int(self.current_epoch)

    def judged_state(self) -> dict[str, Tensor]:
        """Weights that validation has seen: the averaged ones, if there are any."""
        return dict(self.network.state_dict()) if self.averaged is None else self.averaged.judged()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam, AdamW or SGD over what is trainable."""
        training = self.recipe.training
        groups = self.parameter_groups()
        if training.optimizer == "sgd":
            momentum = training.momentum
            return torch.optim.SGD(
                groups, momentum=momentum, nesterov=momentum > 0, weight_decay=training.weight_decay, fused=True
            )
        kind = torch.optim.AdamW if training.optimizer == "adamw" else torch.optim.Adam
        return kind(
            groups, eps=EPSILON, weight_decay=training.weight_decay, fused=True
        )  # one pass over the memory, not ten

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Shorten gradients that are too long; put Adam's epsilon where Keras has it, before the second moment's bias is corrected.

        That is the form at the end of section 2 of Kingma and Ba (2015). torch adds epsilon after the correction, so that of
        this step is divided by the same factor. It counts as soon as the penalty has made gradients small.
        """
        longest = self.recipe.training.clip_gradient
        if longest is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), longest)
        for group in optimizer.param_groups:
            if "betas" in group:
                group["eps"] = EPSILON / math.sqrt(1 - group["betas"][1] ** (self.global_step + 1))

    def on_fit_start(self) -> None:
        """Averages belong beside the weights."""
        if self.averaged is not None:
            self.averaged.to(self.device)

    def on_train_start(self) -> None:
        """Lay the optimiser's averages out in memory as their weights are.

        A checkpoint gives them back in the plain order, and the fused step walks through both side by side without looking.
        """
        for optimizer in self.trainer.optimizers:
            for weight, state in optimizer.state.items():
                for name, value in state.items():
                    if isinstance(value, Tensor) and value.shape == weight.shape:
                        state[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set the learning rate; forget the last step's gradients where :meth:`optimizer_zero_grad` does not."""
        if self.adds_up:
            self.trainer.optimizers[0].zero_grad()
        done = self.current_epoch + (batch_idx + 1) / int(self.trainer.num_training_batches)
        factor = rate_factor(self.epochs, self.recipe.training) * warmup_factor(done, self.recipe.training)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = group["base_lr"] * factor

    @property
    def adds_up(self) -> bool:
        """Whether a batch comes in pieces whose gradients are added up."""
        return self.recipe.training.micro_batch is not None

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: torch.optim.Optimizer) -> None:
        """Lightning asks for it between a step's loss and its gradients: too late where pieces have left theirs by then."""
        if not self.adds_up:
            optimizer.zero_grad()

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Take the step's weights into the average."""
        if self.averaged is not None:
            self.averaged.after_step()

    def on_validation_start(self) -> None:
        """Judge the averaged weights."""
        if self.averaged is not None:
            self.averaged.after_epoch(self.current_epoch + 1)
            self._swapped = Swapped(self.averaged)
            self._swapped.__enter__()

    def on_validation_end(self) -> None:
        """Go on with the plain weights."""
        if self._swapped is not None:
            self._swapped.__exit__()
            self._swapped = None

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Averages are part of where a training stands."""
        if self.averaged is not None:
            checkpoint["averaged_weights"] = self.averaged.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put the averages back."""
        if self.averaged is not None:
            self.averaged.load_state_dict(checkpoint["averaged_weights"])


def mixed_seed(*numbers: int) -> int:
    """One seed from several numbers, far from that of the neighbours."""
    mixed = 0x9E3779B97F4A7C15
    for number in numbers:
        mixed = ((mixed ^ (number + 0x7F4A7C15)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        mixed ^= mixed >> 31
    return mixed & 0x7FFFFFFFFFFFFFFF


def number_or_none(value: float) -> float | None:
    """What JSON can hold."""
    return value if math.isfinite(value) else None
