"""What a comparison of two runs, or of two recipes with several seeds, shows, in a sentence of the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from laudo.core.messages import N_
from laudo.evaluate.notes import metric_name
from laudo.report.compare_words import between, cases_counted, compared_name, p_equals, signed
from laudo.report.voice import Voice

TESTS: dict[str, str] = {
    "exact": N_("Wilcoxon"),
    "normal": N_("Wilcoxon"),
    "mcnemar": N_("McNemar"),
    "exchange_exact": N_("McNemar by groups"),
    "exchange_normal": N_("McNemar by groups"),
    "delong": N_("DeLong"),
    "obuchowski": N_("DeLong by groups"),
    "seeds_paired": N_("t test over seeds and cases"),
    "seeds_apart": N_("t test over seeds and cases"),
    "splits_paired": N_("corrected t test over splits"),
}
"""What a test is called, by the method of a cell."""

OVER_SEEDS = frozenset({"seeds_paired", "seeds_apart", "splits_paired"})

Verdict = Mapping[str, Any]


def name_of_test(method: str | None, voice: Voice) -> str:
    """Name of a test; empty where there is none."""
    return voice.gettext(TESTS[method]) if method else ""


@dataclass(frozen=True)
class PairWords:
    """What a pair shows.

    Attributes:
        lead: of the primary metric.
        others: of the other metrics that are tested.
        beside: in how many pairs of seeds, and what could not have been found.
        corrected: that the p are corrected; empty of a single test.
    """

    lead: str
    others: list[str]
    beside: list[str]
    corrected: list[str]


def pair_words(pair: Mapping[str, Any], names: Sequence[str], voice: Voice) -> PairWords:
    """Put a pair into sentences.

    Args:
        pair: of compare.json.
        names: of the sides.
        voice: language.
    """
    a, b = names[pair["a"]], names[pair["b"]]
    verdicts = list(pair["verdicts"].values())
    lead, *others = (_lead(one, a, b, voice) for one in verdicts)
    beside = [text for one in verdicts for text in _beside(one, a, b, voice)]
    return PairWords(lead, others, beside, _corrected(pair["verdict"], voice))


def pair_sentence(pair: Mapping[str, Any], names: Sequence[str], voice: Voice) -> str:
    """The same in one text."""
    words = pair_words(pair, names, voice)
    return " ".join([words.lead, *words.others, *words.beside, *words.corrected])


def verdict_sentence(verdict: Verdict, a: str, b: str, voice: Voice) -> str:
    """Say what a pair shows of one metric.

    Args:
        verdict: as :func:`laudo.evaluate.paired_verdict.verdict` gives it, of b minus a.
        a: name of the run or recipe given first.
        b: name of the one given second.
        voice: the language.
    """
    return " ".join([_lead(verdict, a, b, voice), *_beside(verdict, a, b, voice), *_corrected(verdict, voice)])


def name_within(metric: str, voice: Voice) -> str:
    """Name of a metric within a sentence."""
    return metric_name(metric, voice.gettext) if metric in {"accuracy", "auc_roc"} else compared_name(metric, voice)


def _lead(verdict: Verdict, a: str, b: str, voice: Voice) -> str:
    """The finding itself."""
    _ = voice.gettext
    kind, metric, method = verdict["kind"], str(verdict["metric"]), verdict.get("method")
    facts = {"a": a, "b": b, "metric": name_within(metric, voice), "test": name_of_test(method or "exact", voice)}
    if kind == "undefined":
        text = _("{a} and {b}: {metric} is not defined, or nothing tells how sure it is, so it can not be compared.")
        return text.format(**facts)
    facts["cases"] = cases_counted(verdict["n"], verdict["groups"], voice)
    if kind == "identical":
        same = _("{a} and {b} have the same {metric} with every seed.")
        return (same if method in OVER_SEEDS else _identical(metric, voice)).format(**facts)
    facts |= {
        "difference": signed(verdict["value"], voice),
        "amount": voice.number(abs(verdict["value"])),
        "interval": between(verdict["ci95"], voice),
        "p": p_equals(verdict["p_holm"], voice),
        "smallest": voice.number(verdict["smallest_p"]),
    }
    template = SENTENCES[kind](verdict, voice)
    if template.startswith("{metric}"):
        facts["metric"] = facts["metric"][:1].upper() + facts["metric"][1:]
    return template.format(**facts)


def _identical(metric: str, voice: Voice) -> str:
    if metric == "accuracy":
        return voice.gettext("{a} and {b} are right and wrong in the same of {cases}.")
    if metric == "auc_roc":
        return voice.gettext("{a} and {b} give the same probabilities in each of {cases}.")
    return voice.gettext("{a} and {b} have the same {metric} in each of {cases}.")


def _shown(verdict: Verdict, voice: Voice) -> str:
    _ = voice.gettext
    if verdict["value"] > 0:
        return _(
            "{metric} of {b} is {amount} higher than that of {a} (95 % interval {interval}; {test} {p} over {cases})."
        )
    return _("{metric} of {b} is {amount} lower than that of {a} (95 % interval {interval}; {test} {p} over {cases}).")


def _divided(verdict: Verdict, voice: Voice) -> str:
    return voice.gettext(
        "{metric}, {b} minus {a}: {difference} (95 % interval {interval}; {test} {p} over {cases}). The interval and the test "
        "do not agree, so this is not taken for a difference that was shown."
    )


def _not_shown(verdict: Verdict, voice: Voice) -> str:
    return voice.gettext(
        "No difference in {metric} could be shown between {a} and {b}: {difference} (95 % interval {interval}; {test} {p} over "
        "{cases})."
    )


def _too_few(verdict: Verdict, voice: Voice) -> str:
    return voice.gettext(
        "{metric}, {b} minus {a}: {difference} (95 % interval {interval}; {test} {p} over {cases}). With so few, the smallest "
        "p that this test can give is {smallest}: no difference, however large, could have been shown."
    )


SENTENCES: dict[str, Callable[[Verdict, Voice], str]] = {
    "shown": _shown,
    "divided": _divided,
    "not_shown": _not_shown,
    "too_few": _too_few,
}


def _ahead(verdict: Verdict, voice: Voice) -> str:
    """In how many pairs of runs the second recipe is ahead."""
    if verdict["method"] == "seeds_apart":
        return voice.gettext("In {metric}, {b} is ahead in {better} of {of} pairs of one run each, and {a} in {worse}.")
    return voice.gettext(
        "In {metric}, {b} is ahead in {better} of {of} pairs of runs with the same seed, and {a} in {worse}."
    )


def _beside(verdict: Verdict, a: str, b: str, voice: Voice) -> list[str]:
    """What else must be said: of the seeds, and of what could not have been found."""
    _ = voice.gettext
    kind, over_seeds = verdict["kind"], verdict.get("method") in OVER_SEEDS
    found = []
    if over_seeds and kind not in {"identical", "undefined"}:
        counts = {name: voice.integer(verdict[name]) for name in ("of", "better", "worse")}
        found.append(
            _ahead(verdict, voice).format(a=a, b=b, metric=name_within(str(verdict["metric"]), voice), **counts)
        )
    if kind in {"not_shown", "divided"} and verdict["detectable"] is not None:
        text = (
            _(
                "With these seeds and cases a difference in {metric} smaller than about {least} would be missed in more than "
                "one of five such studies."
            )
            if over_seeds
            else _(
                "With these cases a difference in {metric} smaller than about {least} would be missed in more than one of five "
                "such studies."
            )
        )
        metric = name_within(str(verdict["metric"]), voice)
        found.append(text.format(metric=metric, least=voice.number(verdict["detectable"])))
    return found


def _corrected(verdict: Verdict, voice: Voice) -> list[str]:
    if verdict["tests"] < 2:
        return []
    return [voice.gettext("The p is corrected for {tests} tests (Holm).").format(tests=verdict["tests"])]
