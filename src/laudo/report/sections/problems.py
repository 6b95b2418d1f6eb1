"""Problems: what went wrong or was left out on the way. Written last, when the other sections have been tried."""

from __future__ import annotations

from typing import Any

from laudo.report.light import audit_light
from laudo.report.mask_verdict import failure_sentences
from laudo.report.sections.draft import Draft

FIELDS = ("file", "expected", "found", "cure")


def build(draft: Draft) -> dict[str, Any]:
    """Errors, skipped files, damaged files; and how far "none" can be trusted."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    status = evidence.status
    labels = {"file": _("file"), "expected": _("expected"), "found": _("found"), "cure": _("what to do")}
    error = None
    if status.get("state") == "failed":
        error = {
            "what": str(status.get("what") or status.get("error") or _("The cause was not recorded.")),
            "lines": [(labels[key], str(status[key])) for key in FIELDS if status.get(key)],
            "details": [str(one) for one in status.get("details") or []],
        }
    state = ""
    if status.get("state") == "stopped" and status.get("reason") == "interrupted":
        state = _("The run was stopped by the user. Continue it with the same command and --resume.")
    elif status.get("state") == "stopped":
        state = _("The run was stopped before its end. Continue it with the same command and --resume.")
    elif status.get("state") == "running":
        state = _(
            "The run had not finished when this report was written, or was interrupted. Continue it with the same "
            "command and --resume."
        )
    skipped = [
        (str(one.get("sample", "")), str(one.get("what", ""))) for one in (evidence.audit or {}).get("skipped") or []
    ]
    lacking = sorted(draft.album.unreadable)
    structures = [] if evidence.scores is None else failure_sentences(evidence.scores, voice)
    nothing = not (error or state or skipped or lacking or structures or evidence.troubles)
    return {
        "error": error,
        "state": state,
        "structures": structures,
        "skipped": skipped,
        "troubles": evidence.troubles,
        "lacking": lacking,
        "left_out": draft.album.left_out,
        "nothing": _nothing(draft) if nothing else "",
    }


def _nothing(draft: Draft) -> str:
    """Say what may be said when nothing was recorded."""
    _ = draft.voice.gettext
    light = audit_light(draft.evidence.audit, draft.voice)
    if light.complete:
        return _(
            "Nothing went wrong: no file was left out, and all {n} checks of the data ran. What the checks found is "
            "under Audit."
        ).format(n=light.total)
    return (
        _(
            "Nothing was recorded, but only {n} of {m} checks of the data ran: that is not the same as having no "
            "problems."
        ).format(n=light.ran, m=light.total)
        if light.total
        else _("Nothing was recorded, but the data were not audited: that is not the same as having no problems.")
    )
