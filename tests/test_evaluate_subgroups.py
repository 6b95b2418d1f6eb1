"""Subgroups: bands of a column, figures of each beside the rest, and what intervals do under no difference."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score

from laudo.core.mask_scores import MASK_METRICS, MaskScores, score_column
from laudo.evaluate.bands import AGE_BOUNDS_YEARS, Column, bands_of, number_bands, word_bands
from laudo.evaluate.cases import Cases
from laudo.evaluate.label_cases import LabelCases
from laudo.evaluate.mask_subgroups import JudgedMasks
from laudo.evaluate.subgroups import JudgedCases, subgroup_table


def shown(bands):
    return [(band.kind, band.value, band.low, band.below, int(band.where.sum())) for band in bands]


def test_ages_in_bands():
    ages = np.array([3, 17.9, 18, 39, 40, 80, 95, np.nan])
    assert shown(number_bands(ages, AGE_BOUNDS_YEARS)) == [
        ("band", None, None, 18, 2),
        ("band", None, 18, 40, 2),
        ("band", None, 40, 60, 1),
        ("band", None, 80, None, 2),
        ("unknown", None, None, None, 1),
    ]


def test_numbers_in_quarters_and_words_by_frequency():
    numbers = bands_of(np.array([str(n) for n in range(100)] + [""], dtype=object))
    assert [band.kind for band in numbers] == ["band"] * 4 + ["unknown"]
    assert [int(band.where.sum()) for band in numbers] == [25, 25, 25, 25, 1]
    words = bands_of(np.array(["GE", "Siemens", "Siemens", ""], dtype=object))
    assert shown(words) == [
        ("value", "Siemens", None, None, 2),
        ("value", "GE", None, None, 1),
        ("unknown", None, None, None, 1),
    ]
    assert [band.value for band in bands_of(np.array(["1.5", "3", "3"], dtype=object))] == ["3", "1.5"]


def test_rare_words_are_put_together_and_none_is_lost():
    texts = np.array([f"site-{n}" for n in range(30)] + ["site-0"] * 5, dtype=object)
    bands = word_bands(texts)
    assert len(bands) == 12
    assert bands[0].value == "site-0"
    assert (bands[-1].kind, int(bands[-1].where.sum())) == ("others", 19)
    assert (np.sum([band.where for band in bands], axis=0) == 1).all()


def cases_of(n=240, seed=0, worse=0.0):
    """Groups of two; in the second half of them answers are wrong more often by ``worse``."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, n)
    right = random.random(n) < np.where(np.arange(n) < n // 2, 0.85, 0.85 - worse)
    sure = random.uniform(0.5, 1, n)
    positive = np.where((truth == 1) == right, sure, 1 - sure)
    return Cases.from_arrays(np.stack([1 - positive, positive], axis=1), truth, None, [f"g{i // 2}" for i in range(n)])


def halves(n=240, name="sex"):
    return Column(name, "sex", word_bands(np.repeat(np.array(["female", "male"], dtype=object), n // 2)))


def test_figures_of_a_subgroup_are_those_of_its_cases_alone():
    cases = cases_of()
    found = subgroup_table(JudgedCases(cases), [halves()], 200)
    json.dumps(found, allow_nan=False)
    female, male = found["columns"]["sex"]["rows"]
    assert (female["n"], female["groups"], male["n"]) == (120, 60, 120)
    for row, part in ((female, slice(0, 120)), (male, slice(120, 240))):
        truth, called, scores = cases.truth[part], cases.decided[part], cases.probabilities[part, 1]
        metrics = row["metrics"]
        assert metrics["accuracy"]["value"] == pytest.approx(accuracy_score(truth, called))
        assert metrics["sensitivity"]["value"] == pytest.approx(recall_score(truth, called))
        assert metrics["specificity"]["value"] == pytest.approx(recall_score(truth, called, pos_label=0))
        assert metrics["auc_roc"]["value"] == pytest.approx(roc_auc_score(truth, scores))
        low, high = metrics["accuracy"]["ci95"]
        assert low < metrics["accuracy"]["value"] < high
    for name, one in female["metrics"].items():
        other = male["metrics"][name]
        assert one["difference"]["value"] == pytest.approx(one["value"] - other["value"])
        assert one["difference"]["value"] == pytest.approx(-other["difference"]["value"])
    assert found["comparisons"] == 4, "of two rows the second difference is the first one turned round"


def test_a_real_difference_is_seen_and_none_is_rarely_made_up():
    seen = subgroup_table(JudgedCases(cases_of(600, worse=0.3)), [halves(600)], 300)
    low, high = seen["columns"]["sex"]["rows"][0]["metrics"]["accuracy"]["difference"]["ci95"]
    assert low > 0.1
    assert high < 0.5
    assert seen["beyond_zero"] >= 1
    missed = 0
    for seed in range(120):
        found = subgroup_table(JudgedCases(cases_of(160, seed)), [halves(160)], 200, seed)
        low, high = found["columns"]["sex"]["rows"][0]["metrics"]["accuracy"]["difference"]["ci95"]
        missed += low > 0 or high < 0
    assert missed <= 15, "5 % of 120, and three and a half standard errors"


def test_means_over_other_classes_are_not_compared():
    random = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2, 3], 20)
    cases = Cases.from_arrays(random.dirichlet(np.ones(4), 80), truth)
    column = Column("plane", "", word_bands(np.repeat(np.array(["axial", "sagittal"], dtype=object), 40)))
    for row in subgroup_table(JudgedCases(cases), [column], 100)["columns"]["plane"]["rows"]:
        assert row["metrics"]["balanced_accuracy"]["value"] is not None
        assert row["metrics"]["balanced_accuracy"]["difference"] == {"value": None, "ci95": None}
        assert row["metrics"]["accuracy"]["difference"]["ci95"] is not None


def test_several_labels_and_a_tiny_subgroup():
    random = np.random.default_rng(2)
    cases = LabelCases.from_arrays(random.random((50, 3)), random.integers(0, 2, (50, 3)))
    column = Column("site", "site", word_bands(np.array(["A"] * 49 + ["B"], dtype=object)))
    found = subgroup_table(JudgedCases(cases), [column], 100)
    large, small = found["columns"]["site"]["rows"]
    assert small["n"] == 1
    assert small["metrics"]["auc_roc"]["value"] is None
    assert large["metrics"]["hamming_accuracy"]["difference"]["ci95"] is not None


def test_a_column_in_which_all_are_alike_is_named_and_no_column_is_none():
    column = Column("modality", "modality", word_bands(np.full(240, "MR", dtype=object)))
    found = subgroup_table(JudgedCases(cases_of()), [column], 100)
    assert (found["columns"], found["constant"], found["comparisons"]) == ({}, ["modality"], 0)
    assert subgroup_table(JudgedCases(cases_of()), [], 100) is None


def mask_scores(dice):
    n, structures = dice.shape[0], ["a", "b"]
    ids = [f"s{i:02d}" for i in range(n)]
    rows = []
    for values in dice:
        row = {score_column(metric, name): 1.0 for metric in MASK_METRICS for name in structures}
        row |= {score_column("dice", name): value for name, value in zip(structures, values, strict=True)}
        rows.append(row)
    table = pd.DataFrame({"sample": ids, "group": ids, "image": ids})
    return MaskScores.build(table, rows, structures)


def test_dice_in_subgroups():
    random = np.random.default_rng(0)
    dice = np.clip(np.stack([random.normal(0.8, 0.05, 40), random.normal(0.6, 0.1, 40)], axis=1), 0, 1)
    dice[20:] -= 0.2
    dice[3, 1] = np.nan
    found = subgroup_table(JudgedMasks(mask_scores(dice)), [halves(40)], 300)
    female, _male = found["columns"]["sex"]["rows"]
    here, there = np.nanmean(dice[:20], axis=0).mean(), np.nanmean(dice[20:], axis=0).mean()
    one = female["metrics"]["dice"]
    assert one["value"] == pytest.approx(here)
    assert one["difference"]["value"] == pytest.approx(here - there)
    low, high = one["difference"]["ci95"]
    assert 0 < low < here - there < high
    dice[20:, 1] = np.nan
    found = subgroup_table(JudgedMasks(mask_scores(dice)), [halves(40)], 100)
    assert found["columns"]["sex"]["rows"][0]["metrics"]["dice"]["difference"]["value"] is None
