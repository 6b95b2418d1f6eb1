"""What laudo found on this machine: what it needs, what would be slow, and what to do about it."""

from __future__ import annotations

from typing import Any, NamedTuple

import laudo
from laudo.core.messages import _
from laudo.core.recipe_file import shipped_recipes
from laudo.workflows.doctor_check import Check, Status, worst
from laudo.workflows.doctor_files import file_checks
from laudo.workflows.doctor_hardware import hardware_checks
from laudo.workflows.doctor_packages import package_checks

NETWORKS: tuple[str, ...] = (
    *("squeezenet1_1", "small_cnn", "tumour_cnn", "clip", "open_clip"),
    *("unet2d", "unet3d", "planned_unet", "dynunet", "segresnet", "swinunetr"),
)
"""Names that recipes may have beside timm's. A test holds them to the tables, which take long to import."""


class Findings(NamedTuple):
    """Everything that was looked at.

    Attributes:
        checks: in the order in which they are shown.
        networks: that can be named in a recipe.
        recipes: that come with laudo.
    """

    checks: list[Check]
    networks: str
    recipes: tuple[str, ...]

    @property
    def status(self) -> Status:
        """The worst of all checks."""
        return worst(self.checks)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "laudo": laudo.__version__,
            "status": self.status,
            "checks": [check.as_dict() for check in self.checks],
            "networks": self.networks,
            "recipes": list(self.recipes),
        }


def examine_machine() -> Findings:
    """Look at packages, device, precision, memory, disk, data and weights; nothing is downloaded or written."""
    checks = [*package_checks(), *hardware_checks(), *file_checks()]
    networks = _("{names}, and any of timm").format(names=", ".join(NETWORKS))
    return Findings(checks, networks, tuple(shipped_recipes()))
