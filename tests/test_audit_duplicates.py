"""The search for copies: what was only saved again is found, what is another picture is not."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from audit_example import head
from laudo.audit import candidates
from laudo.audit.detail import COPY_DETAIL, SCAN_DETAIL, detail_agreement
from laudo.audit.duplicates import (
    MOST,
    NEAR,
    Levels,
    NearPair,
    clusters,
    fine_thumbnail,
    likeness_levels,
    near_pairs,
)
from laudo.sources.phantom_brain import slices


def texture(seed: int) -> np.ndarray:
    """(150, 180) uint8 smooth random picture that fills the frame."""
    noise = np.random.default_rng(seed).normal(size=(150, 180))
    smooth = ndimage.gaussian_filter(noise, 9)
    return np.interp(smooth, (smooth.min(), smooth.max()), (40, 255)).astype(np.uint8)


def resaved(picture: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def resized(picture: np.ndarray, factor: float) -> np.ndarray:
    height, width = (round(side * factor) for side in picture.shape)
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC))


def brighter(picture: np.ndarray) -> np.ndarray:
    return (picture * 1.25).clip(0, 255).astype(np.uint8)


def gamma(picture: np.ndarray) -> np.ndarray:
    return (255 * (picture / 255) ** 0.8).astype(np.uint8)


def cropped(picture: np.ndarray, top: float, bottom: float, left: float, right: float) -> np.ndarray:
    height, width = picture.shape
    return picture[
        round(top * height) : height - round(bottom * height), round(left * width) : width - round(right * width)
    ]


def bordered(picture: np.ndarray) -> np.ndarray:
    return np.pad(picture, ((25, 10), (40, 15)))


def lettered(picture: np.ndarray) -> np.ndarray:
    """A small white label in the dark margin."""
    wide = np.pad(picture, 30)
    wide[5:12, 5:30:3] = 255
    return wide


CHANGES = {
    "jpeg 80": lambda p: resaved(p, 80),
    "jpeg 40": lambda p: resaved(p, 40),
    "half the size": lambda p: resized(p, 0.5),
    "twice the size": lambda p: resized(p, 2),
    "brighter": brighter,
    "darker": lambda p: (p * 0.6).astype(np.uint8),
    "gamma": gamma,
    "crop 5 % all around": lambda p: cropped(p, 0.05, 0.05, 0.05, 0.05),
    "crop 10 % above": lambda p: cropped(p, 0.10, 0, 0, 0),
    "crop 8 % left and below": lambda p: cropped(p, 0, 0.08, 0.08, 0),
    "border": bordered,
    "border and letters": lettered,
    "half the size, jpeg 60, border": lambda p: bordered(resaved(resized(p, 0.5), 60)),
}

HARD_ON_SMALL_HEADS = {"half the size", "crop 10 % above", "half the size, jpeg 60, border"}
"""Of 128 pixels, and all alike: some of these copies are no more alike at first sight than two patients are."""

OTHER_PICTURES = {
    "turned by 90°": np.rot90,
    "turned by 180°": lambda p: np.rot90(p, 2),
    "mirrored": np.fliplr,
    "upside down": np.flipud,
    "negative": lambda p: p.max() - p,
}
"""What is *not* looked for: a turned, mirrored or inverted copy is another picture to this search."""


@pytest.fixture(scope="module")
def heads() -> list[np.ndarray]:
    """One slice of each of 30 patients."""
    return [item.image for item in slices(30, seed=11, size=128, per_patient=1)]


@pytest.fixture(scope="module")
def textures() -> list[np.ndarray]:
    return [texture(seed) for seed in range(30)]


def thumbnails(pictures: list[np.ndarray]) -> np.ndarray:
    return np.stack([fine_thumbnail(np.ascontiguousarray(picture).astype(np.float32)) for picture in pictures])


def found(pictures: list[np.ndarray]) -> set[tuple[int, int]]:
    return {(pair.first, pair.second) for pair in near_pairs(thumbnails(pictures))}


def test_different_patients_are_never_copies(heads):
    assert found(heads) == set()


def test_different_textures_are_never_copies(textures):
    assert found(textures) == set()


@pytest.mark.parametrize("change", CHANGES)
def test_a_picture_saved_again_is_found_among_textures(textures, change):
    assert found([*textures, CHANGES[change](textures[7])]) == {(7, 30)}


TOO_FAINT = {"half the size", "crop 10 % above", "half the size, jpeg 60, border"}
"""On synthetic heads of 128 pixels these are as unlike the original as other heads are: they may be missed."""


@pytest.mark.parametrize("change", sorted(CHANGES.keys() - TOO_FAINT))
def test_a_picture_saved_again_is_found_among_heads(heads, change):
    copies = {(0, 30), (7, 31), (21, 32)}
    seen = found([*heads, *[CHANGES[change](heads[place]) for place in (0, 7, 21)]])
    assert seen <= copies
    assert len(seen) >= (2 if change in HARD_ON_SMALL_HEADS else 3)


@pytest.mark.parametrize("change", OTHER_PICTURES)
def test_a_turned_mirrored_or_inverted_picture_is_another_one(textures, change):
    other = np.ascontiguousarray(OTHER_PICTURES[change](textures[7]))
    assert found([*textures, other]) == set()


def test_all_copies_of_a_picture_are_one_cluster(textures):
    copies = [change(textures[3]) for change in CHANGES.values()]
    pictures = [*textures, *copies]
    numbers = clusters(len(pictures), found(pictures))
    assert set(numbers[30:]) == {numbers[3]} == {3}
    assert numbers[:30].tolist() == list(range(30))


def test_pictures_without_contrast_match_nothing():
    flat = [np.full((60, 60), level, np.uint8) for level in (0, 0, 7, 128, 255)]
    assert found(flat) == set()
    assert near_pairs(thumbnails(flat), Levels(-1.0, 1.0, 1e-6)) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (3, 2), (2000, 20)])
def test_any_shape_has_a_thumbnail(shape):
    picture = np.random.default_rng(0).integers(0, 256, shape).astype(np.float32)
    assert fine_thumbnail(picture).shape == (96, 96)
    assert np.isfinite(fine_thumbnail(picture)).all()


def test_pairs_come_by_similarity_and_each_once(textures):
    pairs = near_pairs(thumbnails([textures[0], textures[1], textures[0], resaved(textures[1], 30), textures[2]]))
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 2), (1, 3)]
    assert pairs[0] == NearPair(0, 2, pytest.approx(1.0, abs=1e-5))
    assert NEAR <= pairs[1].similarity < pairs[0].similarity <= 1.0


def test_many_pictures_are_compared_block_by_block(textures, monkeypatch):
    from laudo.audit import duplicates

    pictures = [*textures, *[resized(picture, 0.8) for picture in textures[::4]]]
    expected = near_pairs(thumbnails(pictures))
    whole = duplicates.candidate_pairs
    monkeypatch.setattr(duplicates, "candidate_pairs", lambda plain, level: whole(plain, level, block=7))
    assert near_pairs(thumbnails(pictures)) == expected
    assert len(expected) == 8


# copies among pictures that look alike ------------------------------------------------------------------------


@pytest.mark.parametrize("other", range(1, 5))
def test_two_heads_in_one_kind_of_skull_look_alike_and_are_no_copies(other):
    (pair,) = near_pairs(thumbnails([head(0), head(other)]))
    assert pair.similarity > 0.94
    assert pair.detail < SCAN_DETAIL - 0.05
    assert not pair.is_copy
    assert not pair.is_one_scan


def test_neighbouring_slices_are_one_scan_and_no_copies():
    (pair,) = near_pairs(thumbnails([head(0), head(0, depth=0.8)]))
    assert pair.similarity > 0.97
    assert SCAN_DETAIL < pair.detail < COPY_DETAIL
    assert pair.is_one_scan
    assert not pair.is_copy


@pytest.mark.parametrize("change", CHANGES)
def test_a_head_saved_again_keeps_its_detail(change):
    pairs = near_pairs(thumbnails([head(0), head(1), CHANGES[change](head(0))]))
    assert {(pair.first, pair.second) for pair in pairs if pair.is_copy} == {(0, 2)}


def test_detail_of_a_picture_with_itself_with_nothing_and_either_way_round():
    first, second, flat = *thumbnails([head(0), head(1)]), np.zeros((96, 96), np.uint8)
    assert detail_agreement(first, first) == pytest.approx(1.0)
    assert detail_agreement(first, flat) == detail_agreement(flat, flat) == 0.0
    assert detail_agreement(first, second) == pytest.approx(detail_agreement(second, first), abs=0.02)
    assert detail_agreement(first, 255 - first) < 0


# the threshold -----------------------------------------------------------------------------------------------


def test_a_small_set_has_the_lowest_threshold(heads):
    assert likeness_levels(thumbnails(heads[:19])).copy == NEAR
    assert likeness_levels(thumbnails(heads[:20])).copy > NEAR


def test_pictures_that_resemble_each_other_raise_it_and_others_do_not(heads, textures):
    assert likeness_levels(thumbnails(textures)).copy == NEAR
    assert NEAR < likeness_levels(thumbnails(heads)).copy <= MOST


def test_it_never_leaves_its_bounds():
    same = np.stack([fine_thumbnail(texture(0).astype(np.float32))] * 25)
    flat = np.zeros((25, 96, 96), np.float32)
    for pictures in (same, flat):
        assert NEAR <= likeness_levels(pictures).copy <= MOST


def test_a_few_copies_hardly_move_it(heads):
    alone = likeness_levels(thumbnails(heads)).copy
    with_copies = likeness_levels(thumbnails([*heads, *[resaved(picture, 70) for picture in heads[:4]]])).copy
    assert abs(alone - with_copies) < 0.01


def test_a_large_set_is_sampled_and_gives_the_same_each_time(monkeypatch, heads):
    from laudo.audit import duplicates

    monkeypatch.setattr(duplicates, "SAMPLE", 25)
    pictures = thumbnails(heads)
    assert likeness_levels(pictures) == likeness_levels(pictures)
    assert NEAR <= likeness_levels(pictures).copy <= MOST


# clusters ----------------------------------------------------------------------------------------------------


def naive_clusters(n: int, pairs: list[tuple[int, int]]) -> list[int]:
    """Union-find in a few lines: every member points to the smallest one it is joined with."""
    parent = list(range(n))

    def root(member: int) -> int:
        while parent[member] != member:
            member = parent[member]
        return member

    for one, two in pairs:
        low, high = sorted((root(one), root(two)))
        parent[high] = low
    roots = [root(member) for member in range(n)]
    order = sorted(set(roots), key=roots.index)
    return [order.index(member) for member in roots]


@st.composite
def graphs(draw):
    n = draw(st.integers(1, 30))
    member = st.integers(0, n - 1)
    return n, draw(st.lists(st.tuples(member, member), max_size=40))


@given(graphs())
def test_clusters_are_those_of_a_naive_union_find(graph):
    n, pairs = graph
    assert clusters(n, pairs).tolist() == naive_clusters(n, pairs)


def test_thinning_out_on_the_way_changes_nothing(monkeypatch):
    plain = np.random.default_rng(3).normal(size=(120, 64)).astype(np.float32)
    plain /= np.linalg.norm(plain, axis=1, keepdims=True)
    monkeypatch.setattr(candidates, "MOST", 3)
    monkeypatch.setattr(candidates, "perceptual_signs", lambda vectors: np.zeros((len(vectors), 64), dtype=np.float32))
    monkeypatch.setattr(candidates, "_levels", lambda vectors, signs, level: (level, 64.0))

    def pairs() -> set[tuple[int, int]]:
        return {tuple(pair) for pair in candidates.candidate_pairs(plain, -1.0, block=7).tolist()}

    whole = pairs()
    monkeypatch.setattr(candidates, "HELD", 50)
    assert pairs() == whole
    assert 120 * 3 / 2 <= len(whole) <= 120 * 3
