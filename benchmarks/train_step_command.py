"""Command line of each side of train_step.py. Of the standard library alone: every side has an environment of its own."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def side_command(train: Callable[..., dict[str, Any]], description: str | None, more: Sequence[str] = ()) -> None:
    """Train as the command line says and write what came of it.

    Args:
        train: takes the task's folder, epochs, learning rate, whether to drop out, and what ``more`` names.
        description: of the side.
        more: further options with a value, of this side alone.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--dropout", action="store_true")
    for name in more:
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    asked = {name: getattr(options, name) for name in more}
    found = train(options.task, options.epochs, options.learning_rate, options.dropout, **asked)
    options.out.write_text(json.dumps(found), encoding="utf-8")
