"""Searches that processes make together and that are killed, for the tests of `laudo tune`."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import torch

from training_example import FROZEN, NEEDED, merged, save_recipe

RANGES = {
    "training.learning_rate": {"low": 1e-4, "high": 1e-1, "log": True, "points": 2},
    "network.head.dropout": {"low": 0.0, "high": 0.4, "step": 0.2},
}
GRID = 6
"""Combinations of :data:`RANGES`."""

HEAD = merged(
    FROZEN,
    {
        "name": "tuned",
        "training": {"epochs": 4, "batch_size": 24},
        "evaluation": {"explained_cases": 0, "sanity_cases": 0, "views": ["plain"]},
        "augment": {"mirrored_copies": False},
        "tune": {**RANGES, "pruning": "none"},
    },
)


def recipe_file(folder: Path, *changes: dict) -> Path:
    """HEAD with changes, in a file."""
    return save_recipe(folder / "tuned.yaml", HEAD, *changes)


def search(recipe: Path, data: Path, out: Path, **how) -> dict:
    from laudo.workflows import steps

    return steps.tune(recipe, data, out, language="en", **how)


def server() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        [*NEEDED, "laudo.workflows.tune.search", "alembic.context", "psycopg", "tune_example"]
    )
    return context


def worker(cache: Path, recipe: Path, data: Path, out: Path, how: dict, slow_s: float = 0.0, die_at: int | None = None):
    """Start a process that searches; it dies like by ``kill -9`` before the n-th transaction of the data base, if so wished."""
    process = server().Process(target=work, args=(str(cache), recipe, data, out, how, slow_s, die_at))
    process.start()
    return process


def cheap(patch=setattr) -> None:
    """Without what takes long and is tested elsewhere: the audit's forests, and the page."""
    from laudo.audit import nuisance
    from laudo.workflows.tune import result

    patch(nuisance, "run_probe", lambda *_arguments: None)
    patch(result, "write_tune_page", lambda *_arguments: None)


def work(cache: str, recipe: Path, data: Path, out: Path, how: dict, slow_s: float, die_at: int | None) -> None:
    os.environ["LAUDO_CACHE"] = cache
    torch.set_num_threads(1)
    cheap()
    if slow_s:
        _slowed(slow_s)
    if die_at is not None:
        from laudo.workflows.tune import search as module

        module.MOST_ATTEMPTS = 100  # the killer is not the trial
        _die_at(die_at)
    search(recipe, data, out, **how)


def _slowed(seconds: float) -> None:
    from laudo.train.bookkeeper import Bookkeeper

    before = Bookkeeper.on_train_epoch_end

    def slowly(self, trainer, pl_module):
        before(self, trainer, pl_module)
        time.sleep(seconds)

    Bookkeeper.on_train_epoch_end = slowly


def _die_at(moment: int) -> None:
    """Of every two moments the first is before a transaction is written, the second right after it."""
    from sqlalchemy import Engine, event

    calls = [0]

    def before(_connection):
        calls[0] += 1
        if calls[0] * 2 == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def released(_connection, _record):
        if calls[0] * 2 + 1 == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "commit", before)
    from sqlalchemy.pool import Pool

    event.listen(Pool, "checkin", released)


def rows(storage: str | Path) -> list[tuple[int, str]]:
    """Number and state of every trial that the data base holds, whatever laudo says of them."""
    from sqlalchemy import create_engine, text

    url = str(storage) if "://" in str(storage) else f"sqlite:///{storage}"
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        found = connection.execute(text("SELECT number, state FROM trials ORDER BY number")).all()
    engine.dispose()
    return [(int(number), str(state)) for number, state in found]


def await_epochs(out: Path, number: int, epochs: int, seconds: float = 60.0) -> str:
    """Wait until a trial's log has so many lines; its text."""
    log = out / f"trial-{number:04d}" / "log.jsonl"
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        text = log.read_text() if log.is_file() else ""
        if text.count("\n") >= epochs:
            return text
        time.sleep(0.01)
    raise AssertionError(f"{log} does not grow")
