"""README.md of an export: how it is used, and what it does not do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from laudo.core.messages import _
from laudo.predict.mask_model import MaskModel
from laudo.predict.model import Model


def onnx_readme(model: Model | MaskModel, facts: dict[str, Any], checked: dict[str, Any]) -> str:
    """README.md beside model.onnx."""
    lines = [f"# {facts['run']}", "", _("For research and teaching only; this is not a medical device."), ""]
    if isinstance(model, MaskModel) and model.window is not None:
        lines += _patches(model)
    else:
        lines += _pictures(model, facts)
    lines += ["", _limits_of(model), "", compared(checked)]
    return _text(lines)


def _pictures(model: Model | MaskModel, facts: dict[str, Any]) -> list[str]:
    kind = facts["model"]["inputs"]["image"]["type"]
    lines = [
        _(
            "`model.onnx` takes a decoded picture of any size, (height, width, 1 or 3 channels), numbers of type {kind}; all "
            "preparation is inside. Pictures are given as they are displayed: turned as EXIF says, transparent pixels over black, "
            "palettes resolved. A colour picture whose channels are all the same counts as grey."
        ).format(kind=kind)
    ]
    if model.prepare.needs_mask:
        lines.append(
            _(
                "Its second input `mask` (height, width), uint8, is 1 in the lesion; if all is 0, the whole picture counts."
            )
        )
    if isinstance(model, MaskModel):
        lines.append(
            _(
                "It gives the probability of each output on the picture's own pixels (`probabilities`), the label map made of them "
                "(`label_map`) and, where the model names a class, the probability of each (`classes`)."
            )
        )
    else:
        lines.append(
            _(
                "It gives the probability of each class, in the order of `classes` in `export.json` and in the file's metadata."
            )
        )
    return ["\n\n".join(lines), "", "```sh", "pip install numpy onnxruntime pillow", "python example.py PICTURE", "```"]


def _patches(model: MaskModel) -> list[str]:
    return [
        _(
            "`model.onnx` takes one prepared window, (1, {channels}, {window}) float32, and gives the logits of each network "
            "in it, (networks, outputs, {window}); mirror images are inside. It does not hold the preparation of the volume and "
            "the sliding window: both look at the whole volume, of which the graph sees a window at a time."
        ).format(channels=model.channels, window=", ".join(map(str, model.window or ()))),
        "",
        _(
            "`preparation.py` prepares volumes and brings answers back (numpy and scipy); `example.py` slides the window over a "
            "prepared volume (numpy and onnxruntime). `export.json` describes both in numbers, for other languages."
        ),
        "",
        "```sh",
        "pip install numpy onnxruntime scipy",
        "python example.py PREPARED.npy LABELS.npy",
        "```",
    ]


def _limits_of(model: Model | MaskModel) -> str:
    if isinstance(model, MaskModel) and model.post_processing.rules:
        return _(
            "The post-processing of label maps that validation chose is not in the graph; its rules stand in `export.json` under "
            "`post_processing`."
        )
    if isinstance(model, MaskModel):
        return _("Validation chose no post-processing of label maps: nothing is left to be done after the graph.")
    if model.threshold is None:
        return _("The class with the largest probability is the answer.")
    return _(
        "What is decided by the probabilities is a matter of the threshold in `export.json`; `example.py` does it."
    )


def compared(checked: dict[str, Any]) -> str:
    """One sentence on how the export was held against the model."""
    return _(
        "Compared with laudo on {n} images: probabilities differ by at most {largest} in single precision (allowed: {tolerance}). "
        "From what `laudo predict` gives on the processor of the export, in {precision}, they differ by at most {own}; {same} of "
        "the answers are the same."
    ).format(
        same=f"{100 * checked['same_answers_as_laudo_predict']:.4g} %",
        n=checked["images"],
        largest=f"{checked['largest_difference_in_fp32']:.1e}",
        tolerance=f"{checked['tolerance']:g}",
        precision=checked["precision_of_laudo_predict"],
        own=f"{checked['largest_difference_from_laudo_predict']:.1e}",
    )


def bundle_readme(
    model: Model | MaskModel, facts: dict[str, Any], checked: dict[str, Any], channels: Sequence[str]
) -> str:
    """docs/README.md of a bundle."""
    where = _("Put the pictures or volumes into a folder of their own; it may hold nothing else.")
    if len(channels) > 1:
        where = _(
            "Put each case into a folder of its own below one folder, with a file of each channel whose name ends in {names}."
        ).format(names=", ".join(channels))
    root = "--bundle_root ."
    lines = [
        f"# {facts['run']}",
        "",
        _("For research and teaching only; this is not a medical device."),
        "",
        where,
        "",
        "```sh",
        "pip install 'monai[fire,ignite,nibabel,pillow]' scipy",
        "cd BUNDLE",
        f"python -m monai.bundle run --config_file configs/inference.json {root} --dataset_dir IMAGES --output_dir ANSWERS",
        "python -m monai.bundle verify_net_in_out network_def --meta_file configs/metadata.json "
        f"--config_file configs/inference.json {root}",
        "```",
        "",
        _(
            "`scripts/preparation.py` holds laudo's own preparation, copied out of it: MONAI's transforms measure grey levels and "
            "resample in another way, and the answers would differ. laudo itself is not needed."
        ),
        "",
        compared(checked),
    ]
    return _text(lines)


LICENCE = """The Python files in `scripts` were copied out of laudo and are under the Apache License, Version 2.0:
http://www.apache.org/licenses/LICENSE-2.0

The weights in `models` belong to whoever trained them; the licence of the images, and of weights that the training began with, may
restrict what they can be used for. No licence for them is stated here: replace this line by one.
"""


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"
