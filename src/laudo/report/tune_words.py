"""What the page of a search says, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laudo.core.messages import N_
from laudo.report.names import short_name
from laudo.report.voice import Voice

STATES: dict[str, tuple[str, str, str]] = {
    "finished": ("pass", "●", N_("finished")),
    "pruned": ("none", "✕", N_("ended early")),
    "failed": ("fail", "▼", N_("failed")),
    "open": ("not_run", "○", N_("not over")),
}
"""Colour, shape and word of a trial's state."""

SAMPLERS: dict[str, str] = {
    "tpe": N_(
        "Settings were drawn by the tree-structured Parzen estimator (TPE) of Optuna: the first ten trials at random, later ones "
        "where earlier good ones lie closer together than bad ones."
    ),
    "grid": N_("Every combination of the grid was to be tried, in an order drawn at random."),
    "genetic": N_(
        "Settings were drawn by a genetic algorithm (NSGA-II of Optuna) with {population} trials a generation: settings of two "
        "good trials are crossed, and some are drawn anew."
    ),
}
PRUNINGS: dict[str, str] = {
    "median": N_(
        "A trial ended early when its best epoch so far was worse than the median of the other trials at the same epoch."
    ),
    "halving": N_(
        "A trial ended early when it was not among the best third at an epoch (asynchronous successive halving)."
    ),
    "none": N_("No trial was ended early."),
}
REFERENCES: dict[str, str] = {
    "optuna": "Akiba T, Sano S, Yanase T, Ohta T, Koyama M. Optuna: a next-generation hyperparameter optimization framework. "
    "KDD 2019:2623-2631.",
    "tpe": "Bergstra J, Bardenet R, Bengio Y, Kégl B. Algorithms for hyper-parameter optimization. NeurIPS 2011:2546-2554.",
    "genetic": "Deb K, Pratap A, Agarwal S, Meyarivan T. A fast and elitist multiobjective genetic algorithm: NSGA-II. "
    "IEEE Transactions on Evolutionary Computation 2002;6(2):182-197.",
    "median": "Golovin D, Solnik B, Moitra S, Kochanski G, Karro J, Sculley D. Google Vizier: a service for black-box "
    "optimization. KDD 2017:1487-1495.",
    "halving": "Li L, Jamieson K, Rostamizadeh A et al. A system for massively parallel hyperparameter tuning. MLSys 2020.",
    "fanova": "Hutter F, Hoos H, Leyton-Brown K. An efficient approach for assessing hyperparameter importance. ICML 2014:754-762.",
    "selection": "Tsamardinos I, Greasidou E, Borboudakis G. Bootstrapping the out-of-sample predictions for efficient and "
    "accurate cross-validation. Machine Learning 2018;107:1895-1922.",
}


def judged_part(result: Mapping[str, Any], voice: Voice) -> str:
    """By what the trials were judged."""
    if result["folds"] is None:
        return voice.gettext("validation part")
    return voice.gettext("{n} inner folds").format(n=voice.integer(result["folds"]))


def verdict(result: Mapping[str, Any], voice: Voice) -> str:
    """The first sentence."""
    _ = voice.gettext
    counts = result["counts"]
    if result["best"] is None:
        return _("No trial was finished, so the search has found nothing yet.")
    best = result["trials"][result["best"] - 1]
    text = _("The best of {n} finished trials is trial {number}: {metric} {value} on the {part}.")
    sentence = text.format(
        n=voice.integer(counts["finished"]),
        number=best["number"],
        metric=short_name(result["metric"], voice),
        value=voice.number(best["value"]),
        part=judged_part(result, voice),
    )
    if counts["open"]:
        sentence += " " + _("The search is not over: {n} trials are missing.").format(n=voice.integer(counts["open"]))
    return sentence


def warning(result: Mapping[str, Any], voice: Voice) -> list[str]:
    """Why the best figure must not be quoted, and by how much it is too good."""
    _ = voice.gettext
    if result["best"] is None:
        return []
    found, texts = result["optimism"], []
    texts.append(
        _(
            "The best of many figures is too good: among settings that are equally good, the one that chance favours most on these "
            "images comes out first. Quote the figure of the test part after training recipe.yaml, never this one."
        )
    )
    if "why_not" in found:
        texts.append(_(WHY_NO_ESTIMATE[found["why_not"]]))
        return texts
    interval = voice.interval({"ci95": found["ci95"]})
    texts.append(
        _(
            "How much it owes to the choice: about {optimism}. On images that did not choose, about {corrected} is to be expected "
            "(95 % interval {interval})."
        ).format(
            optimism=voice.number(found["optimism"]),
            corrected=voice.number(found["corrected"]),
            interval=interval or "–",
        )
    )
    text = _("Drawn again from the same patients, the images would put this trial first in {share} of the cases.")
    texts.append(text.format(share=voice.percent(found["best_share"])))
    return texts


WHY_NO_ESTIMATE: dict[str, str] = {
    "one_trial": N_("With one finished trial there was no choice, so nothing is corrected."),
    "elsewhere": N_(
        "How much too good can not be said here: the predictions of some trials are on other machines. Bring their folders "
        "together in this one and give the command again."
    ),
    "too_few": N_("How much too good can not be said: the validation part has too few groups."),
}
WHY_NO_IMPORTANCE: dict[str, str] = {
    "one_key": N_("There is one key, so all differences are its own."),
    "few": N_("Too few trials are finished to tell the keys apart: at least four for each key, and eight in all."),
    "equal": N_("All finished trials have the same value."),
}


def against_own(result: Mapping[str, Any], voice: Voice) -> str:
    """The best trial beside the recipe's own values, which were the first trial; empty where they were not tried."""
    _ = voice.gettext
    if not result["own"] or result["best"] is None or not result["trials"]:
        return ""
    first = result["trials"][0]
    if first["value"] is None:
        return ""
    if result["best"] == 1:
        return _("No trial is better than the recipe's own values, which were trial 1.")
    return _("The recipe's own values were trial 1: {value}.").format(value=voice.number(first["value"]))


def methods(result: Mapping[str, Any], voice: Voice) -> list[str]:
    """How it was searched, sentence by sentence."""
    _ = voice.gettext
    texts = [_(SAMPLERS[result["sampler"]]).format(population=voice.integer(result["population"]))]
    texts.append(_("Seed of the search: {seed}.").format(seed=result["seed"]))
    if result["own"]:
        texts.append(_("The recipe's own values were the first trial."))
    texts.append(_(PRUNINGS[result["pruning"]]))
    if result["pruning"] != "none" and result["folds"] is not None:
        texts.append(_("Only the first inner fold was looked at for that."))
    metric = short_name(result["metric"], voice)
    if result["folds"] is None:
        texts.append(
            _(
                "Every trial was trained on the training part and judged by {metric} on the validation part, which also chose its "
                "epoch."
            ).format(metric=metric)
        )
    else:
        texts.append(
            _(
                "Training and validation part were divided into {n} folds, in groups. Every trial was trained {n} times, each time "
                "without one fold, and judged by the mean {metric} of the folds, which chose nothing."
            ).format(n=voice.integer(result["folds"]), metric=metric)
        )
    texts.append(_("The test part was not looked at: no trial has predicted it."))
    texts.append(
        _("A trial whose process died was taken up by another one where it stood; each trial counts exactly once.")
    )
    if "why_not" not in result["optimism"]:
        texts.append(
            _(
                "What the choice is worth was estimated by resampling the groups of the validation part: the trial that is best "
                "among those drawn is judged on those that were not."
            )
        )
    return texts


def references(result: Mapping[str, Any]) -> list[str]:
    """What is cited."""
    names = ["optuna", result["sampler"], result["pruning"]]
    names += ["selection"] if "why_not" not in result["optimism"] else []
    names += ["fanova"] if "why_not" not in result["importance"] else []
    return [REFERENCES[name] for name in names if name in REFERENCES]
