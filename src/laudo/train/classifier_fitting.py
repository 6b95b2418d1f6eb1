"""One training step and one validation step of a classifier; the network knows nothing of it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from laudo.core.recipe import Recipe
from laudo.evaluate.classification import measure
from laudo.networks.classifier import Classifier, class_probabilities
from laudo.networks.head import ClassifierHead
from laudo.train.fitting import Fitting, mixed_seed, number_or_none
from laudo.train.history import Epochs
from laudo.train.inputs import Batch
from laudo.train.label_losses import right_answers
from laudo.train.losses import classification_loss
from laudo.train.pieces import Pieces
from laudo.train.rates import parameter_groups


class ClassifierFitting(Fitting):
    """Trains a whole classifier on images, or its head alone on features, through one phase; see :class:`Fitting`.

    Args:
        network: a :class:`Classifier` (inputs are pixels) or a :class:`ClassifierHead` (inputs are features).
        recipe: loss, optimiser, schedule, augmentation of this phase.
        class_weights: (K,) weights of the classes in the loss; None: equal.
        train_batch_norm: whether trained layers learn their batch statistics.
        earlier: number of epochs of the phases before.
        epochs: lines of the log of this phase so far; the bookkeeper renews them.
    """

    network: Classifier | ClassifierHead
    class_weights: Tensor | None

    def __init__(
        self,
        network: Classifier | ClassifierHead,
        recipe: Recipe,
        class_weights: Tensor | None,
        train_batch_norm: bool,
        earlier: int = 0,
        epochs: Epochs = (),
    ) -> None:
        super().__init__(network, recipe, earlier, epochs)
        self.train_batch_norm = train_batch_norm
        self.register_buffer("class_weights", class_weights, persistent=False)
        self.train_seen: list[tuple[Tensor, Tensor]] = []
        self.train_losses: list[tuple[Tensor, int]] = []
        self.val_seen: list[tuple[Tensor, Tensor]] = []

    @property
    def head(self) -> ClassifierHead:
        """The dense layers."""
        return self.network.head if isinstance(self.network, Classifier) else self.network

    def parameter_groups(self) -> list[dict[str, Any]]:
        """See :func:`laudo.train.rates.parameter_groups`."""
        return parameter_groups(self.network, self.recipe.training)

    def on_train_epoch_start(self) -> None:
        """Seed dropout, put frozen layers into evaluation mode."""
        torch.manual_seed(mixed_seed(self.recipe.training.seed, self.epochs_before))
        self.network.train()
        if isinstance(self.network, Classifier):
            if not any(parameter.requires_grad for parameter in self.network.backbone.parameters()):
                self.network.backbone.eval()  # a frozen backbone gives the same map every epoch: no dropout either
            for module in self.network.backbone.modules():
                frozen = not any(parameter.requires_grad for parameter in module.parameters(recurse=False))
                is_norm = isinstance(module, nn.modules.batchnorm._BatchNorm)
                if is_norm and (frozen or not self.train_batch_norm):
                    module.eval()
        self.train_seen, self.train_losses = [], []

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Loss of one batch: that of the recipe, and the head's penalty.

        Of a batch in pieces all but the last one's gradients are added up here, so that their activations are gone before the next
        piece comes.
        """
        drawn = isinstance(self.network, Classifier) and self.recipe.augment.is_random
        pieces = Pieces(
            batch, self.recipe, mixed_seed(self.recipe.training.seed, self.epochs_before, batch_idx) if drawn else None
        )
        weight = pieces.weight(self.class_weights)
        total = torch.zeros((), device=weight.device)
        for number, (arguments, target) in enumerate(pieces, start=1):
            logits = self.network(*arguments)
            loss = target.terms(logits, self.recipe, self.class_weights)[0].sum() / weight
            self.train_seen.append((class_probabilities(logits.detach(), self.head.multilabel), target.heavier))
            total += loss.detach()
            if number < len(pieces):
                loss.backward()  # type: ignore[no-untyped-call]
                torch.clear_autocast_cache()  # weights in half precision belong to the graph that is gone
        self.train_losses.append((total, len(batch[1])))
        return loss + self.head.penalty()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Collect predictions; the epoch's figures are of the whole part."""
        if batch_idx == 0:
            self.val_seen = []
        arguments, targets = batch
        self.val_seen.append((self.network(*arguments).float(), targets))

    @torch.no_grad()
    def figures(self) -> dict[str, Any]:
        """Loss and accuracy of both parts. The head's penalty has a line of its own.

        Losses are those of the recipe; validation's without class weights and smoothing. See :meth:`Fitting.figures`.
        """
        train_probabilities, train_targets = (torch.cat(parts) for parts in zip(*self.train_seen, strict=True))
        val_logits, val_targets = (torch.cat(parts) for parts in zip(*self.val_seen, strict=True))
        n = sum(count for _, count in self.train_losses)
        optimizer = self.trainer.optimizers[0]
        names = ("balanced_accuracy", "auc_roc")
        figures: dict[str, float | None] = dict.fromkeys(
            ("val_loss", "val_accuracy", *[f"val_{name}" for name in names])
        )
        if bool(torch.isfinite(val_logits).all()):
            val_probabilities = class_probabilities(val_logits, self.head.multilabel)
            measured = measure(val_probabilities.cpu().numpy(), val_targets.cpu().numpy(), names=names)
            figures = {
                "val_loss": float(classification_loss(val_logits, val_targets, self.recipe.training)),
                "val_accuracy": float(right_answers(val_probabilities, val_targets).float().mean()),
                **{f"val_{name}": measured[name] for name in names},
            }
        return {
            "train_loss": number_or_none(sum(float(loss) * count for loss, count in self.train_losses) / n),
            "train_accuracy": float(right_answers(train_probabilities, train_targets).float().mean()),
            **figures,
            "penalty": number_or_none(float(self.head.penalty())),
            "learning_rate": optimizer.param_groups[0]["lr"],
        }
