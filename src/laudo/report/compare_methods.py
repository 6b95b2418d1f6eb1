"""How runs were compared, in the reader's language: what is said of every comparison, of masks, of classes and of seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laudo.report.compare_words import compared_name
from laudo.report.voice import Voice


def methods(result: Mapping[str, Any], voice: Voice) -> list[str]:
    """Sentences for a list."""
    of_kind = _of_masks(result, voice) if result["kind"] == "segmentation" else _of_classes(result, voice)
    seeds = _of_seeds(result, voice) if "spread" in result else []
    return [*of_kind[:1], *_of_all(voice), *of_kind[1:], *seeds, *_of_shown(voice)]


def _of_all(voice: Voice) -> list[str]:
    _ = voice.gettext
    return [
        _(
            "Intervals of single runs are 95 %, from resampling whole groups with replacement, the same ones in all runs "
            "(percentile bootstrap): cases of one group, such as images of one patient, are no independent evidence."
        ),
    ]


def _of_shown(voice: Voice) -> list[str]:
    return [
        voice.gettext(
            "A difference counts as shown when the corrected p is at most 0.05 and the interval excludes zero on the same side."
        )
    ]


def _of_masks(result: Mapping[str, Any], voice: Voice) -> list[str]:
    _ = voice.gettext
    return [
        _(
            "Each figure is the mean over the structures of the mean over the cases. Differences are of the same case in both "
            "runs: the run that was named second minus the one that was named first."
        ),
        _(
            "The test of two runs is Wilcoxon's signed-rank test, two-sided, on one difference a group: the mean over its "
            "cases. Differences of zero are left out of the ranks; if all are zero, p is 1. Up to 50 other differences the p "
            "is exact, ties included; beyond, it is from the normal distribution."
        ),
        _(
            "p is corrected by Holm's method for all {tests} tests of {metric}: of each pair of runs the mean over the "
            "structures and, of several structures, each of them. p values of other metrics are not corrected and show nothing "
            "by themselves."
        ).format(tests=result["family"]["tests"], metric=compared_name(result["family"]["metric"], voice)),
        _(
            "Effect sizes: the rank-biserial correlation (−1: all differences are negative, 1: all are positive) and Cohen's "
            "dz (the mean difference in standard deviations of the differences), both over groups."
        ),
        _(
            "A missed or invented structure counts with Dice, IoU, precision and surface Dice 0, and with the diagonal of the "
            "image as its distances."
        ),
    ]


def _of_classes(result: Mapping[str, Any], voice: Voice) -> list[str]:
    _ = voice.gettext
    found = [
        _("Differences are on the same images: the run that was named second minus the one that was named first."),
        _(
            "Accuracy is tested by McNemar's exact test, two-sided, on the images that only one of two runs has right. It "
            "counts images. Where groups hold several images, all images of a group change places together instead: p is the "
            "share of all exchanges of the two runs, group by group, that tell them apart as well (of single images that is "
            "McNemar's test itself; its normal limit is that of Durkalski et al. 2003). Sensitivity and specificity are tested "
            "alike, on the images of their class."
        ),
        _(
            "Areas under ROC curves are tested as DeLong, DeLong and Clarke-Pearson 1988 do, with the mid-ranks of Sun and Xu "
            "2014; where groups hold several images, their parts are added up by group first (Obuchowski 1997)."
        ),
    ]
    if len(result["classes"]) > 2:
        found.append(
            _(
                "Each class stands against the rest. The area of the whole is the mean over the classes, and its variance that "
                "of what each group moves this mean by. The areas of single classes are corrected (Holm) as a family of their "
                "own."
            )
        )
    found.append(
        _(
            "p is corrected by Holm's method for all {tests} tests: of each pair the accuracy and the area under the ROC "
            "curve. Other p values are not corrected and show nothing by themselves; where there is no p, the interval speaks "
            "alone."
        ).format(tests=result["family"]["tests"])
    )
    found.append(
        _(
            "Effect sizes of accuracy: the difference of the two proportions; Cohen's g, the share of the second run among the "
            "images that only one has right, minus a half; and the odds ratio of these images."
        )
    )
    return found


def _of_seeds(result: Mapping[str, Any], voice: Voice) -> list[str]:
    _ = voice.gettext
    methods = {cell["method"] for pair in result["pairs"] for cell in _tested(result, pair)}
    found = [
        _(
            "Runs whose recipes differ in the seeds of training and split only are one recipe. A recipe's figure is the mean "
            "over its runs, and its spread the standard deviation of a run (n − 1)."
        )
    ]
    if methods & {"seeds_paired", "seeds_apart"}:
        found.append(
            _(
                "Recipes are compared as radiologists are in studies of many readers and many cases, each seed a reader "
                "(Obuchowski and Rockette 1995; degrees of freedom by Hillis 2007, the groups counted too): the variance of "
                "the mean difference is that between the seeds, plus what two seeds share because their cases are the same. "
                "The interval and the p so speak of other seeds and of other cases at once. Runs of one seed stand in pairs "
                "where both recipes have the same seeds."
            )
        )
    if "splits_paired" in methods:
        found.append(
            _(
                "Where each seed drew the cases that judge, the pairs of one seed are compared by the corrected resampled t "
                "test (Nadeau and Bengio 2003): the variance between the pairs is raised by the share of what judges to what "
                "trains, because the draws overlap."
            )
        )
    found.append(
        _(
            "All these trainings learnt from one collection of images. What another collection to learn from would change is "
            "only partly in the spread, and in no interval."
        )
    )
    return found


def _tested(result: Mapping[str, Any], pair: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [pair["metrics"][metric]["mean"] for metric in result["tested"]]
