"""Train whatever can be trained with Lightning, phase by phase, resumable after any kill."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import lightning.pytorch as pl
import torch
from safetensors.torch import load_file
from torch import nn
from torch.utils.data import DataLoader

from laudo.core.disk import require_room
from laudo.core.errors import RunError
from laudo.core.messages import _
from laudo.core.progress import step
from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.networks.memory import reused_memory
from laudo.networks.precision import Precision
from laudo.train.bookkeeper import Bookkeeper, weights_path
from laudo.train.checkpoint import SafeCheckpointIO, newest_checkpoint
from laudo.train.fitting import Fitting
from laudo.train.history import Epochs
from laudo.train.phases import is_over, kept_in_phase, phase_lines, phase_recipes


@dataclass(frozen=True)
class Deadline:
    """What ends a training from outside, after an epoch.

    Attributes:
        at: when ``--max-minutes`` is over; None: never.
        gives_up: shown the log after every epoch; true: these settings are not worth more epochs.
    """

    at: float | None = None
    gives_up: Callable[[Epochs], bool] | None = None

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


class Job(Protocol):
    """A network, and what it learns from."""

    @property
    def network(self) -> nn.Module:
        """What is trained, in place."""

    @property
    def precision(self) -> Precision:
        """In which it is trained."""

    @property
    def threads(self) -> int | None:
        """Threads that torch computes with; None: as many as before."""

    def fitting(self, recipe: Recipe, earlier: int, epochs: Epochs) -> Fitting:
        """The steps of a phase: its recipe, the number of epochs of the phases before, and its own lines of the log so far."""

    def loaders(self, recipe: Recipe, earlier: int) -> tuple[DataLoader[Any], DataLoader[Any]]:
        """Batches of training and validation part for a phase."""

    def finish(self, recipes: list[Recipe]) -> None:
        """After the weights that are kept were put back: leave the network as the phases that were begun have made it."""


def run_job(job: Job, recipe: Recipe, run: Run, device: torch.device, deadline: Deadline) -> Fitted:
    """Train a network in place and leave it with the weights that the recipe keeps.

    If the run folder holds a checkpoint, the training goes on from it, to the same result as if it had never stopped. Of several
    phases each begins with a new optimiser and the weights that the one before has kept.

    Args:
        job: the network and what it learns from.
        recipe: loss, optimiser, schedule.
        run: where log and checkpoints go.
        device: where to train.
        deadline: stop after the epoch in which it passes.

    Raises:
        RunError: no epoch gave answers that are numbers.
        DiskFullError: there is no room for what a training keeps.
    """
    plan = phase_recipes(recipe)
    # weights to keep and a checkpoint that holds them: said now, and not after an epoch that may take an hour
    require_room(run.checkpoints, 2 * sum(tensor.nbytes for tensor in job.network.state_dict().values()))
    found = newest_checkpoint(run.checkpoints)
    with step(_("Training"), sum(phase.training.epochs for phase in plan)) as advance, reused_memory(device):
        keeper = Bookkeeper(run, plan, deadline.is_over, advance, deadline.gives_up)
        keeper.resume(found[1] if found else 0)
        if found:
            advance(found[1])
        for number, phase in enumerate(plan, start=1):
            if is_over(keeper.epochs, number, phase) or keeper.out_of_time or keeper.given_up or keeper.diverged:
                continue
            keeper.phase = number
            going_on = bool(phase_lines(keeper.epochs, number))
            if number > 1 and not going_on:
                start = kept_in_phase(keeper.epochs, number - 1, plan[number - 2])
                job.network.load_state_dict(load_file(weights_path(run, start)))
            _run_phase(job, keeper, found[0] if found and going_on else None, device)
    kept = next(line for line in keeper.epochs if line["epoch"] == keeper.kept_epoch())
    if kept["val_loss"] is None:
        raise RunError(
            _("The training has diverged: the network's answers are no longer numbers."),
            found=_("epoch {n}").format(n=kept["epoch"]),
            cure=_("Begin a new run with a lower training.learning_rate, or with some training.warmup_epochs."),
        )
    job.network.load_state_dict(load_file(weights_path(run, keeper.kept_epoch())))
    begun = {line.get("phase", 1) for line in keeper.epochs}  # however often the training was begun again
    job.finish([plan[number - 1] for number in sorted(begun)])
    return Fitted(keeper.kept_epoch(), keeper.reason, keeper.epochs)


def _run_phase(job: Job, keeper: Bookkeeper, checkpoint: Path | None, device: torch.device) -> None:
    """Train through the phase that the keeper stands in, from its beginning or from a checkpoint: Lightning's loop, silent."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    recipe = keeper.plan[keeper.phase - 1]
    lines = phase_lines(keeper.epochs, keeper.phase)
    earlier = len(keeper.epochs) - len(lines)
    trainer = pl.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=1,
        precision="bf16-mixed" if job.precision == "bf16" else "32-true",
        max_epochs=recipe.training.epochs,
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
    fitting = job.fitting(recipe, earlier, lines)
    with warnings.catch_warnings(), threads(job.threads):
        warnings.filterwarnings("ignore", module="lightning")
        try:
            trainer.fit(
                fitting, *job.loaders(recipe, earlier), ckpt_path=None if checkpoint is None else str(checkpoint)
            )
        except SystemExit as error:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from error


@contextmanager
def threads(number: int | None) -> Iterator[None]:
    """Within the block torch computes with so many threads; None: as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
