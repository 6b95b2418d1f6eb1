"""The sentences that a reader takes home, made from the numbers."""

from __future__ import annotations

from typing import Any

from laudo.core.messages import N_
from laudo.core.recipe import Recipe
from laudo.report.context import Evidence
from laudo.report.mask_verdict import mask_verdict, worst_sentence
from laudo.report.names import metric_name, part_name
from laudo.report.voice import Voice

MISTAKES: dict[str, str] = {
    "random-split": N_(
        "Images were divided at random, one by one: images of one patient, and copies of one image, may stand both in "
        "training and in the part that judges."
    ),
    "validation-quoted": N_(
        "The figures come from the validation part, not from a test part kept for the end: whatever was chosen on it "
        "makes them too good."
    ),
    "training-quoted": N_(
        "The figures come from the training part: they say how well the images were learned by heart, and nothing about new ones."
    ),
    "no-validation": N_(
        "The published system names no part on which its epochs were chosen, and says that more of them brought nothing: they "
        "were then judged on the images that are quoted. This run repeats its number of epochs and chooses nothing."
    ),
    "wrong-supports": N_(
        "In the published table the figures and supports of the classes do not belong to the names beside them. In this "
        "report they do, so the two tables can not be compared row by row; the overall figure can."
    ),
    "unscaled-descriptors": N_(
        "The measured features were not brought to one scale: those with the largest numbers outweigh all others."
    ),
    "context-erased": N_(
        "Everything outside the lesion's outline was painted black: its margin, its shadow and the tissue around it, which a "
        "radiologist looks at, are gone."
    ),
}
"""Sentences of ``recipe.mistakes``; a mistake that is not named here is shown in the recipe's own words."""

SAME_SHARE = 0.01
"""Difference of two shares of the images below which they are called the same."""


def verdict(evidence: Evidence, voice: Voice) -> str:
    """One sentence: on what, how well, how sure. Of a run without a result, why there is none."""
    result = evidence.result
    if result is None:
        return no_result(evidence, voice)
    told = mask_verdict(evidence, result, voice) if evidence.outlines else _label_verdict(evidence, result, voice)
    if not evidence.is_finished:
        told += " " + voice.gettext(
            "The run is not finished: this is the model as it stands, and the figures may change."
        )
    return told


def _label_verdict(evidence: Evidence, result: dict[str, Any], voice: Voice) -> str:
    _ = voice.gettext
    where = {
        "images": voice.images(int(result.get("n") or 0)),
        "groups": voice.groups(int(result.get("groups") or 0)),
        "did": _did(evidence, voice),
        "estimate": voice.estimate(result["metrics"].get("accuracy"), 2),
    }
    if evidence.quoted_from_validation:
        text = _(
            "On {images} of the validation part, which is not an independent test, the model {did} with accuracy "
            "{estimate}."
        )
    elif evidence.quoted_from_training:
        text = _("On {images} that it had been trained on, the model {did} with accuracy {estimate}.")
    elif evidence.groups_divided:
        text = _("On {images} whose copies may have been trained on, the model {did} with accuracy {estimate}.")
    elif evidence.headline == "pooled":
        text = _(
            "Judged on {images} of {groups}, each by a model that had not been trained on its group, the method {did} "
            "with accuracy {estimate}."
        )
    else:
        text = _("On {images} of {groups} never seen in training, the model {did} with accuracy {estimate}.")
    return text.format(**where)


def _did(evidence: Evidence, voice: Voice) -> str:
    _ = voice.gettext
    classes = evidence.classes
    if evidence.multilabel:
        return _("named exactly the right ones of {n} labels").format(n=len(classes))
    positive = evidence.positive
    if positive is not None:
        negative = next(name for name in classes if name != positive)
        return _("told “{positive}” from “{negative}”").format(positive=positive, negative=negative)
    return _("told {n} classes apart").format(n=len(classes))


def no_result(evidence: Evidence, voice: Voice) -> str:
    """Why there are no figures."""
    _ = voice.gettext
    state = evidence.status.get("state")
    if state == "failed":
        return _("There is no result: the run ended with an error before the model was judged.")
    if state == "stopped" and evidence.status.get("reason") == "interrupted":
        return _("There is no result yet: the user stopped the run before the model was judged.")
    if state == "stopped":
        return _("There is no result yet: the run was stopped before the model was judged.")
    if state == "running":
        return _("There is no result yet: the run is still going on, or was interrupted.")
    return _("There is no result: the run holds no figures for the {part} part.").format(
        part=part_name(evidence.headline, voice)
    )


def baseline(evidence: Evidence) -> float | None:
    """Accuracy of always naming the most frequent class, or set of labels, of the judged part."""
    result = evidence.result or {}
    if (share := result.get("most_frequent")) is not None:
        return float(share)
    matrix = ((result.get("label") or result).get("confusion") or {}).get("matrix") or []
    totals = [sum(row) for row in matrix]
    return max(totals) / sum(totals) if sum(totals) else None


def baseline_sentence(evidence: Evidence, voice: Voice) -> str:
    """Compare accuracy with always naming the most frequent class, and say what a mean Dice hides; empty when there is nothing."""
    compared = _compared(evidence, voice)
    return " ".join(text for text in (worst_sentence(evidence, voice), compared) if text)


def _compared(evidence: Evidence, voice: Voice) -> str:
    _ = voice.gettext
    share = baseline(evidence)
    accuracy = (evidence.result or {}).get("metrics", {}).get("accuracy")
    if share is None or not accuracy:
        return ""
    sentence = (
        _("Always naming the most frequent set of labels would reach {value}.")
        if evidence.multilabel
        else _("Always naming the most frequent class would reach {value}.")
    )
    text = sentence.format(value=voice.number(share, 2))
    low = (accuracy.get("ci95") or [None])[0]
    if low is not None and low <= share:
        text += " " + _("The interval reaches down to that: these images do not show that the model learned anything.")
    return text


def leakage_sentences(evidence: Evidence, voice: Voice) -> list[str]:
    """Say what copies in training and test were worth, from a paired comparison; empty when it was not made."""
    _ = voice.gettext
    found = evidence.leakage
    if not found:
        return []
    sentences = []
    for name in ("accuracy", "auc_roc"):
        random, grouped = (found.get(kind, {}).get(name) or {} for kind in ("random", "grouped"))
        if random.get("value") is None or grouped.get("value") is None:
            continue
        text = _("{metric} {random} when copies leak, {grouped} when they do not").format(
            metric=metric_name(name, voice),
            random=voice.number(random["value"]),
            grouped=voice.number(grouped["value"]),
        )
        sentences.append(text + _difference(found.get("difference", {}).get(name), voice))
    if sentences and found.get("images"):
        sentences.append(
            _(
                "Both come from the same {images}, {copies} of them with another image of their group, and {folds} "
                "folds; the difference is paired."
            ).format(
                images=voice.images(int(found["images"])),
                copies=voice.integer(found.get("with_copy") or 0),
                folds=voice.integer(found.get("folds") or 0),
            )
        )
        sentences += _share_trained(evidence, voice)
    return sentences + _within_split(found.get("split"), voice)


def _share_trained(evidence: Evidence, voice: Voice) -> list[str]:
    """Say that a fold's training part has not the size of the quoted run's; empty when it has, or is not known."""
    _ = voice.gettext
    folds = int((evidence.leakage or {}).get("folds") or 0)
    if evidence.recipe is None or evidence.is_cross_validation or not folds:
        return []
    more_held_out = 1 / folds - evidence.recipe.split.test
    if abs(more_held_out) < SAME_SHARE:
        return []
    return [
        _(
            "Under both ways of dividing, each fold was trained on a smaller share of the images than the run whose "
            "figures are quoted: compare these two with each other, not with the quoted one."
        )
        if more_held_out > 0
        else _(
            "Under both ways of dividing, each fold was trained on a larger share of the images than the run whose "
            "figures are quoted: compare these two with each other, not with the quoted one."
        )
    ]


def _difference(difference: dict[str, Any] | None, voice: Voice) -> str:
    _ = voice.gettext
    if not difference or difference.get("value") is None:
        return "."
    text = ": " + _("a difference of {points} percentage points").format(points=voice.points(difference["value"]))
    interval = voice.interval(difference, 1, scale=100)
    if not interval:
        return text + "."
    text += ", " + _("95 % interval {interval}").format(interval=interval) + "."
    low, high = difference["ci95"]
    if low <= 0 <= high:
        text += " " + _("The interval holds zero: on these images the gain by leakage is not told from chance.")
    return text


def _within_split(split: dict[str, Any] | None, voice: Voice) -> list[str]:
    if not split or not split.get("with_copy_in_training"):
        return []
    _ = voice.gettext
    return [
        _(
            "In the split of this run, {copies} of the {images} judged have another image of their group in training: "
            "accuracy {with_copy} on those, {without} on the others."
        ).format(
            copies=voice.integer(split["with_copy_in_training"]),
            images=voice.images(int(split.get("n") or 0)),
            with_copy=voice.number(split.get("accuracy_with_copy")),
            without=voice.number(split.get("accuracy_without_copy")),
        )
    ]


def warnings(evidence: Evidence, voice: Voice) -> list[str]:
    """List what makes the figures of this run worth less than they look, most serious first."""
    recipe = evidence.recipe
    names = []
    if evidence.groups_divided:
        names.append("random-split")
    if evidence.quoted_from_validation:
        names.append("validation-quoted")
    if evidence.quoted_from_training:
        names.append("training-quoted")
    if recipe is not None:
        names += [name for name in recipe.mistakes if _is_made(name, recipe, evidence)]
    return [voice.gettext(MISTAKES.get(name, name)) for name in dict.fromkeys(names)]


def _is_made(mistake: str, recipe: Recipe, evidence: Evidence) -> bool:
    """Whether a run still makes a mistake of its recipe: a setting that was changed may have mended it."""
    made = {
        "random-split": recipe.split.by == "sample",
        "validation-quoted": recipe.evaluation.headline == "val" and not evidence.is_cross_validation,
        "training-quoted": recipe.evaluation.headline == "train" and not evidence.is_cross_validation,
        "unscaled-descriptors": not recipe.network.classical.standardise,
        "context-erased": recipe.prepare.mask == "erase",
        "no-validation": recipe.training.keep == "last" and recipe.evaluation.threshold == "half",
    }
    return made.get(mistake, True)
