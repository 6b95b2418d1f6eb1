"""Answers on the model: what it is, how it was trained and chosen, what it gives out."""

from __future__ import annotations

from laudo.report.checklist.answer import Answer
from laudo.report.context import Evidence
from laudo.report.methods_network import network_text
from laudo.report.methods_of_masks import mask_network_text, mask_training_text
from laudo.report.methods_training import kept_text, training_text
from laudo.report.sections.reproduce import hashes
from laudo.report.voice import Voice


def description(evidence: Evidence, voice: Voice) -> Answer:
    """Inputs, layers, outputs."""
    _ = voice.gettext
    recipe = evidence.recipe
    if recipe is None:
        return Answer("author", _("Describe the model so that it could be built again."))
    write = mask_network_text if recipe.outlines else network_text
    return Answer("shown", " ".join(write(evidence, recipe, voice)), "methods")


def software(evidence: Evidence, voice: Voice) -> Answer:
    """Program and libraries."""
    _ = voice.gettext
    environment = evidence.environment
    if not environment.get("laudo"):
        return Answer("author", _("Name the program, its version and where it can be had."))
    packages = environment.get("packages") or {}
    told = [f"laudo {environment['laudo']}", f"Python {environment.get('python', '')}".strip()]
    told += [f"{name} {packages[name]}" for name in ("torch", "timm", "scikit-learn") if name in packages]
    return Answer("shown", voice.join(told) + ".", "reproduce")


def initialisation(evidence: Evidence, voice: Voice) -> Answer:
    """Where the weights start from."""
    _ = voice.gettext
    recipe = evidence.recipe
    if recipe is None:
        return Answer("author", _("Say which weights the training started from."))
    if recipe.network.backbone == "descriptors":
        return Answer(
            "not_applicable", _("There is no network: a classical classifier looks at measured features."), "methods"
        )
    if recipe.network.weights == "none":
        return Answer("shown", _("Random weights, seed {seed}.").format(seed=recipe.training.seed), "methods")
    weights = str(evidence.model.get("weights") or recipe.network.backbone)
    text = _("Pretrained weights: {weights}. The author says on which images they were trained.")
    return Answer("partly", text.format(weights=weights), "reproduce")


def training(evidence: Evidence, voice: Voice) -> Answer:
    """How the weights were found."""
    _ = voice.gettext
    recipe = evidence.recipe
    if recipe is None:
        return Answer("author", _("Describe the training so that it could be repeated."))
    write = mask_training_text if recipe.outlines else training_text
    told = write(evidence, recipe, voice)
    if not told:
        tried = len((evidence.model.get("classical") or {}).get("tried") or [])
        told = [_("A classical classifier was fitted; settings tried: {n}.").format(n=voice.integer(tried))]
    return Answer("shown", " ".join(told), "methods")


def building(evidence: Evidence, voice: Voice) -> Answer:
    """Model, training and how it was checked inside."""
    model, trained = description(evidence, voice), training(evidence, voice)
    return Answer(trained.state, trained.text if model.state == "author" else f"{model.text} {trained.text}", "methods")


def selection(evidence: Evidence, voice: Voice) -> Answer:
    """By what the final model was chosen."""
    _ = voice.gettext
    recipe = evidence.recipe
    if recipe is None:
        return Answer("author", _("Say how the final model was chosen."))
    if evidence.quoted_from_validation or evidence.quoted_from_training:
        return Answer(
            "not_done", _("The model was chosen on the very images that its figures are quoted from."), "limits"
        )
    if recipe.network.classifier != "dense":
        return Answer("shown", _("The settings that were best on the validation part were kept."), "methods")
    return Answer("shown", " ".join(kept_text(evidence, recipe, voice)), "methods")


def ensemble(evidence: Evidence, voice: Voice) -> Answer:
    """Whether several models answer together."""
    _ = voice.gettext
    recipe = evidence.recipe
    if recipe is None:
        return Answer("author", _("Say whether several models answer together."))
    if recipe.training.ensemble > 1 or recipe.network.companions:
        text = _(
            "Networks: {n}, classical classifiers beside each: {k}; the answer is the mean of their probabilities."
        )
        numbers = {"n": voice.integer(recipe.training.ensemble), "k": voice.integer(len(recipe.network.companions))}
        return Answer("shown", text.format(**numbers), "methods")
    if recipe.network.text is not None:
        return Answer("shown", _("Image and text answer together; each is also judged alone."), "methods")
    return Answer("not_applicable", _("One model answers."), "methods")


def predictors(evidence: Evidence, voice: Voice) -> Answer:
    """What the model looks at."""
    _ = voice.gettext
    recipe = evidence.recipe
    if recipe is None:
        return Answer("author", _("Say what the model is given."))
    told = [_("the pixels of the image")] if recipe.network.backbone != "descriptors" else []
    told += [_("measured features ({names})").format(names=", ".join(recipe.network.descriptors))] * bool(
        recipe.network.descriptors
    )
    told += [_("the outline of the lesion")] * recipe.needs_mask
    told += [_("the text beside the image")] * (recipe.network.text is not None)
    return Answer(
        "shown", _("The model is given {what}; nothing was chosen beforehand.").format(what=voice.join(told)), "methods"
    )


def subjective(evidence: Evidence, voice: Voice) -> Answer:
    """Whether a person decides what the model is given."""
    _ = voice.gettext
    recipe = evidence.recipe
    if recipe is not None and (recipe.needs_mask or recipe.network.text is not None):
        return Answer(
            "author", _("A person outlines or describes what the model is given: say who, with which training.")
        )
    return Answer("not_applicable", _("The model is given pixels, which nobody has judged."))


def imbalance(evidence: Evidence, voice: Voice) -> Answer:
    """What was done about rare classes."""
    _ = voice.gettext
    recipe, manifest = evidence.recipe, evidence.manifest
    if recipe is None or recipe.outlines:
        return Answer("not_applicable", _("No class is named of whole images, or the run has no recipe."))
    told = []
    if recipe.training.class_weights == "balanced":
        told.append(_("Classes were weighted by the inverse of their frequency."))
    if recipe.training.sampling == "balanced":
        told.append(_("Images were drawn so that every class came equally often."))
    if told:
        told.append(_recalibrated(evidence, voice))
        return Answer("shown", " ".join(told), "methods")
    if manifest is None or not sum(manifest.counts.values()):
        return Answer("shown", _("Nothing was done about rare classes."), "methods")
    largest = max(manifest.counts.values()) / sum(manifest.counts.values())
    text = _("Nothing was done about rare classes; the most frequent one has {share} of the labels.")
    return Answer("shown", text.format(share=voice.percent(largest)), "methods")


def _recalibrated(evidence: Evidence, voice: Voice) -> str:
    _ = voice.gettext
    if recalibrated(evidence):
        return _("The probabilities were calibrated afterwards.")
    return _("The probabilities were not calibrated afterwards.")


def recalibrated(evidence: Evidence) -> bool:
    """Whether the probabilities were scaled after the training."""
    return bool(evidence.model.get("calibration")) or bool(
        ((evidence.result or {}).get("calibration") or {}).get("temperatures")
    )


def updating(evidence: Evidence, voice: Voice) -> Answer:
    """Whether the model was changed after it had been judged."""
    _ = voice.gettext
    if recalibrated(evidence):
        return Answer(
            "shown",
            _("The probabilities were calibrated on validation images, before the test part was looked at."),
            "results",
        )
    return Answer("not_applicable", _("The model was not changed after it had been judged."))


def output(evidence: Evidence, voice: Voice) -> Answer:
    """What the model answers, and from which threshold on."""
    _ = voice.gettext
    if evidence.outlines and not evidence.names_classes:
        text = _("A mask in the geometry of the input file, of {names}.")
        return Answer("shown", text.format(names=voice.join(list(evidence.structures)) or "–"), "methods")
    if not evidence.classes:
        return Answer("author", _("Say what the model answers."))
    told = _("A probability for each of {names}.").format(names=voice.join(list(evidence.classes)))
    if len(evidence.classes) > 2 and not evidence.multilabel:
        told += " " + _("The class with the largest probability was the answer.")
    threshold, rule = evidence.model.get("threshold"), evidence.threshold_rule
    if isinstance(threshold, int | float) and not evidence.is_cross_validation:
        told += " " + _("The threshold is {value}.").format(value=voice.number(threshold))
    if rule in {"half", "fallback"}:
        return Answer(
            "partly", told + " " + _("It was not chosen for a purpose; the author says why it fits."), "results"
        )
    return Answer("shown", told, "results")


def specification(evidence: Evidence, voice: Voice) -> Answer:
    """Whether the model itself is there to be used."""
    _ = voice.gettext
    found = [(name, value) for name, value in hashes(evidence) if name.endswith((".safetensors", ".skops"))]
    if not found:
        return Answer("not_done", _("The run holds no weights, so the model can not be used by others."), "reproduce")
    text = _("The weights are in the run folder: {files}. The author says where the folder can be had.")
    files = voice.join([f"{name} (SHA-256 {value[:12]}…)" for name, value in found[:3]])
    return Answer("partly", text.format(files=files), "reproduce")


def calculation(evidence: Evidence, voice: Voice) -> Answer:
    """How answers on new images are computed."""
    text = voice.gettext("By the command laudo predict {run} IMAGES -o DIR, the same code that judged the model.")
    return Answer("shown", text.format(run=evidence.name), "methods")


def poor_input(evidence: Evidence, voice: Voice) -> Answer:
    """What happens with images that can not be used."""
    _ = voice.gettext
    text = _(
        "A file that can not be read gets an error and no answer. An image of another kind gets an answer like any other."
    )
    if evidence.recipe is not None and evidence.recipe.needs_mask:
        text += " " + _("An image without an outline is refused.")
    return Answer("partly", text, "limits")


def interaction(evidence: Evidence, voice: Voice) -> Answer:
    """What a user has to do and to know."""
    _ = voice.gettext
    recipe = evidence.recipe
    if recipe is not None and recipe.needs_mask:
        return Answer(
            "partly", _("Somebody has to outline the lesion first; the author says with which training."), "limits"
        )
    if recipe is not None and recipe.network.text is not None:
        return Answer(
            "partly", _("Somebody has to write the text beside the image first; the author says who."), "limits"
        )
    return Answer(
        "partly",
        _("The images go in as they are; the author says who reads the answer, and with which training."),
        "limits",
    )
