"""Scores of masks as a table: columns, empty structures, the trip to the disk."""

import numpy as np
import pandas as pd
import pytest

from laudo.core.errors import DataError
from laudo.core.mask_scores import MASK_METRICS, MaskScores
from laudo.core.predictions import Predictions

NAMES = ("inner: left", "a")
"""Not in order of the alphabet, and with a colon."""

EMPTINESS = [(5.0, 5.0), (0.0, 5.0), (5.0, 0.0), (0.0, 0.0)]
"""True and predicted volume: both, invented, missed, neither."""


def samples(n: int = 4) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sample": [f"s{number}" for number in range(n)][::-1],
            "group": [f"g{number // 2}" for number in range(n)],
            "image": [f"x/{number}.nii.gz" for number in range(n)],
            "label": ["no", "yes"] * (n // 2),
            "mask": [f"predictions/masks/test/{number}.nii.gz" for number in range(n)],
            "fold": 0,
        },
        index=range(10, 10 + n),
    )


def rows() -> list[dict[str, float]]:
    made = []
    for number, (true, predicted) in enumerate(EMPTINESS):
        row = {}
        for place, name in enumerate(NAMES):
            row |= {f"{metric}:{name}": number + place / 2 for metric in MASK_METRICS}
            row |= {f"true_volume_mm3:{name}": true, f"volume_mm3:{name}": predicted}
            if not true and not predicted:
                row[f"dice:{name}"] = np.nan
        made.append(row)
    return made


def classes() -> Predictions:
    table = samples().assign(image="other")
    return Predictions.build(table, np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.5, 0.5]]), ("no", "yes"), 0.5)


@pytest.mark.parametrize("joint", [False, True])
def test_saved_and_loaded_is_the_same(tmp_path, joint):
    made = MaskScores.build(samples(), rows(), NAMES, classes() if joint else None)
    path = tmp_path / "predictions" / "test.parquet"
    made.save(path)
    loaded = MaskScores.load(path)
    pd.testing.assert_frame_equal(loaded.table, made.table)
    assert loaded.structures == NAMES
    assert len(loaded) == 4
    assert loaded.table["patient"].tolist() == [""] * 4
    assert loaded.groups.tolist() == ["g0", "g0", "g1", "g1"]
    assert loaded.matrix("iou").tolist() == [[0, 0.5], [1, 1.5], [2, 2.5], [3, 3.5]]
    assert pd.read_csv(path.with_suffix(".csv"))["assd_mm:inner: left"].tolist() == [0, 1, 2, 3]
    if joint:
        found = loaded.predictions
        assert found.classes == ("no", "yes")
        assert found.decided.tolist() == [0, 1, 1, 1]
        assert found.table["image"].tolist() == samples()["image"].tolist()
        assert list(found.table) == list(classes().table[found.table.columns])
    else:
        assert loaded.predictions is None


def test_empty_missed_and_invented():
    scores = MaskScores.build(samples(), rows(), NAMES)
    assert scores.in_truth[:, 0].tolist() == [True, False, True, False]
    assert scores.invented[:, 0].tolist() == [False, True, False, False]
    assert scores.missed[:, 0].tolist() == [False, False, True, False]
    assert scores.both_empty[:, 1].tolist() == [False, False, False, True]
    assert np.isnan(scores.matrix("dice")[3]).all()
    assert scores.matrix("dice", both_empty_is_best=True)[:, 0].tolist() == [0, 1, 2, 1]
    assert scores.matrix("hd95_mm", both_empty_is_best=True)[:, 0].tolist() == [0, 1, 2, 0]
    assert scores.matrix("accuracy", both_empty_is_best=True)[:, 0].tolist() == [0, 1, 2, 3]


def test_whether_lengths_are_in_mm_is_kept(tmp_path):
    made = MaskScores.build(samples().assign(in_mm=[True, False, True, True]), rows(), NAMES)
    made.save(tmp_path / "test.parquet")
    loaded = MaskScores.load(tmp_path / "test.parquet")
    assert loaded.in_mm.tolist() == [True, False, True, True]
    assert loaded.length_unit == "px"
    silent = MaskScores(made.table.drop(columns="in_mm").assign(sample=list("tuvw")), NAMES)
    assert silent.length_unit == MaskScores.build(samples(), rows(), NAMES).length_unit == "mm"
    pooled = MaskScores.concatenate([made, silent])
    assert sorted(pooled.in_mm.tolist()) == [False] + [True] * 7


def test_rows_of_folds_are_sorted_by_sample():
    scores = MaskScores.build(samples(), rows(), NAMES)
    pooled = MaskScores.concatenate([scores, MaskScores.build(samples().assign(sample=list("tuvw")), rows(), NAMES)])
    assert pooled.table["sample"].tolist() == ["s0", "s1", "s2", "s3", "t", "u", "v", "w"]
    assert pooled.matrix("iou")[:4, 0].tolist() == [3, 2, 1, 0]


def test_rows_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="as many"):
        MaskScores.build(samples(), rows()[:3], NAMES)
    with pytest.raises(ValueError, match="other samples"):
        MaskScores.build(samples().assign(sample=list("abcd")), rows(), NAMES, classes())


def test_a_table_of_something_else_is_refused(tmp_path):
    with pytest.raises(DataError, match="can not be read"):
        MaskScores.load(tmp_path / "missing.parquet")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match="can not be read"):
        MaskScores.load(tmp_path / "torn.parquet")
    classes().save(tmp_path / "classes.parquet")
    with pytest.raises(DataError, match="no scores of masks"):
        MaskScores.load(tmp_path / "classes.parquet")
    MaskScores.build(samples(), rows(), NAMES).table.drop(columns="nsd:a").to_parquet(tmp_path / "part.parquet")
    with pytest.raises(DataError, match="nsd:a"):
        MaskScores.load(tmp_path / "part.parquet")
