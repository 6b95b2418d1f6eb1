"""Configuration and description of a bundle: what `python -m monai.bundle run` reads."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import Any

import laudo
from laudo.export.facts import NOT_A_DEVICE
from laudo.export.monai_network import WEIGHTS, example_input
from laudo.predict.mask_model import MaskModel
from laudo.predict.model import Model

SCHEMA = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
STEPS = "scripts.steps"


def inference(model: Model | MaskModel, network: dict[str, Any], channels: Sequence[str]) -> dict[str, Any]:
    """configs/inference.json.

    Args:
        model: that is exported.
        network: ``network_def``.
        channels: names of a case's images in their order; none: each image is a case.
    """
    own_weights = network["_target_"] != "torch.jit.load"
    config: dict[str, Any] = {
        "imports": ["$import os", "$import sys"],
        "bundle_root": ".",
        "dataset_dir": "$@bundle_root + '/images'",
        "output_dir": "$@bundle_root + '/eval'",
        "datalist": {"_target_": f"{STEPS}.list_cases", "folder": "@dataset_dir", "channels": list(channels)},
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "network_def": network,
        "network": "$@network_def.to(@device)",
        "preprocessing": {"_target_": "Compose", "transforms": _before(model)},
        "dataset": {"_target_": "Dataset", "data": "@datalist", "transform": "@preprocessing"},
        "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1, "num_workers": 0},
        "inferer": _inferer(model),
        "postprocessing": {"_target_": "Compose", "transforms": _after(model)},
        "handlers": [{"_target_": "StatsHandler", "iteration_log": False}],
        "evaluator": {
            "_target_": "SupervisedEvaluator",
            "device": "@device",
            "val_data_loader": "@dataloader",
            "network": "@network",
            "inferer": "@inferer",
            "postprocessing": "@postprocessing",
            "val_handlers": "@handlers",
        },
        # before anything of `scripts` is asked for: MONAI itself adds the bundle's folder only when it runs
        "initialize": ["$sys.path.insert(1, os.path.abspath(@bundle_root))"],
        "run": ["$@evaluator.run()"],
    }
    if own_weights:
        config["checkpointloader"] = {
            "_target_": "CheckpointLoader",
            "load_path": f"$@bundle_root + '/{WEIGHTS}'",
            "load_dict": {"model": "@network"},
        }
        config["initialize"].append("$@checkpointloader(@evaluator)")
    return config


def _before(model: Model | MaskModel) -> list[dict[str, Any]]:
    if model.prepare.volume is None:
        return [{"_target_": f"{STEPS}.PreparePictured", "keys": "image"}]
    return [
        {"_target_": "LoadImaged", "keys": "image"},
        {"_target_": "EnsureChannelFirstd", "keys": "image"},
        {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS", "labels": None},
        {"_target_": f"{STEPS}.PrepareVolumed", "keys": "image"},
    ]


def _inferer(model: Model | MaskModel) -> dict[str, Any]:
    if isinstance(model, Model) or model.window is None:
        return {"_target_": "SimpleInferer"}
    options = {
        "roi_size": list(model.window),
        "sw_batch_size": 1,
        "overlap": model.overlap,
        "mode": "gaussian",
        "sigma_scale": 0.125,
    }
    if not model.mirror_axes:
        return {"_target_": "SlidingWindowInferer", **options}
    return {"_target_": f"{STEPS}.MirroredWindows", "mirror_axes": list(model.mirror_axes), **options}


def _after(model: Model | MaskModel) -> list[dict[str, Any]]:
    if isinstance(model, Model):
        return [
            {
                "_target_": f"{STEPS}.SaveProbabilitiesd",
                "keys": "pred",
                "classes": list(model.classes),
                "output_dir": "@output_dir",
                "threshold": None if isinstance(model.threshold, tuple) else model.threshold,
                "thresholds": list(model.threshold) if isinstance(model.threshold, tuple) else None,
                "separator": model.separator or "|",
            }
        ]
    stated: dict[str, Any] = {
        "keys": "pred",
        "structures": model.structures.as_dict(),
        "post_processing": model.post_processing.as_dict(),
    }
    if model.prepare.volume is None:
        own = {"output_dir": "@output_dir", "label_head": model.network.label_head}
        return [{"_target_": f"{STEPS}.OutlinePictured", **stated, **own}]
    return [
        {"_target_": f"{STEPS}.OutlineVolumed", **stated},
        {
            "_target_": "SaveImaged",
            "keys": "pred",
            "output_dir": "@output_dir",
            "output_ext": ".nii.gz",
            "output_dtype": "$numpy.int16",
            "output_postfix": "outlined",
            "separate_folder": False,
            "resample": True,
            "mode": "nearest",
        },
    ]


def bundle_metadata(model: Model | MaskModel, name: str, description: str) -> dict[str, Any]:
    """configs/metadata.json.

    Args:
        model: that is exported.
        name: of the run's recipe.
        description: one or two sentences.
    """
    example = example_input(model)
    shape = list(example.shape[2:])
    window = isinstance(model, MaskModel) and model.window is not None
    picture = model.prepare.volume is None
    inputs = {
        "type": "image",
        "format": "magnitude",
        "num_channels": int(example.shape[1]),
        "spatial_shape": shape,
        "dtype": "float32",
        "value_range": [0, 255] if picture else [],
        "is_patch_data": window,
        "channel_def": {str(number): "image" for number in range(example.shape[1])},
    }
    return {
        "schema": SCHEMA,
        "version": "0.1.0",
        "changelog": {"0.1.0": f"written by laudo {laudo.__version__}"},
        "monai_version": metadata.version("monai"),
        "pytorch_version": metadata.version("torch"),
        "numpy_version": metadata.version("numpy"),
        "required_packages_version": {package: metadata.version(package) for package in ("nibabel", "pillow", "scipy")}
        | {"pytorch-ignite": "0.4.11", "fire": "0.7.0"},
        "name": name,
        "task": description.split(".")[0],
        "description": description,
        "authors": "not stated",
        "copyright": "not stated",
        "intended_use": NOT_A_DEVICE,
        "network_data_format": {"inputs": {"image": inputs}, "outputs": {"pred": _output(model, shape, window)}},
    }


def _output(model: Model | MaskModel, shape: list[int], window: bool) -> dict[str, Any]:
    if isinstance(model, Model):
        return {
            "type": "probabilities",
            "format": "classification",
            "num_channels": len(model.classes),
            "spatial_shape": [],
            "dtype": "float32",
            "value_range": [0, 1],
            "is_patch_data": False,
            "channel_def": {str(number): label for number, label in enumerate(model.classes)},
        }
    structures = model.structures
    outputs = list(structures.names) if structures.overlapping else ["background", *structures.names]
    heads = [f"class {name}" for name in structures.names] if model.network.label_head else []
    count = len(model.networks)
    names = [*(outputs * count), *(heads * count)]
    return {
        "type": "image",
        "format": "segmentation",
        "num_channels": len(names),
        "spatial_shape": shape,
        "dtype": "float32",
        "value_range": [],
        "is_patch_data": window,
        "channel_def": {str(number): name for number, name in enumerate(names)},
    }
