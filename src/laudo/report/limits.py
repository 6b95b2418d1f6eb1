"""What this run does not show, stated as plainly as what it does."""

from __future__ import annotations

from laudo.report.context import Evidence
from laudo.report.mask_limits import FEW_IMAGES, FEW_OF_A_CLASS, mask_needs, mask_numbers
from laudo.report.verdict import warnings
from laudo.report.voice import Voice


def limits(evidence: Evidence, voice: Voice) -> list[str]:
    """Sentences, what was done wrong on purpose first."""
    numbers = mask_numbers if evidence.outlines else _numbers
    needs = mask_needs if evidence.outlines else _needs
    return [
        *warnings(evidence, voice),
        *_external(evidence, voice),
        *_patients(evidence, voice),
        *numbers(evidence, voice),
        *needs(evidence, voice),
        *_audit(evidence, voice),
        *_procedure(evidence, voice),
        voice.gettext(
            "Nobody has tried this model on patients. It is for research and teaching, and is not a medical device."
        ),
    ]


def _external(evidence: Evidence, voice: Voice) -> list[str]:
    _ = voice.gettext
    if "external" in evidence.metrics:
        sentence = left_out_sentence(evidence, voice)
        return [sentence] if sentence else []
    return [
        _(
            "There was no external test: every image comes from the same data set, and so perhaps from the same "
            "scanners and the same "
            "hands. On images from another hospital the figures are usually lower."
        )
    ]


def left_out_sentence(evidence: Evidence, voice: Voice) -> str:
    """Say how many external images the run had used already, and what could not be found; else empty."""
    _ = voice.gettext
    external = evidence.metrics.get("external")
    left_out = external.get("left_out") if isinstance(external, dict) else None
    if not isinstance(left_out, dict):
        return ""
    by_pictures = left_out.get("compared_by") == "pictures"
    n = int(left_out.get("n") or 0)
    found = []
    if n:
        text = (
            _("Left out of the external set, because the run had used them or near-identical copies of them: {images}.")
            if by_pictures
            else _("Left out of the external set, because the run had used the same files: {images}.")
        )
        found.append(text.format(images=voice.images(n)))
    if not by_pictures:
        found.append(
            _(
                "Only the files of the external images were compared with those of the run: copies that were saved "
                "anew would not have been found."
            )
        )
    return " ".join(found)


def _patients(evidence: Evidence, voice: Voice) -> list[str]:
    _ = voice.gettext
    if evidence.manifest is None or evidence.has_patients:
        return []
    return [
        _(
            "The data set does not say which patient an image is of. Copies of one picture can be found; different images of one "
            "patient can not, so some may stand on both sides of the split, and intervals may be too narrow."
        )
    ]


def _numbers(evidence: Evidence, voice: Voice) -> list[str]:
    _ = voice.gettext
    result = evidence.result
    if result is None:
        return [_("The model was not judged, so nothing can be said about how good it is.")]
    found = []
    n = int(result.get("n") or 0)
    if n < FEW_IMAGES:
        found.append(
            _("Only {images} were judged: look at the intervals rather than at the figures.").format(
                images=voice.images(n)
            )
        )
    small = [
        f"{name}: {one.get('n', 0)}"
        for name, one in (result.get("per_class") or {}).items()
        if 0 < one.get("n", 0) < FEW_OF_A_CLASS  # those without any have a sentence of their own
    ]
    if small:
        found.append(
            _("Classes with few judged images: {names}. What is said of them alone is weak.").format(
                names=voice.join(small)
            )
        )
    if evidence.multilabel:
        found.append(
            _(
                "The model knows these labels only: {names}. Of any other finding it says nothing, and an image without a label "
                "is not for that reason a healthy one."
            ).format(names=voice.join(list(evidence.classes)))
        )
    elif evidence.classes:
        text = (
            _(
                "The model knows these classes only: {names}. It will put any other image into one of them; only the column “ood” "
                "of its predictions says that an image is unlike those that it was trained on."
            )
            if evidence.metrics.get("ood")
            else _(
                "The model knows these classes only: {names}. It will put any other image into one of them, without a "
                "warning."
            )
        )
        found.append(text.format(names=voice.join(list(evidence.classes))))
    if result.get("calibration") and not (result.get("subgroups") or {}).get("columns"):
        found.append(
            _(
                "The figures are not known by sex, age, modality or scanner: the data do not say them, or no column was named."
            )
        )
    if evidence.positive:
        found.append(
            _(
                "The share of positive images in this data set is that of its makers. Where the finding is rarer, "
                "precision is lower."
            )
        )
    return found


def _needs(evidence: Evidence, voice: Voice) -> list[str]:
    """What the model must be given, or has hardly seen."""
    _ = voice.gettext
    recipe = evidence.recipe
    if recipe is None:
        return []
    found = []
    if recipe.needs_mask:
        found.append(
            _(
                "The model needs an outline of the lesion. Those of this data set may have been drawn by people who knew what the "
                "lesion is; with another hand's outlines, or those of a program, the figures will differ."
            )
        )
    absent = [name for name, one in ((evidence.result or {}).get("per_class") or {}).items() if not one.get("n")]
    if absent:
        found.append(
            _("No image of these classes was judged, and no mean counts them: {names}.").format(
                names=voice.join(absent)
            )
        )
    if recipe.data.rare == "keep" and evidence.manifest is not None:
        training = evidence.manifest.part("train").counts
        unseen = [name for name, n in training.items() if not n]
        if unseen and not evidence.is_cross_validation:
            found.append(
                _("The training part has no image of these classes, so the model can not name them: {names}.").format(
                    names=voice.join(unseen)
                )
            )
    return found


def _audit(evidence: Evidence, voice: Voice) -> list[str]:
    _ = voice.gettext
    audit = evidence.audit
    if audit is None:
        return [_("The data were not audited: copies, wrong labels and damaged images would have gone unseen.")]
    found = []
    ran, total = int(audit.get("checks_run") or 0), int(audit.get("checks_total") or 0)
    if ran < total:
        found.append(_("Of {m} checks of the data, {n} were run.").format(m=total, n=ran))
    bad = {one.get("check"): one for one in audit.get("findings") or [] if one.get("status") in ("warn", "fail")}
    if "label_conflict" in bad:
        found.append(
            _(
                "Some copies of one image carry different labels, so some labels are wrong, and no model can be right "
                "on all of them."
            )
        )
    if {"identical_bytes", "identical_pixels", "near_identical"} & set(bad):
        text = _("The set holds copies of images.")
        if not evidence.groups_divided and "across_parts" not in bad:
            text += " " + _("They were kept on one side of the split, but the set is smaller than its number of files.")
        found.append(text)
    return found


def _procedure(evidence: Evidence, voice: Voice) -> list[str]:
    _ = voice.gettext
    found = []
    if evidence.recipe is not None and not evidence.is_cross_validation and evidence.result is not None:
        found.append(
            _(
                "Only one split was used: another one, or other seeds, would give other figures. Cross-validation shows how "
                "much: laudo train RECIPE --folds all"
            )
        )
    if evidence.is_cross_validation and evidence.result is not None:
        found.append(_("The pooled figures judge the procedure, not one model: each fold has a model of its own."))
        found += _together(evidence, voice)
    if evidence.explained and evidence.recipe is not None and evidence.recipe.network.companions:
        found.append(
            _(
                "The maps show the trained network; what the classifiers beside it go by, each with as much of the say, is not in "
                "them."
            )
        )
    lines = [line for _fold, log in evidence.logs for line in log]
    if any(isinstance(line, dict) and line.get("val_loss", 0.0) is None for line in lines):  # else the log is damaged
        found.append(
            _(
                "A training diverged: the network's answers were no longer numbers, and an earlier epoch became the model."
            )
        )
    if not evidence.explained and evidence.result is not None and not evidence.outlines:
        found.append(_("Nothing was explained: the model may be right for the wrong reason."))
    return found


def _together(evidence: Evidence, voice: Voice) -> list[str]:
    """How the models of a cross-validation's folds answer on new images, and that nothing has judged it."""
    _ = voice.gettext
    recipe = evidence.recipe
    if recipe is None or recipe.network.classifier != "dense":
        return []
    if recipe.prepare.needs_fitting:
        return [
            _(
                "Each fold prepares images as its own training part says. Only where that comes out alike in all folds can they "
                "answer together, which nothing has judged; else new images are shown to the model of one fold."
            )
        ]
    found = [
        _(
            "On new images the networks of all folds answer together; of that mean of theirs only the external figures speak."
        )
        if evidence.metrics.get("external")
        else _("On new images the networks of all folds answer together; nothing has judged that mean of theirs.")
    ]
    if evidence.outlines and recipe.evaluation.post_processing == "validation":
        found.append(_("Of the folds' post-processing only what all of them have chosen is done then."))
    return [" ".join(found)]
