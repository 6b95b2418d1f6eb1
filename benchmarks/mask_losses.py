"""Loss and gradient of a batch of logits for volumes: laudo against MONAI's losses, as written and with the same answer.

Logits of 2 × 3 × 96 × 96 × 96 with their targets as bytes, forward and backward, in single precision. Both take turns in one
process; the median of the turns' ratios counts. MONAI's focal loss divides by the outputs too, and its generalised Dice has another
smooth term: the former is multiplied, the latter given a term that means the same.

The checks: loss and gradients are within 2e-4 of the peer's, relative to the largest gradient.

Exit status: 1 when a check fails or the median ratio of cross-entropy + Dice is below 1.5.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import torch
from monai.losses import DiceCELoss, DiceLoss, FocalLoss, GeneralizedDiceLoss, TverskyLoss
from torch import Tensor

from laudo.core.recipe import MaskLoss
from laudo.train.mask_losses import mask_loss

SHAPE = (2, 3, 96, 96, 96)
MOST_APART = 2e-4
LEAST_RATIO = 1.5

Loss = Callable[[Tensor], Tensor]


def pairs(targets: Tensor) -> dict[str, tuple[Loss, Loss]]:
    """Ours and the peer's, by name."""
    same = {"include_background": False, "softmax": True, "to_onehot_y": True, "batch": True}
    smooth = 1e-5 / float(torch.bincount(targets.flatten())[1:].min()) ** 2
    theirs = {
        "cross_entropy+dice": DiceCELoss(**same),
        "dice": DiceLoss(**same),
        "tversky": TverskyLoss(alpha=0.3, beta=0.7, **same),
        "generalised_dice": GeneralizedDiceLoss(smooth_nr=smooth, smooth_dr=smooth, **same),
        "focal": FocalLoss(use_softmax=True, to_onehot_y=True),
    }

    def peer(name: str) -> Loss:
        factor = SHAPE[1] if name == "focal" else 1
        return lambda x: theirs[name](x, targets[:, None]) * factor

    def ours(name: str) -> Loss:
        asked = MaskLoss.model_validate({"name": name})
        return lambda x: mask_loss(x, targets, asked, overlapping=False)

    return {name: (ours(name), peer(name)) for name in theirs}


def turn(loss: Loss, logits: Tensor) -> tuple[float, Tensor, Tensor]:
    """Seconds, loss and gradient."""
    x = logits.detach().requires_grad_()
    began = time.perf_counter()
    value = loss(x)
    value.backward()
    seconds = time.perf_counter() - began
    assert x.grad is not None
    return seconds, value.detach(), x.grad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(SHAPE, generator=generator) * 3
    targets = torch.randint(0, SHAPE[1], (SHAPE[0], *SHAPE[2:]), generator=generator).to(torch.uint8)
    failed = False
    print(f"{SHAPE}, {asked.threads} threads, {asked.turns} turns")
    for name, (ours, peer) in pairs(targets).items():
        rows = []
        for _ in range(asked.turns):
            (mine, loss, slope), (other, wanted, wanted_slope) = turn(ours, logits), turn(peer, logits)
            rows.append((mine, other))
            apart = max(
                float((loss - wanted).abs() / wanted.abs()),
                float((slope - wanted_slope).abs().max() / wanted_slope.abs().max()),
            )
            failed |= apart > MOST_APART
        ratio = statistics.median(other / mine for mine, other in rows)
        failed |= name == "cross_entropy+dice" and ratio < LEAST_RATIO
        seconds = [statistics.median(column) * 1000 for column in zip(*rows, strict=True)]
        print(
            f"{name:20s} ours {seconds[0]:6.1f} ms   MONAI {seconds[1]:6.1f} ms   ratio {ratio:5.2f}   apart {apart:.1e}"
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
