"""Sections of a recipe for networks that outline structures: the loss on masks, and the patches that they learn from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from laudo.core.messages import _
from laudo.core.recipe_prepare import Section

MaskNetworkName = Literal["unet2d", "unet3d", "planned_unet", "dynunet", "segresnet", "swinunetr"]
MaskLossName = Literal["cross_entropy", "dice", "cross_entropy+dice", "focal", "tversky", "generalised_dice"]
MASK_NETWORKS: tuple[MaskNetworkName, ...] = ("unet2d", "unet3d", "planned_unet", "dynunet", "segresnet", "swinunetr")
"""Values of ``network.backbone`` that outline structures."""
PICTURE_NETWORKS: frozenset[MaskNetworkName] = frozenset({"unet2d"})
"""Those that look at pictures; the others look at volumes."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class MaskLoss(Section):
    """What is made small where structures are outlined."""

    name: MaskLossName = "cross_entropy+dice"
    """`cross_entropy`, of every voxel; `dice`: 1 minus soft Dice; their sum; `focal`, `tversky`, `generalised_dice`."""
    weights: tuple[float, float] = (1.0, 1.0)
    """Factors of the two terms of `cross_entropy+dice`."""
    dice_over: Literal["batch", "sample"] = "batch"
    """Whether sums of Dice-like losses run over the whole batch, which keeps rare structures calm, or over each sample. With
    `training.micro_batch` a batch is seen in pieces, and the sums run over each piece: of one sample, both are the same."""
    background: bool = False
    """Whether Dice-like losses count the background as a structure."""
    class_weights: tuple[Annotated[float, Field(ge=0.0)], ...] | None = None
    """Weight of each output (background first, where there is one); none: equal."""
    smooth: float = Field(1e-5, gt=0.0)
    """Added above and below the fraction line of Dice-like losses."""
    squared: bool = False
    """Squares below the fraction line of Dice (Milletari et al. 2016)."""
    alpha: Share = 0.3
    """`tversky`: weight of voxels outlined by mistake."""
    beta: Share = 0.7
    """`tversky`: weight of voxels that were missed."""
    gamma: float = Field(2.0, ge=0.0)
    """`focal`: how much less a voxel counts that is right already."""

    @model_validator(mode="after")
    def _used(self) -> MaskLoss:
        fields = type(self).model_fields
        overlaps = ("dice", "cross_entropy+dice", "tversky", "generalised_dice")
        homes: dict[str, tuple[str, ...]] = {
            **dict.fromkeys(("dice_over", "background", "smooth"), overlaps),
            "weights": ("cross_entropy+dice",),
            "squared": ("dice", "cross_entropy+dice"),
            "alpha": ("tversky",),
            "beta": ("tversky",),
            "gamma": ("focal",),
        }
        odd = [
            key for key, names in homes.items() if getattr(self, key) != fields[key].default and self.name not in names
        ]
        if odd:
            text = _("training.mask_loss.{key} belongs to {names}, not to {name}")
            raise ValueError(text.format(key=odd[0], names=" / ".join(homes[odd[0]]), name=self.name))
        if min(self.weights) < 0 or sum(self.weights) == 0:
            raise ValueError(_("training.mask_loss.weights are not two numbers from 0 on, one of them above 0"))
        return self


class Patch(Section):
    """What a network that outlines structures is given at a time."""

    size_voxels: tuple[Annotated[int, Field(ge=4, le=1024)], ...] | None = None
    """Shape of the patches, right–left, front–back, head–foot; none: whole pictures."""
    foreground: Share = 0.33
    """Share of the patches that are drawn around a marked voxel, each structure equally often; the others lie anywhere."""
    steps: int = Field(100, ge=1)
    """Steps an epoch, where patches are drawn; whole pictures have as many as there are batches."""

    @model_validator(mode="after")
    def _has_three_sides(self) -> Patch:
        if self.size_voxels is not None and len(self.size_voxels) != 3:
            raise ValueError(_("training.patch.size_voxels is not three numbers"))
        return self
