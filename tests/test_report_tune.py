"""The page of a search: what it says, in three languages, of a search that is over, one that is not and one that found nothing."""

from __future__ import annotations

import re

import pytest

from laudo.cli.show_tune import tune_answer
from laudo.core.recipe_tune import Metric
from laudo.report.names import METRICS
from laudo.report.tune_page import write_tune_page
from laudo.report.tune_words import (
    PRUNINGS,
    SAMPLERS,
    WHY_NO_ESTIMATE,
    WHY_NO_IMPORTANCE,
    methods,
    references,
    verdict,
    warning,
)
from laudo.report.voice import Voice
from tune_result_example import make_result

EN = Voice("en")


def page(out, result, language="en"):
    return write_tune_page(out, result, Voice(language)).read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["en", "pt", "es"])
def test_the_page_stands_alone(tmp_path, language):
    html = page(tmp_path, make_result(), language)
    assert f'<html lang="{language}' in html
    assert not re.search(r'(?:src|href)="(?!data:|#)', html)
    assert html.count("<img ") == 3
    assert "<the>" not in html
    assert "&lt;the&gt;" in html
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        "tune-history.svg",
        "tune-slices.svg",
        "tune-importance.svg",
    }


def test_the_first_screen_warns_of_its_own_figure(tmp_path):
    result = make_result()
    html = page(tmp_path, result)
    best = result["trials"][result["best"] - 1]
    assert f"is trial {best['number']}: AUC {best['value']:.3f} on the validation part." in html
    assert "The best of many figures is too good" in html
    assert "about 0.012" in html
    assert "The recipe&#39;s own values were trial 1" in html
    assert "Quote the figure of the test part" in html
    assert "postgresql://user:***@host" in html


def test_every_trial_is_in_the_table_the_best_one_first(tmp_path):
    result = make_result()
    html = page(tmp_path, result)
    numbers = [int(n) for n in re.findall(r'<th scope="row" class="num">(\d+)</th>', html)]
    assert sorted(numbers) == list(range(1, 31))
    assert numbers[0] == result["best"]
    counts = result["counts"]
    assert html.count("ended early</span>") == counts["pruned"] > 0
    assert html.count("epoch 2") == counts["failed"] > 0


@pytest.mark.parametrize(
    "result",
    [
        make_result(1, importance={"why_not": "few"}),
        make_result(0, best=None, importance={"why_not": "few"}),
        make_result(40, sampler="grid", pruning="none", own=False),
        make_result(12, sampler="genetic", population=4, pruning="halving", folds=3),
        make_result(
            5, metric="hd95_mm", higher=False, optimism={"why_not": "elsewhere"}, importance={"why_not": "equal"}
        ),
    ],
    ids=["one trial", "none", "grid", "folds", "lower"],
)
@pytest.mark.parametrize("language", ["en", "pt", "es"])
def test_searches_of_every_kind_have_a_page(tmp_path, result, language):
    assert "</html>" in page(tmp_path, result, language)


def test_nothing_found_says_so(tmp_path):
    result = make_result(0, best=None, importance={"why_not": "few"})
    assert verdict(result, EN) == "No trial was finished, so the search has found nothing yet."
    assert warning(result, EN) == []
    assert tune_answer(result, tmp_path)[2] == 1
    assert tune_answer({**result, "state": "stopped"}, tmp_path)[2] == 3
    assert tune_answer(make_result(), tmp_path)[2] == 0


def test_a_search_that_is_not_over_says_so():
    result = make_result()
    result["counts"]["open"] = 4
    assert "The search is not over: 4 trials are missing." in verdict(result, EN)


def test_everything_that_a_search_may_be_is_put_into_words():
    assert set(SAMPLERS) == {"tpe", "grid", "genetic"}
    assert set(PRUNINGS) == {"median", "halving", "none"}
    assert set(WHY_NO_ESTIMATE) == {"one_trial", "elsewhere", "too_few"}
    assert set(WHY_NO_IMPORTANCE) == {"one_key", "few", "equal"}
    assert set(Metric.__args__) <= set(METRICS)
    found = " ".join(methods(make_result(sampler="genetic", population=6, folds=3), EN))
    for text in (
        "6 trials a generation",
        "divided into 3 folds",
        "Only the first inner fold",
        "test part was not looked at",
    ):
        assert text in found
    assert any("fANOVA" in one or "hyperparameter importance" in one for one in references(make_result()))
