"""Answers on images, labels and how they were divided."""

from __future__ import annotations

import re
from typing import Any

from laudo.core.manifest import COLUMNS, PARTS
from laudo.report.checklist.about_study import is_public
from laudo.report.checklist.answer import Answer, State
from laudo.report.citations import SOURCES, cite
from laudo.report.context import Evidence
from laudo.report.light import audit_light
from laudo.report.methods_preparation import preparation_text
from laudo.report.methods_volumes import mask_preparation_text
from laudo.report.names import part_name
from laudo.report.voice import Voice

PERSONAL = {"sex", "gender", "age", "ethnicity", "race"}
"""Words in the names of columns that describe a person."""


def skipped(evidence: Evidence) -> int:
    """Images that were left out because they could not be used."""
    return len((evidence.audit or {}).get("skipped") or [])


def finding(evidence: Evidence, *checks: str) -> dict[str, Any] | None:
    """The first of these checks of the audit that found something."""
    found = {one.get("check"): one for one in (evidence.audit or {}).get("findings") or []}
    bad = (found[name] for name in checks if name in found and found[name].get("status") in ("warn", "fail"))
    return next(bad, None)


def ran(evidence: Evidence, check: str) -> bool:
    """Whether a check of the audit was run."""
    findings = (evidence.audit or {}).get("findings") or []
    return any(one.get("check") == check and one.get("status") != "not_run" for one in findings)


def sources(evidence: Evidence, voice: Voice) -> Answer:
    """Where the images come from."""
    _ = voice.gettext
    manifest = evidence.manifest
    if manifest is None:
        return Answer("author", _("Say where, when and from whom the images come."))
    counted = {"images": voice.images(len(manifest)), "groups": voice.groups(manifest.table["group"].nunique())}
    if is_public(evidence):
        text = _("{images} in {groups} of the public data set {source}{cited}.")
        cited = cite(*SOURCES.get(manifest.source, ()))
        return Answer("shown", text.format(source=manifest.source, cited=cited, **counted), "data")
    text = _("{images} in {groups} of one's own. The author says where, when and from whom they come.")
    return Answer("partly", text.format(**counted), "data")


def inclusion(evidence: Evidence, voice: Voice) -> Answer:
    """Who is in the set, and what was left out of it."""
    _ = voice.gettext
    if evidence.audit is None:
        return Answer("author", _("Say which patients and images were to be included."))
    text = _(
        "Left out because they could not be used: {images}. The author says which patients and images were to be included."
    )
    return Answer("partly", text.format(images=voice.images(skipped(evidence))), "problems")


def flow(evidence: Evidence, voice: Voice) -> Answer:
    """Numbers included, left out, and in each part."""
    _ = voice.gettext
    if evidence.manifest is None:
        return Answer("not_done", _("The images were not listed."))
    text = _("Included: {images} in {groups}; left out: {out}. {parts}")
    table = evidence.manifest.table
    return Answer(
        "shown",
        text.format(
            images=voice.images(len(table)),
            groups=voice.groups(table["group"].nunique()),
            out=voice.images(skipped(evidence)),
            parts=_parts(evidence, voice),
        ).strip(),
        "data",
    )


def _parts(evidence: Evidence, voice: Voice) -> str:
    """``training 120, validation 30, test 40``, or the number of folds."""
    assert evidence.manifest is not None
    if evidence.is_cross_validation:
        return voice.gettext("Folds: {n}.").format(n=voice.integer(len(evidence.run.folds())))
    counts = evidence.manifest.table["split"].value_counts()
    told = [f"{part_name(part, voice)} {voice.integer(counts[part])}" for part in PARTS if part in counts]
    return f"{voice.join(told)}." if told else ""


def preprocessing(evidence: Evidence, voice: Voice) -> Answer:
    """What was done to the pixels."""
    _ = voice.gettext
    recipe = evidence.recipe
    if recipe is None:
        return Answer("author", _("Describe what was done to the images before the model saw them."))
    write = mask_preparation_text if recipe.outlines else preparation_text
    sentences = write(evidence, recipe, voice)
    return Answer("shown", " ".join(sentences[:3]), "methods")


def quality(evidence: Evidence, voice: Voice) -> Answer:
    """Preparation, and the checks of the data."""
    _ = voice.gettext
    light = audit_light(evidence.audit, voice)
    if evidence.audit is None:
        return Answer("not_done", light.sentence, "audit")
    found = preprocessing(evidence, voice)
    state: State = "shown" if light.complete else "partly"
    return Answer(state, f"{_('Audit of the data')}: {light.sentence} {found.text}", "audit")


def subsets(evidence: Evidence, voice: Voice) -> Answer:
    """Whether only a part of the set, or of each image, was used."""
    _ = voice.gettext
    recipe = evidence.recipe
    if recipe is None:
        return Answer("author", _("Say which part of the data was used, and why."))
    told = []
    if recipe.data.rare == "drop":
        text = _("Classes with fewer than {n} images were left out with their images.")
        told.append(text.format(n=voice.integer(recipe.data.rare_below)))
    if recipe.prepare.crop != "none" or recipe.prepare.mask == "erase" or recipe.training.patch.size_voxels is not None:
        told.append(_("Of each image a part was used; see the methods."))
    if not told:
        return Answer("not_applicable", _("All usable images were used, each as a whole."), "data")
    return Answer("shown", " ".join(told), "methods")


def identity(evidence: Evidence, voice: Voice) -> Answer:
    """Whether images still name their patients."""
    _ = voice.gettext
    bad = finding(evidence, "patient_tags", "burned_in")
    if bad is not None:
        text = _("Some files may name their patient ({n}): take that out before anything is shared.")
        return Answer("not_done", text.format(n=voice.integer(bad.get("count") or 0)), "audit")
    if ran(evidence, "patient_tags") or ran(evidence, "burned_in"):
        text = _(
            "The checks for names in file headers and for letters in the pixels found nothing. "
            "The author says how names were removed."
        )
        return Answer("partly", text, "audit")
    return Answer("author", _("Say how names were removed; the run has not looked for them."))


def missing(evidence: Evidence, voice: Voice) -> Answer:
    """What became of broken images and absent labels."""
    _ = voice.gettext
    if evidence.audit is None or evidence.recipe is None:
        return Answer("author", _("Say what was done where an image or a label was missing."))
    n = skipped(evidence)
    if n:
        text = _("Broken or unusable files were left out, each with its reason: {images}.").format(
            images=voice.images(n)
        )
    elif evidence.recipe.data.unreadable == "stop":
        text = _("No file was broken: the run would have stopped at the first one.")
    else:
        text = _("No file was left out.")
    return Answer("shown", text, "problems")


def acquisition(evidence: Evidence, voice: Voice) -> Answer:
    """How the images were taken."""
    _ = voice.gettext
    extra = [] if evidence.manifest is None else [str(name) for name in evidence.manifest.table if name not in COLUMNS]
    if extra:
        text = _("The data set says of each image: {columns}. The author adds scanners, protocol and contrast.")
        return Answer("partly", text.format(columns=voice.join(extra[:8])), "data")
    return Answer("author", _("Describe scanners, protocol and contrast; the files do not say them."))


def reference(evidence: Evidence, voice: Voice) -> Answer:
    """What counts as the truth."""
    _ = voice.gettext
    names = voice.join(list(evidence.structures or evidence.classes))
    if not names:
        return Answer("author", _("Define what counts as the truth, so that others could repeat it."))
    if is_public(evidence):
        text = _(
            "The truth is what the makers of the data set say ({names}){cited}. The author repeats how they came to it."
        )
        source = evidence.manifest.source if evidence.manifest is not None else ""
        return Answer("partly", text.format(names=names, cited=cite(*SOURCES.get(source, ()))), "data")
    text = _("The truth is one of {names}. The author defines it so that others could repeat it.")
    return Answer("author", text.format(names=names))


def annotators(evidence: Evidence, voice: Voice) -> Answer:
    """Who said what is true."""
    _ = voice.gettext
    if is_public(evidence):
        return Answer(
            "author", _("Repeat from the data set's paper who made the labels or outlines, and with which training.")
        )
    return Answer("author", _("Say who made the labels or outlines, with which training and which tools."))


def agreement(evidence: Evidence, voice: Voice) -> Answer:
    """How far two readers agree."""
    _ = voice.gettext
    bad = finding(evidence, "label_conflict")
    if bad is not None:
        text = _("There is one reading of each image. Copies of one image that carry different labels: {n}.")
        return Answer("partly", text.format(n=voice.integer(bad.get("count") or 0)), "audit")
    return Answer("not_done", _("There is one reading of each image, so how far readers agree is not known."))


def assignment(evidence: Evidence, voice: Voice) -> Answer:
    """How images were assigned to parts, and the proportions."""
    _ = voice.gettext
    recipe = evidence.recipe
    if recipe is None or evidence.manifest is None:
        return Answer("author", _("Say how the images were divided."))
    by = {
        "group": _("by group, so that no group stood in two parts"),
        "patient": _("by patient, so that no patient stood in two parts"),
        "duplicates": _("by cluster of copies, so that no image stood in two parts"),
        "official": _("as the makers of the data set did"),
    }.get(recipe.split.by, _("at random, image by image"))
    text = _("Divided {by} (seed {seed}). {parts}")
    return Answer("shown", text.format(by=by, seed=recipe.split.seed, parts=_parts(evidence, voice)).strip(), "methods")


def disjoint(evidence: Evidence, voice: Voice) -> Answer:
    """On which level the parts share nothing."""
    _ = voice.gettext
    recipe = evidence.recipe
    if recipe is None or evidence.manifest is None:
        return Answer(
            "author", _("Say on which level the parts share nothing: image, examination, patient or hospital.")
        )
    if evidence.groups_divided:
        text = _(
            "The parts share no image, but copies of one image and images of one patient may stand in two of them."
        )
        return Answer("not_done", text, "limits")
    across = finding(evidence, "across_parts")
    if across is not None:
        text = _("Copies, or images of one patient, stand in two parts: {n}.")
        return Answer("not_done", text.format(n=voice.integer(across.get("count") or 0)), "audit")
    looked, by = ran(evidence, "across_parts"), recipe.split.by
    copies = looked or by in {"group", "duplicates"}
    if evidence.has_patients and (looked or by in {"group", "patient"}):
        text = _("The parts share no patient, and no copy of an image.") if copies else _("The parts share no patient.")
        return Answer("shown", text, "data")
    if not copies:
        text = _("Whether the parts share a patient, or copies of an image, was not looked at.")
        return Answer("not_done", text, "limits")
    text = _(
        "The parts share no copy of an image. Patients are not named in the data: whether the parts share one is not known."
    )
    return Answer("partly", text, "limits")


def sample_size(evidence: Evidence, voice: Voice) -> Answer:
    """How many cases, and what follows for the interval."""
    _ = voice.gettext
    result = evidence.result
    if result is None:
        return Answer("author", _("Say how many images were planned, and why."))
    metrics = result["metrics"]
    name = next((one for one in ("accuracy", "dice") if one in metrics), next(iter(metrics)))
    text = _(
        "Judged: {images} in {groups}; the interval of the main figure is {interval}. "
        "No size was calculated before: the author says how it came about."
    )
    return Answer(
        "author",
        text.format(
            images=voice.images(int(result.get("n") or 0)),
            groups=voice.groups(int(result.get("groups") or 0)),
            interval=voice.interval(metrics[name]) or "–",
        ),
        "results",
    )


def demographics(evidence: Evidence, voice: Voice) -> Answer:
    """Who the patients are."""
    _ = voice.gettext
    if (evidence.result or {}).get("subgroups"):
        return Answer("shown", _("The cases are described, and judged, by what the data say of them."), "subgroups")
    table = None if evidence.manifest is None else evidence.manifest.table
    named = (
        []
        if table is None
        else [str(name) for name in table if PERSONAL & set(re.split(r"[^a-z]+", str(name).lower()))]
    )
    if named:
        text = _("The data name {columns} of each image. The author makes the table by part from manifest.csv.")
        return Answer("partly", text.format(columns=voice.join(named)), "data")
    return Answer(
        "not_done", _("The data say neither sex nor age; nothing can be said of who the patients are."), "limits"
    )


def distribution(evidence: Evidence, voice: Voice) -> Answer:
    """Classes in the parts beside each other."""
    _ = voice.gettext
    manifest = evidence.manifest
    if manifest is None:
        return Answer("not_done", _("The images were not listed."))
    if evidence.is_cross_validation or not manifest.classes:
        return Answer(
            "shown",
            _("The parts are set beside each other in a figure and a table. {parts}").format(
                parts=_parts(evidence, voice)
            ),
            "data",
        )
    told = []
    for part in PARTS:
        counts = manifest.part(part).counts
        if total := sum(counts.values()):
            shares = ", ".join(f"{name} {voice.percent(n / total)}" for name, n in list(counts.items())[:4])
            told.append(f"{part_name(part, voice)}: {shares}")
    return Answer("shown", "; ".join(told) + ".", "data")
