"""Pillow's bilinear resizing as ONNX nodes, equal to the last bit.

Pillow resizes 8-bit images in whole numbers: the weights of each output pixel are a triangle as wide as the pixel (and at least as
wide as an input pixel), scaled to sum to one, then rounded to multiples of 2⁻²². Columns are resized first, and rounded to eight
bits, then rows; from version 13 on the rows first, where that leaves far fewer pixels between. The same weights are made here in
double precision, in which all the sums are exact, and applied as matrix products.
"""

from __future__ import annotations

import numpy as np
import PIL

from laudo.export.graph import Graph

ONE = float(1 << 22)
"""What Pillow writes for a weight of 1."""
ROWS_FIRST_FROM = 13
"""Pillow's version from which rows are resized first where more than twice as many rows as columns go."""


def resize(graph: Graph, planes: str, height: str, width: str) -> str:
    """(C, height, width) float64 whole numbers of 0 to 255, of (C, h, w) such numbers.

    Args:
        graph: that is added to.
        planes: of the image.
        height: () int64.
        width: () int64.
    """
    across = graph("Transpose", _weights(graph, graph.side(planes, 2), width), perm=[1, 0])
    down = _weights(graph, graph.side(planes, 1), height)

    def columns_first(g: Graph) -> str:
        return _eight_bits(g, g("MatMul", down, _eight_bits(g, g("MatMul", planes, across))))

    def rows_first(g: Graph) -> str:
        return _eight_bits(g, g("MatMul", _eight_bits(g, g("MatMul", down, planes)), across))

    if int(PIL.__version__.partition(".")[0]) < ROWS_FIRST_FROM:
        return columns_first(graph)
    lost_rows = graph("Sub", graph.side(planes, 1), height)
    lost_columns = graph("Sub", graph.side(planes, 2), width)
    fewer = graph("Greater", lost_rows, graph("Max", graph("Mul", lost_columns, graph.integer(2)), graph.integer(0)))
    return graph.either(fewer, rows_first, columns_first)


def _weights(g: Graph, length: str, wanted: str) -> str:
    """(wanted, length) float64 weights, whole multiples of 2⁻²² times 2²²."""
    zero, one = g.integer(0), g.integer(1)
    given, made = g.cast(length, np.float64), g.cast(wanted, np.float64)
    scale = g("Div", given, made)
    support = g("Max", scale, g.number(1.0))
    half = g.number(0.5)
    places = g.cast(g("Range", zero, wanted, one), np.float64)
    centre = g("Unsqueeze", g("Mul", g("Add", places, half), scale), g.integers(1))
    first = g("Max", g("Floor", g("Add", g("Sub", centre, support), half)), g.number(0.0))
    last = g("Min", g("Floor", g("Add", g("Add", centre, support), half)), given)
    pixels = g("Unsqueeze", g.cast(g("Range", zero, length, one), np.float64), g.integers(0))
    away = g("Abs", g("Mul", g("Add", g("Sub", pixels, centre), half), g("Div", g.number(1.0), support)))
    within = g("And", g("GreaterOrEqual", pixels, first), g("Less", pixels, last))
    raw = g("Where", within, g("Max", g("Sub", g.number(1.0), away), g.number(0.0)), g.number(0.0))
    shares = g("Div", raw, g("ReduceSum", raw, g.integers(1), keepdims=1))
    return g("Floor", g("Add", g("Mul", shares, g.number(ONE)), half))


def _eight_bits(g: Graph, sums: str) -> str:
    rounded = g("Floor", g("Div", g("Add", sums, g.number(ONE / 2)), g.number(ONE)))
    return g("Clip", rounded, g.number(0.0), g.number(255.0))
