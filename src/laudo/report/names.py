"""What metrics, parts, outcomes and states are called in the report, and how each metric is read."""

from __future__ import annotations

from laudo.core.messages import N_
from laudo.report.metric_name import MetricName
from laudo.report.metrics_of_masks import LOWER_MASK, METRICS_OF_MASKS, SHORT_OF_MASKS
from laudo.report.voice import Voice

METRICS: dict[str, MetricName] = {
    **METRICS_OF_MASKS,
    "accuracy": MetricName(
        N_("Accuracy"),
        N_(
            "Share of images whose class was named correctly. When one class is more frequent, always naming it "
            "already "
            "scores well: compare with the baseline."
        ),
    ),
    "hamming_accuracy": MetricName(
        N_("Accuracy label by label"),
        N_(
            "Share of right answers among all labels of all images (1 minus the Hamming loss). Where labels are rare, naming none "
            "already scores well."
        ),
    ),
    "balanced_accuracy": MetricName(
        N_("Balanced accuracy"),
        N_(
            "Mean of the share of right answers in each class, so that a rare class counts as much as a frequent one. "
            "Guessing gives 0.5 with two classes."
        ),
    ),
    "sensitivity": MetricName(
        N_("Sensitivity"),
        N_("Of the images that have the finding, the share that the model called positive. The rest are missed cases."),
    ),
    "specificity": MetricName(
        N_("Specificity"),
        N_("Of the images without the finding, the share that the model called negative. The rest are false alarms."),
    ),
    "precision": MetricName(
        N_("Precision (positive predictive value)"),
        N_(
            "Of the images that the model called positive, the share that really are. It depends on how frequent the "
            "finding is, so it does not carry over to a clinic where the finding is rarer."
        ),
    ),
    "f1": MetricName(
        N_("F1 score"),
        N_("Harmonic mean of precision and sensitivity; it takes no notice of right negative answers."),
    ),
    "f1_macro": MetricName(
        N_("Macro F1 score"),
        N_("Mean of the F1 scores of the classes, each class counting the same."),
    ),
    "f1_micro": MetricName(
        N_("Micro F1 score"),
        N_("F1 score of all labels of all images counted together, so that a frequent label counts more."),
    ),
    "auc_roc": MetricName(
        N_("Area under the ROC curve (AUC)"),
        N_(
            "Probability that a random positive image gets a higher score than a random negative one: 0.5 is chance, "
            "1 is perfect order. It does not depend on the threshold."
        ),
    ),
    "auc_pr": MetricName(
        N_("Area under the precision–recall curve"),
        N_("Average precision over all thresholds. Chance gives the share of positive images, not 0.5."),
    ),
    "brier": MetricName(
        N_("Brier score (lower is better)"),
        N_("Mean squared distance between the probabilities and the truth: 0 is perfect."),
    ),
    "log_loss": MetricName(
        N_("Log loss (lower is better)"),
        N_("Penalty for probability put on the wrong class; a confident wrong answer costs most."),
    ),
    "ece": MetricName(
        N_("Expected calibration error (lower is better)"),
        N_(
            "Mean gap between the confidence of the answers and how often they are right: 0 means that, of the answers "
            "given with 80 % confidence, 80 % are right."
        ),
    ),
}
"""Metrics in the order in which the report shows them."""

MEAN_OVER_CLASSES = frozenset({"sensitivity", "specificity", "precision", "auc_roc"})
"""Metrics of one class against the rest: with three or more classes, their unweighted mean is given."""

SHORT: dict[str, str] = {
    "auc_roc": N_("AUC"),
    "auc_pr": N_("PR AUC"),
    "brier": N_("Brier score"),
    "log_loss": N_("Log loss"),
    "ece": N_("Calibration error"),
    "precision": N_("Precision"),
    **SHORT_OF_MASKS,
}
"""Names for figures and narrow tables, where the full one is too long."""

LOWER_IS_BETTER = frozenset({"brier", "log_loss", "ece"}) | LOWER_MASK

PARTS: dict[str, str] = {
    "train": N_("training"),
    "val": N_("validation"),
    "test": N_("test"),
    "external": N_("external"),
    "pooled": N_("all folds"),
    "": N_("not assigned"),
}

STATUS: dict[str, tuple[str, str]] = {
    "pass": ("✓", N_("pass")),
    "warn": ("▲", N_("warning")),
    "fail": ("■", N_("fail")),
    "not_run": ("○", N_("not run")),
}
"""Shape and word of an audit status: colour is never alone."""

OUTCOMES: dict[str, tuple[str, str]] = {
    "FP": ("▲", N_("false positive")),
    "FN": ("▼", N_("false negative")),
    "TP": ("●", N_("true positive")),
    "TN": ("●", N_("true negative")),
    "wrong": ("✕", N_("wrong")),
    "right": ("●", N_("right")),
}
"""Shape and words of a case's outcome."""


def metric_name(name: str, voice: Voice) -> str:
    """Full name of a metric; an unknown one keeps its key."""
    return voice.gettext(METRICS[name].name) if name in METRICS else name


def metric_help(name: str, n_classes: int, voice: Voice, multilabel: bool = False) -> str:
    """How a metric is read, in a problem with this many classes, or labels of which an image may have several."""
    text = voice.gettext(METRICS[name].help)
    if multilabel:
        return _help_of_labels(name, text, voice)
    if n_classes > 2 and name in MEAN_OVER_CLASSES:
        text += " " + voice.gettext(
            "Here it is the unweighted mean over the classes, each in turn taken as the finding against all the rest."
        )
    return text


def _help_of_labels(name: str, text: str, voice: Voice) -> str:
    _ = voice.gettext
    if name == "accuracy":
        return _(
            "Share of images all of whose labels were named, and no other: one wrong label makes the whole image wrong."
        )
    if name == "ece":
        return _("Mean gap between the probabilities of all labels and how often they are there: 0 is perfect.")
    if name == "f1_macro":
        return _("Mean of the F1 scores of the labels, each label counting the same.")
    if name in MEAN_OVER_CLASSES or name in {"balanced_accuracy", "auc_pr"}:
        text += " " + _("Here it is the unweighted mean over the labels, each taken as the finding in turn.")
    return text


def short_name(name: str, voice: Voice) -> str:
    """Name of a metric for a narrow place."""
    return voice.gettext(SHORT[name]) if name in SHORT else metric_name(name, voice)


def part_name(part: str, voice: Voice) -> str:
    """Name of a part of the split."""
    return voice.gettext(PARTS[part]) if part in PARTS else part


def in_order(names: object) -> list[str]:
    """Metric keys in the report's order, unknown ones last."""
    known = list(METRICS)
    keys = [str(name) for name in names] if hasattr(names, "__iter__") else []
    return sorted(keys, key=lambda name: (known.index(name) if name in known else len(known), name))
