"""The samples of a recipe, audited and grouped, and where they will be computed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import torch

from laudo.audit.audit import Audit
from laudo.core.manifest import Manifest
from laudo.core.recipe import Prepare
from laudo.networks.precision import Precision


@dataclass(frozen=True)
class Samples(ABC):
    """What every kind of data set has.

    Attributes:
        audit: what is known of the data; ``audit.manifest`` has its groups, not yet its parts.
        prepare: how the images are prepared, fitted values included.
        device: where networks run.
        precision: of images in networks.
    """

    audit: Audit
    prepare: Prepare
    device: torch.device
    precision: Precision

    @property
    def manifest(self) -> Manifest:
        """The usable samples."""
        return self.audit.manifest

    @abstractmethod
    def fitted_on(self, manifest: Manifest) -> Self:
        """The data set prepared with what its training part says; itself, when nothing is to be fitted.

        Args:
            manifest: this data set's, with parts.
        """
