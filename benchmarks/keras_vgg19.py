"""The peer of frozen_backbone.py: what a Keras user writes for a frozen VGG19 with a small head.

It is written anew after the program in appendix A of Almeida 2024 (the system that the recipe
``kaggle-vgg19-as-published`` rebuilds): same data loading, same network, same training, and the model saved at the end.
Its figures are left out, in the peer's favour. The weights are random, because the time does not depend on them and
nothing has to be downloaded. The print cuts off the strength of the L2 penalty; Keras' default, 0.01, stands in for it.

It runs with the Python of an environment that holds ``tensorflow-cpu``; laudo need not be there.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

SIDE = 256
BATCH = 32
L2 = 0.01
DROPOUT = 0.35
SEED = 1337
CLASSES = ("no", "yes")


def head(vector: Any, hidden: tuple[int, ...], dropout: float, l2: float) -> Any:
    """Dense layers with ReLU, L2 on their kernels and dropout; one sigmoid at the end."""
    for width in hidden:
        vector = keras.layers.Dense(width, activation="relu", kernel_regularizer=keras.regularizers.L2(l2))(vector)
        vector = keras.layers.Dropout(dropout)(vector)
    return keras.layers.Dense(1, activation="sigmoid")(vector)


def train(data: Path, out: Path, epochs: int) -> dict[str, Any]:
    """Follow the published procedure on a folder with ``no`` and ``yes``: all of the network, every epoch, every image."""

    def part(name: str) -> Any:
        return keras.utils.image_dataset_from_directory(
            data,
            class_names=list(CLASSES),  # other folders beside the two are no class
            validation_split=0.2,
            subset=name,
            seed=SEED,
            image_size=(SIDE, SIDE),
            batch_size=BATCH,
        )

    training, validation = part("training"), part("validation")
    backbone = keras.applications.VGG19(include_top=False, weights=None, input_shape=(SIDE, SIDE, 3))
    backbone.trainable = False
    inputs = keras.Input((SIDE, SIDE, 3))
    features = backbone(keras.applications.vgg19.preprocess_input(inputs), training=False)
    outputs = head(keras.layers.GlobalAveragePooling2D()(features), (128, 64), DROPOUT, L2)
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(1e-3), loss="binary_crossentropy", metrics=["accuracy"])
    history = model.fit(training, epochs=epochs, validation_data=validation, verbose=2)
    model.save(out / "model.keras", include_optimizer=False)
    return {
        "images": len(training.file_paths) + len(validation.file_paths),
        "training_images": len(training.file_paths),
        "epochs": len(history.epoch),
        "parameters": model.count_params(),
        "trainable_parameters": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
    }


def train_head(task: Path) -> dict[str, Any]:
    """Train the head alone: on given features, from given weights, in given batches, without dropout.

    Args:
        task: .npz with ``features`` (n, D), ``targets`` (n,), ``orders`` (epochs, n), ``l2``, ``learning_rate``,
            ``batch_size`` and, a dense layer, ``kernel_i`` (in, out) and ``bias_i`` (out,).
    """
    given = np.load(task, allow_pickle=False)
    count = sum(name.startswith("kernel_") for name in given.files)
    weights = [given[f"{kind}_{index}"] for index in range(count) for kind in ("kernel", "bias")]
    inputs = keras.Input((given["features"].shape[1],))
    hidden = tuple(int(kernel.shape[1]) for kernel in weights[:-2:2])
    model = keras.Model(inputs, head(inputs, hidden, 0.0, float(given["l2"])))
    model.set_weights(weights)
    metric = keras.metrics.BinaryCrossentropy(name="cross_entropy")
    model.compile(keras.optimizers.Adam(float(given["learning_rate"])), loss="binary_crossentropy", metrics=[metric])
    cross_entropies, penalties = [], []
    for order in given["orders"]:
        features, targets = given["features"][order], given["targets"][order].astype(np.float32)[:, None]
        seen = model.fit(features, targets, batch_size=int(given["batch_size"]), shuffle=False, verbose=0)
        cross_entropies.append(seen.history["cross_entropy"][0])
        penalties.append(float(sum(float(loss) for loss in model.losses)))
    return {"cross_entropy": cross_entropies, "penalty": penalties}


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    jobs = parser.add_subparsers(dest="job", required=True)
    whole = jobs.add_parser("train", help="the published procedure")
    whole.add_argument("--data", type=Path, required=True, help="folder that holds no/ and yes/")
    whole.add_argument("--epochs", type=int, default=30)
    alone = jobs.add_parser("head", help="the head alone on given features")
    alone.add_argument("--task", type=Path, required=True, help="features, initial weights and batch order, .npz")
    for job in (whole, alone):
        job.add_argument("--out", type=Path, required=True, help="folder to write result.json into")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    result = train(options.data, options.out, options.epochs) if options.job == "train" else train_head(options.task)
    (options.out / "result.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
