"""Decisions from the log: best epoch, early stopping, learning rate."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laudo.core.recipe import Training
from laudo.train.history import best_epoch, rate_factor, should_stop, warmup_factor


def log(*losses: float) -> list[dict]:
    return [{"epoch": number, "val_loss": loss, "seconds": 1.0} for number, loss in enumerate(losses, start=1)]


LOSSES = st.lists(st.floats(0.0, 5.0), max_size=25)


def test_the_best_epoch_is_the_first_of_the_lowest():
    assert best_epoch([]) == 0
    assert best_epoch(log(3, 2, 2, 4)) == 2
    assert best_epoch(log(3, 2, 1.99)) == 3


def test_another_figure_may_be_watched_and_of_equals_the_lower_loss_wins():
    lines = log(3.0, 2.0, 1.0, 1.0, 0.5)
    for line, accuracy in zip(lines, (0.7, 0.9, 0.9, 0.9, 0.8), strict=True):
        line |= {"val_accuracy": accuracy, "val_auc_roc": math.nan}
    lines[1]["val_auc_roc"] = 0.1  # an area that is not defined is no area
    assert best_epoch(lines) == 5
    assert best_epoch(lines, "accuracy") == 3
    assert best_epoch(lines, "auc_roc") == 2
    assert should_stop(lines, 2, "accuracy")
    assert not should_stop(lines, 2)
    lines[1]["val_auc_roc"] = math.nan
    assert best_epoch(lines, "auc_roc") == 5


def test_warming_up_is_a_line_and_schedules_begin_after_it():
    training = Training(schedule="cosine", epochs=6, warmup_epochs=2)
    assert [warmup_factor(done, training) for done in (0.5, 1.0, 2.0, 3.0)] == [0.25, 0.5, 1.0, 1.0]
    assert warmup_factor(0.1, Training()) == 1.0
    factors = [rate_factor(log(*[1.0] * n), training) for n in range(7)]
    assert factors == pytest.approx([1, 1, 1, *((1 + math.cos(math.pi * n / 4)) / 2 for n in (1, 2, 3, 4))])
    plateau = Training(schedule="plateau", plateau_patience=0, warmup_epochs=2)
    assert [rate_factor(log(*[1.0] * n), plateau) for n in range(5)] == [1, 1, 1, 1, 0.5]


@pytest.mark.parametrize(
    ("losses", "patience", "stops"),
    [
        ((), 1, False),
        ((1.0,), 1, False),
        ((1.0, 1.0), 1, True),  # equal is not better
        ((1.0, 2.0, 2.0), 3, False),
        ((1.0, 2.0, 2.0, 2.0), 3, True),
        ((1.0, 2.0, 0.5, 2.0, 2.0), 3, False),
        ((1.0, 2.0, 2.0, 2.0), None, False),
    ],
)
def test_early_stopping_counts_epochs_since_the_best(losses, patience, stops):
    assert should_stop(log(*losses), patience) is stops


@pytest.mark.parametrize(
    ("losses", "patience", "factor"),
    [
        ((), 2, 1.0),
        ((1.0, 1.0, 1.0), 2, 1.0),  # two epochs without progress are allowed
        ((1.0, 1.0, 1.0, 1.0), 2, 0.5),
        ((1.0, 1.0, 1.0, 1.0, 1.0, 1.0), 2, 0.5),  # it counts anew
        ((1.0, *[1.0] * 6), 2, 0.25),
        ((1.0, 1.0, 1.0, 0.9, 0.9, 0.9), 2, 1.0),  # progress in between
        ((1.0, 0.99995, 0.99993, 0.99991), 2, 0.5),  # less than 0.0001 is no progress
        ((1.0, 1.0), 0, 0.5),
    ],
)
def test_plateau_halves_after_waiting(losses, patience, factor):
    training = Training(schedule="plateau", plateau_patience=patience)
    assert rate_factor(log(*losses), training) == factor


def test_plateau_is_pytorchs_scheduler():
    import torch

    losses = [1.0, 0.8, 0.9, 0.85, 0.81, 0.7, 0.71, 0.7, 0.72, 0.9, 0.6, 0.6, 0.6, 0.6, 0.6]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=2, threshold=1e-4, threshold_mode="abs"
    )
    for n, loss in enumerate(losses, start=1):
        theirs.step(loss)
        ours = rate_factor(log(*losses[:n]), Training(schedule="plateau", plateau_patience=2))
        assert ours == optimizer.param_groups[0]["lr"], n


def test_cosine_falls_from_one_to_zero():
    training = Training(schedule="cosine", epochs=4)
    factors = [rate_factor(log(*[1.0] * n), training) for n in range(5)]
    assert factors == pytest.approx([1.0, (2 + math.sqrt(2)) / 4, 0.5, (2 - math.sqrt(2)) / 4, 0.0])
    assert rate_factor(log(1, 2, 3), Training()) == 1.0


@given(LOSSES, st.integers(1, 6), st.integers(0, 4), st.sampled_from(["plateau", "cosine", "constant"]))
def test_decisions_depend_on_the_log_alone(losses, patience, wait, schedule):
    """What a resumed training reads back from the file decides as what was held in memory, seconds or no seconds."""
    training = Training(schedule=schedule, plateau_patience=wait, epochs=30)
    held = log(*losses)
    read = [json.loads(json.dumps({**line, "seconds": 99.0})) for line in held]
    assert best_epoch(read) == best_epoch(held)
    assert should_stop(read, patience) == should_stop(held, patience)
    assert rate_factor(read, training) == rate_factor(held, training)
    assert held == log(*losses)  # nothing was changed


@given(LOSSES, st.integers(1, 6))
def test_stopping_never_comes_before_patience_and_always_with_it(losses, patience):
    first = next((n for n in range(1, len(losses) + 1) if should_stop(log(*losses[:n]), patience)), None)
    if first is not None:
        assert first > patience
        best = best_epoch(log(*losses[:first]))
        assert first - best == patience
        assert min(losses[:first]) == losses[best - 1]


@given(LOSSES, st.integers(0, 4))
def test_the_rate_never_rises(losses, wait):
    training = Training(schedule="plateau", plateau_patience=wait)
    factors = [rate_factor(log(*losses[:n]), training) for n in range(len(losses) + 1)]
    assert all(after in (before, before / 2) for before, after in pairwise(factors))
