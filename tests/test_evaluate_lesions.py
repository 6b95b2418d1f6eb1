"""Lesion by lesion, drawn by hand; and against a flood fill."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from laudo.evaluate import components
from laudo.evaluate.components import Components
from laudo.evaluate.lesions import lesion_metrics


def drawn(*rows: str) -> tuple[np.ndarray, np.ndarray]:
    """T truth alone, P prediction alone, B both."""
    picture = np.array([list(row) for row in rows])
    return np.isin(picture, ["T", "B"]), np.isin(picture, ["P", "B"])


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (("......", "......"), (0, 0, 0)),
        (("TT....", "......"), (1, 0, 0)),
        (("PP....", "....PP"), (0, 0, 2)),
        (("BB....", "....PP"), (1, 1, 1)),
        (("T.....", ".T..B."), (2, 1, 0)),  # by the corner, one lesion
        (("TP....", "......"), (1, 0, 1)),  # side by side is not found
        (("BPBPB.", "......"), (3, 3, 0)),  # three in one blob are found, and the blob is no false one
        (("BTBTB.", "......"), (1, 1, 0)),  # one in three pieces
        (("BTTTTT", "TTTT.."), (1, 1, 0)),  # exactly a tenth
        (("BTTTTT", "TTTTT."), (1, 0, 0)),  # less than a tenth of eleven; what was predicted lies on the truth
        (("BPPPPP", "PPPPPP"), (1, 1, 1)),  # a blob over everything finds it, and is false
    ],
)
def test_drawn(rows, expected):
    found = lesion_metrics(*drawn(*rows))
    assert tuple(found.values()) == expected
    assert list(found) == ["lesions", "lesions_found", "lesions_false"]


def flooded(mask: np.ndarray) -> list[set[tuple[int, ...]]]:
    left, regions = set(map(tuple, np.argwhere(mask).tolist())), []
    while left:
        region, edge = set(), [left.pop()]
        while edge:
            place = edge.pop()
            region.add(place)
            near = {other for other in left if max(abs(a - b) for a, b in zip(place, other, strict=True)) == 1}
            left -= near
            edge += near
        regions.append(region)
    return regions


@given(st.integers(0, 10_000), st.sampled_from([(9, 8), (5, 5, 4)]))
@settings(max_examples=40, deadline=None)
def test_the_same_as_a_flood_fill(seed, shape):
    random = np.random.default_rng(seed)
    truth, predicted = random.random(shape) < 0.12, random.random(shape) < 0.12
    sides = [
        (flooded(a), set(map(tuple, np.argwhere(b).tolist()))) for a, b in ((truth, predicted), (predicted, truth))
    ]
    covered = [sum(10 * len(region & other) >= len(region) for region in regions) for regions, other in sides]
    expected = (len(sides[0][0]), covered[0], len(sides[1][0]) - covered[1])
    assert tuple(lesion_metrics(truth, predicted).values()) == expected


@pytest.mark.parametrize("run_ns", [0.0, 1e9])
@pytest.mark.parametrize("shape", [(7, 9), (6, 5, 8), (1, 1, 1), (1, 9, 1)])
def test_components_by_runs_and_by_voxels(monkeypatch, run_ns, shape):
    monkeypatch.setattr(components, "RUN_NS", run_ns)
    for seed in range(12):
        random = np.random.default_rng(seed)
        mask, other = random.random((2, *shape)) < random.choice(
            [0.0, 0.1, 0.3, 0.7, 1.0], size=(2,) + (1,) * len(shape)
        )
        mask, other = np.pad(mask, 1), np.pad(other, 1)
        found = Components.of(mask)
        labels, count = ndimage.label(mask, structure=np.ones((3,) * mask.ndim))
        assert found.count == count
        pairs = {(int(np.sum(labels == one)), int(np.sum((labels == one) & other))) for one in range(1, count + 1)}
        assert set(zip(found.sizes().tolist(), found.covered_by(other).tolist(), strict=True)) == pairs
