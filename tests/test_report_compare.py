"""The page of a comparison: self-contained, in three languages, with the pictures of the cases that changed most."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from compared_example import SHAPE, outlined_run, recipe, truth, volumes
from laudo.core.manifest import Manifest
from laudo.core.mask_scores import MaskScores
from laudo.core.run import Run
from laudo.core.structures import Structures
from laudo.evaluate.mask_scoring import score_masks
from laudo.predict.mask_files import save_label_map
from laudo.report.compare_notes import NOTES, note_text
from laudo.report.compare_verdicts import verdict_sentence
from laudo.report.compare_words import p_equals
from laudo.report.compared_run import ComparedRun, read_compared_run
from laudo.report.figures.paired_differences import Panel
from laudo.report.figures.paired_differences import draw as draw_differences
from laudo.report.figures.sheet import Shelf, Words
from laudo.report.paired_pictures import Painter
from laudo.report.voice import Voice
from laudo.workflows.compare_runs import compare_runs
from test_report_page import Page, outside_references

HOSTILE = "<script>alert(1)<"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("compare")


@pytest.fixture(scope="module")
def manifest(place):
    return volumes(place / "data")


@pytest.fixture(scope="module")
def runs(place, manifest):
    lost = {5: np.zeros(SHAPE, dtype=np.uint8)}
    return [
        outlined_run(place / "ce", manifest, 0.2, seed=1, training__mask_loss__name="cross_entropy").folder,
        outlined_run(place / HOSTILE, manifest, 0.1, seed=2, guesses=lost).folder,
    ]


@pytest.fixture(scope="module")
def result(runs, place):
    return compare_runs(runs, place / "out", "en")


@pytest.fixture(scope="module")
def html(result, place):
    return (place / "out" / "compare.html").read_text(encoding="utf-8")


def test_the_page_needs_nothing_beside_it(html):
    assert outside_references(html) == []
    assert len(html) < 8_000_000
    page = Page(html)
    assert page.open == []
    assert all(image["alt"] for image in page.all("img"))
    assert all(image["src"].startswith("data:") for image in page.all("img"))


def test_names_are_escaped(html):
    assert HOSTILE not in html
    assert "&lt;script&gt;alert(1)&lt;" in html


def test_the_order_of_the_sections(html):
    assert re.findall(r'<section id="([a-z]+)"', html) == [
        "summary",
        "results",
        "differences",
        "cases",
        "runs",
        "methods",
    ]


def test_figures_and_tables_say_what_compare_json_says(html, result):
    cell = result["pairs"][0]["metrics"]["dice"]["mean"]
    assert f"{cell['value']:+.3f}".replace("-", "−") in html
    for name in ("Accuracy", "Precision", "Sensitivity", "Specificity", "IoU (Jaccard)", "Dice", "HD95 (mm)"):
        assert f'<th scope="col" class="num">{name}</th>' in html
    assert html.count(f"{cell['better']} / {cell['equal']} / {cell['worse']}") >= 1
    assert "training.mask_loss.name" in html
    assert "5.0" in html  # minutes


def test_cases_that_changed_most_stand_in_both_directions(html):
    cases = html[html.index('<section id="cases"') : html.index('<section id="runs"')]
    assert cases.index("Better in") < cases.index("Worse in") < cases.index("case-05")
    assert "Slices are axial" in cases
    assert cases.count('class="swatch" style="border-color:') == 2
    assert cases.count("data:image/jpeg") == 3 * 7  # six gains, one loss
    assert "slice" in cases
    assert "0.000" in cases


@pytest.mark.parametrize(("language", "title"), [("pt", "Resumo"), ("es", "Resumen")])
def test_other_languages(runs, result, tmp_path, language, title):
    compare_runs(runs, tmp_path, language)
    html = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert f'<html lang="{language}' in html
    assert f">{title}</h2>" in html
    dice = f"{result['values']['dice']['mean'][0]['value']:.3f}"
    assert dice.replace(".", ",") in html
    assert dice not in html[html.index("<main>") : html.index("</main>")]
    sentence = json.loads((tmp_path / "compare.json").read_text())["pairs"][0]["verdict"]["sentence"]
    assert "{" not in sentence
    assert re.search(r"0,\d{3}", sentence)


def test_without_images_there_is_a_page_without_pictures(place, tmp_path):
    data = volumes(tmp_path / "data", 6)
    made = [outlined_run(tmp_path / name, data, wrong, seed=2).folder for name, wrong in (("a", 0.1), ("b", 0.3))]
    for path in (tmp_path / "data").iterdir():
        path.unlink()
    compare_runs(made, tmp_path / "out", "en")
    html = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert "data:image/jpeg" not in html
    assert '<ul class="legend"' not in html
    assert "No pictures: the images or the masks are no longer where they were." in html


def test_a_run_beside_itself_has_no_cases_that_changed(place, manifest, tmp_path):
    made = [outlined_run(tmp_path / name, manifest, 0.1, seed=4).folder for name in ("a", "b")]
    compare_runs(made, tmp_path / "out", "en")
    html = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert "No case changed." in html
    assert "a and b have the same Dice in each of 12 cases." in html


def test_three_runs(runs, manifest, place, tmp_path):
    third = outlined_run(place / "third", manifest, 0.15, seed=3, training__epochs=7).folder
    compare_runs([*runs, third], tmp_path / "out", "en")
    html = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert len(list((tmp_path / "out" / "figures").glob("compared-differences-*.svg"))) == 3
    assert html.count('<p class="verdict">') == 3


# pictures ----------------------------------------------------------------------------------------------------


def pixels(uri: str) -> np.ndarray:
    content = base64.b64decode(uri.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(content))).astype(int)


def painter(*folders, **settings) -> Painter:
    return Painter([read_compared_run(folder, folder.name) for folder in folders], **settings)


def test_the_slice_is_the_one_in_which_the_runs_differ_most(place, manifest, tmp_path):
    other = truth(2)
    other[:, :, 7] = 0
    a = outlined_run(tmp_path / "a", manifest, 0.0).folder
    b = outlined_run(tmp_path / "b", manifest, 0.0, guesses={2: other}).folder
    drawn = painter(a, b).draw("case-02")
    assert (drawn.slice_number, drawn.slices) == (8, 12)
    shown, right, wrong = (pixels(uri) for uri in (drawn.truth, *drawn.answers))
    assert shown.shape == right.shape == wrong.shape
    assert shown.shape[0] > shown.shape[1]  # 18 × 1 mm across, 16 × 1.5 mm down
    middle = tuple(side // 2 for side in shown.shape[:2])
    colourful = [np.ptp(one[middle[0] - 12, middle[1]]) > 40 for one in (shown, right, wrong)]
    assert colourful == [False, True, False]  # an area only where something was outlined
    for one in (shown, right, wrong):  # the line of the truth
        assert (np.ptp(one[:, middle[1]], axis=1) > 120).sum() >= 2
    # in front is up: orange above, blue below
    assert right[middle[0] - 30, middle[1], 0] > right[middle[0] - 30, middle[1], 2] + 40
    assert right[middle[0] + 30, middle[1], 2] > right[middle[0] + 30, middle[1], 0] + 40


def test_pictures_of_two_dimensions(tmp_path):
    """A mask of half the picture's size is laid over it; a colour picture stays one."""
    image = np.zeros((40, 60, 3), dtype=np.uint8)
    image[..., 1] = 90
    mask = np.zeros((20, 30), dtype=np.uint8)
    mask[5:15, 10:20] = 255
    Image.fromarray(image).save(tmp_path / "image.png")
    Image.fromarray(mask).save(tmp_path / "mask.png")
    row = {"sample": "a", "image": "image.png", "mask": "mask.png", "label": "", "group": "g"}
    manifest = Manifest.from_rows([row], tmp_path, "images-masks", ())
    run = Run(tmp_path / "run")
    lesion = Structures(("lesion",), ((1,),), any_value=True)
    run.write_json("model", {"structures": lesion.as_dict()})
    save_label_map(run.folder / "answer.png", np.zeros((40, 60), dtype=np.uint8), tmp_path / "image.png")
    scores = score_masks(np.ones((4, 4)), np.ones((4, 4)), lesion.by_name, (1.0, 1.0))
    table = MaskScores.build(manifest.table.assign(mask="answer.png"), [scores], lesion.names)
    drawn = Painter([ComparedRun("run", run, "test", recipe(), manifest, table)]).draw("a")
    assert (drawn.slice_number, drawn.slices) == (None, 1)
    shown, answer = pixels(drawn.truth), pixels(drawn.answers[0])
    assert shown.shape == answer.shape == (147, 220, 3)
    for one in (shown, answer):
        assert one[73, 110, 0] < 30  # nothing was outlined, the middle of the truth is as green as the rest
        assert one[34:40, 110, 0].max() > 150  # the upper border of the truth, 10 of 40 rows down
        assert abs(int(one[10, 10, 1]) - 90) < 12


def test_thousands_of_cases_stay_small(tmp_path):
    """Marks beyond a limit become an image in the figure."""
    panels = [Panel("mean", np.random.default_rng(0).normal(size=20_000), 0.0, (-0.1, 0.1))]
    shelf = Shelf(tmp_path, Voice("en"))
    picture = shelf.add("x", Words("a", "b", "c"), lambda figure, v: draw_differences(figure, v, panels, "y"), 5, 3)
    assert len(picture.uri) < 300_000


def test_a_path_that_leaves_the_run_is_not_followed(runs, tmp_path):
    run = read_compared_run(runs[0], "ce")
    outside = tmp_path / "secret.nii.gz"
    outside.write_bytes((runs[0] / run.scores.table["mask"][0]).read_bytes())
    for hostile in (str(outside), "../secret.nii.gz", ""):
        table = run.scores.table.assign(mask=hostile)
        assert Painter([replace(run, scores=replace(run.scores, table=table))]).draw("case-00") is None


def test_the_budget_ends_the_pictures(runs):
    drawer = painter(*runs, budget=1)
    assert drawer.draw("case-00") is not None
    assert drawer.draw("case-01") is None


def test_without_a_model_nothing_is_drawn(manifest, tmp_path):
    folder = outlined_run(tmp_path / "a", manifest, 0.1).folder
    Run(folder).model_path.unlink()
    drawer = painter(folder)
    assert drawer.draw("case-00") is None
    assert drawer.legend == []


# words -------------------------------------------------------------------------------------------------------

VERDICT = {
    "metric": "dice", "value": -0.0124, "ci95": [-0.021, -0.003], "p": 0.001, "p_holm": 0.004, "n": 208, "groups": 120,
    "tests": 3, "smallest_p": 0.09, "detectable": 0.008,
}  # fmt: skip


def test_a_difference_that_was_shown():
    text = verdict_sentence({**VERDICT, "kind": "shown"}, "ce", "ce-dice", Voice("en"))
    assert text == (
        "Dice of ce-dice is 0.012 lower than that of ce (95\u00a0% interval −0.021 to −0.003; Wilcoxon p = 0.004 over "
        "208 cases in 120 groups). The p is corrected for 3 tests (Holm)."
    )


def test_a_difference_that_was_not_shown_says_what_could_hide():
    facts = {**VERDICT, "kind": "not_shown", "ci95": None, "n": 5, "groups": 5, "tests": 1}
    text = verdict_sentence(facts, "a", "b", Voice("en"))
    assert text.startswith("No difference in Dice could be shown between a and b: −0.012 (95\u00a0% interval –;")
    assert "over 5 cases)" in text
    assert "difference in Dice smaller than about 0.008" in text
    assert "corrected" not in text


def test_too_few_cases_say_that_nothing_could_be_shown():
    text = verdict_sentence({**VERDICT, "kind": "too_few"}, "a", "b", Voice("en"))
    assert "the smallest p that this test can give is 0.090: no difference, however large" in text


@pytest.mark.parametrize("kind", ["shown", "divided", "not_shown", "too_few", "identical", "undefined"])
@pytest.mark.parametrize("language", ["en", "pt", "es"])
def test_every_verdict_has_its_sentence(kind, language):
    text = verdict_sentence({**VERDICT, "kind": kind}, "run-a", "run-b", Voice(language))
    assert "run-a" in text
    assert "run-b" in text
    assert "{" not in text


def test_names_with_braces_are_left_alone():
    for kind in ("shown", "too_few", "identical"):
        assert "{b}" in verdict_sentence({**VERDICT, "kind": kind}, "{b}", "{cases}", Voice("en"))


@pytest.mark.parametrize("name", NOTES)
def test_every_note_has_its_sentence(name):
    note = {"id": name, "runs": ["a"], "n": [1, 2], "classes": ["x"], "shared": 3, "groups": 4, "metrics": []}
    note |= {"pairs": [["a", "b"]], "ratio": 0.25}
    if name in {"groups_unknown", "images_differ", "groups_of_images"}:
        note["n"] = 5
    for language in ("en", "pt", "es"):
        text = note_text(note, ["a", "b"], Voice(language))
        assert "{" not in text
        assert text.endswith((".", ")"))


def test_p_is_never_written_as_zero():
    assert p_equals(1e-9, Voice("en")) == "p < 0.001"
    assert p_equals(0.0123, Voice("pt")) == "p = 0,012"
    assert p_equals(None, Voice("en")) == "p = –"
