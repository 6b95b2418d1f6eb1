"""What a comparison of two runs, or of two recipes with several seeds, shows, in a sentence of the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from laudo.core.messages import N_
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


def pair_sentence(pair: Mapping[str, Any], names: Sequence[str], voice: Voice) -> str:
    """All that a pair shows: of each tested metric, and that the p are corrected.

    Args:
        pair: of compare.json.
        names: of the sides.
        voice: language.
    """
    a, b = names[pair["a"]], names[pair["b"]]
    *first, last = [{**one, "tests": 1} for one in pair["verdicts"].values()]
    last["tests"] = pair["verdict"]["tests"]
    return " ".join(verdict_sentence(one, a, b, voice) for one in (*first, last))


def verdict_sentence(verdict: Verdict, a: str, b: str, voice: Voice) -> str:
    """Say what a pair shows of one metric.

    Args:
        verdict: as :func:`laudo.evaluate.paired_verdict.verdict` gives it, of b minus a.
        a: name of the run or recipe given first.
        b: name of the one given second.
        voice: the language.
    """
    _ = voice.gettext
    kind, metric = verdict["kind"], str(verdict["metric"])
    method = verdict.get("method")
    facts = {"a": a, "b": b, "metric": compared_name(metric, voice), "test": name_of_test(method or "exact", voice)}
    if kind == "undefined":
        return _(
            "{a} and {b}: {metric} is not defined, or nothing tells how sure it is, so it can not be compared."
        ).format(**facts)
    facts["cases"] = cases_counted(verdict["n"], verdict["groups"], voice)
    over_seeds = method in OVER_SEEDS
    if kind == "identical":
        text = _("{a} and {b} have the same {metric} with every seed.") if over_seeds else _identical(metric, voice)
        return text.format(**facts)
    facts |= {
        "difference": signed(verdict["value"], voice),
        "amount": voice.number(abs(verdict["value"])),
        "interval": between(verdict["ci95"], voice),
        "p": p_equals(verdict["p_holm"], voice),
        "smallest": voice.number(verdict["smallest_p"]),
    }
    sentence = SENTENCES[kind](verdict, voice).format(**facts)
    seeds = [_ahead(verdict, voice).format(**facts, **_counted(verdict, voice))] if over_seeds else []
    return " ".join([sentence, *seeds, *_beside(verdict, voice)])


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
        return voice.gettext("Of {of} pairs of one run each, {b} is ahead in {better} and {a} in {worse}.")
    return voice.gettext("Of {of} pairs of runs with one seed, {b} is ahead in {better} and {a} in {worse}.")


def _counted(verdict: Verdict, voice: Voice) -> dict[str, str]:
    return {name: voice.integer(verdict[name]) for name in ("of", "better", "worse")}


def _beside(verdict: Verdict, voice: Voice) -> list[str]:
    """What else must be said: of the correction, and of what could not have been found."""
    _ = voice.gettext
    found = []
    if verdict["kind"] in {"not_shown", "divided"} and verdict["detectable"] is not None:
        text = (
            _(
                "With these seeds and cases a difference smaller than about {least} would be missed in more than one of five "
                "such studies."
            )
            if verdict.get("method") in OVER_SEEDS
            else _(
                "With these cases a difference smaller than about {least} would be missed in more than one of five such "
                "studies."
            )
        )
        found.append(text.format(least=voice.number(verdict["detectable"])))
    if verdict["tests"] > 1:
        found.append(_("The p is corrected for {tests} tests (Holm).").format(tests=verdict["tests"]))
    return found
