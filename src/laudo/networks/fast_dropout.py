"""Dropout on large feature maps without waiting for the random numbers."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FastDropout(nn.Dropout):
    """Dropout (Srivastava et al. 2014) that takes 16 random bits a number on a processor, four numbers a draw.

    torch draws one Bernoulli number after another, which took an eighth of the training of the CNN of system S2. The probability
    is that asked for to within 2⁻¹⁷. On a GPU it is torch's own.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Of any shape, the same; in training each number is set to zero with probability p, the others are divided by 1 − p."""
        dense = x.is_contiguous() or (x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last))
        if not self.training or not 0 < self.p < 1 or x.device.type != "cpu" or not dense:
            return F.dropout(x, self.p, self.training)
        bits = torch.randint(-(2**63), 2**63 - 1, (-(-x.numel() // 4),)).view(torch.int16)
        kept = bits.as_strided(x.shape, x.stride()) >= round(self.p * 2**16) - 2**15
        return x * kept.to(x.dtype).mul_(1 / (1 - self.p))
