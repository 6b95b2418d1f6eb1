"""Parts of samples with several labels: groups whole, every label in its proportion, the same seed the same parts."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.recipe import Split
from laudo.split.grouped import assign_groups, fold_numbers, split_parts
from laudo.split.multilabel import deal_labels


def drawn(seed: int, n_groups: int = 400, shares: tuple[float, ...] = (0.4, 0.2, 0.05, 0.02)):
    """Labels that go together within groups of one to four samples."""
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 5, n_groups)
    groups = np.repeat(np.arange(n_groups), sizes)
    tendency = random.random((n_groups, len(shares))) < np.asarray(shares) * 1.5
    members = tendency[groups] & (random.random((len(groups), len(shares))) < 0.7)
    return members, groups


def manifest_of(members: np.ndarray, groups: np.ndarray) -> Manifest:
    names = [f"label {k}" for k in range(members.shape[1])]
    rows = [
        {
            "sample": f"s{row:04d}",
            "image": f"s{row:04d}.png",
            "label": "|".join(np.asarray(names)[one]),
            "patient": f"P{group}",
            "sha256": str(row),
        }
        for row, (one, group) in enumerate(zip(members, groups, strict=True))
    ]
    texts = sorted({row["label"] for row in rows} - {""})
    return assign_groups(Manifest.from_rows(rows, Path(), "made", texts).with_several_labels("|"))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([(0.2,) * 5, (0.2, 0.8), (0.16, 0.84), (0.1, 0.2, 0.7)]))
def test_groups_stay_whole_and_every_label_has_its_proportion(seed, shares):
    members, groups = drawn(seed)
    parts = deal_labels(members, groups, shares, seed)
    assert set(parts) == set(range(len(shares)))
    for group in np.unique(groups):
        assert len(set(parts[groups == group])) == 1
    # a part misses its share of a label by less than a group of four, and of all samples by 2 %: labels come first
    everyone = np.ones(len(parts), dtype=bool)
    for column, most in (
        *((label, 4) for label in members.T),
        (~members.any(axis=1), 4),
        (everyone, 0.02 * len(parts)),
    ):
        got = np.array([column[parts == part].sum() for part in range(len(shares))])
        assert np.abs(got - column.sum() * np.asarray(shares)).max() <= most


def test_it_is_fairer_to_rare_labels_than_dealing_groups_at_random():
    """Independent measure: the mean distance of label shares over folds, ours against random assignments of the same groups."""
    members, groups = drawn(3)

    def distance(parts):
        rates = np.array([members[parts == part].mean(axis=0) for part in range(5)])
        return float(np.abs(rates / members.mean(axis=0) - 1).mean())

    random = np.random.default_rng(0)
    at_random = [distance(random.integers(0, 5, groups.max() + 1)[groups]) for _ in range(50)]
    ours = distance(deal_labels(members, groups, [0.2] * 5, 0))
    assert ours < min(at_random)
    assert ours < np.median(at_random) / 2


def test_the_seed_alone_decides_and_the_order_of_the_rows_does_not():
    members, groups = drawn(5, 120)
    manifest = manifest_of(members, groups)
    split = Split(folds=4)
    numbers = fold_numbers(manifest, 4, split, 7)
    order = np.random.default_rng(1).permutation(len(manifest))
    assert np.array_equal(fold_numbers(manifest.rows(order), 4, split, 7), numbers[order])
    assert not np.array_equal(fold_numbers(manifest, 4, split, 8), numbers)


def test_parts_hold_every_label_in_its_proportion_and_patients_whole():
    members, groups = drawn(8)
    divided = split_parts(manifest_of(members, groups), Split(test=0.2, validation=0.16))
    shares = {"test": 0.2, "val": 0.16, "train": 0.64}
    for part, share in shares.items():
        found = divided.part(part)
        assert abs(len(found) - share * len(divided)) <= 0.02 * len(divided)
        for name, n in divided.counts.items():
            assert abs(found.counts[name] - share * n) <= 5
    assert (divided.table.groupby("group")["split"].nunique() == 1).all()


def test_a_part_without_a_label_is_refused_unless_it_may_lack_it():
    members, groups = drawn(2, 60)
    members[:, 3] = False
    members[0, 3] = True
    manifest = manifest_of(members, groups)
    with pytest.raises(DataError, match="label 3"):
        split_parts(manifest, Split())
    assert split_parts(manifest, Split(), may_lack=True).counts["label 3"] == 1
