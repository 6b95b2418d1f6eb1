"""Several seeds of a recipe in `laudo compare`, of masks and of classes: one distribution, judged with seeds and cases."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from answered_example import answered_run, pictures
from compared_example import outlined_run, volumes
from laudo.cli.main import app
from laudo.core.errors import DataError
from laudo.core.messages import set_language
from laudo.evaluate.over_seeds import splits_paired
from laudo.workflows import compare_runs as job
from laudo.workflows.compare_runs import compare_runs
from test_report_page import Page, outside_references


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("COLUMNS", "220")
    set_language("en")
    yield
    set_language("en")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("seeds")


@pytest.fixture(scope="module")
def manifest(place):
    return pictures(place / "data", 120, group_size=2, split=-1)


@pytest.fixture(scope="module")
def weak(place, manifest):
    return [
        answered_run(place / f"weak-{seed}", manifest, 0.4, 10 + seed, training__seed=seed, training__epochs=5).folder
        for seed in range(4)
    ]


@pytest.fixture(scope="module")
def strong(place, manifest):
    return [
        answered_run(place / f"strong-{seed}", manifest, 1.4, 20 + seed, training__seed=seed).folder
        for seed in range(4)
    ]


@pytest.fixture(scope="module")
def result(weak, strong, place):
    return compare_runs([*weak, *strong], place / "out", "en")


@pytest.fixture
def no_page(monkeypatch):
    monkeypatch.setattr(job, "write_compare_page", lambda *_arguments: None)


def ids(result: dict) -> list[str]:
    return [note["id"] for note in result["notes"]]


def test_runs_that_differ_in_seeds_are_one_side(result):
    assert [(side["name"], side["runs"]) for side in result["sides"]] == [
        ("weak", [0, 1, 2, 3]),
        ("strong", [4, 5, 6, 7]),
    ]
    assert result["sides"][0]["seeds"][2] == {"training": 2, "split": 0}
    assert [(pair["a"], pair["b"]) for pair in result["pairs"]] == [(0, 1)]
    values = [cell["value"] for cell in result["values"]["accuracy"]["mean"]]
    spread = result["spread"]["accuracy"]["mean"]
    assert spread[1]["mean"] == pytest.approx(np.mean(values[4:]))
    assert spread[1]["sd"] == pytest.approx(np.std(values[4:], ddof=1))
    assert (spread[0]["lowest"], spread[0]["highest"]) == (min(values[:4]), max(values[:4]))
    cell = result["pairs"][0]["metrics"]["accuracy"]["mean"]
    assert cell["value"] == pytest.approx(np.mean(values[4:]) - np.mean(values[:4]))
    assert (cell["method"], cell["of"], cell["better"]) == ("seeds_paired", 4, 4)
    assert (cell["n"], cell["groups"]) == (120, 60)
    wide, narrow = (ends[1] - ends[0] for ends in (cell["ci95"], cell["ci95_cases"]))
    assert wide > narrow
    assert not {"one_training", "same_recipe", "trained_on_others"} & set(ids(result))


def test_the_verdict_tells_of_the_seeds(result):
    sentence = result["pairs"][0]["verdict"]["sentence"]
    assert "t test over seeds and cases p" in sentence
    assert "In accuracy, strong is ahead in 4 of 4 pairs of runs with the same seed, and weak in 0." in sentence
    assert result["pairs"][0]["verdict"]["kind"] == "shown"


def test_the_page_shows_the_distribution(result, place):
    html = (place / "out" / "compare.html").read_text(encoding="utf-8")
    assert outside_references(html) == []
    assert Page(html).open == []
    assert (place / "out" / "figures" / "compared-seeds.svg").is_file()
    assert "From seed to seed" in html
    assert "right with 4 of 4 seeds" in html
    assert "Lines join runs of the same seed" in html
    assert "Obuchowski and Rockette" in html
    sd = f"{result['spread']['accuracy']['mean'][0]['sd']:.3f}"
    assert f"mean of 4 seeds, standard deviation {sd}" in html


def test_the_same_runs_in_another_order_say_the_same(result, weak, strong, tmp_path, no_page):
    shuffled = compare_runs(
        [strong[2], weak[1], strong[0], weak[3], weak[0], strong[3], weak[2], strong[1]], tmp_path, "en"
    )
    assert [side["name"] for side in shuffled["sides"]] == ["strong", "weak"]
    one, other = (found["pairs"][0]["metrics"]["accuracy"]["mean"] for found in (result, shuffled))
    assert one["value"] == pytest.approx(-other["value"])
    assert one["p"] == pytest.approx(other["p"])
    assert one["ci95"] == pytest.approx([-end for end in other["ci95"]][::-1])


def test_one_recipe_is_a_distribution_without_pairs(strong, tmp_path):
    result = compare_runs(strong, tmp_path, "en")
    assert result["pairs"] == []
    assert result["sentence"].startswith("4 trainings of one recipe: accuracy 0.")
    html = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert '<section id="differences"' not in html
    assert Page(html).open == []
    assert "4 trainings of one recipe" in html


def test_seeds_that_do_not_match_are_no_pairs(place, manifest, strong, tmp_path, no_page):
    other = [
        answered_run(place / f"other-{seed}", manifest, 0.4, 30 + seed, training__seed=seed, training__epochs=7).folder
        for seed in (5, 6, 7)
    ]
    result = compare_runs([*other, *strong], tmp_path, "en")
    cell = result["pairs"][0]["metrics"]["accuracy"]["mean"]
    assert (cell["method"], cell["of"]) == ("seeds_apart", 12)
    assert {"id": "seeds_apart", "pairs": [["other", "strong"]]} in result["notes"]
    assert "of 12 pairs of one run each" in result["pairs"][0]["verdict"]["sentence"]


def test_one_run_beside_many_borrows_their_spread(weak, strong, tmp_path, no_page):
    result = compare_runs([weak[0], *strong], tmp_path, "en")
    assert result["sides"][0]["name"] == "weak-0"
    assert {"id": "spread_borrowed", "runs": ["weak-0"]} in result["notes"]
    assert result["pairs"][0]["metrics"]["accuracy"]["mean"]["method"] == "seeds_apart"


def test_settings_that_only_judge_make_no_other_recipe(place, manifest, strong, tmp_path, no_page):
    judged = answered_run(place / "strong-9", manifest, 1.4, 29, training__seed=9, evaluation__explained_cases=0).folder
    assert len(compare_runs([*strong, judged], tmp_path, "en")["sides"]) == 1


def test_other_images_make_another_side(place, manifest, strong, tmp_path, no_page):
    """The same recipe on a data set that was mended."""
    hashes = ["e" * 64, *manifest.table["sha256"].tolist()[1:]]
    mended = [
        answered_run(
            place / f"mended-{seed}", manifest.with_columns(sha256=hashes), 1.0, 40 + seed, training__seed=seed
        ).folder
        for seed in range(2)
    ]
    result = compare_runs([*strong, *mended], tmp_path, "en")
    assert [side["name"] for side in result["sides"]] == ["strong", "mended"]
    assert {"same_recipe", "images_differ"} <= set(ids(result))


# each seed its own split -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own_splits(place):
    """Two recipes, three seeds of the split, each with its own third of the cases."""
    found = {}
    for name, skill, epochs in (("plain", 0.4, 5), ("better", 1.4, 16)):
        found[name] = [
            answered_run(
                place / f"{name}-{seed}",
                pictures(place / "split-data", 120, split=seed),
                skill,
                50 + seed,
                split__seed=seed,
                training__epochs=epochs,
            ).folder
            for seed in range(3)
        ]
    return found


def test_splits_are_compared_seed_by_seed(own_splits, tmp_path):
    result = compare_runs([*own_splits["plain"], *own_splits["better"]], tmp_path, "en")
    values = [cell["value"] for cell in result["values"]["accuracy"]["mean"]]
    expected = splits_paired(np.array(values[3:]) - np.array(values[:3]), 0.5)
    cell = result["pairs"][0]["metrics"]["accuracy"]["mean"]
    assert (cell["method"], cell["of"]) == ("splits_paired", 3)
    assert (cell["p"], cell["ci95"]) == (pytest.approx(expected.p), pytest.approx(list(expected.ci95)))
    assert result["n"] == len(result["cases"]) == 120
    assert sum(value is not None for value in result["cases"][0]["right"]) == 2
    note = next(note for note in result["notes"] if note["id"] == "own_splits")
    assert note["ratio"] == pytest.approx(0.5)
    html = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert Page(html).open == []
    assert "Nadeau and Bengio" in html
    assert "corrected t test over splits p" in result["pairs"][0]["verdict"]["sentence"]


def test_one_recipe_with_splits_of_its_own_is_a_distribution(own_splits, tmp_path):
    result = compare_runs(own_splits["plain"], tmp_path, "en")
    assert result["pairs"] == []
    assert result["sentence"].startswith("3 trainings of one recipe")


def test_a_seed_that_one_recipe_lacks_is_left_out(own_splits, tmp_path, no_page):
    result = compare_runs([*own_splits["plain"], *own_splits["better"][1:]], tmp_path, "en")
    assert {"id": "seeds_left_out", "runs": ["plain-0"]} in result["notes"]
    assert len(result["runs"]) == 4


def test_splits_without_common_seeds_are_refused_with_what_to_do(own_splits, tmp_path):
    with pytest.raises(DataError, match="same cases") as caught:
        compare_runs([*own_splits["plain"][:2], own_splits["better"][2]], tmp_path, "en")
    assert any("plain: seeds of training and split 0/0, 0/1" in line for line in caught.value.details)
    assert "same seeds" in caught.value.cure


# masks -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def outlined(place):
    data = volumes(place / "volumes", 8)
    return {
        name: [
            outlined_run(
                place / f"{name}-seed-{seed}", data, wrong, seed, training__seed=seed, training__mask_loss__name=loss
            ).folder
            for seed in range(3)
        ]
        for name, wrong, loss in (("ce", 0.2, "cross_entropy"), ("dice", 0.1, "cross_entropy+dice"))
    }


def test_masks_over_seeds(outlined, tmp_path):
    result = compare_runs([*outlined["ce"], *outlined["dice"]], tmp_path, "en")
    assert [side["name"] for side in result["sides"]] == ["ce", "dice"]
    cell = result["pairs"][0]["metrics"]["dice"]["mean"]
    assert (cell["method"], cell["better"], cell["of"]) == ("seeds_paired", 3, 3)
    assert result["family"]["tests"] == 3
    assert result["pairs"][0]["verdict"]["kind"] == "shown"
    html = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert Page(html).open == []
    assert "From seed to seed" in html
    assert "Better in dice" in html
    assert "ce-seed-0" in html
    assert "data:image/jpeg" in html


def test_the_command_shows_the_spread(outlined, tmp_path):
    folders = [str(folder) for folder in (*outlined["ce"], *outlined["dice"])]
    shown = CliRunner().invoke(app, ["compare", *folders, "-o", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    assert "standard deviation over the seeds" in shown.stdout
    assert "In Dice, dice is ahead in 3 of 3 pairs of runs with the same seed, and ce in 0." in shown.stdout.replace(
        "\n", " "
    )
