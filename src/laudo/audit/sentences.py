"""Findings in words. A function a check, so that every language can order the sentence its own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from laudo.audit.feature_names import feature_name
from laudo.audit.finding import Finding
from laudo.audit.sentences_of_images import Sentences, integrity_sentences, mask_sentences
from laudo.audit.titles import Translate
from laudo.audit.titles import title as title

Number = Callable[[float, int], str]
"""Writes a number with a count of decimals in the reader's language."""

MOST_COUNTS = 12
"""Entries of a list of counts in a sentence."""


def plain_number(value: float, digits: int) -> str:
    """A number as Python writes it."""
    return f"{value:.{digits}f}"


def sentence(finding: Finding, _: Translate, number: Number = plain_number) -> str:
    """What was found, in one sentence or a few."""
    if finding.status == "not_run":
        why = {
            "no_split": _("Not checked: the samples are not divided into parts yet."),
            "too_few": _("Not checked: too few samples or patients in two or more classes."),
        }
        return why.get(str(finding.facts.get("why")), _("Not checked."))
    passed, failed = _pair(finding, _)
    text = passed if finding.status == "pass" else failed
    text = text.format_map(_Words(_words(finding, _, number)))
    if "common" in finding.facts:
        more = _("That is {share} % of the set: a property of it, so the names are not listed.")
        text += " " + more.format(share=number(100 * float(finding.facts["common"]), 0))
    return text


class _Words(dict[str, object]):
    """A fact that an older finding does not hold is a dash."""

    def __missing__(self, key: str) -> str:
        return "–"


def _words(finding: Finding, _: Translate, number: Number) -> dict[str, object]:
    """Facts as a sentence says them."""
    facts = finding.facts
    words: dict[str, object] = {
        name: number(value, 3) if isinstance(value, float) else value
        for name, value in facts.items()
        if not isinstance(value, dict | list)
    }
    for name in ("share", "level"):
        if isinstance(facts.get(name), float):
            words[f"{name}_percent"] = number(100 * facts[name], 0)
    for name in ("auc", "accuracy"):
        ends = facts.get(f"{name}_ci95")
        if ends:
            words[f"{name}_interval"] = f"{number(ends[0], 3)}–{number(ends[1], 3)}"
        else:
            words[f"{name}_interval"] = "–"
    for name in ("lowest", "highest"):
        if name in facts:
            words[name] = number(facts[name], 0 if facts[name] >= 10 else 3)
    structures = facts.get("structures") or [{}]
    words |= {f"tiniest_{name}": value for name, value in structures[0].items()}
    words["tiniest_structure"] = structures[0].get("structure") or _("its mask")
    words["n"] = finding.count
    words["counts"] = _counts(facts.get("counts") or {}, _)
    words["small"] = _counts(facts.get("small") or facts.get("counts") or {}, _)
    words["features"] = ", ".join(
        f"{feature_name(one['name'], _)} ({number(one['auc'], 2)})" for one in facts.get("features") or ()
    )
    words["telling"] = ", ".join(_telling(one, number) for one in (facts.get("words") or ())[:8])
    return words


def _counts(counts: dict[str, int], _: Translate) -> str:
    parts = [f"{name} {n}" for name, n in list(counts.items())[:MOST_COUNTS]]
    if len(counts) > MOST_COUNTS:
        parts.append(_("and {n} more").format(n=len(counts) - MOST_COUNTS))
    return ", ".join(parts) or "–"


def _telling(one: dict[str, Any], number: Number) -> str:
    return f"“{one['word']}” ({one['n']}, {number(100 * one['share'], 0)} % {one['class']})"


def _pair(finding: Finding, _: Translate) -> tuple[str, str]:
    """Sentence of a check that passed, and of one that did not."""
    groups = (integrity_sentences, mask_sentences, copy_sentences, leakage_sentences, balance_sentences)
    for sentences in groups:
        if finding.check in (found := sentences(finding, _)):
            return found[finding.check]
    raise KeyError(finding.check)


def copy_sentences(finding: Finding, _: Translate) -> Sentences:
    """Of copies."""
    return {
        "identical_bytes": (
            _("No two files are identical."),
            _("Files that are identical copies: {n}, groups of copies: {groups}."),
        ),
        "identical_pixels": (
            _("No two different files hold the same pixels."),
            _("Files that hold the same pixels: {n}, groups of copies: {groups}."),
        ),
        "near_identical": (
            _("No picture was saved again in another size, crop or brightness."),
            _("Pictures saved again in another size, crop or brightness: {n}, groups of copies: {groups}."),
        ),
        "near_alike": (
            _("No pictures of different or unknown persons look as if they were of one."),
            _(
                "Pictures so alike that they may be neighbouring slices or frames of one person: {n}, in groups: {groups}. "
                "Splits by group keep each group together."
            ),
        ),
        "label_conflict": (
            _("No copies carry different labels."),
            _("Groups of copies with different labels, so that one label must be wrong: {n}."),
        ),
        "across_parts": (
            _("Every patient and every copy stands in one part only."),
            _("Images with a copy, or their own patient, in another part: {n}. Figures on that part are too good."),
        ),
        "alike_across_parts": (
            _("No two pictures that look alike stand in different parts."),
            _("Images with one that looks alike in another part, perhaps of the same person: {n}."),
        ),
        "against": (
            _("No image has a copy among the {others} images of the other data set."),
            _(
                "Images with a copy in the other data set: {n}, the same file: {same_file}. It can not judge a model of this one."
            ),
        ),
    }


def leakage_sentences(finding: Finding, _: Translate) -> Sentences:
    """Of what gives the answer away."""
    return {
        "text_names_label": (
            _("Texts that name their own class: {n} of {texts}."),
            _("Texts that name their own class: {n} of {texts} ({share_percent} %). Words: {counts}."),
        ),
        "text_predicts": (
            _(
                "A bag of words predicts the class no better than chance: AUC {auc} (95 % interval {auc_interval}), "
                "cross-validated by group; accuracy {accuracy}, always naming the largest class {baseline}."
            ),
            _(
                "A bag of words alone predicts the class: AUC {auc} (95 % interval {auc_interval}), cross-validated by group; "
                "accuracy {accuracy} ({accuracy_interval}), always naming the largest class {baseline}. Telling words: {telling}."
            ),
        ),
        "coloured_marks": (
            _("No grey image has coloured pixels."),
            _("Grey images with coloured arrows, callipers or letters: {n} (by class: {counts})."),
        ),
        "margin_marks": (
            _("Nothing bright stands in the dark margin."),
            _("Images with bright marks in the margin, such as letters or rulers: {n} (by class: {counts})."),
        ),
        "burned_in": (
            _("No file is suspected of text in its pixels."),
            _(
                "Files that may have text burned into their pixels: {n}; their header says so: {sure}. Look before you share them."
            ),
        ),
        "patient_tags": (
            _("No header names a patient."),
            _("Files whose header identifies the patient: {n} ({tags}). Nothing of it is copied into a run."),
        ),
        "nuisance_predicts": (
            _("Size, file and border are the same in all images.")
            if finding.facts.get("none")
            else _(
                "A small model on image size, file, border, corners and marks does not clearly beat chance (AUC 0.5): AUC {auc} "
                "(95 % interval {auc_interval}), cross-validated by group."
            ),
            _(
                "A small model that sees only image size, file, border, corners and marks predicts the class: AUC {auc} (95 % "
                "interval {auc_interval}; chance is 0.5, warned from {level}), cross-validated by group. A network may learn the "
                "same shortcut. Strongest alone: {features}."
            ),
        ),
    }


def balance_sentences(finding: Finding, _: Translate) -> Sentences:
    """Of classes, groups and parts."""
    return {
        "class_balance": (
            _("Samples a class: {counts}."),
            _("Classes with fewer than {least} samples can be neither learned nor judged: {small}."),
        ),
        "class_groups": (
            _("Every class has samples of at least {least} patients or groups of copies."),
            _("Classes with samples of fewer than {least} patients or groups of copies: {counts}."),
        ),
        "part_balance": (
            _("Every class has at least {least} samples in each part."),
            _("Classes with fewer than {least} samples in a part, which says nothing of them: {counts}."),
        ),
        "group_size": (
            _("Groups: {groups}; the largest has {largest} samples."),
            _("One patient or group of copies makes up {share_percent} % of the set ({largest} samples)."),
        ),
        "patient_ids": (
            _("Every image names its patient."),
            _("Images that do not name their patient: {n}. Two slices of one person may still stand in two parts."),
        ),
    }
