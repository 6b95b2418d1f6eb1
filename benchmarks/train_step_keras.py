"""The peer of train_step.py in Keras on ``tensorflow-cpu``, in single precision, as the systems were published.

The networks are written with Keras' layers after timm's, not taken from ``keras.applications``, whose ResNet50 has its strides and
biases in other places, whose EfficientNet pads on other sides, and whose normalisation adds other epsilons: with ``weights.npz``
they are the same functions as laudo's, so that losses can be compared. Trained by ``Model.fit`` on arrays in memory.

It runs with the Python of an environment that holds ``tensorflow-cpu``; laudo need not be there.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from train_step_command import side_command

EFFICIENTNET_STRIDES = (1, 2, 2, 2, 1, 2, 1)
RESNET_BLOCKS = (3, 4, 6, 3)


class FixedNorm(layers.BatchNormalization):
    """Batch normalisation that keeps its statistics though its scale is trained: models override ``training=False``."""

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """With the statistics that it has."""
        return super().call(inputs, training=False, mask=mask)


class Layers:
    """Keras layers with given weights, named as in ``weights.npz``.

    Args:
        weights: every tensor by its name, kernels in torch's order.
        trainable: names of those that are trained.
        learns_statistics: whether batch normalisation uses those of the batch.
    """

    def __init__(self, weights: Mapping[str, np.ndarray], trainable: set[str], learns_statistics: bool) -> None:
        self.weights = weights
        self.trainable = trainable
        self.learns_statistics = learns_statistics

    def _apply(self, layer: Any, x: Any, name: str, values: list[np.ndarray]) -> Any:
        y = layer(x)
        layer.set_weights(values)
        layer.trainable = f"{name}.weight" in self.trainable
        return y

    def _bias(self, name: str) -> list[np.ndarray]:
        return [self.weights[f"{name}.bias"]] if f"{name}.bias" in self.weights else []

    def conv(self, x: Any, name: str, stride: int = 1, dilation: int = 1, padded: bool = True) -> Any:
        """Convolution with zeros on both sides alike, as torch pads; depthwise when the kernel has one input channel."""
        kernel, bias = self.weights[f"{name}.weight"], self._bias(name)
        side = kernel.shape[2]
        if padded and stride > 1 and side > 1:
            x, padded = layers.ZeroPadding2D(side // 2)(x), False
        options: dict[str, Any] = {
            "strides": stride,
            "padding": "same" if padded else "valid",
            "dilation_rate": dilation,
            "use_bias": bool(bias),
        }
        if kernel.shape[1] == 1 and x.shape[-1] > 1:
            return self._apply(layers.DepthwiseConv2D(side, **options), x, name, [kernel.transpose(2, 3, 0, 1), *bias])
        layer = layers.Conv2D(kernel.shape[0], side, **options)
        return self._apply(layer, x, name, [kernel.transpose(2, 3, 1, 0), *bias])

    def norm(self, x: Any, name: str) -> Any:
        """Batch normalisation with torch's epsilon and momentum."""
        values = [self.weights[f"{name}.{kind}"] for kind in ("weight", "bias", "running_mean", "running_var")]
        kind = layers.BatchNormalization if self.learns_statistics else FixedNorm
        return self._apply(kind(epsilon=1e-5, momentum=0.9), x, name, values)

    def dense(self, x: Any, name: str, activation: str | None = None, map_shape: tuple[int, ...] = ()) -> Any:
        """Dense layer; ``map_shape`` (h, w, C) is that of the map that was flattened, channels last here, first in torch."""
        kernel = self.weights[f"{name}.weight"]
        if map_shape:
            height, width, channels = map_shape
            kernel = kernel.reshape(-1, channels, height, width).transpose(0, 2, 3, 1).reshape(len(kernel), -1)
        layer = layers.Dense(kernel.shape[0], activation=activation)
        return self._apply(layer, x, name, [kernel.T, *self._bias(name)])


def tumour_cnn(make: Layers, x: Any, dropout: bool) -> Any:
    """The CNN of system S2."""
    for stage, index in enumerate((0, 3, 7, 11)):
        x = layers.ReLU()(make.conv(x, f"backbone.features.{index}", padded=False))
        x = layers.MaxPooling2D()(x)
        if stage and dropout:
            x = layers.Dropout(0.25)(x)
    shape = tuple(x.shape[1:])
    x = layers.Flatten()(x)
    if dropout:
        x = layers.Dropout(0.25)(x)
    return make.dense(x, "head.layers.1", "softmax", shape)


def efficientnet(make: Layers, x: Any) -> Any:
    """Feature map of EfficientNet-B0 (Tan and Le 2019) as timm builds it."""

    def normed(x: Any, name: str, norm: str) -> Any:
        return layers.Activation("silu")(make.norm(make.conv(x, name), norm))

    base = "backbone.model"
    x = layers.Activation("silu")(make.norm(make.conv(x, f"{base}.conv_stem", stride=2), f"{base}.bn1"))
    for stage, first_stride in enumerate(EFFICIENTNET_STRIDES):
        number = 0
        while f"{base}.blocks.{stage}.{number}.conv_dw.weight" in make.weights:
            name, start = f"{base}.blocks.{stage}.{number}", x
            expands = f"{name}.conv_pwl.weight" in make.weights
            if expands:
                x = normed(x, f"{name}.conv_pw", f"{name}.bn1")
            stride = 1 if number else first_stride
            x = make.norm(make.conv(x, f"{name}.conv_dw", stride), f"{name}.bn{1 + expands}")
            x = layers.Activation("silu")(x)
            gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
            gate = layers.Activation("silu")(make.conv(gate, f"{name}.se.conv_reduce"))
            x = layers.Multiply()([x, layers.Activation("sigmoid")(make.conv(gate, f"{name}.se.conv_expand"))])
            x = make.norm(make.conv(x, f"{name}.conv_pwl" if expands else f"{name}.conv_pw"), f"{name}.bn{2 + expands}")
            if stride == 1 and x.shape[-1] == start.shape[-1]:
                x = layers.Add()([x, start])
            number += 1
    return normed(x, f"{base}.conv_head", f"{base}.bn2")


def efficientnet_pdf_se(make: Layers, x: Any, dropout: bool) -> Any:
    """EfficientNet-B0 with the blocks and the head of system S4."""
    x = efficientnet(make, x)
    branches = [layers.ReLU()(make.conv(x, f"blocks.0.branches.{index}", dilation=index + 1)) for index in range(4)]
    x = layers.ReLU()(make.conv(layers.Concatenate()(branches), "blocks.0.project"))
    gate = make.dense(layers.GlobalAveragePooling2D()(x), "blocks.1.squeeze", "relu")
    gate = make.dense(gate, "blocks.1.excite", "sigmoid")
    x = layers.Multiply()([x, layers.Reshape((1, 1, gate.shape[-1]))(gate)])
    x = make.dense(layers.GlobalAveragePooling2D()(x), "head.layers.0", "relu")
    if dropout:
        x = layers.Dropout(0.5)(x)
    return make.dense(x, "head.layers.3", "sigmoid")


def resnet50(make: Layers, x: Any, dropout: bool) -> Any:
    """ResNet50 (He et al. 2016) with the stride in the 3×3 convolution, as timm builds it; it has no dropout."""
    base = "backbone.model"
    x = layers.ReLU()(make.norm(make.conv(x, f"{base}.conv1", stride=2), f"{base}.bn1"))
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for stage, blocks in enumerate(RESNET_BLOCKS, start=1):
        for number in range(blocks):
            name, stride = f"{base}.layer{stage}.{number}", 2 if stage > 1 and not number else 1
            short = x
            if f"{name}.downsample.0.weight" in make.weights:
                short = make.norm(make.conv(x, f"{name}.downsample.0", stride), f"{name}.downsample.1")
            x = layers.ReLU()(make.norm(make.conv(x, f"{name}.conv1"), f"{name}.bn1"))
            x = layers.ReLU()(make.norm(make.conv(x, f"{name}.conv2", stride), f"{name}.bn2"))
            x = make.norm(make.conv(x, f"{name}.conv3"), f"{name}.bn3")
            x = layers.ReLU()(layers.Add()([x, short]))
    return make.dense(layers.GlobalAveragePooling2D()(x), "head.layers.0", "softmax")


class Clock(keras.callbacks.Callback):
    """Seconds of every epoch, validation included, and the loss of every step."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self.losses: list[float] = []
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock."""
        self._started = time.monotonic()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Forget the mean of the steps before."""
        self.model.reset_metrics()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Keep the step's loss."""
        self.losses.append(float(logs["loss"]))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stop the clock."""
        self.seconds.append(time.monotonic() - self._started)


def train(task: Path, epochs: int, learning_rate: float, dropout: bool) -> dict[str, Any]:
    """Train and say how long each epoch took and what each step's loss was."""
    settings = json.loads((task / "task.json").read_text(encoding="utf-8"))
    if settings["threads"]:
        tf.config.threading.set_intra_op_parallelism_threads(settings["threads"])
        tf.config.threading.set_inter_op_parallelism_threads(settings["threads"])
    batch, side, network = settings["batch"], settings["side"], settings["network"]["backbone"]
    keras.utils.set_random_seed(0)
    images = np.load(task / "images.npy").astype(np.float32) / 255.0
    images = ((images - np.float32(settings["mean"])) / np.float32(settings["std"])).astype(np.float32)
    targets, orders = np.load(task / "targets.npy"), np.load(task / "orders.npy")
    n = len(images) - batch
    with np.load(task / "weights.npz", allow_pickle=False) as file:
        weights = {name: file[name] for name in file.files}
    make = Layers(weights, set(settings["trainable"]), settings["learns_statistics"])
    body = {"tumour_cnn": tumour_cnn, "efficientnet_b0": efficientnet_pdf_se, "resnet50": resnet50}[network]
    inputs = keras.Input((side, side, 3))
    model = keras.Model(inputs, body(make, inputs, dropout))
    loss = "binary_crossentropy" if model.output_shape[-1] == 1 else "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(learning_rate), loss=loss)
    clock = Clock()
    for order in orders[:epochs]:
        model.fit(
            images[order],
            targets[order],
            batch_size=batch,
            shuffle=False,
            validation_data=(images[n:], targets[n:]),
            validation_batch_size=batch,
            callbacks=[clock],
            verbose=0,
        )
    statistics = sum(2 * layer.moving_mean.shape[0] for layer in model.layers if hasattr(layer, "moving_mean"))
    return {
        "seconds": clock.seconds,
        "losses": clock.losses,
        "parameters": model.count_params() - statistics,
        "trainable_parameters": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        "precision": "fp32",
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
    }


if __name__ == "__main__":
    side_command(train, __doc__)
