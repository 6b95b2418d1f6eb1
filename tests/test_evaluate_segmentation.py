"""Masks scored case by case, and all cases together: means, intervals, notes."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laudo.core.errors import DataError
from laudo.core.mask_scores import MASK_METRICS, MaskScores
from laudo.core.messages import translator
from laudo.core.predictions import Predictions
from laudo.evaluate.evaluate import evaluate, pool
from laudo.evaluate.mask_scoring import score_masks
from laudo.evaluate.notes import SENTENCES, metric_name, note_sentence
from laudo.evaluate.segmentation import MEANS, VOLUMES, evaluate_masks

REGIONS = {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}


def label_maps(seed: int, shape=(12, 10, 9), values=(0, 0, 0, 1, 2, 4)) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.choice(values, size=shape)
    return truth, np.where(random.random(shape) < 0.2, random.choice(values, size=shape), truth)


def same(one: dict[str, float], other: dict[str, float]) -> bool:
    return one == pytest.approx(other, nan_ok=True)


# one case ----------------------------------------------------------------------------------------------------


def test_each_structure_is_scored_as_if_it_were_alone():
    truth, predicted = label_maps(0)
    found = score_masks(truth, predicted, REGIONS, (1.0, 2.0, 0.5), 1.5)
    assert list(found) == [f"{metric}:{name}" for name in REGIONS for metric in MASK_METRICS]
    assert all(type(value) is float for value in found.values())
    for name, values in REGIONS.items():
        alone = score_masks(
            np.isin(truth, values), np.isin(predicted, values).astype(np.int64), {name: (1,)}, (1.0, 2.0, 0.5), 1.5
        )
        assert same(alone, {key: value for key, value in found.items() if key.endswith(name)})


def test_many_structures():
    truth, predicted = label_maps(1, values=range(12))
    structures = {f"s{value}": (value,) for value in range(1, 12)}
    found = score_masks(truth, predicted, structures, (1.0, 1.0, 1.0))
    for name, (value,) in structures.items():
        assert found[f"dice:{name}"] == pytest.approx(
            2 * np.sum((truth == value) & (predicted == value)) / np.sum((truth == value) * 1 + (predicted == value))
        )


@given(
    st.integers(0, 1000),
    st.sampled_from([np.uint8, np.int8, np.int16, np.int64, np.float32, ">i2"]),
    st.sampled_from([np.ascontiguousarray, np.asfortranarray, lambda array: np.flip(np.flip(array).copy())]),
)
@settings(max_examples=20, deadline=None)
def test_number_type_and_memory_order_change_nothing(seed, dtype, order):
    truth, predicted = label_maps(seed)
    expected = score_masks(truth, predicted, REGIONS, (1.0, 2.0, 0.5))
    assert same(score_masks(order(truth.astype(dtype)), predicted, REGIONS, (1.0, 2.0, 0.5)), expected)
    assert same(score_masks(truth, order(predicted.astype(dtype)), REGIONS, (1.0, 2.0, 0.5)), expected)


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 7), (1, 1), (1, 1, 1), (1, 9, 1)])
def test_nothing_marked_anywhere(shape):
    nothing = np.zeros(shape, dtype=np.uint8)
    found = score_masks(nothing, nothing, REGIONS, (1.0,) * len(shape))
    for name in REGIONS:
        assert math.isnan(found[f"dice:{name}"])
        assert math.isnan(found[f"hd95_mm:{name}"])
        assert found[f"accuracy:{name}"] == found[f"specificity:{name}"] == 1
        assert found[f"lesions:{name}"] == found[f"lesions_false:{name}"] == 0


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 7), (1, 1), (1, 1, 1), (1, 9, 1)])
def test_everything_marked(shape):
    full = np.full(shape, 4)
    found = score_masks(full, full, REGIONS, (1.0,) * len(shape))
    assert found["dice:ET"] == found["nsd:ET"] == found["lesions_found:ET"] == 1
    assert found["hd95_mm:ET"] == 0
    assert math.isnan(found["specificity:ET"])


@pytest.mark.parametrize(
    ("truth", "predicted", "spacing", "what"),
    [
        (np.zeros((3, 4)), np.zeros((4, 3)), (1, 1), "differ in shape"),
        (np.zeros(3), np.zeros(3), (1,), "can not be scored"),
        (np.zeros((3, 0)), np.zeros((3, 0)), (1, 1), "can not be scored"),
        (np.zeros((3, 4, 5, 2)), np.zeros((3, 4, 5, 2)), (1, 1, 1, 1), "can not be scored"),
        (np.zeros((3, 4)), np.zeros((3, 4)), (1, 1, 1), "spacing"),
        (np.zeros((3, 4)), np.zeros((3, 4)), (1, math.nan), "spacing"),
        (np.zeros((3, 4)), np.zeros((3, 4)), (1, 0), "spacing"),
        (np.zeros((3, 4)), np.full((3, 4), 3), (1, 1), "no structure"),
        (np.full((3, 4), np.nan), np.zeros((3, 4)), (1, 1), "no structure"),
        (np.full((3, 4), 0.5), np.zeros((3, 4)), (1, 1), "no structure"),
        (np.full((3, 4), -1), np.zeros((3, 4)), (1, 1), "no structure"),
    ],
)
def test_what_can_not_be_scored(truth, predicted, spacing, what):
    with pytest.raises(DataError, match=what):
        score_masks(truth, predicted, REGIONS, spacing)


def test_wrong_settings():
    mask = np.zeros((3, 4))
    for structures, tolerance in (({"x": (0, 1)}, 1.0), ({"x": ()}, 1.0), (REGIONS, -1.0), (REGIONS, math.nan)):
        with pytest.raises(ValueError):
            score_masks(mask, mask, structures, (1, 1), tolerance)


# all cases together ------------------------------------------------------------------------------------------


def table(
    dice: dict[str, list[float]], groups: list[str] | None = None, **others: dict[str, list[float]]
) -> MaskScores:
    """Scores of which only some metrics matter; cases without a Dice have nothing of the structure in either mask."""
    n = len(next(iter(dice.values())))
    samples = pd.DataFrame(
        {"sample": [f"s{k}" for k in range(n)], "image": "x", "label": ["a", "b"] * (n // 2) + ["a"] * (n % 2)}
    )
    samples["group"] = groups or samples["sample"]
    rows = [{f"{metric}:{name}": 1.0 for name in dice for metric in MASK_METRICS} for _case in range(n)]
    for metric, columns in {"dice": dice, **others}.items():
        for name, values in columns.items():
            for row, value in zip(rows, values, strict=True):
                row[f"{metric}:{name}"] = value
    for name, values in dice.items():
        for row, value in zip(rows, values, strict=True):
            empty = math.isnan(value)
            row[f"true_volume_mm3:{name}"] = 0.0 if empty else 9.0
            row[f"volume_mm3:{name}"] = 0.0 if empty or value == 0 else 8.0
    return MaskScores.build(samples, rows, list(dice))


NAN = math.nan


def test_the_mean_over_structures_of_the_mean_over_cases():
    result = evaluate_masks(table({"a": [0.8, 0.6, 0.0, NAN], "b": [0.5, NAN, NAN, NAN], "c": [NAN] * 4}), bootstrap=0)
    assert result["metrics"]["dice"] == {"value": pytest.approx(((1.4 / 3) + 0.5) / 2), "ci95": None}
    of_a = result["per_class"]["a"]["dice"]
    assert of_a["value"] == pytest.approx(1.4 / 3)
    assert (of_a["median"], of_a["n"]) == (pytest.approx(0.6), 3)
    assert of_a["iqr"] == pytest.approx([0.3, 0.7])
    assert result["per_class"]["c"]["dice"] == {"value": None, "ci95": None, "median": None, "iqr": None, "n": 0}
    assert [result["per_class"][name]["n"] for name in "abc"] == [3, 1, 0]
    assert (result["n"], result["groups"], result["kind"]) == (4, 4, "segmentation")
    assert tuple(result["metrics"]) == MEANS
    assert tuple(result["per_class"]["b"])[1:] == (*MEANS, *VOLUMES)
    facts = {note["id"]: note for note in result["notes"]}
    assert facts["structure_absent"]["classes"] == ["c"]
    assert facts["structure_empty"]["of"] == [{"class": "a", "n": 1}, {"class": "b", "n": 3}]
    assert facts["structure_missed"]["of"] == [{"class": "a", "n": 1}]
    assert "structure_invented" not in facts


def test_lesions_are_counted_over_all_cases():
    scores = table(
        {"a": [0.5] * 3},
        lesions={"a": [4.0, 0.0, 2.0]},
        lesions_found={"a": [1.0, 0.0, 2.0]},
        lesions_false={"a": [0.0, 3.0, 1.0]},
    )
    result = evaluate_masks(scores, bootstrap=0)
    assert result["metrics"]["lesion_sensitivity"]["value"] == pytest.approx(3 / 6)
    assert result["metrics"]["lesion_false_positives"]["value"] == pytest.approx(4 / 3)
    assert result["per_class"]["a"]["lesion_sensitivity"]["median"] == pytest.approx((1 / 4 + 2 / 2) / 2)
    assert result["per_class"]["a"]["lesion_sensitivity"]["n"] == 2


def test_a_signed_error_and_its_size():
    result = evaluate_masks(
        table({"a": [0.5] * 2, "b": [0.5] * 2}, volume_error={"a": [-0.5, 0.25], "b": [1.0, NAN]}), 0
    )
    assert result["metrics"]["volume_error"]["value"] == pytest.approx((-0.125 + 1) / 2)
    assert result["metrics"]["absolute_volume_error"]["value"] == pytest.approx((0.375 + 1) / 2)


def test_sizes_are_those_of_the_cases_that_have_the_structure():
    """Missed in the third case, absent from the fourth, invented in the fifth."""
    scores = table({"a": [0.5] * 5})
    for name, values in (
        ("true_volume_mm3", [10.0, 20.0, 60.0, 0.0, 0.0]),
        ("volume_mm3", [12.0, 24.0, 0.0, 0.0, 9.0]),
    ):
        scores.table[f"{name}:a"] = values
    found = evaluate_masks(scores, bootstrap=0)["per_class"]["a"]
    assert found["true_volume_mm3"] == {"value": 30.0, "ci95": None, "median": 20.0, "iqr": [15.0, 40.0], "n": 3}
    assert found["volume_mm3"] == {"value": 12.0, "ci95": None, "median": 12.0, "iqr": [6.0, 18.0], "n": 3}


def test_the_unit_of_lengths_is_said():
    scores = table({"a": [0.5] * 3})
    known = evaluate_masks(scores, bootstrap=0)
    assert known["length_unit"] == "mm"
    unknown = evaluate_masks(MaskScores(scores.table.assign(in_mm=False), ("a",)), bootstrap=0)
    assert unknown["length_unit"] == "px"
    for result in (known, unknown):
        assert all(note["id"] != "spacing_unknown" for note in result["notes"])
    mixed = evaluate_masks(MaskScores(scores.table.assign(in_mm=[True, False, True]), ("a",)), bootstrap=0)
    assert mixed["length_unit"] == "px"
    (note,) = [note for note in mixed["notes"] if note["id"] == "spacing_unknown"]
    assert "1 of 3" in note_sentence(note, translator("en"))


def random_scores(seed: int, groups: int, copies: int = 1) -> MaskScores:
    random = np.random.default_rng(seed)
    dice = {name: np.tile(random.uniform(0.3, 0.95, groups), copies).tolist() for name in ("a", "b")}
    dice["b"][0] = NAN
    return table(dice, [f"g{k}" for k in range(groups)] * copies)


def test_the_draws_are_the_metrics_of_the_resampled_cases():
    scores = random_scores(0, 9)
    random = np.random.default_rng(5)
    drawn = random.integers(0, 9, size=(400, 9))
    dice = scores.matrix("dice")
    again = np.array([np.nanmean(dice[rows], axis=0).mean() for rows in drawn])
    low, high = evaluate_masks(scores, bootstrap=4000, seed=1)["metrics"]["dice"]["ci95"]
    assert np.quantile(again, [0.025, 0.975]) == pytest.approx([low, high], abs=0.02)


def test_cases_of_one_group_are_no_new_evidence():
    width = {}
    for name, scores in {"single": random_scores(3, 30), "copied": random_scores(3, 30, copies=4)}.items():
        scores.table.loc[scores.table["group"] == "g0", "dice:b"] = NAN
        low, high = evaluate_masks(scores, bootstrap=2000)["metrics"]["dice"]["ci95"]
        width[name] = high - low
    assert width["copied"] == pytest.approx(width["single"], rel=0.01)


def test_the_same_seed_gives_the_same_interval_whatever_the_order_of_rows():
    scores = random_scores(1, 20)
    shuffled = MaskScores(scores.table.sample(frac=1, random_state=0).reset_index(drop=True), scores.structures)
    first, second, other = (
        evaluate_masks(scores, 500, 3),
        evaluate_masks(shuffled, 500, 3),
        evaluate_masks(scores, 500, 4),
    )
    assert first["metrics"]["dice"]["ci95"] == pytest.approx(second["metrics"]["dice"]["ci95"])
    assert first["metrics"]["dice"]["ci95"] != other["metrics"]["dice"]["ci95"]


def test_intervals_that_can_not_be_drawn():
    scores = table({"a": [0.5, 0.75, 0.25, 0.5]}, lesions={"a": [2.0, 1, 0, 1]}, lesions_found={"a": [2.0, 1, 0, 1]})
    result = evaluate_masks(scores, bootstrap=200)
    # Three of the four cases have lesions, all found: Clopper and Pearson's lower bound for 3 of 3 is 0.025 ** (1 / 3).
    assert result["metrics"]["lesion_sensitivity"]["ci95"] == pytest.approx([0.025 ** (1 / 3), 1.0])
    assert result["metrics"]["iou"]["ci95"] is None
    facts = {note["id"]: note for note in result["notes"]}
    assert facts["exact_interval"]["of"] == [{"metric": "lesion_sensitivity", "class": None, "groups": 3}]
    assert {"metric": "iou", "class": None} in facts["no_interval"]["of"]
    only = evaluate_masks(table({"a": [0.5]}), bootstrap=200)
    assert only["metrics"]["dice"] == {"value": 0.5, "ci95": None}


def test_a_structure_of_one_case_leaves_resamples_without_a_value():
    result = evaluate_masks(table({"a": [0.5, 0.75, 0.25, 0.5], "b": [0.5, NAN, NAN, NAN]}), bootstrap=2000)
    dropped = next(note for note in result["notes"] if note["id"] == "resamples_dropped")
    assert dropped["most"] == pytest.approx(0.75**4, abs=0.05)


def test_a_network_that_also_names_the_class():
    scores = table({"a": [0.5, 0.75, 0.25, 0.5], "b": [0.5, NAN, 0.1, NAN]})
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8]])
    predictions = Predictions.build(scores.table, probabilities, ("a", "b"), 0.5)
    joint = MaskScores(pd.concat([scores.table, predictions.table.iloc[:, 4:]], axis=1), scores.structures)
    masks, result = evaluate_masks(scores, 100), evaluate_masks(joint, 100)
    assert result["label"] == evaluate(predictions, 100)
    assert result["metrics"] == {**masks["metrics"], **result["label"]["metrics"]}
    assert not set(masks["metrics"]) & set(result["label"]["metrics"]), "no name means two things"
    assert result["metrics"]["accuracy"]["value"] == 0.75
    assert result["per_class"] == masks["per_class"]


def test_folds_are_pooled():
    results = [evaluate_masks(table({"a": [value] * 3}), bootstrap=0) for value in (0.5, 0.7)]
    assert pool(results)["dice"] == {
        "mean": pytest.approx(0.6),
        "std": pytest.approx(0.2 / 2**0.5),
        "values": pytest.approx([0.5, 0.7]),
    }
    empty = evaluate_masks(table({"a": [NAN] * 3}), bootstrap=0)
    assert pool([*results, empty])["dice"]["values"][1:] == [pytest.approx(0.7), None]


def test_groups_that_are_unknown_count_as_one_each():
    scores = table({"a": [0.5, 0.75, 0.25, 0.5]}, groups=["p", "p", "", ""])
    scores.table.loc[3, "group"] = None
    result = evaluate_masks(scores, bootstrap=0)
    assert result["groups"] == 3
    assert {"id": "groups_unknown", "n": 2} in result["notes"]


def test_no_cases():
    with pytest.raises(DataError, match="no predictions"):
        evaluate_masks(MaskScores(table({"a": [0.5]}).table.iloc[:0], ("a",)))


def test_scored_masks_go_through_to_json_and_to_sentences():
    random = np.random.default_rng(0)
    rows, samples = [], []
    for case in range(6):
        truth, predicted = label_maps(case, (9, 8))
        if case == 1:
            predicted[predicted == 4] = 1
        if case == 2:
            truth[truth == 4] = 1
        if case == 3:
            truth[truth == 4], predicted[predicted == 4] = 1, 1
        rows.append(score_masks(truth, predicted, REGIONS, (1.0, 1.0)))
        samples.append({"sample": f"s{case}", "group": f"g{random.integers(3)}", "image": "x.png"})
    result = evaluate_masks(MaskScores.build(pd.DataFrame(samples), rows, list(REGIONS)), bootstrap=50)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    ids = {note["id"] for note in result["notes"]}
    assert {
        "mask_rules",
        "surface_rules",
        "lesion_rules",
        "structure_empty",
        "structure_missed",
        "structure_invented",
    } <= ids
    for note in result["notes"]:
        assert note["id"] in SENTENCES
        sentence = note_sentence(note, translator("en"))
        assert sentence.endswith(".")
        assert "{" not in sentence
        if note["id"] in {"structure_empty", "structure_missed", "structure_invented"}:
            assert "ET (n = 1)" in sentence
    assert all(metric_name(name, str) for name in (*MEANS, *VOLUMES))
