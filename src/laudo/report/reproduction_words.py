"""What reproduce.json says, in words: for the screen and for the report of the run that was trained again."""

from __future__ import annotations

from typing import Any

from laudo.core.messages import N_
from laudo.report.metrics_of_masks import digits
from laudo.report.names import in_order, metric_name
from laudo.report.voice import Voice

VERDICTS: dict[str, str] = {
    "identical": N_("The same to the bit: every figure, every prediction and the weights."),
    "close": N_("Every quoted figure agrees within the tolerance of {tolerance}."),
    "different": N_("Quoted figures differ by more than the tolerance of {tolerance}."),
    "other_data": N_("The data are not those of the run; nothing was trained."),
    "unfinished": N_("The new run is not finished, so nothing was compared. Go on with the same command and --resume."),
}

AGREEMENTS: dict[str, str] = {
    "identical": N_("equal to the bit"),
    "close": N_("within the tolerance"),
    "different": N_("different"),
}

LISTED = 10
"""So many files are named."""


def figure_rows(found: dict[str, Any], voice: Voice) -> list[dict[str, str]]:
    """The quoted figures of both runs, in the report's order."""
    rows = {row["metric"]: row for row in found.get("figures") or [] if row["part"] == found["part"]}
    return [
        {
            "name": metric_name(name, voice),
            "first": voice.number(rows[name]["first"], digits(name) + 1),
            "again": voice.number(rows[name]["again"], digits(name) + 1),
            "difference": _difference(rows[name]["difference"], voice),
            "agreement": voice.gettext(AGREEMENTS[rows[name]["agreement"]]),
        }
        for name in in_order(rows)
    ]


def _difference(value: float | None, voice: Voice) -> str:
    if value is None or value == 0:
        return voice.number(value, 0)
    return voice.number(value, 5) if abs(value) >= 5e-6 else f"{value:.1e}"


def sentences(found: dict[str, Any], voice: Voice) -> list[str]:
    """The verdict first, then what is behind it."""
    verdict = voice.gettext(VERDICTS[found["verdict"]]).format(tolerance=voice.short(found["tolerance"]))
    return [
        verdict,
        *_data(found, voice),
        *_inputs(found, voice),
        *_weights(found, voice),
        *_predictions(found, voice),
        *_causes(found, voice),
    ]


def _data(found: dict[str, Any], voice: Voice) -> list[str]:
    _ = voice.gettext
    data = found["data"]
    if data["same"]:
        told = [_("All {n} samples have the files that the run learned from.").format(n=voice.integer(data["samples"]))]
    else:
        told = [
            text.format(n=voice.integer(len(data[kind])), names=_some(data[kind]))
            for kind, text in (
                ("changed", _("Files whose contents have changed: {n} ({names}).")),
                ("missing", _("Files that are not there any more: {n} ({names}).")),
            )
            if data[kind]
        ]
    if data["unchecked"]:
        told.append(_("Folders of series that were not compared: {n}.").format(n=voice.integer(data["unchecked"])))
    return told


def _some(names: list[str]) -> str:
    return ", ".join(names[:LISTED]) + (" …" if len(names) > LISTED else "")


def _inputs(found: dict[str, Any], voice: Voice) -> list[str]:
    _ = voice.gettext
    texts = {
        "recipe": _("recipe.yaml has been changed since the run was made; this is a training of the changed one."),
        "manifest": _(
            "manifest.parquet has been changed since the run was made; this is a training on the changed one."
        ),
    }
    return [texts[one["name"]] for one in found["inputs"] if one["as_recorded"] is False]


def _weights(found: dict[str, Any], voice: Voice) -> list[str]:
    _ = voice.gettext
    files = found.get("weights") or []
    if not files:
        return []
    same = sum(one["same"] for one in files)
    if same == len(files):
        return [_("The weights are identical (files: {n}).").format(n=voice.integer(same))]
    return [
        _("Of {n} files of weights {same} are identical.").format(n=voice.integer(len(files)), same=voice.integer(same))
    ]


def _predictions(found: dict[str, Any], voice: Voice) -> list[str]:
    _ = voice.gettext
    told = []
    for one in found.get("predictions") or []:
        if one["part"] != found["part"]:
            continue
        if one["agreement"] == "identical":
            told.append(_("The predictions of all {n} samples are equal to the bit.").format(n=voice.integer(one["n"])))
        else:
            largest = "∞" if one["largest"] is None else f"{one['largest']:.2g}"
            told.append(
                _("The largest difference of a number among the predictions is {largest}.").format(largest=largest)
            )
        if one["answers_changed"]:
            text = _("The answer changed for {n} of {total} samples.")
            told.append(text.format(n=voice.integer(one["answers_changed"]), total=voice.integer(one["n"])))
        if one.get("masks_changed"):
            text = _("Of {total} masks {n} are not the same in every voxel.")
            told.append(text.format(n=voice.integer(one["masks_changed"]), total=voice.integer(one["masks"])))
    return told


def _causes(found: dict[str, Any], voice: Voice) -> list[str]:
    _ = voice.gettext
    if found["verdict"] not in AGREEMENTS:
        return []
    rows = found["environment"]
    if not rows:
        if found["verdict"] == "identical":
            return []
        return [
            _("Versions, processor, device and precision are the same in both runs, as far as they were written down.")
        ]
    told = voice.join([f"{row['name']} {row['first'] or '–'} → {row['again'] or '–'}" for row in rows])
    if found["verdict"] == "identical":
        return [_("Not the same in both runs, without an effect: {rows}.").format(rows=told)]
    return [_("Not the same in both runs, which can explain it: {rows}.").format(rows=told)]
