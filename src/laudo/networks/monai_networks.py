"""MONAI's networks for masks as :class:`MaskNetwork`: DynUNet, SegResNet, SwinUNETR."""

from __future__ import annotations

from typing import Any

from monai.networks.nets.dynunet import DynUNet
from monai.networks.nets.segresnet import SegResNet
from monai.networks.nets.swin_unetr import SwinUNETR
from torch import Tensor, nn

from laudo.networks.fast_norms import use_fast_norms
from laudo.networks.mask_network import MaskMaps, MaskNetwork
from laudo.networks.unet_plan import UNetPlan


class MonaiDynUNet(MaskNetwork):
    """DynUNet: nnU-Net's U-Net as MONAI writes it, planned from the patch.

    Args:
        channels: of the images.
        outputs: maps of logits.
        plan: at least three levels.
        deep_supervision: whether coarser levels of the way up have a map of logits each, in training.
    """

    def __init__(self, channels: int, outputs: int, plan: UNetPlan, deep_supervision: bool = False) -> None:
        super().__init__()
        self.axes = len(plan.multiple)
        self.multiple = plan.multiple
        self.deepest_channels = plan.filters[-1]
        self.model = DynUNet(
            self.axes,
            channels,
            outputs,
            kernel_size=plan.kernels,
            strides=plan.strides,
            upsample_kernel_size=plan.strides[1:],
            filters=plan.filters,
            norm_name=("INSTANCE", {"affine": True}),
            deep_supervision=deep_supervision,
            deep_supr_num=len(plan.filters) - 2,
        )
        del self.model.skip_layers  # holds every layer a second time, and coarser maps beyond the step
        use_fast_norms(self.model)

    def levels(self) -> list[nn.Module]:
        """Down, then up again."""
        model = self.model
        return [model.input_block, *model.downsamples, model.bottleneck, *model.upsamples]

    def forward(self, x: Tensor) -> MaskMaps:
        """Logits of (B, channels, *S); the coarser ones are left coarse."""
        model = self.model
        skips = []
        for level in (model.input_block, *model.downsamples):
            x = level(x)
            skips.append(x)
        deepest = x = model.bottleneck(x)
        decoded = []
        for level in model.upsamples:
            x = level(x, skips.pop())
            decoded.append(x)
        masks = [model.output_block(decoded.pop())]
        if self.training and model.deep_supervision:
            coarser = zip(model.deep_supervision_heads, reversed(decoded), strict=True)
            masks += [logits(features) for logits, features in coarser]
        return MaskMaps(tuple(masks), deepest)


class MonaiSegResNet(MaskNetwork):
    """SegResNet (Myronenko 2018) without its auto-encoder.

    Args:
        axes: 2 or 3.
        channels: of the images.
        outputs: maps of logits.
        filters: channels of the first level, a multiple of 8; each further one has twice as many.
    """

    def __init__(self, axes: int, channels: int, outputs: int, filters: int = 16) -> None:
        super().__init__()
        self.axes = axes
        self.model = SegResNet(axes, filters, channels, outputs)
        levels = len(self.model.down_layers)
        self.multiple = (2 ** (levels - 1),) * axes
        self.deepest_channels = filters * 2 ** (levels - 1)
        use_fast_norms(self.model)

    def levels(self) -> list[nn.Module]:
        """Down, then up again."""
        return [*self.model.down_layers, *self.model.up_layers]

    def forward(self, x: Tensor) -> MaskMaps:
        """Logits of (B, channels, *S)."""
        deepest, skips = self.model.encode(x)
        return MaskMaps((self.model.decode(deepest, skips[::-1]),), deepest)


class MonaiSwinUNETR(MaskNetwork):
    """SwinUNETR (Hatamizadeh et al. 2022).

    Args:
        axes: 2 or 3.
        channels: of the images.
        outputs: maps of logits.
        filters: size of the first features, a multiple of 12.
    """

    def __init__(self, axes: int, channels: int, outputs: int, filters: int = 24) -> None:
        super().__init__()
        self.axes = axes
        self.multiple = (32,) * axes
        self.deepest_channels = 16 * filters
        self.model = SwinUNETR(channels, outputs, feature_size=filters, spatial_dims=axes)
        use_fast_norms(self.model)

    def levels(self) -> list[nn.Module]:
        """Transformer blocks, then the convolutions beside and above them."""
        model = self.model
        swin = model.swinViT
        stages = [
            block
            for stage in (swin.layers1, swin.layers2, swin.layers3, swin.layers4)
            for layer in stage
            for block in layer.get_submodule("blocks").children()
        ]
        encoders = [model.encoder1, model.encoder2, model.encoder3, model.encoder4, model.encoder10]
        decoders = [model.decoder5, model.decoder4, model.decoder3, model.decoder2, model.decoder1]
        return [*stages, *encoders, *decoders]

    def forward(self, x: Tensor) -> MaskMaps:
        """Logits of (B, channels, *S)."""
        found: list[Tensor] = []

        def keep(_module: nn.Module, _inputs: Any, features: Tensor) -> None:
            found.append(features)

        handle = self.model.encoder10.register_forward_hook(keep)
        try:
            logits = self.model(x)
        finally:
            handle.remove()
        return MaskMaps((logits,), found[0])
