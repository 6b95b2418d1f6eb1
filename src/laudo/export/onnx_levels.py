"""Grey levels as ONNX nodes: what becomes black and white, and the stretch to eight bits."""

from __future__ import annotations

import numpy as np

from laudo.core.recipe import Prepare
from laudo.export.graph import Graph


def limits(g: Graph, levels: str, values: str, prepare: Prepare, eight_bit: bool) -> tuple[str, str] | None:
    """() float64 black and white; None when the values stay as they are. See :func:`laudo.prepare.transform.grey_limits`.

    Args:
        g: graph that is added to.
        levels: (n,) float64 grey levels that are measured.
        values: (m,) float64, the same of all colours.
        prepare: how; fitted.
        eight_bit: whether the pictures have eight bits.
    """
    if prepare.intensity == "percentile":
        ordered = _sorted(g, levels)
        low, high = (percentile_of_sorted(g, ordered, share) for share in prepare.percentiles)
        return low, high
    if prepare.intensity == "zscore":
        mean = g("ReduceMean", levels, keepdims=0)
        away = g("Sub", levels, mean)
        deviation = g("Sqrt", g("ReduceMean", g("Mul", away, away), keepdims=0))
        three = g("Mul", deviation, g.number(3.0))
        return g("Sub", mean, three), g("Add", mean, three)
    if prepare.intensity == "window":
        assert prepare.window is not None
        centre, width = prepare.window
        return g.number(centre - width / 2), g.number(centre + width / 2)
    if prepare.intensity in {"range", "fitted"}:
        assert prepare.limits is not None, "prepare is not fitted yet"
        return g.number(prepare.limits[0]), g.number(prepare.limits[1])
    if eight_bit:
        return None
    return g("ReduceMin", values, keepdims=0), g("ReduceMax", values, keepdims=0)


def stretch(g: Graph, values: str, low: str, high: str) -> str:
    """Float64 whole numbers of 0 to 255 of values of any shape, computed in single precision as laudo does."""
    width = g("Sub", high, low)
    rising = g("Greater", width, g.number(0.0))
    safe = g("Where", rising, width, g.number(1.0))
    factor = g.cast(g("Div", g.number(255.0), safe), np.float32)
    moved = g("Sub", g.cast(values, np.float32), g.cast(low, np.float32))
    levels = g("Round", g("Clip", g("Mul", moved, factor), g.single(0.0), g.single(255.0)))
    return g.cast(g("Where", rising, levels, g.single(0.0)), np.float64)


def percentile(g: Graph, values: str, percent: float) -> str:
    """() float64 of (n,) float64 values, interpolated linearly as NumPy does."""
    return percentile_of_sorted(g, _sorted(g, values), percent)


def percentile_of_sorted(g: Graph, ordered: str, percent: float) -> str:
    """The same of rising values."""
    last = g("Sub", g.side(ordered, 0), g.integer(1))
    place = g("Mul", g.cast(last, np.float64), g.number(percent / 100))
    lower = g("Floor", place)
    share = g("Sub", place, lower)
    index = g.cast(lower, np.int64)
    low = g("Gather", ordered, index)
    high = g("Gather", ordered, g("Min", g("Add", index, g.integer(1)), last))
    between = g("Sub", high, low)
    from_low = g("Add", low, g("Mul", between, share))
    from_high = g("Sub", high, g("Mul", between, g("Sub", g.number(1.0), share)))
    return g("Where", g("GreaterOrEqual", share, g.number(0.5)), from_high, from_low)


def _sorted(g: Graph, values: str) -> str:
    count = g("Unsqueeze", g.side(values, 0), g.integers(0))
    return g.several("TopK", 2, values, count, axis=0, largest=0, sorted=1)[0]
