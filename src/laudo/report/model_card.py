"""MODEL_CARD.md: what travels with the weights, after Mitchell et al., "Model Cards for Model Reporting" (2019)."""

from __future__ import annotations

import re
from pathlib import Path

from laudo.core.atomic import write_text
from laudo.core.run import Run
from laudo.report.checklist.about_data import assignment, demographics, disjoint, identity
from laudo.report.checklist.about_results import events, external, heterogeneity
from laudo.report.citations import cited
from laudo.report.context import Evidence, gather
from laudo.report.light import audit_light
from laudo.report.limits import limits
from laudo.report.methods import methods_text
from laudo.report.metrics_of_masks import digits, with_unit
from laudo.report.names import in_order, metric_name, part_name, short_name
from laudo.report.references import bibtex
from laudo.report.verdict import baseline_sentence, leakage_sentences, verdict, warnings
from laudo.report.voice import Voice


def write_model_card(run: Run, language: str) -> Path:
    """Write MODEL_CARD.md from what the run folder holds.

    Args:
        run: a run, or the root of a cross-validation.
        language: en, pt or es.

    Returns:
        Path of MODEL_CARD.md.

    Raises:
        ValueError: laudo does not speak this language.
        OSError: the run folder can not be written.
    """
    voice = Voice(language)
    evidence = gather(run)
    path = run.folder / "MODEL_CARD.md"
    write_text(path, model_card(evidence, voice))
    return path


def model_card(evidence: Evidence, voice: Voice) -> str:
    """Markdown of the card."""
    _ = voice.gettext
    methods = methods_text(evidence, voice)
    blocks = [
        _front_matter(evidence, voice),
        f"# {plain(evidence.name)}",
        plain(verdict(evidence, voice)),
        plain(baseline_sentence(evidence, voice)),
        "**" + _("For research only, not a medical device.") + "**",
        *_warning(evidence, voice),
        *_model(evidence, voice),
        *_use(evidence, voice),
        *_data(evidence, voice),
        *_results(evidence, voice),
        *_factors(evidence, voice),
        "## " + _("Ethical considerations"),
        plain(identity(evidence, voice).text),
        _("No decision about a person may rest on this model."),
        "## " + _("Limits"),
        _bullets(limits(evidence, voice)),
        "## " + _("Methods"),
        *[plain(text) for text in methods],
        *_references(methods, voice),
        "## " + _("For the author to fill in"),
        _bullets(
            [
                _("Who made the model, and who answers questions."),
                _("The licence of the weights, and whether that of the images allows it."),
                _("What the model is meant for, and by whom."),
            ]
        ),
        _("The checklists (checklist.md) say item by item what else a paper has to report."),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def plain(text: str) -> str:
    """Text in which nothing acts as Markdown or HTML: names come from files and folders."""
    return (
        re.sub(r"([\\`*_{}\[\]<>|#~$])", r"\\\1", " ".join(str(text).split()))
        .replace("\\<", "&lt;")
        .replace("\\>", "&gt;")
    )


def _bullets(items: list[str]) -> str:
    return "\n".join(f"- {plain(item)}" for item in items)


def _front_matter(evidence: Evidence, voice: Voice) -> str:
    """Metadata that model hubs read."""
    named = evidence.names_classes or not evidence.outlines
    tags = ["medical-imaging", *["image-segmentation"] * evidence.outlines, *["image-classification"] * named, "laudo"]
    return "\n".join(
        ["---", f"language: {voice.language}", "library_name: laudo", "tags:", *[f"- {tag}" for tag in tags], "---"]
    )


def _warning(evidence: Evidence, voice: Voice) -> list[str]:
    found = warnings(evidence, voice)
    if not found:
        return []
    title = voice.gettext("These figures are not what they seem.")
    return [
        f"> **▲ {title}**\n>\n"
        + "\n".join(f"> - {plain(text)}" for text in [*found, *leakage_sentences(evidence, voice)])
    ]


def _model(evidence: Evidence, voice: Voice) -> list[str]:
    _ = voice.gettext
    model, recipe = evidence.model, evidence.recipe
    if evidence.is_cross_validation:  # what it knows of one fold's model is not so of their mean
        model = {key: value for key, value in model.items() if key not in {"threshold", "parameters", "members"}}
    facts = [
        (_("Network"), recipe.network.backbone if recipe else None),
        (_("Structures"), ", ".join(evidence.structures) if evidence.outlines else None),
        (_("Patch"), " × ".join(map(str, model["window"])) if evidence.outlines and model.get("window") else None),
        (_("Classifier"), recipe.network.classifier if recipe and recipe.network.classifier != "dense" else None),
        (
            _("Classifier beside it"),
            ", ".join(f"{one.classifier} ({one.learns_from})" for one in recipe.network.companions) if recipe else None,
        ),
        (_("Measured features"), ", ".join(recipe.network.descriptors) if recipe else None),
        (_("Members of the ensemble"), str(model["members"]) if (model.get("members") or 0) > 1 else None),
        (_("Classes"), ", ".join(evidence.classes)),
        (_("Positive class"), evidence.positive),
        (_("Threshold"), voice.number(model["threshold"]) if model.get("threshold") is not None else None),
        (_("Parameters"), voice.integer(model["parameters"]) if model.get("parameters") else None),
        (_("Pretrained weights"), model.get("weights")),
        (_("Made with"), f"laudo {evidence.environment['laudo']}" if evidence.environment.get("laudo") else None),
        (_("Date"), voice.date(evidence.environment.get("started"))),
    ]
    lines = "\n".join(f"- {name}: {plain(str(value))}" for name, value in facts if value)
    return ["## " + _("Model"), lines] if lines else []


def _use(evidence: Evidence, voice: Voice) -> list[str]:
    """What it is for, what it is not for, and the command that asks it."""
    _ = voice.gettext
    blocks = [
        "## " + _("Intended use"),
        _(
            "Research and teaching: to study how such a model is trained, judged and explained. Not for diagnosis, "
            "triage or any decision "
            "about a person."
        ),
    ]
    recipe = evidence.recipe
    if recipe is not None and (evidence.model or evidence.is_cross_validation):
        masks = " --masks MASKS" if recipe.needs_mask else ""
        texts = " --texts TABLE" if recipe.network.text is not None else ""
        command = f"laudo predict {evidence.name} IMAGES -o ANSWERS{masks}{texts}"
        blocks += [_("On new images:"), f"```sh\n{command}\n```"]
    return blocks


def _factors(evidence: Evidence, voice: Voice) -> list[str]:
    """For which people, places and devices the figures speak, and for which they do not."""
    told = [
        part.text for part in (demographics(evidence, voice), heterogeneity(evidence, voice), external(evidence, voice))
    ]
    return ["## " + voice.gettext("People, places and devices"), _bullets(told)]


def _data(evidence: Evidence, voice: Voice) -> list[str]:
    _ = voice.gettext
    manifest = evidence.manifest
    blocks = ["## " + _("Data")]
    if manifest is not None:
        counts = manifest.counts
        blocks.append(
            f"{plain(manifest.source)}: {voice.images(len(manifest))}, "
            f"{voice.groups(manifest.table['group'].nunique())}. "
            + plain("; ".join(f"{name}: {voice.integer(counts.get(name, 0))}" for name in manifest.classes))
            + ("." if manifest.classes else "")
        )
        blocks.append(
            _bullets([assignment(evidence, voice).text, disjoint(evidence, voice).text, events(evidence, voice).text])
        )
    light = audit_light(evidence.audit, voice)
    return [*blocks, f"{_('Audit of the data')}: {light.shape} {light.word}. {light.sentence}"]


def _results(evidence: Evidence, voice: Voice) -> list[str]:
    _ = voice.gettext
    result = evidence.result
    if result is None:
        return []
    part = part_name(evidence.headline, voice)
    lines = [f"| {_('Metric')} | {_('Value')} | {_('95 % interval')} | n |", "| --- | ---: | ---: | ---: |"]
    for name in in_order(result["metrics"]):
        metric, places = result["metrics"][name], digits(name)
        named = with_unit(metric_name(name, voice), name, evidence.length_unit, voice)
        cells = (named, voice.number(metric.get("value"), places), voice.interval(metric, places) or "–")
        lines.append(f"| {' | '.join(cells)} | {voice.integer(result.get('n'))} |")
    return [f"## {_('Results')} ({part})", "\n".join(lines), *_by_structure(evidence, voice)]


def _by_structure(evidence: Evidence, voice: Voice) -> list[str]:
    """Dice, distance and surface Dice of each structure; nothing where none is outlined."""
    found = (evidence.result or {}).get("per_class") or {}
    if not evidence.outlines or not found:
        return []
    _ = voice.gettext
    names = ("dice", "hd95_mm", "nsd")
    heads = [with_unit(short_name(name, voice), name, evidence.length_unit, voice) for name in names]
    lines = [f"| {_('Structure')} | {' | '.join(heads)} | n |", "| --- | ---: | ---: | ---: | ---: |"]
    for structure, one in found.items():
        cells = []
        for name in names:
            interval = voice.interval(one.get(name), digits(name))
            value = voice.number((one.get(name) or {}).get("value"), digits(name))
            cells.append(f"{value} ({interval})" if interval else value)
        lines.append(f"| {plain(structure)} | {' | '.join(cells)} | {voice.integer(one.get('n'))} |")
    return ["\n".join(lines)]


def _references(paragraphs: list[str], voice: Voice) -> list[str]:
    keys = cited(paragraphs)
    return ["## " + voice.gettext("References"), "```bibtex\n" + bibtex(keys) + "```"] if keys else []
