"""A volume of 240 × 240 × 155 voxels and four channels segmented window by window: laudo against MONAI's sliding window.

Both ask the same network, MONAI's DynUNet with fixed random weights, as it is and as laudo builds it, in windows of 96³ that
overlap by half, with Gaussian weights. The peer is ``monai.inferers.sliding_window_inference`` in single precision, as its users
run it on a processor. laudo runs in the precision that ``auto`` chooses, and once more in single precision. All take turns in one
process; the median of the turns' ratios counts. The volume is a BraTS case where ``--data`` (or LAUDO_DATA) has one, else a
phantom; its grey levels are standardised inside the brain, and nothing is cropped.

The checks: in single precision every logit is within 1e-4 of the peer's; in bfloat16 the winning output is the same in more than
99.5 % of the voxels in which the peer's two best logits differ by more than a tenth of the logits' standard deviation.

Exit status: 1 when a check fails or the median ratio of the chosen precision is below 2.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from monai.inferers import sliding_window_inference
from monai.networks.nets import DynUNet
from torch import Tensor

from laudo.core.recipe import Network, PrepareVolume
from laudo.networks.precision import Precision, autocast, choose_device, choose_precision
from laudo.networks.segmentation_table import build_segmenter
from laudo.networks.segmenter import Segmenter
from laudo.predict.sliding_window import sliding_window
from laudo.prepare.volume import prepare_volume
from laudo.sources.phantom_volume import MODALITIES
from laudo.sources.phantom_volume_layouts import write_brats

WINDOW = (96, 96, 96)
OVERLAP = 0.5
OUTPUTS = 4
LEAST_RATIO = 2.0
MOST_APART = 1e-4
"""Largest difference of two logits in single precision."""
CLEAR = 0.1
"""Margin between the two best logits, as a share of the logits' standard deviation, from which on the labels must agree."""
LEAST_AGREEMENT = 0.995


@dataclass
class Row:
    """One way of ours.

    Attributes:
        name: what it is.
        seconds: of each turn, and the peer's of the same turn.
        checks: what was compared, and how far apart it is.
        passed: whether that is near enough.
    """

    name: str
    seconds: list[tuple[float, float]] = field(default_factory=list)
    checks: dict[str, float] = field(default_factory=dict)
    passed: bool = True

    @property
    def ratio(self) -> float:
        """Median over the turns."""
        return statistics.median(peer / ours for ours, peer in self.seconds)

    def text(self) -> str:
        """One line of the output."""
        ours, peer = (statistics.median(column) for column in zip(*self.seconds, strict=True))
        checks = ", ".join(f"{name} {value:.3g}" for name, value in self.checks.items())
        return f"{self.name:28s} ours {ours:7.2f} s   peer {peer:7.2f} s   ratio {self.ratio:5.2f}   {checks}"


def networks(filters: tuple[int, ...]) -> tuple[torch.nn.Module, Segmenter]:
    """The peer's network, MONAI's DynUNet (that of nnU-Net) for four channels, and laudo's ``dynunet``: the same random weights."""
    torch.manual_seed(0)
    levels = len(filters)
    strides = [1] + [2] * (levels - 1)
    norm = ("INSTANCE", {"affine": True})
    peer = DynUNet(3, 4, OUTPUTS, [3] * levels, strides, strides[1:], filters=filters, norm_name=norm)
    ours = build_segmenter(Network(backbone="dynunet", filters=filters), 4, OUTPUTS, 0, WINDOW)
    layers = {name: value for name, value in peer.state_dict().items() if not name.startswith("skip_layers")}
    ours.network.get_submodule("model").load_state_dict(layers)
    return peer.eval(), ours.eval()


def case(data: Path | None) -> tuple[Tensor, str]:
    """(4, 240, 240, 155) standardised volume and where it is from."""
    found = sorted((data / "brats").glob("*/*_flair.nii.gz")) if data else []
    with tempfile.TemporaryDirectory(prefix="laudo-bench-") as folder:
        if not found:
            write_brats(Path(folder), 1, size=240)
            found = sorted(Path(folder).glob("*/*_flair.nii.gz"))
        first = found[0]
        paths = [first.with_name(first.name.replace("flair", name)) for name in MODALITIES]
        image = prepare_volume(paths, [], PrepareVolume()).image
    return torch.from_numpy(image), first.parent.name


def timed(function: Callable[[], Tensor]) -> tuple[float, Tensor]:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    started = time.perf_counter()
    found = function()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started, found


def compare(row: Row, ours: Tensor, peer: Tensor, precision: Precision) -> None:
    """Write down how far the two are apart."""
    apart = float((ours - peer).abs().max())
    row.checks["largest difference"] = apart
    if precision == "fp32":
        row.passed &= apart <= MOST_APART
        return
    best = peer.topk(2, dim=0).values
    clear = best[0] - best[1] > CLEAR * float(peer.std())
    same = ours.argmax(dim=0) == peer.argmax(dim=0)
    row.checks["clear voxels"] = float(clear.float().mean())
    row.checks["agreement there"] = float(same[clear].float().mean())
    row.checks["agreement everywhere"] = float(same.float().mean())
    row.passed &= row.checks["agreement there"] > LEAST_AGREEMENT


def measure(volume: Tensor, filters: tuple[int, ...], turns: int, batch: int) -> list[Row]:
    """The peer and ours in turn."""
    device = choose_device()
    volume = volume.to(device)
    theirs, mine = (one.to(device) for one in networks(filters))
    chosen = choose_precision("auto", device)
    ways: list[Precision] = ["bf16", "fp32"] if chosen == "bf16" else ["fp32"]
    rows = [Row(f"laudo, {precision}") for precision in ways]

    def peer() -> Tensor:
        with torch.inference_mode():
            found = sliding_window_inference(volume[None], WINDOW, batch, theirs, overlap=OVERLAP, mode="gaussian")
        return found[0]  # type: ignore[no-any-return, index]

    def ours(precision: Precision) -> Tensor:
        return sliding_window(
            lambda windows: mine(windows).mask, volume, WINDOW, overlap=OVERLAP, batch=batch, precision=precision
        )

    with torch.inference_mode():  # each network once, so that nothing is set up within the first turn
        theirs(volume[None, :, :96, :96, :96])
        for precision in ways:
            with autocast(device, precision):
                mine(volume[None, :, :96, :96, :96])
    for turn in range(turns):
        seconds, expected = timed(peer)
        for row, precision in zip(rows, ways, strict=True):
            own, found = timed(partial(ours, precision))
            row.seconds.append((own, seconds))
            if turn == 0:
                compare(row, found, expected, precision)
            print(f"turn {turn + 1}: {row.name} {own:.1f} s, peer {seconds:.1f} s", file=sys.stderr, flush=True)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder that holds brats; default: LAUDO_DATA, else a phantom")
    parser.add_argument("--filters", type=int, nargs="+", default=[16, 32, 64, 128], help="channels of each level")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--batch", type=int, default=1, help="windows at once, of both")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    data = options.data or (Path(os.environ["LAUDO_DATA"]) if os.environ.get("LAUDO_DATA") else None)
    volume, name = case(data)
    rows = measure(volume, tuple(options.filters), options.turns, options.batch)
    failed = not all(row.passed for row in rows) or rows[0].ratio < LEAST_RATIO
    facts: dict[str, Any] = {
        "case": name,
        "shape": list(volume.shape),
        "device": str(choose_device()),
        "threads": torch.get_num_threads(),
        "turns": options.turns,
    }
    if options.json:
        lines = [{"name": row.name, "ratio": row.ratio, "seconds": row.seconds, **row.checks} for row in rows]
        print(json.dumps({**facts, "rows": lines, "failed": failed}))
        return int(failed)
    print(", ".join(f"{key} {value}" for key, value in facts.items()))
    for row in rows:
        print(row.text())
    if failed:
        print(f"FAILED: the answers differ, or the first ratio is below {LEAST_RATIO:g}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
