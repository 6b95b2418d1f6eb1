"""Run folders whose networks have random weights: what an export needs, without a training."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.core.structures import structures_of
from laudo.networks.ensemble import Ensemble
from laudo.networks.segmentation_table import build_segmenter
from laudo.networks.table import build_classifier
from laudo.predict.mask_model import MaskModel
from laudo.predict.model import Model
from laudo.predict.post_process import PostProcessing, Rule
from laudo.prepare.fitted import fit_prepare
from laudo.prepare.transform import channels
from laudo.sources.table import import_manifest
from laudo.split.grouped import split_parts

WITHOUT_LAUDO = """
import runpy, sys
sys.argv = ["example.py", *sys.argv[1:]]
runpy.run_path("example.py", run_name="__main__")
strange = {name.split(".")[0] for name in sys.modules} & {"laudo", "torch", "scipy", "onnx", "pandas", "sklearn"}
assert not strange, strange
"""
"""Runs an example and makes sure that it has needed nothing else."""


def classifier_run(folder: Path, recipe: Recipe, data: Path, members: int = 1, seed: int = 0) -> Run:
    """A run of a classifier, of several members where that is asked for."""
    run, manifest = _begun(folder, recipe, data)
    torch.manual_seed(seed)
    prepare = fit_prepare(manifest, recipe.prepare)
    classes = manifest.classes
    size_px = (prepare.height, prepare.width)
    built = [build_classifier(recipe.network, len(classes), size_px) for _number in range(members)]
    networks = [_stirred(one) for one, _spec in built]
    classifier = networks[0] if members == 1 else Ensemble(networks)
    several = manifest.separator is not None
    threshold = tuple(0.3 + 0.1 * k for k in range(len(classes))) if several else 0.4 if len(classes) == 2 else None
    facts = {"separator": manifest.separator}
    views = recipe.evaluation.views
    model = Model(classifier.eval(), None, built[0][1], recipe.network, prepare, classes, threshold, views, facts)
    model.save(run)
    return run


def mask_run(folder: Path, recipe: Recipe, data: Path, seed: int = 0) -> Run:
    """A run of a network that outlines structures, with a rule of post-processing."""
    run, manifest = _begun(folder, recipe, data)
    torch.manual_seed(seed)
    structures = structures_of(manifest, recipe.data)
    prepare = fit_prepare(manifest, recipe.prepare)
    count = channels(prepare) if prepare.volume is None else max(1, len(manifest.channels))
    labels = len(structures.names) if recipe.network.label_head else 0
    window = recipe.training.patch.size_voxels
    patch = window or (prepare.height, prepare.width)
    network = _stirred(build_segmenter(recipe.network, count, structures.outputs, labels, patch))
    name, values = next(iter(structures.by_name.items()))
    model = MaskModel(
        networks=(network.eval(),),
        structures=structures,
        network=recipe.network,
        prepare=prepare,
        channels=count,
        window=window,
        overlap=recipe.evaluation.overlap,
        mirror_axes=recipe.evaluation.mirror_axes,
        post_processing=PostProcessing((Rule(name, values, smallest_mm3=3.0),)),
        facts={},
    )
    model.save(run)
    return run


def _begun(folder: Path, recipe: Recipe, data: Path):
    run = Run(folder)
    run.begin(recipe)
    manifest = import_manifest(recipe.data.source, data)
    if recipe.data.separator:
        manifest = manifest.with_several_labels(recipe.data.separator, recipe.data.none_label)
    manifest = split_parts(manifest, recipe.split, False)
    manifest.save(run.manifest_path)
    run.set_state("finished")
    return run, manifest


def _stirred(network: torch.nn.Module) -> torch.nn.Module:
    """Statistics of norms and offsets as a training leaves them, so that nothing is hidden by zeros and ones."""
    with torch.no_grad():
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            if tensor.is_floating_point() and tensor.ndim == 1:
                tensor.add_(torch.rand_like(tensor) * (0.5 if "var" in name else 0.2))
    return network


def environment() -> dict[str, str]:
    """Of a process that finds what this one finds."""
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def same_masks(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Whether two label maps are one."""
    return ours.shape == theirs.shape and bool((ours.astype(int) == theirs.astype(int)).all())
