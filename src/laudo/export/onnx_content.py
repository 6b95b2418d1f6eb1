"""Where the content of a scan lies, as ONNX nodes: :func:`laudo.read.content.content_box`."""

from __future__ import annotations

import numpy as np

from laudo.export.graph import Graph
from laudo.export.onnx_levels import percentile
from laudo.read.content import ENOUGH_PX

MOST_STEPS = (2 * ENOUGH_PX - 1) // 100
"""Of the opening: the shorter side of a thinned picture is less than twice ENOUGH_PX."""
SWEEPS = 8
"""By how many pixels a label spreads before it is looked whether any has changed."""

Box = tuple[str, str, str, str]
"""First row, row after the last, first column, column after the last: () int64 each."""


def content_box(g: Graph, grey: str) -> Box:
    """Rows and columns of the largest bright region of (H, W) float64 grey levels; all of them when it is small."""
    high, wide = g.side(grey, 0), g.side(grey, 1)
    step = g("Max", g.integer(1), g("Div", g("Min", high, wide), g.integer(ENOUGH_PX)))
    coarse = _thinned(g, g.cast(grey, np.float32), step)
    height, width = g.side(coarse, 0), g.side(coarse, 1)
    short = g("Min", height, width)
    sigma = g("Max", g.number(1.0), g("Div", g.cast(short, np.float64), g.number(150.0)))
    smooth = _blurred(g, coarse, sigma)
    bright = g("Greater", smooth, _cut_at(g, smooth))
    opened = _opened(g, bright, g("Max", g.integer(1), g("Div", short, g.integer(100))))
    return _largest(g, opened, (height, width), step, (high, wide))


def _thinned(g: Graph, grey: str, step: str) -> str:
    for axis in (0, 1):
        grey = g("Gather", grey, g("Range", g.integer(0), g.side(grey, axis), step), axis=axis)
    return grey


def _cut_at(g: Graph, smooth: str) -> str:
    """() float32: 12 % of the 99th percentile."""
    flat = g("Reshape", g.cast(smooth, np.float64), g.integers(-1))
    # NumPy gives single precision for it, and compares in single precision
    found = g.cast(g.cast(percentile(g, flat, 99.0), np.float32), np.float64)
    return g.cast(g("Mul", g.number(0.12), found), np.float32)


def _blurred(g: Graph, image: str, sigma: str) -> str:
    """(h, w) float32, blurred by a Gaussian that ends at four deviations; beyond the edge the image is mirrored."""
    down = _smoothing(g, g.side(image, 0), sigma)
    rows = g.cast(g("MatMul", down, g.cast(image, np.float64)), np.float32)
    across = g("Transpose", _smoothing(g, g.side(image, 1), sigma), perm=[1, 0])
    return g.cast(g("MatMul", g.cast(rows, np.float64), across), np.float32)


def _smoothing(g: Graph, length: str, sigma: str) -> str:
    """(length, length) float64 matrix that blurs a column."""
    zero, one = g.integer(0), g.integer(1)
    reach = g.cast(g("Floor", g("Add", g("Mul", sigma, g.number(4.0)), g.number(0.5))), np.int64)
    steps = g("Range", g("Neg", reach), g("Add", reach, one), one)
    real = g.cast(steps, np.float64)
    square = g("Mul", g("Mul", real, real), g("Div", g.number(-0.5), g("Mul", sigma, sigma)))
    raw = g("Exp", square)
    shares = g("Div", raw, g("ReduceSum", raw, g.integers(0), keepdims=1))
    places = g(
        "Add", g("Unsqueeze", g("Range", zero, length, one), g.integers(1)), g("Unsqueeze", steps, g.integers(0))
    )
    twice = g("Mul", length, g.integer(2))
    turned = g("Mod", places, twice)
    mirrored = g("Sub", g("Sub", twice, one), turned)
    inside = g("Where", g("Less", turned, length), turned, mirrored)
    updates = g("Expand", g("Unsqueeze", shares, g.integers(0)), g("Shape", inside))
    empty = g("Expand", g.number(0.0), g.listed(length, length))
    return g("ScatterElements", empty, inside, updates, axis=1, reduction="add")


def _opened(g: Graph, inside: str, times: str) -> str:
    """(1, 1, h, w) float32 of 0 and 1: eroded, then dilated by a cross, so many times each; outside there is nothing."""
    cross = g.constant([[[[0, 1, 0], [1, 1, 1], [0, 1, 0]]]], np.float32)
    now = g("Unsqueeze", g.cast(inside, np.float32), g.integers(0, 1))
    for enough in (4.5, 0.5):
        for number in range(MOST_STEPS):
            touched = g("Conv", now, cross, pads=[1, 1, 1, 1])
            further = g.cast(g("Greater", touched, g.single(enough)), np.float32)
            now = g("Where", g("Less", g.integer(number), times), further, now)
    return now


def _largest(g: Graph, inside: str, sides: tuple[str, str], step: str, picture: tuple[str, str]) -> Box:
    """Box of the largest region that hangs together by edges; of equal ones the first, row by row."""
    height, width = sides
    count = g("Mul", height, width)
    # the first pixel of a region has its largest number, which spreads over the region
    numbers = g("Range", count, g.integer(0), g.integer(-1))
    shaped = g("Reshape", g.cast(numbers, np.float32), g("Concat", g.integers(1, 1), g.listed(*sides), axis=0))

    def spread(body: Graph, labels: str) -> str:
        for _turn in range(SWEEPS):
            rows = body("MaxPool", labels, kernel_shape=[1, 3], pads=[0, 1, 0, 1])
            columns = body("MaxPool", labels, kernel_shape=[3, 1], pads=[1, 0, 1, 0])
            labels = body("Mul", body("Max", rows, columns), inside)
        return labels

    labels = g.repeat(g("Mul", shaped, inside), spread, np.float32, (1, 1, "coarse_rows", "coarse_columns"))
    values, _first, _back, counts = g.several("Unique", 4, g("Reshape", labels, g.integers(-1)), sorted=1)
    counts = g("Where", g("Greater", values, g.single(0.0)), counts, g.integer(0))
    chosen = g("Gather", values, g("ArgMax", counts, axis=0, keepdims=0, select_last_index=1))
    region = g("And", g("Equal", labels, chosen), g("Greater", labels, g.single(0.0)))
    held = g("Squeeze", g.cast(region, np.int32), g.integers(0, 1))
    box = box_of(g, held)
    area = g.cast(g("Mul", g("Sub", box[1], box[0]), g("Sub", box[3], box[2])), np.float64)
    least = g("Mul", g("Mul", g.number(0.1), g.cast(height, np.float64)), g.cast(width, np.float64))
    found = g("Greater", g("ReduceMax", counts, keepdims=0), g.integer(0))
    kept = g("And", found, g("GreaterOrEqual", area, least))
    whole = (g.integer(0), picture[0], g.integer(0), picture[1])
    ends = (picture[0], picture[0], picture[1], picture[1])
    larger = [g("Min", g("Mul", one, step), end) for one, end in zip(box, ends, strict=True)]
    first_row, last_row, first_column, last_column = (
        g("Where", kept, one, other) for one, other in zip(larger, whole, strict=True)
    )
    return first_row, last_row, first_column, last_column


def box_of(g: Graph, held: str) -> Box:
    """Smallest box of (h, w) int32 that holds everything but 0; all zeros give the first row and column."""
    ends = []
    for axis in (1, 0):
        line = g("ReduceMax", held, g.integers(axis), keepdims=0)
        ends.append(g("ArgMax", line, axis=0, keepdims=0))
        ends.append(g("Add", g("ArgMax", line, axis=0, keepdims=0, select_last_index=1), g.integer(1)))
    return ends[0], ends[1], ends[2], ends[3]
