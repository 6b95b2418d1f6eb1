"""Probabilities of a prepared picture brought back to its own pixels, as ONNX nodes: :mod:`laudo.prepare.mask_back`."""

from __future__ import annotations

import numpy as np

from laudo.core.recipe import Prepare
from laudo.export.graph import Graph
from laudo.export.onnx_picture import Placed, filled


def picture_mask_back(g: Graph, answer: str, placed: Placed, prepare: Prepare) -> str:
    """(K, H, W) float32 on the picture's own pixels, interpolated linearly; 0 where it was cut away.

    Args:
        g: graph that is added to.
        answer: (K, height, width) float32 probabilities of the prepared picture.
        placed: the picture, as it was prepared.
        prepare: how.
    """
    first_row, last_row, first_column, last_column = placed.box
    sides = g("Sub", last_row, first_row), g("Sub", last_column, first_column)
    top, high, left, wide = filled(g, *sides, prepare)
    made = _linear(g, answer, sides[0], (top, high), 1)
    made = _linear(g, made, sides[1], (left, wide), 2)
    zero = g.integer(0)
    below, right = g("Sub", placed.size[0], last_row), g("Sub", placed.size[1], last_column)
    return g("Pad", made, g.listed(zero, first_row, first_column, zero, below, right), g.single(0.0))


def _linear(g: Graph, values: str, side: str, within: tuple[str, str], axis: int) -> str:
    """Values between the middles of pixels; beyond the outermost middle its value goes on."""
    start, length = within
    half = g.number(0.5)
    real = g.cast(start, np.float64)
    numbers = g.cast(g("Range", g.integer(0), side, g.integer(1)), np.float64)
    along = g("Div", g("Mul", g("Add", numbers, half), g.cast(length, np.float64)), g.cast(side, np.float64))
    last = g("Sub", g("Add", start, length), g.integer(1))
    places = g("Min", g("Max", g("Sub", g("Add", real, along), half), real), g.cast(last, np.float64))
    lower = g("Floor", places)
    low = g.cast(lower, np.int64)
    high = g("Min", g("Add", low, g.integer(1)), last)
    share = g.cast(g("Sub", places, lower), np.float32)
    if axis == 1:
        share = g("Unsqueeze", share, g.integers(1))
    near, far = g("Gather", values, low, axis=axis), g("Gather", values, high, axis=axis)
    return g("Add", near, g("Mul", g("Sub", far, near), share))
