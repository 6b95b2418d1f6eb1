"""How a metric is called in the report, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MetricName:
    """A metric's name and the help beside it."""

    name: str
    help: str
