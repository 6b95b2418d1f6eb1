"""What a check of the data found, as plain data; its sentence is made when it is shown, in the reader's language."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Status = Literal["pass", "warn", "fail", "not_run"]


@dataclass(frozen=True)
class Finding:
    """Outcome of one check.

    Attributes:
        check: name of the check, a key of :data:`laudo.audit.sentences.TITLES`.
        status: pass, warn (a model may learn the wrong thing), fail (results would not be valid), not_run.
        count: how many images (or pairs, or clusters: the sentence says) it is about.
        samples: the images; a cluster of copies is one inner list.
        facts: numbers and words that the sentence needs.
    """

    check: str
    status: Status
    count: int = 0
    samples: tuple[tuple[str, ...], ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For audit.json."""
        return {**asdict(self), "samples": [list(cluster) for cluster in self.samples]}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Finding:
        """From audit.json."""
        return cls(**{**value, "samples": tuple(tuple(cluster) for cluster in value["samples"])})
