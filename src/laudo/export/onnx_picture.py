"""The way from a decoded picture to what the network is given, as ONNX nodes: :func:`laudo.prepare.transform.prepare_array`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laudo.core.recipe import Prepare
from laudo.export.graph import Graph
from laudo.export.onnx_content import Box, box_of, content_box
from laudo.export.onnx_levels import limits, stretch
from laudo.export.onnx_resize import resize

IMAGE, MASK = "image", "mask"
"""Names of the graph's inputs."""
RED, GREEN, BLUE, HALF = 19595.0, 38470.0, 7471.0, 32768.0
"""Pillow's weights of grey, times 65536, and what rounds their sum."""


@dataclass(frozen=True)
class Placed:
    """A prepared picture in the graph, and where it was taken from.

    Attributes:
        pixels: (1, C, height, width) uint8.
        size: () int64 rows and columns of the picture.
        box: of it that was kept.
    """

    pixels: str
    size: tuple[str, str]
    box: Box


@dataclass(frozen=True)
class _Cut:
    """See :class:`laudo.prepare.cut.Cut`.

    Attributes:
        planes: (3, h, w) float64.
        grey: (h, w) float64 grey levels.
        inside: (h, w) bool; None when the recipe does not look at the mask.
        seen: (h × w) bool, what is measured; None: everything.
        erased: whether only what is inside is to be seen.
    """

    planes: str
    grey: str
    inside: str | None
    seen: str | None
    erased: bool


def prepare_picture(g: Graph, prepare: Prepare, kind: np.dtype[np.generic]) -> Placed:
    """Add the preparation of the input ``image`` (H, W, 1 or 3), and of ``mask`` (H, W) where the recipe looks at it.

    Args:
        g: graph that is added to.
        prepare: how; fitted.
        kind: type of the decoded pictures.
    """
    eight_bit = kind == np.uint8
    whole = _whole(g, prepare)
    size = (g.side(whole.grey, 0), g.side(whole.grey, 1))
    box = _box(g, whole, prepare, size, unsigned=kind.kind == "u")
    cut = whole if box is None else _cropped(g, whole, box)
    everything: Box = (g.integer(0), size[0], g.integer(0), size[1])
    if not prepare.planes:
        made = _finished(g, _picture(g, cut, prepare, eight_bit, grey=prepare.colour == "grey"), prepare)
    else:
        sources = {name: _plane(g, name, cut, whole, prepare, eight_bit) for name in dict.fromkeys(prepare.planes)}
        made = g("Concat", *[sources[name] for name in prepare.planes], axis=0)
    pixels = g("Unsqueeze", g.cast(made, np.uint8), g.integers(0))
    return Placed(pixels, size, box or everything)


def _plane(g: Graph, name: str, cut: _Cut, whole: _Cut, prepare: Prepare, eight_bit: bool) -> str:
    if name == "mask":
        assert cut.inside is not None
        white = g("Mul", g.cast(cut.inside, np.float64), g.number(255.0))
        return _finished(g, g("Unsqueeze", white, g.integers(0)), prepare)
    return _finished(g, _picture(g, cut if name == "image" else whole, prepare, eight_bit, grey=True), prepare)


def _whole(g: Graph, prepare: Prepare) -> _Cut:
    """All of the picture, three channels of it; a grey picture is repeated."""
    channels = g("Gather", g("Shape", IMAGE), g.integer(2))
    spread = g("Expand", g.cast(IMAGE, np.float64), g.integers(1, 1, 3))
    planes = g("Transpose", spread, perm=[2, 0, 1])
    first = g("Gather", planes, g.integer(0), axis=0)
    mean = g("Div", g("ReduceSum", planes, g.integers(0), keepdims=0), g.number(3.0))
    grey = g("Where", g("Equal", channels, g.integer(1)), first, mean)
    if prepare.mask == "keep" and "mask" not in prepare.planes:
        return _Cut(planes, grey, None, None, False)
    marked = g("Not", g("Equal", g.cast(MASK, np.int64), g.integer(0)))
    nothing = g("Equal", g("ReduceMax", g.cast(marked, np.int32), keepdims=0), g.constant(0, np.int32))
    return _with_seen(g, planes, grey, g("Or", marked, nothing), prepare.mask == "erase")


def _with_seen(g: Graph, planes: str, grey: str, inside: str, erased: bool) -> _Cut:
    if not erased:
        return _Cut(planes, grey, inside, None, False)
    nothing = g("Equal", g("ReduceMax", g.cast(inside, np.int32), keepdims=0), g.constant(0, np.int32))
    seen = g("Reshape", g("Or", inside, nothing), g.integers(-1))
    return _Cut(planes, grey, inside, seen, True)


def _measured(g: Graph, cut: _Cut) -> tuple[str, str]:
    """(n,) grey levels and (m,) values of all colours that are measured."""
    flat = g("Reshape", cut.grey, g.integers(-1))
    colours = g("Reshape", cut.planes, g.integers(3, -1))
    if cut.seen is not None:
        flat, colours = g("Compress", flat, cut.seen, axis=0), g("Compress", colours, cut.seen, axis=1)
    return flat, g("Reshape", colours, g.integers(-1))


def _box(g: Graph, whole: _Cut, prepare: Prepare, size: tuple[str, str], unsigned: bool) -> Box | None:
    if prepare.crop == "content":
        grey = whole.grey
        if not unsigned:
            grey = g("Sub", grey, g("ReduceMin", _measured(g, whole)[0], keepdims=0))
        if whole.erased and whole.inside is not None:
            grey = g("Where", whole.inside, grey, g.number(0.0))
        return content_box(g, grey)
    if prepare.crop == "lesion":
        return _lesion_box(g, prepare.margin, size)
    return None


def _lesion_box(g: Graph, margin: float, size: tuple[str, str]) -> Box:
    """Box around the mask with a share of its sides more; all of the picture where the mask is empty."""
    held = g.cast(g("Not", g("Equal", g.cast(MASK, np.int64), g.integer(0))), np.int32)
    empty = g("Equal", g("ReduceMax", held, keepdims=0), g.constant(0, np.int32))
    first_row, last_row, first_column, last_column = box_of(g, held)
    ends = []
    for start, stop, side in ((first_row, last_row, size[0]), (first_column, last_column, size[1])):
        length = g.cast(g("Sub", stop, start), np.float64)
        more = g.cast(g("Ceil", g("Mul", g.number(margin), length)), np.int64)
        ends.append(g("Where", empty, g.integer(0), g("Max", g.integer(0), g("Sub", start, more))))
        ends.append(g("Where", empty, side, g("Min", side, g("Add", stop, more))))
    return ends[0], ends[1], ends[2], ends[3]


def _cropped(g: Graph, cut: _Cut, box: Box) -> _Cut:
    starts, stops = g.listed(box[0], box[2]), g.listed(box[1], box[3])

    def part(value: str, axes: tuple[int, int]) -> str:
        return g("Slice", value, starts, stops, g.integers(*axes))

    planes, grey = part(cut.planes, (1, 2)), part(cut.grey, (0, 1))
    if cut.inside is None:
        return _Cut(planes, grey, None, None, False)
    return _with_seen(g, planes, grey, part(cut.inside, (0, 1)), cut.erased)


def _picture(g: Graph, cut: _Cut, prepare: Prepare, eight_bit: bool, grey: bool) -> str:
    """(1 or 3, h, w) float64 whole numbers of 0 to 255, black outside the mask where it is erased."""
    planes = cut.planes
    levels, values = _measured(g, cut)
    bounds = limits(g, levels, values, prepare, eight_bit)
    if bounds is not None:
        planes = stretch(g, planes, *bounds)
    if cut.erased and cut.inside is not None:
        planes = g("Where", cut.inside, planes, g.number(0.0))
    if not grey:
        return planes
    weights = g.constant(np.reshape((RED, GREEN, BLUE), (3, 1, 1)), np.float64)
    total = g("ReduceSum", g("Mul", planes, weights), g.integers(0), keepdims=1)
    return g("Floor", g("Div", g("Add", total, g.number(HALF)), g.number(65536.0)))


def _finished(g: Graph, planes: str, prepare: Prepare) -> str:
    """(C, height, width), resized; with its aspect kept, in the middle of black."""
    height, width = g.integer(prepare.height), g.integer(prepare.width)
    if prepare.fit == "stretch":
        return resize(g, planes, height, width)
    top, high, left, wide = filled(g, g.side(planes, 1), g.side(planes, 2), prepare)
    small = resize(g, planes, high, wide)
    below, right = g("Sub", g("Sub", height, top), high), g("Sub", g("Sub", width, left), wide)
    zero = g.integer(0)
    pads = g.listed(zero, top, left, zero, below, right)
    return g("Pad", small, pads, g.number(0.0))


def filled(g: Graph, height: str, width: str, prepare: Prepare) -> tuple[str, str, str, str]:
    """First row and number of rows, first column and number of columns; see :func:`laudo.prepare.transform.filled`."""
    rows, columns = g.integer(prepare.height), g.integer(prepare.width)
    if prepare.fit == "stretch":
        return g.integer(0), rows, g.integer(0), columns
    tall, broad = g.cast(height, np.float64), g.cast(width, np.float64)
    factor = g("Min", g("Div", g.number(prepare.width), broad), g("Div", g.number(prepare.height), tall))
    one, two = g.integer(1), g.integer(2)
    wide = g("Max", one, g.cast(g("Round", g("Mul", broad, factor)), np.int64))
    high = g("Max", one, g.cast(g("Round", g("Mul", tall, factor)), np.int64))
    return g("Div", g("Sub", rows, high), two), high, g("Div", g("Sub", columns, wide), two), wide
