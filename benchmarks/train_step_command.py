"""Command line of each side of train_step.py. Of the standard library alone: every side has an environment of its own."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def run_side(train: Callable[..., dict[str, Any]], description: str | None) -> None:
    """Train as the command line says and write what came of it.

    Args:
        train: takes the task's folder, epochs, learning rate, whether to drop out, and the precision.
        description: of the side.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--dropout", action="store_true")
    parser.add_argument("--precision", default=None, help="of laudo's side; the peers compute in fp32")
    options = parser.parse_args()
    more = {} if options.precision is None else {"precision": options.precision}
    found = train(options.task, options.epochs, options.learning_rate, options.dropout, **more)
    options.out.write_text(json.dumps(found), encoding="utf-8")
