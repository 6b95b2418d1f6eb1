"""Dropout on large feature maps without waiting for the random numbers."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FastDropout(nn.Dropout):
    """Dropout (Srivastava et al. 2014) that takes 16 random bits a number on a processor, four numbers a draw.

    torch draws one Bernoulli number after another, which took an eighth of the training of the CNN of system S2. Here numpy's
    fastest generator draws, begun anew each time by torch's, so that the same seed drops the same numbers. The probability is that
    asked for to within 2⁻¹⁷. On a GPU it is torch's own.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Of any shape, the same; in training each number is set to zero with probability p, the others are divided by 1 − p."""
        dense = x.is_contiguous() or (x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last))
        if not self.training or not 0 < self.p < 1 or x.device.type != "cpu" or not dense:
            return F.dropout(x, self.p, self.training)
        kept = _random_bits(x.numel()).ge_(round(self.p * 2**16) - 2**15)  # in place, so 1 or 0 of 16 bits each
        if x.dtype == torch.bfloat16:  # of 16 bits too: to multiply its bits by 1 or 0 is to keep it or make it zero
            share = torch.tensor(1 / (1 - self.p), dtype=x.dtype).view(torch.int16)
            factors = kept.mul_(share).view(x.dtype)
        else:
            factors = kept.to(x.dtype).mul_(1 / (1 - self.p))
        return x * factors.as_strided(x.shape, x.stride())


def _random_bits(n: int) -> Tensor:
    """(n,) int16, all values equally likely."""
    seed = torch.randint(2**32, (4,)).tolist()
    draws = np.random.Generator(np.random.SFC64(seed)).integers(
        np.iinfo(np.int64).min, np.iinfo(np.int64).max, -(-n // 4), endpoint=True
    )
    return torch.from_numpy(draws).view(torch.int16)[:n]
