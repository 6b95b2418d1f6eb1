"""One thing that `laudo doctor` has looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["ok", "warning", "problem"]
ORDER: tuple[Status, ...] = ("ok", "warning", "problem")


@dataclass(frozen=True)
class Check:
    """What was found.

    Attributes:
        name: short, of what was looked at; a key, never translated.
        title: the same for a person.
        status: `problem`: something that laudo needs is not there; `warning`: it works, but something will be slow, or will fail
            when it is asked for.
        found: in a few words.
        cure: what to do; empty when nothing is to be done.
        facts: the same in numbers.
    """

    name: str
    title: str
    status: Status
    found: str
    cure: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {"name": self.name, "status": self.status, "found": self.found, "cure": self.cure, **self.facts}


def worst(checks: list[Check]) -> Status:
    """The worst status of all."""
    return max((check.status for check in checks), key=ORDER.index, default="ok")
