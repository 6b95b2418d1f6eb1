"""Training images per second: laudo against Keras (as the systems were published) and against plain PyTorch, on two cores.

Three networks of the classification systems, one of them in two phases. laudo trains by ``laudo.train.fit.fit`` in the precision
that ``auto`` chooses; both peers compute in single precision: ``train_step_keras.py`` by ``Model.fit``, ``train_step_torch.py`` in
an ordinary loop. All have the same images in memory, the same initial weights and the same batches. Every turn of every side is a
process of its own; the sides take turns, and the median of the turns' ratios counts. The first epoch of a process is not counted.
An epoch is its steps and one batch of validation.

That all compute the same is checked beforehand, without dropout, because the libraries draw different random numbers: the loss of
every step, of laudo in single precision and in the one that is timed, against each peer's.

Exit status: 1 when losses or numbers of parameters differ, or a ratio is below what is claimed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sides import Curves, answer_of
from train_step_task import CASES, MOST_EPOCHS, write_task

HERE = Path(__file__).resolve().parent
CLAIMS = {"keras": 2.0, "torch": 1.5}
"""Smallest ratio of laudo's images per second to each peer's."""
EPOCH_STEPS = 10
TOLERANCES = {"fp32": 0.02, "bf16": 0.10}
"""Largest difference of a step's loss, as a share of the mean loss of the peer's curve, by laudo's precision."""
FIRST_TOLERANCES = {"fp32": 1e-4, "bf16": 2e-2}
"""The same before anything was learned: what the libraries make of equal weights."""


@dataclass
class Comparison(Curves):
    """One network against one peer.

    Attributes:
        ours: laudo's images per second, a value a turn.
        peer: the peer's.
    """

    case: str = ""
    peer_name: str = ""
    precision: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Median of the turns' ratios; 0 when nothing was timed."""
        ratios = [o / p for o, p in zip(self.ours, self.peer, strict=True)]
        return statistics.median(ratios) if ratios else 0.0

    def lines(self) -> list[str]:
        """Put it into words."""
        found = []
        if self.ours:
            ours, peer = statistics.median(self.ours), statistics.median(self.peer)
            versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
            found.append(
                f"{self.case:28s} ours {ours:6.2f} images/s ({self.precision})   peer {peer:6.2f} images/s "
                f"({self.peer_name}: {versions}; fp32)   ratio {self.ratio:.2f}"
            )
        for precision, difference in self.difference.items():
            found.append(
                f"  same, {precision} against {self.peer_name}: loss {self.ends[0]:.3f} to {self.ends[1]:.3f}, largest difference "
                f"{difference:.1e} of the mean, allowed {TOLERANCES[precision]:g}; in the first step "
                f"{self.first[precision]:.1e}, allowed {FIRST_TOLERANCES[precision]:g}"
            )
        return found + [f"  FAIL {failure}" for failure in self.failures]


def run_side(side: str, python: str, task: Path, **settings: Any) -> dict[str, Any]:
    """Let one side train in a process of its own, and read what it found. Ends the benchmark when it fails.

    Args:
        side: ``ours``, ``torch`` or ``keras``.
        python: that runs it.
        task: folder of the task.
        settings: ``epochs``, ``learning_rate``, ``dropout``, and laudo's ``precision``.
    """
    out = task / f"{side}.json"
    command = [python, str(HERE / f"train_step_{side}.py"), "--task", str(task), "--out", str(out)]
    for name, value in settings.items():
        if value is not False:
            command += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return answer_of(command, out)


def measure_case(name: str, folder: Path, pythons: dict[str, str], options: argparse.Namespace) -> list[Comparison]:
    """Compare the curves of one network, then time its turns.

    Args:
        name: of the case.
        folder: for its files.
        pythons: of each peer, by its name.
        options: of the command line.
    """
    task, case = folder / name, CASES[name]
    write_task(name, task, options.side or case.side, options.batch, options.epoch_steps, options.threads)
    found = [Comparison(case=name, peer_name=peer) for peer in pythons]
    steps = case.curve_steps if options.steps is None else options.steps
    curve = {"epochs": -(-steps // options.epoch_steps), "learning_rate": case.learning_rate}
    if curve["epochs"] > MOST_EPOCHS:
        sys.exit(f"--steps is more than {MOST_EPOCHS} times --epoch-steps")
    if steps:
        ours = {p: run_side("ours", sys.executable, task, **curve, precision=p) for p in ("fp32", "auto")}
        for comparison in found:
            peer = run_side(comparison.peer_name, pythons[comparison.peer_name], task, **curve)
            for run in {run["precision"]: run for run in ours.values()}.values():
                comparison.compare(run, peer, comparison.peer_name, TOLERANCES, FIRST_TOLERANCES)
    turn = {"epochs": 1 + options.epochs, "learning_rate": case.learning_rate, "dropout": True}
    for _ in range(options.rounds):
        run = run_side("ours", sys.executable, task, **turn, precision="auto")
        for comparison in found:
            peer = run_side(comparison.peer_name, pythons[comparison.peer_name], task, **turn)
            comparison.precision, comparison.versions = run["precision"], peer["versions"]
            comparison.ours.append(rate(run, options))
            comparison.peer.append(rate(peer, options))
            print(
                f"{name}: {comparison.ours[-1]:.2f}, {comparison.peer_name} {comparison.peer[-1]:.2f}", file=sys.stderr
            )
    for comparison in found:
        claim = CLAIMS[comparison.peer_name]
        if options.judge and comparison.ours and comparison.ratio < claim:
            comparison.failures.append(f"ratio {comparison.ratio:.2f} is below {claim:g}")
    return found


def rate(run: dict[str, Any], options: argparse.Namespace) -> float:
    """Training images per second over all epochs but the first."""
    seconds = run["seconds"][1:]
    return len(seconds) * options.epoch_steps * options.batch / sum(seconds)


def find_pythons(options: argparse.Namespace) -> dict[str, str]:
    """Python of each peer that was asked for; of Keras the one given, this one, or ``.venv-keras`` (`make bench` makes it)."""
    found = {}
    for peer in options.peers:
        made = HERE.parent / ".venv-keras" / "bin" / "python"
        if peer == "torch" or (not options.peer_python and importlib.util.find_spec("tensorflow")):
            found[peer] = sys.executable
        elif options.peer_python or made.is_file():
            found[peer] = options.peer_python or str(made)
        else:
            sys.exit(
                "No tensorflow here: name the python of an environment that holds tensorflow-cpu with --peer-python."
            )
    return found


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--only", nargs="+", choices=tuple(CASES), default=list(CASES), help="networks; default: all")
    add("--peers", nargs="+", choices=tuple(CLAIMS), default=list(CLAIMS))
    add("--peer-python", help="python of an environment with tensorflow-cpu; default: this one, else .venv-keras")
    add("--steps", type=int, help="length of the loss curves; 0: do not compare them; default: each network's own")
    add("--rounds", type=int, default=3, help="turns of each side; 0: do not time them")
    add("--epochs", type=int, default=1, help="timed epochs of a turn, after one that is not")
    add("--epoch-steps", type=int, default=EPOCH_STEPS, help="steps of an epoch")
    add("--batch", type=int, default=8, help="images a step")
    add("--side", type=int, help="of the images in pixels; default: the published")
    add("--threads", type=int, default=2)
    add("--no-judge", dest="judge", action="store_false", help="let a ratio below what is claimed pass")
    add("--gpu", action="store_true", help="instead: share of the GPU's matrix peak, and whether the loader keeps up")
    add("--json", action="store_true", help="print one JSON object instead of lines")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit status."""
    options = parse(arguments)
    if options.gpu:
        from train_step_gpu import measure_gpu

        return measure_gpu(options)
    pythons, found = find_pythons(options), []
    with tempfile.TemporaryDirectory(prefix="laudo-bench-") as folder:
        for name in options.only:
            found += measure_case(name, Path(folder), pythons, options)
            if not options.json:
                print("\n".join(line for c in found[-len(pythons) :] for line in c.lines()), flush=True)
    if options.json:
        print(json.dumps([{**asdict(c), "ratio": c.ratio} for c in found], indent=2))
    return int(any(comparison.failures for comparison in found))


if __name__ == "__main__":
    sys.exit(main())
