"""Seconds a 3D training step: laudo's planned U-Net against nnU-Net's own network and training step, on two processor cores.

Same plan, weights, patches and loss (cross-entropy and soft Dice on all grids that nnU-Net weighs), SGD with Nesterov momentum and
shortened gradients on both sides. The peer runs in an environment of its own, as nnU-Net runs on a processor: in single precision.
laudo runs in the precision that ``auto`` chooses, and in single precision for comparison. Every turn of every side is a process of
its own; the sides take turns, and the median of the turns' ratios counts. The first step of a process is not counted. Reading and
augmenting patches is on neither side.

That all compute the same is checked beforehand: the loss of every step of a training.

Exit status: 1 when losses or numbers of parameters differ, or a ratio is below what is claimed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sides import Curves, answer_of
from train_step_3d_task import CASES, Case, write_task

HERE = Path(__file__).resolve().parent
CLAIM = 2.0
"""Smallest ratio of nnU-Net's seconds a step to laudo's, in the precision that ``auto`` chooses."""
TOLERANCES = {"fp32": 1e-3, "bf16": 3e-2}
"""Largest difference of a step's loss, as a share of the mean loss of the peer's curve, by laudo's precision."""
FIRST_TOLERANCES = {"fp32": 1e-5, "bf16": 1e-2}
"""The same before anything was learned."""
PEER_PYTHON = HERE.parent / ".venv-nnunet" / "bin" / "python"


@dataclass
class Comparison(Curves):
    """One size of step.

    Attributes:
        seconds: a step of each side, a median a turn; laudo's by precision, nnU-Net's under ``peer``.
        peak_mib: largest memory of a process of each side.
    """

    case: str = ""
    auto: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    peak_mib: dict[str, float] = field(default_factory=dict)

    def ratio(self, precision: str) -> float:
        """Median of the turns' ratios."""
        pairs = zip(self.seconds["peer"], self.seconds[precision], strict=True)
        return statistics.median(theirs / ours for theirs, ours in pairs)

    def lines(self) -> list[str]:
        """Put it into words."""
        versions = ", ".join(f"{name} {value}" for name, value in self.versions.items())
        found = []
        for precision in (p for p in self.seconds if p != "peer"):
            ours, peer = (statistics.median(self.seconds[side]) for side in (precision, "peer"))
            found.append(
                f"{self.case:12s} ours {ours:6.2f} s/step ({precision}, {self.peak_mib[precision]:.0f} MiB)   "
                f"peer {peer:6.2f} s/step ({versions}; fp32, {self.peak_mib['peer']:.0f} MiB)   "
                f"ratio {self.ratio(precision):.2f}"
            )
        for precision, difference in self.difference.items():
            found.append(
                f"  same, {precision}: loss {self.ends[0]:.4f} to {self.ends[1]:.4f}, largest difference {difference:.1e} of the "
                f"mean, allowed {TOLERANCES[precision]:g}; in the first step {self.first[precision]:.1e}, "
                f"allowed {FIRST_TOLERANCES[precision]:g}"
            )
        return found + [f"  FAIL {failure}" for failure in self.failures]


def run_side(side: str, python: str, task: Path, steps: int, precision: str) -> dict[str, Any]:
    """Let one side (``ours``, ``nnunet``) train in a process of its own, and read what it found; its failure ends the benchmark."""
    out = task / f"{side}.json"
    command = [python, str(HERE / f"train_step_3d_{side}.py"), "--task", str(task), "--out", str(out)]
    command += ["--steps", str(steps), "--precision", precision]
    return answer_of(command, out)


def measure_case(name: str, case: Case, folder: Path, options: argparse.Namespace) -> Comparison:
    """Compare the curves of one size, then time its turns."""
    task, found = folder / name, Comparison(case=name)
    write_task(task, case, options.threads)
    peer_python = options.peer_python or str(PEER_PYTHON)
    if options.steps:
        peer = run_side("nnunet", peer_python, task, options.steps, "fp32")
        runs = [run_side("ours", sys.executable, task, options.steps, p) for p in ("fp32", "auto")]
        for run in {run["precision"]: run for run in runs}.values():
            found.compare(run, peer, "nnU-Net", TOLERANCES, FIRST_TOLERANCES)
    for _ in range(options.rounds):
        sides = {"auto": "ours", **({"fp32": "ours"} if options.fp32 else {}), "peer": "nnunet"}
        for turn, side in sides.items():
            python = peer_python if turn == "peer" else sys.executable
            run = run_side(side, python, task, 1 + options.timed, "fp32" if turn == "peer" else turn)
            key = "peer" if turn == "peer" else run["precision"]
            if turn == "auto":
                found.auto = key
            elif key == found.auto:
                continue
            found.seconds.setdefault(key, []).append(statistics.median(run["seconds"][1:]))
            found.peak_mib[key] = max(found.peak_mib.get(key, 0.0), run["peak_mib"])
            found.versions = run["versions"]
            print(f"{name} {key}: {found.seconds[key][-1]:.2f} s a step", file=sys.stderr)
    if options.judge and found.auto and found.ratio(found.auto) < CLAIM:
        found.failures.append(f"ratio {found.ratio(found.auto):.2f} is below {CLAIM:g}")
    return found


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--only", nargs="+", choices=tuple(CASES), default=list(CASES), help="sizes; default: all")
    add("--peer-python", help="python of an environment with nnunetv2; default: .venv-nnunet")
    add("--steps", type=int, default=10, help="length of the loss curves; 0: do not compare them")
    add("--rounds", type=int, default=3, help="turns of each side; 0: do not time them")
    add("--timed", type=int, default=3, help="timed steps of a turn, after one that is not")
    add("--threads", type=int, default=2)
    add("--no-fp32", dest="fp32", action="store_false", help="do not time laudo in single precision too")
    add("--no-judge", dest="judge", action="store_false", help="let a ratio below what is claimed pass")
    add("--patch", type=int, nargs=3, help="instead of the cases': voxels, to try everything out")
    add("--json", action="store_true", help="print one JSON object instead of lines")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit status."""
    options = parse(arguments)
    found = []
    with tempfile.TemporaryDirectory(prefix="laudo-bench-") as folder:
        for name in options.only:
            case = Case(tuple(options.patch), CASES[name].batch) if options.patch else CASES[name]
            found.append(measure_case(name, case, Path(folder), options))
            if not options.json:
                print("\n".join(found[-1].lines()), flush=True)
    if options.json:
        print(json.dumps([asdict(c) for c in found], indent=2))
    return int(any(comparison.failures for comparison in found))


if __name__ == "__main__":
    sys.exit(main())
