"""The Python files of a bundle's `scripts`: laudo's preparation, and the MONAI transforms around it."""

from __future__ import annotations

from laudo.export import monai_steps
from laudo.export.standalone import Part, copied, picture_preparation, volume_preparation
from laudo.predict.mask_model import MaskModel
from laudo.predict.model import Model

HEADER = '''"""MONAI transforms of this bundle. Written by laudo; Apache-2.0."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.inferers import SlidingWindowInferer
from monai.transforms import MapTransform
from PIL import Image, ImageOps

from .preparation import {names}

Data = Mapping[Hashable, Any]
GEOMETRY = "laudo_geometry"


'''
SHARED: tuple[Part, ...] = (
    monai_steps.mean_probabilities,
    monai_steps.named_probabilities,
    monai_steps.append_row,
    monai_steps.list_cases,
)
OF_VOLUMES = (monai_steps.PrepareVolumed, monai_steps.OutlineVolumed, monai_steps.MirroredWindows)
OF_PICTURES = (monai_steps.read_picture, monai_steps.PreparePictured)


def bundle_scripts(model: Model | MaskModel) -> dict[str, str]:
    """Name and text of each file."""
    masks = ("PostProcessing", "Structures", "class_by_mask")
    own: tuple[Part, ...]
    if model.prepare.volume is not None:
        preparation = volume_preparation(model.prepare)
        names = ("Geometry", *masks, "prepare_arrays", "volume_mask_back")
        own = OF_VOLUMES
    else:
        preparation = picture_preparation(model.prepare)
        names = ("SETTINGS", *masks, "picture_mask_back", "prepare_array")
        last = monai_steps.OutlinePictured if isinstance(model, MaskModel) else monai_steps.SaveProbabilitiesd
        own = (*OF_PICTURES, last)
    steps = HEADER.format(names=", ".join(names)) + copied((*own, *SHARED))
    return {"__init__.py": "", "preparation.py": preparation, "steps.py": steps}
