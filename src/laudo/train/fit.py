"""Train a network with Lightning, resumable after any kill."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from safetensors.torch import load_file

from laudo.core.errors import RunError
from laudo.core.messages import _
from laudo.core.progress import step
from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.networks.classifier import Classifier, set_trainable
from laudo.networks.head import ClassifierHead
from laudo.networks.memory import reused_memory
from laudo.networks.precision import MEMORY_FORMAT, Precision
from laudo.train.bookkeeper import Bookkeeper, weights_path
from laudo.train.checkpoint import SafeCheckpointIO, newest_checkpoint
from laudo.train.inputs import EpochOrder, Part, loader
from laudo.train.losses import balanced_weights
from laudo.train.module import Fit
from laudo.train.phases import is_over, kept_in_phase, phase_lines, phase_recipes


@dataclass(frozen=True)
class Deadline:
    """When ``--max-minutes`` is over; None: never."""

    at: float | None = None

    @classmethod
    def after(cls, minutes: float | None) -> Deadline:
        """A deadline from now on."""
        return cls(None if minutes is None else time.monotonic() + 60 * minutes)

    def is_over(self) -> bool:
        """Whether it has passed."""
        return self.at is not None and time.monotonic() >= self.at


@dataclass(frozen=True)
class Fitted:
    """How a training ended: the epoch that was kept, the reason, and the log."""

    kept_epoch: int
    reason: str
    epochs: list[dict[str, Any]]


def fit(
    network: Classifier | ClassifierHead,
    train: Part,
    val: Part,
    recipe: Recipe,
    run: Run,
    device: torch.device,
    precision: Precision,
    deadline: Deadline,
) -> Fitted:
    """Train ``network`` in place and leave it with the weights that the recipe keeps.

    If the run folder holds a checkpoint, the training goes on from it, to the same result as if it had never stopped. Of several
    phases each begins with a new optimiser and the weights that the one before has kept.

    Args:
        network: a classifier on images, or a head on features.
        train: what is learned from.
        val: what early stopping and the choice of the epoch look at.
        recipe: loss, optimiser, schedule.
        run: where log and checkpoints go.
        device: where to train.
        precision: of the network; a head on features is always trained in single precision.
        deadline: stop after the epoch in which it passes.
    """
    plan = phase_recipes(recipe)
    found = newest_checkpoint(run.checkpoints)
    with step(_("Training"), sum(phase.training.epochs for phase in plan)) as advance, reused_memory(device):
        keeper = Bookkeeper(run, plan, deadline.is_over, advance)
        keeper.resume(found[1] if found else 0)
        if found:
            advance(found[1])
        for number, phase in enumerate(plan, start=1):
            if is_over(keeper.epochs, number, phase) or keeper.out_of_time or keeper.diverged:
                continue
            keeper.phase = number
            going_on = bool(phase_lines(keeper.epochs, number))
            if number > 1 and not going_on:
                start = kept_in_phase(keeper.epochs, number - 1, plan[number - 2])
                network.load_state_dict(load_file(weights_path(run, start)))
            _run_phase(network, train, val, keeper, found[0] if found and going_on else None, device, precision)
    kept = next(line for line in keeper.epochs if line["epoch"] == keeper.kept_epoch())
    if kept["val_loss"] is None:
        raise RunError(
            _("The training has diverged: the network's answers are no longer numbers."),
            found=_("epoch {n}").format(n=kept["epoch"]),
            cure=_("Begin a new run with a lower training.learning_rate, or with some training.warmup_epochs."),
        )
    network.load_state_dict(load_file(weights_path(run, keeper.kept_epoch())))
    if isinstance(network, Classifier):  # what was trained in any phase, however often the training was begun again
        begun = {line.get("phase", 1) for line in keeper.epochs}
        set_trainable(network.backbone, max(plan[number - 1].network.trainable for number in begun))
    return Fitted(keeper.kept_epoch(), keeper.reason, keeper.epochs)


def _run_phase(
    network: Classifier | ClassifierHead,
    train: Part,
    val: Part,
    keeper: Bookkeeper,
    checkpoint: Path | None,
    device: torch.device,
    precision: Precision,
) -> None:
    """Train through the phase that the keeper stands in, from its beginning or from a checkpoint."""
    recipe = keeper.plan[keeper.phase - 1]
    weights = None
    if recipe.training.class_weights == "balanced":
        head = network.head if isinstance(network, Classifier) else network
        # a class may be missing from both parts, even the last; one logit stands for two classes
        weights = balanced_weights(torch.from_numpy(train.targets), max(2, head.dense[-1].out_features))
    if isinstance(network, Classifier):
        set_trainable(network.backbone, recipe.network.trainable)
        network.to(memory_format=MEMORY_FORMAT)
    lines = phase_lines(keeper.epochs, keeper.phase)
    earlier = len(keeper.epochs) - len(lines)
    module = Fit(network, recipe, weights, _learn_batch_norm(recipe), earlier, lines)
    _run_trainer(
        module, train, val, keeper, checkpoint, device, precision if isinstance(network, Classifier) else "fp32"
    )


def _learn_batch_norm(recipe: Recipe) -> bool:
    if recipe.network.batch_norm == "auto":
        return recipe.network.weights == "none"
    return recipe.network.batch_norm in {"trained", "refitted"}


def _run_trainer(
    module: Fit,
    train: Part,
    val: Part,
    keeper: Bookkeeper,
    checkpoint: Path | None,
    device: torch.device,
    precision: Precision,
) -> None:
    """Lightning's loop, silent: the log is laudo's own."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    training = module.recipe.training
    classes = train.targets if training.sampling == "balanced" else None
    order = EpochOrder(len(train), training.seed, module.earlier, classes)
    trainer = pl.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=1,
        precision="bf16-mixed" if precision == "bf16" else "32-true",
        max_epochs=training.epochs,
        callbacks=[keeper],
        plugins=[SafeCheckpointIO()],
        default_root_dir=keeper.run.folder,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    with warnings.catch_warnings(), threads(None if isinstance(module.network, Classifier) else 1):
        warnings.filterwarnings("ignore", module="lightning")
        try:
            trainer.fit(
                module,
                loader(train, training.batch_size, order),
                loader(val, training.micro_batch or max(training.batch_size, 64), None),
                ckpt_path=None if checkpoint is None else str(checkpoint),
            )
        except SystemExit as error:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from error


@contextmanager
def threads(number: int | None) -> Iterator[None]:
    """Within the block torch computes with so many threads; None: as many as before.

    A head on features is so small that waiting for a second thread costs more than it brings, and far more on a busy machine.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
