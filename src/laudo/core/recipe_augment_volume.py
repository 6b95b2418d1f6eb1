"""The section of a recipe that says how volumes are changed at random."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from laudo.core.messages import _
from laudo.core.recipe_network import Probability
from laudo.core.recipe_prepare import Section

Degrees = Annotated[float, Field(ge=0.0, le=180.0)]
Positive = Annotated[float, Field(gt=0.0, le=16.0)]
Range = tuple[Positive, Positive]


class AugmentVolume(Section):
    """Random changes of the training part's patches, drawn from the recipe's seed. Defaults are those of nnU-Net (Isensee et al.
    2021); a probability of 0 leaves a change out. Ranges that hold 1 are drawn from below and above 1 equally often.
    """

    mirror: tuple[Probability, Probability, Probability] = (0.5, 0.5, 0.5)
    """Probability of mirroring right and left, front and back, head and foot."""
    rotation: Probability = 0.2
    """Probability of turning."""
    rotation_degrees: tuple[Degrees, Degrees, Degrees] = (30.0, 30.0, 30.0)
    """Largest rotation about each axis (right–left, front–back, head–foot), both ways."""
    scale: Probability = 0.2
    """Probability of another size."""
    scale_factors: Range = (0.7, 1.4)
    """Smallest and largest size; 1: unchanged."""
    move_mask: Literal["linear", "nearest"] = "linear"
    """Interpolation of masks that are turned or scaled; `linear` interpolates each structure on its own and takes the largest."""
    noise: Probability = 0.1
    """Probability of Gaussian noise."""
    noise_deviation: float = Field(0.1, ge=0.0)
    """Its largest standard deviation, in prepared grey levels."""
    blur: Probability = 0.2
    """Probability of a Gaussian blur; each channel then has it with probability one half."""
    blur_voxels: Range = (0.5, 1.0)
    """Its smallest and largest standard deviation in voxels."""
    brightness: Probability = 0.15
    """Probability that grey levels are multiplied, each channel's by a factor of its own."""
    brightness_factors: Range = (0.75, 1.25)
    """Smallest and largest factor."""
    contrast: Probability = 0.15
    """Probability of another contrast about the channel's mean; its range stays."""
    contrast_factors: Range = (0.75, 1.25)
    """Smallest and largest factor."""
    low_resolution: Probability = 0.25
    """Probability that fewer voxels are taken and the others made of these; each channel then has it with probability one half."""
    low_resolution_factors: Range = (0.5, 1.0)
    """Smallest and largest share of the voxels that are taken along each axis."""
    gamma: Probability = 0.3
    """Probability of a gamma curve within the channel's range; its mean and deviation stay."""
    gamma_inverted: Probability = 0.1
    """Probability of a gamma curve on the negative."""
    gamma_exponents: Range = (0.7, 1.5)
    """Smallest and largest exponent of both."""

    @model_validator(mode="after")
    def _ranges_rise(self) -> AugmentVolume:
        for name in type(self).model_fields:
            value = getattr(self, name)
            if name.endswith(("_factors", "_exponents", "_voxels")) and value[0] > value[1]:
                text = _("augment.volume.{name}: the first number is above the second")
                raise ValueError(text.format(name=name))
        if self.low_resolution_factors[1] > 1:
            raise ValueError(_("augment.volume.low_resolution_factors: a share is at most 1"))
        return self
