"""Answers on figures: what was measured, how sure it is, what it does not cover."""

from __future__ import annotations

from typing import Any

from laudo.report.checklist.answer import Answer
from laudo.report.context import Evidence
from laudo.report.mask_verdict import failure_sentences
from laudo.report.metrics_of_masks import with_unit
from laudo.report.names import in_order, part_name, short_name
from laudo.report.sanity import pooled_sanity
from laudo.report.voice import Voice

MAIN = ("accuracy", "balanced_accuracy", "auc_roc", "f1_macro", "dice", "hd95_mm", "nsd")
DIAGNOSTIC = ("sensitivity", "specificity", "auc_roc")


def _figures(result: dict[str, Any], names: tuple[str, ...], evidence: Evidence, voice: Voice) -> str:
    """``Accuracy 0.91 (0.87–0.94), …`` of those that are there."""
    told = []
    for name in names:
        metric = result["metrics"].get(name) or {}
        if metric.get("value") is not None:
            interval = voice.interval(metric, 2)
            label = with_unit(short_name(name, voice), name, evidence.length_unit, voice)
            told.append(f"{label} {voice.number(metric['value'], 2)}" + (f" ({interval})" if interval else ""))
    return "; ".join(told)


def metrics(evidence: Evidence, voice: Voice) -> Answer:
    """Which figures."""
    _ = voice.gettext
    if evidence.result is None:
        return Answer("not_done", _("The model was not judged."), "results")
    names = [short_name(name, voice) for name in in_order(evidence.result["metrics"])]
    return Answer("shown", voice.join(names) + ".", "results")


def measures(evidence: Evidence, voice: Voice) -> Answer:
    """Discrimination, calibration, worth in use."""
    _ = voice.gettext
    found = metrics(evidence, voice)
    if evidence.result is None:
        return found
    has = {"calibration": calibrated(evidence), "worth": bool(evidence.result.get("decision_curve"))}
    lacking = [
        text
        for name, text in (
            ("calibration", _("Calibration was not looked at.")),
            ("worth", _("What acting on the answers would be worth was not looked at.")),
        )
        if not has[name]
    ]
    return Answer("partly" if lacking else "shown", " ".join([found.text, *lacking]), "results")


def calibrated(evidence: Evidence) -> bool:
    """Whether it was looked at how true the probabilities are."""
    result = evidence.result or {}
    return "ece" in (result.get("metrics") or {}) or bool(result.get("calibration"))


def uncertainty(evidence: Evidence, voice: Voice) -> Answer:
    """How intervals were made."""
    _ = voice.gettext
    result = evidence.result
    if result is None or evidence.recipe is None:
        return Answer("not_done", _("The model was not judged."), "results")
    without = [name for name, one in result["metrics"].items() if not one.get("ci95")]
    if len(without) == len(result["metrics"]):
        return Answer("not_done", _("The figures have no intervals."), "results")
    text = _("95 % intervals from {n} bootstrap resamples of {groups}.")
    told = text.format(
        n=voice.integer(evidence.recipe.evaluation.bootstrap), groups=voice.groups(int(result.get("groups") or 0))
    )
    if evidence.leakage:
        told += " " + _("One paired comparison was made, of a random and a grouped division.")
    return Answer("shown", told, "methods")


def robustness(evidence: Evidence, voice: Voice) -> Answer:
    """Whether the result was tried under other conditions."""
    _ = voice.gettext
    told = []
    repeats = evidence.metrics.get("repeats") or {}
    if repeats.get("n"):
        told.append(
            _("The cross-validation was repeated with other seeds: {n} times in all.").format(
                n=voice.integer(repeats["n"])
            )
        )
    elif evidence.is_cross_validation:
        told.append(_("The spread over {n} folds is shown.").format(n=voice.integer(len(evidence.run.folds()))))
    if evidence.leakage:
        told.append(_("What copies in training and test are worth was measured."))
    if evidence.metrics.get("sides"):
        told.append(_("Image alone, text alone, and both without the words that name a class were judged."))
    if evidence.reproduction.get("verdict") in {"identical", "close"}:
        told.append(_("The run was trained again and gave the same figures."))
    if not told:
        return Answer(
            "not_done", _("One split, one seed: how far another one would give other figures is not known."), "limits"
        )
    return Answer("shown", " ".join(told), "results")


def explanation(evidence: Evidence, voice: Voice) -> Answer:
    """Maps, and whether they were tested."""
    _ = voice.gettext
    if evidence.outlines:
        return Answer("not_applicable", _("The answer is an outline, shown over the image case by case."), "cases")
    cases = sum(len(one.data.get("cases") or []) for one in evidence.explained)
    if not cases:
        return Answer("not_done", _("Nothing was explained: the model may be right for the wrong reason."), "limits")
    method = evidence.explained[0].data.get("method", "grad-cam")
    text = _("Maps by {method} of {images}.").format(method=method, images=voice.images(cases))
    sanity = pooled_sanity(evidence)
    if sanity is None:
        return Answer("partly", text + " " + _("They were not tested."), "explanations")
    number = voice.number(sanity.get("spearman"), 2)
    tested = _("With random weights their rank correlation with the real ones is {value}.").format(value=number)
    return Answer("shown", f"{text} {tested}", "explanations")


def internal(evidence: Evidence, voice: Voice) -> Answer:
    """Figures on images of the same set that were kept for the end."""
    _ = voice.gettext
    result = evidence.result
    if result is None:
        return Answer("not_done", _("The model was not judged."), "results")
    if evidence.quoted_from_validation:
        return Answer(
            "not_done", _("The figures come from the validation part, on which the model was chosen."), "limits"
        )
    if evidence.quoted_from_training:
        return Answer("not_done", _("The figures come from the images that the model was trained on."), "limits")
    text = _("On {images} ({part}): {figures}.")
    told = text.format(
        images=voice.images(int(result.get("n") or 0)),
        part=part_name(evidence.headline, voice),
        figures=_figures(result, MAIN[:1] + MAIN[4:5], evidence, voice),
    )
    if evidence.groups_divided:
        return Answer("partly", told + " " + _("Copies of them may have been trained on."), "limits")
    return Answer("shown", told, "results")


def external(evidence: Evidence, voice: Voice) -> Answer:
    """Figures on images of another place."""
    _ = voice.gettext
    found = evidence.metrics.get("external")
    if not isinstance(found, dict) or not found.get("metrics"):
        text = _("No images of another place were judged. With some: laudo evaluate {run} --data OTHER")
        return Answer("not_done", text.format(run=evidence.name), "limits")
    text = _("On {images}: {figures}.")
    images = voice.images(int(found.get("n") or 0))
    return Answer("shown", text.format(images=images, figures=_figures(found, MAIN, evidence, voice)), "results")


def performance(evidence: Evidence, voice: Voice) -> Answer:
    """The main figures with their intervals, part by part."""
    _ = voice.gettext
    result = evidence.result
    if result is None:
        return Answer("not_done", _("The model was not judged."), "results")
    parts = [
        part
        for part in ("train", "val", "test", "pooled", "external")
        if (evidence.metrics.get(part) or {}).get("metrics")
    ]
    text = _("{figures} ({part}). Parts judged: {parts}.")
    return Answer(
        "shown",
        text.format(
            figures=_figures(result, MAIN, evidence, voice),
            part=part_name(evidence.headline, voice),
            parts=voice.join([part_name(part, voice) for part in parts]),
        ),
        "results",
    )


def by_group(evidence: Evidence, voice: Voice) -> Answer:
    """The main figures, and those of subgroups."""
    found = performance(evidence, voice)
    if found.state != "shown" or (evidence.result or {}).get("subgroups"):
        return found
    return Answer("partly", f"{found.text} {voice.gettext('Subgroups were not judged apart.')}", found.where)


def diagnostic(evidence: Evidence, voice: Voice) -> Answer:
    """Sensitivity, specificity and their like."""
    _ = voice.gettext
    result = evidence.result
    if result is None:
        return Answer("not_done", _("The model was not judged."), "results")
    if evidence.outlines and not evidence.names_classes:
        told = _figures(result, ("dice", "hd95_mm", "nsd", "lesion_sensitivity"), evidence, voice)
        return Answer("shown", f"{told}.", "results")
    of_classes = result.get("label") if isinstance(result.get("label"), dict) else result
    assert of_classes is not None
    told = _figures(
        {"metrics": {**result["metrics"], **(of_classes.get("metrics") or {})}}, DIAGNOSTIC, evidence, voice
    )
    return Answer("shown", f"{told}." if told else _("See the table by class."), "results")


def failures(evidence: Evidence, voice: Voice) -> Answer:
    """How many answers were wrong, and where they are shown."""
    _ = voice.gettext
    predictions, scores = evidence.predictions, evidence.scores
    if scores is not None:
        text = _("All {cases} are listed from the worst.").format(cases=voice.cases(len(scores.table)))
        return Answer("shown", " ".join([text, *failure_sentences(scores, voice)]), "cases")
    if predictions is None:
        return Answer("not_done", _("The run holds no answers case by case."), "cases")
    wrong = int((~predictions.right).sum())
    text = _("{n} of {total} answers were wrong; they are shown first, each with its probability.")
    return Answer("shown", text.format(n=voice.integer(wrong), total=voice.integer(len(predictions))), "cases")


def heterogeneity(evidence: Evidence, voice: Voice) -> Answer:
    """Whether figures differ between hospitals or kinds of patients."""
    _ = voice.gettext
    if (evidence.result or {}).get("subgroups"):
        return Answer("shown", _("Subgroups are judged apart, each beside all other cases."), "subgroups")
    if isinstance(evidence.metrics.get("external"), dict):
        return Answer(
            "partly",
            _("Internal and external images are judged apart; hospitals and kinds of patients are not."),
            "results",
        )
    return Answer("not_done", _("Hospitals, scanners and kinds of patients were not judged apart."), "limits")


def fairness(evidence: Evidence, voice: Voice) -> Answer:
    """Whether anything was done so that no group of people is served worse."""
    _ = voice.gettext
    if (evidence.result or {}).get("subgroups"):
        return Answer(
            "partly", _("Subgroups are judged apart; nothing was done to make their figures alike."), "subgroups"
        )
    return Answer("not_done", _("Whether the model serves some people worse than others was not looked at."), "limits")


def events(evidence: Evidence, voice: Voice) -> Answer:
    """Cases and findings in each analysis."""
    _ = voice.gettext
    manifest = evidence.manifest
    if manifest is None:
        return Answer("not_done", _("The images were not listed."))
    parts = ["train", "val", "test"] if not evidence.is_cross_validation else []
    told = []
    for part in parts:
        rows = manifest.part(part)
        if len(rows):
            counts = ", ".join(f"{name} {voice.integer(n)}" for name, n in list(rows.counts.items())[:6])
            told.append(f"{part_name(part, voice)} {voice.integer(len(rows))}" + (f" ({counts})" if counts else ""))
    if not told:
        told = [f"{part_name('pooled', voice)} {voice.integer(len(manifest))}"]
    return Answer("shown", "; ".join(told) + ".", "data")
