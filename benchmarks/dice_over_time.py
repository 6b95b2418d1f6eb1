"""Dice against minutes of training: laudo's recipe `hippocampus-unet3d` beside nnU-Net, on the same held-out cases and machine.

Both train on fold 0 of nnU-Net's own five-fold split and are asked after so many minutes for the masks of its held-out cases; laudo
takes its validation part out of what nnU-Net trains on. On the clock is the training alone: of nnU-Net its steps, of laudo its
epochs with their validation. Both are scored by laudo on the files that they write. nnU-Net trains with its defaults
(``3d_fullres``); laudo by `laudo train --max-minutes`, and goes on with `--resume`.

Exit status: 1 when laudo's mean Dice is below nnU-Net's at any of the times.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from laudo.core.recipe_file import load_recipe
from laudo.core.run import Run
from laudo.evaluate.mask_scoring import score_masks
from laudo.sources.named_manifest import open_manifest
from laudo.sources.table import import_manifest

HERE = Path(__file__).resolve().parent
DATASET = 4
NAME = "Dataset004_Hippocampus"
FINISHED_OR_STOPPED = (0, 3)
"""Exit codes of a training that came to its end, or to the end of its minutes."""
STRUCTURES = {"anterior": (1,), "posterior": (2,)}


def peer_layout(data: Path, folder: Path) -> dict[str, str]:
    """Write the raw folder of nnU-Net, as links; the environment that it needs."""
    raw = folder / "raw" / NAME
    for kind, ending in (("imagesTr", "_0000.nii.gz"), ("labelsTr", ".nii.gz")):
        (raw / kind).mkdir(parents=True)
        for path in sorted((data / kind).glob("*.nii.gz")):
            (raw / kind / path.name.replace(".nii.gz", ending)).symlink_to(path.resolve())
    facts = {
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, "anterior": 1, "posterior": 2},
        "numTraining": len(list((raw / "labelsTr").iterdir())),
        "file_ending": ".nii.gz",
    }
    (raw / "dataset.json").write_text(json.dumps(facts), encoding="utf-8")
    places = {"nnUNet_raw": "raw", "nnUNet_preprocessed": "preprocessed", "nnUNet_results": "results"}
    return {**os.environ, **{key: str(folder / place) for key, place in places.items()}}


def train_peer(python: str, data: Path, folder: Path, minutes: list[float]) -> None:
    """nnU-Net, in its own environment."""
    command = [python, str(HERE / "dice_over_time_nnunet.py"), "--dataset", str(DATASET), "--out", str(folder / "peer")]
    subprocess.run([*command, "--minutes", *map(str, minutes)], env=peer_layout(data, folder), check=True)


def write_manifest(data: Path, folder: Path) -> None:
    """The peer's held-out cases as test part, an eighth of the others as validation part."""
    held_out = set(json.loads((folder / "peer" / "held_out.json").read_text()))
    manifest = import_manifest("msd", data)
    samples = manifest.table["sample"].to_numpy()
    others = [sample for sample in samples if sample not in held_out]
    chosen = set(np.random.default_rng(0).permutation(others)[: max(2, len(others) // 8)])
    parts = ["test" if s in held_out else "val" if s in chosen else "train" for s in samples]
    manifest.with_columns(split=parts).with_seed(0).save(folder / "manifest" / "manifest.parquet")
    assert len(open_manifest(folder / "manifest" / "manifest.parquet")) == len(samples)


def train_ours(data: Path, folder: Path, minutes: list[float], settings: list[str]) -> None:
    """laudo, on the same split, one stretch after the other; the masks of each are kept. Goes on with what the folder holds."""
    if not (folder / "manifest").is_dir():
        write_manifest(data, folder)
    run = Run(folder / "ours")
    for mark in minutes:
        place = folder / "ours-at" / f"{mark:g}"
        if (place / "steps.json").is_file():
            continue
        train_until(run, mark * 60, folder / "manifest", settings)
        place.mkdir(parents=True, exist_ok=True)
        for path in run.masks_folder("test").iterdir():
            (place / path.name).write_bytes(path.read_bytes())
        steps = len(run.log()) * run.recipe().training.patch.steps
        (place / "steps.json").write_text(json.dumps({"steps": steps, "seconds": trained_seconds(run)}))


def train_until(run: Run, seconds: float, manifest: Path, settings: list[str]) -> None:
    """Train as many whole epochs as end before so many seconds; the first one shows how long they are."""
    while True:
        log = run.log() if run.recipe_path.is_file() else []
        longest = max((line["seconds"] for line in log), default=0.0)
        left = seconds - trained_seconds(run) - longest if log else 1.0
        if left <= 0:
            return
        options = ["--out", str(run.folder), "--max-minutes", f"{left / 60:.3f}", *(["--resume"] if log else [])]
        changes = [part for one in ["split.by=official", *settings] for part in ("--set", one)]
        command = [sys.executable, "-m", "laudo", "train", "hippocampus-unet3d", "--data", str(manifest)]
        done = subprocess.run([*command, *options, *changes], stdout=subprocess.DEVNULL)
        if done.returncode not in FINISHED_OR_STOPPED:
            raise RuntimeError(f"laudo train ended with {done.returncode}")
        if run.state()["state"] == "finished":
            return


def trained_seconds(run: Run) -> float:
    """Seconds of all epochs, their validation included."""
    return float(sum(line["seconds"] for line in run.log()))


def mean_dice(masks: Path, data: Path) -> tuple[float, list[float], int]:
    """Mean over structures and cases, that of each structure, and the number of cases."""
    found = []
    for path in sorted(masks.glob("*.nii.gz")):
        truth, mask = (nibabel.load(one) for one in (data / "labelsTr" / path.name, path))
        spacing = tuple(float(side) for side in truth.header.get_zooms()[:3])
        true, predicted = (np.asarray(one.dataobj).astype(np.uint8) for one in (truth, mask))
        scores = score_masks(true, predicted, STRUCTURES, spacing)
        found.append([scores[f"dice:{name}"] for name in STRUCTURES])
    each = np.nanmean(np.array(found), axis=0)
    return float(each.mean()), [float(value) for value in each], len(found)


def main() -> int:
    """Run both, print the curve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, help="folder with imagesTr and labelsTr; default: hippocampus in LAUDO_DATA"
    )
    parser.add_argument("--peer-python", required=True, help="python of an environment with nnunetv2")
    parser.add_argument("--minutes", type=float, nargs="+", default=[5, 10, 20])
    parser.add_argument("--folder", type=Path, help="where to keep everything; default: a temporary one")
    parser.add_argument("--set", action="append", default=[], dest="settings", help="change of the recipe")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    data = options.data or Path(os.environ["LAUDO_DATA"]) / "hippocampus"
    minutes = sorted(options.minutes)
    with tempfile.TemporaryDirectory(prefix="laudo-bench-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "peer" / f"{minutes[-1]:g}" / "steps.json").is_file():
            train_peer(options.peer_python, data, folder, minutes)
        train_ours(data, folder, minutes, options.settings)
        rows: list[dict[str, Any]] = []
        for mark in minutes:
            row: dict[str, Any] = {"minutes": mark}
            for side, place in (("ours", "ours-at"), ("peer", "peer")):
                masks = folder / place / f"{mark:g}"
                dice, each, n = mean_dice(masks, data)
                row[side] = {"dice": dice, "each": each, "n": n, **json.loads((masks / "steps.json").read_text())}
            rows.append(row)
    ok = all(row["ours"]["dice"] >= row["peer"]["dice"] for row in rows)
    if options.json:
        print(json.dumps({"rows": rows, "ok": ok, "recipe": load_recipe("hippocampus-unet3d").name}))
        return 0 if ok else 1
    for row in rows:
        ours, peer = row["ours"], row["peer"]
        print(
            f"{row['minutes']:g} min: laudo Dice {ours['dice']:.3f} after {ours['steps']} steps in {ours['seconds'] / 60:.1f} min; "
            f"nnU-Net {peer['dice']:.3f} after {peer['steps']} steps (n = {ours['n']}, {peer['n']})"
        )
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
