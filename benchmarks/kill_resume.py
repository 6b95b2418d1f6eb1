"""``kill -9`` at many moments of a training: each run goes on to the same weights as one that was never stopped.

Two tiny trainings on synthetic images, with shuffling, dropout and random changes of the images: a classifier, and a network that
outlines structures. Each is trained once whole, which also measures how long it takes. Then, once for each moment, it begins anew
in an empty folder and with an empty cache, is killed, and is resumed to its end:

* moments drawn (seeded) over the whole of the measured time, from the first file that is read to the last figure;
* the n-th time that a temporary file of a checkpoint stands in the run's folder: the write itself is cut;
* the first time that a temporary folder stands in the cache: the preparation is cut.

What is compared, byte by byte: weights, log without times, predictions, predicted masks, metrics. The processor computes, on one
thread, so that sums are added up in one order.

    python benchmarks/kill_resume.py [--moments 30] [--only classifier] [--first 1] [--last 30] [--seed 0] [--json]

Exit status: 1 when a resumed run differs or can not be resumed, or when more than a tenth of the kills came too late.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

CLASSIFIER: dict[str, Any] = {
    "name": "kill-classifier",
    "data": {"source": "kaggle-brain"},
    "split": {"test": 0.25, "validation": 0.2},
    "prepare": {"height": 32, "width": 32, "colour": "grey"},
    "augment": {"horizontal_flip": 0.5, "rotation_degrees": 15, "brightness": 0.1, "noise": 0.05},
    "network": {
        "backbone": "small_cnn",
        "weights": "none",
        "trainable": 1.0,
        "output": "sigmoid",
        "head": {"hidden": [16], "dropout": 0.4},
    },
    "training": {"epochs": 12, "batch_size": 8, "precision": "fp32", "learning_rate": 0.003, "averaging": "ema"},
    "evaluation": {"bootstrap": 100, "explained_cases": 1, "sanity_cases": 0},
}
MASKS: dict[str, Any] = {
    "name": "kill-masks",
    "data": {"source": "bus-uc", "target": "mask_and_label"},
    "split": {"test": 0.25, "validation": 0.25},
    "prepare": {"height": 32, "width": 32, "colour": "grey"},
    "augment": {"horizontal_flip": 0.5, "rotation_degrees": 10, "noise": 0.05},
    "network": {
        "backbone": "unet2d",
        "weights": "none",
        "filters": [4, 8, 8],
        "label_head": True,
        "head": {"dropout": 0.4},
    },
    "training": {"epochs": 10, "batch_size": 4, "precision": "fp32", "learning_rate": 0.01, "averaging": "ema"},
    "evaluation": {"bootstrap": 100},
}
SETS = {"classifier": (CLASSIFIER, "kaggle-brain", 40, 64), "masks": (MASKS, "bus-uc", 24, 64)}
"""Recipe, and kind, number and size in pixels of the synthetic images."""

PRELOADED = ["laudo.cli.main", "laudo.workflows.train_run", "laudo.workflows.use_model"]
VOLATILE = {"seconds", "started", "command"}
TRIES, EARLIER = 5, 0.8
"""How often a training that had ended before it was killed begins again, and at which share of the time it is killed then."""
AIMED = {"checkpoint": 7, "prepare": 3}
"""How many of 30 moments are aimed."""


@dataclass(frozen=True)
class Moment:
    """When a training is killed: after so many seconds, or at the n-th temporary file of a kind."""

    kind: str
    seconds: float = 0.0
    turn: int = 0


@dataclass(frozen=True)
class Outcome:
    """What came of one kill."""

    number: int
    network: str
    kind: str
    killed_after: float
    stood_at: str
    cut_files: int
    was_killed: bool
    resumed: bool
    different: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Whether the resumed run ended as the whole one."""
        return self.resumed and not self.different


def moments(seconds: float, count: int, seed: int) -> list[Moment]:
    """Moments of one network, the same for the same seed but for the measured time."""
    draw = random.Random(seed)  # noqa: S311 (no secret)
    aimed = {kind: round(share * count / 30) for kind, share in AIMED.items()}
    found = [Moment("checkpoint", turn=draw.randint(1, 10)) for _number in range(aimed["checkpoint"])]
    found += [Moment("prepare", turn=1) for _number in range(aimed["prepare"])]
    while len(found) < count:
        found.append(Moment("time", seconds=draw.uniform(0.0, seconds)))
    draw.shuffle(found)
    return found


def attempt(recipe: dict[str, Any], data: str, out: str, cache: str) -> None:
    """Train or go on, in a process of its own."""
    import torch

    from laudo.core.recipe import Recipe
    from laudo.train.fit import Deadline
    from laudo.workflows.train_run import Options, train_run

    os.environ["LAUDO_CACHE"] = cache
    torch.set_num_threads(1)
    train_run(Recipe.model_validate(recipe), Path(data), Path(out), Options(True, Deadline.after(None), "en"))


def start(recipe: dict[str, Any], data: Path, out: Path, cache: Path) -> Any:
    process = server().Process(target=attempt, args=(recipe, str(data), str(out), str(cache)))
    process.start()
    return process


def server() -> Any:
    """Forks processes in which everything is imported already, so that a killed one costs no start."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def killed_run(recipe: dict[str, Any], data: Path, moment: Moment, place: Path) -> tuple[float, int, bool, Path, Path]:
    """Begin anew and kill; where a busy machine was quicker than when it was measured, once more, at an earlier time.

    Returns:
        Seconds until the kill, files that it cut, whether it was one, the run's folder, its cache.
    """
    for turn in range(TRIES):
        out, cache = place.with_name(f"{place.name}-{turn}"), place.with_name(f"{place.name}-{turn}-cache")
        process = start(recipe, data, out, cache)
        took, cut = kill_at(process, moment, out, cache)
        killed = process.exitcode == -signal.SIGKILL
        if killed or moment.kind != "time":
            break
        moment = replace(moment, seconds=EARLIER * moment.seconds)
    return took, cut, killed, out, cache


def kill_at(process: Any, moment: Moment, out: Path, cache: Path) -> tuple[float, int]:
    """Kill at a moment; seconds that it took, and how many temporary files were cut."""
    started = time.monotonic()
    if moment.kind == "time":
        process.join(moment.seconds)
    else:
        seen = watcher(moment.kind, out, cache)
        found: set[str] = set()
        while process.is_alive() and len(found) < moment.turn:
            found |= seen()
    took = time.monotonic() - started
    process.kill()
    process.join()
    return took, sum(1 for _path in out.rglob(".*.tmp*")) + sum(1 for _path in cache.rglob(".writing-*"))


def watcher(kind: str, out: Path, cache: Path) -> Callable[[], set[str]]:
    """Names of the temporary files of checkpoints, or folders of the preparation, that are there now."""

    def of_checkpoints() -> set[str]:
        try:
            return {entry.name for entry in os.scandir(out / "checkpoints") if entry.name.startswith(".epoch-")}
        except OSError:
            return set()

    def of_preparation() -> set[str]:
        try:
            return {path.name for path in cache.glob("*/.writing-*")}
        except OSError:
            return set()

    return of_checkpoints if kind == "checkpoint" else of_preparation


def stood_at(out: Path) -> str:
    """How far a killed run had come, by its folder."""
    if not (out / "recipe.yaml").is_file():
        return "prepare"
    log = out / "log.jsonl"
    epochs = len(log.read_text(encoding="utf-8", errors="replace").splitlines()) if log.is_file() else 0
    if (out / "model.json").is_file():
        return "after training"
    whole = len(list((out / "checkpoints").glob("epoch-*.sha256"))) if (out / "checkpoints").is_dir() else 0
    return f"epoch {epochs + 1}" if epochs or whole else "epoch 1 or before"


def fingerprint(folder: Path) -> dict[str, object]:
    """Everything that a training decides, file by file."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if (
            not path.is_file()
            or inside.parts[0] in {"checkpoints", "figures", "explanations"}
            or path.name.startswith(".")
        ):
            continue
        if path.suffix in {".safetensors", ".parquet", ".png"}:
            found[inside.as_posix()] = zlib.crc32(path.read_bytes())
        elif path.name == "log.jsonl":
            found[inside.as_posix()] = [
                settled(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()
            ]
        elif path.name in {"metrics.json", "model.json", "status.json"}:
            found[inside.as_posix()] = settled(json.loads(path.read_text(encoding="utf-8")))
    return found


def settled(value: Any) -> Any:
    return {key: item for key, item in value.items() if key not in VOLATILE} if isinstance(value, dict) else value


def try_network(
    name: str, place: Path, choose: Callable[[float], list[Moment]], first: int = 1, last: int = 10**6
) -> tuple[float, list[Outcome]]:
    """Kill one network's training at each moment that ``choose`` gives for the seconds that it takes; those from first to last."""
    from laudo.workflows.steps import make_data

    recipe, kind, count, size = SETS[name]
    data = make_data(kind, place / f"data-{name}", count, 0, size)
    warm = server().Process(target=len, args=((),))  # the server imports before it forks: that is no part of a training
    warm.start()
    warm.join()
    started = time.monotonic()
    whole = start(recipe, data, place / f"{name}-whole", place / f"{name}-cache")
    whole.join()
    seconds = time.monotonic() - started
    if whole.exitcode:
        raise SystemExit(f"the training of {name} failed")
    wanted = fingerprint(place / f"{name}-whole")
    assert any(file == "model.safetensors" for file in wanted), "a training leaves weights"
    outcomes = []
    for number, moment in enumerate(choose(seconds), start=1):
        if not first <= number <= last:
            continue
        took, cut, killed, out, cache = killed_run(recipe, data, moment, place / f"{name}-{number}")
        stage = stood_at(out)
        again = start(recipe, data, out, cache)
        again.join()
        found = fingerprint(out)
        different = tuple(sorted(file for file in wanted.keys() | found.keys() if wanted.get(file) != found.get(file)))
        outcome = Outcome(number, name, moment.kind, round(took, 2), stage, cut, killed, again.exitcode == 0, different)
        outcomes.append(outcome)
        show(outcome)
    return seconds, outcomes


def show(outcome: Outcome) -> None:
    verdict = "identical" if outcome.identical else f"DIFFERENT {', '.join(outcome.different) or 'not resumed'}"
    late = "" if outcome.was_killed else " (had ended)"
    line = (
        f"{outcome.number:>3}  {outcome.network:<11} {outcome.kind:<11} {outcome.killed_after:>6.2f} s{late}  "
        f"{outcome.stood_at:<18} {outcome.cut_files:>2} cut  {verdict}"
    )
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=30, help="of each network")
    parser.add_argument("--first", type=int, default=1, help="moment to begin with")
    parser.add_argument("--last", type=int, default=10**6, help="moment to end with")
    parser.add_argument("--only", choices=SETS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    facts: dict[str, Any] = {"seed": arguments.seed, "networks": {}}
    every: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="laudo-kill-") as place:
        for name in [arguments.only] if arguments.only else SETS:
            choose = partial(moments, count=arguments.moments, seed=arguments.seed)
            seconds, outcomes = try_network(name, Path(place), choose, arguments.first, arguments.last)
            every += outcomes
            facts["networks"][name] = {"seconds_whole": round(seconds, 2), "moments": [asdict(one) for one in outcomes]}
    killed = sum(one.was_killed for one in every)
    identical = sum(one.identical for one in every)
    facts |= {"kills": killed, "moments": len(every), "identical": identical}
    if arguments.json:
        print(json.dumps(facts))
    else:
        print(
            f"moments {len(every)}  killed {killed}  cut files {sum(one.cut_files for one in every)}  identical {identical}"
        )
    raise SystemExit(0 if identical == len(every) and killed >= 0.9 * len(every) else 1)


if __name__ == "__main__":
    main()
