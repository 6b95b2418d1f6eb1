"""What the report says: verdict, light, sanity, limits, methods, model card, languages."""

from __future__ import annotations

import gettext
from dataclasses import replace

import pytest

from laudo.core.messages import LANGUAGES, translations
from laudo.core.recipe import Head
from laudo.report.citations import BIBTEX, cited
from laudo.report.context import gather
from laudo.report.light import audit_light
from laudo.report.limits import limits
from laudo.report.methods import methods_text
from laudo.report.model_card import plain, write_model_card
from laudo.report.names import metric_help
from laudo.report.page import write_report
from laudo.report.sanity import blank_sentence, sanity_judgement
from laudo.report.sections.cases import outcome
from laudo.report.sections.data import _copied
from laudo.report.verdict import baseline, baseline_sentence, leakage_sentences, verdict
from laudo.report.voice import Voice
from report_example import LEAKAGE, make_recipe, make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("words") / "brain", n=40)


@pytest.fixture(scope="module")
def evidence(run):
    return gather(run)


def with_result(evidence, **changes):
    return replace(evidence, metrics={**evidence.metrics, "test": {**evidence.metrics["test"], **changes}})


def metric(value, low, high):
    return {"value": value, "ci95": [low, high]}


def test_numbers_have_the_reader_s_form():
    assert Voice("en").number(0.1234) == "0.123"
    assert Voice("pt").number(0.1234) == "0,123"
    assert Voice("pt").integer(2306433) == "2.306.433"
    assert Voice("en").interval(metric(0.9, 0.871, 0.94), 2) == "0.87–0.94"
    assert Voice("en").interval(metric(0.02, -0.002, 0.05), 1, scale=100) == "−0.2 … 5.0"
    assert Voice("en").interval({"value": 1, "ci95": None}) == ""
    assert Voice("en").interval({"value": 1, "ci95": [None, None]}) == ""
    assert Voice("en").number(None) == "–"
    assert Voice("en").number(float("nan")) == "–"
    assert Voice("en").short(0.0001) == "0.0001"


def test_dates_are_written_out():
    assert Voice("en").date("2026-03-05T14:30:00+00:00") == "March 5, 2026, 14:30 UTC"
    assert Voice("pt").date("2026-03-05T14:30:00+00:00") == "5 de março de 2026, 14:30 UTC"
    assert Voice("en").date("yesterday") == "yesterday"


def test_an_unknown_language_is_refused(run):
    with pytest.raises(ValueError, match="klingon"):
        write_report(run, "klingon")


def test_the_verdict_is_made_from_the_numbers(evidence):
    changed = with_result(evidence, n=253, groups=201, metrics={"accuracy": metric(0.913, 0.87, 0.94)})
    text = "On 253 images of 201 groups never seen in training, the model told “yes” from “no” with accuracy 0.91 "
    assert verdict(changed, Voice("en")) == text + "(95\u00a0% interval 0.87–0.94)."


def test_the_baseline_is_the_most_frequent_class(evidence):
    changed = with_result(
        evidence,
        confusion={"classes": ["no", "yes"], "matrix": [[20, 20], [10, 50]]},
        metrics={"accuracy": metric(0.7, 0.58, 0.8)},
    )
    assert baseline(changed) == 0.6
    assert "do not show that the model learned anything" in baseline_sentence(changed, Voice("en"))
    better = with_result(changed, metrics={"accuracy": metric(0.7, 0.62, 0.8)})
    assert "learned" not in baseline_sentence(better, Voice("en"))
    assert "0.60" in baseline_sentence(better, Voice("en"))


def test_without_a_leakage_check_nothing_is_said_of_it(evidence):
    assert leakage_sentences(evidence, Voice("en")) == []


@pytest.mark.parametrize(
    ("statuses", "ran", "total", "expected"),
    [
        (["pass", "pass"], 2, 2, "pass"),
        (["pass", "warn"], 2, 2, "warn"),
        (["warn", "fail"], 2, 2, "fail"),
        (["pass", "not_run"], 1, 2, "not_run"),
        (["pass"], 1, 2, "not_run"),
        ([], 0, 0, "not_run"),
    ],
)
def test_the_light_is_green_only_when_everything_ran_and_passed(statuses, ran, total, expected):
    audit = {"checks_run": ran, "checks_total": total, "findings": [{"status": status} for status in statuses]}
    assert audit_light(audit, Voice("en")).status == expected


def test_no_audit_is_not_green():
    light = audit_light(None, Voice("en"))
    assert light.status == "not_run"
    assert light.sentence == "The data were not audited."


@pytest.mark.parametrize(
    ("spearman", "ssim", "status", "words"),
    [
        (0.9, 0.95, "fail", "hardly change"),
        (0.5, 0.3, "warn", "only in part"),
        (0.1, 0.9, "warn", "only in part"),
        (0.1, 0.3, "pass", "they depend on what the model learned"),
        (-0.2, None, "pass", "they depend on what the model learned"),
    ],
)
def test_the_sanity_check_is_said_the_way_it_went(spearman, ssim, status, words):
    judged = sanity_judgement({"spearman": spearman, "ssim": ssim}, Voice("en"))
    assert judged["status"] == status
    assert words in judged["sentence"]


def test_no_sanity_check_is_said_too():
    assert "was not run" in sanity_judgement(None, Voice("en"))["sentence"]


@pytest.mark.parametrize(
    ("label", "predicted", "positive", "expected"),
    [
        ("yes", "yes", "yes", "TP"),
        ("no", "no", "yes", "TN"),
        ("no", "yes", "yes", "FP"),
        ("yes", "no", "yes", "FN"),
        ("a", "a", None, "right"),
        ("a", "b", None, "wrong"),
    ],
)
def test_outcomes(label, predicted, positive, expected):
    assert outcome(label, predicted, positive) == expected


def test_limits_say_what_was_not_done(evidence):
    text = " ".join(limits(evidence, Voice("en")))
    for words in (
        "no external test",
        "which patient",
        "look at the intervals",
        "11 were run",
        "other seeds",
        "copies of images",
    ):
        assert words.lower() in text.lower()
    external = replace(evidence, metrics={**evidence.metrics, "external": evidence.metrics["test"]})
    assert "no external test" not in " ".join(limits(external, Voice("en")))


def test_limits_do_not_miss_patients_that_are_named(evidence):
    manifest = evidence.manifest.with_columns(patient="P1")
    assert "which patient" not in " ".join(limits(replace(evidence, manifest=manifest), Voice("en")))


def test_methods_follow_the_recipe(evidence):
    text = " ".join(methods_text(evidence, Voice("en")))
    for words in (
        "40 images of the data set kaggle-brain [chakrabarty2019]", "mobilenetv2_100 [sandler2018]", "20%",
        "fixed feature extractor", "64 units", "Dropout of 0.3", "Adam [kingma2015]", "learning rate 0.001",
        "256 × 256",
        "horizontal flips with probability 0.5", "rotations up to 10 degrees", "[efron1993] with 100 resamples",
        "grad-cam [selvaraju2020]", "[adebayo2018] on 4 images",
    ):  # fmt: skip
        assert words in text
    other = make_recipe(
        training={"optimizer": "sgd", "keep": "last", "epochs": 3}, augment={}, network={"backbone": "vgg19"}
    )
    text = " ".join(methods_text(replace(evidence, recipe=other), Voice("en")))
    assert "SGD" in text
    assert "vgg19 [simonyan2014]" in text
    assert "No augmentation" in text
    assert "weights of the last epoch" in text
    assert "kingma" not in text


def methods(evidence, **changes):
    return " ".join(methods_text(replace(evidence, **changes), Voice("en")))


def test_mirrored_copies_and_standardised_features_are_told(evidence):
    network = {"backbone": "resnet50", "head": {"normalise": True}}
    text = methods(evidence, recipe=make_recipe(augment={"mirrored_copies": True}, network=network))
    assert "Every training image was also used mirrored left and right." in text
    assert "features were standardised" in text
    assert "No augmentation" not in text
    assert "also used mirrored" not in methods(evidence)


def test_a_run_that_is_not_finished_claims_nothing_final(evidence):
    stopped = replace(evidence, status={"state": "stopped", "reason": "max_minutes"})
    assert "used once" in methods(evidence)
    assert "used once" not in methods(stopped)
    assert "may be judged again" in methods(stopped)
    assert verdict(stopped, Voice("en")).endswith("the figures may change.")
    assert "not finished" not in verdict(evidence, Voice("en"))
    nothing = replace(stopped, metrics={}, status={"state": "stopped", "reason": "interrupted"})
    assert "the user stopped the run" in verdict(nothing, Voice("en"))


def test_patience_is_counted_as_training_counts_it(evidence):
    recipe = make_recipe(training={"schedule": "plateau", "plateau_patience": 2, "early_stopping": 5})
    assert "halved after 3 epochs without a lower validation loss" in methods(evidence, recipe=recipe)
    assert "Training was to stop after 5 epochs" in methods(evidence, recipe=recipe)
    early = {"state": "finished", "reason": "early_stopping"}
    assert "Training stopped after 5 epochs" in methods(evidence, recipe=recipe, status=early)


@pytest.mark.parametrize(
    ("asked", "rules", "words"),
    [
        ("validation", ["validation"], "The threshold was chosen on the validation part"),
        ("validation", ["half"], "0.5, because no cut on the validation part was better than chance"),
        ("validation", ["half", "validation"], "or was 0.5 where no cut was better than chance"),
        ("half", ["half"], "The threshold was 0.5."),
        ("validation", [], "The threshold was chosen on the validation part"),
    ],
)
def test_the_threshold_s_origin_is_told(evidence, asked, rules, words):
    recipe = make_recipe(evaluation={"threshold": asked})
    assert words in methods(evidence, recipe=recipe, threshold_rules=frozenset(rules))


def test_three_classes_have_no_threshold_and_mean_metrics(evidence):
    three = {**evidence.model, "classes": ["a", "b", "c"], "threshold_rule": "largest"}
    assert "The class with the largest probability was the answer." in methods(evidence, model=three)
    assert "unweighted mean over the classes" in metric_help("sensitivity", 3, Voice("en"))
    assert "unweighted mean" not in metric_help("sensitivity", 2, Voice("en"))
    assert "unweighted mean" not in metric_help("accuracy", 3, Voice("en"))


@pytest.mark.parametrize(("compared_by", "words"), [("pictures", "near-identical"), ("bytes", "the same files")])
def test_external_images_left_out_are_told(evidence, compared_by, words):
    external = {**evidence.metrics["test"], "left_out": {"n": 7, "compared_by": compared_by}}
    text = " ".join(limits(replace(evidence, metrics={**evidence.metrics, "external": external}), Voice("en")))
    assert "Left out of the external set" in text
    assert words in text
    assert "7 images" in text
    assert ("saved anew" in text) == (compared_by == "bytes")


def test_a_fold_s_share_is_compared_with_the_quoted_run_s(evidence):
    checked = replace(evidence, metrics={**evidence.metrics, "leakage": LEAKAGE})
    words = {0.0: "smaller share", 0.4: "larger share", 0.2: None}
    for test, expected in words.items():
        changes = {"split": {"test": test}} | ({} if test else {"evaluation": {"headline": "val"}})
        text = " ".join(leakage_sentences(replace(checked, recipe=make_recipe(**changes)), Voice("en")))
        assert expected in text if expected else "share of the images" not in text


def test_empty_maps_are_told(evidence):
    def told(**changes):
        first = evidence.explained[0]
        data = {**first.data, **changes}
        return blank_sentence(replace(evidence, explained=[replace(first, data=data)]), Voice("en"))

    assert told() == ""
    assert "2 images" in told(sanity={**evidence.explained[0].data["sanity"], "blank": 2})
    assert "4 images" in told(sanity=None)


def test_slices_of_one_patient_are_no_copies(evidence):
    table = evidence.manifest.table
    copied = _copied(table)
    assert copied > 0
    assert _copied(table.assign(patient="P1")) == 0
    assert _copied(table.assign(patient=[f"P{n}" for n in range(len(table))])) == copied


def test_only_what_was_used_is_cited(evidence):
    recipe = make_recipe(network={"backbone": "resnet50"})
    of_metrics = ["brodersen2010", "hanley1982", "davis2006", "brier1950", "naeini2015"]
    bare = replace(evidence, recipe=recipe, explained=[])
    keys = cited(methods_text(bare, Voice("en")))
    judged = ["vickers2006", "sun2022", *of_metrics, "efron1993"]
    assert keys == ["chakrabarty2019", "he2016", "kingma2015", *judged, "paszke2019", "wightman2019"]
    more = cited(methods_text(replace(evidence, recipe=recipe), Voice("en")))
    assert set(more) - set(keys) == {"selvaraju2020", "adebayo2018"}


def test_blocks_a_flattened_map_and_the_focal_loss_are_told_and_cited(evidence):
    recipe = make_recipe(
        network={"backbone": "resnet18", "blocks": ("pdf", "se"), "pooling": "flatten"},
        training={"loss": "focal", "focal_alpha": 0.55},
    )
    for hidden, layers in (
        ((), "flattened and passed to a s"),
        ((64,), "flattened and passed to fully connected layers of 64"),
    ):
        changed = recipe.model_copy(update={"network": recipe.network.model_copy(update={"head": Head(hidden=hidden)})})
        text = " ".join(methods_text(replace(evidence, recipe=changed), Voice("en")))
        for words in (
            "dilated convolutions [yu2016] and a squeeze-and-excitation block [hu2018]",
            "focal loss (alpha 0.55, gamma 2) [lin2017]",
            layers,
        ):
            assert words in text
    assert {"hu2018", "lin2017"} & set(cited(methods_text(evidence, Voice("en")))) == set()


def test_every_citation_is_balanced_bibtex():
    for key, entry in BIBTEX.items():
        assert entry.startswith("@")
        assert entry.split("{", 1)[1].startswith(key + ",")
        assert entry.count("{") == entry.count("}")


def test_the_model_card_says_what_the_report_says(run):
    text = write_model_card(run, "en").read_text(encoding="utf-8")
    assert "For research only, not a medical device." in text
    assert "never seen in training" in text
    assert "| Accuracy | 0." in text
    assert "@inproceedings{sandler2018" in text
    for heading in ("Model", "Intended use", "Data", "Results (test)", "Limits", "Methods", "References"):
        assert f"\n## {heading}\n" in text


def test_names_do_not_act_in_the_model_card():
    assert plain("<script>a|b</script> *x*\n# y") == "&lt;script&gt;a\\|b&lt;/script&gt; \\*x\\* \\# y"


@pytest.mark.parametrize(("language", "tag"), [("en", "en-US"), ("pt", "pt-BR"), ("es", "es")])
def test_the_page_says_its_language(run, language, tag):
    html = write_report(run, language).read_text(encoding="utf-8")
    assert f'<html lang="{tag}">' in html
    if language != "en" and type(translations(language)) is not gettext.NullTranslations:
        for words in (
            "How to read this",
            "Errors by case",
            "never seen in training",
            "false positive",
            "Training",
            "Summary",
        ):
            assert words not in html


def test_every_language_has_a_voice():
    assert [Voice(language).language for language in LANGUAGES] == list(LANGUAGES)
