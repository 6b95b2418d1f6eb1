"""A frozen backbone runs once an image, not once an image and epoch: ``laudo train`` against the Keras program.

Both train the same head on the same VGG19 (random weights, frozen) on the same images for the same number of epochs,
each in a process of its own that is timed from start to end, in turn. laudo's process also audits the data, judges the
model, draws its explanations and writes the report, and starts from an empty cache; Keras only trains, validates and
saves the model.

The two draw different random numbers, so their trained weights can not be compared. What is compared instead:

* the work: images, epochs, parameters and trainable parameters of both timed runs are equal;
* the mathematics: both train the head on the same features (those that laudo's run computed), from the same initial
  weights, with the same batches, without dropout, and their training loss (cross-entropy and penalty) agrees after
  every epoch.

Exit status: 1 when a check fails, or when the ratio is below 15 at 30 epochs or more.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file

from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.networks.head import ClassifierHead, Standardise
from laudo.train.fit import Deadline, fit
from laudo.train.inputs import EpochOrder, FeatureInputs, Part

HERE = Path(__file__).resolve().parent
PEER = HERE / "keras_vgg19.py"
RECIPE = "kaggle-vgg19-as-published"
IMAGES = 253
CLAIM = 15.0
CLAIM_EPOCHS = 30
HEAD_EPOCHS = 30
LARGEST_DIFFERENCE = 1e-3


class Seconds(NamedTuple):
    """Duration of a process, and the processor time of all its threads, which other load on the machine hardly changes."""

    wall: float
    processor: float


@dataclass
class Outcome:
    """What was measured: seconds of each process in the order they ran, and what the checks found.

    Attributes:
        difference: largest relative difference of the head's training loss, by kind of features.
        losses: (first, last) training loss of laudo's head, by kind of features.
        failures: sentences; empty when everything holds.
    """

    epochs: int
    images: int = 0
    precision: str = ""
    peer_versions: dict[str, str] = field(default_factory=dict)
    ours: list[Seconds] = field(default_factory=list)
    peer: list[Seconds] = field(default_factory=list)
    ratio: float = 0.0
    difference: dict[str, float] = field(default_factory=dict)
    losses: dict[str, tuple[float, float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


# the two timed processes ------------------------------------------------------------------------------------


def timed(command: list[str], **environment: str) -> Seconds:
    """Time a whole process; its output goes to stderr. Ends the benchmark when it fails.

    GPUs are hidden from both: the peer's package has none.
    """
    started, before = time.monotonic(), os.times()
    done = subprocess.run(
        command, stdout=sys.stderr, env={**os.environ, "CUDA_VISIBLE_DEVICES": "", **environment}, check=False
    )
    wall, after = time.monotonic() - started, os.times()
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with status {done.returncode}")
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return Seconds(wall, processor)


def run_ours(data: Path, folder: Path, epochs: int, precision: str) -> Seconds:
    """Time ``laudo train``, which leaves its run in ``folder/run`` and its cache in ``folder/cache``."""
    settings = {
        "network.weights": "none",
        "training.epochs": epochs,
        "training.report_at_epochs": f"[{epochs}]",
        "training.precision": precision,
        "evaluation.leakage_check": "false",
    }
    command = [sys.executable, "-m", "laudo", "train", RECIPE, "--data", str(data), "--out", str(folder / "run")]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    return timed(command, LAUDO_CACHE=str(folder / "cache"))


def run_peer(python: str, data: Path, folder: Path, epochs: int) -> Seconds:
    """Time the Keras program, which leaves result.json in ``folder``."""
    return timed([python, str(PEER), "train", "--data", str(data), "--out", str(folder), "--epochs", str(epochs)])


def compare_work(run: Run, peer: dict[str, Any], outcome: Outcome) -> None:
    """Note the facts of both timed runs, and a failure for each that differs."""
    model = run.json("model")
    ours = {
        "images": len(run.manifest()),
        "epochs": len(run.log()),
        "parameters": model["parameters"],
        "trainable_parameters": model["trainable_parameters"],
    }
    outcome.images = ours["images"]
    outcome.precision = run.json("environment")["precision"]
    outcome.peer_versions = peer["versions"]
    for fact, value in ours.items():
        if peer[fact] != value:
            outcome.failures.append(f"{fact}: {value} in laudo, {peer[fact]} in Keras")
    if not run.report_path.is_file():
        outcome.failures.append("laudo left no report")


# the same head on the same features -------------------------------------------------------------------------


def run_features(run: Run, cache: Path) -> dict[str, tuple[Part, Part]]:
    """Training and validation part of the features that the timed run computed: as they are, and standardised.

    Features of random weights hardly differ between images, so that the head learns from them little more than how
    frequent each class is. Standardised, they keep it busy in every epoch, which is the harder test.
    """
    (path,) = (cache / "features").glob("*.safetensors")
    features = load_file(path)["features"]
    manifest = run.manifest()
    training, validation = (manifest.indices(name) for name in ("train", "val"))
    standardise = Standardise(features.shape[1])
    standardise.fit(features[torch.from_numpy(training)])
    return {
        name: (
            Part(FeatureInputs(values), training, manifest.labels[training]),
            Part(FeatureInputs(values), validation, manifest.labels[validation]),
        )
        for name, values in {"plain": features, "standardised": standardise(features)}.items()
    }


def without_dropout(recipe: Recipe) -> Recipe:
    """Change the recipe of the run: its head without dropout, for the epochs of the check."""
    head = recipe.network.head.model_copy(update={"dropout": 0.0})
    return recipe.model_copy(
        update={
            "network": recipe.network.model_copy(update={"head": head}),
            "training": recipe.training.model_copy(update={"epochs": HEAD_EPOCHS, "report_at_epochs": ()}),
        }
    )


def write_task(path: Path, head: ClassifierHead, train: Part, recipe: Recipe) -> None:
    """Everything that Keras needs to train the same head: features, initial weights, batches, settings."""
    order = EpochOrder(len(train), recipe.training.seed)
    orders = []
    for epoch in range(HEAD_EPOCHS):
        order.set_epoch(epoch)
        orders.append(list(order))
    weights: dict[str, Any] = {}
    for index, layer in enumerate(head.dense):
        weights[f"kernel_{index}"] = layer.weight.detach().numpy().T
        weights[f"bias_{index}"] = layer.bias.detach().numpy()
    np.savez(
        path,
        features=train.inputs.read(train.indices).numpy(),
        targets=train.targets,
        orders=np.array(orders),
        l2=recipe.network.head.l2,
        learning_rate=recipe.training.learning_rate,
        batch_size=recipe.training.batch_size,
        **weights,
    )


def compare_heads(python: str, run: Run, cache: Path, folder: Path, outcome: Outcome) -> None:
    """Train the head with both and note the largest relative difference of their losses over the epochs.

    The loss of an epoch is the mean cross-entropy of its batches, and the penalty of the weights at its end.
    """
    recipe = without_dropout(run.recipe())
    for name, (train, val) in run_features(run, cache).items():
        torch.manual_seed(recipe.training.seed)
        head = ClassifierHead(train.inputs.read([0]).shape[1], 1, recipe.network.head)
        place = folder / name
        place.mkdir(parents=True)
        write_task(place / "task.npz", head, train, recipe)
        fitted = fit(head, train, val, recipe, Run(place), torch.device("cpu"), "fp32", Deadline())
        ours = np.array([line["train_loss"] + line["penalty"] for line in fitted.epochs])
        timed([python, str(PEER), "head", "--task", str(place / "task.npz"), "--out", str(place)])
        result = json.loads((place / "result.json").read_text(encoding="utf-8"))
        theirs = np.array(result["cross_entropy"]) + np.array(result["penalty"])
        difference = float(np.max(np.abs(ours - theirs) / theirs))
        outcome.difference[name] = difference
        outcome.losses[name] = (float(ours[0]), float(ours[-1]))
        if not difference < LARGEST_DIFFERENCE:
            outcome.failures.append(f"training loss of the head on {name} features differs by {difference:.1e}")


# command line -----------------------------------------------------------------------------------------------


def find_data(given: Path | None, folder: Path) -> Path:
    """Folder that holds ``no`` and ``yes``: the one given, the data set under LAUDO_DATA, or as many phantom slices."""
    root = given or (Path(os.environ["LAUDO_DATA"]) if os.environ.get("LAUDO_DATA") else None)
    if root is not None:
        for candidate in (root, root / "kaggle_brain"):
            if (candidate / "yes").is_dir() and (candidate / "no").is_dir():
                return candidate.resolve()
        if given is not None:
            sys.exit(f"{given}: neither it nor its kaggle_brain holds the folders `no` and `yes`")
    made = folder / "phantom"
    make = [sys.executable, "-m", "laudo", "data", "make", "phantom-brain", str(made)]
    timed([*make, "-n", str(IMAGES), "--size", "256"])
    return made


def find_peer_python(given: str | None) -> str:
    """Python that can import tensorflow: the one given, this one, or ``.venv-keras`` (`make bench` makes it)."""
    if given:
        return given
    if importlib.util.find_spec("tensorflow"):
        return sys.executable
    made = HERE.parent / ".venv-keras" / "bin" / "python"
    if made.is_file():
        return str(made)
    sys.exit("No tensorflow here: name the python of an environment that holds tensorflow-cpu with --peer-python.")


def measure(options: argparse.Namespace, work: Path) -> Outcome:
    """Run both in turn, then compare."""
    python = find_peer_python(options.peer_python)
    data = find_data(options.data, work)
    outcome = Outcome(options.epochs)
    for turn in range(options.repeat):
        ours, peer = work / f"ours-{turn}", work / f"peer-{turn}"
        outcome.ours.append(run_ours(data, ours, options.epochs, options.precision))
        print(f"ours: {middle([outcome.ours[-1]])}", file=sys.stderr, flush=True)
        outcome.peer.append(run_peer(python, data, peer, options.epochs))
        print(f"peer: {middle([outcome.peer[-1]])}", file=sys.stderr, flush=True)
    outcome.ratio = statistics.median(p.wall / o.wall for o, p in zip(outcome.ours, outcome.peer, strict=True))
    run = Run(work / "ours-0" / "run")
    compare_work(run, json.loads((work / "peer-0" / "result.json").read_text(encoding="utf-8")), outcome)
    compare_heads(python, run, work / "ours-0" / "cache", work / "heads", outcome)
    if options.epochs >= CLAIM_EPOCHS and outcome.ratio < CLAIM:
        outcome.failures.append(f"ratio {outcome.ratio:.1f} is below {CLAIM:g}")
    return outcome


def middle(times: list[Seconds]) -> str:
    """Medians of duration and processor time, in words."""
    wall, processor = (statistics.median(values) for values in zip(*times, strict=True))
    return f"{wall:.1f} s, processor {processor:.1f} s"


def lines(outcome: Outcome) -> list[str]:
    """Put the outcome into words."""
    versions = ", ".join(f"{name} {version}" for name, version in outcome.peer_versions.items())
    count = f" (median of {len(outcome.ours)})" if len(outcome.ours) > 1 else ""
    found = [
        f"task   {outcome.images} images, VGG19 frozen, {outcome.epochs} epochs, whole process, {os.cpu_count()} cores",
        f"ours   {middle(outcome.ours)} (laudo, with audit, explanations and report; {outcome.precision})",
        f"peer   {middle(outcome.peer)} ({versions}; fp32)",
        f"ratio  {outcome.ratio:.1f}{count}",
    ]
    for name, difference in outcome.difference.items():
        first, last = outcome.losses[name]
        found.append(
            f"same   training loss of the head, {name} features, {HEAD_EPOCHS} epochs ({first:.3f} to {last:.3f}): "
            f"largest relative difference {difference:.1e}, allowed {LARGEST_DIFFERENCE:.0e}"
        )
    return found + [f"FAIL   {failure}" for failure in outcome.failures]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, help="folder with no/ and yes/; default: kaggle_brain in LAUDO_DATA, else phantoms")
    add("--epochs", type=int, default=CLAIM_EPOCHS)
    add("--peer-python", help="python of an environment with tensorflow-cpu; default: this one, else .venv-keras")
    add("--repeat", type=int, default=1, help="times that each runs, in turn; the ratio is the median")
    add("--precision", choices=("auto", "fp32", "bf16"), default="auto", help="of laudo's backbone; Keras: fp32")
    add("--json", action="store_true", help="print one JSON object instead of lines")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="laudo-bench-") as work:
        outcome = measure(options, Path(work))
    print(json.dumps(asdict(outcome), indent=2) if options.json else "\n".join(lines(outcome)))
    sys.exit(1 if outcome.failures else 0)


if __name__ == "__main__":
    main()
