"""Scoring the mask of a BraTS case: laudo against MONAI.

Cases are of BraTS' size, 240 × 240 × 155 voxels with three nested regions (WT, TC, ET): real ones, or phantoms where there are
none. What is scored as the prediction is the truth bent a little (*fair*: by one and a half voxels, standard deviation), and bent
a lot with specks all over the head (*poor*), since surfaces that lie close together are the easier case.

In one process and in turn, several rounds, the median of their ratios. The peer computes Dice, HD95 and surface Dice, from tensors
of the regions that are made beforehand, with torch on one thread and on all, on single precision and on bytes. laudo starts from
the label maps and gives these three and all its other scores (overlap, average surface distance, volumes, lesions); it runs once
before each of the peer's four, and the best time of each side in a round counts. That the three are the same numbers is checked
every time.

Exit status: 1 when numbers differ, or laudo is less than 10 times as fast on a fair prediction. The poor ones are printed for
comparison: there, most of the time of both goes into one search for nearest neighbours, which both leave to SciPy.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import nibabel
import numpy as np
import torch
from monai.metrics import compute_dice, compute_hausdorff_distance, compute_surface_dice
from scipy import ndimage

from laudo.evaluate.mask_scoring import score_masks

REGIONS = {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}
SHAPE = (240, 240, 155)
SPACING_MM = (1.0, 1.0, 1.0)
TOLERANCE_MM = 1.0
CLAIM = 10.0
METRICS = ("dice", "hd95_mm", "nsd")
Numbers = dict[str, float]


@dataclass
class Line:
    """One case: seconds of both, a value a round."""

    what: str
    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Median of the rounds' ratios."""
        return statistics.median(p / o for o, p in zip(self.ours, self.peer, strict=True))

    def text(self) -> str:
        """In one line."""
        ours, peer = statistics.median(self.ours), statistics.median(self.peer)
        return (
            f"{self.what:28s} ours {1000 * ours:7.1f} ms   peer {1000 * peer:8.1f} ms (MONAI)   ratio {self.ratio:.1f}"
        )


# cases --------------------------------------------------------------------------------------------------------


def truths(data: Path | None, n: int) -> Iterator[tuple[str, np.ndarray]]:
    """Real label maps of BraTS' form, or phantoms."""
    files = sorted((data / "brats").glob("*/*_seg.nii*"))[:n] if data else []
    for path in files:
        yield path.parent.name, np.asanyarray(nibabel.load(path).dataobj)
    for number in range(n if not files else 0):
        yield f"phantom {number + 1}", phantom(number)


def phantom(number: int) -> np.ndarray:
    """Three nested lumps."""
    random = np.random.default_rng(number)
    places = np.indices(SHAPE, dtype=np.float32)
    centre = np.array(SHAPE) * random.uniform(0.4, 0.6, size=3)
    distance = np.sqrt(sum((p - c) ** 2 for p, c in zip(places, centre, strict=True))) + 4 * waves(random)
    made = np.zeros(SHAPE, dtype=np.uint8, order="F")
    for value, radius in ((2, 32), (4, 22), (1, 14)):
        made[distance < radius] = value
    return made


def waves(random: np.random.Generator) -> np.ndarray:
    """Smooth noise, standard deviation 1."""
    coarse = random.normal(size=[length // 8 + 2 for length in SHAPE]).astype(np.float32)
    fine = ndimage.zoom(coarse, 8, order=1)[tuple(slice(length) for length in SHAPE)]
    return np.asarray(fine / fine.std())


def bent(truth: np.ndarray, by: float, specks: int, seed: int) -> np.ndarray:
    """The truth pushed about by smooth noise (in voxels), and small lumps where there is nothing."""
    random = np.random.default_rng(seed)
    places = [axis + by * waves(random) for axis in np.indices(SHAPE, dtype=np.float32)]
    made = ndimage.map_coordinates(truth, places, order=0)
    for centre in random.integers(20, np.array(SHAPE) - 20, size=(specks, 3)):
        made[tuple(slice(c - 2, c + 2) for c in centre)] = random.choice([1, 2, 4])
    return np.asfortranarray(made.astype(truth.dtype))


# both sides ---------------------------------------------------------------------------------------------------


def ours(truth: np.ndarray, predicted: np.ndarray) -> Numbers:
    return score_masks(truth, predicted, REGIONS, SPACING_MM, TOLERANCE_MM)


def tensors(label_map: np.ndarray, dtype: torch.dtype) -> torch.Tensor:
    regions = np.stack([np.isin(label_map, values) for values in REGIONS.values()])
    return torch.from_numpy(regions)[None].to(dtype)


def peer(truth: torch.Tensor, predicted: torch.Tensor) -> Numbers:
    options = {"include_background": True, "spacing": list(SPACING_MM)}
    found = {
        "dice": compute_dice(predicted, truth, include_background=True),
        "hd95_mm": compute_hausdorff_distance(predicted, truth, percentile=95, **options),
        "nsd": compute_surface_dice(predicted, truth, [TOLERANCE_MM] * len(REGIONS), **options),
    }
    return {
        f"{metric}:{name}": float(found[metric][0, index]) for metric in METRICS for index, name in enumerate(REGIONS)
    }


def timed(work: Callable[[], Numbers]) -> tuple[float, Numbers]:
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def compare(what: str, truth: np.ndarray, predicted: np.ndarray, rounds: int) -> tuple[Line, bool]:
    """Time both in turn; whether they gave the same numbers."""
    pairs = {kind: (tensors(truth, kind), tensors(predicted, kind)) for kind in (torch.float32, torch.uint8)}
    line, same = Line(what), True
    for number in range(rounds + 1):  # the first is not counted
        best = {"ours": math.inf, "peer": math.inf}
        for kind, pair in pairs.items():
            for threads in (1, os.cpu_count() or 1):
                torch.set_num_threads(threads)
                seconds, found = timed(lambda: ours(truth, predicted))
                best["ours"] = min(best["ours"], seconds)
                seconds, expected = timed(lambda pair=pair: peer(*pair))
                best["peer"] = min(best["peer"], seconds)
                wrong = {k: (found[k], v) for k, v in expected.items() if abs(found[k] - v) > 1e-5 * max(1.0, abs(v))}
                if wrong:
                    same = False
                    print(f"{what}: numbers differ ({kind}): {wrong}", file=sys.stderr)
        if number:
            line.ours.append(best["ours"])
            line.peer.append(best["peer"])
    return line, same


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder that holds brats; default: LAUDO_DATA")
    parser.add_argument("--cases", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    data = options.data or (Path(os.environ["LAUDO_DATA"]) if os.environ.get("LAUDO_DATA") else None)
    lines: dict[str, list[Line]] = {"fair": [], "poor": []}
    same = True
    for seed, (name, truth) in enumerate(truths(data, options.cases)):
        for kind, by, specks in (("fair", 1.5, 0), ("poor", 8.0, 30)):
            line, equal = compare(f"{name} {kind}", truth, bent(truth, by, specks, seed), options.rounds)
            lines[kind].append(line)
            same &= equal
            if not options.json:
                print(line.text(), flush=True)
    least = {kind: min(line.ratio for line in some) for kind, some in lines.items()}
    failed = not same or least["fair"] < CLAIM
    if options.json:
        found = [{**asdict(one), "ratio": one.ratio} for some in lines.values() for one in some]
        print(json.dumps({"lines": found, "least": least, "same": same, "failed": failed}))
        return int(failed)
    print(f"{os.cpu_count()} cores, medians of {options.rounds} rounds; the same numbers: {'yes' if same else 'NO'}")
    print(f"least ratio: fair {least['fair']:.1f} (claim: {CLAIM:g}), poor {least['poor']:.1f}")
    if failed:
        print("FAILED: the numbers differ, or laudo is less than 10 times as fast")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
