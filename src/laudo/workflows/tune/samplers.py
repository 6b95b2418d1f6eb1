"""Optuna's samplers and pruners by the names that laudo gives them."""

from __future__ import annotations

import warnings
from math import isqrt
from typing import Any, Literal

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler, GridSampler, NSGAIISampler, TPESampler

from laudo.core.recipe import Recipe

SamplerName = Literal["tpe", "grid", "genetic"]
SAMPLERS: tuple[SamplerName, ...] = ("tpe", "grid", "genetic")
STARTUP = 10
"""Trials that are drawn at random before `tpe` has something to go by."""
FEWEST = 4
"""Trials of which pruning needs the log before it compares."""


def population_of(trials: int) -> int:
    """Trials a generation of the genetic search: at least five generations of at most 50, the size that Optuna takes."""
    return max(4, min(50, trials // 5, 2 * isqrt(trials)))


def build_sampler(
    name: SamplerName, seed: int, number: int, population: int, grid: dict[str, list[Any]] | None
) -> BaseSampler:
    """A sampler for one trial.

    Its randomness is a function of (seed, number of the trial), so that it does not matter which process draws, and no two
    processes draw the same. What is learned from trials stands in the data base, not in the sampler.

    Args:
        name: which.
        seed: of the search.
        number: of the trial, from 0.
        population: of `genetic`.
        grid: every value of every key, for `grid`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # settings that Optuna calls experimental
        if name == "grid":
            assert grid is not None, "a grid is finite"
            return GridSampler(grid, seed=seed)  # the number of the trial is its place in the grid
        drawn = (seed * 1_000_003 + number * 7919 + 1) % 2**32
        if name == "genetic":
            return NSGAIISampler(population_size=population, seed=drawn)
        return TPESampler(seed=drawn, n_startup_trials=STARTUP, multivariate=True, constant_liar=True)


def build_pruner(recipe: Recipe) -> BasePruner:
    """What ends trials early: the setting ``tune.pruning``, with steps counted in epochs from 1."""
    epochs = recipe.training.epochs_in_all
    warm = max(
        recipe.training.warmup_epochs + 1, epochs // 4
    )  # before, the learning rate has not been what it is to be
    kind = recipe.tune.pruning
    if kind == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=FEWEST, n_warmup_steps=warm, n_min_trials=FEWEST)
    if kind == "halving":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=warm, reduction_factor=3)
    return optuna.pruners.NopPruner()
