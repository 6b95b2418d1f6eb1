"""The audit's light: one status for all checks. Green only when every check ran and passed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from laudo.report.names import STATUS
from laudo.report.voice import Voice


@dataclass(frozen=True)
class Light:
    """One status.

    Attributes:
        status: pass, warn, fail or not_run.
        shape: its sign.
        word: its word in the report's language.
        sentence: how many checks ran and what they found.
        ran: how many checks ran.
        total: how many there are.
    """

    status: str
    shape: str
    word: str
    sentence: str
    ran: int
    total: int

    @property
    def complete(self) -> bool:
        """Whether all checks ran."""
        return self.total > 0 and self.ran >= self.total


def audit_light(audit: dict[str, Any] | None, voice: Voice) -> Light:
    """Sum up audit.json; None is an audit that was not run."""
    _ = voice.gettext
    findings = (audit or {}).get("findings") or []
    counts = {status: sum(1 for one in findings if one.get("status") == status) for status in STATUS}
    ran = int((audit or {}).get("checks_run") or 0)
    total = int((audit or {}).get("checks_total") or 0)
    if counts["fail"]:
        status = "fail"
    elif counts["warn"]:
        status = "warn"
    elif not ran or ran < total or counts["not_run"]:
        status = "not_run"
    else:
        status = "pass"
    shape, word = STATUS[status]
    if audit is None:
        sentence = _("The data were not audited.")
    else:
        parts = [_("checks run: {n} of {m}").format(n=ran, m=total)]
        fails = voice.ngettext("{n} failed", "{n} failed", counts["fail"])
        warns = voice.ngettext("{n} warning", "{n} warnings", counts["warn"])
        parts += [text.format(n=n) for text, n in ((fails, counts["fail"]), (warns, counts["warn"])) if n]
        sentence = "; ".join(parts)
        sentence = sentence[0].upper() + sentence[1:] + "."
    incomplete = status == "not_run" and ran > 0
    return Light(status, shape, _("incomplete") if incomplete else _(word), sentence, ran, total)
