"""The report of networks that outline structures: every section, its numbers, and that it needs nothing from outside."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from laudo.core.mask_scores import MaskScores
from laudo.core.recipe import AugmentVolume, MaskLoss, Patch, PrepareVolume, Recipe
from laudo.core.run import Run
from laudo.report.citations import BIBTEX
from laudo.report.context import gather
from laudo.report.figures import forest
from laudo.report.figures.mask_volumes import Volumes, agreement, in_millilitres
from laudo.report.figures.sheet import Picture, Shelf
from laudo.report.limits import limits
from laudo.report.mask_verdict import case_dice, failure_sentences, worst_sentence
from laudo.report.methods import methods_text
from laudo.report.model_card import write_model_card
from laudo.report.outlined_case import CaseReader
from laudo.report.page import write_report
from laudo.report.references import references
from laudo.report.sections.draft import Draft
from laudo.report.sections.mask_cases import chosen, in_order_of_failure
from laudo.report.sections.mask_results import of_label
from laudo.report.thumbnails import Album
from laudo.report.verdict import verdict
from laudo.report.voice import Voice
from mask_report_example import (
    REGIONS,
    brats_manifest,
    hippocampus_manifest,
    make_mask_cross_validation,
    make_mask_recipe,
    make_mask_run,
    picture_manifest,
)
from test_report_page import ORDER, Page, outside_references
from test_report_slices import decode

EN = Voice("en")


def written(run: Run, language: str = "en") -> str:
    return write_report(run, language).read_text(encoding="utf-8")


def section(html: str, name: str) -> str:
    return html[html.index(f'<section id="{name}"') :].split("</section>")[0]


def draft_of(run: Run, folder) -> Draft:
    evidence = gather(run)
    return Draft(evidence, EN, Album(evidence.manifest), Shelf(folder, EN))


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are not drawn: where the test is of something else, it is done in a tenth of the time."""
    monkeypatch.setattr(
        Shelf, "add", lambda self, name, words, *_: Picture(name, "data:,", words.alt, words.caption, words.help)
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("masks")


@pytest.fixture(scope="module")
def volumes(home):
    return make_mask_run(home / "volumes", hippocampus_manifest(home / "hippocampi", 20), make_mask_recipe())


@pytest.fixture(scope="module")
def few(home):
    return make_mask_run(home / "few", hippocampus_manifest(home / "five", 5), make_mask_recipe())


@pytest.fixture(scope="module")
def pictures(home):
    recipe = make_mask_recipe("figshare-unet", **{"data.source": "bus-uc"})
    return make_mask_run(home / "pictures", picture_manifest(home / "breasts", 10), recipe)


@pytest.fixture(scope="module")
def joint(home):
    changes = {"data.source": "bus-uc", "network.label_head": True}
    recipe = make_mask_recipe("figshare-joint-unet", **changes)
    return make_mask_run(home / "joint", picture_manifest(home / "both", 15), recipe)


@pytest.fixture(scope="module")
def folds(home):
    return make_mask_cross_validation(home / "folds", hippocampus_manifest(home / "more", 9), make_mask_recipe())


@pytest.fixture(scope="module")
def pages(volumes, pictures, joint, folds):
    runs = {"volumes": volumes, "pictures": pictures, "joint": joint, "folds": folds}
    return {name: written(run) for name, run in runs.items()}


KINDS = ("volumes", "pictures", "joint", "folds")


@pytest.mark.parametrize("kind", KINDS)
def test_every_section_is_there_and_only_those_without_anything_to_show_are_missing(pages, kind):
    html = pages[kind]
    assert re.findall(r'<section id="([a-z]+)"', html) == list(ORDER)
    missing = {name for name in ORDER if 'class="missing"' in section(html, name)}
    of_class = set() if kind == "joint" else {"decisions"}
    assert missing == {"explanations", "subgroups", "unlike"} | of_class
    assert "does not have the expected form" not in html
    assert 'class="gone"' not in html


@pytest.mark.parametrize("kind", KINDS)
def test_needs_nothing_from_outside_and_is_well_formed(pages, kind):
    html = pages[kind]
    assert outside_references(html) == []
    assert "@import" not in html
    assert "<script src" not in html
    page = Page(html)
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all((image["alt"] or "").strip() for image in page.all("img"))
    assert len(html) < 8_000_000


@pytest.mark.parametrize("kind", KINDS)
def test_the_figures_of_metrics_json_stand_in_the_page(pages, kind, volumes, pictures, joint, folds):
    run = {"volumes": volumes, "pictures": pictures, "joint": joint, "folds": folds}[kind]
    part = "pooled" if kind == "folds" else "test"
    result = run.json("metrics")[part]
    results = section(pages[kind], "results")
    for one in result["per_class"].values():
        for name in ("dice", "nsd", "voxel_precision"):
            assert EN.number(one[name]["value"]) in results
            assert EN.interval(one[name]) in results
        assert EN.number(one["hd95_mm"]["value"], 2) in results
        for name in ("voxel_specificity", "voxel_accuracy"):
            assert EN.number(one[name]["value"], 4) in results
    assert EN.number(result["metrics"]["dice"]["value"], 2) in section(pages[kind], "summary")


def test_the_rules_stand_beside_the_numbers(pages):
    results = section(pages["volumes"], "results")
    assert "Such a case counts with Dice, IoU, precision and surface Dice 0" in results
    assert "Predicted where the truth has none: posterior" in results
    assert "Missed altogether: posterior" in section(pages["volumes"], "problems")
    assert "Volume error, predicted minus true (best is 0)" in results
    assert "below 0 the structure is outlined too small" in results


def test_the_verdict_and_what_the_mean_hides(volumes, pages):
    evidence = gather(volumes)
    result = {**evidence.result, "n": 12, "groups": 12, "metrics": {"dice": {"value": 0.887, "ci95": [0.86, 0.91]}}}
    told = verdict(replace(evidence, metrics={"test": result}), EN)
    assert told == (
        "On 12 cases of 12 groups never seen in training, the model outlined “anterior” and “posterior” with a mean Dice of 0.89 "
        "(95\u00a0% interval 0.86–0.91)."
    )
    dice = case_dice(evidence.scores)
    summary = section(pages["volumes"], "summary")
    assert evidence.scores.table["sample"][int(np.nanargmin(dice))] in summary
    assert "One case in ten has a Dice of" in summary


def test_failures_are_counted_out_of_the_cases_that_could_fail(volumes):
    scores = gather(volumes).scores
    missed, invented = failure_sentences(scores, EN)
    there = int(scores.in_truth[:, 1].sum())
    assert missed == f"Missed altogether: posterior ({int(scores.missed[:, 1].sum())} of {there} cases)."
    absent = len(scores) - there
    word = "case" if absent == 1 else "cases"
    assert (
        invented == f"Outlined where there is none: posterior ({int(scores.invented[:, 1].sum())} of {absent} {word})."
    )
    fine = scores.table[~(scores.missed | scores.invented).any(axis=1)]
    assert failure_sentences(MaskScores(fine, scores.structures), EN) == []


def test_the_table_of_cases_has_failures_first(pages, volumes):
    scores = gather(volumes).scores
    table = section(pages["volumes"], "cases").split('<table class="sortable close">')[1].split("</table>")[0]
    names = re.findall(r'<th scope="row">([^<]*)</th>', table)
    order = in_order_of_failure(scores)
    assert names == scores.table["sample"].iloc[order.rows].tolist()
    failed = order.failed[order.rows]
    assert failed[: failed.sum()].all()
    assert 0 < failed.sum() < len(failed)
    good = order.dice[order.rows][failed.sum() :]
    assert (np.diff(good[np.isfinite(good)]) >= 0).all()
    worst = scores.matrix("dice")[order.rows[-1], 0]
    assert EN.number(float(worst)) in table
    assert "invented: posterior" in table


def test_the_viewer_holds_the_worst_the_middle_and_the_best(volumes, pages, tmp_path):
    draft = draft_of(volumes, tmp_path)
    scores = draft.evidence.scores
    rows = chosen(in_order_of_failure(scores), draft)
    assert [why for _row, why in rows] == ["worst 1", "worst 2", "worst 3", "median", "best 2", "best 1"]
    panels = [one for one in Page(pages["volumes"]).all("figure") if str(one.get("id", "")).startswith("look-")]
    assert len(panels) == len(rows)
    reader = CaseReader(draft.evidence, set())
    for panel, (row, _why) in zip(panels, rows, strict=True):
        case = reader.judged(row)
        shape = tuple(map(int, panel["data-shape"].split()))
        truth, predicted = decode(panel["data-runs"], shape, 2)
        assert (truth > 0).sum() == (case.truth > 0).sum() > 0
        assert sorted(truth[truth > 0]) == sorted(case.truth[case.truth > 0])
        assert (predicted > 0).sum() == (case.predicted > 0).sum()
        assert [float(one) for one in panel["data-spacing"].split()] == [1.0, 1.5, 2.0]
        for name, values in (("volume_mm3", predicted), ("true_volume_mm3", truth)):
            voxels = [(values == number).sum() for number in (1, 2)]
            assert scores.matrix(name)[row] == pytest.approx(np.array(voxels) * 3.0)
    assert len(re.findall(r'<label><span>Axial <span class="hidden">', pages["volumes"])) == len(rows)


def test_without_scripts_every_case_has_a_still_picture(pages):
    cases = section(pages["volumes"], "cases")
    assert cases.count('<img class="still" src="data:image/jpeg;base64,') == 6
    assert '<div class="tools" hidden>' in cases
    assert cases.count('<div class="views" hidden>') == 6


def test_controls_have_words(pages):
    cases = section(pages["volumes"], "cases")
    for word in ("truth", "prediction", "difference", "opacity"):
        assert re.search(rf"<label[^>]*>[^/]*{word}", cases)
    assert all(one.get("aria-label") for one in Page(pages["volumes"]).all("canvas"))
    assert "Coronal" in cases
    assert "Sagittal" in cases


def test_pictures_are_measured_in_pixels_unless_they_say_their_size(pages, pictures, volumes):
    assert gather(pictures).length_unit == "px"
    assert gather(volumes).length_unit == "mm"
    assert "HD95 (pixels)" in section(pages["pictures"], "results")
    assert "distances are in pixels" in section(pages["pictures"], "limits")
    assert "HD95 (mm)" in section(pages["volumes"], "results")
    assert 'data-plane="picture"' in pages["pictures"]
    assert 'data-plane="axial"' not in pages["pictures"]
    assert "sagittal ones have the front on their right" in section(pages["volumes"], "cases")
    assert "sagittal" not in section(pages["pictures"], "cases")


def test_the_unit_is_that_of_the_scores_and_no_image_is_asked(pictures, tmp_path):
    """The run says it where it was measured: with the images gone it is known still."""
    run = copy_of(pictures, tmp_path / "run")
    for path in (run.manifest_path, run.manifest_path.with_suffix(".csv")):
        path.unlink()
    assert gather(run).length_unit == "px"
    run.predictions_path("test").unlink()
    assert gather(run).length_unit == "px"
    (run.folder / "metrics.json").unlink()
    assert gather(run).length_unit == "mm"


def test_a_joint_network_has_the_results_of_its_class_too(pages, joint):
    results = section(pages["joint"], "results")
    label = joint.json("metrics")["test"]["label"]
    assert "The class that was named" in results
    assert "Confusion matrix" in results
    assert EN.number(label["metrics"]["balanced_accuracy"]["value"]) in results
    assert "It named the right one of 2 classes with accuracy" in section(pages["joint"], "summary")
    assert "Always naming the most frequent class" in section(pages["joint"], "summary")
    seen = of_label(gather(joint))
    assert seen.result == label
    spread = {"mean": 0.8, "std": 0.1, "values": [0.7, 0.9]}
    several = {**gather(joint).metrics, "folds": {"dice": spread, "accuracy": spread}}
    assert list(of_label(replace(gather(joint), metrics=several)).metrics["folds"]) == ["accuracy"]
    assert "validation accuracy" in section(pages["joint"], "training")
    assert re.search(r"(right|wrong)</span></td>", section(pages["joint"], "cases"))
    assert "The class that was named" not in pages["pictures"]


def test_a_cross_validation_is_pooled_and_its_folds_are_compared(pages, folds):
    html = pages["folds"]
    assert "each by a model that had not been trained on its group" in html
    found = folds.json("metrics")["folds"]["dice"]
    results = section(html, "results")
    for value in (found["mean"], found["std"], *found["values"]):
        assert EN.number(value) in results
    assert "Dice of every case, by fold" in results
    assert "Every epoch: fold 3" in html
    assert html.count('class="still"') > 3  # masks lie in the folders of the folds


def test_nested_regions_are_reported(home, undrawn):
    recipe = make_mask_recipe("brats-unet3d-ce-dice", **{"data.regions": REGIONS})
    html = written(make_mask_run(home / "brats", brats_manifest(home / "brains", 5), recipe))
    assert "“WT”, “TC”, and “ET”" in section(html, "summary")
    assert "Each has the channels flair, t1, t1ce, and t2." in section(html, "methods")
    assert "The regions are WT (values 1, 2, 4)" in section(html, "methods")
    assert 'data-structures="3"' in html
    assert "difference: another structure" in html


@pytest.mark.parametrize(("language", "title"), [("pt", "Resumo"), ("es", "Resumen")])
def test_speaks_the_reader_s_language(few, language, title, tmp_path, undrawn):
    run = copy_of(few, tmp_path / "run")
    html = written(run, language)
    assert f">{title}</h2>" in html
    assert EN.number(run.json("metrics")["test"]["metrics"]["dice"]["value"]).replace(".", ",") in html


def copy_of(run: Run, folder) -> Run:
    shutil.copytree(run.folder, folder)
    return Run(folder)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("recipe.yaml", "gone"),
        ("recipe.yaml", "other"),
        ("manifest.parquet", "gone"),
        ("log.jsonl", "other"),
        ("metrics.json", "other"),
        ("predictions/test.parquet", "gone"),
        ("predictions/test.parquet", "other"),
        ("model.json", "gone"),
    ],
)
def test_a_lost_or_damaged_file_does_not_stop_the_report(few, tmp_path, name, damage, undrawn):
    run = copy_of(few, tmp_path / "run")
    if damage == "gone":
        (run.folder / name).unlink()
    else:
        (run.folder / name).write_text('["another", {"form": [1]}]', encoding="utf-8")
    html = written(run)
    assert len(re.findall("<section ", html)) == len(ORDER)
    assert write_model_card(run, "en").is_file()
    if damage == "other" and name != "log.jsonl":
        assert name.removeprefix("predictions/") in section(html, "problems")


def test_masks_that_are_gone_leave_a_word(few, tmp_path, undrawn):
    run = copy_of(few, tmp_path / "run")
    gone = sorted(run.masks_folder("test").iterdir())[0]
    gone.unlink()
    html = written(run)
    assert gone.name in section(html, "problems")
    assert 'class="gone"' in section(html, "cases")


def test_a_mask_outside_the_run_is_not_read(few, tmp_path, undrawn):
    run = copy_of(few, tmp_path / "run")
    scores = run.mask_scores("test")
    shutil.copy(run.folder / scores.table["mask"][0], tmp_path / "secret.nii.gz")
    MaskScores(scores.table.assign(mask="../secret.nii.gz"), scores.structures).save(run.predictions_path("test"))
    assert 'class="still"' not in written(run)


def test_a_page_stays_within_its_budget(volumes, tmp_path, monkeypatch, undrawn):
    monkeypatch.setattr("laudo.report.thumbnails.Album.__init__.__defaults__", (40_000,))
    html = written(copy_of(volumes, tmp_path / "run"))
    assert len(html) < 200_000
    assert "Pictures left out to keep this file small" in html


def test_reading_ends_when_the_work_is_spent(volumes):
    reader = CaseReader(gather(volumes), set(), work_voxels=1)
    assert reader.judged(0) is not None
    assert reader.is_spent
    assert reader.judged(1) is None


def methods(run: Run, **changes) -> tuple[str, Recipe]:
    evidence = gather(run)
    name = evidence.recipe.name
    recipe = make_mask_recipe(name, **changes)
    return " ".join(methods_text(replace(evidence, recipe=recipe), EN)), recipe


def test_methods_follow_the_recipe(volumes):
    text, _recipe = methods(volumes, **{"evaluation.mirror_axes": [0, 1, 2]})
    for words in (
        "data set msd [antonelli2022]", "Outlined are “anterior” and “posterior”", "Volumes kept their own spacing",
        "mean 0 and deviation 1", "patches of 40 × 56 × 40 voxels; 33% of them", "as nnU-Net does [isensee2021]",
        "rotations up to 30 degrees", "U-Net planned from the patch as nnU-Net does [isensee2021]",
        "background and one for each structure, with softmax",
        "cross-entropy and soft Dice [drozdzal2016] and AdamW [loshchilov2019]", "batch size 2",
        "half as much as the one above it [lee2015]", "over the whole batch together, without the background",
        "norm of at most 12", "highest Dice on validation", "overlapping by 50%", "(8 views)",
        "of anterior the largest piece", "[nikolov2021] with a tolerance of 1 mm", "[maierhein2024]", "[bland1986]",
        "[efron1993] with 100 resamples", "PyTorch [paszke2019]",
    ):  # fmt: skip
        assert words in text, words
    assert "timm" not in text
    assert "threshold" not in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"training.mask_loss": {"name": "tversky", "alpha": 0.2}},
            ["Tversky loss (alpha 0.2, beta 0.7) [salehi2017]"],
        ),
        ({"training.mask_loss": {"name": "generalised_dice"}}, ["generalised Dice [sudre2017]"]),
        ({"training.mask_loss": {"name": "focal", "gamma": 3}}, ["focal loss (gamma 3) [lin2017]"]),
        ({"training.mask_loss": {"name": "dice", "squared": True}}, ["soft Dice [milletari2016]", "Squares stand"]),
        (
            {"training.mask_loss": {"name": "cross_entropy+dice", "weights": [1, 0.5], "dice_over": "sample"}},
            ["weighted 1 to 0.5", "each sample on its own"],
        ),
        ({"network.backbone": "unet3d"}, ["a three-dimensional U-Net [cicek2016]"]),
        ({"network.backbone": "dynunet"}, ["DynUNet [isensee2021] [cardoso2022]"]),
        ({"network.backbone": "segresnet", "network.deep_supervision": False}, ["SegResNet [myronenko2019]"]),
        ({"network.backbone": "swinunetr", "network.deep_supervision": False}, ["Swin UNETR [hatamizadeh2022]"]),
        ({"training.schedule": "poly"}, ["^0.9 [chen2018]"]),
        ({"prepare.volume": {"spacing_mm": [1, 1, 2], "resample": "cubic"}}, ["resampled to 1 × 1 × 2 mm", "cubic"]),
        ({"prepare.volume": {"intensity": "percentile"}}, ["from its percentile 1 to its percentile 99"]),
        (
            {"prepare.volume": {"crop": "brain", "size_voxels": [64, 64, 64]}},
            ["what is not background", "64 × 64 × 64"],
        ),
        ({"augment.volume": None}, ["No augmentation was used."]),
        ({"training.mask_loss": {"class_weights": [1, 2, 3]}}, ["weighted 1, 2, and 3"]),
    ],
)
def test_each_setting_is_told_and_cited(volumes, changes, words):
    text, _recipe = methods(volumes, **changes)
    for word in words:
        assert word in text
    keys = set(re.findall(r"\[([a-z]+\d{4}[a-z]?)\]", text))
    assert {"efron1993", "paszke2019", "dice1945"} <= keys <= set(BIBTEX)
    assert len(references(sorted(keys))) == len(keys)


CHANGED = {
    "name": "dice",
    "weights": (1.0, 0.5),
    "dice_over": "sample",
    "background": True,
    "class_weights": (1.0, 2.0, 3.0),
    "smooth": 0.5,
    "squared": True,
    "alpha": 0.1,
    "beta": 0.2,
    "gamma": 4.0,
    "size_voxels": (32, 32, 32),
    "foreground": 0.9,
    "steps": 7,
    "move_mask": "nearest",
    "noise_deviation": 0.7,
    "mirror": (0.5, 0.0, 0.0),
    "rotation_degrees": (1.0, 2.0, 3.0),
    "spacing_mm": (1.0, 1.0, 3.0),
    "resample": "cubic",
    "resample_mask": "linear",
    "crop": "brain",
    "margin_mm": 4.0,
    "intensity": "percentile",
    "percentiles": (3.0, 97.0),
    "window": (40.0, 80.0),
    "limits": ((0.0, 9.0),),
    "dtype": "float16",
}
"""Another value for each key of the sections."""

NEEDS = {
    "alpha": {"name": "tversky"},
    "beta": {"name": "tversky"},
    "gamma": {"name": "focal"},
    "resample": {"spacing_mm": (1.0, 1.0, 3.0)},
    "resample_mask": {"spacing_mm": (1.0, 1.0, 3.0)},
    "margin_mm": {"crop": "brain"},
    "percentiles": {"intensity": "percentile"},
    "window": {"intensity": "window"},
    "limits": {"intensity": "range"},
    "foreground": {"size_voxels": (8, 8, 8)},
    "steps": {"size_voxels": (8, 8, 8)},
}
"""What a key means something with."""

BEFORE = {"window": {"window": (1.0, 1.0)}, "limits": {"limits": ((0.0, 1.0),)}}
"""Of keys that have no value by default, one to differ from."""


@pytest.mark.parametrize(
    ("path", "section"),
    [
        (("training", "mask_loss"), MaskLoss),
        (("training", "patch"), Patch),
        (("augment", "volume"), AugmentVolume),
        (("prepare", "volume"), PrepareVolume),
    ],
)
def test_no_setting_of_a_section_is_left_untold(volumes, path, section):
    """A new key can not be forgotten: with another value the text must differ."""
    evidence = gather(volumes)

    def text(changes) -> str:
        outer = getattr(evidence.recipe, path[0]).model_copy(update={path[1]: section().model_copy(update=changes)})
        return " ".join(methods_text(replace(evidence, recipe=evidence.recipe.model_copy(update={path[0]: outer})), EN))

    for name, field in section.model_fields.items():
        if name == "without_mask":
            continue  # refused where structures are outlined
        other = CHANGED.get(name, (0.6, 1.3) if isinstance(field.default, tuple) else 0.01)
        needed = NEEDS.get(name, {})
        assert text({**needed, name: other}) != text({**needed, **BEFORE.get(name, {})}), name


def test_a_line_of_chance_belongs_to_classes_alone():
    """Half is what a coin reaches; a Dice of a half is nothing of the kind."""
    for chance in (True, False):
        figure = Figure()
        forest.draw(figure, EN, [forest.Row("Dice", 0.1, (0.0, 0.2), 0, "")], [], chance=chance)
        drawn = [line.get_xdata() for line in figure.axes[0].lines]
        assert ([0.5, 0.5] in [list(one) for one in drawn]) == chance


def test_joint_networks_say_how_the_class_came_about(joint):
    text, _recipe = methods(joint)
    assert "read off the mask" in text
    changes = {"network.label_head": True, "data.source": "bus-uc"}
    assert "classifier on its deepest features" in methods(joint, **changes)[0]


def test_limits_speak_of_outlines(volumes, joint):
    text = " ".join(limits(gather(volumes), EN))
    for words in ("Another reader would draw it differently", "“anterior” and “posterior” only", "no external test"):
        assert words in text
    assert "right for the wrong reason" not in text
    assert "answer together" not in text
    assert "never asked whether there is anything" in " ".join(limits(gather(joint), EN))
    assert "never asked" not in text


@pytest.mark.parametrize(
    ("changes", "words", "others"),
    [
        ({}, ["nothing has judged that mean of theirs. Of the folds' post-processing only"], ["training part says"]),
        ({"evaluation.post_processing": "none"}, ["nothing has judged that mean"], ["Of the folds' post-processing"]),
        (
            {"prepare.volume.spacing_mm": "median"},
            ["Only where that comes out alike in all folds can they answer together"],
            ["answer together; nothing has judged"],
        ),
    ],
)
def test_limits_say_how_folds_answer_new_images(folds, changes, words, others):
    evidence = replace(gather(folds), recipe=make_mask_recipe(**changes))
    text = " ".join(limits(evidence, EN))
    for word in words:
        assert word in text
    for word in others:
        assert word not in text


def test_few_cases_have_no_tenth(few, volumes):
    assert "One case in ten" in worst_sentence(gather(volumes), EN)
    nothing = gather(volumes)
    table = nothing.scores.table.assign(**{f"dice:{name}": 0.0 for name in nothing.scores.structures})
    nothing = replace(nothing, scores=MaskScores(table, nothing.scores.structures))
    assert "One case in ten has a Dice of 0.00 or less" in worst_sentence(nothing, EN)
    told = worst_sentence(gather(few), EN)
    assert "One case in ten" not in told
    assert told.startswith("The worst case is case-")


def test_the_model_card_says_what_the_report_says(volumes, joint):
    text = write_model_card(volumes, "en").read_text(encoding="utf-8")
    one = volumes.json("metrics")["test"]["per_class"]["anterior"]
    assert "- image-segmentation" in text
    assert "- image-classification" not in text
    assert "- Structures: anterior, posterior" in text
    assert f"| anterior | {EN.number(one['dice']['value'])} (" in text
    assert "Hausdorff distance, 95\u00a0% (lower is better) (mm)" in text
    assert "@article{isensee2021" in text
    assert "- image-classification" in write_model_card(joint, "en").read_text(encoding="utf-8")


def test_limits_of_agreement_are_those_of_bland_and_altman():
    true = np.array([100.0, 200.0, 300.0, 400.0])
    found = agreement(Volumes("a", true, true + np.array([10.0, -10.0, 20.0, 0.0])))
    assert found.bias == pytest.approx(5.0)
    deviation = np.sqrt((25 + 225 + 225 + 25) / 3)
    assert (found.low, found.high) == (pytest.approx(5 - 1.96 * deviation), pytest.approx(5 + 1.96 * deviation))
    assert agreement(Volumes("a", true[:2], true[:2])) is None
    (large,), unit = in_millilitres([Volumes("a", true * 1000, true)], "mm³")
    assert unit == "mL"
    assert large.true.tolist() == true.tolist()
    assert in_millilitres([Volumes("a", true, true)], "mm³")[1] == "mm³"
    assert in_millilitres([Volumes("a", true * 1000, true)], "pixels")[1] == "pixels"


def test_the_same_run_gives_the_same_bytes(volumes, pages):
    assert written(volumes) == pages["volumes"]
