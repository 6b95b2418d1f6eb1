"""Gradient checkpointing (Chen et al. 2016): a level's insides are computed twice rather than kept until the backward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def recompute(levels: Iterable[nn.Module]) -> None:
    """From now on these modules keep only their inputs in training. Results, gradients and running statistics stay the same.

    Names of parameters do not change; a copy of the network (``copy.deepcopy``) does likewise.
    """
    for level in levels:
        level.forward = partial(_recomputed, level, level.forward)


def _recomputed(level: nn.Module, forward: Callable[..., Any], *inputs: Any) -> Any:
    if not (level.training and torch.is_grad_enabled()):
        return forward(*inputs)

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _statistics_kept(level)

    return checkpoint(forward, *inputs, use_reentrant=False, context_fn=contexts)


@contextmanager
def _statistics_kept(level: nn.Module) -> Iterator[None]:
    """The second time, batch normalisation must not count the batch again."""
    norms = [m for m in level.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    buffers = [buffer for norm in norms for buffer in norm.buffers()]
    before = [buffer.clone() for buffer in buffers]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in zip(buffers, before, strict=True):
                buffer.copy_(value)
