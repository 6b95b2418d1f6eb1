"""MONAI transforms and an inferer that do what laudo does around a network. The classes are copied into each bundle's `scripts`."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.inferers.inferer import SlidingWindowInferer
from monai.transforms.transform import MapTransform
from PIL import Image, ImageOps

from laudo.core.structures import Structures
from laudo.predict.mask_model import class_by_mask
from laudo.predict.outline import volume_mask_back
from laudo.predict.post_process import PostProcessing
from laudo.prepare.geometry import Geometry
from laudo.prepare.mask_back import picture_mask_back
from laudo.prepare.transform import prepare_array

Data = Mapping[Hashable, Any]
GEOMETRY = "laudo_geometry"
"""Where an image's metadata say how it was prepared."""


def prepare_arrays(arrays: Sequence[np.ndarray], affine: np.ndarray) -> Any:
    """In a bundle the function of its `preparation.py`."""
    raise RuntimeError(f"a bundle has its own: {len(arrays)} {affine.shape}")


SETTINGS: Any = None
"""In a bundle the settings of its `preparation.py`."""


class PrepareVolumed(MapTransform):
    """(C, X, Y, Z) volumes whose axes run to right, front and head, to what the network was trained on."""

    def __call__(self, data: Data) -> dict[Hashable, Any]:
        """Prepare each key."""
        done = dict(data)
        for key in self.key_iterator(done):
            image = done[key]
            affine = np.asarray(image.affine, dtype=np.float64)
            prepared = prepare_arrays(list(np.asarray(image)), affine)
            meta = {name: value for name, value in image.meta.items() if name != "affine"}
            meta[GEOMETRY] = json.dumps(prepared.geometry.as_dict())
            pixels = torch.from_numpy(np.ascontiguousarray(prepared.image)).float()
            done[key] = MetaTensor(pixels, affine=torch.as_tensor(prepared.geometry.affine), meta=meta)
        return done


class OutlineVolumed(MapTransform):
    """(N × K, X, Y, Z) logits of N networks on the prepared grid to the (1, X, Y, Z) label map on the image's own grid.

    Args:
        keys: of the logits.
        structures: what the outputs stand for, as in model.json.
        post_processing: the same.
        image_key: whose metadata say how it was prepared.
    """

    def __init__(
        self, keys: str, structures: dict[str, Any], post_processing: dict[str, Any], image_key: str = "image"
    ) -> None:
        super().__init__(keys)
        self.structures = Structures.from_dict(structures)
        self.post_processing = PostProcessing.from_dict(post_processing)
        self.image_key = image_key

    def __call__(self, data: Data) -> dict[Hashable, Any]:
        """Outline each key."""
        done = dict(data)
        for key in self.key_iterator(done):
            meta = {name: value for name, value in done[self.image_key].meta.items() if name != "affine"}
            geometry = Geometry.from_dict(json.loads(meta.pop(GEOMETRY)))
            masks, _classes = mean_probabilities(done[key], self.structures)
            spacing_mm = [float(side) for side in np.linalg.norm(geometry.input_affine[:3, :3], axis=0)]
            written = self.structures.written(volume_mask_back(masks, geometry))
            label_map = torch.from_numpy(self.post_processing.apply(written, spacing_mm).astype(np.int16))[None]
            done[key] = MetaTensor(label_map, affine=torch.as_tensor(geometry.input_affine), meta=meta)
        return done


class MirroredWindows(SlidingWindowInferer):
    """Sliding windows, each the mean over its mirror images.

    Args:
        mirror_axes: axes along which a window is mirrored too.
        options: of :class:`monai.inferers.SlidingWindowInferer`.
    """

    def __init__(self, mirror_axes: Sequence[int], **options: Any) -> None:
        super().__init__(**options)
        axes = tuple(mirror_axes)
        self.turns = [
            [axis + 2 for axis in chosen] for count in range(len(axes) + 1) for chosen in combinations(axes, count)
        ]

    def __call__(self, inputs: Any, network: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Mean logits of all windows over each voxel."""

        def mean(window: torch.Tensor) -> torch.Tensor:
            found = [network(window.flip(dims)).flip(dims) if dims else network(window) for dims in self.turns]
            return found[0] if len(found) == 1 else torch.stack(found).mean(dim=0)

        return super().__call__(inputs, mean, *args, **more)


class PreparePictured(MapTransform):
    """Paths of pictures to (C, H, W) pixels of 0 to 255 as the network was trained on."""

    def __call__(self, data: Data) -> dict[Hashable, Any]:
        """Read and prepare each key."""
        done = dict(data)
        for key in self.key_iterator(done):
            path = Path(done[key])
            pixels = np.ascontiguousarray(prepare_array(read_picture(path), SETTINGS).transpose(2, 0, 1))
            done[key] = MetaTensor(torch.from_numpy(pixels).float(), meta={"filename_or_obj": str(path)})
        return done


class OutlinePictured(MapTransform):
    """(N × K, H, W) logits of N networks to the label map on the picture's own pixels, written as PNG.

    Logits of classes follow those of the outputs, as maps of one value each, where the network has a head for them.

    Args:
        keys: of the logits.
        structures: what the outputs stand for, as in model.json.
        post_processing: the same.
        output_dir: folder of the label maps, and of the table predictions.csv.
        label_head: whether logits of classes follow.
    """

    def __init__(
        self,
        keys: str,
        structures: dict[str, Any],
        post_processing: dict[str, Any],
        output_dir: str,
        label_head: bool = False,
    ) -> None:
        super().__init__(keys)
        self.structures = Structures.from_dict(structures)
        self.post_processing = PostProcessing.from_dict(post_processing)
        self.output_dir = Path(output_dir)
        self.label_head = label_head

    def __call__(self, data: Data) -> dict[Hashable, Any]:
        """Outline each key."""
        done = dict(data)
        for key in self.key_iterator(done):
            path = Path(done["image"].meta["filename_or_obj"])
            labels = len(self.structures.names) if self.label_head else 0
            masks, classes = mean_probabilities(done[key], self.structures, labels)
            written = self.structures.written(picture_mask_back(masks, read_picture(path), SETTINGS))
            label_map = self.post_processing.apply(written, (1.0, 1.0))
            self.output_dir.mkdir(parents=True, exist_ok=True)
            target = self.output_dir / f"{path.stem}.png"
            Image.fromarray(label_map.astype(np.uint8)).save(target)
            if classes is None and self.structures.of_label:
                classes = class_by_mask(masks)
            row: dict[str, Any] = {"file": str(path), "mask": target.name}
            if classes is not None:
                row |= named_probabilities(self.structures.names, classes)
                row["predicted"] = self.structures.names[int(np.argmax(classes))]
            append_row(self.output_dir / "predictions.csv", row)
            done[key] = torch.from_numpy(label_map.astype(np.int16))[None]
        return done


class SaveProbabilitiesd(MapTransform):
    """(K,) probabilities to a row of predictions.csv.

    Args:
        keys: of the probabilities.
        classes: their names.
        output_dir: folder of the table.
        threshold: of the second of two classes; None: the largest probability wins.
        thresholds: of each label, where an image may have several.
        separator: between these labels.
    """

    def __init__(
        self,
        keys: str,
        classes: Sequence[str],
        output_dir: str,
        threshold: float | None = None,
        thresholds: Sequence[float] | None = None,
        separator: str = "|",
    ) -> None:
        super().__init__(keys)
        self.classes = list(classes)
        self.output_dir = Path(output_dir)
        self.threshold = threshold
        self.thresholds = thresholds
        self.separator = separator

    def __call__(self, data: Data) -> dict[Hashable, Any]:
        """Write the row of each key."""
        done = dict(data)
        for key in self.key_iterator(done):
            found = np.asarray(done[key].cpu(), dtype=np.float64).ravel()
            row: dict[str, object] = {
                "file": str(done["image"].meta["filename_or_obj"]),
                "predicted": self._decided(found),
            }
            self.output_dir.mkdir(parents=True, exist_ok=True)
            append_row(self.output_dir / "predictions.csv", row | named_probabilities(self.classes, found))
        return done

    def _decided(self, found: np.ndarray) -> str:
        if self.thresholds is not None:
            called = [n for n, p, least in zip(self.classes, found, self.thresholds, strict=True) if p >= least]
            return self.separator.join(called)
        if self.threshold is not None:
            return self.classes[int(found[1] >= self.threshold)]
        return self.classes[int(found.argmax())]


def read_picture(path: Path) -> np.ndarray:
    """(H, W) or (H, W, 3) array: turned as EXIF says, transparent pixels over black, one channel where all are the same."""
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I;16"):
            return np.asarray(image).astype(np.uint16)
        if "A" in image.mode or "transparency" in image.info:
            layered = image.convert("RGBA")
            flat = Image.new("RGB", image.size)
            flat.paste(layered, mask=layered.getchannel("A"))
            array = np.asarray(flat)
        elif image.mode in {"1", "L"}:
            array = np.asarray(image.convert("L"))
        else:
            array = np.asarray(image.convert("RGB"))
    if array.ndim == 3 and (array == array[..., :1]).all():
        array = array[..., 0]
    return np.ascontiguousarray(array)


def mean_probabilities(logits: Any, structures: Structures, labels: int = 0) -> tuple[np.ndarray, np.ndarray | None]:
    """(K, *S) float32 mean of the networks' probabilities of the outputs, and (labels,) of the classes.

    Args:
        logits: (N × K + N × labels, *S) of N networks.
        structures: what the K outputs stand for.
        labels: classes, where the networks have a head for them.
    """
    found = torch.as_tensor(np.asarray(logits.cpu())).float()
    count = len(found) // (structures.outputs + labels)
    masks = found[: count * structures.outputs].reshape(count, structures.outputs, *found.shape[1:])
    shares = torch.sigmoid(masks) if structures.overlapping else torch.softmax(masks, dim=1)
    named = None
    if labels:
        heads = found[count * structures.outputs :].reshape(count, labels, -1)[..., 0]
        named = torch.softmax(heads.double(), dim=1).mean(dim=0).numpy()
    return shares.mean(dim=0).numpy(), named


def named_probabilities(classes: Sequence[str], found: np.ndarray) -> dict[str, float]:
    """A column a class."""
    return {f"probability:{name}": float(value) for name, value in zip(classes, found, strict=True)}


def append_row(path: Path, row: Mapping[str, object]) -> None:
    """Add a row to a CSV table; the first one brings the names of the columns."""
    begun = path.is_file()
    with path.open("a", newline="", encoding="utf-8") as handle:
        table = csv.DictWriter(handle, list(row))
        if not begun:
            table.writeheader()
        table.writerow(row)


def list_cases(folder: str, channels: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Images below a folder; of cases with several channels, the folders that hold a file of each, told by the end of its name.

    Args:
        folder: of the images, or of the folders of the cases.
        channels: names of a case's images in their order; none: each image is a case.
    """
    endings = (".nii", ".nii.gz", ".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif")
    found = sorted(path for path in Path(folder).rglob("*") if path.is_file() and path.name.lower().endswith(endings))
    if len(channels) < 2:
        return [{"image": str(path)} for path in found]
    cases = []
    for parent in sorted({path.parent for path in found}):
        names = {path.name.lower().split(".")[0]: str(path) for path in found if path.parent == parent}
        own = [[path for name, path in names.items() if name.endswith(channel.lower())] for channel in channels]
        if all(len(one) == 1 for one in own):
            cases.append({"image": [one[0] for one in own]})
    return cases
