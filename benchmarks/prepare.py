"""Preparing images and reading them again: laudo's caches against those of MONAI.

In one process and in turn, several rounds, medians:

* building a cache: images (or volumes) per second of ``prepare`` against MONAI's ``PersistentDataset``;
* an epoch from the cache: pictures in shuffled batches of 32, and a patch of each volume in shuffled batches of 4, against MONAI's
  ``CacheDataset`` (everything decoded, in memory) and ``PersistentDataset`` (from disk).

The peer runs in its own ``DataLoader`` without workers (torch with one thread, and with all) and with two, and its best time
counts. laudo compares checksums in its first epoch, which is among the rounds. Pictures go through the same
function in both, so that the same pixels come out; volumes go through each one's own transforms (orientation, resampling to a finer
spacing, intensities). That both give the same arrays is checked before anything is timed.

Last, in processes of their own, the peak memory of preparing 1,000 and 20,000 pictures.

Exit status: 1 when arrays differ, when laudo is behind in any line, or when memory grows.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from scipy import ndimage

from laudo.core.environment import file_hash
from laudo.core.manifest import Manifest
from laudo.core.recipe import Prepare, PrepareVolume
from laudo.prepare.cache import PreparedImages, prepare_images
from laudo.prepare.transform import prepare_file
from laudo.prepare.volume_cache import PreparedVolumes, prepare_volumes
from laudo.sources import phantom_brain
from laudo.train.inputs import ImageInputs, Part, loader

PICTURES = Prepare(height=224, width=224, colour="rgb", intensity="percentile")
SPACING_MM = 0.6
VOLUMES = Prepare(volume=PrepareVolume(spacing_mm=(SPACING_MM,) * 3, intensity="zscore", crop="none"))
BATCH = 32
VOLUME_BATCH = 4
PATCH = (48, 48, 48)
WAYS = ((0, 1), (0, 0), (2, 1))
"""Ways in which the peer is run: workers of its ``DataLoader``, and threads of torch (0: as many as torch takes)."""
MEMORY = (1_000, 20_000)
MEMORY_GROWTH_MIB = 64
"""Largest difference of the two peaks: names and hashes of 19,000 more pictures; the pictures themselves would be 223 MiB."""


@dataclass
class Line:
    """One comparison: units per second of both, a value a round."""

    what: str
    peer_name: str
    unit: str
    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Median of the rounds' ratios."""
        return statistics.median(o / p for o, p in zip(self.ours, self.peer, strict=True))

    def text(self) -> str:
        """In one line."""
        ours, peer = statistics.median(self.ours), statistics.median(self.peer)
        return (
            f"{self.what:34s} ours {ours:8.1f} {self.unit}/s   peer {peer:8.1f} {self.unit}/s ({self.peer_name})   "
            f"ratio {self.ratio:.2f}"
        )


# data -------------------------------------------------------------------------------------------------------


def pictures(data: Path | None, n: int, folder: Path) -> Manifest:
    """``n`` real breast ultrasound images from ``data``, or as many phantom slices."""
    root = data / "bus_uc" if data else folder / "pictures"
    files = sorted(root.glob("*/images/*.png")) if data else []
    if not files:
        root = folder / "pictures"
        phantom_brain.write(root, n, seed=0, size=256)
        files = sorted([*root.glob("yes/*.png"), *root.glob("no/*.png")])
    return manifest_of(root, [(path, None) for path in files[:n]])


def volumes(data: Path | None, n: int, folder: Path) -> Manifest:
    """``n`` real hippocampus volumes with their masks from ``data``, or as many made of noise."""
    root = data / "hippocampus" if data else folder / "volumes"
    files = sorted(path for path in (root / "imagesTr").glob("*.nii.gz") if not path.name.startswith("."))[:n]
    if not files:
        root = folder / "volumes"
        files = [make_volume(root, number) for number in range(n)]
    return manifest_of(root, [(path, root / "labelsTr" / path.name) for path in files])


def make_volume(root: Path, number: int) -> Path:
    """Smooth noise of a hippocampus volume's size, and a mask."""
    rng = np.random.default_rng(number)
    shape = tuple(int(side) for side in rng.integers((32, 45, 30), (40, 55, 42)))
    smooth = ndimage.gaussian_filter(rng.normal(size=shape), 2)
    arrays = {
        "imagesTr": (300 + 2000 * smooth + 20 * rng.normal(size=shape)).astype(np.float32),
        "labelsTr": (smooth > 0.1).astype(np.uint8),
    }
    for name, array in arrays.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), root / name / f"v{number:03d}.nii.gz")
    return root / "imagesTr" / f"v{number:03d}.nii.gz"


def manifest_of(root: Path, files: Sequence[tuple[Path, Path | None]]) -> Manifest:
    rows = [
        {
            "sample": str(image.relative_to(root)),
            "image": str(image.relative_to(root)),
            "mask": str(mask.relative_to(root)) if mask else "",
            "sha256": file_hash(image),
            "mask_sha256": file_hash(mask) if mask else "",
        }
        for image, mask in files
    ]
    return Manifest.from_rows(rows, root, "benchmark", ())


# the peer ---------------------------------------------------------------------------------------------------


def picture_item(path: str) -> torch.Tensor:
    """What the peer caches of a picture: the same pixels, channels first."""
    return torch.from_numpy(prepare_file(Path(path), PICTURES)).permute(2, 0, 1).contiguous()


def volume_transforms() -> list[Any]:
    """The peer's own transforms that do what the recipe does."""
    from monai import transforms as t

    keys = ["image", "mask"]
    return [
        t.LoadImaged(keys),
        t.EnsureChannelFirstd(keys),
        t.Orientationd(keys, axcodes="RAS"),
        t.NormalizeIntensityd("image"),
        t.Spacingd(keys, pixdim=(SPACING_MM,) * 3, mode=("bilinear", "nearest")),
        t.CastToTyped(keys, dtype=(torch.float32, torch.uint8)),
    ]


def patch_transform() -> Any:
    """A random patch of image and mask, zero where the volume ends."""
    from monai import transforms as t

    keys = ["image", "mask"]
    return t.Compose([t.SpatialPadd(keys, PATCH), t.RandSpatialCropd(keys, PATCH, random_size=False)])


def build_peer(items: list[Any], transform: Any, folder: Path, workers: int) -> Any:
    """Build a ``PersistentDataset``'s files; nothing is sent back from the workers."""
    from monai.data import DataLoader, PersistentDataset

    dataset = PersistentDataset(items, transform, cache_dir=folder)
    for _done in DataLoader(dataset, batch_size=BATCH, num_workers=workers, collate_fn=len):
        pass
    return dataset


# timing -----------------------------------------------------------------------------------------------------


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def best(work: Callable[[str, int], object]) -> float:
    """The peer's best time of several ways to run it; ``work`` takes a name for the way and the number of workers."""
    most, times = torch.get_num_threads(), []
    for workers, threads in WAYS:
        torch.set_num_threads(threads or most)
        times.append(seconds(lambda way=f"{workers}-{threads}", workers=workers: work(way, workers)))
    torch.set_num_threads(most)
    return min(times)


def drain(batches: Iterator[Any]) -> None:
    for _batch in batches:
        pass


def compare_pictures(manifest: Manifest, rounds: int, folder: Path) -> list[Line]:
    from monai.data import CacheDataset, DataLoader, PersistentDataset
    from monai.transforms import Lambda

    items = [str(path) for path in manifest.paths]
    n = len(items)
    transform = Lambda(picture_item)  # a bare function would count as random, and never be cached
    build = Line(f"building, {n} pictures", "PersistentDataset", "images")
    for turn in range(rounds):
        build.ours.append(n / seconds(lambda turn=turn: prepare_images(manifest, PICTURES, folder / f"ours-{turn}")))
        build.peer.append(
            n / best(lambda way, w, turn=turn: build_peer(items, transform, folder / f"peer-{turn}-{way}", w))
        )
    from_disk = PersistentDataset(items, transform, cache_dir=folder / "peer-0-0-1")
    from_memory = CacheDataset(items, transform, progress=False)
    ours = prepare_images(manifest, PICTURES, folder / "ours-0")
    same_pictures(ours, from_disk, from_memory)
    part = Part(ImageInputs(ours), np.arange(n), np.zeros(n, dtype=np.int64))
    lines = [build]
    for name, dataset in (("CacheDataset", from_memory), ("PersistentDataset", from_disk)):
        line = Line(f"an epoch, {n} pictures, batches of {BATCH}", name, "images")
        for turn in range(rounds):
            line.ours.append(n / seconds(lambda turn=turn: drain(iter(loader(part, BATCH, turn)))))
            line.peer.append(
                n
                / best(
                    lambda _way, w, dataset=dataset: drain(
                        iter(DataLoader(dataset, batch_size=BATCH, shuffle=True, num_workers=w))
                    )
                )
            )
        lines.append(line)
    return lines


def compare_volumes(manifest: Manifest, rounds: int, folder: Path) -> list[Line]:
    from monai.data import CacheDataset, DataLoader, PersistentDataset
    from monai.transforms import Compose

    items = [
        {"image": str(manifest.image_paths(index)[0]), "mask": str(manifest.mask_paths(index)[0])}
        for index in range(len(manifest))
    ]
    n = len(items)
    transform = Compose(volume_transforms())
    build = Line(f"building, {n} volumes", "PersistentDataset", "volumes")
    for turn in range(rounds):
        build.ours.append(n / seconds(lambda turn=turn: prepare_volumes(manifest, VOLUMES, folder / f"vours-{turn}")))
        build.peer.append(
            n / best(lambda way, w, turn=turn: build_peer(items, transform, folder / f"vpeer-{turn}-{way}", w))
        )
    both = Compose([*volume_transforms(), *patch_transform().transforms])
    from_disk = PersistentDataset(items, both, cache_dir=folder / "vpeer-patches")
    from_memory = CacheDataset(items, both, progress=False)
    ours = prepare_volumes(manifest, VOLUMES, folder / "vours-0")
    same_volumes(ours, PersistentDataset(items, transform, cache_dir=folder / "vpeer-0-0-1"))
    if not np.allclose(ours.affine(0), np.asarray(transform(items[0])["image"].affine), atol=1e-4):
        sys.exit("the volumes lie elsewhere than the peer's")
    drain(iter(DataLoader(from_disk, batch_size=VOLUME_BATCH)))  # its files are made before it is timed
    lines = [build]
    for name, dataset in (("CacheDataset", from_memory), ("PersistentDataset", from_disk)):
        line = Line(f"an epoch, a patch of each of {n} volumes", name, "patches")
        for turn in range(rounds):
            line.ours.append(n / seconds(lambda turn=turn: patches(ours, turn)))
            line.peer.append(
                n
                / best(
                    lambda _way, w, dataset=dataset: drain(
                        iter(DataLoader(dataset, batch_size=VOLUME_BATCH, shuffle=True, num_workers=w))
                    )
                )
            )
        lines.append(line)
    return lines


def patches(prepared: PreparedVolumes, seed: int) -> None:
    """A random patch of image and mask of each volume, in shuffled batches."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(prepared))
    for start in range(0, len(order), VOLUME_BATCH):
        chosen = order[start : start + VOLUME_BATCH].tolist()
        starts = [
            [
                int(rng.integers(0, max(1, side - most + 1)))
                for side, most in zip(prepared.shape(i)[1:], PATCH, strict=True)
            ]
            for i in chosen
        ]
        torch.from_numpy(prepared.patches(chosen, starts, PATCH))
        torch.from_numpy(np.stack([prepared.mask_patch(i, s, PATCH) for i, s in zip(chosen, starts, strict=True)]))


def same_pictures(ours: PreparedImages, *peers: Any) -> None:
    for index in range(0, len(ours), max(1, len(ours) // 50)):
        pixels = ours.read([index])[0].transpose(2, 0, 1)
        for peer in peers:
            if not np.array_equal(pixels, np.asarray(peer[index])):
                sys.exit(f"picture {index} differs from the peer's")


def same_volumes(ours: PreparedVolumes, peer: Any) -> None:
    for index in range(0, len(ours), max(1, len(ours) // 10)):
        item = peer[index]
        image, mask = np.asarray(item["image"]), np.asarray(item["mask"])[0]
        if image.shape != ours.shape(index):
            sys.exit(f"volume {index}: shape {ours.shape(index)}, the peer's {image.shape}")
        difference = float(np.abs(ours.read(index) - image).max())
        marked = float((ours.mask(index) != mask).mean())
        if difference > 1e-3 or marked > 2e-3:
            sys.exit(
                f"volume {index} differs from the peer's by {difference:.1e}, its mask in {marked:.2%} of the voxels"
            )


# memory -----------------------------------------------------------------------------------------------------


def peak_memory(n: int, folder: Path) -> float:
    """MiB by which preparing ``n`` pictures raises the peak of a process."""
    command = [sys.executable, __file__, "--prepare-only", str(n), "--work", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def prepare_only(n: int, folder: Path) -> None:
    """Prepare ``n`` pictures of 64 × 64 pixels, hard links of a few files under hashes of their own; print how the peak rose."""
    import resource

    import psutil
    from PIL import Image

    root = folder / f"links-{n}"
    root.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(min(n, 100)):
        Image.fromarray(rng.integers(0, 256, (64, 64), dtype=np.uint8)).save(root / f"{number:06d}.png")
    for number in range(100, n):
        os.link(root / f"{number % 100:06d}.png", root / f"{number:06d}.png")
    before = psutil.Process().memory_info().rss
    rows = [{"sample": f"{i:06d}", "image": f"{i:06d}.png", "sha256": f"{i:064x}"} for i in range(n)]
    manifest = Manifest.from_rows(rows, root, "benchmark", ())
    prepare_images(manifest, Prepare(height=64, width=64, colour="rgb"), folder / f"cache-{n}")
    print(max(0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before / 2**20))


# command line -----------------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder that holds bus_uc and hippocampus; default: LAUDO_DATA")
    parser.add_argument("--pictures", type=int, default=800)
    parser.add_argument("--volumes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["pictures", "volumes", "memory"])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--prepare-only", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.prepare_only:
        prepare_only(options.prepare_only, options.work)
        return 0
    warnings.filterwarnings("ignore")
    data = options.data or (Path(os.environ["LAUDO_DATA"]) if os.environ.get("LAUDO_DATA") else None)
    lines: list[Line] = []
    peaks: dict[int, float] = {}
    with tempfile.TemporaryDirectory(prefix="laudo-bench-") as name:
        work = Path(name)
        if options.only in {None, "pictures"}:
            lines += compare_pictures(pictures(data, options.pictures, work), options.rounds, work)
        if options.only in {None, "volumes"}:
            lines += compare_volumes(volumes(data, options.volumes, work), options.rounds, work)
        if options.only in {None, "memory"}:
            peaks = {n: peak_memory(n, work) for n in MEMORY}
    growth = peaks[MEMORY[1]] - peaks[MEMORY[0]] if peaks else 0.0
    failed = any(line.ratio < 1 for line in lines) or growth > MEMORY_GROWTH_MIB
    if options.json:
        found = [{**asdict(line), "ratio": line.ratio} for line in lines]
        print(json.dumps({"lines": found, "peak_mib": peaks, "growth_mib": growth, "failed": failed}))
        return int(failed)
    print(f"{os.cpu_count()} cores, medians of {options.rounds} rounds, torch threads {torch.get_num_threads()}")
    for line in lines:
        print(line.text())
    for n, peak in peaks.items():
        print(f"memory that preparing {n:6d} pictures takes at its peak: {peak:.0f} MiB")
    if peaks:
        print(f"difference of the two: {growth:.0f} MiB (at most {MEMORY_GROWTH_MIB})")
    if failed:
        print("FAILED: laudo is behind, or its memory grows")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
