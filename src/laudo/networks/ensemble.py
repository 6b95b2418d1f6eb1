"""Several networks that answer together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from laudo.networks.classifier import Classifier, class_probabilities

SMALLEST = 1e-12
"""Probabilities are held above it: the logarithm of 0 has no end."""


class Ensemble(nn.Module):
    """The mean of the members' probabilities, in the form of a single network's logits.

    Args:
        members: networks of one form, each with the same classes.

    Raises:
        ValueError: there is no member.
    """

    def __init__(self, members: Sequence[Classifier]) -> None:
        super().__init__()
        if not members:
            raise ValueError("an ensemble has at least one member")
        self.members = nn.ModuleList(members)

    @property
    def networks(self) -> list[Classifier]:
        """The members."""
        return [member for member in self.members if isinstance(member, Classifier)]

    @property
    def multilabel(self) -> bool:
        """Whether every class is a label of its own."""
        return self.networks[0].multilabel

    def forward(self, pixels: Tensor, descriptors: Tensor | None = None) -> Tensor:
        """(B, 1) or (B, K) logits of (B, C, H, W) pixels, whose probabilities are the mean of the members'."""
        return self.together([member(pixels, descriptors) for member in self.members])

    def together(self, logits: Sequence[Tensor]) -> Tensor:
        """(B, 1) or (B, K) logits of the members' answers, whose probabilities are the mean of the members'."""
        if self.multilabel:
            yes = torch.stack([class_probabilities(one, multilabel=True) for one in logits]).mean(dim=0)
            return torch.log(yes.clamp(min=SMALLEST)) - torch.log((1 - yes).clamp(min=SMALLEST))
        mean = torch.stack([class_probabilities(one) for one in logits]).mean(dim=0).clamp(min=SMALLEST)
        if logits[0].shape[1] == 1:
            return torch.log(mean[:, 1:]) - torch.log(mean[:, :1])
        return torch.log(mean)
