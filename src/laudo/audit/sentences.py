"""Findings in words. A function a check, so that every language can order the sentence its own way."""

from __future__ import annotations

from collections.abc import Callable

from laudo.audit.finding import Finding

Translate = Callable[[str], str]


def title(check: str, _: Translate) -> str:
    """Name of a check."""
    return {
        "readable": _("Every file can be read"),
        "looks_like_mask": _("No mask among the images"),
        "constant": _("No empty image"),
        "too_small": _("Images are large enough"),
        "ending": _("File endings tell the truth"),
        "alpha": _("No transparency"),
        "identical_bytes": _("No file twice"),
        "identical_pixels": _("No picture under two names"),
        "near_identical": _("No near-identical pictures"),
        "label_conflict": _("Copies carry one label"),
        "class_balance": _("Classes are large enough"),
        "patient_ids": _("Patients are known"),
        "across_parts": _("No copy or patient in two parts of the split"),
    }[check]


def sentence(finding: Finding, _: Translate) -> str:
    """What was found, in one sentence."""
    if finding.status == "not_run":
        return _("Not checked.")
    passed, failed = {
        "readable": (_("All files gave an image."), _("Files that can not be read: {n}.")),
        "looks_like_mask": (
            _("No image has two levels only."),
            _("Images with two levels only, which look like masks and not like scans: {n}."),
        ),
        "constant": (_("No image is of a single level."), _("Images of a single level: {n}.")),
        "too_small": (
            _("No image is smaller than {side_px} pixels."),
            _("Images smaller than {side_px} pixels on a side: {n}."),
        ),
        "ending": (
            _("Every ending fits its contents."),
            _("Files that are not what their ending says, read by their contents: {n}."),
        ),
        "alpha": (
            _("No image is transparent."),
            _("Images with a transparency channel, laid over black: {n}."),
        ),
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
        "label_conflict": (
            _("No copies carry different labels."),
            _("Groups of copies with different labels, so that one label must be wrong: {n}."),
        ),
        "class_balance": (_("Samples a class: {counts}."), _("A class is too small to be judged: {counts}.")),
        "patient_ids": (
            _("Every image names its patient."),
            _("Images that do not name their patient: {n}. Two slices of one person may still stand in two parts."),
        ),
        "across_parts": (
            _("Every patient and every copy stands in one part only."),
            _("Images with a copy, or their own patient, in another part: {n}. Figures on that part are too good."),
        ),
    }[finding.check]
    text = passed if finding.status == "pass" else failed
    counts = ", ".join(f"{name} {n}" for name, n in finding.facts.get("counts", {}).items())
    return text.format(**{**finding.facts, "n": finding.count, "counts": counts})
