"""Command line of each side of train_step_3d.py. Of the standard library alone: nnU-Net has an environment of its own."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

LEARNING_RATE, MOMENTUM, WEIGHT_DECAY, LONGEST_GRADIENT = 1e-2, 0.99, 3e-5, 12.0
"""nnU-Net's settings."""


def side_command(train: Callable[[Path, int, str], dict[str, Any]], description: str | None) -> None:
    """Train as the command line says and write what came of it.

    Args:
        train: takes the task's folder, the number of steps and the precision.
        description: of the side.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), required=True)
    options = parser.parse_args()
    options.out.write_text(json.dumps(train(options.task, options.steps, options.precision)), encoding="utf-8")
