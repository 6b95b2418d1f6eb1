"""Every splitter: groups stay whole, nothing is lost, rows may come in any order, and parts are what they were on every machine."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from laudo.core.errors import DataError
from laudo.core.manifest import PARTS, Manifest
from laudo.core.recipe import Split
from laudo.split.grouped import fold_numbers, repeat, split_fold, split_parts
from laudo.split.groups import assign_groups, group_codes

SPLITTERS = ("group", "patient", "duplicates", "sample")


def made(n: int, seed: int, classes=("a", "b", "c"), official: str = "") -> Manifest:
    """Patients of up to four slices, copies across patients, and official parts or folds if asked for."""
    rng = np.random.default_rng(seed)
    patients = np.sort(rng.integers(0, max(2, n // 2), n))
    rows = [
        {
            "sample": f"s{number:04d}",
            "image": f"s{number:04d}.png",
            "label": classes[patients[number] % len(classes)] if classes else "",
            "patient": f"P{patients[number]}",
            "duplicates": f"copy-{rng.integers(0, 4 * n)}",
            "sha256": f"{number}",
            "split": PARTS[[0, 0, 0, 1, 2][patients[number] % 5]] if official == "parts" else "",
            "fold": 1 + int(patients[number]) % 5 if official == "folds" else 0,
        }
        for number in range(n)
    ]
    return assign_groups(Manifest.from_rows(rows, Path(), "made", classes))


def shuffled(manifest: Manifest, seed: int) -> Manifest:
    return manifest.rows(np.random.default_rng(seed).permutation(len(manifest)))


def by_name(manifest: Manifest, values) -> dict:
    return dict(zip(manifest.table["sample"], values, strict=True))


def torn(keys, places) -> int:
    """Number of keys that stand in several places."""
    found: dict = {}
    for key, place in zip(keys, places, strict=True):
        found.setdefault(key, set()).add(place)
    return sum(len(where) > 1 for where in found.values())


def or_assume(work):
    try:
        return work()
    except DataError as error:
        assert error.found or error.cure  # noqa: PT017
        assume(False)


@settings(max_examples=40)
@given(
    st.sampled_from(SPLITTERS),
    st.integers(30, 120),
    st.integers(0, 999),
    st.booleans(),
    st.sampled_from([(), ("a", "b")]),
)
def test_no_group_stands_in_two_parts_whatever_the_splitter(by, n, seed, stratified, classes):
    manifest = made(n, seed, classes)
    split = Split(by=by, stratified=stratified, seed=seed)
    divided = or_assume(lambda: split_parts(manifest, split))
    assert set(divided.table["split"]) == set(PARTS)
    assert torn(group_codes(manifest, by), divided.table["split"]) == 0
    if by in {"group", "patient"}:
        assert torn(manifest.table["patient"], divided.table["split"]) == 0
    if by in {"group", "duplicates"}:
        assert torn(manifest.table["duplicates"], divided.table["split"]) == 0
    numbers = or_assume(lambda: fold_numbers(manifest, 4, split, seed))
    assert set(numbers) == {1, 2, 3, 4}
    assert torn(group_codes(manifest, by), numbers) == 0
    one = or_assume(lambda: split_fold(manifest.with_columns(fold=numbers), 2, split))
    assert torn(group_codes(manifest, by), one.table["split"]) == 0
    assert set(np.flatnonzero(numbers == 2)) == set(one.indices("test"))


@settings(max_examples=20)
@given(st.sampled_from([*SPLITTERS, "parts", "folds"]), st.integers(0, 99), st.integers(0, 99))
def test_the_order_of_the_rows_decides_nothing(by, seed, order):
    manifest = made(60, seed, ("a", "b"), official=by)
    split = Split(by="official" if by in {"parts", "folds"} else by, seed=seed)
    divided = or_assume(lambda: split_parts(manifest, split))
    other = split_parts(shuffled(manifest, order), split)
    assert by_name(divided, divided.table["split"]) == by_name(other, other.table["split"])
    if by == "parts":
        return
    mixed = shuffled(manifest, order)
    numbers = or_assume(lambda: fold_numbers(manifest, 5, split, seed))
    assert by_name(manifest, numbers) == by_name(mixed, fold_numbers(mixed, 5, split, seed))


@pytest.mark.parametrize("by", SPLITTERS)
def test_parts_come_near_the_shares_that_were_asked_for(by):
    manifest = made(400, 3, ("a", "b"))
    for test, validation in ((0.2, 0.16), (0.1, 0.1), (0.3, 0.25)):
        divided = split_parts(manifest, Split(by=by, test=test, validation=validation))
        for part, wanted in (("test", test), ("val", validation)):
            assert abs(len(divided.indices(part)) / 400 - wanted) < 0.04, (by, part)


GOLDEN = {
    "group": "b4b3abcbac",
    "patient": "409aa38628",
    "duplicates": "003051a8ac",
    "sample": "9f749761ef",
    "group, not stratified": "870ad2e61b",
    "sample, not stratified": "63f1591a5e",
    "official parts": "966958dd75",
    "official folds": "6300bfd03b",
    "no classes": "870ad2e61b",
}
"""What the parts and folds of a fixed set are, on every machine and in every version of laudo."""


@pytest.mark.parametrize("name", GOLDEN)
def test_the_same_seed_gives_the_parts_that_it_always_gave(name):
    official = name.removeprefix("official ") if name.startswith("official") else ""
    manifest = made(240, 1, () if name == "no classes" else ("a", "b", "c"), official)
    by = "official" if official else "group" if name == "no classes" else name.partition(",")[0]
    split = Split(by=by, stratified="not" not in name, seed=7)
    parts = list(split_parts(manifest, split).table["split"])
    folds = [] if official == "parts" else fold_numbers(manifest, 5, split, 7).tolist()
    assert hashlib.sha256(repr((parts, folds)).encode()).hexdigest()[:10] == GOLDEN[name]


def test_the_seed_is_written_with_the_manifest(tmp_path):
    manifest = made(60, 0)
    assert manifest.seed is None
    divided = split_parts(manifest, Split(seed=5))
    divided.save(tmp_path / "manifest.parquet")
    assert Manifest.load(tmp_path / "manifest.parquet").seed == 5
    assert split_fold(manifest.with_columns(fold=fold_numbers(manifest, 3, Split(), 0)), 1, Split(seed=9)).seed == 9


def test_each_repeat_has_the_next_seed():
    manifest, split = made(60, 0), Split(seed=4, repeats=3)
    seeds = [repeat(split, number).seed for number in (1, 2, 3)]
    assert seeds == [4, 5, 6]
    assert len({tuple(fold_numbers(manifest, 5, split, seed)) for seed in seeds}) == 3


# official ----------------------------------------------------------------------------------------------------


def test_official_parts_are_kept():
    manifest = made(80, 2, official="parts")
    divided = split_parts(manifest, Split(by="official", test=0.5, validation=0.3))
    assert list(divided.table["split"]) == list(manifest.table["split"])


def test_a_missing_validation_part_is_taken_from_train_in_groups():
    manifest = made(200, 2, official="parts")
    manifest = manifest.with_columns(split=manifest.table["split"].replace("val", "train").to_numpy())
    divided = split_parts(manifest, Split(by="official", validation=0.2))
    assert divided.indices("test").tolist() == manifest.indices("test").tolist()
    assert abs(len(divided.indices("val")) / 200 - 0.2) < 0.04
    trained = np.flatnonzero(manifest.table["split"] == "train")
    assert torn(manifest.table["group"].iloc[trained], divided.table["split"].iloc[trained]) == 0


def test_of_official_folds_the_last_is_the_test_part_and_all_are_used_for_all():
    manifest = made(100, 4, official="folds")
    divided = split_parts(manifest, Split(by="official"))
    assert set(np.flatnonzero(manifest.table["fold"] == 5)) == set(divided.indices("test"))
    assert list(divided.table["fold"]) == list(manifest.table["fold"])
    assert list(fold_numbers(manifest, 2, Split(by="official"), 0)) == list(manifest.table["fold"])


def test_every_other_splitter_overwrites_what_the_source_filled():
    for official in ("parts", "folds"):
        manifest = made(100, 4, official=official)
        divided = split_parts(manifest, Split(by="group"))
        assert not (divided.table["fold"] > 0).any()
        assert list(divided.table["split"]) != list(manifest.table["split"])


@pytest.mark.parametrize(
    ("column", "values", "by"),
    [
        ("split", ["", "train"], "parts"),
        ("split", ["train", "dev"], "parts"),
        ("split", ["test", "val"], "parts"),
        ("split", ["", ""], "parts"),
        ("fold", [0, 1], "folds"),
        ("fold", [1, 3], "folds"),
        ("fold", [1, 1], "folds"),
        ("fold", [0, 0], "folds"),
    ],
)
def test_official_splits_that_are_none_are_refused_in_words(column, values, by):
    manifest = made(40, 0).with_columns(**{column: np.array(values * 20, dtype=object if by == "parts" else np.int64)})
    with pytest.raises(DataError) as caught:
        split_parts(manifest, Split(by="official"))
    assert caught.value.cure or caught.value.found
    if by == "folds":
        with pytest.raises(DataError):
            fold_numbers(manifest, 5, Split(by="official"), 0)


@pytest.mark.parametrize("by", ["patient", "duplicates"])
def test_a_split_by_what_nobody_knows_is_refused(by):
    manifest = made(40, 0)
    manifest = manifest.with_columns(**{by: ""})
    with pytest.raises(DataError, match=by) as caught:
        split_parts(manifest, Split(by=by))
    assert "split.by=group" in caught.value.cure


def test_an_empty_part_is_refused_where_there_are_no_classes():
    manifest = made(40, 0, ()).with_columns(split=np.array(["train"] * 40, dtype=object), group="g0001")
    with pytest.raises(DataError):
        split_parts(manifest, Split(by="official"))
