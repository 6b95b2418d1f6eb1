"""What laudo found on this machine: what it needs, what would be slow, and what to do about it."""

from __future__ import annotations

from typing import Any, NamedTuple

import timm

import laudo
from laudo.core.recipe_file import shipped_recipes
from laudo.networks.table import BACKBONES, IMAGE_SIDES
from laudo.workflows.doctor_check import Check, Status, worst
from laudo.workflows.doctor_files import file_checks
from laudo.workflows.doctor_hardware import hardware_checks
from laudo.workflows.doctor_packages import package_checks


class Findings(NamedTuple):
    """Everything that was looked at.

    Attributes:
        checks: in the order in which they are shown.
        networks: that can be named in a recipe, and how many timm has.
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
    networks = f"{', '.join([*BACKBONES, *IMAGE_SIDES])}, timm: {len(timm.list_models())}"
    return Findings(checks, networks, tuple(shipped_recipes()))
