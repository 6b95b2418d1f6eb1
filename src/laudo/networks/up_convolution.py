"""Transposed convolution: from a coarse grid to a finer one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class UpConvolution(nn.Module):
    """A transposed convolution whose output is exactly ``stride`` times as large, cut off at the far end as Keras does.

    The bias is added afterwards: within torch's transposed convolution its gradient takes several times as long on a processor as
    those of kernel and input together.

    Args:
        channels: of the coarse grid.
        filters: of the finer one.
        kernel: size along each axis, at least the stride's.
        stride: along each axis.
        bias: whether there is an offset.
    """

    bias: nn.Parameter | None

    def __init__(
        self, channels: int, filters: int, kernel: Sequence[int], stride: Sequence[int], bias: bool = True
    ) -> None:
        super().__init__()
        layer = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}[len(kernel)]
        self.stride = tuple(stride)
        self.convolution = layer(channels, filters, tuple(kernel), self.stride, bias=False)  # type: ignore[arg-type]
        self.register_parameter("bias", nn.Parameter(torch.zeros(filters)) if bias else None)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, *S) to (B, filters, *(S × stride))."""
        y: Tensor = self.convolution(x)
        size = [n * step for n, step in zip(x.shape[2:], self.stride, strict=True)]
        for axis, n in enumerate(size, start=2):
            if y.shape[axis] > n:
                y = y.narrow(axis, 0, n)
        if self.bias is None:
            return y
        return y.add_(self.bias.to(y.dtype).view(1, -1, *(1 for _ in size)))
