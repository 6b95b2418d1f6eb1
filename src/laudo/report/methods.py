"""The methods paragraph of a paper, made from the recipe that was run, so that it says what was done."""

from __future__ import annotations

from collections.abc import Callable

from laudo.core.manifest import Manifest
from laudo.core.recipe import Recipe, WantedRate
from laudo.report.citations import SOURCES, cite, with_citation
from laudo.report.citations_of_methods import LEAKAGE, METRIC_PAPERS
from laudo.report.context import Evidence
from laudo.report.mask_verdict import named
from laudo.report.methods_network import network_text
from laudo.report.methods_of_masks import mask_evaluation_text, mask_network_text, mask_training_text
from laudo.report.methods_of_texts import texts_text
from laudo.report.methods_preparation import preparation_text
from laudo.report.methods_training import training_text
from laudo.report.methods_unlike import unlike_text
from laudo.report.methods_views import views_text
from laudo.report.methods_volumes import mask_preparation_text
from laudo.report.names import in_order, short_name
from laudo.report.sanity import pooled_sanity
from laudo.report.voice import Voice

Writer = Callable[[Evidence, Recipe, Voice], list[str]]


def methods_text(evidence: Evidence, voice: Voice) -> list[str]:
    """Paragraphs, with citation keys in square brackets; empty when there is no recipe."""
    recipe = evidence.recipe
    if recipe is None:
        return []
    paragraphs = (" ".join(write(evidence, recipe, voice)) for write in (OF_MASKS if recipe.outlines else OF_LABELS))
    return [text for text in paragraphs if text]


def _data(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    source = recipe.data.source + cite(*SOURCES.get(recipe.data.source, ()))
    manifest = evidence.manifest
    if manifest is None:
        text = [_("The images came from the data set {source}.").format(source=source)]
    else:
        text = _images(evidence, manifest, source, voice)
    text += _rare(recipe, voice)
    if recipe.split.by in {"group", "duplicates"}:
        text.append(
            _("Identical and near-identical images were found and each cluster of copies was treated as one group.")
        )
    else:
        text.append(_("Copies of images were not taken into account."))
    if recipe.split.by == "official":
        return [*text, *_official_split(evidence, recipe, voice)]
    by = {
        "group": _("by group, so that no group stood in two parts"),
        "patient": _("by patient, so that no patient stood in two parts"),
        "duplicates": _("by cluster of copies, so that no image stood in two parts"),
    }.get(recipe.split.by, _("at random, image by image"))
    by_class = recipe.split.stratified and (manifest is None or manifest.classes)
    stratified = _("stratified by class") if by_class else _("without stratification")
    together = recipe.training.ensemble > 1  # training and validation part, which every network divides in its own way
    if evidence.is_cross_validation:
        text.append(
            _(
                "The images were divided into {k} folds {by}, {stratified} (seed {seed}); each fold was judged by a "
                "model trained "
                "and tuned on the others, and the predictions were pooled."
            ).format(k=len(evidence.run.folds()), by=by, stratified=stratified, seed=recipe.split.seed)
        )
        text += _repeats(recipe, voice)
    else:
        sentence = (
            _("They were divided {by}, {stratified}, with {test} for testing (seed {seed}).")
            if together
            else _(
                "They were divided {by}, {stratified}, with {test} for testing and {validation} for validation (seed "
                "{seed})."
            )
        )
        text.append(
            sentence.format(
                by=by,
                stratified=stratified,
                test=voice.percent(recipe.split.test),
                validation=voice.percent(recipe.split.validation),
                seed=recipe.split.seed,
            )
        )
    return text


def _images(evidence: Evidence, manifest: Manifest, source: str, voice: Voice) -> list[str]:
    """How many images there are, of which classes, and what is outlined in them."""
    _ = voice.gettext
    counts = manifest.counts
    classes = voice.join([f"{name}: {voice.integer(counts.get(name, 0))}" for name in manifest.classes])
    sentence = (
        _("We used {images} of the data set {source} ({classes}).")
        if manifest.classes
        else _("We used {images} of the data set {source}.")
    )
    text = [sentence.format(images=voice.images(len(manifest)), source=source, classes=classes)]
    if evidence.outlines and manifest.channels:
        channels = voice.join(list(manifest.channels))
        text.append(_("Each has the channels {channels}.").format(channels=channels))
    if evidence.outlines and evidence.structures:
        text.append(_("Outlined are {structures}.").format(structures=named(evidence.structures, voice)))
    return text


def _rare(recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    if recipe.data.rare == "drop":
        text = _("Classes with fewer than {n} images were left out with their images.")
        return [text.format(n=voice.integer(recipe.data.rare_below))]
    if recipe.data.rare == "keep":
        return [
            _("Rare classes were kept though a part may lack them; a part's means are over the classes that it has.")
        ]
    return []


def _official_split(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    if evidence.is_cross_validation:
        text = _(
            "The {k} folds are those that the authors of the data set made; each fold was judged by a model trained and "
            "tuned on the others, and the predictions were pooled."
        ).format(k=len(evidence.run.folds()))
    elif recipe.training.ensemble > 1:
        text = _("The test part is that of the authors of the data set.")
    else:
        text = _(
            "The parts are those that the authors of the data set made; where they made no validation part, {validation} "
            "of the images were taken from training for it, by group (seed {seed})."
        ).format(validation=voice.percent(recipe.split.validation), seed=recipe.split.seed)
    return [text, *_repeats(recipe, voice)] if evidence.is_cross_validation else [text]


def _repeats(recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    if recipe.split.repeats == 1:
        return []
    text = _("The whole was repeated {n} times with other seeds; the figures are those of the first.")
    return [text.format(n=voice.integer(recipe.split.repeats))]


def _evaluation(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    evaluation = recipe.evaluation
    text = []
    threshold = _threshold(evidence, voice)
    text += _calibration(evidence, recipe, voice)
    if threshold:
        text.append(threshold)
    if evidence.has_decisions:
        text.append(_("What acting on the answers would be worth was shown by decision-curve analysis [vickers2006]."))
    text += unlike_text(evidence, voice)
    text += views_text(evaluation.views, voice)
    if evidence.headline == "val":
        text.append(_("Figures are quoted from the validation part; there was no separate test part."))
    elif evidence.headline == "train":
        text.append(_("Figures are quoted from the training part, as the published system quotes them."))
    elif not evidence.is_cross_validation:
        text.append(
            _("The test part was used once, after all choices had been made.")
            if evidence.is_finished
            else _(
                "The run was not finished: the test part was judged with the model as it stood, and may be judged "
                "again when the run goes on."
            )
        )
    text += _metrics(evidence, voice) + _leakage(evidence, voice)
    text.append(
        _("95 % intervals were obtained by bootstrap [efron1993] with {n} resamples of the groups.").format(
            n=voice.integer(evaluation.bootstrap)
        )
    )
    version = evidence.environment.get("laudo", "")
    if recipe.network.backbone == "descriptors":
        made_with = _(
            "Features and classifier were computed with scikit-learn [pedregosa2011], through laudo {version}."
        )
    else:
        made_with = _("Networks were run with PyTorch [paszke2019] and timm [wightman2019], through laudo {version}.")
    text.append(made_with.format(version=version).replace(" .", "."))
    return text


def _metrics(evidence: Evidence, voice: Voice) -> list[str]:
    """Which figures are given, each with its paper."""
    measured = in_order((evidence.result or {}).get("metrics") or {})
    if not measured:
        return []
    names = [short_name(name, voice) + cite(METRIC_PAPERS.get(name)) for name in measured]
    return [voice.gettext("These figures are given: {names}.").format(names=voice.join(names))]


def _leakage(evidence: Evidence, voice: Voice) -> list[str]:
    if not evidence.leakage:
        return []
    sentence = voice.gettext(
        "What copies in training and test are worth was measured by training the same procedure under a random and under a grouped "
        "division."
    )
    return [with_citation(sentence, LEAKAGE)]


def _threshold_of_labels(evidence: Evidence, voice: Voice) -> str:
    _ = voice.gettext
    sentences = {
        "half": _("Each label was called from a probability of 0.5 on."),
        "fallback": _(
            "Each label was called from a probability of 0.5 on, for no cut on validation was better than chance."
        ),
        "validation": _("Each label's threshold was chosen on the validation part for its best balanced accuracy."),
        "mixed": _(
            "Each label's threshold was chosen on the validation part for its best balanced accuracy, or was 0.5 where no cut was "
            "better than chance."
        ),
        **_wanted(evidence, voice),
    }
    return sentences.get(evidence.threshold_rule or "", "")


def _threshold(evidence: Evidence, voice: Voice) -> str:
    _ = voice.gettext
    if evidence.multilabel:
        return _threshold_of_labels(evidence, voice)
    if len(evidence.classes) != 2:
        return _("The class with the largest probability was the answer.") if evidence.classes else ""
    sentences = {
        "validation": _("The threshold was chosen on the validation part for the best balanced accuracy."),
        "half": _("The threshold was 0.5."),
        "fallback": _("The threshold was 0.5, because no cut on the validation part was better than chance."),
        "mixed": _(
            "Each fold's threshold was chosen on its validation part for the best balanced accuracy, or was 0.5 where "
            "no cut was better than chance."
        ),
        **_wanted(evidence, voice),
    }
    if (
        evidence.threshold_rule == "validation"
        and evidence.recipe is not None
        and evidence.recipe.training.ensemble > 1
    ):
        return _("The threshold was chosen on the answers out of fold for the best balanced accuracy.")
    return sentences.get(evidence.threshold_rule or "", "")


def _wanted(evidence: Evidence, voice: Voice) -> dict[str, str]:
    """Sentences of a threshold that was to reach a rate."""
    _ = voice.gettext
    asked = None if evidence.recipe is None else evidence.recipe.evaluation.threshold
    if not isinstance(asked, WantedRate):
        return {}
    texts = {
        "sensitivity": _(
            "The threshold was the highest one with a sensitivity of at least {rate} on the validation part."
        ),
        "specificity": _(
            "The threshold was the lowest one with a specificity of at least {rate} on the validation part."
        ),
    }
    sentence = texts[asked.rate].format(rate=voice.short(asked.value))
    missing = _("Where validation could not choose one it was 0.5.")
    return {asked.rate: sentence, "mixed": f"{sentence} {missing}"}


def _calibration(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    """How the probabilities were scaled, and by what they were judged."""
    _ = voice.gettext
    text = []
    if recipe.evaluation.calibration == "temperature":
        text.append(
            _(
                "The answers were calibrated by one temperature [guo2017] with the least logarithmic loss on {what}."
            ).format(what=_("the answers out of fold") if recipe.training.ensemble > 1 else _("the validation part"))
        )
    if (evidence.result or {}).get("calibration"):
        text.append(
            _(
                "The calibration error was set beside that of simulated models that are perfectly calibrated, on the same "
                "probabilities."
            )
        )
    return text


def _explanation(evidence: Evidence, _recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    if not evidence.explained:
        return []
    first = evidence.explained[0].data
    text = [
        _("Class-activation maps were made with {method} [selvaraju2020] at layer {layer}.").format(
            method=first.get("method", "Grad-CAM"), layer=first.get("layer", "?")
        )
    ]
    sanity = pooled_sanity(evidence)
    if sanity:
        text.append(
            _(
                "Whether they depend on the weights was tested by cascading randomisation [adebayo2018] on {images}."
            ).format(images=voice.images(int(sanity.get("n") or 0)))
        )
    return text


OF_LABELS: tuple[Writer, ...] = (
    _data,
    preparation_text,
    network_text,
    training_text,
    texts_text,
    _evaluation,
    _explanation,
)
OF_MASKS: tuple[Writer, ...] = (
    _data,
    mask_preparation_text,
    mask_network_text,
    mask_training_text,
    mask_evaluation_text,
)
"""Paragraphs where a class is named, and where structures are outlined."""
