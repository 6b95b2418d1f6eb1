"""What happens at the end of every epoch: figures, log line, best weights, checkpoint, and whether to go on."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from safetensors.torch import save_file

from laudo.core.atomic import atomic_path, write_text
from laudo.core.progress import Advance
from laudo.core.recipe import Training
from laudo.core.run import Run
from laudo.evaluate.classification import measure
from laudo.networks.classifier import class_probabilities
from laudo.train.checkpoint import SafeCheckpointIO, epoch_path
from laudo.train.history import best_epoch, should_stop
from laudo.train.losses import classification_loss
from laudo.train.module import Fit


class Bookkeeper(pl.Callback):
    """Keeps the run folder true to the training, in an order that a kill at any point can not spoil.

    Best weights first, then the log line, then the checkpoint, and only then are older files deleted: whatever the last whole
    checkpoint is, the log up to it and the best weights up to it are there.

    Args:
        run: the run folder.
        training: the recipe's section.
        time_is_up: asked after every epoch (``--max-minutes``).
        advance: progress.
    """

    def __init__(self, run: Run, training: Training, time_is_up: Callable[[], bool], advance: Advance) -> None:
        self.run = run
        self.training = training
        self.time_is_up = time_is_up
        self.advance = advance
        self.epochs: list[dict[str, Any]] = []
        self.reason = "all_epochs"
        self._started = 0.0

    def resume(self, epoch: int) -> None:
        """Forget what the log holds beyond the checkpoint of ``epoch``."""
        self.epochs = [line for line in self.run.log() if line["epoch"] <= epoch]
        write_text(self.run.log_path, "".join(json.dumps(line) + "\n" for line in self.epochs))

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._started = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write everything down."""
        assert isinstance(pl_module, Fit)
        epoch = trainer.current_epoch + 1
        line = {"epoch": epoch, **epoch_figures(pl_module), "seconds": round(time.monotonic() - self._started, 3)}
        self.epochs.append(line)
        pl_module.epochs = self.epochs
        if self._wanted(epoch):
            self._save_weights(pl_module, epoch)
        self._append(line)
        trainer.save_checkpoint(epoch_path(self.run.checkpoints, epoch))
        self._delete_old(epoch)
        self.advance(1, f"val {line['val_loss']:.3f}")
        if should_stop(self.epochs, self.training.early_stopping):
            self.reason, trainer.should_stop = "early_stopping", True
        elif epoch < self.training.epochs and self.time_is_up():
            self.reason, trainer.should_stop = "max_minutes", True

    def kept_epoch(self) -> int:
        """Epoch whose weights become the model."""
        return best_epoch(self.epochs) if self.training.keep == "best" else int(self.epochs[-1]["epoch"])

    def _wanted(self, epoch: int) -> bool:
        return (
            self.training.keep == "last" or best_epoch(self.epochs) == epoch or epoch in self.training.report_at_epochs
        )

    def _save_weights(self, module: Fit, epoch: int) -> None:
        with atomic_path(weights_path(self.run, epoch)) as temporary:
            save_file({k: v.detach().cpu().contiguous() for k, v in module.network.state_dict().items()}, temporary)

    def _append(self, line: dict[str, Any]) -> None:
        with self.run.log_path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
            log.flush()
            os.fsync(log.fileno())

    def _delete_old(self, epoch: int) -> None:
        keep = {epoch, epoch - 1}
        for path in self.run.checkpoints.glob("epoch-*.safetensors"):
            if _number(path) not in keep:
                SafeCheckpointIO().remove_checkpoint(path)
        weights = {self.kept_epoch(), best_epoch(self.epochs), epoch - 1, *self.training.report_at_epochs}
        for path in self.run.checkpoints.glob("weights-*.safetensors"):
            if _number(path) not in weights:
                path.unlink()


def weights_path(run: Run, epoch: int) -> Path:
    """Weights after an epoch."""
    return run.checkpoints / f"weights-{epoch:05d}.safetensors"


def _number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


@torch.no_grad()
def epoch_figures(module: Fit) -> dict[str, Any]:
    """Loss and accuracy of both parts. The head's penalty has a line of its own.

    Losses are those of the recipe; validation's without class weights and smoothing.
    """
    train_probabilities, train_targets = (torch.cat(parts) for parts in zip(*module.train_seen, strict=True))
    val_logits, val_targets = (torch.cat(parts) for parts in zip(*module.val_seen, strict=True))
    val_probabilities = class_probabilities(val_logits)
    n = sum(count for _, count in module.train_losses)
    optimizer = module.trainer.optimizers[0]
    return {
        "train_loss": sum(float(loss) * count for loss, count in module.train_losses) / n,
        "train_accuracy": float((train_probabilities.argmax(1) == train_targets).float().mean()),
        "val_loss": float(classification_loss(val_logits, val_targets, module.recipe.training)),
        "val_accuracy": float((val_probabilities.argmax(1) == val_targets).float().mean()),
        "val_auc_roc": measure(val_probabilities.cpu().numpy(), val_targets.cpu().numpy(), names=("auc_roc",))[
            "auc_roc"
        ],
        "penalty": float(module.head.penalty()),
        "learning_rate": optimizer.param_groups[0]["lr"],
    }
