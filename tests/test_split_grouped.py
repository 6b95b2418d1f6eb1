"""Splits: groups stay whole, nothing is lost, the same seed gives the same parts, impossible wishes are errors."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from laudo.core.errors import DataError
from laudo.core.manifest import PARTS, Manifest
from laudo.core.recipe import Split
from laudo.split.grouped import assign_groups, fold_numbers, join_groups, split_fold, split_parts

CLASSES = ("no", "yes")


def manifest_of(labels, patients=None, duplicates=None) -> Manifest:
    n = len(labels)
    rows = [
        {
            "sample": f"s{i:04d}",
            "image": f"{labels[i]}/s{i:04d}.png",
            "label": labels[i],
            "patient": patients[i] if patients else "",
            "duplicates": duplicates[i] if duplicates else "",
            "sha256": f"{i}",
        }
        for i in range(n)
    ]
    return assign_groups(Manifest.from_rows(rows, Path(), "made", CLASSES))


def groups_of(manifest: Manifest, column: str) -> dict[str, set]:
    """Parts (or folds) in which each group stands."""
    places: dict[str, set] = {}
    for group, place in zip(manifest.table["group"], manifest.table[column], strict=True):
        places.setdefault(group, set()).add(place)
    return places


@st.composite
def data_sets(draw):
    """Up to 160 samples of two classes; patients of one to six slices, some unknown; copies that may join two patients."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    patients, labels = [], []
    for number in range(draw(st.integers(14, 45))):
        label = str(rng.choice(CLASSES))
        for _ in range(int(rng.integers(1, draw(st.integers(2, 6))))):
            patients.append(f"P{number}" if rng.random() < 0.8 else "")
            labels.append(label if rng.random() < 0.95 else str(rng.choice(CLASSES)))
    clusters = rng.integers(0, draw(st.integers(4, 8)) * len(labels), len(labels))
    return manifest_of(labels, patients, [f"copy-{number}" for number in clusters])


splits = st.builds(
    Split,
    test=st.sampled_from([0.0, 0.15, 0.2, 0.3]),
    validation=st.sampled_from([0.1, 0.16, 0.25]),
    seed=st.integers(0, 99),
    stratified=st.booleans(),
)


def try_or_assume(work):
    """The result; examples that are refused in words are not counted, but anything else than DataError fails."""
    try:
        return work()
    except DataError as error:
        assert error.found  # noqa: PT017
        assume(False)


@settings(max_examples=30)
@given(data_sets(), splits)
def test_no_group_stands_in_two_parts_and_every_sample_stands_in_one(manifest, split):
    divided = try_or_assume(lambda: split_parts(manifest, split))
    assert all(len(parts) == 1 for parts in groups_of(divided, "split").values())
    wanted = set(PARTS) if split.test else {"train", "val"}
    assert set(divided.table["split"]) == wanted
    for column in ("patient", "duplicates"):
        known = divided.table[divided.table[column] != ""]
        assert (known.groupby(column)["split"].nunique() == 1).all()
    for part in wanted:
        assert set(divided.part(part).table["label"]) == set(CLASSES)


@settings(max_examples=12)
@given(data_sets(), splits, st.integers(2, 6))
def test_no_group_stands_in_two_folds_and_each_fold_is_a_test_part_once(manifest, split, folds):
    numbers = try_or_assume(lambda: fold_numbers(manifest, folds, split, split.seed))
    assert set(numbers) == set(range(1, folds + 1))
    numbered = manifest.with_columns(fold=numbers)
    assert all(len(places) == 1 for places in groups_of(numbered, "fold").values())
    for fold in range(1, folds + 1):
        divided = try_or_assume(lambda fold=fold: split_fold(numbered, fold, split))
        assert all(len(parts) == 1 for parts in groups_of(divided, "split").values())
        assert set(np.flatnonzero(numbers == fold)) == set(divided.indices("test"))
        assert set(divided.table["split"]) == set(PARTS)


@settings(max_examples=10)
@given(data_sets(), splits)
def test_the_same_seed_gives_the_same_parts_and_the_order_of_the_rows_does_not_matter(manifest, split):
    divided = try_or_assume(lambda: split_parts(manifest, split))
    rows = manifest.table.drop(columns=["group"]).to_dict("records")
    np.random.default_rng(split.seed).shuffle(rows)
    again = assign_groups(Manifest.from_rows(rows, Path(), "made", CLASSES))
    assert split_parts(again, split).content_hash() == divided.content_hash()
    assert np.array_equal(fold_numbers(again, 3, split, 5), fold_numbers(manifest, 3, split, 5))


def test_another_seed_gives_other_parts():
    manifest = manifest_of(["no", "yes"] * 40)
    parts = {tuple(split_parts(manifest, Split(seed=seed)).table["split"]) for seed in range(4)}
    assert len(parts) == 4
    assert len({tuple(fold_numbers(manifest, 5, Split(), seed)) for seed in range(4)}) == 4


@pytest.mark.parametrize("by", ["group", "sample"])
@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize(
    ("n", "share", "test", "validation", "seed"),
    [(100, 0.25, 0.0, 0.1, 0), (110, 0.4, 0.2, 0.16, 1), (130, 0.7, 0.3, 0.2, 2), (124, 0.2, 0.1, 0.16, 3)],
)
def test_parts_have_the_size_that_was_asked_for(n, share, test, validation, by, size, seed):
    """Small groups of one class each: every part is within 3.5 % of all samples, and so is its share of each class."""
    labels = ["yes" if i // size < share * n / size else "no" for i in range(n)]
    manifest = manifest_of(labels, patients=[f"P{i // size}" for i in range(n)])
    split = Split(by=by, test=test, validation=validation, seed=seed)
    divided = split_parts(manifest, split)
    positive = labels.count("yes") / n
    for part, wanted in (("test", test), ("val", validation), ("train", 1 - test - validation)):
        chosen = divided.part(part).table
        assert abs(len(chosen) / n - wanted) <= 0.035, part
        if wanted:
            assert abs((chosen["label"] == "yes").mean() - positive) <= 0.08, part


@pytest.mark.parametrize("by", ["group", "sample"])
def test_folds_of_small_groups_have_one_size(by):
    labels = ["yes"] * 60 + ["no"] * 40
    manifest = manifest_of(labels, patients=[f"P{i // 2}" for i in range(100)])
    numbers = fold_numbers(manifest, 5, Split(by=by), seed=0)
    assert np.bincount(numbers)[1:].tolist() == [20] * 5
    for fold in range(1, 6):
        assert sum(labels[i] == "yes" for i in np.flatnonzero(numbers == fold)) == 12


def test_a_split_by_sample_tears_groups_apart():
    manifest = manifest_of(["yes"] * 50 + ["no"] * 50, patients=[f"P{i // 5}" for i in range(100)])
    torn = split_parts(manifest, Split(by="sample"))
    assert sum(len(parts) > 1 for parts in groups_of(torn, "split").values()) >= 10
    whole = split_parts(manifest, Split(by="group"))
    assert all(len(parts) == 1 for parts in groups_of(whole, "split").values())
    numbers = manifest.with_columns(fold=fold_numbers(manifest, 5, Split(by="sample"), 0))
    assert sum(len(folds) > 1 for folds in groups_of(numbers, "fold").values()) >= 10


def test_without_stratification_the_classes_fall_as_they_may():
    manifest = manifest_of(["yes", "no"] * 60)

    def positive_share(seed: int, stratified: bool) -> float:
        divided = split_parts(manifest, Split(by="sample", stratified=stratified, seed=seed))
        return float((divided.part("test").table["label"] == "yes").mean())

    assert len({positive_share(seed, stratified=False) for seed in range(8)}) > 1
    assert {positive_share(seed, stratified=True) for seed in range(3)} == {0.5}


def test_folds_and_their_validation_parts_share_no_group_on_a_small_set():
    manifest = manifest_of(["yes"] * 12 + ["no"] * 12, patients=[f"P{i // 2}" for i in range(24)])
    numbered = manifest.with_columns(fold=fold_numbers(manifest, 3, Split(), 0))
    for fold in (1, 2, 3):
        divided = split_fold(numbered, fold, Split(validation=0.2))
        assert all(len(parts) == 1 for parts in groups_of(divided, "split").values())
        assert len(divided.part("test")) == 8
        assert 4 <= len(divided.part("val")) <= 6


# errors ------------------------------------------------------------------------------------------------------


def test_fewer_groups_than_folds():
    manifest = manifest_of(["yes", "no"] * 10, patients=[f"P{i % 4}" for i in range(20)])
    with pytest.raises(DataError) as caught:
        fold_numbers(manifest, 5, Split(), 0)
    assert "4" in caught.value.found
    assert "at most 4" in caught.value.cure


@pytest.mark.parametrize("by", ["group", "sample"])
@pytest.mark.parametrize("stratified", [True, False])
@pytest.mark.parametrize(
    ("yes", "no"), [(1, 1), (2, 1), (2, 2), (3, 3), (4, 30), (1, 40), (9, 9), (15, 15), (19, 19), (40, 5)]
)
@pytest.mark.parametrize("test", [0.0, 0.2, 0.8])
def test_small_sets_are_divided_or_refused_in_words(by, stratified, yes, no, test):
    """Never an error of a library, and never its warning; what is divided is divided whole, what is refused says why."""
    manifest = manifest_of(["yes"] * yes + ["no"] * no)
    split = Split(by=by, stratified=stratified, test=test, validation=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for work, allowed in (
            (lambda: split_parts(manifest, split).table["split"], set(PARTS)),
            (lambda: fold_numbers(manifest, 5, split, 0), {1, 2, 3, 4, 5}),
        ):
            try:
                places = work()
            except DataError as error:
                assert error.what and (error.found or error.cure), "refused without a reason"  # noqa: PT017, PT018
            else:
                assert len(places) == len(manifest)
                assert set(places) <= allowed


@pytest.mark.parametrize(("yes", "no"), [(9, 9), (15, 15), (19, 19), (40, 8)])
def test_sets_of_a_few_images_a_class_are_divided(yes, no):
    for by in ("group", "sample"):
        divided = split_parts(manifest_of(["yes"] * yes + ["no"] * no), Split(by=by))
        assert set(divided.table["split"]) == set(PARTS)


@pytest.mark.parametrize("by", ["group", "sample"])
def test_all_images_of_one_patient(by):
    manifest = manifest_of(["yes", "no"] * 20, patients=["P1"] * 40)
    if by == "group":
        with pytest.raises(DataError):
            split_parts(manifest, Split())
    else:
        assert set(split_parts(manifest, Split(by="sample")).table["split"]) == set(PARTS)


def test_a_class_in_one_group_can_not_stand_in_every_part():
    manifest = manifest_of(["yes"] * 10 + ["no"] * 40, patients=["P1"] * 10 + [""] * 40)
    with pytest.raises(DataError) as caught:
        split_parts(manifest, Split())
    assert "yes" in caught.value.found
    assert caught.value.cure


# groups ------------------------------------------------------------------------------------------------------


def test_patients_and_copies_are_joined_through_a_chain():
    patients = np.array(["A", "A", "B", "", "C", "", "D"])
    duplicates = np.array(["", "c1", "c1", "c2", "c2", "c3", ""])
    # A–A by patient, A–B by copy c1; the nameless one – C by copy c2; the others alone.
    assert join_groups(patients, duplicates) == ["g0001", "g0001", "g0001", "g0002", "g0002", "g0003", "g0004"]
    duplicates[2] = "c2"
    assert join_groups(patients, duplicates) == ["g0001", "g0001", "g0002", "g0002", "g0002", "g0003", "g0004"]
    patients[5] = "B"
    duplicates[5] = "c1"
    assert join_groups(patients, duplicates) == [*["g0001"] * 6, "g0002"]


def test_a_patient_and_a_cluster_of_one_name_are_two_things():
    assert join_groups(np.array(["x", ""]), np.array(["", "x"])) == ["g0001", "g0002"]


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "A", "B", "C", "D"]), st.sampled_from(["", "1", "2", "3", "4", "5"])),
        max_size=25,
    )
)
def test_groups_are_the_smallest_in_which_both_are_whole(pairs):
    patients = np.array([patient for patient, _ in pairs], dtype=object)
    duplicates = np.array([copy for _, copy in pairs], dtype=object)
    groups = join_groups(patients, duplicates)
    # Spread a label until nothing changes: slow, and plainly right.
    expected = list(range(len(pairs)))
    changed = True
    while changed:
        changed = False
        for i, (patient, copy) in enumerate(pairs):
            for j, (other_patient, other_copy) in enumerate(pairs):
                joined = (patient and patient == other_patient) or (copy and copy == other_copy)
                if joined and expected[j] > expected[i]:
                    expected[j], changed = expected[i], True
    order = sorted(set(expected))
    assert groups == [f"g{order.index(number) + 1:04d}" for number in expected]


def test_without_patients_and_copies_everyone_is_alone():
    manifest = manifest_of(["yes", "no", "yes"])
    assert list(manifest.table["group"]) == ["g0001", "g0002", "g0003"]
