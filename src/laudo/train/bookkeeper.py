"""What happens at the end of every epoch: figures, log line, best weights, checkpoint, and whether to go on."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from safetensors.torch import save_file

from laudo.core.atomic import atomic_path, write_text
from laudo.core.disk import require_room
from laudo.core.progress import Advance
from laudo.core.recipe import Recipe, Training
from laudo.core.run import Run
from laudo.train.checkpoint import SafeCheckpointIO, epoch_path
from laudo.train.fitting import Fitting
from laudo.train.history import Epochs, should_stop
from laudo.train.phases import is_over, kept_epoch, kept_in_phase, phase_lines


class Bookkeeper(pl.Callback):
    """Keeps the run folder true to the training, in an order that a kill at any point can not spoil.

    Best weights first, then the log line, then the checkpoint, and only then are older files deleted: whatever the last whole
    checkpoint is, the log up to it and the best weights up to it are there.

    Args:
        run: the run folder.
        plan: the recipe of each phase.
        time_is_up: asked after every epoch (``--max-minutes``).
        advance: progress.
        gives_up: shown the log after every epoch; true: the training ends there.
    """

    def __init__(
        self,
        run: Run,
        plan: list[Recipe],
        time_is_up: Callable[[], bool],
        advance: Advance,
        gives_up: Callable[[Epochs], bool] | None = None,
    ) -> None:
        self.run = run
        self.plan = plan
        self.time_is_up = time_is_up
        self.advance = advance
        self.epochs: list[dict[str, Any]] = []
        self.phase = 1
        self.out_of_time = False
        self.gives_up = gives_up
        self.given_up = False
        self._started = 0.0

    @property
    def training(self) -> Training:
        """The section of the phase that is trained."""
        return self.plan[self.phase - 1].training

    @property
    def is_last(self) -> bool:
        """Whether this is the last phase."""
        return self.phase == len(self.plan)

    @property
    def reason(self) -> str:
        """Why the training has ended."""
        if self.diverged:
            return "diverged"
        if self.given_up:
            return "given_up"
        if self.out_of_time:
            return "max_minutes"
        last = len(self.plan)
        training = self.plan[-1].training
        stopped = should_stop(phase_lines(self.epochs, last), training.early_stopping, training.watch)
        return "early_stopping" if stopped else "all_epochs"

    @property
    def diverged(self) -> bool:
        """Whether the network's answers are no longer numbers: no step can mend its weights."""
        return bool(self.epochs) and self.epochs[-1]["val_loss"] is None

    def resume(self, epoch: int) -> None:
        """Forget what the log holds beyond the checkpoint of ``epoch``."""
        self.epochs = [line for line in self.run.log() if line["epoch"] <= epoch]
        write_text(self.run.log_path, "".join(json.dumps(line) + "\n" for line in self.epochs))

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._started = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write everything down."""
        assert isinstance(pl_module, Fitting)
        epoch = pl_module.epochs_before + 1
        line: dict[str, Any] = {"epoch": epoch, **({"phase": self.phase} if len(self.plan) > 1 else {})}
        if pl_module.averaged is not None and pl_module.averaged.is_active:
            line["averaged"] = True
        line |= {**pl_module.figures(), "seconds": round(time.monotonic() - self._started, 3)}
        self.epochs.append(line)
        lines = phase_lines(self.epochs, self.phase)
        pl_module.epochs = lines
        if self._wanted(epoch):
            self._save_weights(pl_module, epoch)
        self._append(line)
        trainer.save_checkpoint(epoch_path(self.run.checkpoints, epoch))
        self._delete_old(epoch)
        self.advance(1, "val –" if self.diverged else f"val {line['val_loss']:.3f}")
        phase_over = self.diverged or is_over(self.epochs, self.phase, self.plan[self.phase - 1])
        self.out_of_time = not (phase_over and self.is_last) and self.time_is_up()
        # asked after every epoch, the last one too: who asks keeps a log of its own
        self.given_up = self.gives_up is not None and self.gives_up(self.epochs) and not (phase_over and self.is_last)
        trainer.should_stop = phase_over or self.out_of_time or self.given_up

    def kept_epoch(self) -> int:
        """Epoch whose weights become the model."""
        return kept_epoch(self.epochs, self.plan)

    def _kept_in_phases(self) -> set[int]:
        """Epochs whose weights a phase has begun with, or may begin with."""
        return {kept_in_phase(self.epochs, number, recipe) for number, recipe in enumerate(self.plan, start=1)}

    def _wanted(self, epoch: int) -> bool:
        return epoch in {*self._kept_in_phases(), *self.training.report_at_epochs}

    def _save_weights(self, module: Fitting, epoch: int) -> None:
        state = {k: v.detach().cpu().contiguous() for k, v in module.judged_state().items()}
        require_room(self.run.checkpoints, sum(tensor.nbytes for tensor in state.values()))
        with atomic_path(weights_path(self.run, epoch)) as temporary:
            save_file(state, temporary)

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
        weights = {self.kept_epoch(), *self._kept_in_phases(), epoch - 1, *self.training.report_at_epochs}
        for path in self.run.checkpoints.glob("weights-*.safetensors"):
            if _number(path) not in weights:
                path.unlink()


def weights_path(run: Run, epoch: int) -> Path:
    """Weights after an epoch."""
    return run.checkpoints / f"weights-{epoch:05d}.safetensors"


def _number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])
