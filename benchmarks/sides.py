"""What benchmarks against a peer share: a side in a process of its own, and how far two curves of losses are apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass
class Curves:
    """How far laudo's losses are from a peer's.

    Attributes:
        difference: largest difference of a step's loss, as a share of the mean of the peer's curve, by laudo's precision.
        first: that of the first step.
        ends: (first, last) loss of the peer's curve.
        failures: sentences; empty when everything holds.
    """

    difference: dict[str, float] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
    ends: tuple[float, float] = (0.0, 0.0)
    failures: list[str] = field(default_factory=list)

    def compare(
        self,
        ours: dict[str, Any],
        peer: dict[str, Any],
        peer_name: str,
        tolerances: dict[str, float],
        first_tolerances: dict[str, float],
    ) -> None:
        """Note how far a curve is from the peer's, and a failure when it is too far or a number of parameters differs."""
        precision = ours["precision"]
        for fact in (name for name in ("parameters", "trainable_parameters") if name in ours):
            if ours[fact] != peer[fact]:
                self.failures.append(f"{fact}: {ours[fact]} in laudo, {peer[fact]} in {peer_name}")
        if len(ours["losses"]) != len(peer["losses"]):
            self.failures.append(f"{len(ours['losses'])} steps in laudo, {len(peer['losses'])} in {peer_name}")
            return
        mine, theirs = np.array(ours["losses"]), np.array(peer["losses"])
        apart = np.abs(mine - theirs) / theirs.mean()
        self.difference[precision], self.first[precision] = float(apart.max()), float(apart[0])
        self.ends = float(theirs[0]), float(theirs[-1])
        for what, value, allowed in (
            ("the loss of a step", apart.max(), tolerances[precision]),
            ("the first loss", apart[0], first_tolerances[precision]),
        ):
            if not value <= allowed:
                self.failures.append(f"{what} differs by {value:.1e} of the mean in {precision}")


def answer_of(command: list[str], out: Path) -> dict[str, Any]:
    """Run one side on two cores and read the JSON that it wrote to ``out``; its failure ends the benchmark."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, stdout=sys.stderr, env=environment, preexec_fn=_two_cores, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with status {done.returncode}")
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def _two_cores() -> None:
    """Where the machine has more, each process gets two of them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
