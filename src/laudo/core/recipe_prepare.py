"""The section of a recipe that says how images become what networks eat, and what every section is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from laudo.core.messages import _


class Section(BaseModel):
    """A part of a recipe: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


Limits = tuple[float, float]
"""Black and white: a low and a high value."""
Plane = Literal["image", "mask", "whole"]
Intensity = Literal["none", "percentile", "zscore", "window", "range", "fitted"]


class PrepareVolume(Section):
    """From a volume to what a three-dimensional network eats; its axes run to the patient's right, front and head (RAS+)."""

    spacing_mm: tuple[float, float, float] | Literal["median"] | None = None
    """Distance of neighbouring voxels after resampling; `median`: of the training part, axis by axis; none: as it is."""
    resample: Literal["linear", "cubic"] = "linear"
    """Interpolation of images."""
    resample_mask: Literal["nearest", "linear"] = "nearest"
    """Interpolation of masks; `linear` interpolates each label on its own and takes the largest."""
    crop: Literal["none", "brain", "lesion"] = "none"
    """`brain` cuts the background away, `lesion` keeps the box around the mask."""
    margin_mm: float = Field(0.0, ge=0.0)
    """Kept around the box on every side."""
    without_mask: Literal["stop", "whole"] = "stop"
    """What `crop: lesion` does with a sample whose mask is missing or empty: refuse it, or keep it whole."""
    size_voxels: tuple[int, int, int] | None = None
    """Shape after resampling: smaller volumes are padded with background, larger ones cut, both around the middle."""
    intensity: Intensity = "zscore"
    """Grey levels of each volume and channel, measured inside the brain: `zscore` to mean 0 and deviation 1; `percentile`,
    `window`, `range` and `fitted` from black 0 to white 1; `none` leaves them. Background becomes 0, but with `none`."""
    percentiles: Limits = (1.0, 99.0)
    """Percentiles that become black and white with `percentile` and `fitted`."""
    window: Limits | None = None
    """Centre and width with `window`, in the image's own units (Hounsfield units of CT)."""
    limits: tuple[Limits, ...] | None = None
    """Black and white with `range`, one pair for all channels or one each; `fitted` finds them on the training part."""
    dtype: Literal["float32", "float16"] = "float32"
    """How values are kept; `float16` halves the cache and rounds each value by at most 1/2048 of itself (6e-8 near 0)."""

    @model_validator(mode="after")
    def _agree_with_itself(self) -> PrepareVolume:
        _check_intensity(self.intensity, self.percentiles, self.window, self.limits)
        if isinstance(self.spacing_mm, tuple) and min(self.spacing_mm) <= 0:
            raise ValueError(_("a spacing is not above 0"))
        if self.size_voxels is not None and not all(1 <= side <= 2048 for side in self.size_voxels):
            raise ValueError(_("size_voxels is not between 1 and 2048"))
        if self.dtype == "float16" and self.intensity == "none":
            raise ValueError(_("float16 holds values up to 65504 only: choose an intensity, or float32"))
        return self


def _check_intensity(
    intensity: Intensity, percentiles: Limits, window: Limits | None, limits: Sequence[Limits] | None
) -> None:
    """Raise ValueError when the settings of grey levels contradict each other."""
    if not 0 <= percentiles[0] < percentiles[1] <= 100:
        raise ValueError(_("percentiles are not two rising numbers between 0 and 100"))
    if (window is not None) != (intensity == "window"):
        raise ValueError(_("window (centre and width) goes with intensity: window, and only with it"))
    if window is not None and window[1] <= 0:
        raise ValueError(_("the width of window is not above 0"))
    if intensity == "range" and limits is None:
        raise ValueError(_("intensity: range needs limits"))
    if limits is not None and intensity not in {"range", "fitted"}:
        raise ValueError(_("limits go with intensity: range or fitted, and only with them"))
    if limits is not None and any(low >= high for low, high in limits):
        raise ValueError(_("limits are not two rising numbers"))


class Prepare(Section):
    """From a decoded image to what the network eats."""

    height: int = Field(256, ge=16, le=4096)
    """Height in pixels."""
    width: int = Field(256, ge=16, le=4096)
    """Width in pixels."""
    fit: Literal["stretch", "pad"] = "stretch"
    """How an image of another shape fits: stretched, or scaled with its aspect kept and padded with black."""
    crop: Literal["none", "content", "lesion"] = "none"
    """`content` cuts the black border away before resizing, `lesion` keeps the box around the mask."""
    margin: float = Field(0.1, ge=0.0, le=10.0)
    """Kept around the lesion on every side, as a share of its box's side."""
    without_mask: Literal["stop", "whole"] = "stop"
    """What becomes of an image whose mask is needed and missing or empty: refuse it, or take all of it for the lesion."""
    mask: Literal["keep", "erase"] = "keep"
    """`erase` paints everything outside the mask black, before the image is cropped."""
    planes: tuple[Plane, ...] = ()
    """What the network sees instead of the image's colours, one or three grey planes: `image` (cropped as `crop` says), `mask`
    (cropped in the same way), `whole` (not cropped). Colours are lost: pretrained networks take three channels at most."""
    intensity: Intensity = "none"
    """Grey levels of each image: `percentile` from its 1st to its 99th percentile, `zscore` from 3 standard deviations below its
    mean to 3 above, `window` and `range` between values that are given, `fitted` between values found on the training part;
    `none` leaves 8-bit images and stretches others over their own range."""
    percentiles: Limits = (1.0, 99.0)
    """Percentiles that become black and white with `percentile` and `fitted`."""
    window: Limits | None = None
    """Centre and width with `window`, in the image's own units (Hounsfield units of CT)."""
    limits: Limits | None = None
    """Black and white with `range`, in the image's own units; `fitted` finds them on the training part."""
    colour: Literal["grey", "rgb"] = "rgb"
    """Channels that are kept; grey images are repeated for networks that want three."""
    volume: PrepareVolume | None = None
    """For volumes; the other keys of this section are for pictures and are then left out."""

    @model_validator(mode="after")
    def _agree_with_itself(self) -> Prepare:
        _check_intensity(self.intensity, self.percentiles, self.window, None if self.limits is None else [self.limits])
        if len(self.planes) not in (0, 1, 3):
            raise ValueError(_("planes are one or three, since networks take grey or colour images"))
        if self.volume is not None:
            fields = type(self).model_fields
            odd = [name for name in fields if name != "volume" and getattr(self, name) != fields[name].default]
            if odd:
                text = _("prepare.volume is for volumes, these keys of prepare are for pictures: {names}")
                raise ValueError(text.format(names=", ".join(odd)))
        return self

    @property
    def needs_fitting(self) -> bool:
        """Whether some of its values are still to be found on the training part."""
        if self.volume is not None:
            limitless = self.volume.intensity == "fitted" and self.volume.limits is None
            return limitless or self.volume.spacing_mm == "median"
        return self.intensity == "fitted" and self.limits is None

    @property
    def image_plane(self) -> int | None:
        """Which plane stands for all: the image, else the whole one, else the mask; None when the network sees colours."""
        order: tuple[Plane, ...] = ("image", "whole", "mask")
        return next((self.planes.index(name) for name in order if name in self.planes), None)

    @property
    def needs_mask(self) -> bool:
        """Whether the mask decides what the image becomes."""
        of_pictures = self.crop == "lesion" or self.mask == "erase" or "mask" in self.planes
        return of_pictures or (self.volume is not None and self.volume.crop == "lesion")
