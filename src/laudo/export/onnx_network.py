"""A network of torch as an ONNX model."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from laudo.core.errors import LaudoError
from laudo.core.messages import _
from laudo.export.graph import OPSET
from laudo.export.packages import onnx_package


def onnx_network(module: nn.Module, example: Tensor) -> Any:
    """The model of a module that takes one tensor of a fixed shape.

    Args:
        module: in evaluation mode, on the processor.
        example: of the input's shape and type.

    Raises:
        LaudoError: a layer of it has no ONNX form.
    """
    onnx_package("onnxscript")  # torch's exporter needs it
    try:
        with warnings.catch_warnings(), _silent(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module, (example,), dynamo=True, opset_version=OPSET, verbose=False, external_data=False
            )
    except Exception as error:  # the exporter lets out whatever a layer's own code raises
        raise LaudoError(
            _("This network can not be written as an ONNX graph."),
            found=f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}",
            cure=_("Export a MONAI bundle instead: --format monai-bundle"),
        ) from error
    assert program is not None, "the exporter gives a program when it is not asked for a file"
    return program.model_proto


LOGGERS = ("torch.onnx", "onnxscript", "onnx_ir", "torch.export")


@contextmanager
def _silent() -> Iterator[None]:
    """Within the block the exporter's loggers say nothing below errors."""
    before = {name: logging.getLogger(name).level for name in LOGGERS}
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
