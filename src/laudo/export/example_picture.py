"""Ask model.onnx about pictures. Nothing but numpy and onnxruntime is needed; Pillow to open PNG, JPEG and their kin.

python example.py PICTURE [MASK]      each a file of numpy (.npy) or, with Pillow, a picture
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

HERE = Path(__file__).parent


def open_model(folder: Path = HERE) -> Any:
    """The graph, ready to run on a processor."""
    return onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])


def read(path: str) -> np.ndarray:
    """(H, W) or (H, W, 3) array of a picture."""
    if path.endswith(".npy"):
        array: np.ndarray = np.load(path, allow_pickle=False)
        return array
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        turned = ImageOps.exif_transpose(image)
        plain = turned if turned.mode in {"L", "RGB"} or turned.mode.startswith("I;16") else turned.convert("RGB")
        return np.asarray(plain)


def ask(session: Any, picture: np.ndarray, mask: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Outputs of the graph by name. All preparation is inside: the picture is given as it was decoded.

    Args:
        session: of :func:`open_model`.
        picture: (H, W) or (H, W, 3), of any size and of the type that export.json names.
        mask: (H, W), not 0 in the lesion; for models that have the input ``mask``.
    """
    inputs = {"image": picture[..., None] if picture.ndim == 2 else picture}
    if mask is not None:
        inputs["mask"] = (mask != 0).astype(np.uint8)
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def decided(probabilities: np.ndarray, facts: dict[str, Any]) -> list[str]:
    """The class that is decided for; of a model that gives several labels, those that it calls."""
    classes = facts["classes"]
    if facts.get("thresholds"):
        return [name for name, p, least in zip(classes, probabilities, facts["thresholds"], strict=True) if p >= least]
    if facts.get("threshold") is not None:
        return [classes[int(probabilities[1] >= facts["threshold"])]]
    return [classes[int(probabilities.argmax())]]


def main(arguments: list[str]) -> dict[str, Any]:
    """Answer for the picture that is named."""
    facts = json.loads((HERE / "export.json").read_text(encoding="utf-8"))["model"]
    found = ask(open_model(), *[read(path) for path in arguments])
    if facts["kind"] == "classifier":
        named = dict(zip(facts["classes"], found["probabilities"].tolist(), strict=True))
        return {"probabilities": named, "decided": decided(found["probabilities"], facts)}
    label_map = found["label_map"]
    answer: dict[str, Any] = {"pixels": {n: int((label_map == v).sum()) for n, v in facts["label_values"].items()}}
    if "classes" in found:
        answer["classes"] = dict(zip(facts["classes"], found["classes"].tolist(), strict=True))
    return answer


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:]), ensure_ascii=False))
