"""Every network that outlines structures, in one place. A new one is a file beside this and a line here."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from laudo.core.errors import RecipeError, UnknownNameError
from laudo.core.messages import _
from laudo.core.recipe import Network
from laudo.networks import unet2d, unet3d
from laudo.networks.head import ClassifierHead
from laudo.networks.mask_network import MaskNetwork
from laudo.networks.planned_unet import PlannedUNet
from laudo.networks.recompute import recompute
from laudo.networks.segmenter import Segmenter
from laudo.networks.unet_plan import UNetPlan, plan_unet


@dataclass(frozen=True)
class Wanted:
    """What a network is built for.

    Attributes:
        channels: of the images.
        outputs: maps of logits.
        patch: voxels along each axis of what it is trained on.
        filters: channels of the levels as the recipe has them; empty: the network's own.
        deep: whether coarser levels have maps of their own.
        spacing_mm: of the patch; None: the same along all axes.
    """

    channels: int
    outputs: int
    patch: tuple[int, ...]
    filters: tuple[int, ...]
    deep: bool
    spacing_mm: tuple[float, ...] | None = None

    @property
    def axes(self) -> int:
        """Axes of the patch."""
        return len(self.patch)

    def plan(self, fewest_levels: int = 2) -> UNetPlan:
        """Levels of a network that is planned from the patch."""
        return plan_unet(self.patch, self.filters, self.spacing_mm, fewest_levels)


@dataclass(frozen=True)
class Entry:
    """A line of the table.

    Attributes:
        build: makes the network with random weights.
        axes: numbers of axes that it can have.
        deep: whether it can have deep supervision.
        one_width: of what ``network.filters``, which is then one number, must be a multiple; 0: a number a level.
    """

    build: Callable[[Wanted], MaskNetwork]
    axes: tuple[int, ...]
    deep: bool = True
    one_width: int = 0


def _dynunet(wanted: Wanted) -> MaskNetwork:
    from laudo.networks.monai_networks import MonaiDynUNet  # MONAI takes seconds to import: only who uses it waits

    return MonaiDynUNet(wanted.channels, wanted.outputs, wanted.plan(fewest_levels=3), wanted.deep)


def _segresnet(wanted: Wanted) -> MaskNetwork:
    from laudo.networks.monai_networks import MonaiSegResNet

    return MonaiSegResNet(wanted.axes, wanted.channels, wanted.outputs, *wanted.filters)


def _swinunetr(wanted: Wanted) -> MaskNetwork:
    from laudo.networks.monai_networks import MonaiSwinUNETR

    return MonaiSwinUNETR(wanted.axes, wanted.channels, wanted.outputs, *wanted.filters)


SEGMENTERS: dict[str, Entry] = {
    "unet2d": Entry(lambda w: unet2d.UNet2D(w.channels, w.outputs, w.filters or unet2d.FILTERS, w.deep), (2,)),
    "unet3d": Entry(lambda w: unet3d.UNet3D(w.channels, w.outputs, w.filters or unet3d.FILTERS, w.deep), (3,)),
    "planned_unet": Entry(lambda w: PlannedUNet(w.channels, w.outputs, w.plan(), w.deep), (2, 3)),
    "dynunet": Entry(_dynunet, (2, 3)),
    "segresnet": Entry(_segresnet, (2, 3), deep=False, one_width=8),
    "swinunetr": Entry(_swinunetr, (2, 3), deep=False, one_width=12),
}
"""By the name in the recipe."""


def is_segmenter(name: str) -> bool:
    """Whether a network of this name outlines structures."""
    return name in SEGMENTERS


def build_segmenter(
    network: Network,
    channels: int,
    outputs: int,
    labels: int,
    patch: Sequence[int],
    spacing_mm: Sequence[float] | None = None,
) -> Segmenter:
    """The recipe's segmenter with random weights.

    Args:
        network: the recipe's section.
        channels: of the images.
        outputs: maps of logits, background included where structures do not overlap.
        labels: classes, for ``label_head``.
        patch: pixels or voxels along each axis of what it is trained on; networks that are planned get their depth from it.
        spacing_mm: of the patch, where it is not the same along all axes: planned networks halve coarse axes later.

    Raises:
        UnknownNameError: no such network.
        RecipeError: settings that this network does not have, or a patch that is too small for it.
    """
    entry = _entry(network.backbone)
    spacing = None if spacing_mm is None else tuple(spacing_mm)
    wanted = Wanted(channels, outputs, tuple(patch), tuple(network.filters), network.deep_supervision, spacing)
    _check(network, entry, wanted)
    built = entry.build(wanted)
    if network.gradient_checkpointing:
        recompute(built.levels())
    head = ClassifierHead(built.deepest_channels, labels, network.head) if network.label_head else None
    return Segmenter(built, head)


def network_arguments(
    network: Network, channels: int, outputs: int, patch: Sequence[int]
) -> tuple[str, dict[str, object]] | None:
    """Name and arguments of MONAI's own class for a network that is MONAI's; None for the others. For use, not for training.

    Args:
        network: the recipe's section.
        channels: of the images.
        outputs: maps of logits.
        patch: pixels or voxels along each axis of what it was trained on.
    """
    wanted = Wanted(channels, outputs, tuple(patch), tuple(network.filters), False)
    common: dict[str, object] = {"spatial_dims": wanted.axes, "in_channels": channels, "out_channels": outputs}
    if network.backbone == "dynunet":
        plan = wanted.plan(fewest_levels=3)
        levels: dict[str, object] = {
            "kernel_size": [list(one) for one in plan.kernels],
            "strides": [list(one) for one in plan.strides],
            "upsample_kernel_size": [list(one) for one in plan.strides[1:]],
            "filters": list(plan.filters),
            "norm_name": ["INSTANCE", {"affine": True}],
        }
        return "DynUNet", common | levels
    if network.backbone == "segresnet":
        return "SegResNet", common | {"init_filters": network.filters[0] if network.filters else 16}
    if network.backbone == "swinunetr":
        return "SwinUNETR", common | {"feature_size": network.filters[0] if network.filters else 24}
    return None


def _entry(name: str) -> Entry:
    if name in SEGMENTERS:
        return SEGMENTERS[name]
    near = difflib.get_close_matches(name, SEGMENTERS, n=1, cutoff=0.5)
    raise UnknownNameError(
        _("There is no network of this name that outlines structures."),
        found=name,
        expected=_("one of {names}").format(names=", ".join(SEGMENTERS)),
        cure=f"--set network.backbone={near[0]}" if near else None,
    )


def _check(network: Network, entry: Entry, wanted: Wanted) -> None:
    """Refuse what the network can not do."""
    if wanted.axes not in entry.axes:
        others = [name for name, other in SEGMENTERS.items() if wanted.axes in other.axes]
        raise RecipeError(
            _("This network is not for images of so many axes."),
            found=_("network.backbone={name}, {n} axes").format(name=network.backbone, n=wanted.axes),
            expected=_("one of {names}").format(names=", ".join(others)),
            cure=f"--set network.backbone={others[0]}" if others else None,
        )
    if wanted.deep and not entry.deep:
        raise RecipeError(
            _("This network has no deep supervision."),
            found=f"network.backbone={network.backbone}, network.deep_supervision=true",
            expected=_("one of {names}").format(names=", ".join(name for name, e in SEGMENTERS.items() if e.deep)),
            cure="--set network.deep_supervision=false",
        )
    if wanted.filters:
        _check_filters(network.backbone, entry, wanted.filters)
    if network.label_head and network.head.normalise:
        raise RecipeError(
            _("A head on a network that outlines structures has nothing to standardise its features by."),
            found="network.head.normalise=true",
            cure="--set network.head.normalise=false",
        )


def _check_filters(name: str, entry: Entry, filters: tuple[int, ...]) -> None:
    if entry.one_width:
        right = len(filters) == 1 and filters[0] % entry.one_width == 0
        expected = _("one number, a multiple of {n}; further levels follow from it").format(n=entry.one_width)
    else:
        right = len(filters) > 1
        expected = _("at least two numbers, one a level, finest first")
    if name == "dynunet":
        right, expected = len(filters) > 2, _("at least three numbers, one a level, finest first")
    if not right:
        raise RecipeError(
            _("network.filters does not fit this network."),
            found=f"network.backbone={name}, network.filters={list(filters)}",
            expected=expected,
            cure="--set network.filters=[]",
        )
