"""Descriptors on real pictures: CT or MR from texture and grey levels, on a part of MedPix."""

import os
from pathlib import Path

import numpy as np
import pytest

from laudo.core.recipe import Prepare
from laudo.core.recipe_file import load_recipe
from laudo.prepare.describe import describe_images, descriptor_names
from laudo.sources.table import import_manifest
from laudo.train.classical import fit_classical

RECIPES = Path(__file__).parents[1] / "src" / "laudo" / "recipes"


@pytest.mark.real_data
def test_standardised_descriptors_tell_ct_from_mr_and_unscaled_ones_do_so_worse():
    manifest = import_manifest("medpix2", Path(os.environ["LAUDO_DATA"]))
    rng = np.random.default_rng(0)
    chosen = np.sort(
        np.concatenate([rng.permutation(manifest.indices(part))[:n] for part, n in (("train", 250), ("val", 110))])
    )
    some = manifest.rows(chosen)
    train, val = some.indices("train"), some.indices("val")
    features = describe_images(some, Prepare(height=224, width=224), ("texture", "intensity", "colour"))
    found = {}
    for name in ("medpix-modality-knn", "medpix-modality-knn-as-published"):
        network = load_recipe(RECIPES / f"{name}.yaml").network
        own = features[:, : len(descriptor_names(network.descriptors))]
        fitted = fit_classical(network, (own[train], some.labels[train]), (own[val], some.labels[val]), 2, seed=0)
        found[name] = fitted.tried[fitted.chosen]["balanced_accuracy"]
    assert found["medpix-modality-knn"] > 0.75
    assert found["medpix-modality-knn-as-published"] < found["medpix-modality-knn"] - 0.1
