"""Class probabilities: decided at the threshold, the same after a trip to the disk."""

import numpy as np
import pandas as pd
import pytest

from laudo.core.errors import DataError
from laudo.core.predictions import Predictions, decide


def samples(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sample": [f"s{i}" for i in range(n)],
            "image": [f"x/s{i}.png" for i in range(n)],
            "group": [f"g{i // 2}" for i in range(n)],
            "label": ["no", "yes"] * (n // 2),
            "age": 3,
        }
    )


PROBABILITIES = np.array([[0.9, 0.1], [0.31, 0.69], [0.3, 0.7], [0.5, 0.5]])


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [(None, [0, 1, 1, 0]), (0.5, [0, 1, 1, 1]), (0.7, [0, 0, 1, 0]), (0.1, [1, 1, 1, 1]), (0.71, [0, 0, 0, 0])],
)
def test_two_classes_are_decided_at_the_threshold_itself(threshold, expected):
    assert decide(PROBABILITIES, threshold).tolist() == expected


def test_of_several_classes_the_largest_wins_whatever_the_threshold():
    three = np.array([[0.2, 0.5, 0.3], [0.4, 0.3, 0.3]])
    assert decide(three, None).tolist() == decide(three, 0.9).tolist() == [1, 0]


@pytest.mark.parametrize("threshold", [None, 0.7])
def test_saved_and_loaded_is_the_same(tmp_path, threshold):
    made = Predictions.build(samples(4), PROBABILITIES, ("no", "yes"), threshold)
    path = tmp_path / "predictions" / "val.parquet"
    made.save(path)
    loaded = Predictions.load(path)
    pd.testing.assert_frame_equal(loaded.table, made.table)
    assert loaded.classes == ("no", "yes")
    assert np.array_equal(loaded.probabilities, PROBABILITIES)
    assert loaded.truth.tolist() == [0, 1, 0, 1]
    assert loaded.decided.tolist() == ([0, 1, 1, 0] if threshold is None else [0, 0, 1, 0])
    assert loaded.groups.tolist() == ["g0", "g0", "g1", "g1"]
    assert loaded.table["threshold"].isna().all() == (threshold is None)
    csv = pd.read_csv(path.with_suffix(".csv"))
    assert np.array_equal(csv["probability:yes"], PROBABILITIES[:, 1])


def test_class_names_with_colons_and_order_that_is_not_alphabetical_survive(tmp_path):
    made = Predictions.build(samples(4).assign(label="a:b"), PROBABILITIES, ("z", "a:b"), 0.5)
    made.save(tmp_path / "p.parquet")
    loaded = Predictions.load(tmp_path / "p.parquet")
    assert loaded.classes == ("z", "a:b")
    assert loaded.truth.tolist() == [1, 1, 1, 1]


def test_pooled_predictions_are_sorted_and_keep_the_threshold_of_each_fold():
    table = samples(4)
    second = Predictions.build(table.iloc[:2], PROBABILITIES[:2], ("no", "yes"), 0.2)
    first = Predictions.build(table.iloc[2:], PROBABILITIES[2:], ("no", "yes"), 0.6)
    pooled = Predictions.concatenate([first, second])
    assert list(pooled.table["sample"]) == ["s0", "s1", "s2", "s3"]
    assert pooled.table["threshold"].tolist() == [0.2, 0.2, 0.6, 0.6]
    assert pooled.decided.tolist() == [0, 1, 1, 0]
    assert len(pooled) == 4


@pytest.mark.parametrize("content", [None, b"", b"no parquet at all", "table"])
def test_a_file_that_holds_no_predictions_is_a_data_error(tmp_path, content):
    path = tmp_path / "p.parquet"
    if content == "table":
        samples(2).to_parquet(path)
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        Predictions.load(path)
    assert caught.value.file == str(path)
